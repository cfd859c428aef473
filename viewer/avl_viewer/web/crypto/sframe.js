/**
 * Media objects under SFrame (RFC 9605), suite AES_128_GCM_SHA256_128, each one signed (spec 06-security, 6.4).
 *
 * A browser only opens objects. Signature and seal are checked at the same time, and the plaintext is given away when
 * both hold.
 */

import { bigEndian, concat, fromBigEndian, utf8 } from "../wire/bytes.js";
import { ProtocolError, RemoteProtocolError } from "../wire/errors.js";
import { CLOSE } from "../wire/registry.js";
import * as hkdf from "./hkdf.js";
import { ReplayWindow } from "./replay.js";
import { aesKey, aesOpen, ed25519Public, ed25519Verify, sha256 } from "./webcrypto.js";

/** RFC 9605, section 4.5: AES_128_GCM_SHA256_128. */
export const SUITE = 0x0004;
const KEY_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BASE_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KID_BITS = 44n;

const WINDOW = 512;
export const MAX_STEP = 15;
/** Generations whose keys an opener holds at a time: the one in use, the one before and one announced. */
const GENERATIONS = 3;

const OBJECT_LABEL = utf8("avl/1 object");
const SIGNED_LABEL = utf8("avl/1 signed object\0");

/** An object is sealed under a key that was not given to us: ask for it with NEED_KEYS. */
export class UnknownKey extends ProtocolError {
  /** @param {number} kid */
  constructor(kid) {
    super(`key ${kid} is unknown`);
    this.kid = kid;
  }
}

/** An object is sealed under a key older than ours: it was made before we were admitted, and nobody will give us that
 * key. */
export class OutdatedKey extends UnknownKey {}

/** An object was accepted before, or is too old to tell. */
export class Replayed extends ProtocolError {}

/** RFC 9605, section 5.1. @param {Uint8Array} base */
export async function ratchet(base) {
  return hkdf.expand(await hkdf.extract(new Uint8Array(0), base), utf8("SFrame 1.0 Ratchet"), hkdf.HASH_BYTES);
}

/** SFrame's base key of one track. @param {Uint8Array} base @param {number} track */
export function trackBase(base, track) {
  return hkdf.expand(base, concat(utf8("avl/1 track"), bigEndian(track, 2)), BASE_BYTES);
}

/** RFC 9605, section 4.4.2: AES key (16 bytes) and nonce salt (12 bytes) of an SFrame base key.
 * @param {Uint8Array} base @param {number | bigint} kid */
export async function keyAndSalt(base, kid) {
  const secret = await hkdf.extract(new Uint8Array(0), base);
  const suffix = concat(bigEndian(kid, 8), bigEndian(SUITE, 2));
  return {
    key: await hkdf.expand(secret, concat(utf8("SFrame 1.0 Secret key "), suffix), KEY_BYTES),
    salt: await hkdf.expand(secret, concat(utf8("SFrame 1.0 Secret salt "), suffix), NONCE_BYTES),
  };
}

/** SFrame's header (RFC 9605, section 4.3): key id, counter and its size. Throws RemoteProtocolError(TAMPERED) when it
 * is cut short or not in its shortest form. @param {Uint8Array} data @returns {{ kid: bigint, counter: bigint, size:
 * number }} */
export function decodeHeader(data) {
  let size = 1;
  /** @param {number} bits */
  const field = (bits) => {
    if (bits < 8) return BigInt(bits);
    const bytes = data.subarray(size, size + bits - 7);
    size += bits - 7;
    const value = fromBigEndian(bytes);
    if (value < 8n || bytes.length !== bits - 7 || bytes[0] === 0) fail("not an SFrame header");
    return value;
  };
  if (!data.length) fail("not an SFrame header");
  const kid = field(data[0] >> 4);
  const counter = field(data[0] & 15);
  return { kid, counter, size };
}

/** The AAD of an object: `number` its place in the track, `length` that of its plaintext.
 * @param {Uint8Array} header @param {Uint8Array} mediaSession @param {number} track @param {number} number @param
 * {number} flags @param {number} length */
export function associatedData(header, mediaSession, track, number, flags, length) {
  const tail = new Uint8Array(10);
  const view = new DataView(tail.buffer);
  tail[0] = track;
  view.setUint32(1, number);
  tail[5] = flags;
  view.setUint32(6, length);
  return concat(header, OBJECT_LABEL, mediaSession, tail);
}

/** @param {string} text @returns {never} */
function fail(text) {
  throw new RemoteProtocolError(CLOSE.TAMPERED, text);
}

/** One AES key with its salt. @typedef {{ aead: CryptoKey, salt: Uint8Array }} TrackKey */

/** Opens the objects of all tracks of a media session; steps its keys forward by itself. */
export class ObjectOpener {
  /** @param {Uint8Array} mediaSession @param {Uint8Array} signerPublic */
  constructor(mediaSession, signerPublic) {
    this._mediaSession = mediaSession;
    this._signer = ed25519Public(signerPublic);
    /** @type {Map<number, { step: number, base: Uint8Array }>} */
    this._bases = new Map();
    /** @type {Map<number, TrackKey>} */
    this._keys = new Map();
    /** @type {Map<number, ReplayWindow>} */
    this._windows = new Map();
  }

  /** Take a base key; all but the newest generations are forgotten with their keys.
   * @param {number} generation @param {number} step @param {Uint8Array} base */
  addKey(generation, step, base) {
    const known = this._bases.get(generation);
    if (!known || step < known.step) this._bases.set(generation, { step, base });
    while (this._bases.size > GENERATIONS) {
      const oldest = Math.min(...this._bases.keys());
      this._bases.delete(oldest);
      for (const kid of this._keys.keys()) if (generationOf(kid) === oldest) this._keys.delete(kid);
      for (const place of this._windows.keys()) if (Math.floor(place / 256) === oldest) this._windows.delete(place);
    }
  }

  /** The plaintext of object `number`, whose place and flags the datagrams' headers told.
   * Rejects with UnknownKey, OutdatedKey, Replayed, or RemoteProtocolError(TAMPERED) when signature, header or seal are
   * wrong.
   * @param {number} track @param {number} number @param {number} flags @param {Uint8Array} sealed @returns
   * {Promise<Uint8Array>} */
  async open(track, number, flags, sealed) {
    const header = decodeHeader(sealed);
    const end = sealed.length - SIGNATURE_BYTES;
    const kid = Number(header.kid);
    const wrong = header.kid >> KID_BITS || header.counter !== BigInt(number) || (kid >>> 4) % 256 !== track;
    if (wrong || end - header.size < TAG_BYTES) fail("an object is not what its datagrams say");
    const place = generationOf(kid) * 256 + track;
    const window = this._windows.get(place) ?? new ReplayWindow(WINDOW);
    if (!window.fresh(number)) throw new Replayed(`object ${number} of track ${track} came twice or too late`);
    const key = this._keys.get(kid) ?? (await this._derive(kid, track));
    const size = end - header.size - TAG_BYTES;
    const associated = associatedData(sealed.subarray(0, header.size), this._mediaSession, track, number, flags, size);
    const ciphertext = sealed.subarray(header.size, end);
    const [authentic, plaintext] = await Promise.all([
      this._signed(sealed.subarray(end), associated, ciphertext),
      aesOpen(key.aead, nonceOf(key.salt, number), associated, ciphertext),
    ]);
    if (!authentic) fail("an object is not signed by the session's signer");
    if (plaintext === null) return fail("an object does not open");
    const current = this._windows.get(place) ?? window;
    if (this._bases.has(generationOf(kid))) {
      this._keys.set(kid, key);
      this._windows.set(place, current);
    }
    if (!current.accept(number)) throw new Replayed(`object ${number} of track ${track} came twice`);
    return plaintext;
  }

  /** @param {Uint8Array} signature @param {Uint8Array} associated @param {Uint8Array} ciphertext */
  async _signed(signature, associated, ciphertext) {
    const signer = await this._signer;
    const digest = await sha256(concat(associated, ciphertext));
    return signer !== null && ed25519Verify(signer, signature, concat(SIGNED_LABEL, digest));
  }

  /** @param {number} kid @param {number} track @returns {Promise<TrackKey>} */
  async _derive(kid, track) {
    const known = this._bases.get(generationOf(kid));
    const wanted = kid % 16;
    if (!known || known.step > wanted) {
      throw generationOf(kid) <= Math.max(...this._bases.keys()) ? new OutdatedKey(kid) : new UnknownKey(kid);
    }
    let base = known.base;
    for (let step = known.step; step < wanted; step++) base = await ratchet(base);
    const { key, salt } = await keyAndSalt(await trackBase(base, track), kid);
    return { aead: await aesKey(key), salt };
  }
}

/** @param {number} kid */
function generationOf(kid) {
  return Math.floor(kid / 4096);
}

/** @param {Uint8Array} salt @param {number} counter */
function nonceOf(salt, counter) {
  const nonce = salt.slice();
  for (let at = NONCE_BYTES - 4, shift = 24; at < NONCE_BYTES; at++, shift -= 8) nonce[at] ^= (counter >>> shift) & 255;
  return nonce;
}
