// The phone's book of steps: each is written down before anything is sent, with a number, an id and the hash of the one
// before, so that the server can prove that none is missing.

/**
 * @typedef {import("./book_store.js").Step} Step
 * @typedef {import("./book_store.js").Handset} Handset
 * @typedef {import("./book_store.js").Effect} Effect
 * @typedef {import("./book_store.js").Shown} Shown
 * @typedef {import("./book_store.js").Store} Store
 * @typedef {object} Told what a job wants to be written down
 * @property {string} kind of the server's steps: "stock.event", "shipment.receipt", …
 * @property {(id: string, at: string) => Record<string, unknown>} body made with the step's id and time
 * @property {string[]} [needs] ids of steps that it builds upon
 * @property {Effect[]} [effects]
 * @property {Shown} shown
 */

const NOTHING = "0".repeat(64);
const TRIES = 5; // against other tabs, where the browser has no locks
const KEPT = 60; // steps that are done stay for a while to be looked at, and undone

/** Whether the browser lets a page make hashes: only over HTTPS, or on the machine itself. */
export const canHash = () => Boolean(globalThis.crypto?.subtle);

/** @param {string} text @returns {Promise<string>} hex */
export async function sha256(text) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {number} now milliseconds @returns {string} a UUID of version 7 */
export function uuid7(now) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let place = 0; place < 6; place++) bytes[place] = Math.floor(now / 256 ** (5 - place)) % 256;
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/**
 * One at a time over all tabs of this browser; without locks the store itself refuses the later one.
 * @template R
 * @param {string} name
 * @param {() => Promise<R>} act
 * @returns {Promise<R>}
 */
const alone = (name, act) => (navigator.locks ? navigator.locks.request(name, act) : act());

/** The server's clock, learnt from its answers: the phone's own may be wrong by years. */
export class Clock {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.ahead = 0;
    /** what the house's clock said last: it is later now, whatever became of the phone's own */
    this.heard = 0;
  }

  async load() {
    this.ahead = (await this.store.note("clock")) ?? 0;
  }

  now() {
    return Math.max(Date.now() + this.ahead, this.heard);
  }

  /** @param {string | undefined} said the server's time, RFC 3339 */
  async learn(said) {
    const at = said ? Date.parse(said) : Number.NaN;
    if (!Number.isFinite(at)) return;
    this.heard = at;
    // A second is the road; it is not worth a write.
    if (Math.abs(at - Date.now() - this.ahead) < 2000) return;
    this.ahead = Math.round(at - Date.now());
    await this.store.keepNote("clock", this.ahead);
  }
}

export class Book {
  /**
   * @param {string} user
   * @param {Store} store
   * @param {Clock} clock
   */
  constructor(user, store, clock) {
    this.user = user;
    this.store = store;
    this.clock = clock;
  }

  /**
   * This account's handset on this phone; made where there is none yet.
   * @param {string} facility where it is at home
   * @returns {Promise<Handset>}
   */
  async handset(facility) {
    return await alone(`rantai-book-${this.user}`, async () => {
      const found = await this.store.handset(this.user);
      if (found) return found;
      const id = uuid7(this.clock.now());
      const made = { user: this.user, id, facility, number: 0, hash: NOTHING, known: false };
      await this.store.keepHandset(made);
      return made;
    });
  }

  /**
   * Writes a step down; throws where the phone cannot keep it (no room), and then nothing was done.
   * @param {string} facility where it was done
   * @param {Told} told
   * @returns {Promise<Step>}
   */
  async write(facility, told) {
    await this.handset(facility);
    return await alone(`rantai-book-${this.user}`, async () => {
      for (let tried = 0; tried < TRIES; tried++) {
        const step = await this.attempt(facility, told);
        if (step) return step;
      }
      throw new Error("another tab is writing");
    });
  }

  /** @param {string} facility @param {Told} told @returns {Promise<Step | null>} */
  async attempt(facility, { kind, body, needs = [], effects = [], shown }) {
    const handset = await this.store.handset(this.user);
    if (!handset) return null;
    const now = this.clock.now();
    const id = uuid7(now);
    const at = new Date(now).toISOString();
    const number = handset.number + 1;
    const text = JSON.stringify({ number, id, at, facility, needs, kind, body: body(id, at) });
    const hash = await sha256(handset.hash + text);
    /** @type {Step} */
    const step = { handset: handset.id, number, id, at, text, hash, state: "waiting", effects, shown };
    return (await this.store.append(this.user, step, handset.hash)) ? step : null;
  }

  /** All that this account did on this phone, in order. @returns {Promise<Step[]>} */
  async steps() {
    const handset = await this.store.handset(this.user);
    return handset ? await this.store.steps(handset.id) : [];
  }

  /** Forgets what was done long ago; the server has it. */
  async tidy() {
    const done = (await this.steps()).filter((step) => step.state === "done" || step.state === "dropped");
    if (done.length > KEPT) await this.store.forget(done.slice(0, done.length - KEPT));
  }
}
