// At which facility one works: one's own; who oversees several types a few letters, and the last choice is remembered.

import { the } from "./scan_cards.js";
import { button } from "./scan_parts.js";

const PAUSE_MS = 250;

/** @typedef {{ code: string, name: string }} Facility */

/**
 * @param {string} user
 * @param {(facility: string) => void} chosen
 */
export function choosePlace(user, chosen) {
  const place = /** @type {HTMLInputElement | null} */ (document.getElementById("facility"));
  if (!place) return chosen("");
  const search = document.getElementById("facility-search");
  if (!(search instanceof HTMLInputElement)) return chosen(place.value);
  const key = `rantai-fasilitas ${user}`;
  /** @param {Facility} facility */
  const choose = ({ code, name }) => {
    place.value = code;
    search.value = name;
    the("facility-found", HTMLElement).replaceChildren();
    localStorage.setItem(key, JSON.stringify({ code, name }));
    chosen(code);
  };
  const before = localStorage.getItem(key);
  if (before) choose(JSON.parse(before));
  else chosen(place.value);
  /** @type {number | undefined} */
  let timer;
  search.addEventListener("focus", () => search.select());
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => suggest(search, choose), PAUSE_MS);
  });
}

/**
 * @param {HTMLInputElement} search
 * @param {(facility: Facility) => void} choose
 */
async function suggest(search, choose) {
  const box = the("facility-found", HTMLElement);
  const typed = search.value.trim();
  if (!typed) return box.replaceChildren();
  try {
    const answer = await fetch(`/scan/fasilitas.json?q=${encodeURIComponent(typed)}`, {
      headers: { Accept: "application/json" },
    });
    /** @type {{ items: Facility[], more: boolean }} */
    const { items, more } = await answer.json();
    if (search.value.trim() !== typed) return;
    box.replaceChildren(...items.map((each) => button(each.name, () => choose(each), "quiet")));
    if (more) box.append(box.dataset.more ?? "");
    if (!items.length) box.textContent = box.dataset.none ?? "";
  } catch {
    box.textContent = box.dataset.offline ?? "";
  }
}
