// What a phone keeps of its scans: each is written down before it is sent, under the name of whoever scanned it, and
// every one of them has a state that the page shows. Nothing here draws.

/**
 * @typedef {"waiting" | "sending" | "answered" | "refused"} State
 * @typedef {object} Scan one code; `user` is the account that scanned it
 * @property {string} id
 * @property {string} user
 * @property {string} text
 * @property {string | null} facility
 * @property {string} at when it was scanned, ISO 8601
 * @property {State} state
 * @property {Why} [why] why it still waits
 * @property {boolean} [unsaved] the phone could not keep it: it lives as long as the page
 * @property {unknown} [answer] what the server said
 * @typedef {"offline" | "server" | "foreign" | "login" | "stale"} Why
 */

const KEPT_ANSWERS = 20; // of each user; the rest was looked at long ago
const PATIENCE_MS = 20_000;

/** @returns {Promise<IDBDatabase>} */
function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("rantai", 2);
    asked.onupgradeneeded = () => {
      // The first version kept no owner: what it left has none and is sent by nobody.
      if (!asked.result.objectStoreNames.contains("scans")) asked.result.createObjectStore("scans", { keyPath: "id" });
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = asked.onblocked = () => reject(asked.error);
  });
}

/**
 * @template R
 * @param {IDBTransactionMode} mode
 * @param {(scans: IDBObjectStore) => IDBRequest<R>} act
 * @returns {Promise<R>}
 */
async function table(mode, act) {
  const store = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const work = store.transaction("scans", mode);
      const request = act(work.objectStore("scans"));
      work.oncomplete = () => resolve(request.result);
      work.onerror = work.onabort = () => reject(work.error);
    });
  } finally {
    store.close();
  }
}

/**
 * Whether an answer came from Rantai at all; a portal of a Wi-Fi or a proxy answers in pages, or in JSON of its own.
 * @param {Response} answer
 * @param {unknown} body
 */
function isOurs(answer, body) {
  if (typeof body !== "object" || body === null) return false;
  return answer.ok ? "scan" in body && "verdict" in body : "code" in body && "detail" in body;
}

export class Queue {
  /**
   * @param {string} user whose page this is; other people's scans are kept and never sent
   * @param {(scan: Scan) => Promise<Response>} post
   * @param {(scan: Scan | null) => void} changed told of each scan whose state changed, and with null when the list did
   */
  constructor(user, post, changed) {
    this.user = user;
    this.post = post;
    this.changed = changed;
    /** @type {Map<string, Scan>} what the phone could not keep */
    this.unsaved = new Map();
    /** @type {Map<string, Promise<void>>} what is being sent, by its scan */
    this.underway = new Map();
    /** @type {Promise<void> | null} */
    this.round = null;
    this.again = false;
  }

  /**
   * Writes a scan down and sends it.
   * @param {string} text
   * @param {string | null} facility
   */
  async add(text, facility) {
    const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    /** @type {Scan} */
    const scan = { id, user: this.user, text, facility, at: new Date().toISOString(), state: "waiting" };
    await this.keep(scan);
    this.changed(scan);
    await this.send(scan);
    return scan;
  }

  /**
   * A phone without room loses nothing silently: the scan stays on the page and says so.
   * @param {Scan} scan
   */
  async keep(scan) {
    try {
      const { unsaved: _, ...kept } = scan;
      await table("readwrite", (scans) => scans.put(kept));
      this.unsaved.delete(scan.id);
      delete scan.unsaved;
    } catch {
      scan.unsaved = true;
      this.unsaved.set(scan.id, scan);
    }
  }

  /** @param {string} id */
  async drop(id) {
    this.unsaved.delete(id);
    try {
      await table("readwrite", (scans) => scans.delete(id));
    } catch {
      // It was never there.
    }
    this.changed(null);
  }

  /** All scans on this phone, oldest first. */
  async all() {
    /** @type {Scan[]} */
    let kept = [];
    try {
      kept = await table("readonly", (scans) => scans.getAll());
    } catch {
      // Without storage there is what the page remembers.
    }
    const found = [...kept.filter((scan) => !this.unsaved.has(scan.id)), ...this.unsaved.values()];
    return found.sort((one, other) => one.at.localeCompare(other.at) || one.id.localeCompare(other.id));
  }

  /** This user's own, oldest first, and how many of others wait. */
  async mine() {
    const all = await this.all();
    const own = all.filter((scan) => scan.user === this.user);
    const others = all.filter((scan) => scan.user !== this.user && (scan.state ?? "waiting") === "waiting").length;
    return { own, others };
  }

  /** Sends everything that waits; asked meanwhile, it looks once more: a network that is back sends what failed just before. */
  sendAll() {
    this.again = Boolean(this.round);
    this.round ??= this.rounds().finally(() => {
      this.round = null;
    });
    return this.round;
  }

  async rounds() {
    do {
      this.again = false;
      await this.sendWaiting();
    } while (this.again);
  }

  /** In the order in which they were scanned; one that fails keeps none behind it waiting. */
  async sendWaiting() {
    await Promise.allSettled(this.underway.values());
    const { own } = await this.mine();
    for (const scan of own) if (scan.state === "waiting" || scan.state === "sending") await this.send(scan);
    await this.tidy();
  }

  /**
   * Sends one; it waits on unless Rantai itself has answered it, with yes or with no.
   * @param {Scan} scan
   */
  send(scan) {
    let sending = this.underway.get(scan.id);
    if (!sending) {
      sending = this.sendNow(scan).finally(() => this.underway.delete(scan.id));
      this.underway.set(scan.id, sending);
    }
    return sending;
  }

  /** @param {Scan} scan */
  async sendNow(scan) {
    scan.state = "sending";
    this.changed(scan);
    const why = await this.attempt(scan);
    if (why) {
      scan.state = "waiting";
      scan.why = why;
    } else delete scan.why;
    await this.keep(scan);
    this.changed(scan);
  }

  /**
   * @param {Scan} scan
   * @returns {Promise<Why | null>} why there is no answer; null when there is, and the scan has it
   */
  async attempt(scan) {
    let answer;
    try {
      answer = await this.post(scan);
    } catch {
      return "offline";
    }
    if (answer.status === 401) return "login";
    let body;
    try {
      body = await answer.json();
    } catch {
      return answer.ok ? "foreign" : "server";
    }
    if (!isOurs(answer, body)) return "foreign";
    if (body.code === "access.csrf_failed") return "stale";
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return "server";
    scan.state = answer.ok ? "answered" : "refused";
    scan.answer = body;
    return null;
  }

  /** Forgets this user's oldest answers. */
  async tidy() {
    const { own } = await this.mine();
    const done = own.filter((scan) => scan.state === "answered" || scan.state === "refused");
    for (const scan of done.slice(0, Math.max(0, done.length - KEPT_ANSWERS))) await this.drop(scan.id);
  }
}

/**
 * @param {() => Record<string, string>} headers
 * @returns {(scan: Scan) => Promise<Response>}
 */
export function posting(headers) {
  return (scan) =>
    fetch("/api/v1/scans", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", ...headers() },
      body: JSON.stringify({ text: scan.text, ...(scan.facility ? { facility: scan.facility } : {}) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
}
