// Tickets at the door: a signed code that names a place, a day and a booking. Checked with the house's public keys alone.

/**
 * @typedef {{ booking: string, facility: string, day: string, dose: number }} Ticket
 * @typedef {"signed" | "forged" | "unchecked"} Proof `unchecked`: this browser cannot check signatures
 */

/** @param {string} text base64url */
const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

/** Whether a scanned text has the form of a ticket. @param {string} text */
export const isTicket = (text) => text.length > 80 && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);

/** What a ticket says; null where it says nothing of the kind. @param {string} text @returns {Ticket | null} */
export function ticketOf(text) {
  try {
    const { b, f, d, n } = JSON.parse(new TextDecoder().decode(bytes(text.split(".")[1] ?? "")));
    if (!/^[0-9a-f]{32}$/.test(b) || typeof f !== "string" || !/^\d{4}-\d\d-\d\d$/.test(d)) return null;
    const booking = [b.slice(0, 8), b.slice(8, 12), b.slice(12, 16), b.slice(16, 20), b.slice(20)].join("-");
    return { booking, facility: f, day: d, dose: Number(n) };
  } catch {
    return null;
  }
}

/**
 * Whether one of these keys signed it (Ed25519).
 * @param {string} text
 * @param {string[]} keys as the house tells them, base64url
 * @returns {Promise<Proof>}
 */
export async function proven(text, keys) {
  const [head = "", body = "", signature = ""] = text.split(".");
  const signed = new TextEncoder().encode(`${head}.${body}`);
  try {
    for (const x of keys) {
      const key = await crypto.subtle.importKey("raw", bytes(x), "Ed25519", false, ["verify"]);
      if (await crypto.subtle.verify("Ed25519", key, bytes(signature), signed)) return "signed";
    }
    return keys.length ? "forged" : "unchecked";
  } catch (error) {
    // A signature that is no base64 is nobody's.
    return error instanceof DOMException && error.name === "InvalidCharacterError" ? "forged" : "unchecked";
  }
}
