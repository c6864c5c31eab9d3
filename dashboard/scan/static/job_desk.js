// The desk of a session: who comes is found, screened, vaccinated and watched, with a network or without.

import { DeskList, EXPECTED, OBSERVED_MS, goodUntil, offsetOf } from "./desk_list.js";
import { isTicket, proven, ticketOf } from "./desk_ticket.js";
import { doseName, WalkIn } from "./desk_walk_in.js";
import { element } from "./scan_cards.js";
import { cautionOf, nameOf } from "./scan_desk.js";
import { button, choices, goods } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./scan_shift.js").Shift} Shift
 * @typedef {import("./holdings.js").Batch} Batch
 * @typedef {import("./holdings.js").Lying} Lying
 * @typedef {import("./holdings.js").SessionRow} SessionRow
 * @typedef {import("./desk_list.js").Person} Person
 * @typedef {import("./desk_list.js").Vial} Vial
 */

const TICK_MS = 20_000;
const DAY_MS = 24 * 3_600_000;
const SHOWN = 12;
const SHORTEST = 3;
/** @type {Record<string, "ok" | "low" | "out" | "">} */
const TONE = { arrived: "low", fit: "ok", vaccinated: "ok", deferred: "out", refused: "out" };

export class DeskJob {
  /** @param {Desk} desk @param {Shift} shift */
  constructor(desk, shift) {
    this.desk = desk;
    this.shift = shift;
    this.name = "desk";
    /** @type {string | null} who stands in front of one */
    this.who = null;
    /** @type {string[]} */
    this.found = [];
    /** @type {string | null} the vial that is chosen */
    this.vial = null;
    /** @type {Batch | null} a label whose vial is still closed */
    this.closed = null;
    this.note = "";
    this.until = "";
    /** @type {WalkIn | null} */
    this.walkIn = null;
    /** @type {Node | null} what was drawn last; once it is gone somebody does something else */
    this.drawn = null;
    // Clocks run, and a day ends, though nobody touches the phone.
    const ticking = setInterval(() => {
      if (this.drawn && !document.contains(this.drawn)) clearInterval(ticking);
      else if (!this.note && !this.until && !this.walkIn) desk.draw();
    }, TICK_MS);
  }

  get list() {
    return new DeskList(this.desk.holdings, this.desk.steps, this.shift.came);
  }

  /** @returns {SessionRow | null} */
  get session() {
    const all = this.sessions;
    return all.find((one) => one.id === this.shift.session) ?? null;
  }

  get sessions() {
    const held = Object.values(this.desk.holdings.held?.sessions ?? {});
    return held.filter((one) => one.day === this.desk.today).sort((one, other) => one.opens.localeCompare(other.opens));
  }

  get now() {
    return this.shift.clock.now();
  }

  /* ---- what was scanned or typed ---- */

  /** @param {Read} read */
  scanned(read) {
    const { session } = this;
    if (!session) return this.desk.feel("out", this.desk.say("desk.session_first"));
    if (isTicket(read.text)) return void this.ticket(read.text);
    const batch = read.scan && this.desk.holdings.batchOf(read.scan);
    if (batch) return this.label(batch, session);
    if (read.scan && (read.scan.gtin || read.scan.nie || read.scan.sscc))
      return this.desk.feel("out", this.desk.say("job.unknown_batch"));
    this.search(read.text);
  }

  /** @param {string} typed */
  search(typed) {
    const found = this.list.find(typed);
    const [only] = found;
    if (!only) return this.desk.feel("out", this.desk.say("desk.nobody"));
    this.found = found.map(({ id }) => id);
    if (found.length === 1) this.take(only.id);
    else {
      this.who = null;
      this.desk.feel("ok", this.desk.say("desk.several", { n: found.length }));
      this.desk.draw();
    }
  }

  /** @param {string} text */
  async ticket(text) {
    const { desk } = this;
    const told = ticketOf(text);
    const proof = told ? await proven(text, desk.holdings.held?.keys?.tickets?.keys ?? []) : "forged";
    if (!told || proof === "forged") return desk.feel("out", desk.say("desk.forged"));
    const person = this.list.people.get(told.booking);
    if (person) return await this.shown(person, proof);
    if (told.facility !== desk.facility || told.day !== desk.today)
      return desk.feel("out", desk.say("desk.elsewhere", { place: told.facility, day: day(told.day) }));
    if (proof === "unchecked") return desk.feel("out", desk.say("desk.unchecked_unknown"));
    await this.unlisted(told.booking, told.dose);
  }

  /** @param {Person} person @param {"signed" | "unchecked"} proof */
  async shown(person, proof) {
    const { desk } = this;
    this.take(person.id);
    if (!EXPECTED.includes(person.state))
      return desk.feel(
        "low",
        desk.say("desk.here_already", { name: person.name, state: desk.say(`state.${person.state}`) }),
      );
    await this.arrive(person);
    if (proof === "unchecked") desk.feel("low", desk.say("desk.unchecked", { name: person.name }));
  }

  /** A true ticket of today that was booked, or moved, after the list was told. @param {string} id @param {number} dose */
  async unlisted(id, dose) {
    const { desk } = this;
    const name = desk.say("desk.by_ticket", { n: id.slice(-4) });
    const person = { id, name, born: "", digits: "", dose, ticket: true };
    await this.shift.comes(person);
    await this.arrive({
      ...person,
      state: "confirmed",
      number: null,
      screened: null,
      given: null,
      said: [],
      mine: true,
    });
    this.take(id);
    desk.feel("low", desk.say("desk.unlisted"));
  }

  /** @param {Batch} batch @param {SessionRow} session */
  label(batch, session) {
    const { desk } = this;
    const found = this.list.labelled(batch, session.product, this.now, desk.today);
    this.closed = "lying" in found ? batch : null;
    this.vial = "open" in found ? found.open.id : null;
    if ("why" in found) desk.feel("out", found.why.map((why) => desk.say(`warn.${why}`)).join(" "));
    else if ("open" in found) desk.feel("ok", this.vialName(found.open));
    else
      desk.feel("low", [desk.say("desk.closed", { lot: batch.lot }), cautionOf(desk, batch)].filter(Boolean).join(" "));
    desk.draw();
  }

  /** @param {string} id */
  take(id) {
    this.who = id;
    this.note = this.until = "";
    this.walkIn = null;
    const person = this.list.people.get(id);
    if (person) this.desk.feel("ok", person.name);
    this.desk.draw();
  }

  /* ---- steps ---- */

  /**
   * @param {Person} person
   * @param {string} kind
   * @param {string} to
   * @param {Record<string, unknown>} more
   * @param {Partial<import("./book_store.js").Shown>} shown
   * @param {string[]} needs
   */
  async write(person, kind, to, more = {}, shown = {}, needs = []) {
    const { desk } = this;
    const at = new Date(this.now).toISOString();
    const text = `${desk.say(`desk.did_${to}`)} · ${doseName(desk, person.dose)}`;
    const own = this.desk.steps.find((step) => step.id === person.id);
    return await desk.write({
      kind,
      body: (_id, now) => ({ booking: person.id, occurred_at: now, ...more }),
      needs: [...needs, ...(own ? [own.id] : [])],
      // Names stay in the list, which goes with the day; the book stays.
      shown: { job: "desk", text, undoable: false, guest: { id: person.id, to, at }, ...shown },
    });
  }

  /** @param {Person} person */
  arrive(person) {
    return this.write(person, "booking.arrive", "arrived", { session: this.shift.session });
  }

  /** @param {Person} person @param {"fit" | "deferred" | "refused"} result */
  async screen(person, result) {
    const note = this.note.trim();
    if (result !== "fit" && note.length < SHORTEST) return this.desk.feel("out", this.desk.say("desk.why"));
    const until = (result === "deferred" && this.until) || null;
    const { desk } = this;
    if (until && until <= desk.today) return desk.feel("out", desk.say("desk.until_later"));
    const at = new Date(this.now).toISOString();
    const shown = { guest: { id: person.id, to: result, at, until } };
    if (await this.write(person, "booking.screen", result, { result, note: note || null, until }, shown))
      this.note = this.until = "";
    this.desk.draw();
  }

  /** @param {Person} person @param {Vial} vial */
  async inject(person, vial) {
    const why = this.list.against(vial, this.now, this.desk.today);
    if (why.length) return this.desk.feel("out", why.map((each) => this.desk.say(`warn.${each}`)).join(" "));
    const needs = vial.mine ? [vial.id] : [];
    await this.write(person, "booking.vaccinate", "vaccinated", { open_vial: vial.id }, { vial: vial.id }, needs);
    this.desk.draw();
  }

  /** @param {Batch} batch */
  async open(batch) {
    const { desk } = this;
    const session = this.session;
    const found = session && this.list.labelled(batch, session.product, this.now, desk.today);
    const product = desk.holdings.product(batch.product);
    if (!found || !("lying" in found) || !product) return;
    const { place, status } = found.lying;
    const zone = desk.holdings.held?.timezone ?? "Asia/Jakarta";
    const until = goodUntil(this.now, product, batch.expiry, offsetOf(zone, this.now));
    const opened = {
      batch: batch.id,
      place,
      doses_per_vial: product.doses_per_vial,
      opened_at: new Date(this.now).toISOString(),
      discard_by: new Date(until).toISOString(),
    };
    const line = { batch: batch.id, place, status, vials: 1 };
    const kept = await desk.write({
      kind: "stock.event",
      body: (id, at) => ({ id, kind: "opening", facility: desk.facility, occurred_at: at, lines: [line] }),
      effects: [{ ...line, vials: -1 }],
      shown: {
        job: "opening",
        text: `${desk.say("job.opening")}: ${nameOf(desk, batch)} ${batch.lot}`,
        undoable: true,
        opened,
      },
    });
    if (!kept) return;
    this.closed = null;
    this.vial = desk.steps.at(-1)?.id ?? null;
    desk.draw();
  }

  /* ---- the screen ---- */

  parts() {
    const parts = this.shows();
    this.drawn = parts[0] ?? null;
    return parts;
  }

  shows() {
    const { session, desk } = this;
    if (!session) return this.choose();
    if (this.walkIn) return this.walkIn.parts();
    const { list } = this;
    const person = this.who ? list.people.get(this.who) : null;
    if (person) return [this.card(person, list, session), button(desk.say("job.back"), () => this.back(), "quiet")];
    const found = this.found.flatMap((id) => list.people.get(id) ?? []);
    const waiting = list.of(["arrived", "fit"]);
    return [
      element("p", { class: "ask" }, desk.say("desk.how")),
      element("p", { class: "small" }, this.counts(list)),
      this.lines("desk.found", found),
      this.lines("desk.waiting", waiting),
      button(desk.say("desk.walk_in"), () => this.comes(session), "quiet"),
      this.vials(list, session),
      this.lines("desk.watched", list.watched(this.now), "desk.look"),
      this.pages({ [`/meja/${session.id}/layar`]: "desk.screen", [`/meja/${session.id}/selesai`]: "desk.end" }),
    ];
  }

  choose() {
    const { desk, sessions } = this;
    const [only] = sessions;
    if (!only) return [element("p", { class: "empty" }, desk.say("desk.no_session"))];
    const times = (/** @type {SessionRow} */ one) =>
      `${desk.holdings.product(one.product)?.name ?? one.product} ${clock(desk, one.opens)}–${clock(desk, one.closes)}`;
    return [
      choices(desk.say("desk.which"), sessions, times, null, (one) => {
        this.shift.serve(one);
      }),
    ];
  }

  back() {
    this.who = null;
    this.found = [];
    this.note = this.until = "";
    this.desk.draw();
  }

  /** @param {SessionRow} session */
  comes(session) {
    const end = (/** @type {string | null} */ id) => {
      this.walkIn = null;
      if (id) this.take(id);
      else this.desk.draw();
    };
    this.walkIn = new WalkIn(this.desk, this.shift, session, end);
    this.desk.draw();
  }

  /** @param {DeskList} list */
  counts(list) {
    const count = (/** @type {string[]} */ states) => list.of(states).length;
    const n = { expected: count([...EXPECTED]), waiting: count(["arrived", "fit"]), done: count(["vaccinated"]) };
    return this.desk.say("desk.counts", n);
  }

  /** @param {string} title @param {Person[]} people @param {string} words */
  lines(title, people, words = "desk.open") {
    if (!people.length) return null;
    const rows = people
      .slice(0, SHOWN)
      .map((person) =>
        goods(this.called(person), this.facts(person), TONE[person.state] ?? "", [
          this.clockOf(person),
          button(this.desk.say(words, { name: person.name }), () => this.take(person.id), "quiet"),
        ]),
      );
    const more = people.length - SHOWN;
    return element(
      "section",
      { class: "stack tight" },
      element("h3", {}, `${this.desk.say(title)} ${people.length}`),
      element("ol", { class: "plain stack tight" }, ...rows),
      ...(more > 0 ? [element("p", { class: "small" }, this.desk.say("desk.more", { n: more }))] : []),
    );
  }

  /** As one is called: by the number, once the house has given it. @param {Person} person */
  called({ number, name }) {
    return number ? `${number} · ${name}` : name;
  }

  /** @param {Person} person */
  facts({ state, dose, born, digits, until }) {
    const { desk } = this;
    const put = state === "deferred" && until;
    const known = [
      put && desk.say("desk.put_off", { day: day(until) }),
      born && desk.say("desk.born", { day: day(born) }),
      digits && `NIK …${digits}`,
    ].filter(Boolean);
    return [desk.say(`state.${state}`), doseName(desk, dose), ...known].join(" · ");
  }

  /** @param {Person} person */
  clockOf({ state, given }) {
    if (state !== "vaccinated" || !given) return null;
    const left = Math.ceil((Date.parse(given) + OBSERVED_MS - this.now) / 60_000);
    const words = left > 0 ? this.desk.say("desk.watch", { n: left }) : this.desk.say("desk.watched_out");
    return element("strong", { class: `state ${left > 0 ? "low" : "ok"}` }, words);
  }

  /** @param {Person} person @param {DeskList} list @param {SessionRow} session */
  card(person, list, session) {
    const { desk } = this;
    const expected = EXPECTED.includes(person.state);
    const here = ["arrived", "fit"].includes(person.state);
    return element(
      "section",
      { class: "stack tight", "aria-label": person.name },
      element("h3", {}, person.name),
      element("p", {}, this.facts(person)),
      ...(here && person.number ? [element("p", { class: "ask" }, desk.say("desk.number", { n: person.number }))] : []),
      .../** @type {Node[]} */ (
        [
          person.broken === undefined
            ? null
            : element("p", { class: "note bad" }, `${desk.say("desk.broken")} ${person.broken}`),
          person.said.length
            ? element("p", { class: "note warn" }, `${desk.say("desk.said")} ${this.said(person)}`)
            : null,
          this.clockOf(person),
          ...this.after(person, session),
          expected ? button(desk.say("desk.arrive"), () => this.arrive(person), "big") : null,
          person.state === "fit" ? this.injecting(person, list, session) : null,
          here || ["deferred", "refused"].includes(person.state) ? this.screening(person) : null,
          person.state === "arrived" ? this.injecting(person, list, session) : null,
        ].filter(Boolean)
      ),
    );
  }

  /** What is said and done once somebody has had the dose. @param {Person} person @param {SessionRow} session */
  after({ id, state, dose, mine }, session) {
    const { desk } = this;
    if (state !== "vaccinated") return [];
    const next = session.next?.[String(dose)];
    const on = (/** @type {number} */ days) =>
      day(new Date(Date.parse(`${session.day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10));
    const date = next && desk.say("desk.next", { n: dose + 1, day: on(next.due_days), first: on(next.min_days) });
    const pages = { [`/meja/orang/${id}/kartu`]: "desk.card", [`/kipi/baru/${id}`]: "desk.adverse" };
    return [date ? element("p", { class: "ask" }, date) : null, mine ? null : this.pages(pages)];
  }

  /** Pages of the house; without a network they lead nowhere. @param {Record<string, string>} pages address → words */
  pages(pages) {
    if (!navigator.onLine) return null;
    const links = Object.entries(pages).map(([to, words]) =>
      element("a", { class: "tap", href: to }, this.desk.say(words)),
    );
    return element("p", { class: "row" }, ...links);
  }

  /** @param {Person} person */
  said({ said }) {
    const words = this.desk.words("health");
    return said.map((question) => words[question] ?? question).join(", ");
  }

  /** @param {Person} person */
  screening(person) {
    const { desk } = this;
    const label = desk.say("desk.note");
    const field = /** @type {HTMLInputElement} */ (
      element("input", { type: "text", maxlength: "300", autocomplete: "off", "aria-label": label })
    );
    field.value = this.note;
    field.addEventListener("input", () => {
      this.note = field.value;
    });
    const when = desk.say("desk.until_day");
    const until = /** @type {HTMLInputElement} */ (
      element("input", { type: "date", min: desk.today, "aria-label": when })
    );
    until.value = this.until;
    until.addEventListener("input", () => {
      this.until = until.value;
    });
    const results = /** @type {const} */ (["fit", "deferred", "refused"]);
    const keys = results
      .filter((result) => result !== person.state)
      .map((result) =>
        button(desk.say(`desk.${result}`), () => this.screen(person, result), result === "fit" ? "" : "quiet"),
      );
    return element(
      "div",
      { class: "choices", role: "group", "aria-label": desk.say("desk.screening") },
      element("p", { class: "ask" }, desk.say("desk.screening")),
      ...keys,
      element("label", {}, label, field),
      element("label", {}, when, until),
    );
  }

  /** @param {Person} person @param {DeskList} list @param {SessionRow} session */
  injecting(person, list, session) {
    const { desk } = this;
    const usable = list.vials(session.product).filter((vial) => !list.against(vial, this.now, desk.today).length);
    const vial = usable.find(({ id }) => id === this.vial) ?? usable[0];
    const give = vial
      ? button(desk.say("desk.inject", { vial: this.vialName(vial) }), () => this.inject(person, vial), "big")
      : element("p", { class: "note warn" }, desk.say("desk.no_vial"));
    return element("div", { class: "stack tight" }, give, ...this.opening());
  }

  /** The label that was scanned last, where its vial is still closed. */
  opening() {
    const { closed, desk } = this;
    if (!closed) return [];
    return [button(desk.say("desk.open_vial", { lot: closed.lot }), () => this.open(closed), "big")];
  }

  /** @param {DeskList} list @param {SessionRow} session */
  vials(list, session) {
    const { desk } = this;
    const rows = list.vials(session.product).filter(({ remaining }) => remaining > 0);
    const words = rows.map((vial) => {
      const why = list.against(vial, this.now, desk.today);
      const facts = why.length
        ? why.map((each) => desk.say(`warn.${each}`)).join(" ")
        : desk.say("desk.until", { at: clock(desk, vial.discard_by) });
      return goods(this.vialName(vial), facts, why.length ? "out" : "ok", []);
    });
    if (!words.length && !this.closed) return element("p", { class: "small" }, desk.say("desk.no_vial"));
    return element(
      "div",
      { class: "stack tight" },
      element("ol", { class: "plain stack tight" }, ...words),
      ...this.opening(),
    );
  }

  /** @param {Vial} vial */
  vialName(vial) {
    const lot = this.desk.holdings.batch(vial.batch)?.lot ?? vial.batch;
    return `${lot}, ${this.desk.say("job.doses_left", { n: vial.remaining, all: vial.doses_per_vial })}`;
  }
}

/** @param {string} said YYYY-MM-DD */
const day = (said) =>
  new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeZone: "UTC" }).format(
    new Date(said),
  );

/** The hour on the place's clock. @param {Desk} desk @param {string} at */
const clock = (desk, at) =>
  new Intl.DateTimeFormat(document.documentElement.lang, {
    timeStyle: "short",
    timeZone: desk.holdings.held?.timezone ?? "Asia/Jakarta",
  }).format(new Date(at));
