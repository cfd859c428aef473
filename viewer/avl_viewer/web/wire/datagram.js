/**
 * The clear header of a media datagram, by which a relay routes what it can't read (spec 05-media, 5.2).
 *
 * @typedef {object} MediaHeader  Names one fragment: (track, object, fragment) of the object's `length` bytes, under a
 * relay's handle.
 *   Of PARITY, `fragment` is the number of the block times 128 plus the row.
 * @property {number} handle
 * @property {number} type
 * @property {number} track
 * @property {number} object
 * @property {number} flags
 * @property {number} fragment
 * @property {number} length
 */

import { bigEndian, concat } from "./bytes.js";
import { Reader } from "./buffer.js";
import { LocalProtocolError, RemoteProtocolError } from "./errors.js";
import { CLOSE, DATAGRAM, MAX } from "./registry.js";
import * as varint from "./varint.js";

/** Fragments that one block of parity covers, and rows that a block can have. */
export const PARITY_BLOCK = 128;

/** The datagram payload: zero byte, header, fragment. @param {MediaHeader} header @param {Uint8Array} payload @returns
 * {Uint8Array<ArrayBuffer>} */
export function encode(header, payload) {
  const out = concat(
    Uint8Array.of(0),
    varint.encode(header.handle),
    Uint8Array.of(header.type, header.track),
    bigEndian(header.object, 4),
    Uint8Array.of(header.flags),
    varint.encode(header.fragment),
    varint.encode(header.length),
    payload,
  );
  if (out.length > MAX.DATAGRAM_PAYLOAD) {
    throw new LocalProtocolError(`a datagram of ${out.length} bytes is over the limit of ${MAX.DATAGRAM_PAYLOAD}`);
  }
  return out;
}

/** Header and fragment of a datagram; the fragment is not copied.
 * Throws RemoteProtocolError(PROTOCOL_ERROR) unless a fragment, or a row of parity, has exactly the size its place in
 * the object gives it.
 * @param {Uint8Array} data @returns {MediaHeader & { payload: Uint8Array }} */
export function decode(data) {
  if (data.length > MAX.DATAGRAM_PAYLOAD) fail("datagram is too large");
  const reader = new Reader(data);
  if (reader.uint(1) !== 0) fail("datagram does not begin with zero");
  const handle = reader.integer();
  const type = reader.uint(1);
  const track = reader.uint(1);
  const object = reader.uint(4);
  const flags = reader.uint(1);
  const fragment = reader.integer();
  const length = reader.integer();
  const payload = reader.rest();
  if (type === DATAGRAM.MEDIA || type === DATAGRAM.REPAIR || type === DATAGRAM.PARITY) {
    if (!(length > 0 && length <= MAX.OBJECT_SIZE)) fail("object length is out of range");
    const size = type === DATAGRAM.PARITY ? paritySize(length, fragment) : fragmentSize(length, fragment);
    if (!payload.length || payload.length !== size) fail("fragment has the wrong size");
  }
  return { handle, type, track, object, flags, fragment, length, payload };
}

/** @param {string} text @returns {never} */
function fail(text) {
  throw new RemoteProtocolError(CLOSE.PROTOCOL_ERROR, text);
}

/** Fragments of an object of `length` bytes. @param {number} length */
export function fragmentCount(length) {
  return Math.ceil(length / MAX.FRAGMENT_PAYLOAD);
}

/** Bytes of one fragment; 0 where the object has no such fragment. @param {number} length @param {number} fragment */
export function fragmentSize(length, fragment) {
  return Math.max(0, Math.min(MAX.FRAGMENT_PAYLOAD, length - fragment * MAX.FRAGMENT_PAYLOAD));
}

/** Bytes of one row of parity: as long as its block's first fragment; 0 where the object has no such block.
 * @param {number} length @param {number} fragment */
export function paritySize(length, fragment) {
  return fragmentSize(length, fragment - (fragment % PARITY_BLOCK));
}
