// Boxes at the door of which nobody said a word: whose they are, what is in them, where they lie. Their sender confirms.

import { element } from "./scan_cards.js";
import { factsOf, nameOf, placeName } from "./scan_desk.js";
import { button, choice, choices, goods, stepper } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").Batch} Batch
 * @typedef {{ batch: Batch | null, barcode: string, vials: number }} Line
 */

export class TellJob {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.name = "tell";
    this.from = desk.holdings.near[0]?.code ?? "";
    /** @type {Line[]} */
    this.lines = [];
    const places = desk.holdings.places;
    this.place = places.length === 1 ? (places[0]?.code ?? "") : "";
  }

  /** @param {Read} read */
  scanned(read) {
    const { desk } = this;
    const place = desk.holdings.place(read.text);
    if (place) return this.put(place.code);
    if (!read.scan) return desk.feel("out", read.error);
    const batch = desk.holdings.batchOf(read.scan);
    // What never lay here is known to the house by its label.
    if (!batch && !(read.scan.lot && (read.scan.gtin || read.scan.nie)))
      return desk.feel("out", desk.say("job.tell_label", { text: read.text.slice(0, 40) }));
    const vials = desk.holdings.vialsOf(read.scan);
    const known = this.lines.find((line) => (batch ? line.batch?.id === batch.id : line.barcode === read.text));
    if (known) known.vials += vials;
    else this.lines.unshift({ batch, barcode: read.text, vials });
    desk.feel("ok", batch ? `${nameOf(desk, batch)} ${batch.lot}` : (read.scan.lot ?? ""));
    desk.draw();
  }

  /** @param {string} place */
  put(place) {
    this.place = place;
    this.desk.feel("ok", this.desk.say("job.to", { place: placeName(this.desk, place) }));
    this.desk.draw();
  }

  parts() {
    const { desk } = this;
    const near = desk.holdings.near;
    if (!near.length) return [element("p", { class: "empty" }, desk.say("job.nobody_near"))];
    const names = Object.fromEntries(near.map((each) => [each.code, each.name]));
    const vials = this.lines.reduce((sum, line) => sum + line.vials, 0);
    const made = button(desk.say("job.tell_do", { n: vials }), () => this.write(), "big");
    made.disabled = !vials || !this.place;
    const chosen = desk.holdings.places.find((each) => each.code === this.place) ?? null;
    return [
      element("p", { class: "ask" }, desk.say("job.tell_how")),
      choice(desk.say("job.tell_from"), names, this.from, (value) => {
        this.from = value;
      }),
      element("ol", { class: "plain stack tight" }, ...this.lines.map((line) => this.line(line))),
      this.lines.length
        ? choices(
            desk.say("job.where_to"),
            desk.holdings.places,
            (each) => each.name,
            chosen,
            (each) => this.put(each.code),
          )
        : null,
      this.lines.length ? element("p", { class: "note warn small" }, desk.say("job.tell_apart")) : null,
      this.lines.length ? element("div", { class: "end" }, made) : null,
    ];
  }

  /** @param {Line} line */
  line(line) {
    const { desk } = this;
    const { batch } = line;
    const name = batch ? nameOf(desk, batch) : desk.say("job.unknown_goods");
    const facts = batch ? factsOf(desk, batch) : line.barcode;
    const number = stepper(`${desk.say("job.vials")} ${batch?.lot ?? line.barcode}`, line.vials, (value, typed) => {
      line.vials = value ?? 0;
      if (!value && !typed) this.lines = this.lines.filter((each) => each !== line);
      desk.draw();
    });
    return goods(name, facts, batch && batch.expiry < desk.today ? "out" : "", [number]);
  }

  async write() {
    const { desk, from, place } = this;
    const lines = this.lines
      .filter((line) => line.vials > 0)
      .map(({ batch, barcode, vials }) => ({ ...(batch ? { batch: batch.id } : { barcode }), vials, place }));
    const name = desk.holdings.near.find((each) => each.code === from)?.name ?? from;
    const vials = lines.reduce((sum, line) => sum + line.vials, 0);
    const kept = await desk.write({
      kind: "shipment.tell",
      body: (id, at) => ({ id, from, to: desk.facility, arrived_at: at, lines }),
      shown: {
        job: "tell",
        text: `${desk.say("job.tell")} ← ${name}: ${desk.say("job.n_vials", { n: vials })}`,
        undoable: true,
        way: "cancel",
      },
    });
    if (!kept) return;
    this.lines = [];
    desk.draw();
  }
}
