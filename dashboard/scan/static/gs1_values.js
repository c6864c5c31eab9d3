// What values an application identifier may have: characters, lengths, check digits, dates. The rules are the server's
// (tracker/catalog/rules/barcodes), and so is the table; a test runs one set of texts through both readers.

/**
 * @typedef {[kind: "N" | "X" | "Y" | "Z", least: number, most: number, optional: boolean, checks: string[]]} Part
 * @typedef {object} Row identifiers that are alike
 * @property {string[]} ai
 * @property {boolean} [fixed] predefined length: no separator follows
 * @property {boolean} [query] may be an attribute of a Digital Link
 * @property {Part[]} parts
 * @property {string[][]} [required] alternatives, each of identifiers that must all be there
 * @property {string[]} [excluded]
 * @property {string[][]} [keys] a Digital Link key: the alternative orders of its qualifiers
 * @typedef {Omit<Row, "ai"> & { ai: string, length: number }} Identifier
 * @typedef {[code: string, offset: number] | null} Verdict
 */

const CSET82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
const CSET32 = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83];
const SETS = {
  N: new Set("0123456789"),
  X: new Set(CSET82),
  Y: new Set("#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
  Z: new Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
};

/** A text that cannot be taken: a code of the server's, where it is wrong, and what the sentence names. */
export class ScanError extends Error {
  /**
   * @param {string} code
   * @param {number} position
   * @param {Record<string, string | number>} details
   */
  constructor(code, position, details = {}) {
    super(code);
    this.code = code;
    this.position = position;
    this.details = details;
  }
}

/** @param {Row[]} table */
export function identifiersOf(table) {
  /** @type {Map<string, Identifier>} */
  const known = new Map();
  for (const row of table) {
    const length = row.parts.reduce((sum, part) => sum + part[2], 0);
    for (const ai of row.ai) known.set(ai, { ...row, ai, length });
  }
  return known;
}

/**
 * The mod-10 check digit of a number without it.
 * @param {string} body
 */
export function checkDigit(body) {
  const total = [...body].reverse().reduce((sum, digit, index) => sum + Number(digit) * (index % 2 ? 1 : 3), 0);
  return String((10 - (total % 10)) % 10);
}

/** @param {string} text a BPOM marketing number */
export const isNie = (text) => /^[A-Z]{2,3}[0-9]{9,12}[A-Z]?[0-9]?$/.test(text);

/**
 * The year of two digits: 49 back to 50 ahead of the present one.
 * @param {number} two
 * @param {string} today YYYY-MM-DD
 */
function fullYear(two, today) {
  const year = Number(today.slice(0, 4));
  const century = year - (year % 100);
  const ahead = two - (year % 100);
  if (ahead >= 51) return century - 100 + two;
  return ahead <= -50 ? century + 100 + two : century + two;
}

/**
 * The date that six digits spell as YYYY-MM-DD, day 00 being the last of the month; null when it is none.
 * @param {string} yymmdd
 * @param {string} today
 * @param {boolean} dayZero whether day 00 is allowed
 */
export function dateOf(yymmdd, today, dayZero = true) {
  const year = fullYear(Number(yymmdd.slice(0, 2)), today);
  const month = Number(yymmdd.slice(2, 4));
  const day = Number(yymmdd.slice(4, 6));
  if (month < 1 || month > 12) return null;
  const last = lastDay(year, month);
  if (day > last || (day === 0 && !dayZero)) return null;
  return `${String(year).padStart(4, "0")}-${yymmdd.slice(2, 4)}-${String(day || last).padStart(2, "0")}`;
}

/**
 * @param {number} year
 * @param {number} month 1 to 12
 */
function lastDay(year, month) {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/**
 * Throws ScanError unless `value` is one of this identifier.
 * @param {Identifier} spec
 * @param {string} value
 * @param {number[]} positions where each character stands, and where the value ends
 * @param {string} today
 */
export function checkValue(spec, value, positions, today) {
  const at = (/** @type {number} */ index) => positions[index] ?? 0;
  if (!value) throw new ScanError("scan.value_empty", at(0), { ai: spec.ai });
  let start = 0;
  for (const [kind, least, most, optional, checks] of spec.parts) {
    const part = value.slice(start, start + most);
    if (!part && optional) break;
    checkCharacters(spec, kind, part, positions.slice(start));
    if (part.length < least) throw new ScanError("scan.value_short", at(start), { ai: spec.ai, length: value.length });
    for (const name of checks) run(name, spec, part, positions.slice(start), today);
    start += part.length;
  }
  if (start < value.length) throw new ScanError("scan.value_long", at(start), { ai: spec.ai, most: spec.length });
}

/**
 * @param {Identifier} spec
 * @param {"N" | "X" | "Y" | "Z"} kind
 * @param {string} part
 * @param {number[]} positions
 */
function checkCharacters(spec, kind, part, positions) {
  const bare = kind === "Z" ? part.replace(/=+$/, "").length : part.length;
  for (let index = 0; index < bare; index++) {
    if (!SETS[kind].has(part.charAt(index)))
      throw new ScanError("scan.bad_character", positions[index] ?? 0, { ai: spec.ai, char: charAt(part, index) });
  }
  if (bare < part.length && (part.length - bare > 2 || part.length % 3))
    throw new ScanError("scan.bad_padding", positions[bare] ?? 0, { ai: spec.ai });
}

/**
 * A character in quotes, whole where it takes two units.
 * @param {string} text
 * @param {number} index
 */
export function charAt(text, index) {
  const code = text.codePointAt(index) ?? 0;
  return code < 32 || code === 127 ? `'\\x${code.toString(16).padStart(2, "0")}'` : `'${String.fromCodePoint(code)}'`;
}

/**
 * @param {string} name of a check
 * @param {Identifier} spec
 * @param {string} part
 * @param {number[]} positions
 * @param {string} today
 */
function run(name, spec, part, positions, today) {
  if (name === "csum") checkPair(spec, part, positions, 1, checkDigit);
  else if (name === "csumalpha") checkPair(spec, part, positions, 2, alphaPair);
  else {
    const verdict = name.startsWith("yymmd") ? datedWrong(part, today, name === "yymmd0") : CHECKS[name]?.(part);
    if (verdict) throw new ScanError(verdict[0], positions[verdict[1]] ?? 0, { ai: spec.ai, value: part });
  }
}

/**
 * @param {Identifier} spec
 * @param {string} part
 * @param {number[]} positions
 * @param {number} length of what is checked, at the end
 * @param {(body: string) => string | null} rightFor
 */
function checkPair(spec, part, positions, length, rightFor) {
  const body = part.slice(0, -length);
  const given = part.slice(-length);
  const right = body ? rightFor(body) : null;
  if (given === right) return;
  const place = positions[Math.max(part.length - length, 0)] ?? 0;
  throw new ScanError("scan.check_digit", place, { ai: spec.ai, given, right: right ?? "–" });
}

/**
 * @param {string} part
 * @param {string} today
 * @param {boolean} dayZero
 * @returns {Verdict}
 */
const datedWrong = (part, today, dayZero) => (dateOf(part, today, dayZero) === null ? ["scan.bad_date", 0] : null);

/**
 * The check character pair of a Global Model Number; null for one too long.
 * @param {string} body
 */
function alphaPair(body) {
  if (body.length > PRIMES.length) return null;
  const total = [...body].reverse().reduce((sum, char, index) => sum + CSET82.indexOf(char) * (PRIMES[index] ?? 0), 0);
  const rest = total % 1021;
  return CSET32.charAt(rest >> 5) + CSET32.charAt(rest & 31);
}

/**
 * @param {RegExp} pattern
 * @param {string} code
 * @returns {(part: string) => Verdict}
 */
const form =
  (pattern, code = "scan.bad_value") =>
  (part) =>
    pattern.test(part) ? null : [code, 0];

/**
 * @param {boolean} good
 * @returns {Verdict}
 */
const unless = (good) => (good ? null : ["scan.bad_value", 0]);

/**
 * Latitude and longitude stand as (degrees + 90 or 180) × 10^7.
 * @param {number} most
 */
const degrees = (most) => (/** @type {string} */ part) => unless(Number(part) <= most * 10_000_000);

/**
 * A GS1 key begins with at least four digits of a company prefix.
 * @param {number} offset
 */
const companyPrefix = (offset) => (/** @type {string} */ part) =>
  unless(/^\d{4}$/.test(part.slice(offset - 1, offset + 3)));

/**
 * @param {string} part
 * @returns {Verdict}
 */
function wholeDate(part) {
  const [year, month, day] = [Number(part.slice(0, 4)), Number(part.slice(4, 6)), Number(part.slice(6))];
  const good = year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= lastDay(year, month);
  return good ? null : ["scan.bad_date", 0];
}

/** @type {Record<string, (part: string) => Verdict>} */
const CHECKS = {
  yyyymmdd: wholeDate,
  hhmi: form(/^([01]\d|2[0-3])[0-5]\d$/, "scan.bad_time"),
  hh: form(/^([01]\d|2[0-3])$/, "scan.bad_time"),
  mi: form(/^[0-5]\d$/, "scan.bad_time"),
  ss: form(/^[0-5]\d$/, "scan.bad_time"),
  zero: form(/^0$/),
  nonzero: form(/^\d*[1-9]\d*$/),
  nozeroprefix: form(/^(0|[1-9]\d*)$/),
  yesno: form(/^[01]$/),
  winding: form(/^[019]$/),
  hyphen: form(/^-$/),
  iso5218: form(/^[0129]$/),
  importeridx: form(/^[-0-9A-Z_a-z]$/),
  mediatype: form(/^(0[1-9]|10|[89]\d)$/),
  hasnondigit: form(/[^0-9]/),
  pieceoftotal: (part) => unless(part.slice(0, 2) > "00" && part.slice(0, 2) <= part.slice(2)),
  posinseqslash: (part) => unless(/^[1-9]\/[1-9]$/.test(part) && part.charAt(0) <= part.charAt(2)),
  latitude: degrees(180),
  longitude: degrees(360),
  pcenc: (part) => {
    const broken = part.search(/%(?![0-9A-Fa-f]{2})/);
    return broken < 0 ? null : ["scan.bad_value", broken];
  },
  gcppos1: companyPrefix(1),
  gcppos2: companyPrefix(2),
};
