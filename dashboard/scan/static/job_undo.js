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

/** @param {Desk} desk @param {Step} step @param {string} reason */
export async function undo(desk, step, reason) {
  const { openVial, doses = 0, text, cancels, shipment = step.id } = step.shown;
  return await desk.write({
    ...(cancels
      ? { kind: "shipment.cancel", body: () => ({ shipment }) }
      : openVial
        ? { kind: "stock.take_back", body: () => ({ open_vial: openVial, doses, reason }) }
        : { kind: "stock.reversal", body: (/** @type {string} */ id) => ({ event: step.id, id, reason }) }),
    needs: [step.id],
    shown: {
      job: "undo",
      ...(cancels ? { shipment } : {}),
      text: desk.say("job.undone", { text }),
      undoable: false,
      undoes: step.id,
    },
  });
}
