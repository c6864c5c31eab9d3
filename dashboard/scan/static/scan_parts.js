// The parts that jobs are made of: buttons for a thumb, lines of goods with a number that can be tapped or typed.

import { element, the } from "./scan_cards.js";

/**
 * @param {string} words
 * @param {() => void} act
 * @param {string} look
 */
export function button(words, act, look = "") {
  const made = /** @type {HTMLButtonElement} */ (
    element("button", { type: "button", ...(look ? { class: look } : {}) }, words)
  );
  made.addEventListener("click", act);
  return made;
}

/**
 * One of a few, as buttons; the chosen one is pressed.
 * @template T
 * @param {string} label
 * @param {T[]} items
 * @param {(item: T) => string} name
 * @param {T | null} chosen
 * @param {(item: T) => void} act
 */
export function choices(label, items, name, chosen, act) {
  const buttons = items.map((item) => {
    const made = button(name(item), () => act(item), "quiet");
    made.setAttribute("aria-pressed", String(item === chosen));
    return made;
  });
  return element(
    "div",
    { class: "choices", role: "group", "aria-label": label },
    element("p", { class: "ask" }, label),
    ...buttons,
  );
}

/**
 * @param {string} label
 * @param {Record<string, string>} options value → words
 * @param {string} chosen
 * @param {(value: string) => void} act
 */
export function choice(label, options, chosen, act) {
  const list = /** @type {HTMLSelectElement} */ (element("select"));
  for (const [value, words] of Object.entries(options)) list.append(new Option(words, value, false, value === chosen));
  list.addEventListener("change", () => act(list.value));
  return element("label", {}, label, list);
}

const MOST_DIGITS = 7; // as on the pages: ten million vials are in no store
const PAUSE_MS = 300; // between what fingers typed and what a scanner types after it

/** What is being typed without a pause, and what stood before: a field is drawn anew by each letter. */
let run = { label: "", before: /** @type {number | null} */ (null), text: "", at: 0 };

/**
 * A number with a key for less and one for more; what is typed counts at once, letter by letter.
 * What a scanner types there is no amount: it goes on in the field for codes.
 * @param {string} label
 * @param {number | null} value null where nobody said one yet
 * @param {(value: number | null, typed: boolean) => void} act
 */
export function stepper(label, value, act) {
  const field = /** @type {HTMLInputElement} */ (
    element("input", { type: "text", inputmode: "numeric", autocomplete: "off", "aria-label": label })
  );
  let stood = value;
  const show = () => {
    field.value = stood === null ? "" : String(stood);
  };
  show();
  const said = (/** @type {number | null} */ number, /** @type {boolean} */ typed) => {
    stood = number;
    act(number, typed);
  };
  field.addEventListener("input", (event) => {
    const { data, inputType, timeStamp } = /** @type {InputEvent} */ (event);
    if (run.label !== label || timeStamp - run.at > PAUSE_MS) run = { label, before: stood, text: "", at: 0 };
    run.at = timeStamp;
    if (inputType.startsWith("insert")) run.text += data ?? field.value;
    const digits = field.value.replace(/\D/g, "");
    if (run.text.length > MOST_DIGITS) {
      const code = run.text;
      said(run.before, true);
      show();
      run.label = "";
      const codes = the("text", HTMLInputElement);
      codes.value = code;
      codes.focus({ preventScroll: true });
    } else if (digits.length > MOST_DIGITS) show();
    else said(digits === "" ? null : Number(digits), true);
  });
  const less = button("−", () => said(Math.max(0, (stood ?? 0) - 1), false), "quiet");
  less.setAttribute("aria-label", `${label} −1`);
  const more = button("+", () => said((stood ?? 0) + 1, false), "quiet");
  more.setAttribute("aria-label", `${label} +1`);
  return element("div", { class: "stepper" }, less, field, more);
}

/**
 * A few words, kept letter by letter.
 * @param {string} label
 * @param {string} value
 * @param {(value: string) => void} act
 */
export function words(label, value, act) {
  const field = /** @type {HTMLInputElement} */ (element("input", { maxlength: "64", autocomplete: "off" }));
  field.value = value;
  field.addEventListener("input", () => act(field.value.trim()));
  return element("label", {}, label, field);
}

/**
 * Puts parts in the place of others; who is typing, or on a key, stays there.
 * @param {HTMLElement} box
 * @param {Node[]} parts
 */
export function redraw(box, parts) {
  const focused = box.contains(document.activeElement) ? document.activeElement?.getAttribute("aria-label") : null;
  box.replaceChildren(...parts);
  if (!focused) return;
  const again = [...box.querySelectorAll("input, button")].find((each) => each.getAttribute("aria-label") === focused);
  if (!(again instanceof HTMLElement)) return;
  again.focus({ preventScroll: true });
  if (again instanceof HTMLInputElement) again.setSelectionRange(again.value.length, again.value.length);
}

/**
 * A line of goods: what it is, and what belongs to it.
 * @param {string} name
 * @param {string} facts
 * @param {"ok" | "low" | "out" | ""} tone
 * @param {(Node | null)[]} parts
 */
export function goods(name, facts, tone, parts) {
  const head = element(
    "div",
    { class: "what" },
    element("strong", {}, name),
    element("span", { class: "small" }, facts),
  );
  return element("li", { class: `goods ${tone}` }, head, .../** @type {Node[]} */ (parts.filter(Boolean)));
}
