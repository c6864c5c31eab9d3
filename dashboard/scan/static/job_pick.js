// Picking and packing an approved order: scan what goes into the box; a held, recalled, expired or wrong lot says so.

import { element } from "./scan_cards.js";
import { batchScanned, factsOf, nameOf, placeName, told, toneOf, whyOf } from "./scan_desk.js";
import { button, goods, stepper } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").Batch} Batch
 * @typedef {import("./holdings.js").Shipment} Shipment
 * @typedef {{ batch: Batch, place: string, vials: number }} Picked
 */

export class PickJob {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.name = "pick";
    /** @type {Shipment | null} */
    this.shipment = null;
    /** @type {Picked[]} */
    this.picked = [];
    this.sscc = "";
  }

  get waiting() {
    return this.desk.holdings.shipments("out", ["approved"]);
  }

  /** @param {Read} read */
  scanned(read) {
    const { desk, shipment } = this;
    const named = desk.holdings.shipmentOfCode(read.text);
    if (named && this.waiting.some((each) => each.id === named.id)) return this.open(named);
    if (!shipment) return desk.feel("low", desk.say("job.pick_first"));
    if (read.scan?.sscc && !read.scan.contentGtin) return this.label(read.scan.sscc);
    const batch = batchScanned(desk, read);
    if (batch && read.scan) this.take(shipment, batch, desk.holdings.vialsOf(read.scan));
  }

  /** @param {Shipment} shipment */
  open(shipment) {
    this.shipment = shipment;
    this.picked = [];
    this.sscc = "";
    this.desk.feel("ok", `${shipment.code} → ${shipment.to_name}`);
    this.desk.draw();
  }

  /** @param {string} sscc of the label on the box */
  label(sscc) {
    this.sscc = sscc;
    this.desk.feel("ok", this.desk.say("job.box_labelled"));
    this.desk.draw();
  }

  /**
   * @param {Shipment} shipment
   * @param {Batch} batch
   * @param {number} vials
   */
  take(shipment, batch, vials) {
    const { desk } = this;
    const judged = desk.holdings.judge(batch, desk.today);
    if (judged.verdict === "stop") return desk.feel("out", whyOf(desk, judged));
    const line = shipment.lines.find((each) => each.product === batch.product);
    if (!line) return desk.feel("out", desk.say("job.not_asked_for", { name: nameOf(desk, batch) }));
    const wanted = (line.approved ?? line.vials) - this.of(batch.product);
    if (vials > wanted) return desk.feel("low", desk.say("job.enough", { n: wanted }));
    const source = this.sources(batch.product).find((each) => each.batch.id === batch.id);
    if (!source) return desk.feel("out", desk.say("job.not_here", { lot: batch.lot }));
    const known = this.picked.find((each) => each.batch.id === batch.id && each.place === source.place);
    if (known) known.vials += vials;
    else this.picked.unshift({ batch, place: source.place, vials });
    const first = this.sources(batch.product)[0];
    const later = first && first.batch.expiry < batch.expiry && !this.used(first);
    desk.feel(
      later ? "low" : "ok",
      later
        ? desk.say("job.earlier_first", { lot: first.batch.lot })
        : `${this.of(batch.product)} / ${line.approved ?? line.vials}`,
    );
    desk.draw();
  }

  /** Whether all of a parcel is picked already. @param {{ batch: Batch, place: string, vials: number }} parcel */
  used(parcel) {
    const taken = this.picked.find((each) => each.batch.id === parcel.batch.id && each.place === parcel.place);
    return (taken?.vials ?? 0) >= parcel.vials;
  }

  /** Vials of a product that are picked. @param {string} product */
  of(product) {
    return this.picked.filter((each) => each.batch.product === product).reduce((sum, each) => sum + each.vials, 0);
  }

  /** Usable parcels of a product, first expiry first. @param {string} product */
  sources(product) {
    const { holdings, today } = this.desk;
    const found = [...holdings.stock.values()].flatMap((row) => {
      const batch = holdings.batch(row.batch);
      const fits = batch && batch.product === product && row.status === "usable" && row.vials > 0;
      return fits && holdings.judge(batch, today).verdict !== "stop"
        ? [{ batch, place: row.place, vials: row.vials }]
        : [];
    });
    return found.sort((one, other) => one.batch.expiry.localeCompare(other.batch.expiry) || other.vials - one.vials);
  }

  parts() {
    const { desk, shipment } = this;
    if (!shipment) return [element("p", { class: "ask" }, desk.say("job.pick_how")), this.list()];
    const lines = shipment.lines.map((line) => this.wanted(line));
    const vials = this.picked.reduce((sum, each) => sum + each.vials, 0);
    const made = button(desk.say("job.pick_do", { n: vials }), () => this.write(shipment), "big");
    made.disabled = !vials;
    return [
      element("p", { class: "ask" }, `${shipment.code} → ${shipment.to_name}: ${desk.say("job.pick_scan")}`),
      element("ol", { class: "plain stack tight" }, ...lines),
      this.picked.length
        ? element("ol", { class: "plain stack tight" }, ...this.picked.map((each) => this.line(each)))
        : null,
      this.sscc ? element("p", { class: "note good small" }, `${desk.say("say.sscc")}: ${this.sscc}`) : null,
      element("div", { class: "end" }, made),
    ];
  }

  list() {
    const { desk } = this;
    if (!this.waiting.length) return element("p", { class: "empty" }, desk.say("job.nothing_to_pick"));
    const lines = this.waiting.map((each) =>
      goods(each.code, `→ ${each.to_name}`, "", [
        button(desk.say("job.open_shipment"), () => this.open(each), "quiet"),
      ]),
    );
    return element("ol", { class: "plain stack tight" }, ...lines);
  }

  /** What was asked for, and the parcel to take next. @param {{ product: string, vials: number, approved: number | null }} line */
  wanted(line) {
    const { desk } = this;
    const all = line.approved ?? line.vials;
    const done = this.of(line.product);
    const next = this.sources(line.product).find((parcel) => !this.used(parcel));
    const words = next
      ? desk.say("job.take_next", { lot: next.batch.lot, place: placeName(desk, next.place) })
      : desk.say("job.none_left");
    const name = desk.holdings.product(line.product)?.name ?? line.product;
    return goods(name, done >= all ? desk.say("job.complete") : words, done >= all ? "ok" : next ? "" : "out", [
      element("strong", {}, `${done} / ${all}`),
    ]);
  }

  /** @param {Picked} picked */
  line(picked) {
    const { desk } = this;
    const facts = `${factsOf(desk, picked.batch)} · ${placeName(desk, picked.place)}`;
    const number = stepper(`${desk.say("job.vials")} ${picked.batch.lot}`, picked.vials, (value, typed) => {
      picked.vials = value ?? 0;
      if (!value && !typed) this.picked = this.picked.filter((each) => each !== picked);
      desk.draw();
    });
    return goods(nameOf(desk, picked.batch), facts, toneOf(desk.holdings.judge(picked.batch, desk.today)), [number]);
  }

  /** @param {Shipment} shipment */
  async write(shipment) {
    const { desk, sscc } = this;
    const lines = this.picked
      .filter((each) => each.vials > 0)
      .map(({ batch, place, vials }) => ({ batch: batch.id, place, vials }));
    const kept = await desk.write({
      kind: "shipment.pack",
      body: () => ({ shipment: shipment.code, boxes: [{ ...(sscc ? { sscc } : {}), lines }] }),
      shown: {
        job: "pick",
        text: `${desk.say("job.pick")} ${shipment.code}: ${told(desk, lines)}`,
        undoable: false,
        shipment: shipment.id,
      },
    });
    if (!kept) return;
    this.shipment = null;
    desk.draw();
  }
}
