// Scanning on a phone: camera where the browser can read codes, else a wedge scanner, typing or a photo.
// A scan is written to the phone first and sent then, so that no network and no crash lose one.

const root = document.getElementById("scan");
const say = (name) => root.dataset[`say${name}`];
const result = document.getElementById("result");
const field = document.getElementById("text");
const place = document.getElementById("facility");
const FORMATS = ["data_matrix", "qr_code", "code_128", "ean_13", "itf"];
const AGAIN_MS = 2500; // the same code held before the camera is one scan

/* ---- the queue: one small table in IndexedDB ---- */

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("rantai", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("scans", { keyPath: "id" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

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

const keep = (scan) => table("readwrite", (scans) => scans.put(scan));
const forget = (id) => table("readwrite", (scans) => scans.delete(id));
const waiting = () => table("readonly", (scans) => scans.getAll());

async function showWaiting() {
  const count = (await waiting()).length;
  document.getElementById("pending-text").textContent = count ? say("Waiting").replace("{n}", String(count)) : say("None");
  document.getElementById("pending").classList.toggle("warn", count > 0);
  document.getElementById("send").hidden = count === 0;
}

/* ---- one scan ---- */

async function scanned(text) {
  const clean = text.trim();
  if (!clean) return;
  const scan = { id: crypto.randomUUID?.() ?? String(Date.now()) + Math.random(), text: clean, facility: place?.value || null, at: new Date().toISOString() };
  await keep(scan);
  await send(scan);
  await showWaiting();
}

/** Sends one; it stays in the queue unless the server has answered it, with yes or with no. */
async function send(scan) {
  let answer;
  try {
    answer = await fetch("/api/v1/scans", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "Accept-Language": document.documentElement.lang, "X-CSRF-Token": root.dataset.csrf },
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

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function card(tone, heading, facts, warnings = [], link = null) {
  const list = element("dl", { class: "facts" });
  for (const [name, value] of facts) {
    if (value === null || value === undefined || value === "") continue;
    list.append(element("dt", {}, name ?? ""), element("dd", { class: name ? "" : "mono" }, String(value)));
  }
  const made = element("div", { class: "stack tight" }, element("p", {}, element("strong", { class: `state ${tone}` }, heading)));
  for (const text of warnings) made.append(element("p", { class: "note bad" }, text));
  made.append(list);
  if (link) made.append(element("p", {}, element("a", { class: "button", href: link }, say("Trace"))));
  return made;
}

function meaning(body) {
  const warnings = body.warnings.map((code) => root.dataset[`warn${code.split("_").map((w) => w[0].toUpperCase() + w.slice(1)).join("")}`] ?? code);
  const tone = warnings.length ? "out" : "ok";
  const heading = body.product ? body.product.name : say("Unknown");
  return card(tone, heading, [
    [say("Lot"), body.scan.lot],
    [say("Expiry"), body.batch?.expiry ?? body.scan.expiry],
    [say("Serial"), body.scan.serial],
    [say("Sscc"), body.scan.sscc],
    [say("Vials"), body.vials],
    [say("Profile"), body.scan.profile],
  ], warnings, body.batch ? `/batch/${body.batch.id}` : null);
}

function refusal(body, text) {
  return card("out", say("Failed"), [[null, text]], [body.detail]);
}

function show(node) {
  result.replaceChildren(node);
  navigator.vibrate?.(60);
}

/* ---- sources: typing and wedge, photo, camera ---- */

document.getElementById("form").addEventListener("submit", (event) => {
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
    field.setRangeText("\u001d", field.selectionStart, field.selectionEnd, "end");
  }
});

document.getElementById("photo").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  if (!file) return;
  const form = new FormData();
  form.append("file", file);
  if (place?.value) form.append("facility", place.value);
  try {
    const answer = await fetch("/api/v1/scans/image", { method: "POST", headers: { "X-CSRF-Token": root.dataset.csrf }, body: form });
    const body = await answer.json();
    if (!answer.ok) show(refusal(body, file.name));
    else if (!body.items.length) show(card("out", say(body.refused.length ? "Failed" : "Nothing"), [[null, body.refused[0]?.text ?? file.name]]));
    else result.replaceChildren(...body.items.map(meaning));
  } catch {
    show(card("low", say("Offline"), [[null, file.name]]));
  }
  event.target.value = "";
});

const camera = document.getElementById("camera");
const video = document.getElementById("video");
let picture = null;
let last = { text: "", at: 0 };

async function canSee() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return false;
  const known = await BarcodeDetector.getSupportedFormats();
  return known.includes("data_matrix");
}

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
  camera.textContent = camera.dataset.stop;
  camera.dataset.stop = words;
  document.getElementById("viewfinder").hidden = Boolean(picture);
  if (picture) {
    picture.getTracks().forEach((track) => track.stop());
    picture = null;
    return;
  }
  picture = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  video.srcObject = picture;
  await video.play();
  look(new BarcodeDetector({ formats: FORMATS }));
}

canSee().then((can) => { camera.hidden = !can; }).catch(() => {});
camera.addEventListener("click", () => toggleCamera().catch(() => { camera.hidden = true; picture = null; document.getElementById("viewfinder").hidden = true; }));
document.getElementById("send").addEventListener("click", sendAll);
window.addEventListener("online", sendAll);
showWaiting().then(() => navigator.onLine && sendAll());
