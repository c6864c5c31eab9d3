// Sends the book of steps. A step counts as sent when Rantai itself said so: whatever else answers, or nobody, it is sent
// again, and a repeat is the same step.

/**
 * @typedef {import("./book.js").Book} Book
 * @typedef {import("./book_store.js").Step} Step
 * @typedef {import("./book_store.js").StepState} StepState
 * @typedef {"offline" | "server" | "foreign" | "login" | "cut_off" | "broken" | "refused"} Why
 * @typedef {{ number: number, state: string, kind: string, result_id?: string | null, code?: string, detail?: string, message?: string, message_id?: string }} Item
 * @typedef {{ status: number, body: any }} Answer
 * @typedef {(method: "GET" | "POST", path: string, body?: unknown) => Promise<Response>} Ask
 */

const A_BATCH = 50;
const A_LOAD = 300_000; // letters of a batch, far below what the house reads of one request
/** @type {Record<string, StepState>} */
const STATES = { done: "done", conflict: "conflict", waiting: "behind", dropped: "dropped" };

/** Why nothing can be sent now. */
export class NotSent extends Error {
  /** @param {Why} why @param {string} [said] the server's own sentence */
  constructor(why, said = "") {
    super(why);
    this.why = why;
    this.said = said;
    this.code = "";
  }
}

export class Sender {
  /**
   * @param {Book} book
   * @param {Ask} ask
   * @param {string} language "id" or "en"
   */
  constructor(book, ask, language) {
    this.book = book;
    this.ask = ask;
    this.language = language;
  }

  /**
   * Sends what waits, and asks anew how conflicts stand. Throws NotSent; what was answered until then is kept.
   * @param {string} facility
   * @param {string} name of this phone
   */
  async send(facility, name) {
    const handset = await this.book.handset(facility);
    if (!handset.number) return;
    const home = handset.known ? handset.facility : await this.register(handset.id, [handset.facility, facility], name);
    const open = (await this.book.steps()).filter(isOpen);
    // What nobody has heard goes first: how conflicts stand can wait for a better line.
    await this.sendRuns(
      handset.id,
      open.filter((step) => step.state === "waiting"),
    );
    await this.sendRuns(
      handset.id,
      open.filter((step) => step.state !== "waiting"),
    );
    await this.book.tidy();
    // Whoever works elsewhere by now first sends what was done where they worked before.
    if (home !== facility) await this.begin(handset.id, facility, name);
  }

  /** @param {string} handset @param {Step[]} steps */
  async sendRuns(handset, steps) {
    for (const run of runsOf(steps)) {
      for (let left = run; left.length; ) {
        const answered = await this.batch(handset, batchOf(left));
        if (!answered) throw new NotSent("server");
        left = left.slice(answered);
      }
    }
  }

  /**
   * Where the book was begun, or where its account works now: it may have moved before the book was heard of.
   * @param {string} id
   * @param {[string, string]} facilities
   * @param {string} name
   * @returns {Promise<string>} where the house knows it
   */
  async register(id, [home, here], name) {
    try {
      return await this.begin(id, home, name);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404 || home === here) throw error;
      return await this.begin(id, here, name);
    }
  }

  /** The house takes the book to be at home there. @param {string} id @param {string} facility @param {string} name */
  async begin(id, facility, name) {
    await this.asked("POST", "/api/v1/handsets", { id, facility, name });
    await this.book.store.changeHandset(this.book.user, { known: true, facility });
    return facility;
  }

  /** Whether the head cut this phone off: its log-in is gone with that, so it asks without one. */
  async isCutOff() {
    const handset = await this.book.store.handset(this.book.user);
    if (!handset?.known) return false;
    try {
      return (await this.asked("GET", `/api/v1/handsets/${handset.id}/cut-off`)).body.cut_off === true;
    } catch {
      return false;
    }
  }

  /**
   * Sends steps that follow one another, and keeps what the server says of each.
   * @param {string} handset
   * @param {Step[]} steps
   * @returns {Promise<number>} how many were answered
   */
  async batch(handset, steps) {
    const lines = steps.map(({ text, hash }) => ({ text, hash }));
    let answer;
    try {
      answer = await this.asked("POST", `/api/v1/handsets/${handset}/steps`, { steps: lines });
    } catch (error) {
      if (error instanceof Refused) return await this.refused(handset, steps, error);
      throw error;
    }
    /** @type {Item[]} */
    const items = answer.body.items;
    const said = new Map(items.map((item) => [item.number, item]));
    const told = steps.filter((step) => said.has(step.number)).map((step) => this.judged(step, said.get(step.number)));
    await this.book.store.keepSteps(told);
    return told.length;
  }

  /**
   * The batch itself was refused. A server that was set back wants earlier steps again.
   * @param {string} handset
   * @param {Step[]} steps
   * @param {Refused} error
   * @returns {Promise<number>}
   */
  async refused(handset, steps, { body }) {
    const first = steps[0]?.number ?? 0;
    const wanted = body.params?.wanted ?? body.params?.next ?? body.params?.number;
    if (body.code === "handsets.steps_missing" && wanted < first) {
      const before = (await this.book.steps()).filter((step) => step.number >= wanted && step.number < first);
      if (before[0]?.number === wanted && (await this.batch(handset, before.slice(0, 100))))
        return await this.batch(handset, steps);
    }
    if (body.code === "handsets.unknown") await this.book.store.changeHandset(this.book.user, { known: false });
    throw new NotSent(body.code === "handsets.chain_broken" ? "broken" : "refused", body.detail ?? "");
  }

  /**
   * @param {Step} step
   * @param {Item | undefined} item
   * @returns {Step}
   */
  judged(step, item) {
    if (!item) return step;
    const { code: _code, said: _said, ...bare } = step;
    const state = STATES[item.state] ?? "waiting";
    // A count that nothing came of stands on its sheet and waits for somebody else.
    const sheet = state === "done" && item.kind === "stock.count" && !item.result_id;
    if (state === "done" || state === "waiting") return { ...bare, state, ...(sheet ? { sheet } : {}) };
    const said = (this.language === "id" ? item.message_id : item.message) ?? item.detail ?? item.message ?? "";
    return { ...bare, state, code: item.code ?? "", said };
  }

  /**
   * Asks, and takes an answer only where it is Rantai's.
   * @param {"GET" | "POST"} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<Answer>}
   */
  async asked(method, path, body) {
    let response;
    try {
      response = await this.ask(method, path, body);
    } catch {
      throw new NotSent("offline");
    }
    let said;
    try {
      said = await response.json();
    } catch {
      throw new NotSent(response.status >= 500 ? "server" : "foreign");
    }
    if (typeof said !== "object" || said === null) throw new NotSent("foreign");
    if (response.ok) {
      // Every answer to a phone tells the time: a portal's does not.
      if (typeof said.now !== "string" && typeof said.as_of !== "string") throw new NotSent("foreign");
      await this.book.clock.learn(said.now ?? said.as_of);
      return { status: response.status, body: said };
    }
    if (!("code" in said)) throw new NotSent(response.status >= 500 ? "server" : "foreign");
    await this.book.clock.learn(new Date(response.headers.get("Date") ?? "").toString());
    throw this.wrong(response.status, said);
  }

  /** @param {number} status @param {any} said */
  wrong(status, said) {
    if (said.code === "handsets.cut_off") return new NotSent("cut_off", said.detail);
    if (status === 401 || said.code === "access.csrf_failed") return new NotSent("login");
    if (status >= 500 || status === 429 || status === 408) return new NotSent("server");
    return new Refused(status, said);
  }
}

/** Rantai said no. */
class Refused extends NotSent {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    super("refused", body.detail ?? "");
    this.status = status;
    this.body = body;
    this.code = String(body.code ?? "");
  }
}

/** @param {Step} step whether its end is not known yet */
const isOpen = (step) => step.state !== "done" && step.state !== "dropped";

/** The first steps, as many as one request may carry; one at least. @param {Step[]} steps */
function batchOf(steps) {
  let letters = 0;
  const end = steps.findIndex((step, index) => {
    letters += step.text.length;
    return index === A_BATCH || (index > 0 && letters > A_LOAD);
  });
  return end < 0 ? steps : steps.slice(0, end);
}

/**
 * Steps cut into runs whose numbers follow one another.
 * @param {Step[]} steps
 */
function runsOf(steps) {
  /** @type {Step[][]} */
  const runs = [];
  for (const step of steps) {
    const run = runs.at(-1);
    if (run && run.at(-1)?.number === step.number - 1) run.push(step);
    else runs.push([step]);
  }
  return runs;
}
