// Seals what only the house may read again, before it is written into the book: tracker/handsets/sealed.py opens it.

const PURPOSE = "rantai handset seal";
const CURVE = { name: "ECDH", namedCurve: "P-256" };

/** @param {Uint8Array} bytes */
const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

/**
 * @param {string} point the house's public key, an uncompressed point in base64
 * @param {unknown} told
 */
export async function seal(point, told) {
  const raw = Uint8Array.from(atob(point), (letter) => letter.charCodeAt(0));
  const theirs = await crypto.subtle.importKey("raw", raw, CURVE, false, []);
  const own = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]));
  const mine = new Uint8Array(await crypto.subtle.exportKey("raw", own.publicKey));
  const secret = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, own.privateKey, 256);
  const shared = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: mine, info: new TextEncoder().encode(PURPOSE) };
  const key = await crypto.subtle.deriveKey(how, shared, { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  // The key seals this one text.
  const iv = new Uint8Array(12);
  const words = new TextEncoder().encode(JSON.stringify(told));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, words));
  return base64(new Uint8Array([...mine, ...sealed]));
}
