// The phone's tool for a day in a store: scan and look up, or take a job in hand. A step is written down on the phone
// first and sent when there is a network, so that no network and no crash lose one (book.js, book_sender.js).

import { GoodsJob } from "./job_goods.js";
import { lastUndoable, undo } from "./job_undo.js";
import { Cards, element, the } from "./scan_cards.js";
import { feel } from "./scan_feel.js";
import { groupJobs, tasksOf } from "./scan_home.js";
import { Lookup } from "./scan_lookup.js";
import { button, goods, redraw } from "./scan_parts.js";
import { choosePlace } from "./scan_place.js";
import { Shift } from "./scan_shift.js";
import { listen } from "./scan_sources.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Job} Job
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./book_store.js").Step} Step
 * @typedef {typeof import("./gs1_reader.js").readCode} Reader
 * @typedef {Record<string, (desk: Desk, shift: Shift) => Job>} Jobs
 */

const RETRY_MS = 20_000;
const PATIENCE_MS = 20_000;
const LISTED = 12; // steps of today in sight; the book has them all

const root = the("scan", HTMLElement);
const user = root.dataset.user ?? "";
const cards = new Cards(JSON.parse(root.dataset.words ?? "{}"), "frees" in root.dataset);
const place = /** @type {HTMLInputElement | null} */ (document.getElementById("facility"));
const banner = the("feel", HTMLElement);
const language = document.documentElement.lang;

let token = root.dataset.csrf ?? "";
const headers = () => ({ "X-CSRF-Token": token, "Accept-Language": language });
/** @param {string} id @returns {any} what the page brought with it */
const brought = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");

// What comes behind the rest of the page (scan_later.js): on a slow line that is a moment in which a job can be begun.
/** @type {import("./gs1_values.js").Row[]} */
let table = [];
/** @type {Reader | null} */
let readCode = null;
/** @type {string[]} what was scanned in that moment */
const early = [];

/** @type {import("./book_sender.js").Ask} */
const ask = (method, path, body) =>
  fetch(path, {
    method,
    // A house of before does not know the preference and answers as it always did: both are understood.
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json",
      Prefer: "stock-in-batches",
      ...headers(),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });

// Who may only look, looks: nothing of a shift is kept or asked for.
const works = root.dataset.works === "1";
const shift = new Shift(user, language, ask, draw, brought("holdings"));
const lookup = new Lookup(
  cards,
  user,
  headers,
  () => place?.value ?? "",
  (tone, word) => feel(banner, tone, word),
);

/** @type {Job | null} */
let job = null;
let undoing = false;
let writing = false;

/** @type {Desk} */
const desk = {
  get holdings() {
    return shift.holdings;
  },
  get facility() {
    return shift.facility;
  },
  get today() {
    return shift.holdings.today(shift.clock.now());
  },
  get steps() {
    return shift.steps;
  },
  say,
  words: (group) =>
    Object.fromEntries(
      Object.entries(cards.words).flatMap(([key, words]) =>
        key.startsWith(`${group}.`) ? [[key.slice(group.length + 1), words]] : [],
      ),
    ),
  feel: (tone, word) => feel(banner, tone, word),
  write: async (told) => {
    // A second tap while the first is being written down is the same tap.
    if (writing) return false;
    writing = true;
    const kept = await shift.write(told).finally(() => {
      writing = false;
    });
    feel(banner, kept ? "ok" : "out", kept ? say("job.kept", { text: told.shown.text }) : say("state_of.full"));
    return kept;
  },
  draw,
  leave: () => take(null),
};

/**
 * @param {string} key
 * @param {Record<string, string | number>} values
 */
function say(key, values = {}) {
  return cards.say(key).replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}

/* ---- what was scanned ---- */

/**
 * @param {Reader} reader
 * @param {string} text
 * @returns {Read}
 */
function read(reader, text) {
  try {
    return { text, scan: reader(table, text, desk.today), error: "" };
  } catch (error) {
    const { code = "", details = {} } = /** @type {import("./gs1_values.js").ScanError} */ (error);
    return { text, scan: null, error: say(code in cards.words ? code : "say.failed", details) };
  }
}

/** @param {string} text */
async function scanned(text) {
  const clean = text.trim();
  if (!clean) return;
  if (!readCode) {
    early.push(clean);
    return;
  }
  const what = read(readCode, clean);
  const several = what.scan ? desk.holdings.called(what.scan) : [];
  if (several.length > 1) {
    const codes = several.map((batch) => `${batch.product}/${batch.lot}`).join(", ");
    return feel(banner, "low", say("job.lot_twice", { lot: clean, codes }));
  }
  if (job) job.scanned(what);
  else await lookup.scanned(desk, what);
}

listen(scanned, (file) =>
  lookup.photographed(file, (text) => {
    if (!job) return false;
    scanned(text);
    return true;
  }),
);

/* ---- jobs ---- */

/** @type {Jobs} */
const JOBS = {
  transfer: () => new GoodsJob(desk, "transfer"),
  opening: () => new GoodsJob(desk, "opening"),
  waste: () => new GoodsJob(desk, "waste"),
};

/**
 * The rest is there: jobs, their words and the reader of codes.
 * @param {Jobs} jobs
 * @param {Reader} reader
 */
export function complete(jobs, reader) {
  Object.assign(JOBS, jobs);
  Object.assign(cards.words, brought("words-later"));
  table = brought("gs1-table");
  readCode = reader;
  draw();
  for (const text of early.splice(0)) scanned(text);
}

// A line that broke in the middle of the page: jobs would stay grey and scans unheard without a word.
document.addEventListener("DOMContentLoaded", () => {
  if (!readCode) feel(banner, "out", say("say.half"));
});

/** @param {string | null} name */
function take(name) {
  job = name ? (JOBS[name]?.(desk, shift) ?? null) : null;
  undoing = false;
  banner.hidden = true;
  banner.textContent = "";
  the("hasil-kartu", HTMLElement).hidden = true;
  draw();
  the("text", HTMLInputElement).focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

for (const each of document.querySelectorAll("[data-job]"))
  each.addEventListener("click", () => take(each instanceof HTMLElement ? (each.dataset.job ?? null) : null));
the("leave", HTMLButtonElement).addEventListener("click", () => take(null));

/* ---- the page ---- */

function draw() {
  if (!works) return;
  const ready = Boolean(shift.facility && shift.held);
  the("jobs", HTMLElement).hidden = Boolean(job) || shift.state === "cut_off";
  for (const each of document.querySelectorAll("#jobs button"))
    if (each instanceof HTMLElement)
      each.toggleAttribute("disabled", !ready || shift.state === "insecure" || !((each.dataset.job ?? "") in JOBS));
  groupJobs(the("jobs-now", HTMLElement), the("jobs-rest", HTMLElement), tasksOf(shift.holdings, shift.clock.now()));
  the("job-card", HTMLElement).hidden = !job;
  the("job-name", HTMLElement).textContent = job ? say(`job.${job.name}`) : "";
  redraw(the("job", HTMLElement), /** @type {Node[]} */ ((job?.parts() ?? []).filter(Boolean)));
  drawState(ready);
  drawSteps();
}

/** @param {boolean} ready */
function drawState(ready) {
  const { waiting, conflicts, state } = shift;
  const words = [
    state && state !== "sending" && (waiting.length || !["offline", "server", "foreign"].includes(state))
      ? say(`state_of.${state}`, { said: shift.said })
      : "",
    waiting.length ? say("state_of.waiting", { n: waiting.length }) : "",
    conflicts.length ? say("state_of.conflicts", { n: conflicts.length }) : "",
    shift.others ? say("state_of.others", { n: shift.others }) : "",
    !ready && shift.facility && !["cut_off", "insecure"].includes(state) ? say("state_of.no_holdings") : "",
    !shift.facility ? say("state_of.no_facility") : "",
  ].filter(Boolean);
  const box = the("book-state", HTMLElement);
  box.textContent = words.join(" ") || say("state_of.sent");
  const bad = ["full", "insecure", "cut_off", "broken", "refused"].includes(state) || conflicts.length > 0;
  box.className = `note small ${bad ? "bad" : words.length ? "warn" : "good"}`;
  the("login-again", HTMLElement).hidden = state !== "login";
  the("conflicts", HTMLElement).hidden = !shift.toSettle || Boolean(job);
  the("conflicts-number", HTMLElement).textContent = String(shift.toSettle);
}

function drawSteps() {
  const steps = [...shift.steps].reverse().slice(0, LISTED);
  the("steps-card", HTMLElement).hidden = !steps.length || Boolean(job);
  the("steps", HTMLElement).replaceChildren(...steps.map(line));
  const last = lastUndoable(shift.steps);
  const box = the("undo", HTMLElement);
  box.replaceChildren();
  if (!last) return;
  if (!undoing)
    box.append(
      button(
        say("job.undo_last"),
        () => {
          undoing = true;
          draw();
        },
        "quiet",
      ),
    );
  else box.append(element("p", { class: "ask" }, say("job.undo_why", { text: last.shown.text })), ...reasons(last));
}

/** @param {Step} last */
function reasons(last) {
  return Object.values(desk.words("undo")).map((reason) =>
    button(
      reason,
      async () => {
        undoing = false;
        await undo(desk, last, reason);
      },
      "quiet",
    ),
  );
}

/** @param {Step} step */
function line(step) {
  const undone = shift.steps.some((each) => each.shown.undoes === step.id);
  const state = undone ? "undone" : step.state;
  const done = step.sheet ? "low" : "ok";
  const tone = { waiting: "low", done, conflict: "out", behind: "low", dropped: "", undone: "" }[state];
  const made = goods(step.shown.text, `${step.number} · ${say(`step.${state}`)}`, /** @type {"ok"} */ (tone ?? ""), [
    step.said ? element("p", { class: "small" }, step.said) : null,
    step.sheet ? element("a", { href: `/stok/${desk.facility}/hitung` }, say("job.count_waits")) : null,
    step.state === "conflict" ? element("a", { href: "/gawai/bentrok" }, say("job.see_conflict")) : null,
  ]);
  made.dataset.state = state;
  return made;
}

/* ---- when to exchange ---- */

/** A new log-in has a new token: the page is asked for it, and only whoever it belongs to goes on. */
async function renew() {
  try {
    const answer = await fetch("/scan", { headers: { Accept: "text/html" }, cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("scan");
    if (fresh?.dataset.user && fresh.dataset.user !== user) location.reload();
    if (fresh?.dataset.user === user && fresh.dataset.csrf) token = fresh.dataset.csrf;
    return fresh?.dataset.user === user;
  } catch {
    return false;
  }
}

async function exchange() {
  if (!works) return;
  await shift.exchange();
  if (shift.state === "login" && (await renew())) await shift.exchange();
}

the("send", HTMLButtonElement).addEventListener("click", () => lookup.sendAll());
window.addEventListener("online", () => {
  lookup.sendAll();
  exchange();
});
setInterval(async () => {
  if (!navigator.onLine) return;
  if (await lookup.waits()) lookup.sendAll();
  exchange();
}, RETRY_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && navigator.onLine) exchange();
});

/** @param {string} facility */
async function work(facility) {
  if (!works) return;
  job = null;
  await shift.open(facility);
  draw();
  if (navigator.onLine) exchange();
}

choosePlace(user, work);
lookup.draw().then(() => (navigator.onLine ? lookup.sendAll() : undefined));
// Asks the browser not to clear the book when the phone runs out of room.
navigator.storage?.persist?.().catch(() => {});
// Keeps this page for the next time there is no network.
navigator.serviceWorker?.register("/scan/sw.js", { scope: "/scan" }).catch(() => {});
