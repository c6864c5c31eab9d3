// Asks the phone's holdings of a lot: what the server told in, the verdict and its reasons out; of a scan, what it names.
import { readFileSync } from "node:fs";
import { Holdings, merged } from "../../dashboard/scan/static/holdings.js";
import { ReceiveJob } from "../../dashboard/scan/static/job_receive.js";

const { told, batch, today, scan, shipment } = JSON.parse(readFileSync(0, "utf8"));
const holdings = new Holdings(merged(null, told, "pkm-cipondoh", 0), []);
const named = scan ? { batch: holdings.batchOf(scan)?.id ?? null, vials: holdings.vialsOf(scan) } : {};
const job = new ReceiveJob({ holdings, today, feel() {}, draw() {}, say: (key) => key });
if (shipment) job.open(holdings.shipmentOfCode(shipment));
const noted = { bad: job.bad.map((row) => row.batch.id), elsewhere: job.elsewhere.map((row) => row.batch.id) };
process.stdout.write(JSON.stringify({ ...holdings.judge(holdings.batch(batch), today), ...named, ...noted }));
