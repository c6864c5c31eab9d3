// Asks the phone what may leave of many shelves, in the order of its turn, and before which of it each other's turn comes.
import { readFileSync } from "node:fs";
import { parcels, turn } from "../../dashboard/scan/static/fefo.js";
import { Holdings, merged } from "../../dashboard/scan/static/holdings.js";

const asked = JSON.parse(readFileSync(0, "utf8"));
const answers = asked.map(({ told, product, day }) => {
  const holdings = new Holdings(merged(null, told, "pkm-cipondoh", 0), []);
  const found = parcels(holdings, product, day);
  const opened = Object.values(holdings.held.batches).flatMap((batch) => holdings.openable(batch, day));
  return {
    opened: opened.map((row) => [holdings.batch(row.batch).lot, row.place, row.vials]).sort(),
    order: found.map(({ batch, place, vials }) => [batch.lot, place, vials]),
    firsts: found.map((own) => found.find((each) => turn(each, own) < 0)?.batch.lot ?? null),
  };
});
process.stdout.write(JSON.stringify(answers));
