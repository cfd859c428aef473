/**
 * A share link: an address whose fragment holds a secret, which is a viewer's identity (spec 11, 11.7). The relay keeps
 * the chain under a name that follows from the secret, and learns neither.
 */

import { expand, extract } from "../crypto/hkdf.js";
import { randomBytes } from "../crypto/webcrypto.js";
import { utf8 } from "../wire/bytes.js";
import { decoded, encoded } from "./base64url.js";

export const SECRET_BYTES = 16;

/**
 * @typedef {object} Share  What follows from the secret.
 * @property {Uint8Array} seed  of the viewer's identity, which the grant is given to
 * @property {Uint8Array} accessPass  what the relay is shown, which keeps its hash
 * @property {string} id  under which the relay keeps the chain
 * @property {string} secret  as it stands in the fragment
 */

/** A new one. @returns {Promise<Share>} */
export function newShare() {
  return derived(randomBytes(SECRET_BYTES));
}

/** The share of the `s` of a fragment. Rejects with Error where it is none. @param {string} text @returns
 * {Promise<Share>} */
export async function shareOf(text) {
  const secret = decoded(text);
  if (secret.length !== SECRET_BYTES) throw new Error("This share link is not whole: copy all of it.");
  return derived(secret);
}

/** The address. @param {string} page  without a fragment @param {string} device  as people read it @param {string}
 * secret */
export function linkOf(page, device, secret) {
  return `${page}#d=${device}&s=${secret}`;
}

/** @param {Uint8Array} secret @returns {Promise<Share>} */
async function derived(secret) {
  const key = await extract(new Uint8Array(0), secret);
  const of = (/** @type {string} */ label, /** @type {number} */ size) => expand(key, utf8(label), size);
  return {
    seed: await of("avl/1 share identity", 32),
    accessPass: await of("avl/1 share pass", 32),
    id: encoded(await of("avl/1 share id", 16)),
    secret: encoded(secret),
  };
}
