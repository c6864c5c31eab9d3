// One scanned text in, its meaning out, without a network: GS1, BPOM and retail codes as the server reads them.

import { Cutter, isSeparator, nextSeparator } from "./gs1_elements.js";
import { charAt, checkDigit, checkValue, dateOf, isNie, ScanError } from "./gs1_values.js";

/**
 * @typedef {import("./gs1_elements.js").Element} Element
 * @typedef {"gs1" | "bpom" | "digital-link" | "sscc" | "plain"} Profile
 * @typedef {object} Scan what a text says; null where it says nothing of it
 * @property {string} text
 * @property {Profile} profile
 * @property {Record<string, string>} elements by application identifier
 * @property {string | null} gtin
 * @property {string | null} contentGtin
 * @property {string | null} nie
 * @property {string | null} lot
 * @property {string | null} expiry YYYY-MM-DD
 * @property {string | null} serial
 * @property {string | null} sscc
 * @property {number | null} count
 * @property {boolean} swallowed the product was found within another value, whose separator was lost
 * @typedef {{ lengths: number[], gtin?: (digits: string) => string }} Retail
 * @typedef {{ gs1?: boolean, plain?: boolean, eci?: boolean, retail?: Retail }} Symbol
 * @typedef {{ text: string, places: number[] }} Spelled a text to read, and where each character stood in the text given
 */

const MAX_CHARACTERS = 2000;
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
const OPENING = /^(?:01\p{Nd}{14}|00\p{Nd}{18}|02\p{Nd}{14}|90(?=[A-Z]{2,3}\p{Nd}))/u;
const BRACKET = /^\(\p{Nd}{2,4}\)/u;
const BPOM_FREE = new Set(["10", "11", "17", "21", "7003", "8008", "30"]);
const KEYS = ["00", "01", "02", "03", "8006", "8026"];
const BEFORE_THE_PRODUCT = new Set(["10", "11", "17", "21"]);
const LONGEST = 120;
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/* ---- what the scanner says of the symbol it read (ISO/IEC 15424) ---- */

/** @param {Record<string, string>} letters letter → its modifiers */
const named = (letters) =>
  new Set(Object.entries(letters).flatMap(([letter, modifiers]) => [...modifiers].map((each) => letter + each)));

const GS1 = named({ C: "1", d: "25", Q: "34", J: "14", L: "3", z: "14", e: "0123" });
const PLAIN = named({
  A: "0123457",
  C: "024",
  J: "0235",
  L: "01245",
  Q: "01256",
  X: "0",
  Z: "0",
  d: "01346",
  z: "0235",
});
const ECI = named({ J: "345", L: "1", Q: "246", d: "456", e: "3", z: "345" });
/** @type {Record<string, Retail>} */
const RETAIL = {
  E0: { lengths: [12, 13] },
  E3: { lengths: [14, 15, 17, 18], gtin: (digits) => digits.slice(0, [14, 17].includes(digits.length) ? 12 : 13) },
  E4: { lengths: [8] },
  I0: { lengths: [14] },
  I1: { lengths: [14] },
  I3: { lengths: [13], gtin: (digits) => digits + checkDigit(digits) },
};

/**
 * @param {string} text
 * @param {number} start
 * @returns {[Symbol, number]}
 */
function symbolAt(text, start) {
  if (text[start] !== "]") return [{}, start];
  const name = [...text.slice(start + 1)].slice(0, 2).join("");
  const retail = Object.hasOwn(RETAIL, name) ? RETAIL[name] : undefined;
  if (!GS1.has(name) && !PLAIN.has(name) && !retail)
    throw new ScanError("scan.bad_symbology", start, { prefix: `]${name}` });
  if (text.length === start + 3) throw new ScanError("scan.empty", start + 3);
  return [{ gs1: GS1.has(name), plain: PLAIN.has(name), eci: ECI.has(name), retail }, start + 3];
}

/* ---- separators that scanners spell out ---- */

const SEPARATOR = "<(?:GS|FNC1)>|\\[(?:GS|FNC1)\\]|\\{(?:GS|FNC1)\\}|%1D|\\\\x1D|\\\\u001D|\\^\\]|\\u241d";
const CONTROL = "<[#+\\w]{2,8}>|\\((?:GS|FNC1)\\)|%[01][0-9A-F]|FNC1";

/**
 * @param {Spelled} spelled
 * @param {RegExp} pattern
 * @param {string} by
 * @returns {Spelled}
 */
function replaced(spelled, pattern, by) {
  let text = "";
  /** @type {number[]} */
  const places = [];
  let at = 0;
  for (const match of spelled.text.matchAll(pattern)) {
    text += spelled.text.slice(at, match.index) + by;
    places.push(...spelled.places.slice(at, match.index), ...Array(by.length).fill(spelled.places[match.index] ?? 0));
    at = match.index + match[0].length;
  }
  return { text: text + spelled.text.slice(at), places: [...places, ...spelled.places.slice(at)] };
}

/** @param {Spelled} spelled */
const withoutEci = (spelled) => replaced(replaced(spelled, /\\\d{6}/g, ""), /\\\\/g, "\\");

/** @param {Spelled} spelled */
function withSeparators(spelled) {
  for (const match of spelled.text.matchAll(new RegExp(`${SEPARATOR}|(${CONTROL})`, "gi")))
    if (match[1] !== undefined) throw new ScanError("scan.spelled_control", match.index, { text: match[1] });
  return replaced(spelled, new RegExp(SEPARATOR, "gi"), "\u001d");
}

/* ---- the whole text ---- */

/**
 * Reads one text; throws ScanError with the code and the place in it, counted in characters as the server does.
 * @param {import("./gs1_values.js").Row[]} table
 * @param {string} text
 * @param {string} today the place's day, YYYY-MM-DD
 * @returns {Scan}
 */
export function readCode(table, text, today) {
  try {
    return new Reader(table, text, today).scan();
  } catch (error) {
    // JavaScript counts a character beyond the first plane twice.
    if (error instanceof ScanError) error.position = [...text.slice(0, error.position)].length;
    throw error;
  }
}

class Reader {
  /**
   * @param {import("./gs1_values.js").Row[]} table
   * @param {string} text
   * @param {string} today
   */
  constructor(table, text, today) {
    this.cutter = new Cutter(table, today);
    this.given = text;
    this.today = today;
  }

  scan() {
    if (isBlank(this.given)) throw new ScanError("scan.empty", 0);
    const whole = [...this.given];
    if (whole.length > MAX_CHARACTERS) {
      const place = whole.slice(0, MAX_CHARACTERS).join("").length;
      throw new ScanError("scan.too_long", place, { most: MAX_CHARACTERS });
    }
    const trimmed = this.given.replace(/[ \t\r\n]+$/, "");
    const [symbol, at] = symbolAt(trimmed, trimmed.length - trimmed.replace(/^[ \t\r\n]+/, "").length);
    /** @type {Spelled} */
    let spelled = { text: trimmed, places: Array.from({ length: trimmed.length + 1 }, (_, index) => index) };
    if (symbol.eci) spelled = withoutEci(spelled);
    try {
      if (symbol.retail) return this.retail(trimmed.slice(at), at, symbol.retail);
      if (!URI.test(spelled.text.slice(at))) spelled = withSeparators(spelled);
      if (!symbol.gs1) return this.withoutMark(spelled.text, at, Boolean(symbol.plain));
      // Some scanners pass the leading FNC1 on although the prefix says it already.
      return this.elementString(spelled.text, isSeparator(spelled.text.charAt(at)) ? at + 1 : at);
    } catch (error) {
      if (error instanceof ScanError) error.position = spelled.places[error.position] ?? error.position;
      throw error;
    }
  }

  /**
   * No prefix said GS1: the text itself must. A prefix that says plain data rules element strings out.
   * @param {string} text
   * @param {number} at
   * @param {boolean} plainSymbol
   * @returns {Scan}
   */
  withoutMark(text, at, plainSymbol) {
    const body = text.slice(at);
    if (!body) throw new ScanError("scan.empty", at);
    if (URI.test(body)) {
      const elements = this.cutter.digitalLink(text, at);
      this.cutter.associations(elements);
      return this.found("digital-link", elements);
    }
    const mark = isSeparator(body.charAt(0)) ? 1 : 0;
    const brackets = BRACKET.test(body.slice(mark));
    if (mark && !plainSymbol && !brackets) return this.elementString(text, at + 1);
    if (brackets) return this.meaning(this.cutter.bracketed(text, at + mark));
    if (/^(?:\d{12,14}|\d{18})$/.test(body)) return this.bareNumber(body, at);
    if (!plainSymbol && (OPENING.test(body) || body.includes("\u001d"))) return this.elementString(text, at);
    const odd = UNPRINTABLE.exec(body);
    if (odd) throw new ScanError("scan.bad_character", at + odd.index, { ai: "-", char: charAt(body, odd.index) });
    return (plainSymbol ? null : this.swallowed(text, at)) ?? this.found("plain", []);
  }

  /** @param {string} text @param {number} at */
  elementString(text, at) {
    try {
      return this.meaning(this.cutter.unbracketed(text, at));
    } catch (error) {
      const swallowed = error instanceof ScanError ? this.swallowed(text, at) : null;
      if (!swallowed) throw error;
      return swallowed;
    }
  }

  /**
   * @param {string} digits
   * @param {number} at
   * @param {Retail} symbol
   */
  retail(digits, at, symbol) {
    checkDigits(digits, at, symbol.lengths);
    return this.bareNumber(symbol.gtin?.(digits) ?? digits, at);
  }

  /**
   * A retail code (EAN, UPC, ITF-14) or a serial shipping container code without identifiers.
   * @param {string} digits
   * @param {number} at
   */
  bareNumber(digits, at) {
    const ai = digits.length === 18 ? "00" : "01";
    const right = checkDigit(digits.slice(0, -1));
    if (digits.at(-1) !== right)
      throw new ScanError("scan.check_digit", at + digits.length - 1, { ai, given: digits.at(-1) ?? "", right });
    const value = ai === "00" ? digits : digits.padStart(14, "0");
    return this.found(ai === "00" ? "sscc" : "plain", [{ ai, value, position: at }]);
  }

  /**
   * @param {Element[]} elements
   * @returns {Scan}
   */
  meaning(elements) {
    const names = new Set(elements.map((element) => element.ai));
    const licence = elements.find((element) => element.ai === "90");
    if (licence && !KEYS.some((key) => names.has(key))) {
      if (isNie(licence.value)) {
        this.cutter.associations(elements, BPOM_FREE);
        return this.found("bpom", elements);
      }
      if ([...BPOM_FREE].some((free) => names.has(free)))
        throw new ScanError("scan.bad_nie", licence.position, { value: licence.value.slice(0, 20) });
    }
    this.cutter.associations(elements);
    return this.found(names.has("00") ? "sscc" : "gs1", elements);
  }

  /**
   * @param {Profile} profile
   * @param {Element[]} elements
   * @returns {Scan}
   */
  found(profile, elements) {
    /** @type {Record<string, string | undefined>} */
    const values = Object.fromEntries(elements.map((element) => [element.ai, element.value]));
    const expiry = values["17"] || values["7003"]?.slice(0, 6);
    const count = values["37"] || values["30"];
    const licence = values["90"];
    return {
      text: this.given,
      profile,
      elements: /** @type {Record<string, string>} */ (values),
      gtin: values["01"] ?? null,
      contentGtin: values["02"] ?? null,
      nie: licence && isNie(licence) ? licence : null,
      lot: values["10"] ?? null,
      expiry: expiry ? dateOf(expiry, this.today) : null,
      serial: values["21"] ?? null,
      sscc: values["00"] ?? null,
      count: count ? Number(count) : null,
      swallowed: false,
    };
  }

  /* ---- a lot that swallowed the product behind it, because the separator was lost ---- */

  /**
   * @param {string} text
   * @param {number} start
   * @returns {Scan | null}
   */
  swallowed(text, start) {
    const read = this.asRead(text, start);
    const [first] = read.keys();
    if (!first || !BEFORE_THE_PRODUCT.has(first) || ["00", "01", "02"].some((key) => read.has(key))) return null;
    for (const [ai, value] of read) {
      if (this.cutter.known.get(ai)?.fixed || value.length > LONGEST) continue;
      for (let cut = 1; cut < value.length; cut++) {
        const product = this.behind(value.slice(cut), ai).find((element) => element.ai === "01");
        if (product) {
          const scan = this.found(
            "gs1",
            [...read].map(([name, said]) => ({ ai: name, value: said, position: 0 })),
          );
          return { ...scan, gtin: product.value, nie: null, expiry: null, serial: null, count: null, swallowed: true };
        }
      }
    }
    return null;
  }

  /**
   * The elements that `rest` spells when it is what stood behind the value of `ai`; empty when it is not.
   * @param {string} rest
   * @param {string} ai
   */
  behind(rest, ai) {
    const bare = rest.replace(/^[^\p{L}\p{N}]+/u, "");
    const begins = rest.length - bare.length;
    let found = rest[begins - 1] === "(" ? this.cut("bracketed", `(${bare}`) : [];
    if (!found.length) found = this.cut("unbracketed", bare);
    return found.some((element) => element.ai === ai) ? [] : found;
  }

  /**
   * @param {"bracketed" | "unbracketed"} form
   * @param {string} text
   */
  cut(form, text) {
    try {
      return this.cutter[form](text, 0);
    } catch {
      return [];
    }
  }

  /**
   * Application identifier → value, of whatever length; empty where the text is no element string.
   * @param {string} text
   * @param {number} start
   * @returns {Map<string, string>}
   */
  asRead(text, start) {
    /** @type {Map<string, string>} */
    const found = new Map();
    for (let at = start; at < text.length; ) {
      const spec = this.cutter.identifierAt(text, at);
      if (!spec || found.has(spec.ai)) return new Map();
      const begins = at + spec.ai.length;
      let ends = nextSeparator(text, begins);
      if (spec.fixed) {
        ends = Math.min(ends, begins + spec.length);
        try {
          checkValue(spec, text.slice(begins, ends), [], this.today);
        } catch {
          return new Map();
        }
      }
      found.set(spec.ai, text.slice(begins, ends));
      at = isSeparator(text.charAt(ends)) ? ends + 1 : ends;
    }
    return found;
  }
}

/**
 * Whether there is nothing but white space, by Python's notion of it: separators are, a byte order mark is not.
 * @param {string} text
 */
const isBlank = (text) =>
  [...text].every((char) => char !== "\ufeff" && (!char.trim() || "\u001c\u001d\u001e\u001f\u0085".includes(char)));

/**
 * @param {string} digits
 * @param {number} at
 * @param {number[]} lengths
 */
function checkDigits(digits, at, lengths) {
  const odd = /[^0-9]/.exec(digits);
  if (odd) throw new ScanError("scan.bad_character", at + odd.index, { ai: "01", char: charAt(digits, odd.index) });
  if (lengths.includes(digits.length)) return;
  const most = Math.max(...lengths);
  if (digits.length < most)
    throw new ScanError("scan.value_short", at + digits.length, { ai: "01", length: digits.length });
  throw new ScanError("scan.value_long", at + most, { ai: "01", most });
}
