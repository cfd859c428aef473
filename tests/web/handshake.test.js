/**
 * Whole handshakes of the page in Node: every story of the vectors that a Python host told, and what a person reads of
 * a chain that was refused.
 *
 * Node 20 has no ML-KEM. All stories are of one key pair, whose public key, ciphertext and secret are published beside
 * them (kem.json): it stands for ML-KEM here. Chromium runs the same stories with its own.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, describe, test } from "node:test";
import { GrantRefused } from "../../viewer/avl_viewer/web/wire/errors.js";
import { GRANT_REFUSAL, GRANT_REFUSALS } from "../../viewer/avl_viewer/web/wire/registry.js";
import { stories } from "./vectors/handshake.js";
import { bytes, hex } from "./vectors/notation.js";

/** @param {string} name */
const read = async (name) => JSON.parse(await readFile(new URL(`../../spec/vectors/${name}.json`, import.meta.url), "utf8"));
const [vectors, kem] = await Promise.all([read("handshake"), read("kem")]);

/** One key pair in the place of ML-KEM; any other ciphertext than the one it knows has another secret, as in FIPS 203. */
class OneKem {
  /** @param {string} format @param {BufferSource} data @param {any} rest */
  async importKey(format, data, ...rest) {
    if (format !== "raw-seed") return SubtleCrypto.prototype.importKey.call(crypto.subtle, .../** @type {[any, any, any, any, any]} */ ([format, data, ...rest]));
    assert.equal(hex(/** @type {Uint8Array} */ (data)), kem.seed);
    return { kem: "private" };
  }

  async getPublicKey() {
    return { kem: "public" };
  }

  /** @param {string} format @param {any} key */
  async exportKey(format, key) {
    return format === "raw-public" ? bytes(kem.public).buffer : SubtleCrypto.prototype.exportKey.call(crypto.subtle, /** @type {any} */ (format), key);
  }

  /** @param {unknown} _ @param {unknown} key @param {Uint8Array} ciphertext */
  async decapsulateBits(_, key, ciphertext) {
    return hex(ciphertext) === kem.ciphertext ? bytes(kem.secret).buffer : new Uint8Array(32).buffer;
  }
}

describe("handshakes", () => {
  before(() => {
    const one = new OneKem();
    for (const name of ["importKey", "getPublicKey", "exportKey", "decapsulateBits"]) {
      Object.defineProperty(crypto.subtle, name, { value: /** @type {any} */ (one)[name], configurable: true });
    }
  });
  for (const [name, check] of stories(vectors)) test(name, async () => void (await check()));
});

test("the stories have a chain that was taken, and one refused for each reason", () => {
  const chains = vectors.stories.filter((/** @type {any} */ story) => story.viewer.chain.length);
  assert.ok(chains.some((/** @type {any} */ story) => story.keys && story.keys.which === null && !story.keys.resumed));
  const reasons = new Set(chains.flatMap((/** @type {any} */ story) => story.steps.map((/** @type {any} */ step) => step.why)));
  for (const why of Object.values(GRANT_REFUSAL)) assert.ok(reasons.has(why), `${why}`);
});

test("a person reads why a chain was refused, in words", () => {
  for (const why of Object.values(GRANT_REFUSAL)) {
    const about = /** @type {Record<number, string>} */ (GRANT_REFUSALS)[why];
    assert.equal(new GrantRefused(why).message, `The host refused the grant: ${about}.`);
  }
  assert.equal(new GrantRefused(999).message, "The host refused the grant.");
});
