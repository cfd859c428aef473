/**
 * Messages <-> bytes: `Type (i)` and a deterministic msgpack map, by the registry's tables (spec 03-wire, 3.2).
 *
 * Strict about types, tolerant of unknown keys; an unknown message type reads as null, so that it can be ignored (P3).
 * A message is an object with its registry name as `kind` and the registry's field names.
 *
 * @typedef {Readonly<Record<string, any>>} Table  One of the registry's *_MESSAGES.
 */

import { concat } from "./bytes.js";
import { LocalProtocolError, RemoteProtocolError } from "./errors.js";
import { pack, unpack } from "./packing.js";
import { CLOSE } from "./registry.js";
import { Reader } from "./buffer.js";
import * as varint from "./varint.js";

/** @type {Record<string, (value: any) => boolean>} */
const CHECKS = {
  int: (value) =>
    typeof value === "bigint" ? value >= -(1n << 63n) && value < 1n << 64n : Number.isSafeInteger(value),
  bool: (value) => typeof value === "boolean",
  str: (value) => typeof value === "string",
  bytes: (value) => value instanceof Uint8Array,
  any: (value) => value === null || CHECKS.int(value) || CHECKS.bool(value) || CHECKS.str(value) || CHECKS.bytes(value),
};

/** @param {string} type @param {any} value @returns {boolean} */
function fits(type, value) {
  if (!type.endsWith("[]")) return CHECKS[type](value);
  return Array.isArray(value) && value.every((item) => fits(type.slice(0, -2), item));
}

/** What a field holds that was left out; undefined where it may not be. @param {string} type @param {any} preset  the
 * registry's */
function fallback(type, preset) {
  if (Array.isArray(preset)) return [];
  return type === "bytes" && preset !== undefined ? new Uint8Array(0) : preset;
}

/** The bytes of a message. Throws LocalProtocolError when a field is missing or has a wrong type.
 * @param {Table} table @param {string} kind @param {Record<string, any>} fields @returns {Uint8Array<ArrayBuffer>} */
export function encode(table, kind, fields) {
  const [number, rows] = table[kind];
  const body = new Map();
  for (const [key, field, type, preset] of rows) {
    const value = fields[field] ?? fallback(type, preset);
    if (!fits(type, value)) throw new LocalProtocolError(`${kind}.${field}: expected ${type}`);
    body.set(key, value);
  }
  return concat(varint.encode(number), pack(body));
}

/** The message of these bytes, or null for a type this version does not know. Throws RemoteProtocolError(code).
 * @param {Table} table @param {Uint8Array} data @param {number} [code] @returns {any} */
export function decode(table, data, code = CLOSE.PROTOCOL_ERROR) {
  const reader = new Reader(data, code);
  const number = reader.integer();
  const body = unpack(reader.rest(), code);
  if (!(body instanceof Map)) throw new RemoteProtocolError(code, "message is not a map");
  const kind = Object.keys(table).find((name) => table[name][0] === number);
  if (kind === undefined) return null;
  /** @type {Record<string, any>} */
  const message = { kind };
  for (const [key, field, type, preset] of table[kind][1]) {
    const value = body.has(key) ? body.get(key) : fallback(type, preset);
    if (value === undefined) throw new RemoteProtocolError(code, `${kind} lacks ${field}`);
    if (!fits(type, value)) throw new RemoteProtocolError(code, `${kind}.${field}: expected ${type}`);
    message[field] = value;
  }
  return message;
}
