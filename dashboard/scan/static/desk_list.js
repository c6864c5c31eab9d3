// A session's people and its open vials as this phone knows them: the house's list, and on top what the phone did itself.

/**
 * @typedef {import("./book_store.js").Step} Step
 * @typedef {import("./holdings.js").Batch} Batch
 * @typedef {import("./holdings.js").Guest} Guest
 * @typedef {import("./holdings.js").Held} Held
 * @typedef {import("./holdings.js").Lying} Lying
 * @typedef {import("./holdings.js").OpenVial} OpenVial
 * @typedef {import("./holdings.js").Holdings} Holdings
 * @typedef {{ id: string, name: string, born: string, digits: string, dose: number, ticket?: boolean }} Came who came without a place; `dose` 0: the one that is next for them
 * @typedef {Guest & { mine?: boolean, came?: string, broken?: string }} Person `mine`: only this phone knows them; `came`: told by this phone; `broken`: a step waits for a decision
 * @typedef {OpenVial & { mine?: boolean }} Vial `mine`: opened here, by the id of its step
 * @typedef {{ open: Vial } | { lying: Lying } | { why: string[], used?: boolean }} Found
 */

/** @type {readonly string[]} these are expected, and not here yet */
export const EXPECTED = ["reserved", "confirmed", "no_show"];
export const OBSERVED_MS = 30 * 60_000;
const MOST_FOUND = 12;
const HOUR_MS = 3_600_000;
const USUAL_HOURS = 6;

const DAY = /(?<!\d)(?:(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}))(?!\d)/;

/** A birth date among what was typed ("" without one), and what else was. @param {string} typed */
export function bornIn(typed) {
  const [all, y, m, d, day, month, year] = DAY.exec(typed) ?? [];
  if (all === undefined) return { born: "", rest: typed };
  const two = (/** @type {string | undefined} */ part) => String(part).padStart(2, "0");
  return { born: `${y ?? year}-${two(m ?? month)}-${two(d ?? day)}`, rest: typed.replace(all, " ") };
}

/** Whether a step of this phone stands, as far as it knows. @param {Step} step */
const stands = (step) => step.state !== "dropped";

/**
 * Until when an opened vial may be drawn from, as the house reckons it: hours or days after opening, and never past the batch's day.
 * @param {number} opened
 * @param {{ open_vial_hours?: number | null, open_vial_days?: number | null }} product
 * @param {string} expiry
 * @param {number} offset milliseconds of the place's clock before UTC
 */
export function goodUntil(opened, { open_vial_hours: hours, open_vial_days: days }, expiry, offset) {
  const end = Date.parse(`${expiry}T00:00:00Z`) + 24 * HOUR_MS - offset;
  return Math.min(end, opened + (days ? days * 24 : (hours ?? USUAL_HOURS)) * HOUR_MS);
}

/** How far a place's clock is before UTC at a moment. @param {string} zone @param {number} at */
export function offsetOf(zone, at) {
  const there = new Date(at).toLocaleString("sv-SE", { timeZone: zone });
  return Math.round((Date.parse(`${there.replace(" ", "T")}Z`) - at) / 60_000) * 60_000;
}

/** The booking that a step of a desk is of; who came without a place is known by the step. @param {Step} step */
const whose = (step) => step.shown.guest && (step.shown.guest.id || step.id);

/** Where somebody stands in the queue, to be sorted by. @param {Person} person */
const turn = ({ number, came, name }) =>
  `${number ? `0${String(number).padStart(6, "0")}` : "1"} ${came ?? ""} ${name}`;

export class DeskList {
  /**
   * @param {Holdings} holdings
   * @param {Step[]} steps this account's own
   * @param {Came[]} came
   */
  constructor(holdings, steps, came) {
    this.holdings = holdings;
    this.upTo = holdings.held?.upTo ?? 0;
    this.steps = steps.filter(stands);
    /** @type {Map<string, Person>} */
    this.people = new Map(Object.values(holdings.held?.guests ?? {}).map((guest) => [guest.id, { ...guest }]));
    for (const one of came) this.add(one);
    for (const step of this.steps) this.apply(step);
  }

  /** Who came without a place is the house's once it has told them. @param {Came} one */
  add(one) {
    const step = this.steps.find((each) => whose(each) === one.id);
    if (!step || this.people.has(one.id) || (step.state === "done" && step.number <= this.upTo)) return;
    this.people.set(one.id, {
      ...one,
      state: "reserved",
      number: null,
      screened: null,
      given: null,
      said: [],
      mine: true,
    });
  }

  /** @param {Step} step */
  apply(step) {
    const { state, number, shown, said = "" } = step;
    const person = this.people.get(whose(step) ?? "");
    if (!person || !shown.guest) return;
    const open = state === "conflict" || state === "behind";
    if (open) person.broken = said;
    // The house's word is newer, but for a dose that it has not taken: who had it must not have it again.
    const told = number <= this.upTo && !(open && shown.guest.to === "vaccinated");
    if (told || (state === "conflict" && shown.guest.to !== "vaccinated")) return;
    person.state = shown.guest.to;
    if (shown.guest.to === "arrived") person.came = shown.guest.at;
    person.until = shown.guest.until;
    if (shown.guest.to === "vaccinated") person.given = shown.guest.at;
  }

  /** In the order of the queue; who came while the house could give no number stands behind. @param {string[]} states */
  of(states) {
    const found = [...this.people.values()].filter((person) => states.includes(person.state));
    return found.sort((one, other) => turn(one).localeCompare(turn(other)));
  }

  /** By parts of the name, the birth date, or the last four digits of the number. @param {string} typed */
  find(typed) {
    const { born: day, rest } = bornIn(typed);
    const words = rest.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length && !day) return [];
    return [...this.people.values()]
      .filter(
        ({ name, digits, born }) =>
          (!day || born === day) &&
          words.every((word) =>
            /^\d{4,}$/.test(word) ? word.endsWith(digits) && digits : name.toLowerCase().includes(word),
          ),
      )
      .sort((one, other) => one.name.localeCompare(other.name))
      .slice(0, MOST_FOUND);
  }

  /** Who is watched after a dose, the first to go first. @param {number} now */
  watched(now) {
    return [...this.people.values()]
      .filter(({ state, given }) => state === "vaccinated" && given && Date.parse(given) + OBSERVED_MS > now)
      .sort((one, other) => (one.given ?? "").localeCompare(other.given ?? ""));
  }

  /**
   * Opened vials of a product with doses left, which must be used first, first: the house's, and those this phone opened.
   * @param {string} product
   * @returns {Vial[]}
   */
  vials(product) {
    const { held } = this.holdings;
    /** @type {Vial[]} */
    const own = this.steps.flatMap(({ id, number, state, shown }) =>
      shown.opened && !(state === "done" && number <= this.upTo)
        ? [{ ...shown.opened, id, status: "usable", remaining: shown.opened.doses_per_vial, mine: true }]
        : [],
    );
    return [...Object.values(held?.open_vials ?? {}), ...own]
      .filter((vial) => held?.batches[vial.batch]?.product === product)
      .map((vial) => ({ ...vial, remaining: vial.remaining - this.drawn(vial.id) }))
      .sort((one, other) => one.discard_by.localeCompare(other.discard_by));
  }

  /** Doses this phone drew from a vial that the house has not counted. @param {string} vial */
  drawn(vial) {
    return this.steps.filter(
      ({ number, state, shown }) => shown.vial === vial && (state !== "done" || number > this.upTo),
    ).length;
  }

  /**
   * Whether an opened vial may be drawn from now; why not.
   * @param {Vial} vial
   * @param {number} now
   * @param {string} today
   * @returns {string[]}
   */
  against(vial, now, today) {
    const batch = this.holdings.batch(vial.batch);
    return [
      ...(vial.status === "recalled" ? ["recalled"] : []),
      ...(vial.status === "held" ? ["held"] : []),
      ...(vial.status === "unusable" ? ["unusable"] : []),
      ...((batch?.expiry ?? "") < today ? ["expired"] : []),
      ...(Date.parse(vial.discard_by) <= now ? ["vial_over"] : []),
      ...(vial.remaining < 1 ? ["vial_empty"] : []),
    ];
  }

  /**
   * What a scanned label stands for: an opened vial with doses left, one to be opened, or why neither.
   * @param {Batch} batch
   * @param {string} product of the session
   * @param {number} now
   * @param {string} today
   * @returns {Found}
   */
  labelled(batch, product, now, today) {
    if (batch.product !== product) return { why: ["other_product"] };
    const opened = this.vials(product).filter((vial) => vial.batch === batch.id);
    const open = opened.find((vial) => !this.against(vial, now, today).length);
    if (open) return { open };
    const [most] = this.holdings.openable(batch, today).sort((one, other) => other.vials - one.vials);
    if (most) return { lying: most };
    const { verdict, why } = this.holdings.judge(batch, today);
    if (verdict === "stop") return { why };
    return { why: opened[0] ? this.against(opened[0], now, today) : ["not_here"] };
  }
}
