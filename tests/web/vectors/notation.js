/**
 * How vectors are written in JSON (spec/vectors/notation.py), and the few assertions that run in Node and in a page
 * alike.
 *
 * @typedef {[string, () => unknown]} Check  A name and what must not throw.
 */

import { CLOSE } from "../../../viewer/avl_viewer/web/wire/registry.js";

/** @param {string} text @returns {Uint8Array} */
export function bytes(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {Uint8Array} data @returns {string} */
export function hex(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The value of its notation, as packing.js holds it. @param {any} value @returns {any} */
export function untagged(value) {
  if (value === null || typeof value === "boolean") return value;
  if ("int" in value) {
    const exact = BigInt(value.int);
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
  }
  if ("bytes" in value) return bytes(value.bytes);
  if ("list" in value) return value.list.map(untagged);
  if ("map" in value) return new Map(value.map.map((/** @type {[any, any]} */ [key, item]) => [untagged(key), untagged(item)]));
  return value.str;
}

/** A value as text that differs whenever values differ. @param {any} value @returns {string} */
function shown(value) {
  return JSON.stringify(value, (_, item) => {
    if (typeof item === "bigint") return `${item}n`;
    if (item instanceof Uint8Array) return `bytes ${hex(item)}`;
    if (item instanceof Map) return { map: [...item] };
    return item;
  });
}

/** @param {unknown} actual @param {unknown} expected @param {string} [about] */
export function same(actual, expected, about = "") {
  if (shown(actual) !== shown(expected)) throw new Error(`${about}: ${shown(actual)} is not ${shown(expected)}`);
}

/** @param {unknown} value @param {string} about */
export function holds(value, about) {
  if (!value) throw new Error(`${about}: does not hold`);
}

/** The name of the close code that a call earns, or null when it succeeds. @param {() => unknown} call @returns
 * {Promise<string | null>} */
export async function errorOf(call) {
  try {
    await call();
  } catch (error) {
    return codeName(error);
  }
  return null;
}

/** @param {any} error @returns {string} */
export function codeName(error) {
  const found = Object.entries(CLOSE).find(([, code]) => code === error?.code);
  if (!found) throw error;
  return found[0];
}
