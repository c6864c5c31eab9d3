// Sending back up the tree: what was recalled, spoiled or held leaves only so. Scan after scan fills a box, one tap closes it.

import { GoodsJob } from "./job_goods.js";
import { element } from "./scan_cards.js";
import { told } from "./scan_desk.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./holdings.js").Batch} Batch
 */

export class ReturnJob extends GoodsJob {
  /** @param {Desk} desk */
  constructor(desk) {
    super(desk, "return");
  }

  /** The store above; null where there is none, or the phone was not told of it yet. */
  get above() {
    return this.desk.holdings.near.find((each) => each.above) ?? null;
  }

  /** What is packed for others stays. @param {Batch} batch */
  sources(batch) {
    return super
      .sources(batch)
      .map((row) => ({ ...row, vials: row.vials - (row.packed ?? 0) }))
      .filter((row) => row.vials > 0);
  }

  parts() {
    const to = this.above;
    if (!to) return [element("p", { class: "empty" }, this.desk.say("job.nobody_above"))];
    return [element("p", { class: "small" }, `→ ${to.name}`), ...super.parts()];
  }

  get ready() {
    return Boolean(this.above);
  }

  async write() {
    const { desk, above } = this;
    if (!above) return;
    const lines = this.lines.filter((line) => line.vials > 0);
    /** @type {Map<string, number>} */
    const products = new Map();
    for (const { batch, vials } of lines) products.set(batch.product, (products.get(batch.product) ?? 0) + vials);
    const wanted = [...products].map(([product, vials]) => ({ product, vials }));
    const taken = lines.map(({ batch, place, status, vials }) => ({ batch: batch.id, place, status, vials }));
    const text = `${desk.say("job.return")} → ${above.name}: ${told(desk, taken)}`;
    // Two steps of one tap: the shipment, and its box.
    let id = "";
    const made = await desk.write({
      kind: "shipment.create",
      body: (step) => {
        id = step;
        return { id, from: desk.facility, to: above.code, kind: "return", lines: wanted };
      },
      shown: {
        job: "return",
        text,
        undoable: true,
        way: "cancel",
        made: {
          code: text,
          kind: "return",
          direction: "out",
          state: "approved",
          made: true,
          from_name: "",
          to_name: above.name,
          lines: wanted.map((line) => ({ ...line, approved: line.vials })),
          boxes: [],
          on_road: [],
        },
      },
    });
    if (!made) return;
    const packed = await desk.write({
      kind: "shipment.pack",
      body: () => ({ shipment: id, boxes: [{ lines: taken }] }),
      needs: [id],
      shown: {
        job: "pick",
        text: `${desk.say("job.pick")}: ${told(desk, taken)}`,
        undoable: true,
        way: "cancel",
        shipment: id,
        becomes: "packed",
      },
    });
    if (packed) this.done();
  }
}
