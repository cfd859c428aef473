/**
 * The tree over a log's entries: that an entry is in it, and that a later root has all of an earlier one (spec 14, 14.2;
 * RFC 9162, section 2.1). Leaves are hashed with 0x00 in front, nodes with 0x01.
 */

import { concat, equal } from "../wire/bytes.js";

const HASH = 32;

/** @param {Uint8Array<ArrayBuffer>} data @returns {Promise<Uint8Array<ArrayBuffer>>} */
async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

/** The root of no leaves. @returns {Promise<Uint8Array>} */
export const emptyRoot = () => sha256(new Uint8Array(0));

/** The hash of an encoded entry as a leaf. @param {Uint8Array} entry @returns {Promise<Uint8Array>} */
export const leafHash = (entry) => sha256(concat(Uint8Array.of(0), entry));

/** @param {Uint8Array} left @param {Uint8Array} right @returns {Promise<Uint8Array>} */
export const nodeHash = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

/** The root over these hashes of leaves. @param {readonly Uint8Array[]} leaves @returns {Promise<Uint8Array>} */
export async function rootOf(leaves) {
  if (leaves.length === 0) return emptyRoot();
  let level = [...leaves];
  while (level.length > 1) {
    const above = [];
    for (let at = 0; at + 1 < level.length; at += 2) above.push(await nodeHash(level[at], level[at + 1]));
    if (level.length % 2) above.push(level[level.length - 1]);
    level = above;
  }
  return level[0];
}

/** Whether `leaf` is leaf `index` of the tree of `size` leaves with this root (RFC 9162, 2.1.3.2). @param {number} index
 * @param {number} size @param {Uint8Array} leaf @param {readonly Uint8Array[]} proof @param {Uint8Array} root */
export async function verifyInclusion(index, size, leaf, proof, root) {
  if (!(index >= 0 && index < size) || !areHashes(proof)) return false;
  let [at, last, made] = [index, size - 1, leaf];
  for (const one of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      made = await nodeHash(one, made);
      while (at % 2 === 0 && at > 0) [at, last] = [half(at), half(last)];
    } else {
      made = await nodeHash(made, one);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equal(made, root);
}

/** Whether the tree of `size` leaves begins with that of `old` (RFC 9162, 2.1.4.2). @param {number} old
 * @param {Uint8Array} oldRoot @param {number} size @param {Uint8Array} root @param {readonly Uint8Array[]} proof */
export async function verifyConsistency(old, oldRoot, size, root, proof) {
  if (!(old >= 0 && old <= size) || !areHashes(proof)) return false;
  if (old === 0) {
    const empty = await emptyRoot();
    return proof.length === 0 && equal(oldRoot, empty) && (size > 0 || equal(root, empty));
  }
  if (old === size) return proof.length === 0 && equal(oldRoot, root);
  const path = Number.isInteger(Math.log2(old)) ? [oldRoot, ...proof] : [...proof];
  if (path.length === 0) return false;
  let [at, last] = [old - 1, size - 1];
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  let [first, second] = [path[0], path[0]];
  for (const one of path.slice(1)) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      [first, second] = [await nodeHash(one, first), await nodeHash(one, second)];
      while (at % 2 === 0 && at > 0) [at, last] = [half(at), half(last)];
    } else {
      second = await nodeHash(second, one);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equal(first, oldRoot) && equal(second, root);
}

/** @param {number} value */
function half(value) {
  return Math.floor(value / 2);
}

/** @param {readonly Uint8Array[]} proof */
function areHashes(proof) {
  return proof.every((one) => one.length === HASH);
}
