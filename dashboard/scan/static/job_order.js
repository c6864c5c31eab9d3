// Asking for goods: each product with what lies here beside it, and how many vials are wanted.

import { element } from "./scan_cards.js";
import { batchScanned, nameOf } from "./scan_desk.js";
import { button, choice, goods, stepper } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").Product} Product
 */

export class OrderJob {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.name = "order";
    /** @type {Record<string, number>} vials by product */
    this.wanted = {};
    this.from = desk.holdings.near[0]?.code ?? "";
  }

  /** A box or vial stands for its product. @param {Read} read */
  scanned(read) {
    const { desk } = this;
    const product = read.scan ? desk.holdings.productOf(read.scan) : null;
    const batch = product ? null : batchScanned(desk, read);
    const code = product?.code ?? batch?.product;
    if (!code || !read.scan) return;
    this.wanted[code] = (this.wanted[code] ?? 0) + desk.holdings.vialsOf(read.scan);
    desk.feel("ok", `${product?.name ?? (batch && nameOf(desk, batch))}: ${this.wanted[code]}`);
    desk.draw();
  }

  parts() {
    const { desk } = this;
    const near = desk.holdings.near;
    if (!near.length) return [element("p", { class: "empty" }, desk.say("job.nobody_near"))];
    const names = Object.fromEntries(near.map((each) => [each.code, each.name]));
    const from = choice(desk.say("job.order_from"), names, this.from, (value) => {
      this.from = value;
    });
    const vials = Object.values(this.wanted).reduce((sum, each) => sum + each, 0);
    const made = button(desk.say("job.order_do", { n: vials }), () => this.write(), "big");
    made.disabled = !vials;
    return [
      element("p", { class: "ask" }, desk.say("job.order_how")),
      near.length > 1 ? from : element("p", { class: "small" }, names[this.from] ?? ""),
      element("ol", { class: "plain stack tight" }, ...this.products().map((each) => this.line(each))),
      element("div", { class: "end" }, made),
    ];
  }

  /** What runs short first. */
  products() {
    const all = Object.values(this.desk.holdings.held?.products ?? {});
    const held = Object.fromEntries(all.map((each) => [each.code, this.here(each)]));
    return all.sort(
      (one, other) => (held[one.code] ?? 0) - (held[other.code] ?? 0) || one.name.localeCompare(other.name),
    );
  }

  /** Usable vials of it here. @param {Product} product */
  here(product) {
    const { holdings } = this.desk;
    return [...holdings.stock.values()]
      .filter((row) => row.status === "usable" && holdings.batch(row.batch)?.product === product.code)
      .reduce((sum, row) => sum + row.vials, 0);
  }

  /** @param {Product} product */
  line(product) {
    const { desk } = this;
    const { code, name } = product;
    const number = stepper(`${desk.say("job.vials")} ${name}`, this.wanted[code] ?? 0, (value) => {
      this.wanted[code] = value ?? 0;
      desk.draw();
    });
    const here = this.here(product);
    const tone = this.wanted[code] ? "ok" : here ? "" : "low";
    return goods(name, desk.say("job.lies_here", { n: here }), tone, [number]);
  }

  async write() {
    const { desk, from, wanted } = this;
    const lines = Object.entries(wanted).flatMap(([product, vials]) => (vials ? [{ product, vials }] : []));
    const name = desk.holdings.near.find((each) => each.code === from)?.name ?? from;
    const vials = lines.reduce((sum, line) => sum + line.vials, 0);
    const kept = await desk.write({
      kind: "shipment.create",
      body: (id) => ({ id, from, to: desk.facility, kind: "order", lines }),
      shown: {
        job: "order",
        text: `${desk.say("job.order")} → ${name}: ${desk.say("job.n_vials", { n: vials })}`,
        undoable: true,
        way: "cancel",
      },
    });
    if (!kept) return;
    this.wanted = {};
    desk.draw();
  }
}
