// "Nearest to me": asks the phone once and lets the server sort. Without it the page works by day.
const button = document.getElementById("near");

if (button instanceof HTMLButtonElement && "geolocation" in navigator && window.isSecureContext) {
  button.hidden = false;
  button.addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const form = button.form;
        if (!form) return;
        // Two decimals are a kilometre: enough to sort by, too little to find a home. Sent, never put into the address.
        sayIn(form, "lat", coords.latitude.toFixed(2));
        sayIn(form, "lon", coords.longitude.toFixed(2));
        form.method = "post";
        form.requestSubmit();
      },
      () => {
        const note = document.getElementById("near-note");
        if (note) note.textContent = button.dataset.failed ?? "";
      },
      { timeout: 10000, maximumAge: 600000 },
    );
  });
  // Come back to by the browser's button, the form asks for a list again and tells nothing.
  window.addEventListener("pageshow", () => {
    const form = button.form;
    if (!form) return;
    form.method = "get";
    for (const said of form.querySelectorAll("input[type=hidden]")) said.remove();
  });
}

/**
 * A value that the form sends and nobody types.
 * @param {HTMLFormElement} form
 * @param {string} name
 * @param {string} value
 */
function sayIn(form, name, value) {
  const input = document.createElement("input");
  input.type = "hidden";
  input.name = name;
  input.value = value;
  form.append(input);
}
