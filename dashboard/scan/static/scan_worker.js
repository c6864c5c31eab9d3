// Keeps the page for scanning, so that it opens without a network; nothing else is kept, and nothing is sent from here.
// The page is always asked of the server first: what is kept is the page of whoever saw it last, and says whose it is.

/** @type {any} */
const worker = self;
const KEPT = "rantai-scan";
const PAGE = "/scan";
const PATIENCE_MS = 6000;

/**
 * Keeps the page and the files it names; not a log-in page or a Wi-Fi's portal in its stead.
 * @param {Response} answer
 */
async function keep(answer) {
  const cache = await caches.open(KEPT);
  const text = await answer.clone().text();
  if (!answer.ok || answer.redirected || !text.includes('id="scan"')) return;
  const named = [...text.matchAll(/(?:src|href)="(\/static\/[^"]+)"/g)].map((found) => found[1] ?? "");
  const files = [...new Set([...named, "/static/scan_cards.js", "/static/scan_queue.js"])];
  const old = (await cache.keys()).filter((request) => !files.includes(new URL(request.url).pathname));
  await Promise.all(old.map((request) => cache.delete(request)));
  await Promise.allSettled(files.map((file) => cache.add(file)));
  await cache.put(PAGE, answer);
}

async function kept() {
  return (await caches.match(PAGE)) ?? Response.error();
}

/** @param {any} event */
async function page(event) {
  try {
    const answer = await fetch(event.request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.status >= 500) return (await caches.match(PAGE)) ?? answer;
    event.waitUntil(keep(answer.clone()));
    return answer;
  } catch {
    return kept();
  }
}

/** @param {Request} request */
async function file(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(request)) ?? Response.error();
  }
}

worker.addEventListener("install", (/** @type {any} */ event) => {
  worker.skipWaiting();
  event.waitUntil(fetch(PAGE, { credentials: "same-origin" }).then(keep));
});
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (event.request.mode === "navigate" && url.pathname === PAGE) event.respondWith(page(event));
  else if (url.pathname.startsWith("/static/")) event.respondWith(file(event.request));
});
