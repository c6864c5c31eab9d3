// What the phone keeps of an answer of the house: the whole answers in, what is kept of each out.
import { readFileSync } from "node:fs";
import { merged } from "../../dashboard/scan/static/holdings.js";

const answers = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(answers.map((told) => merged(null, told, told.facility, 0))));
