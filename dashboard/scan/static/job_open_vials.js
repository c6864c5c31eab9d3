// The vials that stand open: how long each still may, and throwing away the rest of one.

import { element } from "./scan_cards.js";
import { vialId } from "./holdings.js";
import { factsOf, momentOf, nameOf } from "./scan_desk.js";
import { button, choices, goods } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./holdings.js").OpenVial} OpenVial
 */

/** Whether a step opened this vial. @param {import("./book_store.js").Step} step @param {OpenVial} vial */
const opens = (step, vial) =>
  step.shown.job === "opening" &&
  step.effects.flatMap((effect) => Array(-effect.vials).fill(0)).some((_, index) => vialId(step.id, index) === vial.id);

export class DiscardJob {
  /** @param {Desk} desk @param {() => number} now */
  constructor(desk, now) {
    this.desk = desk;
    this.now = now;
    this.name = "discard";
    /** @type {OpenVial | null} */
    this.vial = null;
  }

  /** @param {Read} read */
  scanned(read) {
    const { desk } = this;
    const batch = read.scan && desk.holdings.batchOf(read.scan);
    const vial = desk.holdings.openVials.find((each) => each.batch === batch?.id);
    if (vial) this.take(vial);
    else
      desk.feel(
        "out",
        batch
          ? desk.say("job.none_open", { lot: batch.lot })
          : read.error || desk.say("job.no_goods", { text: read.text.slice(0, 40) }),
      );
  }

  /** @param {OpenVial} vial */
  take(vial) {
    this.vial = vial;
    const batch = this.desk.holdings.batch(vial.batch);
    this.desk.feel("ok", batch ? `${nameOf(this.desk, batch)} ${batch.lot}` : vial.batch);
    this.desk.draw();
  }

  parts() {
    const { desk, vial } = this;
    if (vial)
      return [this.line(vial, []), this.reasons(vial), button(desk.say("job.back"), () => this.back(), "quiet")];
    const vials = desk.holdings.openVials;
    if (!vials.length) return [element("p", { class: "empty" }, desk.say("job.no_open_vials"))];
    const lines = vials.map((each) =>
      this.line(each, [button(desk.say("job.discard_this"), () => this.take(each), "quiet")]),
    );
    return [
      element("p", { class: "ask" }, desk.say("job.discard_how")),
      element("ol", { class: "plain stack tight" }, ...lines),
    ];
  }

  back() {
    this.vial = null;
    this.desk.draw();
  }

  /** @param {OpenVial} vial @param {Node[]} parts */
  line(vial, parts) {
    const { desk } = this;
    const batch = desk.holdings.batch(vial.batch);
    const minutes = Math.round((Date.parse(vial.discard_by) - this.now()) / 60_000);
    const clock = !vial.discard_by
      ? desk.say("job.opened_at", { at: momentOf(desk, vial.opened_at) })
      : minutes < 0
        ? desk.say("job.overdue")
        : desk.say("job.still", { time: `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}` });
    const facts = `${batch ? factsOf(desk, batch) : ""} · ${desk.say("job.doses_left", { n: vial.remaining, all: vial.doses_per_vial })}`;
    const tone = minutes < 0 ? "out" : minutes < 60 ? "low" : "ok";
    return goods(batch ? nameOf(desk, batch) : vial.batch, facts, tone, [element("strong", {}, clock), ...parts]);
  }

  /** @param {OpenVial} vial */
  reasons(vial) {
    const words = this.desk.words("open_waste");
    const ask = this.desk.say("job.discard_why", { n: vial.remaining });
    return choices(
      ask,
      Object.keys(words),
      (key) => words[key] ?? key,
      null,
      (key) => this.write(vial, key),
    );
  }

  /** @param {OpenVial} vial @param {string} reason */
  async write(vial, reason) {
    const { desk } = this;
    const batch = desk.holdings.batch(vial.batch);
    const text = `${desk.say("job.discard")}: ${desk.say("job.doses", { n: vial.remaining })} ${batch ? nameOf(desk, batch) : ""}`;
    const kept = await desk.write({
      kind: "stock.discard",
      body: (_id, at) => ({ open_vial: vial.id, occurred_at: at, reason }),
      needs: desk.steps.filter((step) => step.state !== "done" && opens(step, vial)).map((step) => step.id),
      shown: { job: "discard", text, undoable: true, openVial: vial.id, doses: vial.remaining },
    });
    if (kept) this.back();
  }
}
