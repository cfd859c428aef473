/**
 * Person key: the Ed25519 key of a person, and how copies of it are wrapped (spec 11, 11.1).
 *
 * A copy may lie where it is not trusted, at a relay: what opens it is the secret of a passkey, or a key on paper.
 */

import { expand, extract } from "../crypto/hkdf.js";
import { Identity } from "../crypto/identity.js";
import { aesKey, aesOpen, aesSeal, randomBytes } from "../crypto/webcrypto.js";
import { concat, utf8 } from "../wire/bytes.js";
import { ALPHABET, normaliseCode } from "../wire/device_id.js";
import { decode, encode, NotSigned, thumbprint } from "./jws.js";

/** Characters of a recovery key: 130 bits. */
export const RECOVERY_LENGTH = 26;
const NONCE = 12;

/** A recovery key as it is printed: 26 random Crockford characters in groups. @param {(size: number) => Uint8Array}
 * [entropy] */
export function newRecoveryKey(entropy = randomBytes) {
  let value = entropy(17).reduce((all, byte) => (all << 8n) | BigInt(byte), 0n) >> 6n;
  let text = "";
  for (let at = 0; at < RECOVERY_LENGTH; at++, value >>= 5n) text += ALPHABET[Number(value & 31n)];
  return text.replace(/(.{5})(?=.)/g, "$1-");
}

/** The secret of a recovery key as somebody types it. Throws NotSigned where it is none. @param {string} text */
export function recoverySecret(text) {
  const typed = normaliseCode(text);
  if (typed.length !== RECOVERY_LENGTH || [...typed].some((one) => !ALPHABET.includes(one))) {
    throw new NotSigned(`a recovery key has ${RECOVERY_LENGTH} letters and digits`);
  }
  return utf8(typed);
}

/** A copy of a person key (its 32-byte seed), which `secret` opens: JSON that may lie anywhere.
 * @param {Uint8Array} seed @param {Uint8Array} secret @param {(size: number) => Uint8Array} [entropy] */
export async function wrap(seed, secret, entropy = randomBytes) {
  const name = await thumbprint((await Identity.fromSeed(seed)).public);
  const nonce = entropy(NONCE);
  const sealed = await aesSeal(await wrappingKey(secret), nonce, boundTo(name), seed);
  return { thumbprint: name, nonce: encode(nonce), sealed: encode(sealed) };
}

/** The seed of a copy. Rejects with NotSigned where the secret is another's, or the copy was changed.
 * @param {any} copy @param {Uint8Array} secret @returns {Promise<Uint8Array>} */
export async function unwrap(copy, secret) {
  const { thumbprint: name, nonce, sealed } = copy;
  if (![name, nonce, sealed].every((field) => typeof field === "string")) throw new NotSigned("that is no copy of a key");
  const seed = await aesOpen(await wrappingKey(secret), decode(nonce), boundTo(name), decode(sealed));
  if (!seed) throw new NotSigned("that does not open this copy of the key");
  const own = seed.length === 32 && (await thumbprint((await Identity.fromSeed(seed)).public)) === name;
  if (!own) throw new NotSigned("the copy holds another key than it says");
  return seed;
}

/** @param {Uint8Array} secret */
async function wrappingKey(secret) {
  return aesKey(await expand(await extract(new Uint8Array(0), secret), utf8("avl/1 person key wrap"), 32));
}

/** @param {string} name */
function boundTo(name) {
  return concat(utf8("avl/1 person key\0"), utf8(name));
}
