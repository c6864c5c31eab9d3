// Draws the figures a page names, and draws them again when what they show has changed.
// Needs plotly.js, which is loaded before as a plain script.
/* global Plotly */

const language = document.documentElement.lang;

Plotly.register({
  moduleType: "locale",
  name: "id",
  dictionary: {},
  format: {
    days: ["Minggu", "Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu"],
    shortDays: ["Min", "Sen", "Sel", "Rab", "Kam", "Jum", "Sab"],
    months: ["Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November", "Desember"],
    shortMonths: ["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"],
    date: "%d/%m/%Y",
  },
});

const canDrawMaps = (() => {
  try {
    const canvas = document.createElement("canvas");
    return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
  } catch {
    return false;
  }
})();

const CONFIG = { displayModeBar: false, responsive: true, locale: language, showTips: false, scrollZoom: false, doubleClick: "reset" };

/** A map asks for its flat drawing where the machine has no WebGL. */
function addressOf(box, flat) {
  const address = new URL(box.dataset.figure, location.origin);
  if (flat) address.searchParams.set("datar", "1");
  address.searchParams.set("lebar", box.clientWidth < 560 ? "sempit" : "lebar");
  return address;
}

async function draw(box) {
  const flat = box.classList.contains("map") && !canDrawMaps;
  try {
    const answer = await fetch(addressOf(box, flat), { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const etag = answer.headers.get("ETag");
    if (etag && box.dataset.etag === etag) return;
    const figure = await answer.json();
    absolute(figure.layout);
    box.querySelector(".waiting")?.remove();
    // A figure of many bars says how tall it wants to be.
    if (figure.layout.height) box.style.height = `${figure.layout.height}px`;
    // Keep the part of the curve somebody has zoomed to.
    figure.layout.uirevision = box.dataset.figure;
    await Plotly.react(box, figure.data, figure.layout, { ...CONFIG, scrollZoom: box.classList.contains("map") });
    box.dataset.etag = etag || "";
    box.dataset.drawn = "1";
  } catch {
    box.dataset.drawn = "";
    const words = box.querySelector(".waiting");
    if (words) words.textContent = document.body.dataset.chartFailed || "";
  }
}

/** MapLibre wants whole addresses for its signs. */
function absolute(layout) {
  const style = layout?.map?.style;
  if (style && typeof style === "object" && style.sprite) style.sprite = new URL(style.sprite, location.origin).href;
}

const boxes = [...document.querySelectorAll("[data-figure]")];
boxes.forEach(draw);

document.addEventListener("rantai:changed", (event) => {
  for (const box of boxes) {
    const rooms = (box.dataset.kinds || "").split(" ");
    if (event.detail.rooms.some((room) => room === "*" || rooms.includes(room))) draw(box);
  }
});

for (const box of boxes) {
  const seconds = Number(box.dataset.every);
  if (seconds > 0) setInterval(() => { if (!document.hidden) draw(box); }, seconds * 1000);
}

// A batch's node or a facility's mark leads to its page.
for (const box of boxes) {
  new MutationObserver((_, observer) => {
    if (!box.on) return;
    observer.disconnect();
    box.on("plotly_click", (event) => {
      const target = event.points?.[0]?.customdata;
      const href = Array.isArray(target) ? target[0] : target;
      if (typeof href === "string" && href.startsWith("/")) location.assign(href);
    });
  }).observe(box, { childList: true, attributes: true });
}
