// "Tell me on this phone": asks the browser for leave and sends the house where it is reached. Without it SMS tells.
const form = document.getElementById("push");

if (form instanceof HTMLFormElement && "serviceWorker" in navigator && "PushManager" in window) {
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    subscribe(form).then(
      () => form.submit(),
      () => {
        const note = document.getElementById("push-note");
        if (note) note.textContent = form.dataset.failed ?? "";
      },
    );
  });
}

/** @param {HTMLFormElement} form */
async function subscribe(form) {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("refused");
  const worker = await navigator.serviceWorker.register("/daftar/sw.js");
  const options = { userVisibleOnly: true, applicationServerKey: form.dataset.key };
  const found = await worker.pushManager.subscribe(options).catch(async () => {
    // It subscribed with a former key of the house.
    await (await worker.pushManager.getSubscription())?.unsubscribe();
    return worker.pushManager.subscribe(options);
  });
  const { endpoint, keys } = found.toJSON();
  const said = { endpoint, p256dh: keys?.p256dh, auth: keys?.auth };
  for (const [name, value] of Object.entries(said)) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement) field.value = value ?? "";
  }
}
