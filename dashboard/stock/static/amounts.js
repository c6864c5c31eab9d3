// One tap for "all of it" beside a field for vials; without scripts the number is typed.

for (const button of document.querySelectorAll("button[data-fill]")) {
  if (!(button instanceof HTMLButtonElement)) continue;
  const field = document.getElementById(button.dataset.fill ?? "");
  if (!(field instanceof HTMLInputElement)) continue;
  button.hidden = false;
  button.parentElement?.querySelector("[data-of]")?.remove();
  button.addEventListener("click", () => {
    field.value = field.value === button.dataset.most ? "" : (button.dataset.most ?? "");
  });
}
