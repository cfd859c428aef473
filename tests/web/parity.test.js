/** Parity in the browser: every loss that its rows cover is repaired, rows of no use are not kept, and memory is
 * bounded. */

import assert from "node:assert/strict";
import test from "node:test";
import { BLOCK, coefficient, recover } from "../../viewer/avl_viewer/web/media/parity.js";
import { Reassembler } from "../../viewer/avl_viewer/web/media/reassembler.js";
import { decode, encode, paritySize } from "../../viewer/avl_viewer/web/wire/datagram.js";
import { RemoteProtocolError } from "../../viewer/avl_viewer/web/wire/errors.js";
import { DATAGRAM, MAX } from "../../viewer/avl_viewer/web/wire/registry.js";

const PART = MAX.FRAGMENT_PAYLOAD;

/** A small generator of numbers below `limit`, the same on every run. @param {number} seed */
function chance(seed) {
  let x = seed;
  return (/** @type {number} */ limit) => {
    x = (Math.imul(1103515245, x) + 12345) & 0x7fffffff;
    return (x >> 8) % limit;
  };
}

/** a times b in GF(256) as it is defined: shifted additions, reduced by the polynomial 0x11d. @param {number} a @param
 * {number} b */
function product(a, b) {
  let total = 0;
  for (let left = a, right = b; right; right >>= 1) {
    if (right & 1) total ^= left;
    left = (left << 1) ^ (left & 0x80 ? 0x11d : 0);
  }
  return total;
}

/** @param {number} seed @param {number} length */
function object(seed, length) {
  const next = chance(seed);
  const sealed = Uint8Array.from({ length }, () => next(256));
  const fragments = Array.from({ length: Math.ceil(length / PART) }, (_, at) => sealed.slice(at * PART, (at + 1) * PART));
  return { sealed, fragments };
}

/** One row of a block, from the definition. @param {Uint8Array[]} fragments @param {number} block @param {number} row
 * */
function rowOf(fragments, block, row) {
  const own = fragments.slice(block * BLOCK, (block + 1) * BLOCK);
  const out = new Uint8Array(own[0].length);
  own.forEach((fragment, place) => {
    const products = Uint8Array.from({ length: 256 }, (_, value) => product(coefficient(row, place), value));
    fragment.forEach((byte, at) => void (out[at] ^= products[byte]));
  });
  return out;
}

/** @param {number} type @param {number} number @param {number} fragment @param {number} length */
const header = (type, number, fragment, length) => ({ type, object: number, flags: 0, fragment, length });

test("row 0 is the plain sum, and with the points of the matrix every coefficient is y / (x + y)", () => {
  for (let row = 0; row < BLOCK; row++) {
    for (let place = 0; place < BLOCK; place++) {
      assert.equal(product(coefficient(row, place), (128 + place) ^ row), 128 + place);
      if (!row) assert.equal(coefficient(row, place), 1);
    }
  }
});

test("any losses that the rows cover are recovered exactly, and one row fewer gives nothing", () => {
  const next = chance(7);
  for (let round = 0; round < 40; round++) {
    const count = 1 + next(round % 8 ? 20 : 140);
    const length = (count - 1) * PART + 1 + next(PART);
    const { fragments } = object(round, length);
    const block = next(Math.ceil(count / BLOCK));
    const own = fragments.length - block * BLOCK;
    const lost = new Set(Array.from({ length: 1 + next(5) }, () => block * BLOCK + next(Math.min(own, BLOCK))));
    const have = new Map([...fragments.entries()].filter(([index]) => !lost.has(index)));
    /** @type {Map<number, Uint8Array>} */
    const rows = new Map();
    while (rows.size < lost.size) {
      const row = next(BLOCK);
      rows.set(row, rowOf(fragments, block, row));
    }
    const found = recover(length, block, have, rows);
    assert.equal(found?.size, lost.size);
    for (const index of lost) assert.deepEqual(found?.get(index), fragments[index]);
    rows.delete([...rows.keys()][0]);
    assert.equal(recover(length, block, have, rows), null);
  }
});

test("an object is whole as soon as fragments and rows suffice, whichever comes first", () => {
  const length = 2 * PART + 9;
  const { sealed, fragments } = object(1, length);
  const rows = [0, 1].map((row) => rowOf(fragments, 0, row));
  const reassembler = new Reassembler();
  assert.equal(reassembler.add(header(DATAGRAM.PARITY, 1, 1, length), rows[1], 1), null);
  assert.equal(reassembler.add(header(DATAGRAM.PARITY, 1, 1, length), rows[1], 1), null);
  assert.equal(reassembler.add({ ...header(DATAGRAM.PARITY, 1, 0, length), flags: 1 }, rows[0], 1), null);
  assert.equal(reassembler.add(header(DATAGRAM.PARITY, 1, 0, length - 1), rows[0], 1), null);
  assert.equal(reassembler.add(header(DATAGRAM.MEDIA, 1, 2, length), fragments[2], 2), null);
  const whole = reassembler.add(header(DATAGRAM.PARITY, 1, 0, length), rows[0], 3);
  assert.deepEqual(whole, { number: 1, flags: 0, sealed, first: 1, last: 3, repaired: 2 });
  assert.equal(reassembler.add(header(DATAGRAM.MEDIA, 1, 0, length), fragments[0], 4), null);
  assert.equal(reassembler.held, 0);
});

test("parity of one block repairs no other, and rows that are of no use are not kept", () => {
  const length = BLOCK * PART + 50;
  const { sealed, fragments } = object(2, length);
  const reassembler = new Reassembler();
  for (let at = 0; at < BLOCK; at++) if (at !== 9) reassembler.add(header(DATAGRAM.MEDIA, 2, at, length), fragments[at], 0);
  assert.equal(reassembler.add(header(DATAGRAM.PARITY, 2, BLOCK, length), rowOf(fragments, 1, 0), 0), null);
  assert.equal(reassembler.held, BLOCK * PART - PART + 50);
  assert.equal(reassembler.add(header(DATAGRAM.PARITY, 2, BLOCK + 1, length), rowOf(fragments, 1, 1), 0), null);
  assert.equal(reassembler.held, BLOCK * PART - PART + 50);
  assert.deepEqual(reassembler.add(header(DATAGRAM.PARITY, 2, 5, length), rowOf(fragments, 0, 5), 0)?.sealed, sealed);
});

test("what unfinished objects hold is bounded in bytes, the oldest go, and what is over is forgotten", () => {
  const reassembler = new Reassembler();
  const bytes = new Uint8Array(PART);
  for (let number = 0; number < 20; number++) {
    for (let fragment = 0; fragment < 900; fragment++) {
      const type = fragment % 2 ? DATAGRAM.PARITY : DATAGRAM.MEDIA;
      reassembler.add(header(type, number, fragment, MAX.OBJECT_SIZE), bytes, 0);
      assert.ok(reassembler.held <= 8 * 1024 * 1024);
    }
  }
  assert.ok(reassembler.givenUp > 0);
  assert.equal(reassembler.unfinished[0], reassembler.givenUp);
  reassembler.forgetBefore(100);
  assert.equal(reassembler.held, 0);
  for (let number = 100; number < 1000; number += 2) {
    reassembler.add(header(DATAGRAM.MEDIA, number, 0, PART + 1), bytes, number);
    reassembler.add(header(DATAGRAM.MEDIA, number + 1, 0, PART), bytes, number);
    reassembler.incomplete(number + 1000);
  }
  assert.ok(reassembler.remembered <= 128);
});

test("a row has exactly the size of its block's first fragment", () => {
  /** @param {number} fragment @param {number} length @param {number} size */
  const raw = (fragment, length, size) =>
    encode({ handle: 1, type: DATAGRAM.PARITY, track: 1, object: 1, flags: 0, fragment, length }, new Uint8Array(size));
  for (const [fragment, length, size] of [[127, 1000, 1000], [127, 2000, PART], [255, BLOCK * PART + 5, 5]]) {
    assert.equal(paritySize(length, fragment), size);
    assert.equal(decode(raw(fragment, length, size)).payload.length, size);
    assert.throws(() => decode(raw(fragment, length, size - 1)), RemoteProtocolError);
  }
  assert.throws(() => decode(raw(128, 1000, 1000)), RemoteProtocolError);
  assert.throws(() => decode(raw(0, MAX.OBJECT_SIZE + 1, PART)), RemoteProtocolError);
});
