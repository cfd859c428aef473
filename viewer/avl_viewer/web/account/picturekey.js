/**
 * The picture key of this browser: what hosts seal last pictures to (spec 11, 11.9). It is made here, no script can read
 * its private half out, and the person's key signs its public half.
 */

import { rawPublic, x25519Generate } from "../crypto/webcrypto.js";
import { encode } from "../rights/jws.js";
import { PICTURE_KEY, sign } from "../rights/statements.js";
import { inStore } from "./keptstore.js";
import { KEY_LINK_SECONDS } from "./statements.js";

const STORE = "keys";
const NAME = "pictures";

/** @typedef {{ key: CryptoKey, public: Uint8Array, name: string, token: string }} PictureKey  `name`: what the relay calls
 * it, its public half as base64url; `token`: that it is this person's */

/** This browser's picture key, made anew where there is none, another person's, or one whose time is half over; null where
 * the browser has no X25519 or keeps nothing. @param {import("./personkey.js").PersonKey} person @param {number} now
 * Unix seconds @returns {Promise<PictureKey | null>} */
export async function pictureKey(person, now) {
  try {
    const kept = await inStore(STORE, "readonly", (store) => store.get(NAME));
    const good = kept?.signer === person.thumbprint && kept.expires - now > KEY_LINK_SECONDS / 2;
    const { pair, token } = good ? kept : await made(person, now);
    const raw = await rawPublic(pair.publicKey);
    return { key: pair.privateKey, public: raw, name: encode(raw), token };
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return null;
  }
}

/** What the relay calls the picture key that this browser has; "" where it has none. */
export async function keptPictureKey() {
  try {
    const kept = await inStore(STORE, "readonly", (store) => store.get(NAME));
    return kept ? encode(await rawPublic(kept.pair.publicKey)) : "";
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return "";
  }
}

/** @param {import("./personkey.js").PersonKey} person @param {number} now */
async function made(person, now) {
  const pair = await x25519Generate();
  const expires = now + KEY_LINK_SECONDS;
  const token = await sign(person.identity, PICTURE_KEY, { key: encode(await rawPublic(pair.publicKey)), iat: now, exp: expires });
  const kept = { pair, token, expires, signer: person.thumbprint };
  await inStore(STORE, "readwrite", (store) => store.put(kept, NAME));
  return kept;
}
