/**
 * Tree head: what a log was at a moment, signed (spec 14, 14.3). Who keeps one sees later whether the log still begins with
 * what it held then.
 */

import { verify } from "../crypto/identity.js";
import { concat, utf8 } from "../wire/bytes.js";
import { pack } from "../wire/packing.js";
import { fromHex } from "./hex.js";
import { verifyConsistency } from "./merkle.js";

const LABEL = utf8("avl/1 audit head\0");
const FIELDS = ["size", "root", "chain", "time_ms", "key", "signature"];

/**
 * @typedef {object} TreeHead
 * @property {number} size entries
 * @property {Uint8Array} root
 * @property {Uint8Array} chain the next entry's `prev`
 * @property {number} timeMs Unix time
 * @property {Uint8Array} key
 * @property {Uint8Array} signature
 */

/** The head that the API or a file tells; null: that is none. Nothing is verified. @param {any} read
 * @returns {TreeHead | null} */
export function headOf(read) {
  if (typeof read !== "object" || read === null || Object.keys(read).sort().join() !== [...FIELDS].sort().join()) return null;
  const { size, time_ms: timeMs } = read;
  const [root, chain, key, signature] = [read.root, read.chain, read.key, read.signature].map(fromHex);
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(timeMs)) return null;
  return root && chain && key && signature ? { size, root, chain, timeMs, key, signature } : null;
}

/** Whether the log's key has signed it, and it has the form of a head. @param {TreeHead} head @returns {Promise<boolean>} */
export async function genuine(head) {
  const { size, root, chain, timeMs, key, signature } = head;
  if (!(size >= 0 && timeMs >= 0) || root.length !== 32 || chain.length !== 32) return false;
  return verify(key, signature, concat(LABEL, pack([size, root, chain, timeMs])));
}

/** What a head is next to the one that was kept (null: none): "first", "next", "older", "forked" or "forged".
 * @param {TreeHead} head @param {readonly Uint8Array[]} proof @param {TreeHead | null} kept
 * @returns {Promise<"first" | "next" | "older" | "forked" | "forged">} */
export async function verdict(head, proof, kept) {
  if (!(await genuine(head))) return "forged";
  if (kept === null) return "first";
  if (head.size < kept.size) return "older";
  return (await verifyConsistency(kept.size, kept.root, head.size, head.root, proof)) ? "next" : "forked";
}
