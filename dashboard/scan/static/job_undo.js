// Taking back one's own last step, while nothing of one's own was built upon it.

/**
 * @typedef {import("./book_store.js").Step} Step
 * @typedef {import("./scan_desk.js").Desk} Desk
 */

/**
 * The last step that stands; null where there is none, or it cannot be taken back from here.
 * @param {Step[]} steps
 * @returns {Step | null}
 */
export function lastUndoable(steps) {
  const undone = new Set(steps.map((step) => step.shown.undoes));
  const standing = steps.filter(
    (step) => !step.shown.undoes && !undone.has(step.id) && ["waiting", "done"].includes(step.state),
  );
  const last = standing.at(-1);
  return last?.shown.undoable ? last : null;
}

/** What takes a step back: a call of its own for what a shipment did, the ledger's for all else. */
/** @type {Record<NonNullable<Step["shown"]["way"]>, (step: Step, reason: string) => { kind: string, body: (id: string) => Record<string, unknown> }>} */
const WAYS = {
  cancel: (step, reason) => ({
    kind: "shipment.cancel",
    body: () => ({ shipment: step.shown.shipment ?? step.id, reason }),
  }),
  approval: ({ shown }, reason) => ({
    kind: "shipment.take_approval_back",
    body: () => ({
      shipment: shown.shipment,
      vials: Object.fromEntries((shown.approved ?? []).map((vials, line) => [line, vials])),
      reason,
    }),
  }),
  unpack: (step, reason) => ({
    kind: "shipment.unpack",
    body: () => ({ shipment: step.shown.shipment, box: step.shown.box, reason }),
  }),
  receipt: (step, reason) => ({
    kind: "shipment.receipt_reversal",
    body: (id) => ({ shipment: step.shown.of, receipt: step.id, id, reason }),
  }),
  take_back: ({ shown }, reason) => ({
    kind: "stock.take_back",
    body: () => ({ open_vial: shown.openVial, doses: shown.doses ?? 0, reason }),
  }),
  reversal: (step, reason) => ({ kind: "stock.reversal", body: (id) => ({ event: step.id, id, reason }) }),
};

/** @param {Desk} desk @param {Step} step @param {string} reason */
export async function undo(desk, step, reason) {
  const { openVial, text, shipment = step.id } = step.shown;
  const way = step.shown.way ?? (openVial ? "take_back" : "reversal");
  // Of what was given up, or unpacked, the phone knows it before the house says so.
  const states = { cancel: {}, unpack: { becomes: "approved" }, approval: { becomes: "requested" } };
  const after = way in states ? { shipment, ...states[/** @type {keyof typeof states} */ (way)] } : {};
  return await desk.write({
    ...WAYS[way](step, reason),
    needs: [step.id],
    shown: { job: "undo", ...after, text: desk.say("job.undone", { text, reason }), undoable: false, undoes: step.id },
  });
}
