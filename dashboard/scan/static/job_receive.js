// Receiving: the box, the shipment's code or one vial opens the shipment; all as on the note in one tap, or line by line.

import { MOST_LETTERS, numberOf } from "./job_pick.js";
import { element } from "./scan_cards.js";
import { factsOf, nameOf, placeName, told, undoneOf } from "./scan_desk.js";
import { ON_THE_ROAD } from "./scan_home.js";
import { button, choice, choices, goods, stepper } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").Batch} Batch
 * @typedef {import("./holdings.js").Shipment} Shipment
 * @typedef {object} Row vials of one batch: sent, and what came
 * @property {Batch | null} batch null for goods that the phone does not know
 * @property {string} [barcode]
 * @property {number} sent
 * @property {number} accepted
 * @property {number} rejected
 * @property {number} surplus
 * @property {string} reason
 * @property {number} vvm 0 where nobody read it
 * @property {string} note
 * @property {boolean} seen whether somebody looked at it
 * @property {boolean} wrong whether what is wrong with it is open to be said
 */

export class ReceiveJob {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.name = "receive";
    /** @type {Shipment | null} */
    this.shipment = null;
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Set<string>} boxes that were scanned */
    this.boxes = new Set();
    this.one_by_one = false;
    /** Whether what has not come is written off: only where somebody says so, more deliveries of one shipment are usual. */
    this.final = false;
    /** @type {string | null} */
    this.place = null;
    /** @type {Set<string>} numbers of the temperature loggers that lay in the boxes */
    this.loggers = new Set();
    /** Whether the next scan is of a logger that no note names. */
    this.into = false;
  }

  get waiting() {
    return this.desk.holdings.shipments("in", ON_THE_ROAD);
  }

  /** @param {Read} read */
  scanned(read) {
    const { desk } = this;
    const logger = numberOf(read);
    const whose = desk.holdings.shipmentOfLogger(logger);
    if (whose && !this.shipment) this.open(whose);
    if (this.shipment && (whose || this.into)) return this.logged(logger);
    const place = desk.holdings.place(read.text);
    if (place && this.shipment) return this.put(place.code);
    if (read.scan?.sscc) return this.box(read.scan.sscc);
    const named = desk.holdings.shipmentOfCode(read.text);
    if (named) return this.open(named);
    if (!read.scan) return desk.feel("out", read.error);
    const batch = desk.holdings.batchOf(read.scan);
    if (!this.shipment) return this.byVial(batch);
    this.came(batch, read, desk.holdings.vialsOf(read.scan));
  }

  /** @param {string} sscc */
  box(sscc) {
    const { desk } = this;
    const shipment = desk.holdings.shipmentOfBox(sscc);
    if (!shipment || !this.waiting.some((each) => each.id === shipment.id))
      return desk.feel(
        "out",
        desk.say(shipment ? "job.box_not_waiting" : "job.box_unknown", { code: shipment?.code ?? "" }),
      );
    if (this.shipment && this.shipment.id !== shipment.id)
      return desk.feel("out", desk.say("job.box_of_other", { code: shipment.code }));
    if (!this.shipment) this.open(shipment);
    if (this.boxes.has(sscc)) return desk.feel("low", desk.say("job.box_twice"));
    this.boxes.add(sscc);
    const box = shipment.boxes.find((each) => each.sscc === sscc);
    if (shipment.boxes.length > 1) {
      this.one_by_one = true;
      for (const line of box?.lines ?? [])
        this.more(
          this.rows.find((row) => row.batch?.id === line.batch),
          line.vials,
        );
    }
    desk.feel("ok", desk.say("job.box_ok", { n: this.boxes.size, all: shipment.boxes.length }));
    desk.draw();
  }

  /** A logger that lay in a box of the shipment. @param {string} number */
  logged(number) {
    const { desk } = this;
    const none = this.into && (!number || number.length > MOST_LETTERS);
    this.into = false;
    if (none) return desk.feel("out", desk.say("job.no_device", { text: number.slice(0, 40) }));
    this.loggers.add(number);
    const odd = this.odd(number);
    desk.feel(odd ? "low" : "ok", odd || `${desk.say("job.logger")}: ${number}`);
    desk.draw();
  }

  /** What is to be looked at with a logger; nothing where it is on the note. @param {string} number */
  odd(number) {
    const { desk, shipment } = this;
    if (shipment?.boxes.some((box) => box.logger === number)) return "";
    const whose = desk.holdings.shipmentOfLogger(number);
    if (whose) return desk.say("job.logger_of_other", { number, code: whose.code });
    return desk.say("job.logger_unknown", { number });
  }

  /** @param {Batch | null} batch */
  byVial(batch) {
    const { desk } = this;
    const found = this.waiting.filter((each) => batch && sentOf(each).has(batch.id));
    const [only] = found;
    if (found.length === 1 && only) this.open(only);
    else desk.feel(found.length ? "low" : "out", desk.say(found.length ? "job.several_shipments" : "job.no_shipment"));
  }

  /** @param {Shipment} shipment */
  open(shipment) {
    const { desk } = this;
    // What this phone received of it already is on the road no more, whichever code named it.
    const standing = this.waiting.find((each) => each.id === shipment.id);
    if (!standing) return desk.feel("out", desk.say("job.not_waiting", { code: shipment.code }));
    this.shipment = standing;
    this.boxes = new Set();
    this.loggers = new Set();
    this.into = false;
    this.one_by_one = false;
    this.final = false;
    const places = desk.holdings.places;
    this.place = places.length === 1 ? (places[0]?.code ?? null) : this.usual(shipment);
    this.rows = [...sentOf(standing)].map(([id, sent]) => ({
      batch: desk.holdings.batch(id),
      sent,
      accepted: 0,
      rejected: 0,
      surplus: 0,
      reason: "",
      vvm: 0,
      note: "",
      seen: false,
      wrong: false,
    }));
    desk.feel("ok", desk.say("job.opened", { code: shipment.code, from: shipment.from_name }));
    desk.draw();
  }

  /** Where goods of these products lie already. @param {Shipment} shipment */
  usual(shipment) {
    const products = new Set([...sentOf(shipment).keys()].map((id) => this.desk.holdings.batch(id)?.product));
    const rows = [...this.desk.holdings.stock.values()].filter((row) => row.vials > 0);
    return rows.find((row) => products.has(this.desk.holdings.batch(row.batch)?.product))?.place ?? null;
  }

  /** @param {string} place */
  put(place) {
    this.place = place;
    this.desk.feel("ok", this.desk.say("job.to", { place: placeName(this.desk, place) }));
    this.desk.draw();
  }

  /**
   * A vial or a small box out of the shipment.
   * @param {Batch | null} batch
   * @param {Read} read
   * @param {number} vials
   */
  came(batch, read, vials) {
    const { desk } = this;
    this.one_by_one = true;
    let row = this.rows.find((each) => (batch ? each.batch?.id === batch.id : each.barcode === read.text));
    if (!row) {
      if (!batch && !read.scan?.lot)
        return desk.feel("out", desk.say("job.no_goods", { text: read.text.slice(0, 40) }));
      row = {
        batch,
        sent: 0,
        accepted: 0,
        rejected: 0,
        surplus: 0,
        reason: "not_ordered",
        vvm: 0,
        note: "",
        seen: true,
        wrong: true,
      };
      if (!batch) row.barcode = read.text;
      this.rows.unshift(row);
    }
    this.more(row, vials);
    const over = row.surplus > 0;
    desk.feel(
      over ? "low" : "ok",
      over ? desk.say("job.surplus", { n: row.surplus }) : `${row.accepted} / ${row.sent}`,
    );
    desk.draw();
  }

  /** @param {Row | undefined} row @param {number} vials */
  more(row, vials) {
    if (!row) return;
    const room = Math.max(0, row.sent - row.accepted - row.rejected);
    row.accepted += Math.min(vials, room);
    row.surplus += Math.max(0, vials - room);
    if (row.surplus && !row.reason) row.reason = "not_ordered";
    row.seen = true;
  }

  /** Vials of the note that nobody has seen yet. */
  get left() {
    return this.rows.reduce((sum, row) => sum + Math.max(0, row.sent - row.accepted - row.rejected), 0);
  }

  /** Goods of the note that must not be taken as they are. */
  get bad() {
    const { desk, shipment } = this;
    // What comes back up the tree may be stopped, and stays what it is.
    const stopped = shipment?.kind === "return" ? [] : (shipment?.on_road ?? []).filter(isStopped);
    return this.rows.filter(
      ({ batch }) => batch && (stopped.some((each) => each.batch === batch.id) || batch.expiry < desk.today),
    );
  }

  /** Goods of the note whose recall does not reach them. */
  get elsewhere() {
    return this.rows.filter((row) => row.batch?.recalled && !this.bad.includes(row));
  }

  parts() {
    const { desk, shipment } = this;
    if (!shipment) return [element("p", { class: "ask" }, desk.say("job.receive_how")), this.list()];
    return this.one_by_one ? this.lines(shipment) : this.whole(shipment);
  }

  list() {
    const { desk } = this;
    if (!this.waiting.length) return element("p", { class: "empty" }, desk.say("job.nothing_coming"));
    const lines = this.waiting.map((each) => {
      const vials = [...sentOf(each).values()].reduce((sum, count) => sum + count, 0);
      const facts = desk.say("job.shipment_facts", { from: each.from_name, boxes: each.boxes.length, vials });
      return goods(each.code, facts, "", [
        noteOf(undoneOf(desk, each)),
        button(desk.say("job.open_shipment"), () => this.open(each), "quiet"),
      ]);
    });
    return element("ol", { class: "plain stack tight" }, ...lines);
  }

  /** @param {Shipment} shipment */
  whole(shipment) {
    const { desk } = this;
    const vials = this.rows.reduce((sum, row) => sum + row.sent, 0);
    const all = button(desk.say("job.all_as_noted", { n: vials }), () => this.allAsNoted(), "big");
    all.disabled = !this.place || this.bad.length > 0;
    const lines = this.rows.map((row) => this.summary(row));
    return [
      this.head(shipment),
      element("ol", { class: "plain stack tight" }, ...lines),
      this.warning(),
      this.where(),
      this.inBoxes(shipment),
      element(
        "div",
        { class: "end" },
        all,
        button(desk.say("job.one_by_one"), () => this.each(), "quiet"),
      ),
    ];
  }

  warning() {
    const { desk, bad, elsewhere } = this;
    const lots = (/** @type {Row[]} */ rows) => rows.map((row) => row.batch?.lot).join(", ");
    if (bad.length) return element("p", { class: "note bad" }, desk.say("job.bad_on_note", { lots: lots(bad) }));
    if (!elsewhere.length) return null;
    const words = `${lots(elsewhere)}: ${desk.say("warn.recalled_elsewhere")}`;
    return element("p", { class: "note warn" }, words);
  }

  /** @param {Shipment} shipment */
  head(shipment) {
    const { desk } = this;
    const whose = `${shipment.code}: ${desk.say("job.from_sender", { from: shipment.from_name })}`;
    const undone = noteOf(undoneOf(desk, shipment));
    return element("div", { class: "stack tight" }, element("p", { class: "ask" }, whose), ...(undone ? [undone] : []));
  }

  /** @param {Row} row */
  summary(row) {
    const { desk } = this;
    const bad = this.bad.includes(row);
    const name = row.batch ? nameOf(desk, row.batch) : (row.barcode ?? desk.say("job.unknown_goods"));
    const facts = row.batch ? factsOf(desk, row.batch) : "";
    return goods(name, facts, bad ? "out" : "", [element("strong", {}, desk.say("job.n_vials", { n: row.sent }))]);
  }

  where() {
    const { desk } = this;
    const chosen = desk.holdings.places.find((each) => each.code === this.place) ?? null;
    return choices(
      desk.say("job.where_to"),
      desk.holdings.places,
      (each) => each.name,
      chosen,
      (each) => this.put(each.code),
    );
  }

  /** The loggers in the boxes: those of the note by a tap, any by a scan. @param {Shipment} shipment */
  inBoxes(shipment) {
    const { desk, loggers } = this;
    const noted = shipment.boxes.flatMap((box) => (box.logger ? [box.logger] : []));
    const keys = [...new Set([...noted, ...loggers])].map((number) => {
      const key = button(
        number,
        () => {
          if (!loggers.delete(number)) loggers.add(number);
          desk.draw();
        },
        "quiet",
      );
      key.setAttribute("aria-pressed", String(loggers.has(number)));
      return key;
    });
    const other = button(
      desk.say("job.scan_logger"),
      () => {
        this.into = !this.into;
        if (this.into) desk.feel("low", desk.say("job.scan_now"));
        desk.draw();
      },
      "quiet",
    );
    other.setAttribute("aria-pressed", String(this.into));
    const odd = [...loggers].map((number) => this.odd(number)).filter(Boolean);
    return element(
      "details",
      noted.length || loggers.size || this.into ? { open: "" } : {},
      element("summary", {}, desk.say("job.loggers_in_boxes")),
      element("div", { class: "choices" }, ...keys, other),
      ...odd.map((said) => element("p", { class: "note warn" }, said)),
    );
  }

  each() {
    this.one_by_one = true;
    this.desk.draw();
  }

  allAsNoted() {
    for (const row of this.rows) row.accepted = row.sent;
    return this.write();
  }

  /** @param {Shipment} shipment */
  lines(shipment) {
    const { desk } = this;
    const left = this.left;
    const some = this.rows.some((row) => row.accepted + row.rejected + row.surplus > 0);
    const made = button(desk.say("job.receive_do"), () => this.write(), "big");
    const reasons = this.rows.every((row) => row.reason || !(row.rejected + row.surplus));
    made.disabled = !this.place || !(some || this.final) || !reasons;
    return [
      this.head(shipment),
      element("ol", { class: "plain stack tight" }, ...this.rows.map((row) => this.line(row))),
      this.where(),
      left ? this.rest(left) : null,
      this.inBoxes(shipment),
      element("div", { class: "end" }, made),
    ];
  }

  /** What has not come: later, or never. @param {number} left */
  rest(left) {
    const { desk } = this;
    const ways = [false, true];
    const name = (/** @type {boolean} */ final) => desk.say(final ? "job.never" : "job.later");
    return choices(desk.say("job.rest", { n: left }), ways, name, this.final, (final) => {
      this.final = final;
      desk.draw();
    });
  }

  /** @param {Row} row */
  line(row) {
    const { desk } = this;
    const { batch } = row;
    const bad = batch && this.bad.includes(row);
    const done = row.accepted + row.rejected === row.sent && !row.rejected && !row.surplus;
    const label = batch?.lot ?? row.barcode ?? "";
    const head = row.sent ? desk.say("job.of_sent", { n: row.sent }) : desk.say("job.not_on_note");
    const main = row.sent
      ? stepper(`${desk.say("job.accepted")} ${label}`, row.accepted, this.setter(row, "accepted"))
      : null;
    const name = batch ? nameOf(desk, batch) : label;
    const facts = `${batch ? `${factsOf(desk, batch)} · ` : ""}${head}`;
    return goods(name, facts, bad || row.rejected ? "out" : done ? "ok" : row.seen ? "low" : "", [
      main,
      this.trouble(row, label, Boolean(bad)),
    ]);
  }

  /** @param {Row} row @param {"accepted" | "rejected" | "surplus"} field */
  setter(row, field) {
    return (/** @type {number | null} */ value) => {
      row[field] = value ?? 0;
      row.seen = true;
      this.desk.draw();
    };
  }

  /**
   * What did not come as it should: rejected, too many, why.
   * @param {Row} row
   * @param {string} label
   * @param {boolean} bad
   */
  trouble(row, label, bad) {
    const { desk } = this;
    const details = element(
      "details",
      row.wrong || row.rejected || row.surplus || bad ? { open: "" } : {},
      element("summary", {}, desk.say("job.something_wrong")),
      element("p", {}, desk.say("job.rejected")),
      stepper(`${desk.say("job.rejected")} ${label}`, row.rejected, this.setter(row, "rejected")),
      element("p", {}, desk.say("job.surplus_label")),
      stepper(`${desk.say("job.surplus_label")} ${label}`, row.surplus, this.setter(row, "surplus")),
      choice(desk.say("job.why"), { "": "–", ...desk.words("difference") }, row.reason, (value) => {
        row.reason = value;
        desk.draw();
      }),
      this.monitor(row),
      this.remark(row),
    );
    details.addEventListener("toggle", () => {
      row.wrong = /** @type {HTMLDetailsElement} */ (details).open;
    });
    return details;
  }

  /** @param {Row} row */
  monitor(row) {
    const product = row.batch && this.desk.holdings.product(row.batch.product);
    if (!product?.uses_vvm) return "";
    const stages = { 0: "–", 1: "1", 2: "2", 3: "3", 4: "4" };
    return choice("VVM", stages, String(row.vvm), (value) => {
      row.vvm = Number(value);
    });
  }

  /** @param {Row} row */
  remark(row) {
    const field = /** @type {HTMLInputElement} */ (element("input", { maxlength: "200" }));
    field.value = row.note;
    field.addEventListener("change", () => {
      row.note = field.value.trim();
    });
    return element("label", {}, this.desk.say("job.remark"), field);
  }

  async write() {
    const { desk, shipment, place, rows } = this;
    if (!shipment || !place) return;
    const lines = rows.filter((row) => row.accepted + row.rejected + row.surplus > 0).map((row) => lineOf(row, place));
    const left = this.left;
    const final = left === 0 || this.final;
    const taken = rows.flatMap(({ batch, accepted }) =>
      batch && accepted ? [{ batch: batch.id, vials: accepted }] : [],
    );
    const came = rows.flatMap(({ batch, accepted, rejected }) =>
      batch && accepted + rejected ? [{ batch: batch.id, vials: accepted + rejected }] : [],
    );
    const found = this.loggers.size ? { loggers: [...this.loggers] } : {};
    const kept = await desk.write({
      kind: "shipment.receipt",
      body: (id, at) => ({ shipment: shipment.code, id, occurred_at: at, lines, final, ...found }),
      effects: taken.flatMap(({ batch, vials }) => arrived(shipment, batch, vials).map((part) => ({ place, ...part }))),
      shown: {
        job: "receive",
        text: `${desk.say("job.receive")} ${shipment.code}: ${told(desk, taken)}`,
        undoable: true,
        way: "receipt",
        of: shipment.id,
        came,
        ...(final ? { shipment: shipment.id } : {}),
      },
    });
    if (!kept) return;
    this.shipment = null;
    this.rows = [];
    desk.draw();
  }
}

/**
 * What can still come of a shipment: batch → vials.
 * @param {Shipment} shipment
 */
function sentOf(shipment) {
  /** @type {Map<string, number>} */
  const sent = new Map();
  for (const { batch, vials } of shipment.on_road) sent.set(batch, (sent.get(batch) ?? 0) + vials);
  return sent;
}

/** @param {string | null} words */
const noteOf = (words) => (words ? element("p", { class: "note warn" }, words) : null);

/** Whether vials on the road may not be used when they come. @param {{ status?: string }} parcel */
const isStopped = ({ status }) => Boolean(status) && status !== "usable";

/**
 * What was accepted of a batch by the states it travelled in, usable first, as the house takes it (tracker/shipments/rules/receiving.py).
 * @param {Shipment} shipment
 * @param {string} batch
 * @param {number} vials
 */
function arrived(shipment, batch, vials) {
  let left = vials;
  const sent = shipment.on_road.filter((each) => each.batch === batch);
  return sent
    .sort((one, other) => Number(isStopped(one)) - Number(isStopped(other)))
    .map((each) => {
      const taken = Math.min(left, each.vials);
      left -= taken;
      return { batch, status: each.status ?? "usable", vials: taken };
    })
    .filter((part) => part.vials > 0);
}

/** A line of the receipt, without what was not said. @param {Row} row @param {string} place */
function lineOf({ batch, barcode, accepted, rejected, surplus, reason, vvm, note }, place) {
  return {
    ...(batch ? { batch: batch.id } : { barcode }),
    place,
    ...(accepted ? { accepted } : {}),
    ...(rejected ? { rejected } : {}),
    ...(surplus ? { surplus } : {}),
    ...(reason && (rejected || surplus) ? { reason } : {}),
    ...(vvm ? { vvm_stage: vvm } : {}),
    ...(note ? { note } : {}),
  };
}
