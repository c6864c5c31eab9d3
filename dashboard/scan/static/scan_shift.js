// A shift on this phone: its book, its holdings, and when both are exchanged with the server.

import { Book, Clock, canHash } from "./book.js";
import { NotSent, Sender } from "./book_sender.js";
import { Store } from "./book_store.js";
import { Holdings, merged } from "./holdings.js";

/**
 * @typedef {import("./book.js").Told} Told
 * @typedef {import("./book_store.js").Step} Step
 * @typedef {import("./book_sender.js").Ask} Ask
 * @typedef {import("./holdings.js").Held} Held
 * @typedef {import("./holdings.js").SessionRow} SessionRow
 * @typedef {import("./desk_list.js").Came} Came
 * @typedef {{ id: string, day: string, came: Came[] }} Served the session whose desk this is, and who came there without a place
 * @typedef {"" | import("./book_sender.js").Why | "full" | "insecure" | "sending"} State
 */

const MOST_NEEDS = 100; // the house reads no more of a step; who brought the newest stands for the rest

export class Shift {
  /**
   * @param {string} user
   * @param {string} language
   * @param {Ask} ask
   * @param {() => void} changed
   * @param {any} brought holdings that came with the page, for a phone that has none of its own yet
   */
  constructor(user, language, ask, changed, brought = null) {
    this.user = user;
    this.brought = brought;
    this.store = new Store();
    this.clock = new Clock(this.store);
    this.book = new Book(user, this.store, this.clock);
    this.sender = new Sender(this.book, ask, language);
    this.changed = changed;
    this.facility = "";
    /** @type {Step[]} */
    this.steps = [];
    /** @type {Held | null} */
    this.held = null;
    /** @type {{ held: Held | null, steps: Step[], holdings: Holdings } | null} */
    this.known = null;
    /** @type {Served | null} */
    this.served = null;
    this.others = 0;
    /** @type {State} */
    this.state = canHash() ? "" : "insecure";
    this.said = "";
    /** @type {Promise<void> | null} */
    this.sending = null;
    this.again = false;
    // What another tab wrote down is this tab's, too.
    this.channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("rantai-langkah") : null;
    this.channel?.addEventListener("message", () => this.read().then(changed, () => {}));
  }

  /** Made anew when what the house said or the book changed: a scan asks for it many times. */
  get holdings() {
    const { known, held, steps } = this;
    if (known?.held === held && known.steps === steps) return known.holdings;
    const holdings = new Holdings(held, steps);
    this.known = { held, steps, holdings };
    return holdings;
  }

  get waiting() {
    return this.steps.filter((step) => step.state === "waiting");
  }

  get conflicts() {
    return this.steps.filter((step) => step.state === "conflict" || step.state === "behind");
  }

  /** How many conflicts wait for the holder's hands: their own at once, those of the store's other phones as the house told. */
  get toSettle() {
    return Math.max(this.conflicts.length, this.held?.conflicts ?? 0);
  }

  /** @param {string} facility */
  async open(facility) {
    this.facility = facility;
    await this.clock.load();
    await this.read();
    if (this.held || this.brought?.facility !== facility) return;
    // The page brought them, so nothing need be asked for before the first step.
    this.held = merged(null, this.brought, facility, this.upTo);
    this.store.keepNote(this.key, this.held).catch(() => {});
  }

  async read() {
    this.steps = await this.book.steps();
    this.others = await this.store.ofOthers(this.user);
    const held = this.facility ? ((await this.store.note(this.key)) ?? null) : null;
    if (!held || held.as_of !== this.held?.as_of || held.facility !== this.held?.facility) this.held = held;
    this.clock.heard = Math.max(this.clock.heard, Date.parse(held?.as_of ?? "") || 0);
    this.served = (await this.store.note(this.deskKey)) ?? null;
    if (this.served && this.served.day < this.holdings.today(this.clock.now())) await this.closeDesk();
  }

  /* ---- the desk of a session: its people are held for its day ---- */

  get deskKey() {
    return `meja ${this.user} ${this.facility}`;
  }

  get session() {
    return this.served?.id ?? null;
  }

  get came() {
    return this.served?.came ?? [];
  }

  /** @param {SessionRow} session */
  async serve({ id, day }) {
    await this.keepDesk({ id, day, came: [] });
    await this.exchange();
  }

  /** @param {Came} person */
  async comes(person) {
    if (this.served) await this.keepDesk({ ...this.served, came: [...this.served.came, person] });
  }

  /** @param {Served | null} served */
  async keepDesk(served) {
    this.served = served;
    await this.store.keepNote(this.deskKey, served);
    this.changed();
  }

  /** Its day is over, or it is no session of today's: nobody of it stays on the phone. */
  async closeDesk() {
    if (this.held) {
      // Without a token the whole is told anew: the house would think that its people are still known.
      this.held = { ...this.held, token: "", guests: {}, keys: {} };
      await this.store.keepNote(this.key, this.held);
    }
    await this.keepDesk(null);
  }

  /** The last own step that the house has heard of. */
  get upTo() {
    return Math.max(0, ...this.steps.filter((step) => step.state !== "waiting").map((step) => step.number));
  }

  /** Whose holdings: another account may see less. */
  get key() {
    return `holdings ${this.user} ${this.facility}`;
  }

  /**
   * Writes a step down; false where the phone could not keep it, and then it did not happen.
   * @param {Told} told
   */
  async write(told) {
    try {
      await this.book.write(this.facility, { ...told, needs: [...(told.needs ?? []), ...this.ground(told)] });
    } catch {
      if (this.state !== "insecure") this.state = "full";
      this.changed();
      return false;
    }
    await this.read();
    this.channel?.postMessage("step");
    this.changed();
    this.exchange();
    return true;
  }

  /** Own steps, not yet told, that brought what this one takes. @param {Told} told @returns {string[]} */
  ground({ effects = [] }) {
    const taken = effects.filter((effect) => effect.vials < 0);
    const brings = (/** @type {Step} */ step) =>
      step.effects.some(
        (come) => come.vials > 0 && taken.some((each) => each.place === come.place && each.batch === come.batch),
      );
    return this.steps
      .filter((step) => step.state !== "done" && step.state !== "dropped" && brings(step))
      .map((step) => step.id)
      .slice(-MOST_NEEDS);
  }

  /** Sends the book and asks for the difference; one at a time, and once more for whoever came meanwhile. */
  exchange() {
    this.again = Boolean(this.sending);
    this.sending ??= this.round().finally(() => {
      this.sending = null;
      if (this.again) this.exchange();
    });
    return this.sending;
  }

  async round() {
    if (!this.facility || this.state === "cut_off" || this.state === "insecure") return;
    /** @type {State} */
    let state = "";
    this.said = "";
    try {
      await this.alone(() => this.sender.send(this.facility, navigator.userAgent.slice(0, 80)));
      await this.read();
      this.changed();
      await this.refresh();
    } catch (error) {
      if (!(error instanceof NotSent)) throw error;
      state = error.why;
      this.said = error.said;
    }
    if (state === "login" && (await this.sender.isCutOff())) state = "cut_off";
    this.state = state;
    if (state === "cut_off") await this.wipe();
    else await this.read();
    this.changed();
  }

  /** One tab sends; another that comes meanwhile finds it done. @param {() => Promise<void>} act */
  async alone(act) {
    if (navigator.locks) await navigator.locks.request(`rantai-send-${this.user}`, act);
    else await act();
  }

  /** @returns {Promise<void>} */
  async refresh() {
    const { upTo } = this;
    const since = this.held?.token ? `&since=${encodeURIComponent(this.held.token)}` : "";
    const handset = await this.store.handset(this.user);
    const from = handset?.known ? `&handset=${handset.id}` : "";
    const served = this.session ? `&session=${this.session}` : "";
    const path = `/api/v1/handsets/holdings?facility=${encodeURIComponent(this.facility)}${since}${from}${served}`;
    let body;
    try {
      ({ body } = await this.sender.asked("GET", path));
    } catch (error) {
      if (!(error instanceof NotSent) || error.code !== "quota.session_not_found") throw error;
      await this.closeDesk();
      return await this.refresh();
    }
    this.held = merged(this.held, body, this.facility, upTo);
    await this.store.keepNote(this.key, this.held);
  }

  /** Leaves nothing behind: this phone was cut off by the head. */
  async wipe() {
    this.steps = [];
    this.held = this.brought = null;
    await this.store.wipe();
    indexedDB.deleteDatabase("rantai");
    for (const name of (await globalThis.caches?.keys()) ?? []) await caches.delete(name);
  }
}
