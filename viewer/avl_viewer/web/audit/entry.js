/**
 * Entry: one event of a log, chained to the one before it, as a line of JSON and as the bytes that are hashed (spec 14,
 * 14.1).
 */

import { concat, equal, utf8 } from "../wire/bytes.js";
import { pack } from "../wire/packing.js";
import { fromHex } from "./hex.js";

const LABEL = utf8("avl/1 audit\0"), FIELD_LABEL = utf8("avl/1 audit field\0");
const PLAIN = ["seq", "time_ms", "prev", "kind", "event"];
const HIDING = [...PLAIN, "hidden", "opened"];
const HASH = 32;

/** This is no entry. */
export class BadEntry extends Error {
  name = "BadEntry";
}

/**
 * @typedef {object} Entry
 * @property {number} seq
 * @property {number} timeMs Unix time.
 * @property {Uint8Array} prev
 * @property {string} kind
 * @property {[string, string | number | boolean | Uint8Array][]} event by ascending name; bytes: a commitment.
 * @property {Map<string, { text: string, salt: Uint8Array | null }>} opened what is still known of the commitments.
 */

/** The entry of a line, whose opened texts are what it commits to. Throws BadEntry. @param {string} line
 * @returns {Promise<Entry>} */
export async function fromLine(line) {
  let read;
  try {
    read = JSON.parse(line);
  } catch {
    throw new BadEntry("that is no line of JSON");
  }
  if (!isObject(read)) throw new BadEntry("a line is an object");
  const names = Object.keys(read).join();
  if (names !== PLAIN.join() && names !== HIDING.join()) throw new BadEntry("an entry has other fields");
  // What comes twice is read once, and so written otherwise; JSON.stringify escapes as writers of logs do.
  if (JSON.stringify(read) !== line) throw new BadEntry("a line is not in its one form");
  const { seq, time_ms: timeMs, prev, kind, event, hidden = {}, opened: beside = {} } = read;
  if (!isCount(seq) || !isCount(timeMs) || typeof kind !== "string" || ![event, hidden, beside].every(isObject)) {
    throw new BadEntry("a field has a wrong type");
  }
  for (const value of Object.values(event)) {
    if (typeof value !== "string" && typeof value !== "boolean" && !isCount(value)) {
      throw new BadEntry("a value has a wrong type");
    }
  }
  const sealed = new Map(Object.entries(hidden).map(([name, value]) => [name, hash(value)]));
  const opened = new Map();
  for (const [name, value] of Object.entries(beside)) {
    const commits = sealed.get(name);
    if (commits === undefined || !Array.isArray(value) || value.length !== 2 || typeof value[1] !== "string") {
      throw new BadEntry(`${name} opens nothing`);
    }
    const salt = value[0] === null ? null : bytesOf(value[0]);
    if (salt !== null && !equal(await commitment(name, value[1], salt), commits)) {
      throw new BadEntry(`${name} is not what the entry commits to`);
    }
    opened.set(name, { text: value[1], salt });
  }
  const pairs = /** @type {Entry["event"]} */ ([...Object.entries(event), ...sealed]);
  pairs.sort(([one], [other]) => (one < other ? -1 : 1));
  if (pairs.some(([name], at) => at > 0 && name === pairs[at - 1][0])) throw new BadEntry("a name comes twice");
  return { seq, timeMs, prev: hash(prev), kind, event: pairs, opened };
}

/** The bytes that are hashed. @param {Entry} entry @returns {Uint8Array} */
export function encode(entry) {
  return pack([entry.seq, entry.timeMs, entry.prev, entry.kind, entry.event]);
}

/** What the next entry has as `prev`. @param {Uint8Array} encoded @returns {Promise<Uint8Array>} */
export async function link(encoded) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(LABEL, encoded)));
}

/** What stands for a text that may have to be forgotten. @param {string} name @param {string} text
 * @param {Uint8Array} salt @returns {Promise<Uint8Array>} */
export async function commitment(name, text, salt) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(FIELD_LABEL, salt, pack([name, text]))));
}

/** @param {unknown} value @returns {Uint8Array} */
function hash(value) {
  const bytes = bytesOf(value);
  if (bytes.length !== HASH) throw new BadEntry("a hash has 32 bytes");
  return bytes;
}

/** @param {unknown} value @returns {Uint8Array} */
function bytesOf(value) {
  const bytes = fromHex(value);
  if (bytes === null) throw new BadEntry("bytes are hexadecimal");
  return bytes;
}

/** @param {unknown} value */
function isCount(value) {
  return Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0;
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
