// Approving what others ask for: as asked, or other numbers, with what may leave today beside each.

import { parcels } from "./fefo.js";
import { element } from "./scan_cards.js";
import { stepsOf } from "./scan_desk.js";
import { button, goods, stepper } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").Shipment} Shipment
 */

export class ApproveJob {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.name = "approve";
    /** @type {Shipment | null} */
    this.order = null;
    /** @type {number[]} by line of the order */
    this.agreed = [];
  }

  get waiting() {
    return this.desk.holdings.shipments("out", ["requested"]);
  }

  /** @param {Read} read */
  scanned(read) {
    const named = this.desk.holdings.shipmentOfCode(read.text);
    const order = this.waiting.find((each) => each.id === named?.id);
    if (order) this.open(order);
    else this.desk.feel("out", this.desk.say("job.not_asking", { text: read.text.slice(0, 40) }));
  }

  /** @param {Shipment} order */
  open(order) {
    this.order = order;
    this.agreed = order.lines.map((line) => line.vials);
    this.desk.feel("ok", `${order.code} → ${order.to_name}`);
    this.desk.draw();
  }

  parts() {
    const { desk, order, agreed } = this;
    if (!order) return this.list();
    const vials = agreed.reduce((sum, each) => sum + each, 0);
    const made = button(desk.say("job.approve_do", { n: vials }), () => this.write(order), "big");
    made.disabled = !vials;
    return [
      element("p", { class: "ask" }, `${order.code} → ${order.to_name}`),
      element("ol", { class: "plain stack tight" }, ...order.lines.map((line, index) => this.line(line, index))),
      element(
        "div",
        { class: "end" },
        made,
        button(desk.say("job.back"), () => this.back(), "quiet"),
      ),
    ];
  }

  list() {
    const { desk } = this;
    if (!this.waiting.length) return [element("p", { class: "empty" }, desk.say("job.nothing_asked"))];
    const lines = this.waiting.map((each) =>
      goods(each.code, `→ ${each.to_name}`, "", [
        button(desk.say("job.open_shipment"), () => this.open(each), "quiet"),
      ]),
    );
    return [
      element("p", { class: "ask" }, desk.say("job.approve_how")),
      element("ol", { class: "plain stack tight" }, ...lines),
    ];
  }

  back() {
    this.order = null;
    this.desk.draw();
  }

  /** What is asked for, and what of it may leave today. @param {Shipment["lines"][number]} line @param {number} index */
  line(line, index) {
    const { desk } = this;
    const name = desk.holdings.product(line.product)?.name ?? line.product;
    const here = parcels(desk.holdings, line.product, desk.today).reduce((sum, each) => sum + each.vials, 0);
    const agreed = this.agreed[index] ?? 0;
    const number = stepper(`${desk.say("job.vials")} ${name}`, agreed, (value) => {
      this.agreed[index] = value ?? 0;
      desk.draw();
    });
    return goods(name, desk.say("job.asked_here", { n: line.vials, here }), agreed > here ? "low" : "ok", [number]);
  }

  /** @param {Shipment} order */
  async write(order) {
    const { desk, agreed } = this;
    const vials = agreed.reduce((sum, each) => sum + each, 0);
    const kept = await desk.write({
      kind: "shipment.approve",
      body: () => ({ shipment: order.code, vials: Object.fromEntries(agreed.map((each, index) => [index, each])) }),
      needs: stepsOf(desk, order),
      shown: {
        job: "approve",
        text: `${desk.say("job.approve")} ${order.code}: ${desk.say("job.n_vials", { n: vials })}`,
        undoable: true,
        way: "approval",
        shipment: order.id,
        becomes: "approved",
        approved: [...agreed],
      },
    });
    if (kept) this.back();
  }
}
