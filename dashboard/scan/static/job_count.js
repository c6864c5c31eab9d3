// Counting a place, blind: what should lie there is named, and how many is not said until one's own numbers stand. Then
// each difference is asked its reason, and the house takes the count, or lets it wait for a second person.

import { element } from "./scan_cards.js";
import { batchScanned, factsOf, nameOf, placeName } from "./scan_desk.js";
import { button, choice, choices, goods, stepper } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").Batch} Batch
 * @typedef {{ batch: Batch, status: string, expected: number, vials: number | null, reason?: string }} Row
 */

export class CountJob {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.name = "count";
    /** @type {string | null} */
    this.place = null;
    /** @type {Row[]} */
    this.rows = [];
    /** whether the numbers stand and their differences are shown */
    this.stands = false;
    /** @type {Row[] | null} what was just written down, with its differences */
    this.counted = null;
  }

  /** @param {Read} read */
  scanned(read) {
    const { desk } = this;
    const place = desk.holdings.place(read.text);
    if (place) return this.start(place.code);
    if (this.stands) return desk.feel("low", desk.say("job.count_why"));
    const batch = batchScanned(desk, read);
    if (!batch || !read.scan) return;
    if (!this.place) return desk.feel("low", desk.say("job.place_first"));
    let row = this.rows.find((each) => each.batch.id === batch.id);
    if (!row) {
      row = { batch, status: "usable", expected: 0, vials: null };
      this.rows.unshift(row);
    }
    row.vials = (row.vials ?? 0) + desk.holdings.vialsOf(read.scan);
    desk.feel("ok", `${row.vials} × ${nameOf(desk, batch)} ${batch.lot}`);
    desk.draw();
  }

  /** @param {string} place */
  start(place) {
    const { desk } = this;
    this.place = place;
    this.stands = false;
    this.counted = null;
    this.rows = desk.holdings.at(place).flatMap((lying) => {
      const batch = desk.holdings.batch(lying.batch);
      return batch ? [{ batch, status: lying.status, expected: lying.vials, vials: null }] : [];
    });
    desk.feel("ok", placeName(desk, place));
    desk.draw();
  }

  parts() {
    const { desk } = this;
    if (!this.place) return [this.where(), this.differences()];
    if (this.stands) return this.reasons();
    const list = this.rows.map((row) => this.line(row));
    const done = this.rows.filter((row) => row.vials !== null).length;
    const end = button(desk.say("job.count_do", { n: done, all: this.rows.length }), () => this.compare(), "big");
    end.disabled = done === 0;
    return [
      element("p", { class: "ask" }, `${placeName(desk, this.place)}: ${desk.say("job.count_how")}`),
      list.length
        ? element("ol", { class: "plain stack tight" }, ...list)
        : element("p", { class: "empty" }, desk.say("job.count_empty")),
      element("div", { class: "end" }, end),
    ];
  }

  /** The numbers stand: what agrees is written down, what differs is asked why. */
  async compare() {
    if (this.differing().length === 0) return await this.write();
    this.stands = true;
    this.desk.draw();
  }

  differing() {
    return this.rows.filter((row) => row.vials !== null && row.vials !== row.expected);
  }

  reasons() {
    const { desk } = this;
    const rows = this.differing();
    const known = Object.values(desk.words("count_reason")).map((words) => [words, words]);
    const options = Object.fromEntries([["", desk.say("job.count_choose")], ...known]);
    const lines = rows.map((row) =>
      this.differenceLine(row, [
        choice(desk.say("job.why"), options, row.reason ?? "", (reason) => {
          row.reason = reason;
          desk.draw();
        }),
      ]),
    );
    const end = button(desk.say("job.count_send"), () => this.write(), "big");
    end.disabled = rows.some((row) => !row.reason);
    const again = button(
      desk.say("job.count_again"),
      () => {
        this.stands = false;
        desk.draw();
      },
      "quiet",
    );
    return [
      element("p", { class: "ask" }, desk.say("job.count_why")),
      element("ol", { class: "plain stack tight" }, ...lines),
      element("div", { class: "end" }, end, again),
    ];
  }

  /** @param {Row} row @param {Node[]} parts */
  differenceLine(row, parts = []) {
    const { desk } = this;
    const difference = (row.vials ?? 0) - row.expected;
    const words = difference
      ? desk.say("job.difference", { n: difference > 0 ? `+${difference}` : difference })
      : desk.say("job.agrees");
    return goods(nameOf(desk, row.batch), factsOf(desk, row.batch), difference ? "low" : "ok", [
      element("span", {}, `${row.vials} / ${row.expected}: ${words}`),
      ...parts,
    ]);
  }

  where() {
    const { desk } = this;
    return choices(
      desk.say("job.count_where"),
      desk.holdings.places,
      (each) => each.name,
      null,
      (each) => this.start(each.code),
    );
  }

  /** @param {Row} row */
  line(row) {
    const { desk } = this;
    const status = row.status === "usable" ? "" : ` · ${desk.say(`status.${row.status}`)}`;
    const number = stepper(`${desk.say("job.vials")} ${row.batch.lot}`, row.vials, (value) => {
      row.vials = value;
      desk.draw();
    });
    return goods(nameOf(desk, row.batch), factsOf(desk, row.batch) + status, row.vials === null ? "" : "ok", [number]);
  }

  /** What was counted against what should have been there. */
  differences() {
    const { desk, counted } = this;
    if (!counted) return null;
    const lines = counted.map((row) => this.differenceLine(row));
    return element(
      "div",
      {},
      element("h3", {}, desk.say("job.counted")),
      element("ol", { class: "plain stack tight" }, ...lines),
    );
  }

  async write() {
    const { desk, place } = this;
    if (!place) return;
    const rows = this.rows.filter((row) => row.vials !== null);
    const lines = rows.map(({ batch, status, vials, reason }) => ({
      batch: batch.id,
      status,
      vials: vials ?? 0,
      ...(reason ? { reason } : {}),
    }));
    const kept = await desk.write({
      kind: "stock.count",
      body: (id, at) => ({ id, facility: desk.facility, place, counted_at: at, lines }),
      effects: rows.map(({ batch, status, expected, vials }) => ({
        place,
        batch: batch.id,
        status,
        vials: (vials ?? 0) - expected,
      })),
      shown: {
        job: "count",
        text: `${desk.say("job.count")}: ${placeName(desk, place)} (${rows.length})`,
        // A count that was wrong is counted again: it may stand on a sheet with others'.
        undoable: false,
      },
    });
    if (!kept) return;
    this.counted = rows;
    this.place = null;
    this.stands = false;
    this.rows = [];
    desk.draw();
  }
}
