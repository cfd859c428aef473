/**
 * Bounds-checked reading of bytes that came from elsewhere: short input is the peer's error, never `undefined`.
 */

import { RemoteProtocolError } from "./errors.js";
import { CLOSE } from "./registry.js";
import * as varint from "./varint.js";

/** Reads values off the front of a buffer; throws RemoteProtocolError(code) when it ends too soon. */
export class Reader {
  /** @param {Uint8Array} data @param {number} [code] */
  constructor(data, code = CLOSE.PROTOCOL_ERROR) {
    this._data = data;
    this._code = code;
    this.offset = 0;
  }

  /** A variable-length integer (RFC 9000, section 16). @returns {number} */
  integer() {
    const found = varint.decode(this._data, this.offset, this._code);
    if (found === null) throw new RemoteProtocolError(this._code, "integer cut short");
    this.offset = found[1];
    return found[0];
  }

  /** A big-endian unsigned integer of `size` bytes, at most 6. @param {number} size @returns {number} */
  uint(size) {
    let value = 0;
    for (const byte of this.take(size)) value = value * 256 + byte;
    return value;
  }

  /** The next `size` bytes, not copied. @param {number} size @returns {Uint8Array} */
  take(size) {
    const end = this.offset + size;
    if (end > this._data.length) throw new RemoteProtocolError(this._code, "message cut short");
    const taken = this._data.subarray(this.offset, end);
    this.offset = end;
    return taken;
  }

  /** All that is left, not copied. @returns {Uint8Array} */
  rest() {
    return this.take(this.length);
  }

  /** Bytes that are left. */
  get length() {
    return this._data.length - this.offset;
  }
}
