/**
 * The identity of a device or relay: one Ed25519 key, what it is called, and what it vouches for (spec 06-security,
 * 6.1).
 *
 * Every statement that an identity signs begins with its own label and a zero byte, so that no signature can serve as
 * another. A browser is never a host or a relay, so that only a viewer's part is here.
 */

import { bigEndian, concat, equal, fromBigEndian, utf8 } from "../wire/bytes.js";
import * as deviceId from "../wire/device_id.js";
import { Refused } from "../wire/errors.js";
import { CLOSE } from "../wire/registry.js";
import { ed25519FromSeed, ed25519Generate, ed25519Public, ed25519Sign, ed25519Verify, rawPublic, sha256 } from "./webcrypto.js";

/** Clocks of desktops err: validity is checked with this tolerance, in seconds (R-SEC-7). */
export const CLOCK_TOLERANCE = 86_400;

/** Seconds for which an endorsement of a static key may be valid (R-SEC-85). */
export const LONGEST_STATIC = 86_400;

export const RELAY_CERTIFICATE = utf8("avl/1 relay certificate");
export const HOST_CERTIFICATE = utf8("avl/1 host certificate");
export const STATIC_HOST = utf8("avl/1 static host");
export const STATIC_VIEWER = utf8("avl/1 static viewer");

/** An Ed25519 key pair (RFC 8032). `pair` may be stored in IndexedDB and given to `fromPair` later; its private half
 * can't be read out. */
export class Identity {
  /** @param {CryptoKeyPair} pair @param {Uint8Array} raw  the public key, 32 bytes */
  constructor(pair, raw) {
    this.pair = pair;
    this.public = raw;
  }

  /** A new identity. @returns {Promise<Identity>} */
  static async generate() {
    return Identity.fromPair(await ed25519Generate());
  }

  /** @param {CryptoKeyPair} pair @returns {Promise<Identity>} */
  static async fromPair(pair) {
    return new Identity(pair, await rawPublic(pair.publicKey));
  }

  /** @param {Uint8Array} seed  32 bytes @returns {Promise<Identity>} */
  static async fromSeed(seed) {
    return Identity.fromPair(await ed25519FromSeed(seed));
  }

  /** The 64-byte signature of `data`. @param {Uint8Array} data */
  sign(data) {
    return ed25519Sign(this.pair.privateKey, data);
  }

  /** The 130-bit device number. */
  number() {
    return deviceNumber(this.public);
  }

  /** The device ID as people read it. */
  async deviceId() {
    return deviceId.toText(await this.number());
  }
}

/** Whether `signature` of `data` was made by the owner of the public key; false too for keys and signatures of wrong
 * size.
 * @param {Uint8Array} raw @param {Uint8Array} signature @param {Uint8Array} data @returns {Promise<boolean>} */
export async function verify(raw, signature, data) {
  const key = await ed25519Public(raw);
  return key !== null && ed25519Verify(key, signature, data);
}

/** The device number of a public key: the first 130 bits of a labelled hash. @param {Uint8Array} raw @returns
 * {Promise<bigint>} */
export async function deviceNumber(raw) {
  return fromBigEndian(await sha256(concat(utf8("avl/1 device id\0"), raw))) >> BigInt(256 - 130);
}

/** The pin of a relay's public key: its SHA-256. @param {Uint8Array} raw */
export function pin(raw) {
  return sha256(raw);
}

/** R-SEC-2 where the certificate itself can't be seen: which of the certificates (SHA-256 of DER) that the connection
 * was allowed to use the identity vouches for; null when it is not the pinned one, or vouches for none.
 * @param {Uint8Array} pinned @param {Uint8Array} raw @param {Uint8Array} endorsement @param {Uint8Array[]} hashes
 * @param {Uint8Array} label  RELAY_CERTIFICATE or HOST_CERTIFICATE @returns {Promise<Uint8Array | null>} */
export async function vouchedFor(pinned, raw, endorsement, hashes, label = RELAY_CERTIFICATE) {
  if (!equal(await pin(raw), pinned)) return null;
  for (const hash of hashes) {
    if (await verify(raw, endorsement, concat(label, Uint8Array.of(0), hash))) return hash;
  }
  return null;
}

/** The signature over a Noise static public key; times are Unix seconds.
 * @param {Identity} identity @param {Uint8Array} label @param {Uint8Array} key @param {number} notBefore @param
 * {number} notAfter */
export function endorseStatic(identity, label, key, notBefore, notAfter) {
  return identity.sign(staticStatement(label, key, notBefore, notAfter));
}

/** Whether the identity vouches for the Noise static key at some time, and for no longer than it may (R-SEC-85).
 * @param {Uint8Array} raw @param {Uint8Array} signature @param {Uint8Array} label @param {Uint8Array} key
 * @param {number | bigint} notBefore @param {number | bigint} notAfter @returns {Promise<boolean>} */
export async function vouchesStatic(raw, signature, label, key, notBefore, notAfter) {
  if (notBefore < 0 || notAfter < notBefore || BigInt(notAfter) - BigInt(notBefore) > BigInt(LONGEST_STATIC)) return false;
  return verify(raw, signature, staticStatement(label, key, notBefore, notAfter));
}

/** Whether the identity vouches for the Noise static key at `wall` (Unix seconds).
 * @param {Uint8Array} raw @param {Uint8Array} signature @param {Uint8Array} label @param {Uint8Array} key
 * @param {number | bigint} notBefore @param {number | bigint} notAfter @param {number} wall @returns {Promise<boolean>}
 * */
export async function checkStatic(raw, signature, label, key, notBefore, notAfter, wall) {
  return validAt(notBefore, notAfter, wall) && vouchesStatic(raw, signature, label, key, notBefore, notAfter);
}

/** R-SEC-84: what is said where only the time is wrong. Both in Unix seconds; `whose` names the other side.
 * @param {number} theirs @param {number} ours @param {string} whose @returns {Refused} */
export function clocksDiffer(theirs, ours, whose) {
  const days = Math.max(1, Math.round(Math.abs(theirs - ours) / 86_400));
  const text =
    `The clocks differ by ${days} day${days > 1 ? "s" : ""}: this machine's is ${ours < theirs ? "behind" : "ahead of"} the ${whose}'s. ` +
    "Set the one that is wrong; if both are right, do not continue.";
  return new Refused(CLOSE.CLOCK, text);
}

/** @param {Uint8Array} label @param {Uint8Array} key @param {number | bigint} notBefore @param {number | bigint}
 * notAfter */
function staticStatement(label, key, notBefore, notAfter) {
  return concat(label, Uint8Array.of(0), key, bigEndian(notBefore, 8), bigEndian(notAfter, 8));
}

/** Whether the host vouches for the key that signs this session's media objects (6.4).
 * @param {Uint8Array} raw @param {Uint8Array} endorsement @param {Uint8Array} mediaSession @param {Uint8Array} signer
 * @returns {Promise<boolean>} */
export function checkSigner(raw, endorsement, mediaSession, signer) {
  return verify(raw, endorsement, concat(utf8("avl/1 signer\0"), mediaSession, signer));
}

/** Whether `wall` lies in the interval, give or take CLOCK_TOLERANCE; all in Unix seconds.
 * @param {number | bigint} notBefore @param {number | bigint} notAfter @param {number} wall */
export function validAt(notBefore, notAfter, wall) {
  return Number(notBefore) - CLOCK_TOLERANCE <= wall && wall <= Number(notAfter) + CLOCK_TOLERANCE;
}
