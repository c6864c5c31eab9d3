// Asks the phone's rules of a desk: what goes in as JSON names the rule and its values, what it says comes out.
import { readFileSync } from "node:fs";
import { bornIn, DeskList, goodUntil, offsetOf } from "../../dashboard/scan/static/desk_list.js";
import { seal } from "../../dashboard/scan/static/desk_seal.js";
import { isTicket, proven, ticketOf } from "../../dashboard/scan/static/desk_ticket.js";
import { bornOf } from "../../dashboard/scan/static/desk_walk_in.js";
import { Holdings, merged } from "../../dashboard/scan/static/holdings.js";

const RULES = {
  until: ({ opened, product, expiry, zone }) => goodUntil(opened, product, expiry, offsetOf(zone, opened)),
  born: ({ nik, today }) => bornOf(nik, today),
  sought: ({ text }) => bornIn(text).born,
  seal: ({ point, told }) => seal(point, told),
  ticket: async ({ text, keys }) => [isTicket(text), ticketOf(text), await proven(text, keys)],
  queue: ({ told, steps }) => {
    const list = new DeskList(new Holdings(merged(null, told, "pkm-cipondoh", 2), []), steps, []);
    return list.of(["arrived", "fit"]).map(({ name }) => name);
  },
  desk: ({ told, steps, came, sought, batch, now, today }) => {
    const list = new DeskList(new Holdings(merged(null, told, "pkm-cipondoh", 2), []), steps, came);
    const found = list.labelled(list.holdings.batch(batch), "az-10", now, today);
    return { found: list.find(sought).map(({ name, state }) => [name, state]), label: found.why ?? Object.keys(found) };
  },
};
const asked = JSON.parse(readFileSync(0, "utf8"));
const said = await Promise.all(asked.map(({ rule, ...values }) => RULES[rule](values)));
process.stdout.write(JSON.stringify(said));
