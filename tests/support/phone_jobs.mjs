// Does jobs on a phone that holds what the house told it, and prints the steps that it writes down.
import { readFileSync } from "node:fs";
import { uuid7 } from "../../dashboard/scan/static/book.js";
import { readCode } from "../../dashboard/scan/static/gs1_reader.js";
import { Holdings, merged } from "../../dashboard/scan/static/holdings.js";
import { DispatchJob } from "../../dashboard/scan/static/job_dispatch.js";
import { OrderJob } from "../../dashboard/scan/static/job_order.js";
import { PickJob } from "../../dashboard/scan/static/job_pick.js";
import { ReceiveJob } from "../../dashboard/scan/static/job_receive.js";
import { ReturnJob } from "../../dashboard/scan/static/job_return.js";
import { TellJob } from "../../dashboard/scan/static/job_tell.js";
import { lastUndoable, undo } from "../../dashboard/scan/static/job_undo.js";

const confirm = function (desk) {
  return new DispatchJob(desk, "confirm");
};
const JOBS = { confirm, dispatch: DispatchJob, order: OrderJob, pick: PickJob, receive: ReceiveJob, return: ReturnJob, tell: TellJob };
const TABLE = JSON.parse(readFileSync(new URL("../../dashboard/scan/static/gs1_table.json", import.meta.url)));
const { told, facility, at, acts } = JSON.parse(readFileSync(0, "utf8"));
const held = merged(null, told, facility, 0);
const steps = [];
const said = [];

const desk = {
  facility,
  get holdings() {
    return new Holdings(held, [...steps]);
  },
  get today() {
    return this.holdings.today(Date.parse(at));
  },
  get steps() {
    return steps;
  },
  say: (key, values = {}) => `${key} ${JSON.stringify(values)}`,
  words: () => ({}),
  feel: (tone, word) => said.push([tone, word]),
  draw() {},
  leave() {},
  async write({ kind, body, needs = [], effects = [], shown }) {
    const id = uuid7(Date.parse(at) + steps.length);
    const number = steps.length + 1;
    steps.push({ id, number, at, kind, needs, body: body(id, at), effects, shown, state: "waiting" });
    return true;
  },
};

/** @param {string} text */
function read(text) {
  try {
    return { text, scan: readCode(TABLE, text, desk.today), error: "" };
  } catch {
    return { text, scan: null, error: "unread" };
  }
}

for (const { job, scans = [], fields = {}, back } of acts) {
  if (back) await undo(desk, lastUndoable(steps), back);
  else {
    const hand = new JOBS[job](desk);
    // A tap on the key of a field stands as @field.
    for (const text of scans) {
      if (text.startsWith("@")) hand.into = text.slice(1);
      else hand.scanned(read(text));
    }
    Object.assign(hand, fields);
    if (job === "dispatch" || (job === "confirm" && !hand.shipment)) hand.open(hand.waiting[0]);
    if (job === "receive" && !hand.one_by_one) await hand.allAsNoted();
    else await hand.write(hand.shipment);
  }
}
process.stdout.write(JSON.stringify({ steps, said }));
