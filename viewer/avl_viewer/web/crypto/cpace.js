/**
 * CPace over X25519 with SHA-512: both sides prove that they know one code, and a wrong guess learns nothing but that.
 *
 * draft-irtf-cfrg-cpace-21, initiator-responder mode with explicit confirmation (spec 06-security, 6.2.1). The map to
 * the curve works on BigInt and is not constant-time; it runs once for each counted try, under a session id that never
 * repeats.
 *
 * @typedef {object} Agreement  What a run yields.
 * @property {Uint8Array} isk  the intermediate session key, 64 bytes
 * @property {Uint8Array} initiatorTag  what the initiator must show
 * @property {Uint8Array} responderTag  what the responder must show
 */

import { bigEndian, concat, equal, fromBigEndian, utf8 } from "../wire/bytes.js";
import { RemoteProtocolError } from "../wire/errors.js";
import { CLOSE } from "../wire/registry.js";
import { lv } from "./lv.js";
import { hmac, sha512, x25519, x25519Pair } from "./webcrypto.js";

const DSI = utf8("CPace255");
const HASH_BLOCK = 128;
const P = (1n << 255n) - 19n;
const A = 486662n;

/** The side that speaks first. Made by `Initiator.create`. */
export class Initiator {
  /** @param {CryptoKey} scalar @param {Uint8Array} sid @param {Uint8Array} ad @param {Uint8Array} share */
  constructor(scalar, sid, ad, share) {
    this._scalar = scalar;
    this._sid = sid;
    this._ad = ad;
    this.share = share;
  }

  /** `prs`: the code as a string of bytes, `ci`: what for, `sid`: never repeated, `ad`: who we are.
   * @param {Uint8Array} prs @param {Uint8Array} ci @param {Uint8Array} sid @param {Uint8Array} ad @param {(size:
   * number) => Uint8Array} entropy */
  static async create(prs, ci, sid, ad, entropy) {
    const { key } = await x25519Pair(entropy(32));
    return new Initiator(key, sid, ad, await multiply(key, await generator(prs, ci, sid)));
  }

  /** The agreement with a responder's share and `ad`. Rejects with RemoteProtocolError(SESSION_PROTOCOL) for a bad
   * share.
   * @param {Uint8Array} share @param {Uint8Array} ad @returns {Promise<Agreement>} */
  async finish(share, ad) {
    if (equal(share, this.share)) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "both code shares are the same");
    const secret = await multiply(this._scalar, share);
    const ours = lv(this.share, this._ad);
    const theirs = lv(share, ad);
    const isk = await sha512(concat(lv(utf8("CPace255_ISK"), this._sid, secret), ours, theirs));
    const macKey = await sha512(concat(utf8("CPaceMac"), this._sid, isk));
    return { isk, initiatorTag: await hmac(macKey, ours, "SHA-512"), responderTag: await hmac(macKey, theirs, "SHA-512") };
  }
}

/** The secret base point of a run, as a u-coordinate of 32 bytes. @param {Uint8Array} prs @param {Uint8Array} ci @param
 * {Uint8Array} sid */
export async function generator(prs, ci, sid) {
  const padding = new Uint8Array(Math.max(0, HASH_BLOCK - 1 - lv(prs).length - lv(DSI).length));
  const digest = await sha512(lv(DSI, prs, padding, ci, sid));
  return elligator2(fromBigEndian(digest.slice(0, 32).reverse()) & ((1n << 255n) - 1n));
}

/** The map to Curve25519 with non-square 2 (RFC 9380, section 6.7.1). @param {bigint} r @returns
 * {Uint8Array<ArrayBuffer>} */
export function elligator2(r) {
  let v = modulo(-A * power(modulo(1n + 2n * r * r), P - 2n));
  if (power(modulo(v * v * v + A * v * v + v), (P - 1n) / 2n) === P - 1n) v = modulo(-v - A);
  return bigEndian(v, 32).reverse();
}

/** @param {bigint} value */
function modulo(value) {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

/** @param {bigint} base @param {bigint} exponent */
function power(base, exponent) {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

/** X25519 (RFC 7748). A result of zero, that of a low-order point, is refused (R-SEC-11). @param {CryptoKey} scalar
 * @param {Uint8Array} point */
async function multiply(scalar, point) {
  const result = await x25519(scalar, point);
  if (result === null) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "a code share is not a usable point");
  return result;
}
