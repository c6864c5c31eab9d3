// Counting a place, blind: what should lie there is named, and how many is not said until one's own number is written down.

import { element } from "./scan_cards.js";
import { batchScanned, factsOf, nameOf, placeName } from "./scan_desk.js";
import { button, choices, goods, stepper } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").Batch} Batch
 * @typedef {{ batch: Batch, status: string, expected: number, vials: number | null }} Row
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
    /** @type {Row[] | null} what was just written down, with its differences */
    this.counted = null;
  }

  /** @param {Read} read */
  scanned(read) {
    const { desk } = this;
    const place = desk.holdings.place(read.text);
    if (place) return this.start(place.code);
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
    const list = this.rows.map((row) => this.line(row));
    const done = this.rows.filter((row) => row.vials !== null).length;
    const end = button(desk.say("job.count_do", { n: done, all: this.rows.length }), () => this.write(), "big");
    end.disabled = done === 0;
    return [
      element("p", { class: "ask" }, `${placeName(desk, this.place)}: ${desk.say("job.count_how")}`),
      list.length
        ? element("ol", { class: "plain stack tight" }, ...list)
        : element("p", { class: "empty" }, desk.say("job.count_empty")),
      element("div", { class: "end" }, end),
    ];
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
    const lines = counted.map((row) => {
      const difference = (row.vials ?? 0) - row.expected;
      const words = difference
        ? desk.say("job.difference", { n: difference > 0 ? `+${difference}` : difference })
        : desk.say("job.agrees");
      return goods(nameOf(desk, row.batch), factsOf(desk, row.batch), difference ? "low" : "ok", [
        element("span", {}, `${row.vials} / ${row.expected}: ${words}`),
      ]);
    });
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
    const lines = rows.map(({ batch, status, vials }) => ({ batch: batch.id, place, status, vials: vials ?? 0 }));
    const kept = await desk.write({
      kind: "stock.event",
      body: (id, at) => ({ id, kind: "count", facility: desk.facility, occurred_at: at, lines }),
      effects: rows.map(({ batch, status, expected, vials }) => ({
        place,
        batch: batch.id,
        status,
        vials: (vials ?? 0) - expected,
      })),
      shown: {
        job: "count",
        text: `${desk.say("job.count")}: ${placeName(desk, place)} (${rows.length})`,
        undoable: true,
      },
    });
    if (!kept) return;
    this.counted = rows;
    this.place = null;
    this.rows = [];
    desk.draw();
  }
}
