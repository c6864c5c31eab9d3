// What waits for hands in this store now, by job, the most pressing first: by what the phone knows, with or without a network.

/**
 * @typedef {import("./holdings.js").Holdings} Holdings
 * @typedef {{ job: string, n: number, tone: "out" | "low" | "ok" }} Task
 */

export const ON_THE_ROAD = ["in_transit", "partly_received"];

/**
 * @param {Holdings} holdings
 * @param {number} now by the house's clock
 * @returns {Task[]} of each job at most one, with how many of it wait
 */
export function tasksOf(holdings, now) {
  const today = holdings.today(now);
  const expired = [...holdings.stock.values()].filter(
    (row) => row.vials > 0 && row.status === "usable" && (holdings.batch(row.batch)?.expiry ?? today) < today,
  );
  /** @type {[string, number, Task["tone"]][]} */
  const found = [
    ["desk", holdings.sessionsAt(now).length, "ok"],
    ["discard", holdings.openVials.filter((vial) => Date.parse(vial.discard_by) <= now).length, "out"],
    ["receive", holdings.shipments("in", ON_THE_ROAD).length, "low"],
    ["confirm", holdings.shipments("out", ["unconfirmed"]).length, "low"],
    ["approve", holdings.shipments("out", ["requested"]).length, "low"],
    ["pick", holdings.shipments("out", ["approved"]).length, "low"],
    ["dispatch", holdings.shipments("out", ["packed"]).length, "low"],
    ["waste", new Set(expired.map((row) => row.batch)).size, "low"],
    ["count", holdings.countsDue(now).length, "low"],
  ];
  return found.flatMap(([job, n, tone]) => (n ? [{ job, n, tone }] : []));
}

/**
 * Puts the jobs that wait above the others, each with its number; nothing moves under a thumb where nothing changed.
 * @param {HTMLElement} now
 * @param {HTMLElement} rest
 * @param {Task[]} tasks
 */
export function groupJobs(now, rest, tasks) {
  const said = JSON.stringify(tasks);
  if (now.dataset.tasks === said) return;
  now.dataset.tasks = said;
  const all = [...now.querySelectorAll("[data-job]"), ...rest.querySelectorAll("[data-job]")];
  const jobs = /** @type {HTMLElement[]} */ (all);
  for (const [index, job] of jobs.entries()) job.dataset.order ??= String(index); // as the page has them
  const order = (/** @type {HTMLElement} */ job) => Number(job.dataset.order);
  for (const job of jobs.sort((one, other) => order(one) - order(other))) {
    show(job, null);
    rest.append(job);
  }
  for (const task of tasks) {
    const job = jobs.find((each) => each.dataset.job === task.job);
    if (job) now.append(show(job, task));
  }
  now.hidden = !now.querySelector("[data-job]");
}

/** @param {HTMLElement} job @param {Task | null} task */
function show(job, task) {
  const number = /** @type {HTMLElement} */ (job.querySelector("b"));
  number.hidden = !task;
  number.textContent = task ? String(task.n) : "";
  number.className = `count ${task?.tone ?? ""}`;
  return job;
}
