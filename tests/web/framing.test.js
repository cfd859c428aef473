/** Framing: messages come out whole wherever the stream is cut, and none over the limit. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, utf8 } from "../../viewer/avl_viewer/web/wire/bytes.js";
import { FrameReader, ShortFrameReader, frame } from "../../viewer/avl_viewer/web/wire/framing.js";
import { CLOSE } from "../../viewer/avl_viewer/web/wire/registry.js";

const MESSAGES = ["", "a", "x".repeat(63), "y".repeat(64), "z".repeat(20_000)].map(utf8);

test("messages come out whole wherever the stream is cut", () => {
  const stream = concat(...MESSAGES.map((message) => frame(message, 20_000)));
  for (const size of [1, 2, 7, 63, 1000, 19_999, stream.length]) {
    const reader = new FrameReader(20_000);
    const out = [];
    for (let at = 0; at < stream.length; at += size) out.push(...reader.feed(stream.subarray(at, at + size)));
    assert.deepEqual(out, MESSAGES);
    assert.equal(reader.pending, 0);
  }
});

test("a message over the limit is refused by its length alone, on either side", () => {
  assert.throws(() => frame(utf8("four"), 3), { name: "LocalProtocolError" });
  const reader = new FrameReader(3, CLOSE.SESSION_PROTOCOL);
  assert.throws(() => reader.feed(Uint8Array.of(4)), { name: "RemoteProtocolError", code: CLOSE.SESSION_PROTOCOL });
});

test("what came out is not changed by what follows", () => {
  const reader = new FrameReader(100);
  const [first] = reader.feed(frame(utf8("first"), 100));
  reader.feed(frame(utf8("other"), 100));
  assert.deepEqual(first, utf8("first"));
});

test("bodies with 16 bits of length come out whole, and the rest can be taken back", () => {
  const body = utf8("body");
  const stream = concat(Uint8Array.of(0, 4), body, Uint8Array.of(0, 0), Uint8Array.of(0, 9), utf8("cut"));
  for (let size = 1; size <= stream.length; size++) {
    const reader = new ShortFrameReader(9);
    const out = [];
    for (let at = 0; at < stream.length; at += size) {
      reader.feed(stream.subarray(at, at + size));
      for (let next = reader.next(); next !== null; next = reader.next()) out.push(next);
    }
    assert.deepEqual(out, [body, new Uint8Array(0)]);
    assert.deepEqual(reader.clear(), concat(Uint8Array.of(0, 9), utf8("cut")));
    assert.equal(reader.next(), null);
  }
});

test("a body over the limit is refused", () => {
  const reader = new ShortFrameReader(9);
  reader.feed(Uint8Array.of(0, 10));
  assert.throws(() => reader.next(), { name: "RemoteProtocolError", code: CLOSE.SESSION_PROTOCOL });
});
