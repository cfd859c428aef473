/** Exact pixels in the browser: what an object says, what its pixels are, and what a desktop composed of them and of
 * pictures shows. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { Canvas } from "../../viewer/avl_viewer/web/decode/canvas.js";
import { unpacked, write } from "../../viewer/avl_viewer/web/decode/unpack.js";
import { Decompressor } from "../../viewer/avl_viewer/web/decode/zstd.js";
import { decode, indexBits, onCells } from "../../viewer/avl_viewer/web/media/exact.js";
import { Gaps } from "../../viewer/avl_viewer/web/media/gaps.js";
import { concat } from "../../viewer/avl_viewer/web/wire/bytes.js";
import { Refused, RemoteProtocolError } from "../../viewer/avl_viewer/web/wire/errors.js";
import { EXACT_CODING, MAX } from "../../viewer/avl_viewer/web/wire/registry.js";
import * as varint from "../../viewer/avl_viewer/web/wire/varint.js";
import { bytes } from "./vectors/notation.js";

const { SOLID, COPY, PALETTE, PLAIN } = EXACT_CODING;
/** Takes a frame for its own content. */
const stored = {
  decompress: (/** @type {Uint8Array} */ frame, /** @type {number} */ size) => {
    if (frame.length !== size) throw new RemoteProtocolError(0, "size");
    return frame;
  },
};

/** @param {number[]} numbers */
const integers = (...numbers) => concat(...numbers.map((number) => varint.encode(number)));

/** The plaintext of an object. @param {Uint8Array[]} rects @param {object} [more] */
function object(rects, { bits = 1, captured = 5, size = [64, 48], count = rects.length, pixels = new Uint8Array(0) } = {}) {
  return concat(Uint8Array.of(bits), integers(captured, 7, ...size, count), ...rects, pixels);
}

/** @param {number[]} rect @param {number} coding @param {number[]} more */
const rectangle = (rect, coding, ...more) => concat(integers(...rect), Uint8Array.of(coding), Uint8Array.from(more));

test("an object's rectangles, and the bytes that its frame has to give", () => {
  const rects = [
    rectangle([0, 0, 16, 16], SOLID, 1, 2, 3),
    concat(rectangle([16, 0, 16, 16], COPY), integers(33, 5)),
    rectangle([0, 32, 48, 16], PALETTE, 2, ...Array(9).fill(4)),
    rectangle([48, 32, 16, 16], PLAIN),
  ];
  const exact = decode(object(rects, { bits: 3, pixels: Uint8Array.of(9) }));
  assert.deepEqual([exact.capturedUs, exact.inputEchoUs, exact.width, exact.height, exact.settled, exact.size], [5, 7, 64, 48, true, 12 * 16 + 64 * 16]);
  assert.deepEqual(exact.rects.map(({ stride, colours, source }) => [stride, colours.length, source.x]), [[0, 3, 0], [0, 0, 33], [12, 9, 0], [64, 0, 0]]);
  assert.deepEqual([1, 2, 3, 4, 5, 16, 17, 256].map(indexBits), [1, 1, 2, 2, 4, 4, 8, 8]);
});

test("what is cut short, off its cells or more than the desktop is the host's error", () => {
  const good = rectangle([0, 0, 16, 16], SOLID, 1, 2, 3);
  const whole = object([good]);
  for (let size = 0; size < whole.length; size++) assert.throws(() => decode(whole.subarray(0, size)), RemoteProtocolError, `${size}`);
  const plain = rectangle([0, 0, 64, 48], PLAIN);
  const bad = [
    object([good], { bits: 0 }), object([], { count: 0 }), object([good], { count: MAX.EXACT_RECTS + 1 }),
    object([rectangle([0, 0, 16, 16], 4)]), object([plain]), object([good], { pixels: Uint8Array.of(1) }),
    object([plain, rectangle([0, 0, 16, 16], PLAIN)], { pixels: Uint8Array.of(1) }),
    object([concat(rectangle([0, 0, 16, 16], COPY), integers(49, 0))]), object([concat(rectangle([0, 0, 16, 16], COPY), integers(0, 33))]),
  ];
  for (const rect of [[8, 0, 16, 16], [0, 8, 16, 16], [0, 0, 8, 16], [0, 0, 0, 16], [64, 0, 16, 16], [0, 0, 80, 16]]) bad.push(object([rectangle(rect, SOLID, 1, 2, 3)]));
  for (const [at, data] of bad.entries()) assert.throws(() => decode(data), RemoteProtocolError, `${at}`);
  assert.throws(() => decode(object([good], { size: [MAX.PICTURE_SIDE + 1, 48] })), Refused);
  decode(object(Array.from({ length: MAX.EXACT_RECTS }, () => good)));
  assert.ok(onCells({ x: 96, y: 48, width: 4, height: 2 }, 100, 50), "the last cells of a desktop are smaller");
  assert.ok(!onCells({ x: 80, y: 32, width: 18, height: 16 }, 100, 50));
});

/** @param {number} red @param {number} green @param {number} blue */
const word = (red, green, blue) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;

test("the pixels of each coding, whatever stands before them in the frame", () => {
  const palette = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const pattern = Uint8Array.from({ length: 4 * 16 }, (_, at) => (at % 4 ? 0b00011000 : 0b01100001));
  const colours = Uint8Array.from({ length: 1024 }, (_, at) => at);
  const pixels = concat(pattern, Uint8Array.of(0xff, 0), new Uint8Array(30), colours);
  const rects = [
    rectangle([0, 0, 16, 16], PALETTE, 2, ...palette), rectangle([16, 0, 16, 16], PALETTE, 0, 9, 8, 7),
    rectangle([32, 0, 16, 16], PLAIN), rectangle([48, 0, 16, 16], SOLID, 30, 20, 10),
  ];
  const words = new Uint32Array(64 * 16);
  assert.throws(() => unpacked(decode(object(rects, { pixels })), stored), RemoteProtocolError, "one colour, and an index of 1");
  pixels[64] = 0;
  const exact = decode(object(rects, { pixels }));
  const bytes = unpacked(exact, stored);
  exact.rects.forEach((one, at) => write(one, bytes[at], words, one.rect.x, 64));
  const [a, b, c] = [word(3, 2, 1), word(6, 5, 4), word(9, 8, 7)];
  assert.deepEqual([...words.subarray(0, 8)], [b, c, a, b, a, b, c, a]);
  assert.ok(words.subarray(16, 32).every((value) => value === word(7, 8, 9)));
  assert.deepEqual([...words.subarray(32, 34)], [word(2, 1, 0), word(6, 5, 4)]);
  assert.deepEqual([...words.subarray(64 * 15 + 46, 64 * 15 + 50)], [word(250, 249, 248), word(254, 253, 252), word(10, 20, 30), word(10, 20, 30)]);
  const odd = { rect: { x: 0, y: 0, width: 2, height: 1 }, coding: PLAIN, colours: new Uint8Array(0), source: { x: 0, y: 0 }, stride: 8, size: 8 };
  write(odd, Uint8Array.from({ length: 11 }, (_, at) => at).subarray(3), words, 0, 64);
  assert.deepEqual([...words.subarray(0, 2)], [word(5, 4, 3), word(9, 8, 7)], "not at a word's place in the frame");
});

// composing

/** An object of exact pixels with rectangles of one colour each, or copies. @param {number} captured
 * @param {[number[], number | [number, number]][]} rects @param {object} more */
function exact(captured, rects, { size = [64, 48], complete = true } = {}) {
  const bytes = rects.map(([rect, of]) => (Array.isArray(of) ? concat(rectangle(rect, COPY), integers(...of)) : rectangle(rect, SOLID, 0, 0, of)));
  return { track: 2, number: captured, exact: decode(object(bytes, { captured, size })), size: 1, complete, first: 0, last: 0, opened: 0 };
}

/** The red of some pixels. @param {Canvas} canvas @param {[number, number][]} places */
const reds = (canvas, ...places) => places.map(([x, y]) => canvas.words[y * canvas.width + x] & 255);

/** A picture that is noted. @param {Canvas} canvas @param {number} captured @param {number[]} place @param {number[][]}
 * dirty */
function picture(canvas, captured, place, dirty, desktop = [64, 48]) {
  const rect = ([x, y, width, height]) => ({ x, y, width, height });
  const it = { captured, closed: false, close() { this.closed = true; } };
  const frame = /** @type {any} */ ({ track: 1, number: captured, preamble: { capturedUs: captured }, desktop, place: rect(place), width: place[2], height: place[3] });
  return { it, wanted: canvas.note(it, frame, dirty.map(rect)) };
}

const ALL = [0, 0, 64, 48];

test("the newest capture wins, cell by cell, in whatever order objects arrive", () => {
  const canvas = new Canvas(stored);
  assert.deepEqual(canvas.show(exact(10, [[ALL, 1]])).changed, [{ x: 0, y: 0, width: 64, height: 48 }]);
  canvas.show(exact(20, [[[16, 16, 32, 16], 2]]));
  const { changed, complete } = canvas.show(exact(15, [[[0, 16, 64, 32], 3]]));
  assert.ok(complete);
  assert.deepEqual(changed, [{ x: 0, y: 16, width: 16, height: 16 }, { x: 48, y: 16, width: 16, height: 16 }, { x: 0, y: 32, width: 64, height: 16 }]);
  assert.deepEqual(reds(canvas, [0, 0], [0, 16], [16, 16], [47, 31], [48, 16], [16, 32]), [1, 3, 2, 2, 3, 3]);
  assert.deepEqual(canvas.show(exact(5, [[ALL, 4]])).changed, []);
  assert.equal(canvas.exact, 1);
});

test("a copy shows what stands there, though it overlaps, and is left out where that is not known", () => {
  const canvas = new Canvas(stored);
  assert.equal(canvas.show(exact(1, [[[0, 0, 16, 16], [16, 16]]])).complete, false, "nothing is there");
  canvas.show(exact(10, [[ALL, 1], [[0, 0, 64, 16], 2], [[0, 16, 64, 16], 3]]));
  canvas.show(exact(20, [[[0, 16, 64, 32], [0, 0]]]));
  assert.deepEqual(reds(canvas, [5, 0], [5, 16], [5, 32]), [2, 2, 3]);
  canvas.show(exact(30, [[[0, 0, 64, 32], [0, 16]]]));
  assert.deepEqual(reds(canvas, [5, 0], [5, 16], [5, 32]), [2, 3, 3]);
  canvas.show(exact(40, [[[0, 0, 16, 16], 7], [[16, 0, 16, 16], [5, 1]]]));
  assert.deepEqual(reds(canvas, [16, 0], [26, 14], [27, 0], [27, 15]), [7, 7, 2, 3], "as rectangles before it have been shown");
  assert.equal(canvas.show(exact(50, [[[0, 0, 16, 16], [32, 32]]], { complete: false })).complete, false, "an object before it is missing");
  assert.equal(canvas.show(exact(35, [[[48, 32, 16, 16], [0, 0]]])).complete, false, "newer than the copy");
  picture(canvas, 60, ALL, [[32, 32, 16, 16]]);
  assert.equal(canvas.show(exact(70, [[[0, 0, 16, 16], [40, 20]]])).complete, false, "pictures are not exact");
  assert.equal(canvas.show(exact(71, [[[0, 0, 16, 16], [8, 16]]])).complete, true);
});

test("a copy of which a part is overtaken shows the rest", () => {
  const canvas = new Canvas(stored);
  canvas.show(exact(10, [[ALL, 1], [[0, 0, 64, 16], 2]]));
  canvas.show(exact(30, [[[16, 16, 16, 16], 9]]));
  assert.deepEqual(canvas.show(exact(20, [[[0, 16, 64, 16], [0, 0]]])), { changed: [{ x: 0, y: 16, width: 16, height: 16 }, { x: 32, y: 16, width: 32, height: 16 }], complete: true });
  assert.deepEqual(reds(canvas, [0, 16], [16, 16], [32, 16]), [2, 9, 2]);
});

test("a picture is drawn within its rectangles, where nothing as new is exact", () => {
  const canvas = new Canvas(stored);
  canvas.show(exact(10, [[ALL, 1]]));
  const first = picture(canvas, 10, ALL, [ALL]);
  assert.equal(first.wanted, false);
  const second = picture(canvas, 20, ALL, [[0, 0, 32, 32]]);
  assert.deepEqual([second.wanted, first.it.closed, canvas.exact], [true, true, 2 / 3]);
  assert.deepEqual(canvas.show(exact(15, [[[0, 0, 16, 16], 5]])).changed, [], "older than the picture");
  canvas.show(exact(20, [[[0, 0, 16, 16], 6]]));
  const job = /** @type {any} */ (canvas.job());
  assert.deepEqual([job.picture.captured, job.box], [20, { x: 0, y: 0, width: 32, height: 32 }]);
  canvas.show(exact(30, [[[16, 16, 16, 16], 7]]));
  assert.deepEqual(job.taken(), [{ x: 16, y: 0, width: 16, height: 16 }, { x: 0, y: 16, width: 16, height: 16 }], "what became exact meanwhile stays so");
  assert.deepEqual([job.taken(), canvas.job()], [[], null]);
});

test("of pictures of one place only the newest is drawn, with what the others changed; of two places both", () => {
  const canvas = new Canvas(stored);
  canvas.show(exact(1, [[ALL, 1]]));
  const one = picture(canvas, 10, ALL, [[0, 0, 16, 16]]);
  const two = picture(canvas, 20, ALL, [[32, 0, 16, 16]]);
  const three = picture(canvas, 30, [32, 0, 32, 48], [[32, 0, 32, 16]]);
  assert.deepEqual([one.it.closed, two.it.closed, three.it.closed], [true, false, false]);
  const first = /** @type {any} */ (canvas.job());
  assert.deepEqual([first.picture.captured, first.taken()], [20, [{ x: 0, y: 0, width: 16, height: 16 }]]);
  const four = picture(canvas, 40, [32, 0, 32, 48], [[48, 0, 16, 16]]);
  assert.ok(three.it.closed);
  const second = /** @type {any} */ (canvas.job());
  const five = picture(canvas, 50, [32, 0, 32, 48], [[48, 0, 16, 16]]);
  assert.deepEqual([second.picture.captured, second.taken()], [40, [{ x: 32, y: 0, width: 16, height: 16 }]], "what has changed since waits for its turn");
  assert.deepEqual([/** @type {any} */ (canvas.job()).picture.captured, four.it.closed, five.it.closed], [50, false, false], "who takes a job closes it");
});

test("a desktop of another size clears the canvas, if it is newer", () => {
  const canvas = new Canvas(stored);
  canvas.show(exact(10, [[ALL, 1]]));
  const { it } = picture(canvas, 20, ALL, [[0, 0, 16, 16]]);
  const job = /** @type {any} */ (canvas.job());
  picture(canvas, 25, [16, 0, 16, 16], [[16, 0, 16, 16]]);
  assert.deepEqual(canvas.show(exact(15, [[[0, 0, 32, 32], 9]], { size: [32, 32] })), { changed: [], complete: true });
  assert.equal(canvas.width, 64);
  canvas.show(exact(30, [[[0, 0, 32, 16], 9]], { size: [32, 20] }));
  assert.deepEqual([canvas.width, canvas.height, canvas.generation, it.closed, job.taken(), canvas.job()], [32, 20, 2, false, [], null]);
  assert.deepEqual([canvas.exact, canvas.shown, canvas.exactParts], [0.8, false, [{ x: 0, y: 0, width: 32, height: 16 }]]);
  assert.equal(picture(canvas, 29, ALL, [ALL]).it.closed, true, "an older one of the old size");
  canvas.show(exact(31, [[[0, 16, 32, 4], 9]], { size: [32, 20] }));
  assert.ok(canvas.shown);
});

test("damaged pixels change nothing", () => {
  const canvas = new Canvas(stored);
  canvas.show(exact(10, [[ALL, 1]]));
  const data = object([rectangle([0, 0, 16, 16], SOLID, 0, 0, 5), rectangle([16, 0, 16, 16], PLAIN)], { captured: 20, pixels: Uint8Array.of(1, 2) });
  const damaged = { ...exact(20, [[ALL, 1]]), exact: decode(data) };
  assert.throws(() => canvas.show(damaged), RemoteProtocolError);
  assert.deepEqual(reds(canvas, [0, 0], [16, 0]), [1, 1]);
});

test("whatever is sent, it is shown or it is the host's error", async () => {
  const vectors = JSON.parse(await readFile(new URL("../../spec/vectors/exact.json", import.meta.url), "utf-8"));
  const decompressor = await Decompressor.load();
  let seed = 1;
  const chance = (/** @type {number} */ limit) => ((seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) >> 8) % limit;
  const counts = { shown: 0, refused: 0 };
  for (const { plaintext } of vectors.valid.filter((/** @type {any} */ { rects }) => rects.length < 9)) {
    for (let turn = 0; turn < 1500; turn++) {
      const data = bytes(plaintext);
      for (let changes = 1 + chance(3); changes > 0; changes--) data[chance(data.length)] = chance(256);
      const canvas = new Canvas(decompressor);
      try {
        canvas.show({ ...exact(1, [[ALL, 1]]), exact: decode(data.subarray(0, data.length - (chance(4) ? 0 : chance(data.length)))) });
        counts.shown++;
        assert.ok(canvas.words.length <= MAX.PICTURE_PIXELS);
      } catch (error) {
        if (!(error instanceof RemoteProtocolError || error instanceof Refused)) throw error;
        counts.refused++;
      }
    }
  }
  assert.ok(counts.shown > 500 && counts.refused > 500, JSON.stringify(counts));
});

// what is missing

test("gaps are what did not come; beyond so many they count as one", () => {
  const gaps = new Gaps(5);
  gaps.came(5, 0);
  gaps.came(9, 10);
  gaps.came(7, 20);
  assert.deepEqual([gaps.rows, gaps.newest, gaps.lacks(5), gaps.lacks(6)], [[[6, 6], [8, 8]], 9, false, true]);
  assert.deepEqual([gaps.due(99, 90), gaps.due(100, 90), gaps.due(100, 90), gaps.nextCheck(90)], [[], [[6, 6], [8, 8]], [], 190]);
  gaps.told(12, 100);
  gaps.replaced([[6, 8], [11, 11]]);
  assert.deepEqual(gaps.rows, [[10, 10], [12, 12]]);
  for (let at = 0; at < 2 * MAX.MISSING_ROWS; at++) gaps.came(20 + 2 * at, 200);
  assert.ok(gaps.rows.length <= MAX.MISSING_ROWS);
  assert.deepEqual([gaps.rows[0][0], gaps.rows.at(-1)?.[1]], [10, 20 + 4 * MAX.MISSING_ROWS - 3]);
});
