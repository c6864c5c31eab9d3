// Scanning on a phone: camera where the browser can read codes, else a wedge scanner, typing or a photo.
// A scan is written to the phone first and sent then, so that no network and no crash lose one.

/**
 * @typedef {{ id: string, text: string, facility: string | null, at: string }} Scan one code, as it waits on the phone
 * @typedef {[name: string | null, value: string | number | null | undefined]} Fact
 * @typedef {object} Meaning what the server made of a code (ScanOut of the API)
 * @property {{ lot: string | null, expiry: string | null, serial: string | null, sscc: string | null, profile: string }} scan
 * @property {number | null} vials
 * @property {{ name: string } | null} product
 * @property {{ id: string, expiry: string } | null} batch
 * @property {string[]} warnings
 * @typedef {{ items: Meaning[], refused: { text?: string }[] }} Meanings
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
/** @param {string} name */
const say = (name) => root.dataset[`say${name}`] ?? "";
const result = the("result", HTMLElement);
const field = the("text", HTMLInputElement);
// A choice, a hidden field, or nothing where the caller has no facility.
const place = /** @type {HTMLInputElement | HTMLSelectElement | null} */ (document.getElementById("facility"));
const token = { "X-CSRF-Token": root.dataset.csrf ?? "" };
const FORMATS = ["data_matrix", "qr_code", "code_128", "ean_13", "itf"];
const AGAIN_MS = 2500; // the same code held before the camera is one scan

/* ---- the queue: one small table in IndexedDB ---- */

/** @returns {Promise<IDBDatabase>} */
function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("rantai", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("scans", { keyPath: "id" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

/**
 * @template R
 * @param {IDBTransactionMode} mode
 * @param {(scans: IDBObjectStore) => IDBRequest<R>} act
 * @returns {Promise<R>}
 */
async function table(mode, act) {
  const store = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const work = store.transaction("scans", mode);
      const request = act(work.objectStore("scans"));
      work.oncomplete = () => resolve(request.result);
      work.onerror = work.onabort = () => reject(work.error);
    });
  } finally {
    store.close();
  }
}

/** @param {Scan} scan */
const keep = (scan) => table("readwrite", (scans) => scans.put(scan));
/** @param {string} id */
const forget = (id) => table("readwrite", (scans) => scans.delete(id));
/** @returns {Promise<Scan[]>} */
const waiting = () => table("readonly", (scans) => scans.getAll());

async function showWaiting() {
  const count = (await waiting()).length;
  the("pending-text", HTMLElement).textContent = count ? say("Waiting").replace("{n}", String(count)) : say("None");
  the("pending", HTMLElement).classList.toggle("warn", count > 0);
  the("send", HTMLButtonElement).hidden = count === 0;
}

/* ---- one scan ---- */

/** @param {string} text */
async function scanned(text) {
  const clean = text.trim();
  if (!clean) return;
  const scan = {
    id: crypto.randomUUID?.() ?? String(Date.now()) + Math.random(),
    text: clean,
    facility: place?.value || null,
    at: new Date().toISOString(),
  };
  await keep(scan);
  await send(scan);
  await showWaiting();
}

/**
 * Sends one; it stays in the queue unless the server has answered it, with yes or with no.
 * @param {Scan} scan
 * @returns {Promise<boolean>} whether it was answered
 */
async function send(scan) {
  let answer;
  try {
    answer = await fetch("/api/v1/scans", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        "Accept-Language": document.documentElement.lang,
        ...token,
      },
      body: JSON.stringify({ text: scan.text, ...(scan.facility ? { facility: scan.facility } : {}) }),
    });
  } catch {
    show(card("low", say("Offline"), [[null, scan.text]]));
    return false;
  }
  if (answer.status === 401 || answer.status === 403) {
    show(card("low", say("Login"), [[null, scan.text]]));
    return false;
  }
  if (answer.status >= 500 || answer.status === 429) return false;
  const body = await answer.json();
  await forget(scan.id);
  show(answer.ok ? meaning(body) : refusal(body, scan.text));
  return true;
}

async function sendAll() {
  for (const scan of await waiting()) if (!(await send(scan))) break;
  await showWaiting();
}

/* ---- what came out; built as nodes, so that no code can put markup on the page ---- */

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/**
 * @param {"ok" | "low" | "out"} tone
 * @param {string} heading
 * @param {Fact[]} facts
 * @param {string[]} warnings
 * @param {string | null} link to the batch
 */
function card(tone, heading, facts, warnings = [], link = null) {
  const list = element("dl", { class: "facts" });
  for (const [name, value] of facts) {
    if (value === null || value === undefined || value === "") continue;
    list.append(element("dt", {}, name ?? ""), element("dd", { class: name ? "" : "mono" }, String(value)));
  }
  const made = element(
    "div",
    { class: "stack tight" },
    element("p", {}, element("strong", { class: `state ${tone}` }, heading)),
  );
  for (const text of warnings) made.append(element("p", { class: "note bad" }, text));
  made.append(list);
  if (link) made.append(element("p", {}, element("a", { class: "button", href: link }, say("Trace"))));
  return made;
}

/**
 * The page's words for a warning: "unknown_batch" stands in data-warn-unknown-batch.
 * @param {string} code
 */
function warning(code) {
  const words = code.split("_").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return root.dataset[`warn${words.join("")}`] ?? code;
}

/** @param {Meaning} body */
function meaning(body) {
  const warnings = body.warnings.map(warning);
  const tone = warnings.length ? "out" : "ok";
  const heading = body.product ? body.product.name : say("Unknown");
  return card(
    tone,
    heading,
    [
      [say("Lot"), body.scan.lot],
      [say("Expiry"), body.batch?.expiry ?? body.scan.expiry],
      [say("Serial"), body.scan.serial],
      [say("Sscc"), body.scan.sscc],
      [say("Vials"), body.vials],
      // Plain text is no kind of code.
      [say("Profile"), body.scan.profile === "plain" ? null : body.scan.profile],
    ],
    warnings,
    body.batch ? `/batch/${body.batch.id}` : null,
  );
}

/**
 * @param {Problem} body
 * @param {string} text
 */
function refusal(body, text) {
  return card("out", say("Failed"), [[null, text]], [body.detail]);
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
    const answer = await fetch("/api/v1/scans/image", { method: "POST", headers: token, body: form });
    if (answer.ok) showAll(await answer.json(), file.name);
    else show(refusal(await answer.json(), file.name));
  } catch {
    show(card("low", say("Offline"), [[null, file.name]]));
  }
  photo.value = "";
});

/**
 * What a photo held.
 * @param {Meanings} body
 * @param {string} name of the photo
 */
function showAll({ items, refused }, name) {
  if (items.length) result.replaceChildren(...items.map(meaning));
  else show(card("out", say(refused.length ? "Failed" : "Nothing"), [[null, refused[0]?.text ?? name]]));
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
  look(new BarcodeDetector({ formats: FORMATS }));
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
the("send", HTMLButtonElement).addEventListener("click", sendAll);
window.addEventListener("online", sendAll);
showWaiting().then(() => (navigator.onLine ? sendAll() : undefined));
