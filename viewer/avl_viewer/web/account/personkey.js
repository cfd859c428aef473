/**
 * The person's key: made here, kept here in a form that no script can read out, and wrapped for the relay, which keeps
 * copies that it can't open (spec 11, 11.1).
 */

import { expand, extract } from "../crypto/hkdf.js";
import { aesKey, aesOpen, aesSeal, ed25519FromSeed, randomBytes, rawPublic } from "../crypto/webcrypto.js";
import { utf8 } from "../wire/bytes.js";
import { decoded, encoded } from "./base64url.js";
import { inStore } from "./keptstore.js";
import { jwkOf, thumbprintOf } from "./statements.js";

const STORE = "keys";
const NAME = "person";
const NOTHING = new Uint8Array(0);

/** @typedef {{ thumbprint: string, nonce: string, sealed: string }} Copy  a wrapped key, which may lie anywhere */

/** A person's key, ready to sign. */
export class PersonKey {
  /** @param {CryptoKeyPair} pair @param {Uint8Array} raw  the public key, 32 bytes @param {string} thumbprint */
  constructor(pair, raw, thumbprint) {
    this.pair = pair;
    this.raw = raw;
    this.thumbprint = thumbprint;
  }

  get jwk() {
    return jwkOf(this.raw);
  }

  /** @param {CryptoKeyPair} pair @returns {Promise<PersonKey>} */
  static async of(pair) {
    const raw = await rawPublic(pair.publicKey);
    return new PersonKey(pair, raw, await thumbprintOf(raw));
  }

  /** @param {Uint8Array} seed  32 bytes @returns {Promise<PersonKey>} */
  static async fromSeed(seed) {
    return PersonKey.of(await ed25519FromSeed(seed));
  }
}

/** A new key's seed. It is wrapped while it is at hand, and then forgotten. @returns {Uint8Array} */
export function newSeed() {
  return randomBytes(32);
}

/** A copy of a key that `secret` opens. @param {Uint8Array} seed @param {Uint8Array} secret @returns {Promise<Copy>} */
export async function wrap(seed, secret) {
  const { thumbprint } = await PersonKey.fromSeed(seed);
  const nonce = randomBytes(12);
  const sealed = await aesSeal(await wrappingKey(secret), nonce, boundTo(thumbprint), seed);
  return { thumbprint, nonce: encoded(nonce), sealed: encoded(sealed) };
}

/** The seed in a copy; null where the secret is another's, or the copy was changed. @param {any} copy @param
 * {Uint8Array} secret @returns {Promise<Uint8Array | null>} */
export async function unwrap(copy, secret) {
  const { thumbprint, nonce, sealed } = copy ?? {};
  if (![thumbprint, nonce, sealed].every((part) => typeof part === "string")) return null;
  const seed = await aesOpen(await wrappingKey(secret), decoded(nonce), boundTo(thumbprint), decoded(sealed));
  if (seed?.length !== 32) return null;
  return (await PersonKey.fromSeed(seed)).thumbprint === thumbprint ? seed : null;
}

/** @param {Uint8Array} secret */
async function wrappingKey(secret) {
  return aesKey(await expand(await extract(NOTHING, secret), utf8("avl/1 person key wrap"), 32));
}

/** @param {string} thumbprint */
function boundTo(thumbprint) {
  return utf8(`avl/1 person key\0${thumbprint}`);
}

// ---- this browser's place for it

/** The key that this browser has. @returns {Promise<PersonKey | null>} */
export async function kept() {
  try {
    const pair = await inStore(STORE, "readonly", (store) => store.get(NAME));
    return pair ? await PersonKey.of(pair) : null;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return null;
  }
}

/** Keep a key; no script can read it out from there. @param {PersonKey} key */
export async function keep(key) {
  await inStore(STORE, "readwrite", (store) => store.put(key.pair, NAME));
}

/** Keep it no more, nor what it opened. */
export async function forget() {
  await inStore("chains", "readwrite", (store) => store.clear());
  await inStore(STORE, "readwrite", (store) => store.delete(NAME));
}
