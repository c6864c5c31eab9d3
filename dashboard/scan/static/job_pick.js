// Picking and packing an approved order: scan what goes into the box; a held, recalled, expired or wrong lot says so, and
// vials that go before their turn are asked why.

import { parcels, turn } from "./fefo.js";
import { element } from "./scan_cards.js";
import { batchScanned, cautionOf, factsOf, nameOf, placeName, refOf, stepsOf, told, whyOf } from "./scan_desk.js";
import { button, choice, goods, stepper, words } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").Batch} Batch
 * @typedef {import("./holdings.js").Shipment} Shipment
 * @typedef {import("./fefo.js").Parcel} Parcel
 * @typedef {{ product: string, vials: number, approved: number | null }} Wanted a line of the order
 * @typedef {Parcel & { reason: string, note: string }} Picked `reason` why they go though it is another's turn
 */

export const MOST_LETTERS = 64; // of a seal's or a logger's number

/** The number of a seal or a logger: the serial of its code, or the code itself. @param {Read} read */
export const numberOf = (read) => (read.scan?.serial ?? read.text).trim();

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
    this.seal = "";
    this.logger = "";
    /** @type {"" | "seal" | "logger"} what the next scan is for */
    this.into = "";
  }

  get waiting() {
    return this.desk.holdings.shipments("out", ["approved"]);
  }

  /** @param {Read} read */
  scanned(read) {
    const { desk, shipment } = this;
    const named = desk.holdings.shipmentOfCode(read.text);
    const asked = this.waiting.find((each) => each.id === named?.id);
    if (asked) return this.open(asked);
    if (!shipment) return desk.feel("low", desk.say("job.pick_first"));
    if (this.into) return this.fill(this.into, read);
    if (read.scan?.sscc && !read.scan.contentGtin) return this.label(read.scan.sscc);
    const batch = batchScanned(desk, read);
    if (batch && read.scan) this.take(shipment, batch, desk.holdings.vialsOf(read.scan));
  }

  /** @param {Shipment} shipment */
  open(shipment) {
    this.shipment = shipment;
    this.picked = [];
    this.sscc = this.seal = this.logger = this.into = "";
    this.desk.feel("ok", `${shipment.code} → ${shipment.to_name}`);
    this.desk.draw();
  }

  /** The number of a seal or a logger: the serial of its code, or the code itself. @param {"seal" | "logger"} field @param {Read} read */
  fill(field, read) {
    const { desk } = this;
    const number = numberOf(read);
    if (read.scan?.sscc || number.length > MOST_LETTERS)
      return desk.feel("out", desk.say("job.no_device", { text: read.text.slice(0, 40) }));
    this[field] = number;
    this.into = "";
    desk.feel("ok", `${desk.say(`job.${field}`)}: ${number}`);
    desk.draw();
  }

  /** @param {string} sscc of the label on the box */
  label(sscc) {
    const other = this.desk.holdings.shipmentOfBox(sscc);
    if (other && other.id !== this.shipment?.id)
      return this.desk.feel("out", this.desk.say("job.label_taken", { code: other.code }));
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
    const own = this.sources(batch.product).filter((each) => each.batch.id === batch.id);
    const source = own.find((each) => !this.used(each)) ?? own[0];
    if (!source && judged.verdict === "stop") return desk.feel("out", whyOf(desk, judged));
    const line = shipment.lines.find((each) => each.product === batch.product);
    if (!line) return desk.feel("out", desk.say("job.not_asked_for", { name: nameOf(desk, batch) }));
    const here = desk.holdings.lying(batch.id).length > 0;
    if (!source) return desk.feel("out", desk.say(here ? "job.none_free" : "job.not_here", { lot: batch.lot }));
    const all = line.approved ?? line.vials;
    const wanted = all - this.of(batch.product);
    if (vials > wanted) return desk.feel("low", desk.say("job.enough", { n: wanted }));
    this.add(source, vials);
    const warning = this.warning(source, judged);
    desk.feel(warning ? "low" : "ok", warning || `${this.of(batch.product)} / ${all}`);
    desk.draw();
  }

  /** @param {Parcel} parcel @param {number} vials */
  add(parcel, vials) {
    const known = this.pickedOf(parcel);
    if (known) known.vials += vials;
    else this.picked.unshift({ ...parcel, vials, reason: "", note: "" });
  }

  /**
   * What to mind with vials that were taken: others of their batch must not go, or it was another's turn.
   * @param {Parcel} parcel
   * @param {import("./holdings.js").Judged} judged
   */
  warning(parcel, judged) {
    const { desk } = this;
    if (judged.verdict === "stop")
      return desk.say("job.only_from", { place: placeName(desk, parcel.place), why: cautionOf(desk, parcel.batch) });
    const first = this.before(parcel);
    return first ? desk.say("job.earlier_first", { lot: first.batch.lot }) : "";
  }

  /** @param {Parcel} parcel */
  pickedOf(parcel) {
    return this.picked.find((each) => each.batch.id === parcel.batch.id && each.place === parcel.place);
  }

  /** Whose turn comes before these vials', of what is not picked; undefined where it is theirs. @param {Parcel} parcel */
  before(parcel) {
    return this.sources(parcel.batch.product).find((each) => turn(each, parcel) < 0 && !this.used(each));
  }

  /** Whether all of a parcel is picked already. @param {Parcel} parcel */
  used(parcel) {
    return (this.pickedOf(parcel)?.vials ?? 0) >= parcel.vials;
  }

  /** Vials of a product that are picked. @param {string} product */
  of(product) {
    return this.picked.filter((each) => each.batch.product === product).reduce((sum, each) => sum + each.vials, 0);
  }

  /** Vials picked beyond what was approved of a line; below 0 while some are to come. @param {Wanted} line */
  over(line) {
    return this.of(line.product) - (line.approved ?? line.vials);
  }

  /** What of a product may leave, in the order of its turn, on the day it should arrive. @param {string} product */
  sources(product) {
    const { holdings, today } = this.desk;
    const due = this.shipment?.expected_at ? holdings.today(Date.parse(this.shipment.expected_at)) : today;
    return parcels(holdings, product, due.localeCompare(today) > 0 ? due : today);
  }

  parts() {
    const { desk, shipment } = this;
    if (!shipment) return this.list();
    const lines = shipment.lines.map((line) => this.wanted(line));
    const vials = this.picked.reduce((sum, each) => sum + each.vials, 0);
    const made = button(desk.say("job.pick_do", { n: vials }), () => this.write(shipment), "big");
    const unready = this.picked.some((each) => each.vials > 0 && this.unsaid(each));
    made.disabled = !vials || unready || shipment.lines.some((line) => this.over(line) > 0);
    return [
      element("p", { class: "ask" }, `${shipment.code} → ${shipment.to_name}: ${desk.say("job.pick_scan")}`),
      element("ol", { class: "plain stack tight" }, ...lines),
      this.picked.length
        ? element("ol", { class: "plain stack tight" }, ...this.picked.map((each) => this.line(each)))
        : null,
      this.sscc ? element("p", { class: "note good small" }, `${desk.say("say.sscc")}: ${this.sscc}`) : null,
      this.picked.length ? this.box() : null,
      element("div", { class: "end" }, made),
    ];
  }

  /** The seal and the logger of the box, where it has them. */
  box() {
    const { desk } = this;
    return element(
      "details",
      this.seal || this.logger || this.into ? { open: "" } : {},
      element("summary", {}, desk.say("job.seal_logger")),
      words(desk.say("job.seal"), this.seal, (value) => {
        this.seal = value;
      }),
      words(desk.say("job.logger"), this.logger, (value) => {
        this.logger = value;
      }),
      this.scanInto("logger"),
      this.scanInto("seal"),
    );
  }

  /** @param {"seal" | "logger"} field */
  scanInto(field) {
    const { desk } = this;
    const words = desk.say(`job.scan_${field}`);
    const made = button(
      words,
      () => {
        this.into = this.into === field ? "" : field;
        if (this.into) desk.feel("low", desk.say("job.scan_now"));
        desk.draw();
      },
      "quiet",
    );
    made.setAttribute("aria-pressed", String(this.into === field));
    return made;
  }

  list() {
    const { desk } = this;
    if (!this.waiting.length) return [element("p", { class: "empty" }, desk.say("job.nothing_to_pick"))];
    const lines = this.waiting.map((each) =>
      goods(each.code, `→ ${each.to_name}`, "", [
        button(desk.say("job.open_shipment"), () => this.open(each), "quiet"),
      ]),
    );
    return [
      element("p", { class: "ask" }, desk.say("job.pick_how")),
      element("ol", { class: "plain stack tight" }, ...lines),
    ];
  }

  /** What was asked for, and the parcel to take next. @param {Wanted} line */
  wanted(line) {
    const { desk } = this;
    const all = line.approved ?? line.vials;
    const done = this.of(line.product);
    const next = this.sources(line.product).find((parcel) => !this.used(parcel));
    const words = next
      ? desk.say("job.take_next", { lot: next.batch.lot, place: placeName(desk, next.place) })
      : desk.say("job.none_left");
    const name = desk.holdings.product(line.product)?.name ?? line.product;
    const over = this.over(line);
    if (over > 0)
      return goods(name, desk.say("job.too_many", { n: over }), "out", [element("strong", {}, `${done} / ${all}`)]);
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
    const first = picked.vials > 0 ? this.before(picked) : undefined;
    return goods(nameOf(desk, picked.batch), facts, first ? "low" : "ok", [
      number,
      ...(first ? this.why(picked, first) : []),
    ]);
  }

  /** Whether vials go before their turn, and nobody said why. @param {Picked} picked */
  unsaid(picked) {
    return Boolean(this.before(picked)) && (!picked.reason || (picked.reason === "other" && !picked.note));
  }

  /**
   * Asks why vials go before their turn.
   * @param {Picked} picked
   * @param {Parcel} first
   */
  why(picked, first) {
    const { desk } = this;
    const { lot } = picked.batch;
    const options = { "": desk.say("job.count_choose"), ...desk.words("other_lot") };
    const asked = choice(desk.say("job.why_not_first", { lot: first.batch.lot }), options, picked.reason, (reason) => {
      picked.reason = reason;
      desk.draw();
    });
    if (picked.reason !== "other") return [asked];
    const label = `${desk.say("job.remark")} ${lot}`;
    const field = /** @type {HTMLInputElement} */ (element("input", { maxlength: "200", "aria-label": label }));
    field.value = picked.note;
    field.addEventListener("input", () => {
      picked.note = field.value.trimStart();
      desk.draw();
    });
    return [asked, field];
  }

  /** A line as the house takes it; a reason that is not needed any more is none. @param {Picked} picked */
  lineOf(picked) {
    const { batch, place, vials, reason, note } = picked;
    const said = this.before(picked) ? { reason, ...(note.trim() ? { note: note.trim() } : {}) } : {};
    return { batch: batch.id, place, vials, ...said };
  }

  /** @param {Shipment} shipment */
  async write(shipment) {
    const { desk, sscc, seal, logger } = this;
    const named = Object.fromEntries(Object.entries({ sscc, seal, logger }).filter(([, value]) => value));
    const lines = this.picked.filter((each) => each.vials > 0).map((each) => this.lineOf(each));
    // Not the step's own id: where a later step names that, the house reads the shipment that came of it.
    const box = crypto.randomUUID();
    const kept = await desk.write({
      kind: "shipment.pack",
      body: () => ({ shipment: refOf(shipment), boxes: [{ id: box, ...named, lines }] }),
      needs: stepsOf(desk, shipment),
      shown: {
        job: "pick",
        text: `${desk.say("job.pick")} ${shipment.code}: ${told(desk, lines)}`,
        undoable: true,
        way: "unpack",
        box,
        shipment: shipment.id,
        becomes: "packed",
      },
    });
    if (!kept) return;
    this.shipment = null;
    desk.draw();
  }
}
