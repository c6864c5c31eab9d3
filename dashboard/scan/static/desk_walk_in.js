// Somebody came without a place: who they are is typed, and sealed for the house before it is written down.

import { uuid7 } from "./book.js";
import { seal } from "./desk_seal.js";
import { element } from "./scan_cards.js";
import { button, choice } from "./scan_parts.js";

/**
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_shift.js").Shift} Shift
 * @typedef {import("./holdings.js").SessionRow} SessionRow
 * @typedef {"name" | "nik" | "born"} Field
 */

const SHORTEST = 2;

/** The birth date that a number says; "" where it can be none. @param {string} nik @param {string} today */
export function bornOf(nik, today) {
  if (!/^\d{16}$/.test(nik)) return "";
  const [days, month, year] = [Number(nik.slice(6, 8)) % 40, Number(nik.slice(8, 10)), Number(nik.slice(10, 12))];
  const century = Math.floor(Number(today.slice(0, 4)) / 100) * 100;
  const full = `${century + year}-${pad(month)}-${pad(days)}` > today ? century - 100 + year : century + year;
  const said = `${full}-${pad(month)}-${pad(days)}`;
  const at = new Date(`${said}T00:00:00Z`);
  return Number.isFinite(at.getTime()) && at.toISOString().slice(0, 10) === said ? said : "";
}

/** Which dose; 0 is the one that the house knows to be next. @param {Desk} desk @param {number} dose */
export const doseName = (desk, dose) => (dose ? desk.say("desk.dose", { n: dose }) : desk.say("desk.dose_next"));

/** @param {number} number */
const pad = (number) => String(number).padStart(2, "0");

export class WalkIn {
  /**
   * @param {Desk} desk
   * @param {Shift} shift
   * @param {SessionRow} session
   * @param {(id: string | null) => void} end
   */
  constructor(desk, shift, session, end) {
    this.desk = desk;
    this.shift = shift;
    this.session = session;
    this.end = end;
    /** @type {Record<Field, string>} */
    this.typed = { name: "", nik: "", born: "" };
    this.without = "";
    this.sex = "";
    // Whose paper says less than the house knows has the dose that is next for them.
    this.dose = session.doses.length > 1 ? "" : String(session.doses[0]);
  }

  parts() {
    const { desk } = this;
    const numbers = this.session.doses.map((dose) => [String(dose), String(dose)]);
    const next = numbers.length > 1 ? { "": desk.say("desk.dose_next") } : {};
    const doses = { ...next, ...Object.fromEntries(numbers) };
    const chosen = { "": desk.say("job.count_choose") };
    const without = choice(
      desk.say("desk.without"),
      { "": desk.say("desk.has_nik"), ...desk.words("without") },
      this.without,
      (value) => {
        this.without = value;
        desk.draw();
      },
    );
    const sex = choice(desk.say("desk.sex"), { ...chosen, ...desk.words("sex") }, this.sex, (value) => {
      this.sex = value;
    });
    const dose = choice(desk.say("desk.dose_label"), doses, this.dose, (value) => {
      this.dose = value;
    });
    return [
      element("p", { class: "ask" }, desk.say("desk.walk_in_how")),
      this.field("name", "desk.name", "text"),
      without,
      ...(this.without
        ? [this.field("born", "desk.born_label", "date"), sex]
        : [this.field("nik", "NIK", "text", "numeric")]),
      dose,
      button(desk.say("desk.walk_in_do"), () => this.write(), "big"),
      button(desk.say("job.back"), () => this.end(null), "quiet"),
    ];
  }

  /** @param {Field} name @param {string} label @param {string} type @param {string} mode */
  field(name, label, type, mode = "text") {
    const words = label.includes(".") ? this.desk.say(label) : label;
    const made = /** @type {HTMLInputElement} */ (
      element("input", { type, inputmode: mode, maxlength: "100", autocomplete: "off", "aria-label": words })
    );
    made.value = this.typed[name];
    made.addEventListener("input", () => {
      this.typed[name] = made.value;
    });
    return element("label", {}, words, made);
  }

  /** What is wrong with what was typed; "" where nothing is. */
  wrong() {
    if (this.typed.name.trim().length < SHORTEST) return "desk.no_name";
    if (this.without) return this.typed.born && this.typed.born <= this.desk.today && this.sex ? "" : "desk.no_born";
    return bornOf(this.typed.nik.replace(/\D/g, ""), this.desk.today) ? "" : "desk.bad_nik";
  }

  async write() {
    const { desk, shift, session } = this;
    const wrong = this.wrong();
    if (wrong) return desk.feel("out", desk.say(wrong));
    const point = desk.holdings.held?.keys?.seal?.keys[0];
    if (!point) return desk.feel("out", desk.say("desk.no_key"));
    const nik = this.typed.nik.replace(/\D/g, "");
    const name = this.typed.name.trim();
    const proof = this.without ? { without_nik: this.without, birth_date: this.typed.born, sex: this.sex } : { nik };
    const sealed = await seal(point, { id: uuid7(shift.clock.now()), name, ...proof });
    const dose = Number(this.dose);
    let made = "";
    const kept = await desk.write({
      kind: "session.walk_in",
      body: (id, at) => {
        made = id;
        return { id, session: session.id, sealed, dose: dose || null, occurred_at: at };
      },
      shown: {
        job: "desk",
        text: `${desk.say("desk.walk_in")} · ${doseName(desk, dose)}`,
        undoable: false,
        guest: { id: "", to: "arrived", at: new Date(shift.clock.now()).toISOString() },
      },
    });
    if (!kept) return;
    const born = this.without ? this.typed.born : bornOf(nik, desk.today);
    await shift.comes({ id: made, name, born, digits: this.without ? "" : nik.slice(-4), dose });
    this.end(made);
  }
}
