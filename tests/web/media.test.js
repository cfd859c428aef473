/** Media as the browser takes it in: datagrams to objects, objects to decode order, preambles, the host's clock. */

import assert from "node:assert/strict";
import test from "node:test";
import { ClockOffset } from "../../viewer/avl_viewer/web/media/clock.js";
import { Ordering } from "../../viewer/avl_viewer/web/media/ordering.js";
import { decode, shows } from "../../viewer/avl_viewer/web/media/preamble.js";
import { Reassembler } from "../../viewer/avl_viewer/web/media/reassembler.js";
import { concat, utf8 } from "../../viewer/avl_viewer/web/wire/bytes.js";
import { RemoteProtocolError } from "../../viewer/avl_viewer/web/wire/errors.js";
import { CHROMA, MAX } from "../../viewer/avl_viewer/web/wire/registry.js";
import * as varint from "../../viewer/avl_viewer/web/wire/varint.js";

const PART = MAX.FRAGMENT_PAYLOAD;

/** @param {number} object @param {number} length */
function fragments(object, length) {
  const whole = Uint8Array.from({ length }, (_, at) => (at * 7 + object) & 255);
  return Array.from({ length: Math.ceil(length / PART) }, (_, fragment) => ({
    header: { type: 0, object, flags: 0, fragment, length },
    payload: whole.slice(fragment * PART, (fragment + 1) * PART),
    whole,
  }));
}

test("an object is whole when its last fragment arrives, in whatever order", () => {
  const reassembler = new Reassembler();
  const parts = fragments(5, 3 * PART + 10);
  assert.equal(reassembler.add(parts[3].header, parts[3].payload, 1), null);
  assert.equal(reassembler.add(parts[0].header, parts[0].payload, 2), null);
  assert.equal(reassembler.add(parts[2].header, parts[2].payload, 3), null);
  const whole = reassembler.add(parts[1].header, parts[1].payload, 9);
  assert.deepEqual(whole?.sealed, parts[0].whole);
  assert.deepEqual([whole?.number, whole?.first, whole?.last], [5, 1, 9]);
});

test("a fragment that comes twice counts once, and a finished object is not given out again", () => {
  const reassembler = new Reassembler();
  const [one, two] = fragments(1, PART + 1);
  reassembler.add(one.header, one.payload, 0);
  assert.equal(reassembler.add(one.header, one.payload, 0), null);
  assert.ok(reassembler.add(two.header, two.payload, 0));
  assert.equal(reassembler.add(one.header, one.payload, 0), null);
  assert.equal(reassembler.add(two.header, two.payload, 0), null);
});

test("fragments that disagree about their object are left out", () => {
  const reassembler = new Reassembler();
  const [one, two] = fragments(1, PART + 9);
  reassembler.add(one.header, one.payload, 0);
  assert.equal(reassembler.add({ ...two.header, length: PART + 8 }, two.payload.slice(1), 0), null);
  assert.equal(reassembler.add({ ...two.header, flags: 1 }, two.payload, 0), null);
  assert.ok(reassembler.add(two.header, two.payload, 0));
});

test("unfinished objects are bounded, and a forged number far ahead is ignored", () => {
  const reassembler = new Reassembler();
  for (let object = 0; object < 200; object++) {
    const [one] = fragments(object, PART + 1);
    reassembler.add(one.header, one.payload, 0);
  }
  assert.equal(reassembler.givenUp, 136);
  const [forged] = fragments(4_000_000_000, 1);
  assert.equal(reassembler.add(forged.header, forged.payload, 0), null);
  assert.equal(reassembler.newest, 199);
});

test("an object that newer ones have overtaken is given up after patience", () => {
  const reassembler = new Reassembler(250);
  const [late] = fragments(1, PART + 1);
  reassembler.add(late.header, late.payload, 0);
  const [next] = fragments(2, 10);
  reassembler.add(next.header, next.payload, 10);
  assert.deepEqual(reassembler.incomplete(200), []);
  assert.deepEqual(reassembler.incomplete(251), [1]);
});

test("objects below a key object are no longer wanted", () => {
  const reassembler = new Reassembler();
  reassembler.forgetBefore(10);
  const [old] = fragments(9, 5);
  assert.equal(reassembler.add(old.header, old.payload, 0), null);
  const [key] = fragments(10, 5);
  assert.ok(reassembler.add(key.header, key.payload, 0));
});

test("an object waits for the one it depends on, and then all that wait follow", () => {
  /** @type {Ordering<string>} */
  const ordering = new Ordering();
  assert.deepEqual(ordering.add(1, null, "key", 0), ["key"]);
  assert.deepEqual(ordering.add(4, 3, "d", 0), []);
  assert.deepEqual(ordering.add(3, 2, "c", 0), []);
  assert.deepEqual(ordering.add(2, 1, "b", 0), ["b", "c", "d"]);
  assert.equal(ordering.last, 4);
});

test("what an old group needs is never decoded after a key object", () => {
  /** @type {Ordering<string>} */
  const ordering = new Ordering();
  ordering.add(1, null, "key", 0);
  ordering.add(3, 2, "lost its parent", 0);
  assert.deepEqual(ordering.add(5, null, "new key", 0), ["new key"]);
  assert.deepEqual(ordering.add(2, 1, "late", 0), []);
  assert.deepEqual(ordering.add(6, 3, "of the old group", 0), []);
  assert.equal(ordering.nextCheck(), null);
});

test("an object whose dependency does not come asks for recovery after patience, from the first that waits", () => {
  /** @type {Ordering<string>} */
  const ordering = new Ordering(150);
  ordering.add(1, null, "key", 0);
  ordering.add(4, 3, "d", 20);
  ordering.add(3, 2, "c", 10);
  assert.equal(ordering.nextCheck(), 160);
  assert.equal(ordering.stuck(159), null);
  assert.equal(ordering.stuck(161), 3);
});

/** @param {number[]} numbers */
const integers = (...numbers) => concat(...numbers.map((number) => varint.encode(number)));

test("a key object's preamble carries all that a decoder needs", () => {
  const codec = utf8("avc1.F4002A");
  const bytes = concat(
    Uint8Array.of(1), integers(7, 123_456_789, 42), Uint8Array.of(codec.length), codec, integers(640, 368), Uint8Array.of(CHROMA.YUV444),
    integers(1920, 1080, 16, 32, 640, 368), integers(1, 16, 48, 32, 64), utf8("bits"),
  );
  const { preamble, bitstream } = decode(bytes);
  assert.deepEqual(preamble, {
    key: true, group: 7, capturedUs: 123_456_789, inputEchoUs: 42, depends: null, codec: "avc1.F4002A",
    width: 640, height: 368, chroma: CHROMA.YUV444, desktop: [1920, 1080], place: { x: 16, y: 32, width: 640, height: 368 },
    dirty: [{ x: 16, y: 48, width: 32, height: 64 }],
  });
  assert.deepEqual(bitstream, utf8("bits"));
});

test("a delta's preamble names what it depends on", () => {
  const { preamble, bitstream } = decode(concat(Uint8Array.of(0), integers(7, 5, 0, 99, 0)));
  assert.deepEqual([preamble.key, preamble.depends, bitstream.length], [false, 99, 0]);
});

test("every truncated, oversized or nonsensical preamble is the host's error", () => {
  const codec = utf8("avc1.F4002A");
  const whole = concat(
    Uint8Array.of(1), integers(7, 5, 42), Uint8Array.of(codec.length), codec, integers(64, 64), Uint8Array.of(0),
    integers(64, 64, 0, 0, 64, 64), integers(1, 1, 2, 3, 4),
  );
  for (let size = 0; size < whole.length; size++) assert.throws(() => decode(whole.slice(0, size)), RemoteProtocolError, `${size}`);
  decode(whole);
  /** @param {number} width @param {number} chroma @param {number} rects @param {number[]} place */
  const with_ = (width, chroma, rects, place = [0, 0, 64, 64]) =>
    concat(Uint8Array.of(1), integers(7, 5, 42), Uint8Array.of(0), integers(width, 64), Uint8Array.of(chroma), integers(64, 64, ...place, rects));
  decode(with_(64, 0, 0));
  assert.throws(() => decode(with_(64, 2, 0)), RemoteProtocolError);
  assert.throws(() => decode(with_(64, 0, MAX.DIRTY_RECTS + 1)), RemoteProtocolError);
  for (const place of [[0, 0, 0, 64], [8, 0, 16, 16], [0, 0, 24, 64], [16, 0, 64, 64]]) {
    assert.throws(() => decode(with_(64, 0, 0, place)), RemoteProtocolError, `${place}`);
  }
});

test("a picture keeps to its place: rectangles at cells, within it", () => {
  const place = { x: 16, y: 16, width: 48, height: 34 };
  const group = /** @type {any} */ ({ desktop: [100, 50], place });
  const dirty = (/** @type {number[][]} */ ...rows) => /** @type {any} */ ({ dirty: rows.map(([x, y, width, height]) => ({ x, y, width, height })) });
  assert.ok(shows(dirty(), group));
  assert.ok(shows(dirty([16, 16, 48, 34], [32, 48, 16, 2]), group));
  for (const off of [[0, 16, 16, 16], [16, 0, 16, 16], [48, 16, 32, 16], [17, 16, 16, 16], [16, 16, 8, 16], [16, 16, 0, 16]]) {
    assert.ok(!shows(dirty([16, 16, 16, 16], off), group), `${off}`);
  }
});

test("the exchange with the least round trip gives the clock's offset", () => {
  const clock = new ClockOffset();
  assert.equal(clock.toHost(5), 5);
  clock.seed(1100, 100);
  assert.equal(clock.offset, 1000);
  clock.sample(200, 1260, 240);
  clock.sample(300, 1310.5, 301);
  clock.sample(400, 1500, 500);
  assert.equal(clock.offset, 1010);
  assert.equal(clock.error, 0.5);
  assert.equal(clock.fromHost(clock.toHost(77)), 77);
});

test("old exchanges stop counting, so that a drifting clock is followed", () => {
  const clock = new ClockOffset(4);
  clock.sample(0, 1000.5, 1);
  for (let at = 10; at < 50; at += 10) clock.sample(at, at + 2001, at + 2);
  assert.equal(clock.offset, 2000);
});
