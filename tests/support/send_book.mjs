// The phone's book and sender against a house of a few lines: the situation is named by the argument, what came of it goes out.
import { Book, Clock } from "../../dashboard/scan/static/book.js";
import { NotSent, Sender } from "../../dashboard/scan/static/book_sender.js";

const HOUSE_READS = 1_000_000;

/** What IndexedDB keeps, in memory. */
class Memory {
  handsets = new Map();
  kept = [];
  notes = new Map();
  handset = async (user) => this.handsets.get(user) ?? null;
  keepHandset = async (handset) => this.handsets.set(handset.user, handset);
  changeHandset = async (user, change) => this.handsets.set(user, { ...this.handsets.get(user), ...change });
  append = async (user, step) => {
    this.kept.push(step);
    await this.changeHandset(user, { number: step.number, hash: step.hash });
    return true;
  };
  steps = async () => [...this.kept];
  keepSteps = async (steps) => {
    for (const step of steps) this.kept[step.number - 1] = step;
  };
  forget = async () => {};
  note = async (key) => this.notes.get(key);
  keepNote = async (key, value) => this.notes.set(key, value);
}

const store = new Memory();
const clock = new Clock(store);
const book = new Book("user", store, clock);
const now = () => new Date(Date.now()).toISOString();

/** What the house was asked: [method, path, body]. */
const asked = [];
/** @type {(path: string, body: any) => [number, unknown]} */
let answer = (_path, body) => [200, { now: now(), items: (body?.steps ?? []).map(done) }];
const done = ({ text }) => ({ number: JSON.parse(text).number, state: "done", kind: "stock.event" });

const sender = new Sender(
  book,
  async (method, path, body) => {
    asked.push([method, path, body]);
    const [status, said] = answer(path, body);
    return new Response(JSON.stringify(said), { status });
  },
  "id",
);

const write = (facility, words = "") =>
  book.write(facility, { kind: "stock.event", body: () => ({ words }), shown: { job: "waste", text: "", undoable: true } });

const SITUATIONS = {
  /** The account works elsewhere before its book was heard of. */
  async moved() {
    await write("pkm-lama");
    answer = (path, body) => {
      if (path.endsWith("/steps")) return [200, { now: now(), items: body.steps.map(done) }];
      return body.facility === "pkm-lama" ? [404, { code: "network.facility_not_found", detail: "x" }] : [201, { now: now() }];
    };
    await sender.send("pkm-baru", "Ponsel");
    return { begun: asked.map(([, , body]) => body.facility).filter(Boolean), states: store.kept.map((step) => step.state) };
  },
  /** The account works elsewhere, and the house has known its book for long. */
  async elsewhere() {
    await write("pkm-lama");
    await sender.send("pkm-lama", "Ponsel");
    await write("pkm-lama");
    asked.length = 0;
    await sender.send("pkm-baru", "Ponsel");
    await write("pkm-baru");
    await sender.send("pkm-baru", "Ponsel");
    const texts = (body) => body.steps.map((step) => JSON.parse(step.text).facility).join();
    return asked.map(([, , body]) => (body.steps ? `steps of ${texts(body)}` : `home ${body.facility}`));
  },
  /** A backlog of long receipts is more than the house reads of one request. */
  async heavy() {
    for (let count = 0; count < 60; count++) await write("pkm", "x".repeat(30_000));
    answer = (_path, body) =>
      JSON.stringify(body).length > HOUSE_READS
        ? [413, { code: "api.too_large", detail: "x" }]
        : [200, { now: now(), items: (body.steps ?? []).map(done) }];
    await sender.send("pkm", "Ponsel");
    return { states: store.kept.map((step) => step.state) };
  },
  /** The phone's clock falls back by a day after the house told it the time. */
  async back() {
    const real = Date.now;
    const told = now();
    await sender.asked("GET", "/api/v1/handsets/holdings");
    Date.now = () => real() - 86_400_000;
    const step = await write("pkm");
    return { told, at: step.at };
  },
  /** What the house refuses of the phone itself is said, not swallowed. */
  async refused() {
    await write("pkm");
    answer = () => [409, { code: "handsets.too_many", detail: "Terlalu banyak ponsel." }];
    return await sender.send("pkm", "Ponsel").then(
      () => ({}),
      (error) => ({ ours: error instanceof NotSent, why: error.why, said: error.said }),
    );
  },
  /** Cut off, the log-in ended with it. */
  async cut() {
    await write("pkm");
    await sender.send("pkm", "Ponsel");
    const id = (await store.handset("user")).id;
    const gone = [401, { code: "access.unauthenticated", detail: "x" }];
    answer = (path) => (path === `/api/v1/handsets/${id}/cut-off` ? [200, { cut_off: true, now: now() }] : gone);
    const cut = await sender.isCutOff();
    answer = () => gone;
    return { cut, loggedOut: await sender.isCutOff() };
  },
};

process.stdout.write(JSON.stringify(await SITUATIONS[process.argv[2]]()));
