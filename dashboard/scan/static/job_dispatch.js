// Sending off what is packed, or saying yes to what its receiver told of without a word: the box, the shipment's code or a tap opens it; one more tap and it is done.

import { element } from "./scan_cards.js";
import { nameOf, refOf, stepsOf } from "./scan_desk.js";
import { button, goods } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").Shipment} Shipment
 */

/** In which state a shipment waits for it. */
const WAITS = { dispatch: "packed", confirm: "unconfirmed" };

export class DispatchJob {
  /** @param {Desk} desk @param {keyof typeof WAITS} name */
  constructor(desk, name = "dispatch") {
    this.desk = desk;
    this.name = name;
    /** @type {Shipment | null} */
    this.shipment = null;
  }

  get waiting() {
    return this.desk.holdings.shipments("out", [WAITS[this.name]]);
  }

  /** @param {Read} read */
  scanned(read) {
    const { desk } = this;
    const sscc = read.scan?.sscc;
    const named = sscc ? desk.holdings.shipmentOfBox(sscc) : desk.holdings.shipmentOfCode(read.text);
    const shipment = this.waiting.find((each) => each.id === named?.id);
    if (shipment) this.open(shipment);
    else desk.feel("out", desk.say(`job.${this.name}_not`, { text: read.text.slice(0, 40) }));
  }

  /** @param {Shipment} shipment */
  open(shipment) {
    this.shipment = shipment;
    this.desk.feel("ok", `${shipment.code} → ${shipment.to_name}`);
    this.desk.draw();
  }

  parts() {
    const { desk, shipment } = this;
    if (!shipment) return this.list();
    return [
      element("ol", { class: "plain stack tight" }, this.line(shipment, this.came(shipment))),
      element(
        "div",
        { class: "end" },
        button(desk.say(`job.${this.name}_do`), () => this.write(shipment), "big"),
        button(desk.say("job.back"), () => this.back(), "quiet"),
      ),
    ];
  }

  list() {
    const { desk } = this;
    if (!this.waiting.length) return [element("p", { class: "empty" }, desk.say(`job.${this.name}_none`))];
    const lines = this.waiting.map((each) =>
      this.line(each, [button(desk.say("job.open_shipment"), () => this.open(each), "quiet")]),
    );
    return [
      element("p", { class: "ask" }, desk.say(`job.${this.name}_how`)),
      element("ol", { class: "plain stack tight" }, ...lines),
    ];
  }

  /** @param {Shipment} shipment @param {Node[]} parts */
  line({ code, to_name, lines, told = [] }, parts) {
    const asked = lines.reduce((sum, line) => sum + (line.approved ?? line.vials), 0);
    const vials = told.reduce((sum, line) => sum + line.vials, asked);
    return goods(code, `→ ${to_name} · ${this.desk.say("job.n_vials", { n: vials })}`, "", parts);
  }

  /** What its receiver told of, lot by lot, and the way out where it did not leave from here so. @param {Shipment} shipment */
  came({ code, told = [] }) {
    const { desk } = this;
    if (this.name !== "confirm") return [];
    const lots = told.map(({ batch, vials }) => {
      const known = desk.holdings.batch(batch);
      const lot = known ? `${nameOf(desk, known)} ${known.lot}` : batch;
      return element("p", {}, `${lot}: ${desk.say("job.n_vials", { n: vials })}`);
    });
    return [...lots, element("a", { href: `/pengiriman/${code}` }, desk.say("job.confirm_else"))];
  }

  back() {
    this.shipment = null;
    this.desk.draw();
  }

  /** @param {Shipment} shipment */
  async write(shipment) {
    const { desk, name } = this;
    const kept = await desk.write({
      kind: `shipment.${name}`,
      body: (_id, at) => ({ shipment: refOf(shipment), ...(name === "dispatch" ? { occurred_at: at } : {}) }),
      needs: stepsOf(desk, shipment),
      shown: {
        job: name,
        text: `${desk.say(`job.${name}`)} ${shipment.code} → ${shipment.to_name}`,
        undoable: false,
        shipment: shipment.id,
      },
    });
    if (kept) this.back();
  }
}
