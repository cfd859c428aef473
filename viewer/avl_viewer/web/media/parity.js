/**
 * Parity of a sealed object: an erasure code over GF(256) with one fixed matrix (spec 05-media, 5.2.1).
 *
 * A browser sends no media, so that it only recovers. Row 0 is the plain XOR, by which the common single loss is
 * repaired; the table of all products is made when something needs more than that.
 */

import { PARITY_BLOCK, fragmentCount, fragmentSize } from "../wire/datagram.js";

/** Fragments of a block, and rows that it can have. */
export const BLOCK = PARITY_BLOCK;

/** x^8 + x^4 + x^3 + x^2 + 1, whose root 2 generates the field. */
const POLYNOMIAL = 0x11d;
const ORDER = 255;

/** 2 to the power of 0, 1, ... 254, and the exponent of every element but 0. */
const EXP = new Uint8Array(ORDER);
const LOG = new Uint8Array(256);
for (let exponent = 0, value = 1; exponent < ORDER; exponent++) {
  EXP[exponent] = value;
  LOG[value] = exponent;
  value = value < 0x80 ? value << 1 : (value << 1) ^ POLYNOMIAL;
}

/** The product of a and b at a * 256 + b. @type {Uint8Array | null} */
let products = null;

/** The table of products. @returns {Uint8Array} */
function multiplication() {
  if (!products) {
    products = new Uint8Array(256 * 256);
    for (let a = 1; a < 256; a++) for (let b = 1; b < 256; b++) products[a * 256 + b] = EXP[(LOG[a] + LOG[b]) % ORDER];
  }
  return products;
}

/** The coefficient of a block's fragment `place` in a row, both 0 to 127: (128 + place) / (128 + place XOR row).
 *
 * That is the Cauchy matrix 1 / (x + y) for x = row and y = 128 + place with its columns divided by those of row 0. A
 * column's factor changes no rank, so that every square part of the matrix can be inverted.
 * @param {number} row @param {number} place */
export function coefficient(row, place) {
  const y = BLOCK + place;
  return EXP[(LOG[y] - LOG[y ^ row] + ORDER) % ORDER];
}

/** The missing fragments of one block of an object of `length` bytes, by index in the object; null when there are too
 * few rows for them.
 *
 * `have` goes by index in the object, `parity` by row; sizes are those that `decode` of a datagram has checked. What
 * forged rows give is of the right size and nothing more: the seal rejects it.
 * @param {number} length @param {number} block @param {ReadonlyMap<number, Uint8Array>} have @param
 * {ReadonlyMap<number, Uint8Array>} parity
 * @returns {Map<number, Uint8Array> | null} */
export function recover(length, block, have, parity) {
  const first = block * BLOCK;
  const end = Math.min(first + BLOCK, fragmentCount(length));
  const missing = [];
  for (let index = first; index < end; index++) if (!have.has(index)) missing.push(index);
  const rows = [...parity.keys()].sort((a, b) => a - b).slice(0, missing.length);
  if (rows.length < missing.length) return null;
  const lacking = rows.map((row) => {
    const sum = /** @type {Uint8Array} */ (parity.get(row)).slice();
    for (let index = first; index < end; index++) {
      const known = have.get(index);
      if (known) addProduct(sum, known, coefficient(row, index - first));
    }
    return sum;
  });
  const solved = inverse(rows, missing.map((index) => BLOCK + index - first));
  return new Map(missing.map((index, place) => {
    const fragment = new Uint8Array(fragmentSize(length, first));
    lacking.forEach((sum, row) => addProduct(fragment, sum, solved[place][row]));
    return [index, fragment.subarray(0, fragmentSize(length, index))];
  }));
}

/** Adds factor times source to the bytes of target, which is at least as long. @param {Uint8Array} target @param
 * {Uint8Array} source @param {number} factor */
function addProduct(target, source, factor) {
  if (factor === 1) {
    for (let at = 0; at < source.length; at++) target[at] ^= source[at];
    return;
  }
  const table = multiplication();
  const base = factor * 256;
  for (let at = 0; at < source.length; at++) target[at] ^= table[base + source[at]];
}

/** For each y the coefficients, one an x, by which the rows `xs` give the fragment that stands at `y`.
 *
 * The inverse of a Cauchy matrix in closed form, quadratic where elimination is cubic: nobody can make a receiver work
 * long for a few datagrams. @param {number[]} xs @param {number[]} ys @returns {number[][]} */
function inverse(xs, ys) {
  /** @param {number} one @param {number[]} others */
  const distances = (one, others) => others.reduce((sum, other) => sum + (other === one ? 0 : LOG[one ^ other]), 0);
  const byX = xs.map((x) => distances(x, ys) - distances(x, xs));
  return ys.map((y) => {
    const byY = distances(y, xs) - distances(y, ys) - LOG[y];
    return xs.map((x, at) => EXP[(((byX[at] + byY - LOG[x ^ y]) % ORDER) + ORDER) % ORDER]);
  });
}
