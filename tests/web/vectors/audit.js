/**
 * Checks of audit.json (spec 14): entries and their lines, trees and their proofs, heads.
 */

import { encode, fromLine, link } from "../../../viewer/avl_viewer/web/audit/entry.js";
import { genuine, headOf, verdict } from "../../../viewer/avl_viewer/web/audit/head.js";
import { leafHash, rootOf, verifyConsistency, verifyInclusion } from "../../../viewer/avl_viewer/web/audit/merkle.js";
import { bytes, hex, holds, same } from "./notation.js";

/** @param {any} read */
const head = (read) => /** @type {import("../../../viewer/avl_viewer/web/audit/head.js").TreeHead} */ (headOf(read));

/** @param {any} vectors @returns {import("./notation.js").Check[]} */
export function audits(vectors) {
  return [
    ["lines are the entries whose hashes they name", async () => {
      for (const { line, bytes: encoded, link: next, leaf } of vectors.entries) {
        const raw = encode(await fromLine(line));
        same(hex(raw), encoded);
        same(hex(await link(raw)), next);
        same(hex(await leafHash(raw)), leaf);
      }
    }],
    ["each entry follows the one before it", async () => {
      let end = "00".repeat(32);
      for (const { line, link: next } of vectors.entries) {
        same(hex((await fromLine(line)).prev), end);
        end = next;
      }
      same(vectors.head.chain, end);
    }],
    ["what is no entry is refused", async () => {
      for (const { why, line } of vectors.invalid) {
        same(await fromLine(line).then(() => "read", (/** @type {any} */ error) => error.name), "BadEntry", why);
      }
    }],
    ["a tree has the root and the proofs of all implementations", async () => {
      const leaves = vectors.leaves.map(bytes);
      for (const { size, root, inclusion, consistency } of vectors.trees) {
        same(hex(await rootOf(leaves.slice(0, size))), root);
        for (const { index, proof } of inclusion) {
          const path = proof.map(bytes);
          holds(await verifyInclusion(index, size, leaves[index], path, bytes(root)), `${index} of ${size}`);
          holds(!(await verifyInclusion(index, size, leaves[(index + 1) % 17], path, bytes(root))), "another leaf");
          holds(!(await verifyInclusion(index, size, leaves[index], [...path, leaves[0]], bytes(root))), "a longer proof");
        }
        for (const { old, root: before, proof } of consistency) {
          const path = proof.map(bytes);
          holds(await verifyConsistency(old, bytes(before), size, bytes(root), path), `${old} to ${size}`);
          if (old > 0) holds(!(await verifyConsistency(old, leaves[16], size, bytes(root), path)), "another root before");
          holds(!(await verifyConsistency(old, bytes(before), size, bytes(root), [...path, leaves[0]])), "a longer proof");
        }
      }
    }],
    ["heads are the log's, or nobody's", async () => {
      holds(await genuine(head(vectors.head)), "the head");
      for (const { why, head: forged } of vectors.forged) {
        same(await genuine(head(forged)), false, why);
        same(await verdict(head(forged), [], null), "forged", why);
      }
      same(headOf({ ...vectors.head, more: 1 }), null);
      same(headOf({ ...vectors.head, root: "zz" }), null);
    }],
    ["who keeps a head is led from it to the next, and to no other", async () => {
      const newest = head(vectors.head), fork = head(vectors.fork.head);
      const kept = { ...newest, size: vectors.kept.size, root: bytes(vectors.kept.root) };
      const proof = vectors.proof.map(bytes), other = vectors.fork.proof.map(bytes);
      same(await verdict(newest, [], null), "first");
      same(await verdict(newest, proof, kept), "next");
      same(await verdict(newest, [], newest), "next");
      same(await verdict(newest, other, kept), "forked");
      same(await verdict(newest, [], kept), "forked");
      same(await verdict(fork, other, kept), "forked");
      same(await verdict(fork, [], newest), "forked");
      same(await verdict(newest, [], { ...newest, size: 8 }), "older");
    }],
  ];
}
