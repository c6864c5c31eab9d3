// Asks the phone's holdings of a lot: what the server told in, the verdict and its reasons out; of a scan, what it names.
import { readFileSync } from "node:fs";
import { Holdings, merged } from "../../dashboard/scan/static/holdings.js";

const { told, batch, today, scan } = JSON.parse(readFileSync(0, "utf8"));
const holdings = new Holdings(merged(null, told, "pkm-cipondoh", 0), []);
const named = scan ? { batch: holdings.batchOf(scan)?.id ?? null, vials: holdings.vialsOf(scan) } : {};
process.stdout.write(JSON.stringify({ ...holdings.judge(holdings.batch(batch), today), ...named }));
