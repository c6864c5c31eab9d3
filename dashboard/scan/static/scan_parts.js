// The parts that jobs are made of: buttons for a thumb, lines of goods with a number that can be tapped or typed.

import { element } from "./scan_cards.js";

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

/**
 * A number with a key for less and one for more; what is typed counts at once, letter by letter.
 * @param {string} label
 * @param {number | null} value null where nobody said one yet
 * @param {(value: number | null, typed: boolean) => void} act
 */
export function stepper(label, value, act) {
  const field = /** @type {HTMLInputElement} */ (
    element("input", { type: "text", inputmode: "numeric", maxlength: "8", autocomplete: "off", "aria-label": label })
  );
  field.value = value === null ? "" : String(value);
  const read = () => {
    const digits = field.value.replace(/\D/g, "");
    return digits === "" ? null : Number(digits);
  };
  field.addEventListener("input", () => act(read(), true));
  const less = button("−", () => act(Math.max(0, (read() ?? 0) - 1), false), "quiet");
  less.setAttribute("aria-label", `${label} −1`);
  const more = button("+", () => act((read() ?? 0) + 1, false), "quiet");
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
