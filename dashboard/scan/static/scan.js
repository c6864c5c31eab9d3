// Scanning on a phone: camera where the browser can read codes, else a wedge scanner, typing or a photo.
// A scan is written to the phone first and sent then, so that no network and no crash lose one (scan_queue.js).

import { Cards, card, element } from "./scan_cards.js";
import { posting, Queue } from "./scan_queue.js";

/**
 * @typedef {import("./scan_cards.js").Meaning} Meaning
 * @typedef {import("./scan_queue.js").Scan} Scan
 * @typedef {{ items: Meaning[], refused: { text?: string, message?: string, message_id?: string }[] }} Meanings
 * @typedef {{ detail: string }} Problem
 */

/**
 * An element that the page promises.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
function the(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`the page has no ${type.name} #${id}`);
  return found;
}

const root = the("scan", HTMLElement);
const cards = new Cards(JSON.parse(root.dataset.words ?? "{}"));
const result = the("result", HTMLElement);
const field = the("text", HTMLInputElement);
const list = the("queue", HTMLElement);
// A choice, a hidden field, or nothing where the caller has no facility.
const place = /** @type {HTMLInputElement | HTMLSelectElement | null} */ (document.getElementById("facility"));
const headers = { "X-CSRF-Token": root.dataset.csrf ?? "", "Accept-Language": document.documentElement.lang };
const FORMATS = ["data_matrix", "qr_code", "code_128", "ean_13", "ean_8", "upc_a", "itf", "pdf417"];
const AGAIN_MS = 2500; // the same code held before the camera is one scan
const RETRY_MS = 30_000;

/* ---- the queue and its list ---- */

/** @type {string | null} the scan whose answer is awaited in sight */
let watched = null;
let drawing = Promise.resolve();

const queue = new Queue(root.dataset.user ?? "", posting(headers), (scan) => {
  if (scan && scan.id === watched && scan.state !== "sending") showScan(scan);
  drawing = drawing.then(draw, draw);
});

async function draw() {
  const { own, others } = await queue.mine();
  const waiting = own.filter((scan) => scan.state === "waiting" || scan.state === "sending").length;
  the("pending-text", HTMLElement).textContent = waiting
    ? cards.say("say.waiting").replace("{n}", String(waiting))
    : cards.say("say.none");
  the("pending", HTMLElement).classList.toggle("warn", waiting > 0);
  the("send", HTMLButtonElement).hidden = waiting === 0;
  const foreign = the("others", HTMLElement);
  foreign.hidden = others === 0;
  foreign.textContent = cards.say("say.others").replace("{n}", String(others));
  the("queue-card", HTMLElement).hidden = own.length === 0;
  list.replaceChildren(...own.reverse().map((scan) => cards.line(scan, () => queue.drop(scan.id))));
}

/** @param {Scan} scan */
function showScan(scan) {
  if (scan.state === "answered") show(cards.meaning(/** @type {Meaning} */ (scan.answer), checkIn(scan.text)));
  else if (scan.state === "refused") show(refusal(/** @type {Problem} */ (scan.answer), scan.text));
  else if (scan.why) {
    const words = [cards.say(`why.${scan.why}`), ...(scan.unsaved ? [cards.say("say.unsaved")] : [])];
    show(card(scan.unsaved ? "out" : "low", words.join(" "), [[null, scan.text]]));
  }
}

/** @param {string} text */
async function scanned(text) {
  const clean = text.trim();
  if (!clean) return;
  watched = null;
  const adding = queue.add(clean, place?.value || null);
  const scan = await adding;
  watched = scan.id;
  showScan(scan);
}

async function sendAll() {
  await queue.sendAll();
  const { own } = await queue.mine();
  const seen = own.find((scan) => scan.id === watched);
  if (seen) showScan(seen);
}

/**
 * Whoever shows a ticket at the door has arrived: one tap.
 * @param {string} text
 * @returns {(body: Meaning) => Node | null}
 */
function checkIn(text) {
  return (body) => {
    const facility = body.opens?.facility;
    if (body.opens?.thing !== "ticket" || !facility || /^https?:/.test(text)) return null;
    const button = element("button", { type: "button" }, cards.say("say.arrived"));
    button.addEventListener("click", async () => {
      button.setAttribute("disabled", "");
      try {
        const answer = await fetch("/api/v1/tickets/check-in", {
          method: "POST",
          headers: { "Content-Type": "application/json", Accept: "application/json", ...headers },
          body: JSON.stringify({ ticket: text.replace(/^\][A-Za-z]\w/, ""), facility }),
        });
        const said = await answer.json();
        show(answer.ok ? card("ok", cards.say("state.arrived"), []) : card("out", said.detail, []));
      } catch {
        button.removeAttribute("disabled");
        show(card("low", cards.say("say.not_sent"), []));
      }
    });
    return button;
  };
}

/**
 * @param {Problem} body
 * @param {string} text
 */
function refusal(body, text) {
  return card("out", cards.say("say.failed"), [[null, text]], [body.detail]);
}

/** @param {Node} node */
function show(node) {
  result.replaceChildren(node);
  navigator.vibrate?.(60);
}

/* ---- sources: typing and wedge, photo, camera ---- */

the("form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value;
  field.value = "";
  field.focus();
  scanned(text);
});

// A wedge scanner may send the group separator as a control key; the field would swallow it.
field.addEventListener("keydown", (event) => {
  if (event.key === "F8" || (event.ctrlKey && event.key === "]")) {
    event.preventDefault();
    const end = field.value.length;
    field.setRangeText("\u001d", field.selectionStart ?? end, field.selectionEnd ?? end, "end");
  }
});

const photo = the("photo", HTMLInputElement);
photo.addEventListener("change", async () => {
  const file = photo.files?.[0];
  if (!file) return;
  const form = new FormData();
  form.append("file", file);
  if (place?.value) form.append("facility", place.value);
  try {
    const answer = await fetch("/api/v1/scans/image", { method: "POST", headers, body: form });
    const body = await answer.json();
    if (answer.ok) showAll(body, file.name);
    else show(refusal(body, file.name));
  } catch {
    // A photo is not kept: it is taken again.
    show(card("low", cards.say("say.photo_not_sent"), [[null, file.name]]));
  }
  photo.value = "";
});

/**
 * What a photo held: all that was read, and what was not.
 * @param {Meanings} body
 * @param {string} name of the photo
 */
function showAll({ items, refused }, name) {
  const read = items.map((each) => cards.meaning(each, checkIn(each.scan.text)));
  const said = document.documentElement.lang === "id" ? "message_id" : "message";
  const not = refused.map((each) => refusal({ detail: each[said] ?? "" }, each.text ?? name));
  if (read.length + not.length) result.replaceChildren(...read, ...not);
  else show(card("out", cards.say("say.nothing"), [[null, name]]));
}

const camera = the("camera", HTMLButtonElement);
const video = the("video", HTMLVideoElement);
const viewfinder = the("viewfinder", HTMLElement);
/** @type {MediaStream | null} */
let picture = null;
let last = { text: "", at: 0 };

async function canSee() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return false;
  const known = await BarcodeDetector.getSupportedFormats();
  return known.includes("data_matrix");
}

/** @param {BarcodeDetector} detector */
async function look(detector) {
  if (!picture) return;
  try {
    const [code] = await detector.detect(video);
    if (code && (code.rawValue !== last.text || Date.now() - last.at > AGAIN_MS)) {
      last = { text: code.rawValue, at: Date.now() };
      await scanned(code.rawValue);
    }
  } catch {
    // A frame that is not ready yet; the next one is.
  }
  setTimeout(() => look(detector), 120);
}

async function toggleCamera() {
  const words = camera.textContent;
  camera.textContent = camera.dataset.stop ?? "";
  camera.dataset.stop = words;
  viewfinder.hidden = Boolean(picture);
  if (picture) {
    for (const track of picture.getTracks()) track.stop();
    picture = null;
    return;
  }
  picture = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  video.srcObject = picture;
  await video.play();
  const can = await BarcodeDetector.getSupportedFormats();
  look(new BarcodeDetector({ formats: FORMATS.filter((format) => can.includes(format)) }));
}

canSee()
  .then((can) => {
    camera.hidden = !can;
  })
  .catch(() => {});
camera.addEventListener("click", () =>
  toggleCamera().catch(() => {
    camera.hidden = true;
    picture = null;
    viewfinder.hidden = true;
  }),
);

/* ---- when to send, and the page without a network ---- */

the("send", HTMLButtonElement).addEventListener("click", sendAll);
window.addEventListener("online", sendAll);
setInterval(async () => {
  const { own } = await queue.mine();
  if (navigator.onLine && own.some((scan) => scan.state === "waiting")) sendAll();
}, RETRY_MS);
draw().then(() => (navigator.onLine ? sendAll() : undefined));
// Keeps this page for the next time there is no network.
navigator.serviceWorker?.register("/scan/sw.js", { scope: "/scan" }).catch(() => {});
