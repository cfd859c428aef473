/**
 * Length-prefixed messages on a stream, fed any slice of bytes (spec 03-wire, 3.1).
 */

import { concat } from "./bytes.js";
import { LocalProtocolError, RemoteProtocolError } from "./errors.js";
import { CLOSE } from "./registry.js";
import * as varint from "./varint.js";

/** One message with its length (i) in front. @param {Uint8Array} message @param {number} limit @returns
 * {Uint8Array<ArrayBuffer>} */
export function frame(message, limit) {
  if (message.length > limit) throw new LocalProtocolError(`a message of ${message.length} bytes is over the limit of ${limit}`);
  return concat(varint.encode(message.length), message);
}

/** Cuts a stream of `Length (i), Message (..)` into messages; never holds more than one message's bytes. */
export class FrameReader {
  /** @param {number} limit @param {number} [code] */
  constructor(limit, code = CLOSE.PROTOCOL_ERROR) {
    this._buffer = new Buffered();
    this._limit = limit;
    this._code = code;
  }

  /** Messages completed by these bytes, in order. Throws RemoteProtocolError for one over the limit.
   * @param {Uint8Array} data @returns {Uint8Array[]} */
  feed(data) {
    this._buffer.add(data);
    /** @type {Uint8Array[]} */
    const out = [];
    for (;;) {
      const bytes = this._buffer.bytes;
      const head = varint.decode(bytes, 0, this._code);
      if (head === null) return out;
      const [length, start] = head;
      if (length > this._limit) throw new RemoteProtocolError(this._code, `a message of ${length} bytes is over the limit`);
      if (start + length > bytes.length) return out;
      out.push(bytes.slice(start, start + length));
      this._buffer.drop(start + length);
    }
  }

  /** Bytes of an unfinished message. */
  get pending() {
    return this._buffer.bytes.length;
  }
}

/** Cuts a stream of `Length (16), Body (..)`, the form of handshake messages and records (spec 06-security). */
export class ShortFrameReader {
  /** @param {number} limit */
  constructor(limit) {
    this._buffer = new Buffered();
    this._limit = limit;
  }

  /** Take more bytes of the stream. @param {Uint8Array} data */
  feed(data) {
    this._buffer.add(data);
  }

  /** The next whole body, or null. Throws RemoteProtocolError for one over the limit. @returns {Uint8Array | null} */
  next() {
    const bytes = this._buffer.bytes;
    if (bytes.length < 2) return null;
    const length = (bytes[0] << 8) | bytes[1];
    if (length > this._limit) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, `a message of ${length} bytes is over the limit`);
    if (bytes.length < 2 + length) return null;
    const body = bytes.slice(2, 2 + length);
    this._buffer.drop(2 + length);
    return body;
  }

  /** Discard and return what is unfinished. @returns {Uint8Array} */
  clear() {
    const left = this._buffer.bytes.slice();
    this._buffer.drop(left.length);
    return left;
  }
}

/** Bytes that wait at the end of a stream. Room grows by doubling, so that a large message is not copied for each slice
 * of it. */
class Buffered {
  constructor() {
    this._room = new Uint8Array(0);
    this._start = 0;
    this._end = 0;
  }

  /** @param {Uint8Array} data */
  add(data) {
    const size = this._end - this._start;
    if (this._end + data.length > this._room.length) {
      const room = size + data.length > this._room.length ? new Uint8Array(2 * (size + data.length)) : this._room;
      room.set(this._room.subarray(this._start, this._end));
      this._room = room;
      this._start = 0;
      this._end = size;
    }
    this._room.set(data, this._end);
    this._end += data.length;
  }

  /** What waits, not copied. */
  get bytes() {
    return this._room.subarray(this._start, this._end);
  }

  /** @param {number} size */
  drop(size) {
    this._start += size;
    if (this._start < this._end) return;
    this._start = this._end = 0;
    if (this._room.length > 65_536) this._room = new Uint8Array(0);
  }
}
