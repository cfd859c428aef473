/**
 * HPKE's base mode, one message a key: X25519, HKDF-SHA256 and AES-256-GCM (RFC 9180, sections 4 to 6). A page opens what
 * hosts have sealed, and seals nothing.
 */

import { concat, utf8 } from "../wire/bytes.js";
import { expand, extract } from "./hkdf.js";
import { aesKey, aesOpen, x25519 } from "./webcrypto.js";

const KEY = 32;
/** DHKEM(X25519, HKDF-SHA256), and the whole suite with HKDF-SHA256 and AES-256-GCM. */
const KEM = concat(utf8("KEM"), Uint8Array.of(0, 0x20));
const SUITE = concat(utf8("HPKE"), Uint8Array.of(0, 0x20, 0, 1, 0, 2));
const NOTHING = new Uint8Array(0);

/** What was sealed to a key, or null where it was not.
 * @param {{ key: CryptoKey, public: Uint8Array }} pair  of X25519 @param {Uint8Array} info @param {Uint8Array} sealed */
export async function openSealed(pair, info, sealed) {
  const encapsulated = sealed.slice(0, KEY);
  const shared = await x25519(pair.key, encapsulated);
  if (!shared) return null;
  const [key, nonce] = await schedule(shared, concat(encapsulated, pair.public), info);
  return aesOpen(await aesKey(key), nonce, NOTHING, sealed.slice(KEY));
}

/** Key and nonce of the one message. @param {Uint8Array} shared @param {Uint8Array} context  the encapsulated key and the
 * recipient's @param {Uint8Array} info */
async function schedule(shared, context, info) {
  const secret = await labelledExpand(KEM, await labelledExtract(KEM, NOTHING, "eae_prk", shared), "shared_secret", context, 32);
  const hashes = [await labelledExtract(SUITE, NOTHING, "psk_id_hash", NOTHING), await labelledExtract(SUITE, NOTHING, "info_hash", info)];
  const base = concat(Uint8Array.of(0), ...hashes);
  const prk = await labelledExtract(SUITE, secret, "secret", NOTHING);
  return [await labelledExpand(SUITE, prk, "key", base, 32), await labelledExpand(SUITE, prk, "base_nonce", base, 12)];
}

/** @param {Uint8Array} suite @param {Uint8Array} salt @param {string} label @param {Uint8Array} secret */
function labelledExtract(suite, salt, label, secret) {
  return extract(salt, concat(utf8("HPKE-v1"), suite, utf8(label), secret));
}

/** @param {Uint8Array} suite @param {Uint8Array} prk @param {string} label @param {Uint8Array} info @param {number} size */
function labelledExpand(suite, prk, label, info, size) {
  return expand(prk, concat(Uint8Array.of(size >> 8, size & 0xff), utf8("HPKE-v1"), suite, utf8(label), info), size);
}
