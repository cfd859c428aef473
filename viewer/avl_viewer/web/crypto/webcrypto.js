/**
 * The primitives, as WebCrypto gives them: hashes, HMAC, AES-GCM, X25519, Ed25519 and ML-KEM-768.
 *
 * All calls of `crypto.subtle` are here. Keys are imported once and kept by their users, so that a record or an object
 * costs no import.
 */

import { concat } from "../wire/bytes.js";

const X25519 = { name: "X25519" };
const ED25519 = { name: "Ed25519" };
const ML_KEM = { name: "ML-KEM-768" };
/** What stands before 32 private bytes in PKCS #8 (RFC 8410). */
const X25519_PREFIX = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);
const ED25519_PREFIX = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);
/** The base point of Curve25519. */
const BASE_POINT = concat(Uint8Array.of(9), new Uint8Array(31));

/** The parts of WebCrypto that type definitions do not know yet.
 * @typedef {object} ModernSubtle
 * @property {(key: CryptoKey, usages: string[]) => Promise<CryptoKey>} getPublicKey
 * @property {(algorithm: object, key: CryptoKey, ciphertext: BufferSource) => Promise<ArrayBuffer>} decapsulateBits
 * @property {(algorithm: object, key: CryptoKey) => Promise<{ sharedKey: ArrayBuffer, ciphertext: ArrayBuffer }>}
 * encapsulateBits
 * @property {(format: string, key: CryptoKey) => Promise<ArrayBuffer>} exportKey
 * @property {(format: string, data: BufferSource, algorithm: object, extractable: boolean, usages: string[]) =>
 * Promise<CryptoKey>} importKey
 */
const modern = () => /** @type {ModernSubtle} */ (/** @type {unknown} */ (crypto.subtle));

/** @param {Uint8Array} bytes @returns {BufferSource} */
const source = (bytes) => /** @type {BufferSource} */ (bytes);

/** @param {number} size @returns {Uint8Array<ArrayBuffer>} */
export function randomBytes(size) {
  return crypto.getRandomValues(new Uint8Array(size));
}

/** @param {Uint8Array} data @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", source(data)));
}

/** @param {Uint8Array} data @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function sha512(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-512", source(data)));
}

/** @param {Uint8Array} key @param {Uint8Array} data @param {"SHA-256" | "SHA-512"} [hash] @returns
 * {Promise<Uint8Array<ArrayBuffer>>} */
export async function hmac(key, data, hash = "SHA-256") {
  const imported = await crypto.subtle.importKey("raw", source(key), { name: "HMAC", hash }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, source(data)));
}

/** A key for AES-GCM, of 16 or 32 bytes. @param {Uint8Array} raw @returns {Promise<CryptoKey>} */
export function aesKey(raw) {
  return crypto.subtle.importKey("raw", source(raw), "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** @param {CryptoKey} key @param {Uint8Array} nonce @param {Uint8Array} associated @param {Uint8Array} plaintext
 * @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function aesSeal(key, nonce, associated, plaintext) {
  const algorithm = { name: "AES-GCM", iv: source(nonce), additionalData: source(associated) };
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, key, source(plaintext)));
}

/** The plaintext, or null when it does not open.
 * @param {CryptoKey} key @param {Uint8Array} nonce @param {Uint8Array} associated @param {Uint8Array} ciphertext
 * @returns {Promise<Uint8Array<ArrayBuffer> | null>} */
export async function aesOpen(key, nonce, associated, ciphertext) {
  if (ciphertext.length < 16) return null;
  const algorithm = { name: "AES-GCM", iv: source(nonce), additionalData: source(associated) };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, source(ciphertext)));
  } catch {
    return null;
  }
}

/** A 96-bit big-endian nonce of a counter. @param {number} counter @returns {Uint8Array<ArrayBuffer>} */
export function counterNonce(counter) {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(4, Math.floor(counter / 0x1_0000_0000));
  view.setUint32(8, counter % 0x1_0000_0000);
  return nonce;
}

/** An X25519 key pair of 32 private bytes. @param {Uint8Array} raw @returns {Promise<{ key: CryptoKey, public:
 * Uint8Array<ArrayBuffer> }>} */
export async function x25519Pair(raw) {
  const key = await crypto.subtle.importKey("pkcs8", concat(X25519_PREFIX, raw), X25519, false, ["deriveBits"]);
  return { key, public: /** @type {Uint8Array<ArrayBuffer>} */ (await x25519(key, BASE_POINT)) };
}

/** A new X25519 key pair that no script can read out. @returns {Promise<CryptoKeyPair>} */
export async function x25519Generate() {
  return /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(X25519, false, ["deriveBits"]));
}

/** X25519 (RFC 7748), or null for a point that is not one or whose result is zero.
 * @param {CryptoKey} key @param {Uint8Array} point @returns {Promise<Uint8Array<ArrayBuffer> | null>} */
export async function x25519(key, point) {
  if (point.length !== 32) return null;
  try {
    const other = await crypto.subtle.importKey("raw", source(point), X25519, true, []);
    const bits = await crypto.subtle.deriveBits({ ...X25519, public: other }, key, 256);
    const secret = new Uint8Array(bits);
    return secret.every((byte) => byte === 0) ? null : secret;
  } catch {
    return null;
  }
}

/** A new Ed25519 key pair that no script can read out. @returns {Promise<CryptoKeyPair>} */
export async function ed25519Generate() {
  return /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(ED25519, false, ["sign", "verify"]));
}

/** The Ed25519 key pair of a 32-byte seed. @param {Uint8Array} seed @returns {Promise<CryptoKeyPair>} */
export async function ed25519FromSeed(seed) {
  const encoded = concat(ED25519_PREFIX, seed);
  const readable = await crypto.subtle.importKey("pkcs8", encoded, ED25519, true, ["sign"]);
  const { kty, crv, x } = await crypto.subtle.exportKey("jwk", readable);
  return {
    privateKey: await crypto.subtle.importKey("pkcs8", encoded, ED25519, false, ["sign"]),
    publicKey: await crypto.subtle.importKey("jwk", { kty, crv, x }, ED25519, true, ["verify"]),
  };
}

/** The 32 bytes of a public key. @param {CryptoKey} key @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function rawPublic(key) {
  return new Uint8Array(await crypto.subtle.exportKey("raw", key));
}

/** An Ed25519 public key to verify with, or null for bytes that are none.
 * @param {Uint8Array} raw @returns {Promise<CryptoKey | null>} */
export async function ed25519Public(raw) {
  if (raw.length !== 32) return null;
  try {
    return await crypto.subtle.importKey("raw", source(raw), ED25519, false, ["verify"]);
  } catch {
    return null;
  }
}

/** @param {CryptoKey} key @param {Uint8Array} data @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function ed25519Sign(key, data) {
  return new Uint8Array(await crypto.subtle.sign(ED25519, key, source(data)));
}

/** @param {CryptoKey} key @param {Uint8Array} signature @param {Uint8Array} data @returns {Promise<boolean>} */
export async function ed25519Verify(key, signature, data) {
  return signature.length === 64 && crypto.subtle.verify(ED25519, key, source(signature), source(data));
}

/** An ML-KEM-768 key pair of its 64-byte seed (FIPS 203). @param {Uint8Array} seed
 * @returns {Promise<{ key: CryptoKey, public: Uint8Array<ArrayBuffer> }>} */
export async function kemPair(seed) {
  const key = await modern().importKey("raw-seed", source(seed), ML_KEM, false, ["decapsulateBits"]);
  const encapsulation = await modern().getPublicKey(key, ["encapsulateBits"]);
  return { key, public: new Uint8Array(await modern().exportKey("raw-public", encapsulation)) };
}

/** The shared secret of a ciphertext of 1,088 bytes. @param {CryptoKey} key @param {Uint8Array} ciphertext @returns
 * {Promise<Uint8Array<ArrayBuffer>>} */
export async function kemDecapsulate(key, ciphertext) {
  return new Uint8Array(await modern().decapsulateBits(ML_KEM, key, source(ciphertext)));
}

/** A fresh secret for an encapsulation key, or null for bytes that FIPS 203 rejects.
 * @param {Uint8Array} raw @returns {Promise<{ secret: Uint8Array, ciphertext: Uint8Array } | null>} */
export async function kemEncapsulate(raw) {
  try {
    const key = await modern().importKey("raw-public", source(raw), ML_KEM, false, ["encapsulateBits"]);
    const { sharedKey, ciphertext } = await modern().encapsulateBits(ML_KEM, key);
    return { secret: new Uint8Array(sharedKey), ciphertext: new Uint8Array(ciphertext) };
  } catch {
    return null;
  }
}
