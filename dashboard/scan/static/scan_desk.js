// What every job of the phone works with: the holdings, the book, the words, the feel. Jobs decide what a scan means.

/**
 * @typedef {import("./book_store.js").Step} Step
 * @typedef {import("./book.js").Told} Told
 * @typedef {import("./gs1_reader.js").Scan} Scan
 * @typedef {import("./holdings.js").Holdings} Holdings
 * @typedef {import("./holdings.js").Batch} Batch
 * @typedef {import("./holdings.js").Judged} Judged
 * @typedef {import("./scan_feel.js").Tone} Tone
 * @typedef {object} Read one scanned text, as far as the phone itself can read it
 * @property {string} text
 * @property {Scan | null} scan null where it breaks the rules of its own form
 * @property {string} error why, as a sentence
 * @typedef {object} Job what one does for a while
 * @property {string} name
 * @property {() => (Node | null)[]} parts what is on the screen now
 * @property {(read: Read) => void} scanned
 * @typedef {object} Desk
 * @property {Holdings} holdings
 * @property {string} facility
 * @property {string} today the place's day
 * @property {Step[]} steps this account's own, in order
 * @property {(key: string, values?: Record<string, string | number>) => string} say
 * @property {(group: string) => Record<string, string>} words of a group: value → words
 * @property {(tone: Tone, word: string) => void} feel
 * @property {(told: Told) => Promise<boolean>} write true when it stands in the book
 * @property {() => void} draw
 * @property {() => void} leave the job
 */

/** @param {Judged} judged @returns {Tone} */
export const toneOf = (judged) => (judged.verdict === "good" ? "ok" : judged.verdict === "ask" ? "low" : "out");

/** @param {Desk} desk @param {Batch} batch */
export const nameOf = (desk, batch) => desk.holdings.product(batch.product)?.name ?? batch.product;

/** @param {Desk} desk @param {string} code */
export const placeName = (desk, code) => desk.holdings.held?.places[code]?.name ?? code;

/** Lot and expiry in a few letters. @param {Desk} desk @param {Batch} batch */
export const factsOf = (desk, batch) => `${batch.lot} · ${desk.say("job.expires")} ${dayOf(batch.expiry)}`;

/** @type {Intl.DateTimeFormat | null} dear to make, and one page has one language */
let days = null;

/** A day as people write it. @param {string} day YYYY-MM-DD */
function dayOf(day) {
  days ??= new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeZone: "UTC" });
  return days.format(new Date(day));
}

/** A moment on the facility's clock. @param {Desk} desk @param {string} at */
export function momentOf(desk, at) {
  const timeZone = desk.holdings.held?.timezone ?? "Asia/Jakarta";
  return new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone,
  }).format(new Date(at));
}

/** Why a batch must not be used, in words. @param {Desk} desk @param {Judged} judged */
export const whyOf = (desk, judged) => judged.why.map((why) => desk.say(`warn.${why}`)).join(" ");

/** The same of vials that may be used though others of their batch may not. @param {Desk} desk @param {Batch} batch */
export const cautionOf = (desk, batch) =>
  desk.holdings
    .judge(batch, desk.today)
    .why.map((why) => (why === "recalled" && desk.holdings.recalledElsewhere(batch) ? "recalled_elsewhere" : why))
    .map((why) => desk.say(`warn.${why}`))
    .join(" ");

/** Why nobody has received a shipment, though somebody had said so; null where nobody had. @param {Desk} desk @param {import("./holdings.js").Shipment} shipment */
export const undoneOf = (desk, { undone }) =>
  undone ? desk.say("job.receipt_undone", { ...undone, at: momentOf(desk, undone.at) }) : null;

/** Own steps on a shipment that the house has not taken yet: what follows builds upon them. @param {Desk} desk @param {{ id: string }} shipment */
export const stepsOf = (desk, shipment) =>
  desk.steps
    .filter((step) => step.shown.shipment === shipment.id && !["done", "dropped"].includes(step.state))
    .map((step) => step.id);

/** How a call names a shipment: one that this phone made has its code from the house later. @param {import("./holdings.js").Shipment} shipment */
export const refOf = (shipment) => (shipment.made ? shipment.id : shipment.code);

/** The words of a step's goods: "3 × Penta-5 PB002, …". @param {Desk} desk @param {{ batch: string, vials: number }[]} lines */
export function told(desk, lines) {
  const names = lines.map(({ batch, vials }) => {
    const known = desk.holdings.batch(batch);
    return `${vials} × ${known ? `${nameOf(desk, known)} ${known.lot}` : batch}`;
  });
  return names.length > 3 ? `${names.slice(0, 3).join(", ")} +${names.length - 3}` : names.join(", ");
}

/**
 * The batch that was scanned; says so where there is none, and answers null.
 * @param {Desk} desk
 * @param {Read} read
 * @returns {Batch | null}
 */
export function batchScanned(desk, read) {
  if (!read.scan) {
    desk.feel("out", read.error);
    return null;
  }
  const batch = desk.holdings.batchOf(read.scan);
  if (!batch)
    desk.feel(
      "out",
      desk.say(read.scan.gtin || read.scan.nie ? "job.unknown_batch" : "job.no_goods", {
        text: read.text.slice(0, 40),
      }),
    );
  return batch;
}
