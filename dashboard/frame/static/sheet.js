// Opens a row of a table on a phone: what the row has no room for comes below it. On a desk all of it is in sight.

/** Rows that somebody opened, by the id of their button; a refreshed table opens them again. */
const opened = new Set();

/** @param {Element} button */
function unfold(button) {
  const row = button.closest("tr");
  if (!row) return;
  const list = document.createElement("dl");
  list.className = "facts";
  for (const cell of row.querySelectorAll(":scope > .wide")) {
    const name = document.createElement("dt");
    const value = document.createElement("dd");
    name.textContent = cell instanceof HTMLElement ? (cell.dataset.name ?? "") : "";
    value.append(...[...cell.childNodes].map((node) => node.cloneNode(true)));
    list.append(name, value);
  }
  const more = document.createElement("tr");
  more.className = "more";
  const cell = more.insertCell();
  cell.colSpan = row.cells.length;
  cell.append(list);
  row.after(more);
  button.setAttribute("aria-expanded", "true");
  opened.add(button.id);
}

/** @param {Element} button */
function fold(button) {
  const more = button.closest("tr")?.nextElementSibling;
  if (more?.classList.contains("more")) more.remove();
  button.setAttribute("aria-expanded", "false");
  opened.delete(button.id);
}

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest(".sheet .fold button") : null;
  if (!button) return;
  if (button.getAttribute("aria-expanded") === "true") fold(button);
  else unfold(button);
});

document.addEventListener("rantai:swapped", () => {
  for (const id of opened) {
    const button = document.getElementById(id);
    if (button?.getAttribute("aria-expanded") === "false") unfold(button);
  }
});
