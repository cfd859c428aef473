/**
 * Entries: what is offered of a tree, and what is answered; how both travel as rows (spec 15, 15.4).
 */

import { FILE_KIND, FILE_REASON, FILE_REASONS, FILE_VERDICT, MAX } from "../wire/registry.js";
import { HASH_BYTES } from "./hash.js";

/**
 * @typedef {object} Entry  A file, folder or link that is offered under a number.
 * @property {number} number
 * @property {number} kind  of FILE_KIND
 * @property {string} path  relative, as it travels
 * @property {number} size
 * @property {number} modified_us  microseconds since 1970
 * @property {number} mode  the nine bits of permissions; 0: not known
 * @property {string} link  a link's text
 *
 * @typedef {object} Answer  What becomes of an offer.
 * @property {number} number
 * @property {number} verdict  of FILE_VERDICT
 * @property {number} size  bytes that are there
 * @property {number} told  when that was changed; of LEFT, a number of FILE_REASON
 * @property {Uint8Array} hash  of those bytes
 */

const KINDS = new Set(Object.values(FILE_KIND));
const VERDICTS = new Set(Object.values(FILE_VERDICT));

/** What came is no such row: the other side does not keep to the protocol. */
export class NotARow extends Error {}

/** A file, or what is about it, can't be read or written, because of `reason`. */
export class FileTrouble extends Error {
  /** @param {number} reason  of FILE_REASON */
  constructor(reason) {
    super(sentenceOf(reason));
    this.reason = reason;
  }
}

/** What a person is told about a reason. @param {number} reason @returns {string} */
export function sentenceOf(reason) {
  const sentences = /** @type {Record<number, string>} */ (FILE_REASONS);
  return sentences[reason] ?? sentences[FILE_REASON.FAILED];
}

/** @param {any} value */
function whole(value) {
  return Number.isSafeInteger(value);
}

/** The entry that a row says. Throws NotARow. @param {any[]} row @returns {Entry} */
export function entryOf(row) {
  const [number, kind, path, size, modified_us, mode, link] = row;
  if (![number, kind, size, modified_us, mode].every(whole) || number < 0 || size < 0 || mode < 0) throw new NotARow("an offer is of numbers");
  if (typeof path !== "string" || typeof link !== "string" || link.length > MAX.FILE_PATH || !KINDS.has(kind)) throw new NotARow("an offer is of a kind, a path and a link");
  return { number, kind, path, size, modified_us, mode: mode & 0o777, link };
}

/** An entry as it travels. @param {Entry} entry */
export function entryRow({ number, kind, path, size, modified_us, mode, link }) {
  return [number, kind, path, size, modified_us, mode, link];
}

/** The answer that a row says. Throws NotARow. @param {any[]} row @returns {Answer} */
export function answerOf(row) {
  const [number, verdict, size, told, hash] = row;
  if (![number, verdict, size, told].every(whole) || size < 0) throw new NotARow("an answer is of numbers");
  if (!VERDICTS.has(verdict) || !(hash instanceof Uint8Array) || (hash.length && hash.length !== HASH_BYTES)) throw new NotARow("an answer is of a verdict and a hash");
  return { number, verdict, size, told, hash };
}

/** An answer as it travels. @param {Partial<Answer> & { number: number, verdict: number }} answer */
export function answerRow({ number, verdict, size = 0, told = 0, hash = new Uint8Array(0) }) {
  return [number, verdict, size, told, hash];
}
