// Keeps the page of the phone with every file it names, so that it opens without a network; nothing is sent from here.
// Files are named by their content: a new version is kept whole before the page that names it, else the old one stays,
// so that no shift is broken by half of one.

/** @type {any} */
const worker = self;
const KEPT = "rantai-scan";
const PAGE = "/scan";
const PATIENCE_MS = 6000;

/**
 * Keeps a page and all its files; not a log-in page or a Wi-Fi's portal in its stead. Throws where a file does not come.
 * @param {Response} answer
 */
async function keep(answer) {
  const text = await answer.clone().text();
  if (!answer.ok || answer.redirected || !text.includes('id="scan"')) return;
  const cache = await caches.open(KEPT);
  const files = [...new Set([...text.matchAll(/"(\/static\/[^"]+)"/g)].map((found) => found[1] ?? ""))];
  await Promise.all(files.map(async (file) => (await cache.match(file)) ?? cache.add(file)));
  await cache.put(PAGE, answer);
  const old = (await cache.keys()).filter((request) => !["/scan", ...files].includes(new URL(request.url).pathname));
  await Promise.all(old.map((request) => cache.delete(request)));
}

/**
 * The page as the server has it now; the kept one where the server is silent, fails, or its files do not come.
 * @param {any} event
 */
async function page(event) {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(event.request, { signal });
    if (answer.status >= 500) return (await caches.match(PAGE)) ?? answer;
    const kept = keep(answer.clone());
    event.waitUntil(kept.catch(() => {}));
    const late = new Promise((_, reject) => signal.addEventListener("abort", reject));
    const whole = await Promise.race([kept, late]).then(
      () => true,
      () => false,
    );
    return whole ? answer : ((await caches.match(PAGE)) ?? answer);
  } catch {
    return (await caches.match(PAGE)) ?? Response.error();
  }
}

/**
 * A name with a hash never means anything else: what is kept is as good as what the server has.
 * @param {Request} request
 */
async function file(request) {
  return (await caches.match(request)) ?? fetch(request);
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
