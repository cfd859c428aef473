/**
 * A share link: an address whose fragment holds a secret, which is a viewer's identity (spec 11, 11.7).
 */

import { expand, extract } from "../crypto/hkdf.js";
import { Identity } from "../crypto/identity.js";
import { utf8 } from "../wire/bytes.js";
import { decode, encode, NotSigned } from "./jws.js";

/** How long a secret is. */
export const SECRET_BYTES = 16;

/** What follows from the secret (16 random bytes). */
export class Share {
  /** Throws NotSigned for a secret of another size. @param {Uint8Array} secret */
  constructor(secret) {
    if (secret.length !== SECRET_BYTES) throw new NotSigned(`the secret of a share link has ${SECRET_BYTES} bytes`);
    this._secret = secret;
  }

  /** The share of the `s` of a fragment. Throws NotSigned. @param {string} text */
  static of(text) {
    return new Share(decode(text));
  }

  /** The viewer's identity, which the grant is given to. */
  async identity() {
    return Identity.fromSeed(await this._derive("avl/1 share identity", 32));
  }

  /** What the relay is shown, which keeps its hash: 32 bytes. */
  accessPass() {
    return this._derive("avl/1 share pass", 32);
  }

  /** Under which the relay keeps the chain. */
  async id() {
    return encode(await this._derive("avl/1 share id", 16));
  }

  /** The address. @param {string} page  without a fragment @param {string} device  its ID as people read it */
  link(page, device) {
    return `${page}#d=${device}&s=${encode(this._secret)}`;
  }

  /** @param {string} label @param {number} size */
  async _derive(label, size) {
    return expand(await extract(new Uint8Array(0), this._secret), utf8(label), size);
  }
}
