// Asks the phone's holdings of a lot: what the server told in, the verdict and its reasons out.
import { readFileSync } from "node:fs";
import { Holdings, merged } from "../../dashboard/scan/static/holdings.js";

const { told, batch, today } = JSON.parse(readFileSync(0, "utf8"));
const holdings = new Holdings(merged(null, told, "pkm-cipondoh", 0), []);
process.stdout.write(JSON.stringify(holdings.judge(holdings.batch(batch), today)));
