// Jobs on goods that lie here: put away and move, open a vial, throw away closed vials. Scan after scan fills a list; one
// tap writes it down as one step.

import { element } from "./scan_cards.js";
import { batchScanned, cautionOf, factsOf, nameOf, placeName, told, toneOf, whyOf } from "./scan_desk.js";
import { button, choice, choices, goods, stepper } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").Batch} Batch
 * @typedef {import("./holdings.js").Lying} Lying
 * @typedef {{ batch: Batch, place: string, status: string, vials: number }} Line
 * @typedef {"transfer" | "opening" | "waste" | "return"} Kind
 */

/** @type {Record<Kind, string[]>} statuses that a job may take, the first sort first */
const TAKES = {
  transfer: ["usable", "held", "recalled", "unusable"],
  opening: ["usable"],
  waste: ["unusable", "recalled", "held", "usable"],
  return: ["recalled", "unusable", "held", "usable"],
};

export class GoodsJob {
  /** @param {Desk} desk @param {Kind} kind */
  constructor(desk, kind) {
    this.desk = desk;
    this.kind = kind;
    this.name = kind;
    /** @type {Line[]} */
    this.lines = [];
    /** @type {string | null} */
    this.to = null;
    this.reason = "";
  }

  /** @param {Read} read */
  scanned(read) {
    const place = this.kind === "transfer" ? this.desk.holdings.place(read.text) : null;
    if (place) return this.chose(place.code);
    const batch = batchScanned(this.desk, read);
    if (batch && read.scan) this.add(batch, this.desk.holdings.vialsOf(read.scan));
  }

  /** @param {string} place */
  chose(place) {
    this.to = place;
    // What lies there already is taken from elsewhere, or stays.
    for (const line of this.lines.filter((each) => each.place === place)) {
      const from = this.sources(line.batch)[0];
      if (!from) {
        this.to = null;
        return this.desk.feel("low", this.desk.say("job.there_already", { lot: line.batch.lot }));
      }
      line.place = from.place;
      line.status = from.status;
    }
    this.desk.feel("ok", this.desk.say("job.to", { place: placeName(this.desk, place) }));
    this.desk.draw();
  }

  /**
   * Where it lies, what of it may be taken, and as many as were scanned.
   * @param {Batch} batch
   * @param {number} vials
   */
  add(batch, vials) {
    const { desk } = this;
    const judged = desk.holdings.judge(batch, desk.today);
    const stop = judged.verdict === "stop";
    const opens = this.kind === "opening";
    if (opens && stop && !this.sources(batch).length) return desk.feel("out", whyOf(desk, judged));
    const known = this.lines.find((line) => line.batch.id === batch.id);
    if (known) known.vials += vials;
    else {
      const from = this.sources(batch)[0];
      if (!from) return desk.feel("out", desk.say("job.not_here", { lot: batch.lot }));
      this.lines.unshift({ batch, place: from.place, status: from.status, vials });
    }
    const said = opens ? this.onlyFrom(batch) : whyOf(desk, judged);
    const warns = stop && this.kind !== "waste" && this.kind !== "return";
    desk.feel(warns ? "low" : "ok", warns ? said : `${nameOf(desk, batch)} ${batch.lot}`);
    desk.draw();
  }

  /** From where vials of a batch may be opened though others of it may not. @param {Batch} batch */
  onlyFrom(batch) {
    const { desk } = this;
    const place = this.lines.find((line) => line.batch.id === batch.id)?.place ?? "";
    return desk.say("job.only_from", { place: placeName(desk, place), why: cautionOf(desk, batch) });
  }

  /** Parcels of the batch that this job may take from. @param {Batch} batch @returns {Lying[]} */
  sources(batch) {
    const { holdings, today } = this.desk;
    const takes = TAKES[this.kind];
    const found = (this.kind === "opening" ? holdings.openable(batch, today) : holdings.lying(batch.id)).filter(
      (row) => takes.includes(row.status) && row.place !== this.to,
    );
    return found.sort(
      (one, other) => takes.indexOf(one.status) - takes.indexOf(other.status) || other.vials - one.vials,
    );
  }

  parts() {
    const { desk } = this;
    const list = element("ol", { class: "plain stack tight" }, ...this.lines.map((line) => this.line(line)));
    return [
      element("p", { class: "ask" }, desk.say(`job.${this.kind}_how`)),
      this.lines.length ? list : null,
      this.kind === "transfer" && this.lines.length ? this.target() : null,
      this.kind === "waste" && this.lines.length ? this.reasons() : null,
      this.lines.length ? this.end() : null,
    ];
  }

  /** @param {Line} line */
  line(line) {
    const { desk } = this;
    const sources = this.sources(line.batch);
    const names = Object.fromEntries(sources.map((row) => [`${row.place} ${row.status}`, this.parcel(row)]));
    const from = choice(desk.say("job.from"), names, `${line.place} ${line.status}`, (value) => {
      [line.place = "", line.status = ""] = value.split(" ");
      desk.draw();
    });
    const number = stepper(`${desk.say("job.vials")} ${line.batch.lot}`, line.vials, (value, typed) => {
      line.vials = value ?? 0;
      if (!value && !typed) this.lines = this.lines.filter((each) => each !== line);
      desk.draw();
    });
    const only =
      sources.length === 1 ? element("span", { class: "small" }, this.parcel(/** @type {Lying} */ (sources[0]))) : from;
    const judged = toneOf(desk.holdings.judge(line.batch, desk.today));
    const tone = this.kind === "opening" && judged === "out" ? "low" : judged; // what stands here may be opened
    return goods(nameOf(desk, line.batch), factsOf(desk, line.batch), tone, [only, number, this.tooMany(line)]);
  }

  /** @param {Lying} row */
  parcel(row) {
    return `${placeName(this.desk, row.place)}: ${row.vials} ${this.desk.say(`status.${row.status}`)}`;
  }

  /** @param {Line} line */
  tooMany(line) {
    const there =
      this.sources(line.batch).find((row) => row.place === line.place && row.status === line.status)?.vials ?? 0;
    if (line.vials <= there) return null;
    return element("p", { class: "note warn small" }, this.desk.say("job.more_than_there", { n: there }));
  }

  target() {
    const { desk } = this;
    const places = desk.holdings.places;
    const chosen = places.find((place) => place.code === this.to) ?? null;
    return choices(
      desk.say("job.where_to"),
      places,
      (place) => place.name,
      chosen,
      (place) => this.chose(place.code),
    );
  }

  reasons() {
    const { desk } = this;
    const words = desk.words("waste");
    const chosen = this.reason || null;
    return choices(
      desk.say("job.why"),
      Object.keys(words),
      (key) => words[key] ?? key,
      chosen,
      (key) => {
        this.reason = key;
        desk.draw();
      },
    );
  }

  end() {
    const vials = this.lines.reduce((sum, line) => sum + line.vials, 0);
    const made = button(this.desk.say(`job.${this.kind}_do`, { n: vials }), () => this.write(), "big");
    made.disabled = !vials || !this.ready;
    return element("div", { class: "end" }, made);
  }

  /** Whether all is said that the lines do not say. */
  get ready() {
    return Boolean((this.kind !== "transfer" || this.to) && (this.kind !== "waste" || this.reason));
  }

  done() {
    this.lines = [];
    this.to = null;
    this.reason = "";
    this.desk.draw();
  }

  async write() {
    const { desk, kind, to, reason } = this;
    const lines = this.lines
      .filter((line) => line.vials > 0)
      .map(({ batch, place, status, vials }) => ({
        batch: batch.id,
        place,
        status,
        vials,
        ...(kind === "transfer" ? { to_place: to } : {}),
        ...(kind === "waste" ? { reason } : {}),
      }));
    const gone = lines.map(({ place, batch, status, vials }) => ({ place, batch, status, vials: -vials }));
    const come = kind === "transfer" ? lines.map((line) => ({ ...line, place: to ?? "" })) : [];
    const text = `${desk.say(`job.${kind}`)}: ${told(desk, lines)}${to ? ` → ${placeName(desk, to)}` : ""}`;
    const kept = await desk.write({
      kind: "stock.event",
      body: (id, at) => ({ id, kind, facility: desk.facility, occurred_at: at, lines }),
      effects: [...gone, ...come].map(({ place, batch, status, vials }) => ({ place, batch, status, vials })),
      shown: { job: kind, text, undoable: true },
    });
    if (kept) this.done();
  }
}
