/**
 * The person's key as these pages have it: ready to sign, and kept in this browser in a form that no script can read
 * out. How it is wrapped for the relay stands in rights/personkey.js.
 */

import { Identity } from "../crypto/identity.js";
import { randomBytes } from "../crypto/webcrypto.js";
import { jwkOf, thumbprint } from "../rights/jws.js";
import { inStore } from "./keptstore.js";

const STORE = "keys";
const NAME = "person";

/** A person's key, and what it is called. */
export class PersonKey {
  /** @param {Identity} identity @param {string} name */
  constructor(identity, name) {
    this.identity = identity;
    this.thumbprint = name;
  }

  get jwk() {
    return jwkOf(this.identity.public);
  }

  /** @param {Identity} identity @returns {Promise<PersonKey>} */
  static async of(identity) {
    return new PersonKey(identity, await thumbprint(identity.public));
  }

  /** @param {Uint8Array} seed  32 bytes @returns {Promise<PersonKey>} */
  static async fromSeed(seed) {
    return PersonKey.of(await Identity.fromSeed(seed));
  }
}

/** A new key's seed. It is wrapped while it is at hand, and then forgotten. @returns {Uint8Array} */
export function newSeed() {
  return randomBytes(32);
}

/** The key that this browser has. @returns {Promise<PersonKey | null>} */
export async function kept() {
  try {
    const pair = await inStore(STORE, "readonly", (store) => store.get(NAME));
    return pair ? await PersonKey.of(await Identity.fromPair(pair)) : null;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return null;
  }
}

/** Keep a key; no script can read it out from there. @param {PersonKey} key */
export async function keep(key) {
  await inStore(STORE, "readwrite", (store) => store.put(key.identity.pair, NAME));
}

/** Keep it no more, nor what it opened or has signed for this browser. */
export async function forget() {
  await inStore("chains", "readwrite", (store) => store.clear());
  await inStore(STORE, "readwrite", (store) => store.clear());
}
