/**
 * Witness: a client of a log that keeps the newest head it was shown, and asks of every later one that it goes on from
 * there (spec 14, 14.6).
 *
 * A log that was edited, cut or forked can't give the proof: its keeper would need another tree with the same root.
 */

import { equal } from "../wire/bytes.js";
import { verdict } from "./head.js";
import { toHex } from "./hex.js";

/**
 * @typedef {import("./head.js").TreeHead} TreeHead
 *
 * @typedef {object} Kept  What is kept of a log.
 * @property {TreeHead} head  the newest that was not refused
 * @property {TreeHead | null} against  the first that contradicted it, or one before it: both together are evidence
 *
 * @typedef {object} Shelf  Where it is kept, by the log's key in hexadecimal.
 * @property {(log: string) => Promise<Kept | null>} load
 * @property {(log: string, kept: Kept) => Promise<void>} save
 */

/** Satisfies Shelf for as long as the page is there. */
export class MemoryShelf {
  constructor() {
    /** @type {Map<string, Kept>} */
    this.kept = new Map();
  }

  /** @param {string} log */
  async load(log) {
    return this.kept.get(log) ?? null;
  }

  /** @param {string} log @param {Kept} kept */
  async save(log, kept) {
    this.kept.set(log, kept);
  }
}

/** Heads by log key. */
export class Witness {
  /** @param {Shelf} shelf @param {(text: string) => void} alarm  told of what contradicts, for a person, once a log */
  constructor(shelf, alarm) {
    this._shelf = shelf;
    this._alarm = alarm;
    /** @type {Set<string>} */
    this._told = new Set();
    /** One head after the other. @type {Promise<unknown>} */
    this._last = Promise.resolve();
  }

  /** How large the newest head is that is kept of the relay of this key; 0: none is. @param {Uint8Array} relay */
  async known(relay) {
    return (await this._shelf.load(toHex(relay)))?.head.size ?? 0;
  }

  /** The relay of this key shows a head. It is kept where it goes on from what was kept; where it does not, the old one
   * stays, and both are evidence. @param {Uint8Array} relay @param {{ size: number, root: Uint8Array, chain: Uint8Array,
   * time_ms: number, key: Uint8Array, signature: Uint8Array, proof: Uint8Array[] }} message  HEAD @returns {Promise<string>}
   * the verdict */
  hear(relay, message) {
    const heard = this._last.then(() => this._hear(relay, message));
    this._last = heard.catch(() => undefined);
    return heard;
  }

  /** @param {Uint8Array} relay @param {any} message */
  async _hear(relay, { size, root, chain, time_ms: timeMs, key, signature, proof }) {
    const log = toHex(relay);
    const kept = await this._shelf.load(log);
    const head = { size, root, chain, timeMs, key, signature };
    const found = equal(key, relay) ? await verdict(head, proof, kept?.head ?? null) : "forged"; // another log's than that of who is there
    if (found === "first" || found === "next") await this._shelf.save(log, { head, against: kept?.against ?? null });
    else if (found !== "forged" && kept && !kept.against) await this._shelf.save(log, { ...kept, against: head });
    const sentence = sentenceOf(found, size, kept?.head.size ?? 0);
    if (sentence && !this._told.has(log)) {
      this._told.add(log);
      this._alarm(sentence);
    }
    return found;
  }
}

/** What a person is told of a head; "" for one that is as it should be. @param {string} found @param {number} size @param
 * {number} before */
function sentenceOf(found, size, before) {
  if (found === "forged") return "The relay showed a state of its audit log that the log's key has not signed.";
  if (found === "older") return `The relay's audit log has ${size} entries and had ${before}: somebody has cut it, or shows an old copy of it.`;
  if (found === "forked") return `The relay's audit log was changed: its first ${before} entries are not what they were.`;
  return "";
}
