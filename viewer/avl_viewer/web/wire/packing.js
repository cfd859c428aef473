/**
 * Deterministic msgpack: one value has one encoding, so that signatures and hashes of messages mean something (spec
 * 03-wire, 3.2).
 *
 * Shortest forms, integer keys ascending, no duplicate keys, no floats, no extension types, depth at most 8. Integers
 * are numbers where a number holds them exactly and BigInt beyond; maps are Map.
 */

import { bigEndian, concat, fromBigEndian, utf8 } from "./bytes.js";
import { LocalProtocolError, RemoteProtocolError } from "./errors.js";
import { CLOSE } from "./registry.js";

export const DEPTH = 8;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The one encoding of a value. Throws LocalProtocolError for what does not travel. @param {any} value @returns
 * {Uint8Array<ArrayBuffer>} */
export function pack(value) {
  /** @type {Uint8Array[]} */
  const out = [];
  put(value, 0, out);
  return concat(...out);
}

/** @param {any} value @param {number} depth @param {Uint8Array[]} out */
function put(value, depth, out) {
  if (depth > DEPTH) throw new LocalProtocolError("value is nested too deeply");
  if (value === null) {
    out.push(Uint8Array.of(0xc0));
  } else if (typeof value === "boolean") {
    out.push(Uint8Array.of(value ? 0xc3 : 0xc2));
  } else if (typeof value === "bigint" || Number.isSafeInteger(value)) {
    out.push(integer(BigInt(value)));
  } else if (typeof value === "string") {
    const text = utf8(value);
    out.push(head(text.length, 0xa0, 32, [0xd9, 0xda, 0xdb]), text);
  } else if (value instanceof Uint8Array) {
    out.push(head(value.length, 0, 0, [0xc4, 0xc5, 0xc6]), value);
  } else if (Array.isArray(value)) {
    out.push(head(value.length, 0x90, 16, [0, 0xdc, 0xdd]));
    for (const item of value) put(item, depth + 1, out);
  } else if (value instanceof Map) {
    const entries = [...value].sort(([one], [other]) => (one < other ? -1 : 1));
    out.push(head(entries.length, 0x80, 16, [0, 0xde, 0xdf]));
    for (const [key, item] of entries) {
      out.push(integer(BigInt(key)));
      put(item, depth + 1, out);
    }
  } else {
    throw new LocalProtocolError(`${typeof value} does not travel`);
  }
}

/** @param {bigint} value @returns {Uint8Array} */
function integer(value) {
  if (value >= 0n) {
    if (value < 0x80n) return Uint8Array.of(Number(value));
    for (const [type, size] of [[0xcc, 1], [0xcd, 2], [0xce, 4], [0xcf, 8]]) {
      if (value < 1n << BigInt(8 * size)) return concat(Uint8Array.of(type), bigEndian(value, size));
    }
  } else {
    if (value >= -0x20n) return Uint8Array.of(Number(value + 0x100n));
    for (const [type, size] of [[0xd0, 1], [0xd1, 2], [0xd2, 4], [0xd3, 8]]) {
      const bits = BigInt(8 * size);
      if (value >= -(1n << (bits - 1n))) return concat(Uint8Array.of(type), bigEndian(value + (1n << bits), size));
    }
  }
  throw new LocalProtocolError(`${value} does not fit 64 bits`);
}

/** Type and length: in one byte below `small`, else with the type for 1, 2 or 4 bytes of length (0: there is none).
 * @param {number} length @param {number} base @param {number} small @param {number[]} types @returns {Uint8Array} */
function head(length, base, small, types) {
  if (length < small) return Uint8Array.of(base | length);
  if (types[0] && length < 0x100) return Uint8Array.of(types[0], length);
  if (length < 0x10000) return Uint8Array.of(types[1], length >> 8, length & 255);
  return concat(Uint8Array.of(types[2]), bigEndian(length, 4));
}

/** The value of an encoding; throws RemoteProtocolError(code) unless it is exactly the deterministic one.
 * @param {Uint8Array} data @param {number} [code] @returns {any} */
export function unpack(data, code = CLOSE.PROTOCOL_ERROR) {
  const parser = new Parser(data, code);
  const value = parser.value(0);
  if (parser.at !== data.length) parser.fail("bytes are left over");
  return value;
}

/** Reads one value and insists on its shortest form. */
class Parser {
  /** @param {Uint8Array} data @param {number} code */
  constructor(data, code) {
    this._data = data;
    this._code = code;
    this.at = 0;
  }

  /** @param {string} text @returns {never} */
  fail(text) {
    throw new RemoteProtocolError(this._code, `not a message: ${text}`);
  }

  /** @param {number} size */
  _take(size) {
    const end = this.at + size;
    if (end > this._data.length) this.fail("cut short");
    const taken = this._data.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  /** @param {number} depth @returns {any} */
  value(depth) {
    if (depth > DEPTH) this.fail("nested too deeply");
    const type = this._take(1)[0];
    if (type < 0x80) return type;
    if (type < 0x90) return this._map(type & 15, depth);
    if (type < 0xa0) return this._list(type & 15, depth);
    if (type < 0xc0) return this._text(type & 31);
    if (type >= 0xe0) return type - 0x100;
    switch (type) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return this._take(this._length(1, 0)).slice();
      case 0xc5: return this._take(this._length(2, 0x100)).slice();
      case 0xc6: return this._take(this._length(4, 0x10000)).slice();
      case 0xcc: return this._unsigned(1, 0x80n);
      case 0xcd: return this._unsigned(2, 0x100n);
      case 0xce: return this._unsigned(4, 0x10000n);
      case 0xcf: return this._unsigned(8, 0x100000000n);
      case 0xd0: return this._signed(1, -0x20n);
      case 0xd1: return this._signed(2, -0x80n);
      case 0xd2: return this._signed(4, -0x8000n);
      case 0xd3: return this._signed(8, -0x80000000n);
      case 0xd9: return this._text(this._length(1, 32));
      case 0xda: return this._text(this._length(2, 0x100));
      case 0xdb: return this._text(this._length(4, 0x10000));
      case 0xdc: return this._list(this._length(2, 16), depth);
      case 0xdd: return this._list(this._length(4, 0x10000), depth);
      case 0xde: return this._map(this._length(2, 16), depth);
      case 0xdf: return this._map(this._length(4, 0x10000), depth);
      default: return this.fail(`type ${type}`);
    }
  }

  /** @param {number} size @param {number} least */
  _length(size, least) {
    const length = Number(fromBigEndian(this._take(size)));
    if (length < least) this.fail("not in its shortest form");
    return length;
  }

  /** @param {number} size @param {bigint} least */
  _unsigned(size, least) {
    const value = fromBigEndian(this._take(size));
    if (value < least) this.fail("not in its shortest form");
    return exact(value);
  }

  /** @param {number} size @param {bigint} above  what the next shorter form still holds */
  _signed(size, above) {
    const value = BigInt.asIntN(8 * size, fromBigEndian(this._take(size)));
    if (value >= above) this.fail("not in its shortest form");
    return exact(value);
  }

  /** @param {number} size */
  _text(size) {
    const bytes = this._take(size);
    try {
      return UTF8.decode(bytes);
    } catch {
      return this.fail("text is not UTF-8");
    }
  }

  /** @param {number} count @param {number} depth */
  _list(count, depth) {
    /** @type {any[]} */
    const out = [];
    for (let at = 0; at < count; at++) out.push(this.value(depth + 1));
    return out;
  }

  /** @param {number} count @param {number} depth */
  _map(count, depth) {
    /** @type {Map<number | bigint, any>} */
    const out = new Map();
    /** @type {number | bigint | null} */
    let last = null;
    for (let at = 0; at < count; at++) {
      const key = this.value(depth);
      if (typeof key !== "number" && typeof key !== "bigint") return this.fail("a key is not an integer");
      if (last !== null && key <= last) this.fail("keys are not distinct and ascending");
      last = key;
      out.set(key, this.value(depth + 1));
    }
    return out;
  }
}

/** @param {bigint} value */
function exact(value) {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
