// Shows what the house told this browser, and opens its page by a tap. What a locked phone shows names no place, day or person.

/** @type {any} */
const worker = self;

worker.addEventListener("push", (/** @type {any} */ event) => {
  const told = event.data?.json() ?? {};
  const shown = { body: told.body, lang: told.lang, tag: told.url, data: told.url };
  event.waitUntil(worker.registration.showNotification(told.title ?? "Rantai", shown));
});

worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(worker.clients.openWindow(event.notification.data ?? "/daftar"));
});
