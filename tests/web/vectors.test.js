/**
 * The published vectors in Node; tests/browser/test_vectors.py runs the same ones, and those that need ML-KEM, in
 * Chromium.
 */

import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { everywhere } from "./vectors/all.js";

/** @param {string} name */
const read = async (name) => JSON.parse(await readFile(new URL(`../../spec/vectors/${name}.json`, import.meta.url), "utf8"));

for (const [subject, checks] of Object.entries(await everywhere(read))) {
  describe(subject, () => {
    for (const [name, check] of checks) test(name, async () => void (await check()));
  });
}
