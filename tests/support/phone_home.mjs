// Asks the phone what waits for hands, of many stores.
import { readFileSync } from "node:fs";
import { Holdings, merged } from "../../dashboard/scan/static/holdings.js";
import { tasksOf } from "../../dashboard/scan/static/scan_home.js";

const asked = JSON.parse(readFileSync(0, "utf8"));
const answers = asked.map(({ told, steps, now }) => {
  const holdings = new Holdings(merged(null, told, "pkm-cipondoh", 0), steps);
  return tasksOf(holdings, Date.parse(now)).map(({ job, n, tone }) => [job, n, tone]);
});
process.stdout.write(JSON.stringify(answers));
