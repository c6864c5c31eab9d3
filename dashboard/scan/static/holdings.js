// What the phone knows of the facility without a network: places, products, batches, stock, shipments, open vials. The
// server's word as it was last heard, and on top of it this phone's own steps that the server has not told back yet.

/**
 * @typedef {import("./book_store.js").Effect} Effect
 * @typedef {import("./book_store.js").Step} Step
 * @typedef {import("./book_store.js").Store} Store
 * @typedef {import("./gs1_reader.js").Scan} Scan
 * @typedef {{ code: string, name: string, in_service: boolean, apart?: boolean, count_due?: string | null }} Place
 *   `count_due`: since or from when what lies there is to be counted; nothing where nothing lies
 * @typedef {{ code: string, name: string, gtin: string | null, box_gtin: string | null, nie: string | null,
 *   vials_per_box: number | null, doses_per_vial: number, uses_vvm: boolean,
 *   open_vial_hours?: number | null, open_vial_days?: number | null,
 *   former?: Partial<Record<"gtin" | "box_gtin" | "nie", string[]>> }} Product by former codes, too, which old labels say
 * @typedef {{ id: string, lot: string, product: string, expiry: string, recalled: string | null }} Batch
 * @typedef {{ place: string, batch: string, status: string, vials: number, packed?: number,
 *   vvm_stage: number | null }} Lying
 * @typedef {{ batch: string, place: string, status: string, vials: number }} Packed
 * @typedef {{ code: string, name: string, above: boolean }} Near
 * @typedef {{ sscc: string, seal: string | null, logger?: string | null, lines: Packed[] }} Box
 * @typedef {{ id: string, code: string, direction: "in" | "out", state: string, from_name: string, to_name: string,
 *   expected_at?: string | null, undone?: { by: string, at: string, reason: string } | null,
 *   lines: { product: string, vials: number, approved: number | null }[], boxes: Box[],
 *   kind?: string, made?: boolean, told?: { batch: string, vials: number }[], on_road: { batch: string, status?: string, vials: number }[] }} Shipment
 * @typedef {{ id: string, batch: string, place: string, status: string, remaining: number, doses_per_vial: number, opened_at: string,
 *   discard_by: string }} OpenVial
 * @typedef {{ id: string, product: string, day: string, opens: string, closes: string, doses: number[],
 *   next?: Record<string, { min_days: number, due_days: number }> }} SessionRow `next`: after which dose one more is due, and when
 * @typedef {{ id: string, name: string, born: string, digits: string, dose: number, state: string, number: number | null, screened: string | null,
 *   until?: string | null, given: string | null, said: string[] }} Guest who has a place in the session that is served; `number`: in the queue; `until`: deferred; `said`: health questions answered with yes
 * @typedef {object} Held as it is kept
 * @property {string} facility
 * @property {string} token
 * @property {string} as_of
 * @property {number | null} [conflicts] of all phones of the facility, for whoever may settle them
 * @property {string} timezone
 * @property {number} upTo the last own step that the server had counted in
 * @property {Record<string, Place>} places
 * @property {Record<string, Product>} products
 * @property {Record<string, Batch>} batches
 * @property {Record<string, Lying>} stock
 * @property {Record<string, Shipment>} shipments
 * @property {Record<string, OpenVial>} open_vials
 * @property {Record<string, Near>} [facilities] of whom goods are asked, and to whom they go back
 * @property {Record<string, SessionRow>} [sessions] today's whose desk one serves
 * @property {Record<string, Guest>} [guests]
 * @property {Record<string, { keys: string[] }>} [keys] of the house: "tickets" are signed with, "seal" is what phones seal with
 * @typedef {"good" | "ask" | "stop"} Verdict
 * @typedef {{ verdict: Verdict, why: string[] }} Judged
 */

/** How a row of each list is known. */
/** @type {Record<"places" | "products" | "batches" | "stock" | "shipments" | "open_vials" | "facilities" | "sessions" | "guests" | "keys", (row: any) => string>} */
const KEYS = {
  places: (row) => row.code,
  products: (row) => row.code,
  batches: (row) => row.id,
  stock: (row) => stockKey(row.place, row.batch, row.status),
  shipments: (row) => row.id,
  open_vials: (row) => row.id,
  facilities: (row) => row.code,
  sessions: (row) => row.id,
  guests: (row) => row.id,
  keys: (row) => row.id,
};
const LISTS = /** @type {(keyof typeof KEYS)[]} */ (Object.keys(KEYS));

export const SPENT_FROM = 3; // stage of the vial monitor

/** @param {string} place @param {string} batch @param {string} status */
const stockKey = (place, batch, status) => `${place} ${batch} ${status}`;

/**
 * The answer with rows of stock by themselves: in a whole one they may stand with their batch, so that its id is sent once.
 * @param {any} answer
 */
function apart(answer) {
  const batches = [];
  const stock = [...(answer.stock ?? [])];
  for (const { lies, ...batch } of answer.batches ?? []) {
    batches.push(batch);
    for (const row of lies ?? []) stock.push({ ...row, batch: batch.id });
  }
  return { ...answer, batches, stock };
}

/**
 * What is kept after an answer: the whole anew, or the difference worked in.
 * @param {Held | null} old
 * @param {any} answer of GET /api/v1/handsets/holdings
 * @param {string} facility
 * @param {number} upTo
 * @returns {Held}
 */
export function merged(old, answer, facility, upTo) {
  const { token, as_of, conflicts, timezone = old?.timezone ?? "Asia/Jakarta" } = answer;
  const told = apart(answer);
  /** @type {any} */
  const held = { facility, token, as_of, timezone, conflicts, upTo };
  for (const list of LISTS) {
    /** @type {Record<string, unknown>} */
    const rows = answer.whole || !old ? {} : { ...old[list] };
    for (const gone of answer.gone?.[list] ?? []) delete rows[Array.isArray(gone) ? gone.join(" ") : gone];
    for (const row of told[list] ?? []) rows[KEYS[list](row)] = row;
    held[list] = rows;
  }
  return held;
}

/**
 * The product that has a code, or else had it once.
 * @param {Product[]} all
 * @param {string} code
 * @param {("gtin" | "box_gtin" | "nie")[]} fields
 */
const coded = (all, code, fields) =>
  all.find((product) => fields.some((field) => product[field] === code)) ??
  all.find((product) => fields.some((field) => product.former?.[field]?.includes(code))) ??
  null;

/**
 * The id of a vial of an opening, as the house makes it (tracker/stock/rules/vials.py): the opening's, counted on.
 * @param {string} event
 * @param {number} index from 0
 */
export function vialId(event, index) {
  const count = BigInt(`0x${event.replaceAll("-", "")}`) + BigInt(index + 1);
  const hex = count.toString(16).padStart(32, "0");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/**
 * @param {Step} step an opening
 * @param {Holdings} holdings
 * @returns {(effect: Effect, index: number) => OpenVial}
 */
function opened(step, holdings) {
  return ({ batch, place }, index) => {
    const doses = holdings.product(holdings.batch(batch)?.product ?? "")?.doses_per_vial ?? 0;
    const facts = { batch, place, status: "usable", remaining: doses, doses_per_vial: doses };
    return { ...facts, id: vialId(step.id, index), opened_at: step.at, discard_by: "" };
  };
}

export class Holdings {
  /**
   * @param {Held | null} held
   * @param {Step[]} steps
   */
  constructor(held, steps) {
    this.held = held;
    /** @type {Intl.DateTimeFormat | null} dear to make */
    this.calendar = null;
    const own = steps.filter((step) => step.number > (held?.upTo ?? 0) && ["waiting", "done"].includes(step.state));
    const undone = new Set(own.map((step) => step.shown.undoes));
    this.own = own.filter((step) => !undone.has(step.id));
    /** @type {Map<string, Lying>} */
    this.stock = new Map(Object.entries(held?.stock ?? {}).map(([key, row]) => [key, { ...row }]));
    for (const step of this.own) if (!step.shown.undoes) this.apply(step);
  }

  /** What takes more than there is will be refused: it is not counted on. @param {Step} step */
  apply(step) {
    const there = (/** @type {Effect} */ each) =>
      this.stock.get(stockKey(each.place, each.batch, each.status))?.vials ?? 0;
    if (step.effects.some((each) => each.vials < 0 && there(each) + each.vials < 0)) return;
    for (const { place, batch, status, vials } of step.effects) {
      const key = stockKey(place, batch, status);
      const row = this.stock.get(key) ?? { place, batch, status, vials: 0, vvm_stage: null };
      this.stock.set(key, { ...row, vials: row.vials + vials });
    }
  }

  /** The place's day. @param {number} now */
  today(now) {
    const zone = this.held?.timezone ?? "Asia/Jakarta";
    this.calendar ??= new Intl.DateTimeFormat("en-CA", { timeZone: zone });
    return this.calendar.format(new Date(now));
  }

  get places() {
    return Object.values(this.held?.places ?? {}).sort((one, other) => one.name.localeCompare(other.name));
  }

  /** @param {string} text a code as it was scanned or typed */
  place(text) {
    const wanted = text.trim().toLowerCase();
    return this.places.find((place) => place.code.toLowerCase() === wanted) ?? null;
  }

  /** @param {string} code */
  product(code) {
    return this.held?.products[code] ?? null;
  }

  /** @param {string} id */
  batch(id) {
    return this.held?.batches[id] ?? null;
  }

  /** Vials of a batch here, by place and status. @param {string} batch @returns {Lying[]} */
  lying(batch) {
    return [...this.stock.values()].filter((row) => row.batch === batch && row.vials > 0);
  }

  /**
   * Vials of a batch that may be opened on a day, as the house says it (tracker/stock/rules/use.py): a recall that reaches
   * here has stopped them by their status, one elsewhere leaves them usable.
   * @param {Batch} batch
   * @param {string} day YYYY-MM-DD
   */
  openable(batch, day) {
    const stands = (/** @type {Lying} */ row) => this.held?.places[row.place]?.in_service !== false;
    const fit = (/** @type {Lying} */ row) =>
      row.status === "usable" && (row.vvm_stage ?? 0) < SPENT_FROM && stands(row);
    return batch.expiry < day ? [] : this.lying(batch.id).filter(fit);
  }

  /** Whether a recall of the batch stops none of it here. @param {Batch} batch */
  recalledElsewhere(batch) {
    return Boolean(batch.recalled) && !this.lying(batch.id).some((row) => row.status === "recalled");
  }

  /** @param {string} place */
  at(place) {
    return [...this.stock.values()].filter((row) => row.place === place && row.vials > 0);
  }

  /** Places that are to be counted, and this phone has not counted since it was told. @param {number} now */
  countsDue(now) {
    const counted = new Set(
      this.own.filter((step) => step.shown.job === "count").flatMap((step) => step.effects.map((each) => each.place)),
    );
    return this.places.filter((place) => Date.parse(place.count_due ?? "") <= now && !counted.has(place.code));
  }

  /** Sessions of the day whose doors are not shut yet. @param {number} now */
  sessionsAt(now) {
    return Object.values(this.held?.sessions ?? {}).filter((session) => Date.parse(session.closes) > now);
  }

  /** @param {"in" | "out"} direction @param {string[]} states */
  shipments(direction, states) {
    const told = this.held?.shipments ?? {};
    const made = this.own.flatMap((step) =>
      step.shown.made && !told[step.id] ? [{ ...step.shown.made, id: step.id }] : [],
    );
    return [...Object.values(told), ...made]
      .map((shipment) => this.afterOwn(shipment))
      .filter((shipment) => shipment.direction === direction && states.includes(shipment.state));
  }

  /** The shipment as this phone's own steps left it; "" is the state of one that they ended here. @param {Shipment} shipment */
  afterOwn(shipment) {
    const steps = this.own.filter((step) => step.shown.shipment === shipment.id);
    const last = steps.at(-1);
    if (!last) return { ...shipment, on_road: this.stillOnRoad(shipment) };
    const approved = steps.findLast((step) => step.shown.approved)?.shown.approved;
    const lines = shipment.lines.map((line, index) => ({ ...line, approved: approved?.[index] ?? line.approved }));
    return { ...shipment, lines, state: last.shown.becomes ?? "" };
  }

  /** What is still on the road after this phone's own receipts, usable vials taken first, as the house takes them. @param {Shipment} shipment */
  stillOnRoad({ id, on_road }) {
    const came = this.own.flatMap((step) => (step.shown.of === id ? (step.shown.came ?? []) : []));
    if (!came.length) return on_road;
    /** @type {Map<string, number>} */
    const taken = new Map();
    for (const { batch, vials } of came) taken.set(batch, (taken.get(batch) ?? 0) + vials);
    const usable = (/** @type {{ status?: string }} */ each) => (each.status ?? "usable") === "usable";
    return [...on_road]
      .sort((one, other) => Number(usable(other)) - Number(usable(one)))
      .map((each) => {
        const gone = Math.min(taken.get(each.batch) ?? 0, each.vials);
        taken.set(each.batch, (taken.get(each.batch) ?? 0) - gone);
        return { ...each, vials: each.vials - gone };
      })
      .filter((each) => each.vials > 0);
  }

  /** Of whom goods are asked, the one above first. @returns {Near[]} */
  get near() {
    const all = Object.values(this.held?.facilities ?? {});
    return all.sort((one, other) => Number(other.above) - Number(one.above) || one.name.localeCompare(other.name));
  }

  get openVials() {
    const ended = new Set(this.own.map((step) => step.shown.openVial));
    const told = this.held?.open_vials ?? {};
    return [...Object.values(told), ...this.opened.filter((vial) => !told[vial.id])]
      .filter((vial) => vial.remaining > 0 && !ended.has(vial.id))
      .sort((one, other) => one.discard_by.localeCompare(other.discard_by));
  }

  /** Vials that own steps opened and the house has not told back; until when each may, only it says. @returns {OpenVial[]} */
  get opened() {
    return this.own
      .filter((step) => step.shown.job === "opening")
      .flatMap((step) => step.effects.flatMap((effect) => Array(-effect.vials).fill(effect)).map(opened(step, this)));
  }

  /**
   * The product of a code: by its GTIN, its box's, or its marketing number.
   * @param {Scan} scan
   */
  productOf(scan) {
    const gtin = scan.gtin ?? scan.contentGtin;
    const all = Object.values(this.held?.products ?? {});
    if (gtin) return coded(all, gtin, ["gtin", "box_gtin"]);
    return scan.nie ? coded(all, scan.nie, ["nie"]) : null;
  }

  /**
   * The batch that a code or a typed lot names; null where none or several do.
   * @param {Scan} scan
   */
  batchOf(scan) {
    const found = this.called(scan);
    return found.length === 1 ? (found[0] ?? null) : null;
  }

  /** The batches that a label means, or a lot or PRODUCT/LOT that somebody typed: a lot may be of several products. @param {Scan} scan */
  called(scan) {
    const all = Object.values(this.held?.batches ?? {});
    const product = this.productOf(scan);
    if (scan.lot && product) return all.filter((batch) => batch.product === product.code && batch.lot === scan.lot);
    if (scan.profile !== "plain" || scan.gtin) return [];
    const typed = scan.text.trim();
    return all.filter((batch) => batch.lot === typed || `${batch.product}/${batch.lot}` === typed);
  }

  /** How many vials a code stands for: a vial, or a box of them. @param {Scan} scan */
  vialsOf(scan) {
    const product = this.productOf(scan);
    const gtin = scan.gtin ?? scan.contentGtin;
    const box = product && gtin && gtin !== product.gtin && coded([product], gtin, ["box_gtin"]);
    const each = box ? (product.vials_per_box ?? 1) : 1;
    return each * (scan.contentGtin ? (scan.count ?? 1) : 1);
  }

  /** The shipment of a box. @param {string} sscc */
  shipmentOfBox(sscc) {
    return (
      Object.values(this.held?.shipments ?? {}).find((each) => each.boxes.some((box) => box.sscc === sscc)) ?? null
    );
  }

  /** The shipment that has a temperature logger on its note. @param {string} number */
  shipmentOfLogger(number) {
    const all = Object.values(this.held?.shipments ?? {});
    return all.find((each) => each.boxes.some((box) => box.logger === number)) ?? null;
  }

  /** @param {string} text */
  shipmentOfCode(text) {
    const wanted = text.trim().toLowerCase();
    return Object.values(this.held?.shipments ?? {}).find((each) => each.code.toLowerCase() === wanted) ?? null;
  }

  /**
   * Whether a batch may be used here: never "good" where anything of it is held, recalled, spent or over its day, or where
   * one of its opened vials is past its time.
   * @param {Batch} batch
   * @param {string} today
   * @returns {Judged}
   */
  judge(batch, today) {
    const lying = this.lying(batch.id);
    const opened = this.openVials.filter((vial) => vial.batch === batch.id);
    const statuses = new Set([...lying, ...opened].map((row) => row.status));
    const why = [
      ...(batch.recalled || statuses.has("recalled") ? ["recalled"] : []),
      ...(batch.expiry < today ? ["expired"] : []),
      ...(statuses.has("held") ? ["held"] : []),
      ...(statuses.has("unusable") ? ["unusable"] : []),
      ...(lying.some((row) => (row.vvm_stage ?? 0) >= SPENT_FROM) ? ["vvm_spent"] : []),
      ...(lying.some((row) => this.held?.places[row.place]?.in_service === false) ? ["out_of_service"] : []),
    ];
    if (why.length) return { verdict: "stop", why };
    if (opened.some((vial) => Date.parse(vial.discard_by) <= Date.now()))
      return { verdict: "ask", why: ["open_too_long"] };
    return lying.length ? { verdict: "good", why } : { verdict: "ask", why: ["not_here"] };
  }
}
