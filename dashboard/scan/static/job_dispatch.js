// Sending off what is packed: the box, the shipment's code or a tap opens it; one more tap and it has left.

import { element } from "./scan_cards.js";
import { refOf, stepsOf } from "./scan_desk.js";
import { button, goods } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").Shipment} Shipment
 */

export class DispatchJob {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.name = "dispatch";
    /** @type {Shipment | null} */
    this.shipment = null;
  }

  get waiting() {
    return this.desk.holdings.shipments("out", ["packed"]);
  }

  /** @param {Read} read */
  scanned(read) {
    const { desk } = this;
    const sscc = read.scan?.sscc;
    const named = sscc ? desk.holdings.shipmentOfBox(sscc) : desk.holdings.shipmentOfCode(read.text);
    const shipment = this.waiting.find((each) => each.id === named?.id);
    if (shipment) this.open(shipment);
    else desk.feel("out", desk.say("job.not_packed", { text: read.text.slice(0, 40) }));
  }

  /** @param {Shipment} shipment */
  open(shipment) {
    this.shipment = shipment;
    this.desk.feel("ok", `${shipment.code} → ${shipment.to_name}`);
    this.desk.draw();
  }

  parts() {
    const { desk, shipment } = this;
    if (!shipment) return [element("p", { class: "ask" }, desk.say("job.dispatch_how")), this.list()];
    return [
      element("ol", { class: "plain stack tight" }, this.line(shipment, [])),
      element(
        "div",
        { class: "end" },
        button(desk.say("job.dispatch_do"), () => this.write(shipment), "big"),
        button(desk.say("job.back"), () => this.back(), "quiet"),
      ),
    ];
  }

  list() {
    const { desk } = this;
    if (!this.waiting.length) return element("p", { class: "empty" }, desk.say("job.nothing_packed"));
    const lines = this.waiting.map((each) =>
      this.line(each, [button(desk.say("job.open_shipment"), () => this.open(each), "quiet")]),
    );
    return element("ol", { class: "plain stack tight" }, ...lines);
  }

  /** @param {Shipment} shipment @param {Node[]} parts */
  line({ code, to_name, lines }, parts) {
    const vials = lines.reduce((sum, line) => sum + (line.approved ?? line.vials), 0);
    return goods(code, `→ ${to_name} · ${this.desk.say("job.n_vials", { n: vials })}`, "", parts);
  }

  back() {
    this.shipment = null;
    this.desk.draw();
  }

  /** @param {Shipment} shipment */
  async write(shipment) {
    const { desk } = this;
    const kept = await desk.write({
      kind: "shipment.dispatch",
      body: (_id, at) => ({ shipment: refOf(shipment), occurred_at: at }),
      needs: stepsOf(desk, shipment),
      shown: {
        job: "dispatch",
        text: `${desk.say("job.dispatch")} ${shipment.code} → ${shipment.to_name}`,
        undoable: false,
        shipment: shipment.id,
      },
    });
    if (kept) this.back();
  }
}
