/**
 * Files against the vectors: names, paths, links, half-written files, hashes.
 *
 * @typedef {import("./notation.js").Check} Check
 */

import { Hashing } from "../../../viewer/avl_viewer/web/files/hash.js";
import { MACOS, POSIX, WINDOWS, isName, namesOf, partOf } from "../../../viewer/avl_viewer/web/files/names.js";
import { MAX } from "../../../viewer/avl_viewer/web/wire/registry.js";
import { hex, same } from "./notation.js";

/** The bytes of pieces of [byte, count]. @param {[number, number][]} pieces */
function content(pieces) {
  const data = new Uint8Array(pieces.reduce((all, [, count]) => all + count, 0));
  let at = 0;
  for (const [byte, count] of pieces) data.fill(byte, at, (at += count));
  return data;
}

/** @param {any} vectors @returns {Check[]} */
export function files(vectors) {
  return [
    ["names are what each system takes", () => {
      for (const { name, posix, windows, macos } of vectors.names) {
        same([isName(name, POSIX), isName(name, WINDOWS), isName(name, MACOS)], [posix, windows, macos], JSON.stringify(name));
      }
    }],
    ["paths are relative and bounded", () => {
      for (const { path, good } of vectors.paths) same(namesOf(path) !== null, good, path.slice(0, 40));
    }],
    ["a half-written file has its name", async () => {
      for (const { name, part } of vectors.parts) same(await partOf(name), part, name.slice(0, 40));
    }],
    ["a file has its hash, however it comes", async () => {
      const hashing = await Hashing.load();
      for (const { pieces, hash } of vectors.hashes) {
        const data = content(pieces);
        const whole = hashing.file();
        for (let at = 0; at < data.length; at += MAX.FILE_BLOCK) whole.add(data.subarray(at, at + MAX.FILE_BLOCK));
        same(hex(whole.digest()), hash, "by blocks");
        const parts = hashing.file();
        for (const [byte, count] of pieces) {
          if (byte === 0) parts.zeros(count);
          else for (let left = count; left; ) {
            const size = Math.min(left, 100_000, MAX.FILE_BLOCK - (parts.size % MAX.FILE_BLOCK));
            parts.add(new Uint8Array(size).fill(byte));
            left -= size;
          }
        }
        same(hex(parts.digest()), hash, "in pieces");
      }
    }],
  ];
}
