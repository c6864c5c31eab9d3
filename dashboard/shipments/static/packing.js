// Picking by scan: the house says which line a code ticks, or why the goods stay where they are; here that is seen, heard
// and felt, and the lines are drawn anew. Without scripts the same form is sent and the same page comes back.

import { the } from "./scan_cards.js";
import { feel } from "./scan_feel.js";
import { listen } from "./scan_sources.js";

/**
 * @typedef {import("./scan_feel.js").Tone} Tone
 * @typedef {{ items: { scan: { text: string } }[], refused: { message?: string, message_id?: string }[] }} Photo
 */

const PATIENCE_MS = 20_000;
const MOST_DIGITS = 7; // of an amount; the shortest code of goods has eight

if (document.getElementById("lines")) pick();

function pick() {
  const form = the("form", HTMLFormElement);
  const banner = the("feel", HTMLElement);
  const lines = the("lines", HTMLElement);
  const lost = banner.dataset.lost ?? "";
  /** @type {Promise<void>} each scan finds the form as the one before it left it */
  let before = Promise.resolve();

  /** @param {string} code */
  function scanned(code) {
    if (code.trim()) before = before.then(() => ask(code)).catch(() => feel(banner, "out", lost));
  }

  /** @param {string} code */
  async function ask(code) {
    const said = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") said.append(name, value);
    said.set("kode", code);
    const answer = await fetch(the("read", HTMLButtonElement).formAction, {
      method: "POST",
      body: said,
      headers: { Accept: "text/html" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    // Packed by somebody else meanwhile: the shipment's own page says so.
    if (answer.redirected) return location.assign(answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [drawn, word] = [page.getElementById("lines"), page.getElementById("feel")];
    if (!drawn || !word) return feel(banner, "out", lost);
    lines.replaceChildren(...drawn.childNodes);
    feel(banner, /** @type {Tone} */ (word.dataset.tone), word.textContent ?? "");
  }

  // What lands in a field for vials and is too long for an amount came from the scanner: the amount stays, the code is read.
  let amount = "";
  form.addEventListener("focusin", ({ target }) => {
    if (!ofVials(target)) return;
    amount = target.value;
    target.select();
  });
  form.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.key !== "Enter" || !ofVials(target) || target.value.length <= MOST_DIGITS) return;
    event.preventDefault();
    const code = target.value;
    target.value = amount;
    scanned(code);
  });

  /** A photo is read by the server; each code in it is a scan. @param {File} file */
  async function photographed(file) {
    const sent = new FormData();
    sent.append("file", file);
    sent.append("facility", form.dataset.facility ?? "");
    const token = String(new FormData(form).get("csrf"));
    try {
      const headers = { "X-CSRF-Token": token, Accept: "application/json" };
      const answer = await fetch("/api/v1/scans/image", { method: "POST", headers, body: sent });
      if (!answer.ok) return feel(banner, "out", (await answer.json()).detail ?? lost);
      const { items, refused } = /** @type {Photo} */ (await answer.json());
      for (const each of items) scanned(each.scan.text);
      const why = refused[0]?.[document.documentElement.lang === "id" ? "message_id" : "message"];
      if (!items.length) feel(banner, "out", why ?? banner.dataset.nothing ?? "");
    } catch {
      feel(banner, "out", lost);
    }
  }

  listen(scanned, photographed);
}

/** @param {EventTarget | null} target @returns {target is HTMLInputElement} */
function ofVials(target) {
  return target instanceof HTMLInputElement && target.name.startsWith("v/");
}
