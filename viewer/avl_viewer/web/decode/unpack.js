/**
 * Pixels of an object of exact pixels, decompressed into no more than its rectangles need (spec 05-media, 5.7.1), and
 * written as a canvas has them: one little-endian word each, red in the lowest byte, opaque.
 */

import { indexBits } from "../media/exact.js";
import { RemoteProtocolError } from "../wire/errors.js";
import { CLOSE, EXACT_CODING } from "../wire/registry.js";

/** @typedef {import("../media/exact.js").Exact} Exact @typedef {import("../media/exact.js").ExactRect} ExactRect */

const COLOUR = 3;
const OPAQUE = 0xff000000;
const NOTHING = new Uint8Array(0);

/** The bytes of each rectangle, which the next call overwrites. Throws RemoteProtocolError(SESSION_PROTOCOL) where the
 * frame is not what the rectangles need, before anything was written.
 * @param {Exact} exact @param {{ decompress: (frame: Uint8Array, size: number) => Uint8Array }} decompressor
 * @returns {Uint8Array[]} */
export function unpacked(exact, decompressor) {
  const data = exact.size ? decompressor.decompress(exact.pixels, exact.size) : NOTHING;
  let at = 0;
  return exact.rects.map((one) => {
    const bytes = data.subarray(at, (at += one.size));
    if (one.coding === EXACT_CODING.PALETTE) check(one, bytes);
    return bytes;
  });
}

/** Every index has a colour. @param {ExactRect} one @param {Uint8Array} bytes */
function check({ rect, stride, colours }, bytes) {
  const count = colours.length / COLOUR;
  const bits = indexBits(count);
  const mask = (1 << bits) - 1;
  if (count > mask) return;
  for (let row = 0; row < rect.height; row++) {
    for (let column = 0; column < rect.width; column++) {
      const place = column * bits;
      const index = (bytes[row * stride + (place >> 3)] >> (8 - bits - (place & 7))) & mask;
      if (index >= count) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "exact pixels: an index without a colour");
    }
  }
}

/** Write a rectangle's pixels, `at` and `across` being its first word and the words of a row; COPY writes nothing.
 * @param {ExactRect} one @param {Uint8Array} bytes  its own of `unpacked` @param {Uint32Array} words @param {number} at
 * @param {number} across */
export function write(one, bytes, words, at, across) {
  const { rect, coding, colours } = one;
  if (coding === EXACT_CODING.SOLID) {
    const colour = colourOf(colours, 0);
    for (let row = 0; row < rect.height; row++) words.fill(colour, at + row * across, at + row * across + rect.width);
  } else if (coding === EXACT_CODING.PLAIN) {
    plain(one, bytes, words, at, across);
  } else if (coding === EXACT_CODING.PALETTE) {
    const table = Uint32Array.from({ length: colours.length / COLOUR }, (_, number) => colourOf(colours, number));
    paletted(one, bytes, indexBits(table.length), table, words, at, across);
  }
}

/** @param {ExactRect} one @param {Uint8Array} bytes @param {Uint32Array} words @param {number} at @param {number} across */
function plain({ rect }, bytes, words, at, across) {
  const aligned = bytes.byteOffset % 4 ? bytes.slice() : bytes;
  const source = new Uint32Array(aligned.buffer, aligned.byteOffset, rect.width * rect.height);
  for (let row = 0, from = 0; row < rect.height; row++) {
    const end = at + row * across + rect.width;
    for (let to = at + row * across; to < end; to++, from++) {
      const value = source[from];
      words[to] = OPAQUE | ((value & 0xff) << 16) | (value & 0xff00) | ((value >>> 16) & 0xff);
    }
  }
}

/** @param {ExactRect} one @param {Uint8Array} bytes @param {number} bits @param {Uint32Array} table @param {Uint32Array}
 * words @param {number} at @param {number} across */
function paletted({ rect, stride }, bytes, bits, table, words, at, across) {
  const mask = (1 << bits) - 1;
  for (let row = 0; row < rect.height; row++) {
    const end = at + row * across + rect.width;
    for (let to = at + row * across, from = row * stride, shift = 8 - bits; to < end; to++) {
      words[to] = table[(bytes[from] >> shift) & mask];
      shift -= bits;
      if (shift < 0) {
        shift = 8 - bits;
        from++;
      }
    }
  }
}

/** @param {Uint8Array} colours  blue, green, red each @param {number} number */
function colourOf(colours, number) {
  const at = number * COLOUR;
  return (OPAQUE | (colours[at] << 16) | (colours[at + 1] << 8) | colours[at + 2]) >>> 0;
}
