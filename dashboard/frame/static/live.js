// Keeps a page true: listens to the feed and, when something of the page's concern happens, fetches the page
// again and swaps the parts that say they are live. No state is kept here that the server does not know.

const SOONEST_MS = 1500; // between two refreshes, so that a storm of events is one fetch
const SETTLE_MS = 250; // events of one act come together
const ALIVE_MS = 10000; // between two questions whether the server is there
const ANSWER_MS = 5000; // an answer that takes longer is none
const RETRY_MS = 10000; // when the server refuses the stream, pages still refresh at this pace

const sign = document.getElementById("live");
const spoken = document.getElementById("spoken");

/** @type {EventSource | null} */
let stream = null;
/** @type {Set<string>} */
let wanted = new Set();
/** @type {number | undefined} */
let timer;
let lastRefresh = 0;
/** @type {number | undefined} */
let retry;

/** @param {"open" | "wait" | "lost"} state */
function say(state) {
  if (!sign || sign.dataset.state === state) return;
  sign.dataset.state = state;
  const word = sign.querySelector(".word");
  if (word) word.textContent = sign.dataset[state] ?? "";
}

/**
 * Rooms a live element listens to, e.g. ["stock", "coldchain"].
 * @param {HTMLElement} element
 */
function roomsOf(element) {
  return (element.dataset.kinds || "").split(" ").filter(Boolean);
}

/**
 * Fetches the page again in a moment.
 * @param {string} room where something happened; "*" is anywhere
 */
function soon(room) {
  wanted.add(room);
  if (timer) return;
  const wait = Math.max(SETTLE_MS, lastRefresh + SOONEST_MS - Date.now());
  timer = setTimeout(refresh, wait);
}

/** @param {HTMLElement} element */
function concerns(element) {
  return wanted.has("*") || roomsOf(element).some((room) => wanted.has(room));
}

/**
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
function liveElements(selector) {
  return [...document.querySelectorAll(selector)].filter((element) => element instanceof HTMLElement);
}

async function refresh() {
  timer = undefined;
  const live = liveElements("[data-live][id]").filter(concerns);
  const rooms = [...wanted];
  wanted = new Set();
  lastRefresh = Date.now();
  document.dispatchEvent(new CustomEvent("rantai:changed", { detail: { rooms } }));
  if (!live.length) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.redirected && new URL(answer.url).pathname === "/masuk") return location.assign(answer.url);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const element of live) swap(element, fresh.getElementById(element.id));
  } catch {
    say("lost");
  }
}

/**
 * Puts the fresh content in place; leaves alone what somebody is typing in, keeps details open and focus.
 * @param {HTMLElement} old
 * @param {HTMLElement | null} fresh
 */
function swap(old, fresh) {
  if (!fresh || old.innerHTML === fresh.innerHTML) return;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  if (isTyping(old, focused)) {
    setTimeout(() => soon(roomsOf(old)[0] || "*"), 4000);
    return;
  }
  const opened = [...old.querySelectorAll("details[open][id]")].map((item) => item.id);
  const before = old.dataset.say;
  old.replaceChildren(...fresh.childNodes);
  if (fresh.dataset.say !== undefined) old.dataset.say = fresh.dataset.say;
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  document.dispatchEvent(new CustomEvent("rantai:swapped"));
  if (focused?.id) document.getElementById(focused.id)?.focus();
  old.classList.remove("changed");
  requestAnimationFrame(() => old.classList.add("changed"));
  if (spoken && old.dataset.say && old.dataset.say !== before) spoken.textContent = old.dataset.say;
}

/**
 * @param {HTMLElement} element
 * @param {Element | null} focused the element within it that has the focus
 */
function isTyping(element, focused) {
  if (focused?.matches("input, textarea, select")) return true;
  /** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */
  const fields = element.querySelectorAll("textarea, input:not([type=hidden])");
  return [...fields].some((field) => field.value !== field.defaultValue);
}

function follow() {
  clearTimeout(retry);
  const from = document.body.dataset.position;
  const opened = new EventSource(from ? `/api/v1/feed?after=${from}` : "/api/v1/feed");
  stream = opened;
  opened.addEventListener("open", () => say("open"));
  opened.addEventListener("error", () => {
    say("lost");
    if (opened.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    retry = setTimeout(() => {
      soon("*");
      follow();
    }, RETRY_MS);
  });
  for (const kind of document.body.dataset.feed?.split(" ") ?? []) {
    opened.addEventListener(kind, (event) => {
      document.body.dataset.position = event.lastEventId;
      soon(kind.split(".")[0] ?? "*");
    });
  }
}

// The stream alone would notice a dead line only after its next heartbeat.
window.addEventListener("offline", () => say("lost"));
window.addEventListener("online", () => {
  leave();
  soon("*");
  follow();
});

function leave() {
  clearTimeout(retry);
  stream?.close();
  stream = null;
}

// Browsers allow few connections to one host: a page nobody looks at lets go of its own.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) leave();
  else if (!stream) {
    soon("*");
    follow();
  }
});
// A page kept by the back button must not show what was true then.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    leave();
    soon("*");
    follow();
  }
});
window.addEventListener("pagehide", leave);

// A line that went dead without a word (a wall, a full cell) ends no stream: the page asks whether anybody is there.
setInterval(async () => {
  if (document.hidden || !stream || sign?.dataset.state === "lost") return;
  try {
    await fetch("/livez", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
  } catch {
    say("lost");
    leave();
    retry = setTimeout(() => {
      soon("*");
      follow();
    }, RETRY_MS);
  }
}, ALIVE_MS);

// Readings are too many for the feed: parts that show them ask again at their own pace.
for (const element of liveElements("[data-live][data-every]")) {
  const seconds = Number(element.dataset.every);
  if (seconds > 0)
    setInterval(() => {
      if (!document.hidden) soon(roomsOf(element)[0] ?? "*");
    }, seconds * 1000);
}

if (sign && document.body.dataset.feed && !document.hidden) follow();

// Who logs out leaves no page of theirs on the phone (scan_worker.js keeps one for when there is no network).
document.querySelector('form[action="/keluar"]')?.addEventListener("submit", () => {
  globalThis.caches?.delete("rantai-scan");
});
