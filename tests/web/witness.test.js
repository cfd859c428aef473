/** What a page keeps of relays' audit logs: heads that go on from each other, and a loud word for one that does not. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { headOf } from "../../viewer/avl_viewer/web/audit/head.js";
import { toHex } from "../../viewer/avl_viewer/web/audit/hex.js";
import { MemoryShelf, Witness } from "../../viewer/avl_viewer/web/audit/witness.js";
import { Paths } from "../../viewer/avl_viewer/web/paths/paths.js";
import { MemoryHops } from "./doubles/hops.js";
import { bytes } from "./vectors/notation.js";

/** @typedef {import("../../viewer/avl_viewer/web/audit/head.js").TreeHead} TreeHead */

const vectors = JSON.parse(readFileSync(new URL("../../spec/vectors/audit.json", import.meta.url), "utf8"));
const whole = /** @type {TreeHead} */ (headOf(vectors.head));
const forked = /** @type {TreeHead} */ (headOf(vectors.fork.head));
const before = { ...whole, size: vectors.kept.size, root: bytes(vectors.kept.root) };
const log = toHex(whole.key);

/** HEAD, as it is read from the wire. @param {TreeHead} head @param {string[]} [proof] */
const shown = ({ timeMs, ...head }, proof = []) => ({ ...head, time_ms: timeMs, proof: proof.map(bytes) });

/** A witness who keeps this. @param {TreeHead | null} head */
function keeping(head) {
  const shelf = new MemoryShelf();
  /** @type {string[]} */
  const told = [];
  if (head) shelf.kept.set(log, { head, against: null });
  return { shelf, told, witness: new Witness(shelf, (text) => told.push(text)) };
}

test("a head that goes on from the one that was kept takes its place, and nobody is told", async () => {
  const { shelf, told, witness } = keeping(before);
  assert.equal(await witness.known(whole.key), vectors.kept.size);
  assert.equal(await witness.hear(whole.key, shown(whole, vectors.proof)), "next");
  assert.equal(await witness.known(whole.key), whole.size);
  assert.equal(await witness.hear(whole.key, shown(whole)), "next", "the same again");
  assert.deepEqual([told, shelf.kept.get(log)?.against], [[], null]);
  const fresh = keeping(null);
  assert.equal(await fresh.witness.known(whole.key), 0);
  assert.equal(await fresh.witness.hear(whole.key, shown(whole)), "first");
});

test("a head that is not consistent is said loudly, once, and both are kept as evidence", async () => {
  const { shelf, told, witness } = keeping(before);
  assert.equal(await witness.hear(whole.key, shown(whole, vectors.proof.slice(1))), "forked", "a proof that leads nowhere");
  assert.equal(await witness.hear(whole.key, shown(forked, vectors.fork.proof)), "forked");
  assert.deepEqual(told, [`The relay's audit log was changed: its first ${before.size} entries are not what they were.`]);
  assert.deepEqual(shelf.kept.get(log), { head: before, against: whole }, "the first that contradicted");
  const later = keeping({ ...whole, size: whole.size + 1 });
  assert.equal(await later.witness.hear(whole.key, shown(whole)), "older");
  assert.match(later.told[0], /somebody has cut it, or shows an old copy of it/);
});

test("a head that the relay's key has not signed is no evidence, and is said all the same", async () => {
  for (const [relay, head] of /** @type {[Uint8Array, TreeHead][]} */ ([[whole.key, { ...whole, timeMs: 1 }], [bytes("00".repeat(32)), whole]])) {
    const { shelf, told, witness } = keeping(null);
    assert.equal(await witness.hear(relay, shown(head)), "forged");
    assert.deepEqual(told, ["The relay showed a state of its audit log that the log's key has not signed."]);
    assert.equal(shelf.kept.size, 0);
  }
});

test("a page that has attached says what it keeps, and hears the heads of who is there", async () => {
  const { told, witness } = keeping(before);
  const net = new MemoryHops();
  const relay = { quic: "relay:1", url: "https://relay:1/avl", pin: new Uint8Array(32), hashes: /** @type {Uint8Array[]} */ ([]) };
  const world = { dial: net.dial, directions: async () => relay, clock: () => net.now, after() {}, heads: witness };
  const owner = { pathsReady() {}, pathsFailed() {}, pathsMessage: () => assert.fail("heads are none of the session's"), pathsChanged() {} };
  new Paths(world, relay, 5n, new Uint8Array(16), owner).open();
  await net.last.welcome({ identity: whole.key });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(net.last.said.filter(({ kind }) => kind === "HEAD_KNOWN"), [{ kind: "HEAD_KNOWN", size: before.size }]);
  await net.last.say("HEAD", shown(forked, vectors.fork.proof));
  assert.equal(await witness.hear(whole.key, shown(whole, vectors.proof)), "next");
  assert.equal(told.length, 1);
});
