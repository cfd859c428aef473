/** Frames of zstd in the browser: what was announced comes out, nothing larger does, and damage is the sender's fault. */

import assert from "node:assert/strict";
import test from "node:test";
import { Decompressor } from "../../viewer/avl_viewer/web/decode/zstd.js";
import { concat } from "../../viewer/avl_viewer/web/wire/bytes.js";
import { RemoteProtocolError } from "../../viewer/avl_viewer/web/wire/errors.js";
import { CLOSE } from "../../viewer/avl_viewer/web/wire/registry.js";

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const decompressor = await Decompressor.load();

/** A frame of one block with its content's size in four bytes. @param {number} size  that is said to come out
 * @param {number} kind  0: as it is, 1: one byte so many times @param {number} times @param {number[]} block */
function frame(size, kind, times, block) {
  const header = (times << 3) | (kind << 1) | 1;
  const word = (/** @type {number} */ value, /** @type {number} */ bytes) => Array.from({ length: bytes }, (_, at) => (value >>> (8 * at)) & 255);
  return Uint8Array.from([...MAGIC, 0b10100000, ...word(size, 4), ...word(header, 3), ...block]);
}

/** @param {Uint8Array} data @param {number} size */
function refused(data, size) {
  assert.throws(
    () => decompressor.decompress(data, size),
    (error) => error instanceof RemoteProtocolError && error.code === CLOSE.SESSION_PROTOCOL,
  );
}

test("what was announced comes out", () => {
  assert.deepEqual([...decompressor.decompress(frame(4, 0, 4, [1, 2, 3, 4]), 4)], [1, 2, 3, 4]);
  const page = decompressor.decompress(frame(100_000, 1, 100_000, [7]), 100_000);
  assert.equal(page.length, 100_000);
  assert.ok(page.every((value) => value === 7));
});

test("a frame that is larger or smaller than announced is refused, whatever it says of itself", () => {
  const bomb = frame(100_000, 1, 100_000, [7]);
  for (const size of [1, 99_999, 100_001]) refused(bomb, size);
  const liar = frame(16, 1, 100_000, [7]);
  refused(liar, 16);
  refused(liar, 100_000);
});

test("nothing is written beyond what was announced", () => {
  const room = new Decompressor({
    memory: new WebAssembly.Memory({ initial: 1 }),
    malloc: () => 8,
    free: () => undefined,
    ZSTD_decompress: (_to, bound) => (assert.equal(bound, 12), 12),
  });
  assert.equal(room.decompress(frame(12, 1, 12, [7]), 12).length, 12);
});

test("damage is the sender's fault, and the next frame is read all the same", () => {
  const good = frame(4, 0, 4, [1, 2, 3, 4]);
  for (let length = 0; length < good.length; length++) refused(good.slice(0, length), 4);
  for (const at of [0, 1, 2, 3]) refused(good.map((value, place) => (place === at ? value ^ 1 : value)), 4);
  refused(concat(good, Uint8Array.of(0)), 4);
  refused(new Uint8Array(64).fill(0xff), 4);
  assert.deepEqual([...decompressor.decompress(good, 4)], [1, 2, 3, 4]);
});

test("memory is that of the largest frame, and running out of it is an error of the sender", async () => {
  const own = await Decompressor.load();
  const large = frame(100_000, 1, 100_000, [7]);
  own.decompress(large, 100_000);
  assert.equal(own.held, 100_000 + large.length);
  for (let at = 0; at < 50; at++) own.decompress(frame(1, 0, 1, [at]), 1);
  assert.equal(own.held, 100_000 + large.length);
  const full = new Decompressor({ memory: new WebAssembly.Memory({ initial: 1 }), malloc: () => 0, free: () => undefined, ZSTD_decompress: () => 0 });
  assert.throws(() => full.decompress(large, 100_000), RemoteProtocolError);
});
