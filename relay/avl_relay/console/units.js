/**
 * Units: sizes, rates and times as an operator reads them, in the numbers of the language that is spoken.
 */

import { number } from "./words.js";

const SIZES = /** @type {[string, number][]} */ ([["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]]);
const RATES = /** @type {[string, number][]} */ ([["Gbit/s", 1e9], ["Mbit/s", 1e6], ["kbit/s", 1e3]]);

/** @param {number} bytes */
export function size(bytes) {
  return scaled(bytes, SIZES, "B");
}

/** @param {number} bits  a second */
export function rate(bits) {
  return scaled(bits, RATES, "bit/s");
}

/** A share of something. @param {number} share  0 to 1, or more */
export function percent(share) {
  return `${number(100 * share, { maximumFractionDigits: 1 })} %`;
}

/** @param {number | null | undefined} ms  null: not known */
export function milliseconds(ms) {
  return ms === null || ms === undefined ? "–" : `${number(ms, { maximumFractionDigits: ms < 10 ? 1 : 0 })} ms`;
}

/** @param {number} value @param {[string, number][]} units @param {string} smallest */
function scaled(value, units, smallest) {
  const found = units.find(([, scale]) => value >= scale);
  if (!found) return `${number(Math.round(value))} ${smallest}`;
  return `${number(value / found[1], { maximumFractionDigits: 1 })} ${found[0]}`;
}
