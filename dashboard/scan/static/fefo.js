// First expiry, first out, as the house says it (tracker/stock/rules/fefo.py): which vials may go, and whose turn it is.

import { SPENT_FROM } from "./holdings.js";

/**
 * @typedef {import("./holdings.js").Holdings} Holdings
 * @typedef {import("./holdings.js").Batch} Batch
 * @typedef {import("./holdings.js").Lying} Lying
 * @typedef {{ batch: Batch, place: string, stage: number, vials: number }} Parcel usable vials of a batch in a place
 */

/**
 * Vials that may leave on a day: usable, in time, in a place that works, not packed and not taken along.
 * @param {Holdings} holdings
 * @param {Lying} row
 * @param {Batch} batch
 * @param {string} day YYYY-MM-DD
 */
function free(holdings, row, batch, day) {
  const place = holdings.held?.places[row.place];
  const stopped = row.status !== "usable" || (row.vvm_stage ?? 0) >= SPENT_FROM; // a recall that reaches here says so by status
  if (stopped || batch.expiry < day || place?.in_service === false || place?.apart) return 0;
  return Math.max(0, row.vials - (row.packed ?? 0));
}

/**
 * What of a product may leave on a day, in the order of its turn.
 * @param {Holdings} holdings
 * @param {string} product
 * @param {string} day
 * @returns {Parcel[]}
 */
export function parcels(holdings, product, day) {
  const found = [...holdings.stock.values()].flatMap((row) => {
    const batch = holdings.batch(row.batch);
    if (!batch || batch.product !== product) return [];
    const vials = free(holdings, row, batch, day);
    return vials ? [{ batch, place: row.place, stage: row.vvm_stage ?? 1, vials }] : [];
  });
  return found.sort(
    (one, other) => turn(one, other) || sign(one.batch.lot, other.batch.lot) || sign(one.place, other.place),
  );
}

/** The order of two texts by their signs, in every language alike. @param {string} one @param {string} other */
const sign = (one, other) => Number(one > other) - Number(one < other);

/**
 * Below 0 where the first parcel's turn comes first: its monitor has gone further, or it expires earlier.
 * @param {Parcel} one
 * @param {Parcel} other
 */
export const turn = (one, other) => other.stage - one.stage || sign(one.batch.expiry, other.batch.expiry);
