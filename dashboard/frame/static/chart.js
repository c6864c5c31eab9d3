// The picture of a chart is in the page; this puts the interactive plot in its place when somebody asks for it or the line
// is good. plotly.js (a megabyte and more) is fetched then and not before.
import { lineIsGood } from "./line.js";

const language = document.documentElement.lang;
const CONFIG = {
  displayModeBar: false,
  responsive: true,
  locale: language,
  showTips: false,
  scrollZoom: false,
  doubleClick: "reset",
};
const INDONESIAN = {
  moduleType: "locale",
  name: "id",
  dictionary: {},
  format: {
    days: ["Minggu", "Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu"],
    shortDays: ["Min", "Sen", "Sel", "Rab", "Kam", "Jum", "Sab"],
    months: [
      "Januari",
      "Februari",
      "Maret",
      "April",
      "Mei",
      "Juni",
      "Juli",
      "Agustus",
      "September",
      "Oktober",
      "November",
      "Desember",
    ],
    shortMonths: ["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"],
    date: "%d/%m/%Y",
  },
};

/** @type {Promise<void> | null} */
let library = null;

/** plotly.js and its rules, once a page, however many charts ask. */
function plotly() {
  library ??= loaded().catch((error) => {
    library = null;
    throw error;
  });
  return library;
}

async function loaded() {
  const { plotly: script, plotlyStyle: style } = document.body.dataset;
  // plotly.js looks for rules of this id before it writes its own, which our policy would not let it.
  const rules = Object.assign(document.createElement("link"), {
    rel: "stylesheet",
    href: style,
    id: "plotly.js-style-global",
    className: "no-inline-styles",
  });
  const code = Object.assign(document.createElement("script"), { src: script });
  await Promise.all([rules, code].map(arrived));
  Plotly.register(INDONESIAN);
}

/**
 * @param {HTMLElement} element a script or a style sheet
 * @returns {Promise<void>}
 */
function arrived(element) {
  return new Promise((done, failed) => {
    element.addEventListener("load", () => done());
    element.addEventListener("error", () => {
      element.remove();
      failed(new Error("not loaded"));
    });
    document.head.append(element);
  });
}

function canDrawMaps() {
  try {
    const canvas = document.createElement("canvas");
    return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
  } catch {
    return false;
  }
}

/**
 * A map asks for its flat drawing where the machine has no WebGL.
 * @param {HTMLElement} box
 */
function addressOf(box) {
  const address = new URL(box.dataset.figure ?? "", location.origin);
  if (box.classList.contains("map") && !canDrawMaps()) address.searchParams.set("datar", "1");
  address.searchParams.set("lebar", box.clientWidth < 560 ? "sempit" : "lebar");
  return address;
}

/**
 * The figure as it stands now; what one has zoomed to stays.
 * @param {HTMLElement} box
 */
async function draw(box) {
  const answer = await fetch(addressOf(box), { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const etag = answer.headers.get("ETag");
  if (etag && box.dataset.etag === etag) return;
  const figure = coloured(await answer.text());
  absolute(figure.layout);
  // A figure of many bars says how tall it wants to be.
  if (figure.layout.height) box.style.height = `${figure.layout.height}px`;
  figure.layout.uirevision = box.dataset.figure;
  await Plotly.react(box, figure.data, figure.layout, { ...CONFIG, scrollZoom: box.classList.contains("map") });
  box.dataset.etag = etag || "";
  if (!box.dataset.drawn) /** @type {PlottedBox} */ (box).on("plotly_click", follow);
  box.dataset.drawn = "1";
}

/**
 * MapLibre wants whole addresses for its signs.
 * @param {PlotLayout} layout
 */
function absolute(layout) {
  const style = layout.map?.style;
  if (style && typeof style === "object" && style.sprite) style.sprite = new URL(style.sprite, location.origin).href;
}

/**
 * The figures' colours (dashboard/frame/theme.py) and the page's names for them.
 * @type {Record<string, string>}
 */
const PALETTE = {
  "#1f2421": "--ink",
  "#545c57": "--ink-soft",
  "#e3d9c8": "--line",
  "#c9bba3": "--line-strong",
  "#0b4f55": "--brand",
  "#d55e00": "--out",
  "#0072b2": "--over",
  "#009e73": "--ok",
  "#e69f00": "--low",
  "#8b8f8c": "--none",
  "#b23a0e": "--out",
  "#ffffff": "--surface",
  // The map's water, land and borders.
  "#e6efee": "--sunk",
  "#fdfaf3": "--surface",
  "#b9a98c": "--line-strong",
};
// Of the brand's colour, seen through.
const SEEN_THROUGH = "rgba(11,79,85,";
const SEEN_THROUGH_DARK = "rgba(108,201,199,";
const dark = matchMedia("(prefers-color-scheme: dark)");

/**
 * The figure's JSON in the colours of a dark page, where the page is dark.
 * @param {string} json
 * @returns {{ data: object[], layout: PlotLayout }}
 */
function coloured(json) {
  if (!dark.matches) return JSON.parse(json);
  const page = getComputedStyle(document.documentElement);
  const paged = json.replace(/#[0-9a-f]{6}/g, (colour) => {
    const name = PALETTE[colour];
    return name ? page.getPropertyValue(name).trim() : colour;
  });
  const figure = JSON.parse(paged.replaceAll(SEEN_THROUGH, SEEN_THROUGH_DARK));
  figure.layout.hoverlabel = { ...figure.layout.hoverlabel, bgcolor: page.getPropertyValue("--surface").trim() };
  return figure;
}

/**
 * A batch's node or a facility's mark leads to its page.
 * @param {PlotClick} event
 */
function follow(event) {
  const target = event.points?.[0]?.customdata;
  const href = Array.isArray(target) ? target[0] : target;
  if (typeof href === "string" && href.startsWith("/")) location.assign(href);
}

/**
 * One chart of the page: its picture, its plot, and the button between them.
 * @param {HTMLElement} box where the plot is drawn
 * @returns {() => Promise<void>} draws it
 */
function chart(box) {
  const figure = box.closest("figure");
  const button = figure?.querySelector("button[data-plot]");
  if (!figure || !(button instanceof HTMLButtonElement)) throw new TypeError("a chart without its button");
  const words = button.dataset;
  /** @param {boolean} plotted */
  const show = (plotted) => {
    figure.classList.toggle("plotted", plotted);
    box.hidden = !plotted;
    button.textContent = (plotted ? words.back : words.plot) ?? "";
  };
  const plot = async () => {
    button.disabled = true;
    button.textContent = words.wait ?? "";
    try {
      await plotly();
      box.hidden = false; // plotly measures the box it draws into
      await draw(box);
      show(true);
    } catch {
      show(false);
      button.textContent = words.failed ?? "";
    }
    button.disabled = false;
  };
  button.addEventListener("click", () => (figure.classList.contains("plotted") ? show(false) : plot()));
  if (button.parentElement) button.parentElement.hidden = false;
  const again = () => {
    if (figure.classList.contains("plotted")) draw(box).catch(() => show(false));
  };
  document.addEventListener("rantai:changed", (event) => {
    const rooms = (box.dataset.kinds || "").split(" ");
    if (event.detail.rooms.some((room) => room === "*" || rooms.includes(room))) again();
  });
  dark.addEventListener("change", () => {
    box.dataset.etag = ""; // the same figure in other colours
    again();
  });
  const seconds = Number(box.dataset.every);
  if (seconds > 0)
    setInterval(() => {
      if (!document.hidden) again();
    }, seconds * 1000);
  return plot;
}

/** @type {NodeListOf<HTMLElement>} */
const boxes = document.querySelectorAll("[data-figure]");
const plots = [...boxes].map(chart);

// The page first: what nobody asked for waits until it is there. On a phone the picture is the better one, with names.
function unasked() {
  if (matchMedia("(min-width: 48rem)").matches && lineIsGood()) for (const plot of plots) plot();
}
if (document.readyState === "complete") unasked();
else window.addEventListener("load", () => setTimeout(unasked));
