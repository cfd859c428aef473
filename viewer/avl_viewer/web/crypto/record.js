/**
 * Records: one direction of a channel as a sequence of AES-256-GCM boxes (spec 06-security, 6.3).
 */

import { utf8 } from "../wire/bytes.js";
import { LocalProtocolError, RemoteProtocolError } from "../wire/errors.js";
import { CLOSE, MAX, RECORD } from "../wire/registry.js";
import { aesKey, aesOpen, aesSeal, counterNonce, hmac } from "./webcrypto.js";

const TAG_BYTES = 16;
/** Type and Data Length in front of the data of an Inner Record. */
const INNER_HEADER_BYTES = 3;
/** Length field in front of the ciphertext. */
export const LENGTH_BYTES = 2;
/** The longest ciphertext: full data, padded to a multiple of RECORD_PAD, and the tag. */
export const MAX_CIPHERTEXT = Math.ceil((INNER_HEADER_BYTES + MAX.RECORD_DATA) / MAX.RECORD_PAD) * MAX.RECORD_PAD + TAG_BYTES;
/** A direction is re-keyed before each counter that is a multiple of this (R-SEC-23). */
export const REKEY_EVERY = 1 << 20;

/** Seals the records of one direction in order. */
export class RecordSealer {
  /** @param {Uint8Array} key @param {number} [padTo]  the Inner Record becomes a multiple of so many bytes; 0 pads
   * nothing
   * @param {number} [rekeyEvery]  differs in tests alone */
  constructor(key, padTo = 0, rekeyEvery = REKEY_EVERY) {
    this._raw = Promise.resolve(key);
    this._aead = aesKey(key);
    this._padTo = padTo;
    this._rekeyEvery = rekeyEvery;
    /** The counter of the next record. */
    this.counter = 0;
  }

  /** Whether the next record has to be REKEY. */
  get rekeyDue() {
    return (this.counter + 1) % this._rekeyEvery === 0;
  }

  /** Bytes of the record of so much data, its Length included. @param {number} dataSize */
  size(dataSize) {
    return LENGTH_BYTES + this._padded(INNER_HEADER_BYTES + dataSize) + TAG_BYTES;
  }

  /** @param {number} size */
  _padded(size) {
    return this._padTo ? Math.ceil(size / this._padTo) * this._padTo : size;
  }

  /** The next record, its Length included. Rejects with LocalProtocolError for too much data or a REKEY forgotten.
   * @param {number} kind @param {Uint8Array} data @returns {Promise<Uint8Array<ArrayBuffer>>} */
  async seal(kind, data) {
    if (data.length > MAX.RECORD_DATA) throw new LocalProtocolError(`${data.length} bytes do not fit a record`);
    if (this.rekeyDue && kind !== RECORD.REKEY) throw new LocalProtocolError("this direction has to be re-keyed first");
    const inner = new Uint8Array(this._padded(INNER_HEADER_BYTES + data.length));
    inner.set([kind, data.length >> 8, data.length & 255]);
    inner.set(data, INNER_HEADER_BYTES);
    const length = lengthField(inner.length + TAG_BYTES);
    const nonce = counterNonce(this.counter++);
    const aead = this._aead;
    if (kind === RECORD.REKEY) {
      this._raw = this._raw.then(nextKey);
      this._aead = this._raw.then(aesKey);
    }
    const ciphertext = await aesSeal(await aead, nonce, length, inner);
    const record = new Uint8Array(LENGTH_BYTES + ciphertext.length);
    record.set(length);
    record.set(ciphertext, LENGTH_BYTES);
    return record;
  }
}

/** Opens the records of one direction in order, one at a time; re-keys itself. */
export class RecordOpener {
  /** @param {Uint8Array} key */
  constructor(key) {
    this._raw = key;
    this._aead = aesKey(key);
    /** The counter of the next record. */
    this.counter = 0;
  }

  /** Type (of any number) and data of the next record, given without its Length.
   * Rejects with RemoteProtocolError(TAMPERED) when it does not open or is not well formed inside.
   * @param {Uint8Array} ciphertext @returns {Promise<{ kind: number, data: Uint8Array }>} */
  async open(ciphertext) {
    const inner = await aesOpen(await this._aead, counterNonce(this.counter), lengthField(ciphertext.length), ciphertext);
    if (inner === null) throw new RemoteProtocolError(CLOSE.TAMPERED, "a record does not open");
    const size = (inner[1] << 8) | inner[2];
    const end = INNER_HEADER_BYTES + size;
    if (inner.length < INNER_HEADER_BYTES || inner.length < end || size > MAX.RECORD_DATA) {
      throw new RemoteProtocolError(CLOSE.TAMPERED, "a record's data length is wrong");
    }
    for (let at = end; at < inner.length; at++) {
      if (inner[at]) throw new RemoteProtocolError(CLOSE.TAMPERED, "a record's padding is not zero");
    }
    this.counter++;
    if (inner[0] === RECORD.REKEY) {
      this._raw = await nextKey(this._raw);
      this._aead = aesKey(this._raw);
    }
    return { kind: inner[0], data: inner.subarray(INNER_HEADER_BYTES, end) };
  }
}

/** @param {number} length */
function lengthField(length) {
  return Uint8Array.of(length >> 8, length & 255);
}

/** The key behind a REKEY. @param {Uint8Array} key @returns {Promise<Uint8Array>} */
export function nextKey(key) {
  return hmac(key, utf8("avl/1 rekey"));
}
