// What came out of a scan, built as nodes, so that no code can put markup on the page.

/**
 * @typedef {import("./scan_queue.js").Scan} Scan
 * @typedef {[name: string | null, value: string | number | null | undefined]} Fact
 * @typedef {{ place: string | null, status: string, vials: number, vvm_stage: number | null, facility: string }} Lying
 * @typedef {object} Opened
 * @property {"shipment" | "ticket" | "sensor" | "place" | "facility"} thing
 * @property {string} ref
 * @property {string} name
 * @property {string | null} facility
 * @property {string | null} state
 * @property {string | null} day
 * @property {number | null} dose
 * @typedef {object} Meaning what the server made of a code (ScanOut of the API)
 * @property {{ text: string, lot: string | null, serial: string | null, sscc: string | null, profile: string }} scan
 * @property {number | null} vials
 * @property {{ name: string } | null} product
 * @property {{ id: string, lot: string } | null} batch
 * @property {{ lot: string } | null} begins_with
 * @property {{ label: string | null, catalogue: string | null, rules: "label" | "catalogue" } | null} expiry
 * @property {Lying[]} here
 * @property {string | null} recall
 * @property {Opened | null} opens
 * @property {"good" | "ask" | "stop"} verdict
 * @property {string[]} warnings
 * @typedef {"ok" | "low" | "out"} Tone
 */

/** @type {Record<Meaning["verdict"], Tone>} */
export const TONES = { good: "ok", ask: "low", stop: "out" };

/**
 * An element that the page promises.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function the(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`the page has no ${type.name} #${id}`);
  return found;
}

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/**
 * @param {Tone} tone
 * @param {string} heading
 * @param {Fact[]} facts
 * @param {string[]} warnings
 * @param {(Node | null)[]} acts
 */
export function card(tone, heading, facts, warnings = [], acts = []) {
  const list = element("dl", { class: "facts" });
  for (const [name, value] of facts) {
    if (value === null || value === undefined || value === "") continue;
    list.append(element("dt", {}, name ?? ""), element("dd", { class: name ? "" : "mono" }, String(value)));
  }
  const head = element("p", {}, element("strong", { class: `state ${tone}` }, heading));
  const made = element("div", { class: "stack tight" }, head);
  for (const text of warnings) made.append(element("p", { class: `note ${tone === "out" ? "bad" : "warn"}` }, text));
  made.append(list);
  for (const act of acts) if (act) made.append(element("p", {}, act));
  return made;
}

export class Cards {
  /**
   * @param {Record<string, string>} words the page's words: "say.lot", "warn.held", "status.usable", "state.reserved" …
   * @param {boolean} frees whether whoever is logged in may decide about held vials
   */
  constructor(words, frees = false) {
    this.words = words;
    this.frees = frees;
  }

  /** @param {string} key */
  say(key) {
    return this.words[key] ?? key;
  }

  /**
   * The words for a warning; one that names a lot has it behind its code.
   * @param {string} warning
   * @param {Meaning} body
   */
  warning(warning, body) {
    const [code = "", ...lot] = warning.split(" ");
    const known = body.begins_with?.lot ?? "";
    return this.say(`warn.${code}`).replace("{lot}", lot.join(" ") || known || body.scan.lot || "");
  }

  /** @param {Meaning} body */
  heading(body) {
    if (body.opens) return `${this.say(`thing.${body.opens.thing}`)}: ${body.opens.name}`;
    const name = body.product?.name ?? this.say("say.unknown");
    return body.verdict === "good" ? name : `${this.say(`verdict.${body.verdict}`)}: ${name}`;
  }

  /**
   * @param {Meaning} body
   * @param {(body: Meaning) => Node | null} act what can be done with it besides opening it
   */
  meaning(body, act = () => null) {
    const warnings = body.warnings.map((warning) => this.warning(warning, body));
    if (body.recall) warnings.push(`${this.say("say.recall")}: ${body.recall}`);
    const acts = [act(body), this.decide(body), this.link(body)];
    return card(TONES[body.verdict], this.heading(body), this.facts(body), warnings, acts);
  }

  /**
   * @param {Meaning} body
   * @returns {Fact[]}
   */
  facts(body) {
    const { label = null, catalogue = null } = body.expiry ?? {};
    const both = label !== null && catalogue !== null && label !== catalogue;
    /** @type {Fact[]} */
    const found = [
      [this.say("say.lot"), body.batch?.lot ?? body.scan.lot],
      ...(both
        ? /** @type {Fact[]} */ ([
            [this.say("say.expiry_label"), label],
            [this.say("say.expiry_catalogue"), catalogue],
          ])
        : /** @type {Fact[]} */ ([[this.say("say.expiry"), catalogue ?? label]])),
      [this.say("say.serial"), body.scan.serial],
      [this.say("say.sscc"), body.scan.sscc],
      [this.say("say.vials"), body.vials],
      ...body.here.map((lying) => this.lying(lying)),
    ];
    if (body.opens) {
      found.push(
        [this.say("say.day"), body.opens.day],
        [this.say("say.dose"), body.opens.dose],
        [this.say("say.facility"), body.opens.facility],
        [this.say("say.state"), body.opens.state && this.say(`state.${body.opens.state}`)],
      );
    }
    return found;
  }

  /**
   * @param {Lying} lying
   * @returns {Fact}
   */
  lying(lying) {
    const where = lying.place ?? `${lying.facility}, ${this.say("say.opened")}`;
    const stage = lying.vvm_stage ? `, VVM ${lying.vvm_stage}` : "";
    return [where, `${lying.vials} ${this.say(`status.${lying.status}`)}${stage}`];
  }

  /**
   * Where it is decided what becomes of held vials.
   * @param {Meaning} body
   */
  decide(body) {
    const facility = document.getElementById("facility");
    const held = body.here.some((lying) => lying.status === "held");
    if (!this.frees || !held || !(facility instanceof HTMLInputElement)) return null;
    const href = `/stok/${encodeURIComponent(facility.value)}/kerja/lepas`;
    return element("a", { class: "button", href }, this.say("say.decide"));
  }

  /** @param {Meaning} body */
  link(body) {
    const opened = body.opens;
    /** @type {Record<Opened["thing"], string | null>} */
    const pages = {
      shipment: `/pengiriman/${encodeURIComponent(opened?.ref ?? "")}`,
      sensor: `/suhu/${encodeURIComponent(opened?.ref ?? "")}`,
      place: `/fasilitas/${encodeURIComponent(opened?.facility ?? "")}`,
      facility: `/fasilitas/${encodeURIComponent(opened?.ref ?? "")}`,
      ticket: null,
    };
    const page = opened ? pages[opened.thing] : body.batch && `/batch/${body.batch.id}`;
    if (!page) return null;
    return element("a", { class: "button", href: page }, this.say(opened ? "say.open" : "say.trace"));
  }

  /**
   * One line of the queue: when, what, and how it stands.
   * @param {Scan} scan
   * @param {() => void} drop
   */
  line(scan, drop) {
    const body = /** @type {Meaning | { detail: string } | undefined} */ (scan.answer);
    let tone = "low";
    let words = this.say(scan.why ? `why.${scan.why}` : `queue.${scan.state}`);
    if (scan.state === "answered" && body && "verdict" in body) {
      tone = TONES[body.verdict];
      words = this.heading(body);
    } else if (scan.state === "refused" && body && "detail" in body) {
      tone = "out";
      words = body.detail;
    }
    if (scan.unsaved && scan.state !== "answered") words += ` ${this.say("say.unsaved")}`;
    const time = new Date(scan.at).toLocaleTimeString(document.documentElement.lang, {
      hour: "2-digit",
      minute: "2-digit",
    });
    const item = element(
      "li",
      { "data-state": scan.state, "data-why": scan.why ?? "" },
      element("span", { class: "soft small" }, `${time} `),
      element("span", { class: "mono small" }, scan.text.slice(0, 60)),
      element("p", { class: `note ${tone === "out" ? "bad" : tone === "ok" ? "good" : "warn"}` }, words),
    );
    if (scan.state !== "sending") {
      const button = element("button", { type: "button", class: "quiet" }, this.say("say.drop"));
      button.addEventListener("click", drop);
      item.append(button);
    }
    return item;
  }
}
