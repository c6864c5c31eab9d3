// Texts cut into elements: with separators, with brackets, and as a Digital Link.

import { charAt, checkValue, identifiersOf, ScanError } from "./gs1_values.js";

/**
 * @typedef {import("./gs1_values.js").Identifier} Identifier
 * @typedef {{ ai: string, value: string, position: number }} Element
 * @typedef {[spec: Identifier, at: number, begins: number, ends: number]} Piece of an address
 */

export const SEPARATORS = "\u001d^"; // GS as scanners send it, and the caret people write for FNC1
const MAX_ELEMENTS = 64;
const URI_CHARACTERS = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]$/;
// A digital signature (8030) needs the key's own serial part: minimal length of these with one.
/** @type {Record<string, number>} */
const SERIAL_BEHIND = { 253: 13, 255: 13, 8003: 14 };

/** @param {number} first @param {number} last */
const span = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** @param {string} char */
export const isSeparator = (char) => char !== "" && SEPARATORS.includes(char);

/** @param {string} text @param {number} start */
export function nextSeparator(text, start) {
  const places = [...SEPARATORS].map((each) => text.indexOf(each, start)).filter((place) => place >= 0);
  return Math.min(text.length, ...places);
}

export class Cutter {
  /**
   * @param {import("./gs1_values.js").Row[]} table
   * @param {string} today the place's day, YYYY-MM-DD
   */
  constructor(table, today) {
    this.known = identifiersOf(table);
    this.today = today;
  }

  /**
   * The identifier that stands at a place; none is the beginning of another.
   * @param {string} text
   * @param {number} at
   */
  identifierAt(text, at) {
    for (const length of [2, 3, 4]) {
      const spec = this.known.get(text.slice(at, at + length));
      if (spec) return spec;
    }
    return null;
  }

  /**
   * `text` from `start`, which begins at an identifier.
   * @param {string} text
   * @param {number} start
   */
  unbracketed(text, start) {
    /** @type {Element[]} */
    const found = [];
    let at = start;
    while (at < text.length) {
      roomFor(found, at);
      const spec = this.identifierAt(text, at);
      if (!spec) throw unknown(text.slice(at, at + 4), at);
      const begins = at + spec.ai.length;
      const stop = nextSeparator(text, begins);
      const end = spec.fixed ? Math.min(stop, begins + spec.length) : stop;
      const value = text.slice(begins, end);
      checkValue(spec, value, span(begins, end), this.today);
      found.push({ ai: spec.ai, value, position: at });
      at = end === stop ? end + 1 : end;
    }
    if (!found.length) throw new ScanError("scan.empty", start);
    return found;
  }

  /**
   * `(01)…(10)…`; a literal bracket in a value is written `\(`.
   * @param {string} text
   * @param {number} start
   */
  bracketed(text, start) {
    /** @type {Element[]} */
    const found = [];
    let at = start;
    while (at < text.length) {
      roomFor(found, at);
      if (text[at] !== "(") throw new ScanError("scan.bracket_expected", at);
      const close = text.indexOf(")", at);
      if (close < 0) throw new ScanError("scan.bracket_open", at);
      const spec = this.known.get(text.slice(at + 1, close));
      if (!spec) throw unknown(text.slice(at + 1, close).slice(0, 8), at + 1);
      const { chars, positions, end } = bracketedValue(text, close + 1);
      const value = withoutSeparators(chars);
      checkValue(spec, value, positions.slice(0, value.length + 1), this.today);
      found.push({ ai: spec.ai, value, position: at });
      at = end;
    }
    if (!found.length) throw new ScanError("scan.empty", start);
    return found;
  }

  /**
   * An address that holds a key, its qualifiers and attributes; the rightmost key of the path counts.
   * @param {string} text
   * @param {number} start
   */
  digitalLink(text, start) {
    for (let at = start; at < text.length; at++)
      if (!URI_CHARACTERS.test(text.charAt(at)))
        throw new ScanError("scan.link_character", at, { char: charAt(text, at) });
    const scheme = /^(?:https?|HTTPS?):\/\//.exec(text.slice(start));
    if (!scheme) throw new ScanError("scan.link_scheme", start);
    const host = start + scheme[0].length;
    const end = find(text, "#", host, text.length);
    const query = find(text, "?", host, end);
    const path = find(text, "/", host, query);
    if (!/^[0-9A-Za-z.\-:[\]]+$/.test(text.slice(host, path))) throw new ScanError("scan.link_host", host);
    const pieces = this.path(text, path, query);
    const elements = pieces.map((piece) => this.linked(text, piece, false));
    const attributes = this.query(text, query + 1, end, elements);
    return [...elements, ...attributes.map((piece) => this.linked(text, piece, true))];
  }

  /**
   * The key and its qualifiers.
   * @param {string} text
   * @param {number} start
   * @param {number} end
   * @returns {Piece[]}
   */
  path(text, start, end) {
    const segments = segmentsOf(text, start, end);
    const name = (/** @type {number} */ index) => text.slice(...(segments[index] ?? [0, 0]));
    for (let index = segments.length - 2; index >= 0; index -= 2) {
      const spec = this.known.get(name(index));
      if (!spec?.keys) continue;
      /** @type {Piece[]} */
      const pieces = [];
      for (let place = index; place < segments.length; place += 2) {
        const at = segments[place]?.[0] ?? 0;
        const each = this.known.get(name(place));
        if (!each) throw unknown(text.slice(at, at + 4), at);
        const value = segments[place + 1] ?? [at, at];
        pieces.push([each, at, ...value]);
      }
      checkOrder(spec, pieces.slice(1));
      return pieces;
    }
    throw new ScanError("scan.link_no_key", start);
  }

  /**
   * @param {string} text
   * @param {number} start
   * @param {number} end
   * @param {Element[]} path
   */
  query(text, start, end, path) {
    const names = path.map((element) => element.ai);
    const orders = (this.known.get(names[0] ?? "")?.keys ?? []).filter((order) => fits(names.slice(1), order));
    const forbidden = new Set(orders.flat());
    const used = new Set(names);
    /** @type {Piece[]} */
    const found = [];
    for (let at = start; at < end; ) {
      const stop = find(text, "&", at, end);
      const equals = find(text, "=", at, stop);
      const name = equals < stop ? text.slice(at, equals) : "";
      // Words are for the resolver (linkType, …); only digits can be identifiers.
      if (/^\d+$/.test(name)) {
        const spec = this.attribute(name, at, used, forbidden);
        used.add(name);
        found.push([spec, at, equals + 1, stop]);
      }
      at = stop + 1;
    }
    return found;
  }

  /**
   * The identifier of an attribute; throws ScanError for one that may not stand behind the question mark.
   * @param {string} name
   * @param {number} at
   * @param {Set<string>} used
   * @param {Set<string>} forbidden
   */
  attribute(name, at, used, forbidden) {
    const spec = this.known.get(name);
    if (!spec) throw unknown(name.slice(0, 8), at);
    if (used.has(name)) throw new ScanError("scan.link_order", at, { ai: name });
    if (!spec.query || forbidden.has(name)) throw new ScanError("scan.link_attribute", at, { ai: name });
    return spec;
  }

  /**
   * @param {string} text
   * @param {Piece} piece
   * @param {boolean} plusIsSpace
   * @returns {Element}
   */
  linked(text, [spec, position, begins, ends], plusIsSpace) {
    let value = "";
    const positions = [];
    for (let at = begins; at < ends; ) {
      positions.push(at);
      const hex = text.slice(at + 1, Math.min(at + 3, ends));
      if (text[at] === "%" && /^[0-9A-Fa-f]{2}$/.test(hex)) {
        if (hex === "00") throw new ScanError("scan.link_nul", at);
        value += String.fromCharCode(Number.parseInt(hex, 16));
        at += 3;
      } else {
        value += plusIsSpace && text[at] === "+" ? " " : text.charAt(at);
        at += 1;
      }
    }
    checkValue(spec, value, [...positions, ends], this.today);
    return { ai: spec.ai, value, position };
  }

  /**
   * Throws ScanError where elements may not stand together; identifiers in `free` need no companion.
   * @param {Element[]} elements
   * @param {Set<string>} free
   */
  associations(elements, free = new Set()) {
    checkRepeats(elements);
    for (const element of elements) this.checkExcluded(element, elements);
    for (const element of elements) if (!free.has(element.ai)) this.checkRequired(element, elements);
    checkSignature(elements);
  }

  /** @param {Element} element @param {Element[]} elements */
  checkExcluded(element, elements) {
    for (const pattern of this.known.get(element.ai)?.excluded ?? [])
      for (const other of elements)
        if (other.ai !== element.ai && familyMatches(pattern, other.ai)) {
          const later = Math.max(element.position, other.position);
          throw new ScanError("scan.forbidden_pair", later, { ai: element.ai, other: other.ai });
        }
  }

  /** @param {Element} element @param {Element[]} elements */
  checkRequired(element, elements) {
    const required = this.known.get(element.ai)?.required;
    const there = (/** @type {string} */ pattern) => elements.some((other) => familyMatches(pattern, other.ai));
    if (!required || required.some((choice) => choice.every(there))) return;
    const needed = required.map((choice) => choice.map((ai) => `(${ai})`).join("+")).join(", ");
    throw new ScanError("scan.missing_companion", element.position, { ai: element.ai, needed });
  }
}

/** @param {Element[]} found @param {number} at */
function roomFor(found, at) {
  if (found.length === MAX_ELEMENTS) throw new ScanError("scan.too_many", at, { most: MAX_ELEMENTS });
}

/** @param {string} text @param {number} at */
const unknown = (text, at) => new ScanError("scan.unknown_ai", at, { text: `'${text}'` });

/** @param {string} value */
function withoutSeparators(value) {
  let end = value.length;
  while (end > 0 && isSeparator(value.charAt(end - 1))) end--;
  return value.slice(0, end);
}

/** @param {string} text @param {number} start */
function bracketedValue(text, start) {
  let chars = "";
  const positions = [];
  let at = start;
  for (; at < text.length && text[at] !== "("; at++) {
    if (text[at] === "\\" && text[at + 1] === "(") at += 1;
    chars += text[at];
    positions.push(at);
  }
  return { chars, positions: [...positions, at], end: at };
}

/**
 * Where `what` stands between `start` and `end`; `end` when it does not.
 * @param {string} text @param {string} what @param {number} start @param {number} end
 */
function find(text, what, start, end) {
  const place = text.indexOf(what, start);
  return place < 0 || place >= end ? end : place;
}

/**
 * Begin and end of what stands between slashes.
 * @param {string} text @param {number} start @param {number} end
 */
function segmentsOf(text, start, end) {
  /** @type {[number, number][]} */
  const found = [];
  for (let at = start; at < end; ) {
    const stop = find(text, "/", at + 1, end);
    found.push([at + 1, stop]);
    at = stop;
  }
  return found;
}

/** @param {Identifier} key @param {Piece[]} qualifiers */
function checkOrder(key, qualifiers) {
  const names = qualifiers.map(([spec]) => spec.ai);
  for (let count = 1; count <= names.length; count++)
    if (!(key.keys ?? []).some((order) => fits(names.slice(0, count), order)))
      throw new ScanError("scan.link_order", qualifiers[count - 1]?.[1] ?? 0, { ai: names[count - 1] ?? "" });
}

/**
 * Whether `names` come in `order`.
 * @param {string[]} names @param {string[]} order
 */
function fits(names, order) {
  let at = 0;
  return names.every((name) => {
    at = order.indexOf(name, at) + 1;
    return at > 0;
  });
}

/** @param {string} pattern `n` stands for any digit @param {string} ai */
const familyMatches = (pattern, ai) =>
  pattern.length === ai.length && [...pattern].every((char, index) => char === "n" || char === ai[index]);

/** @param {Element[]} elements */
function checkRepeats(elements) {
  /** @type {Map<string, string>} */
  const seen = new Map();
  for (const { ai, value, position } of elements) {
    if ((seen.get(ai) ?? value) !== value) throw new ScanError("scan.repeated", position, { ai });
    seen.set(ai, value);
  }
}

/** @param {Element[]} elements */
function checkSignature(elements) {
  const signature = elements.find((element) => element.ai === "8030");
  if (!signature) return;
  for (const { ai, value } of elements) {
    const bare = SERIAL_BEHIND[ai];
    if (bare && value.length <= bare)
      throw new ScanError("scan.missing_serial", signature.position, { ai: "8030", key: ai });
  }
}
