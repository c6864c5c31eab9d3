// A form that waited for a log-in goes back into its page: filled in as it was, to be read over and sent by hand.

const KEY = "rantai-waiting";

/** @typedef {[action: string, back: string, fields: [name: string, value: string][]]} Waiting as resuming.py packs it */

/** On the page that offers to send it: the way back keeps what was typed. */
function offer() {
  const way = document.querySelector("a[data-waiting]");
  if (!(way instanceof HTMLAnchorElement)) return;
  way.textContent = way.dataset.keeps ?? way.textContent;
  way.addEventListener("click", () => sessionStorage.setItem(KEY, way.dataset.waiting ?? ""));
}

const NEVER = ["hidden", "file", "password"];
const TICKED = ["checkbox", "radio"];

/**
 * A box or a choice is ticked when it is the one that was.
 * @param {Element} field
 * @param {string} value
 */
function put(field, value) {
  if (field instanceof HTMLSelectElement || field instanceof HTMLTextAreaElement) field.value = value;
  if (!(field instanceof HTMLInputElement) || NEVER.includes(field.type)) return;
  if (TICKED.includes(field.type)) field.checked ||= field.value === value;
  else field.value = value;
}

/** On the form's own page: fills it in, opens what hides it and goes there. Once. */
function refill() {
  const kept = sessionStorage.getItem(KEY);
  if (!kept) return;
  /** @type {Waiting} */
  let waiting;
  try {
    waiting = JSON.parse(kept);
  } catch {
    sessionStorage.removeItem(KEY);
    return;
  }
  const [action, , fields] = waiting;
  const form = [...document.forms].find((each) => new URL(each.action).pathname === action && each.method === "post");
  if (!form) return;
  sessionStorage.removeItem(KEY);
  for (const [name, value] of fields)
    for (const field of form.elements) if (field.getAttribute("name") === name) put(field, value);
  for (let around = form.closest("details"); around; around = around.parentElement?.closest("details") ?? null)
    around.open = true;
  form.scrollIntoView({ block: "center" });
}

offer();
refill();
