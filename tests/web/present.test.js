/** Pictures on their way to the canvas. */

import assert from "node:assert/strict";
import test from "node:test";
import { Painter, drawable } from "../../viewer/avl_viewer/web/present/painter.js";

/** @typedef {import("../../viewer/avl_viewer/web/media/preamble.js").Rect} Rect */

/** @param {number} x @param {number} y @param {number} width @param {number} height @returns {Rect} */
const rect = (x, y, width, height) => ({ x, y, width, height });

test("rectangles are widened to whole chroma samples and kept within the picture", () => {
  assert.deepEqual(drawable([rect(3, 5, 4, 4)], 100, 80), [rect(2, 4, 6, 6)]);
  assert.deepEqual(drawable([rect(97, 77, 50, 50)], 101, 81), [rect(96, 76, 5, 5)]);
  assert.deepEqual(drawable([rect(200, 10, 5, 5), rect(0, 0, 0, 4)], 100, 80), []);
});

test("rectangles far apart are drawn apart, near ones and many as one", () => {
  const far = [rect(0, 0, 10, 10), rect(1800, 1000, 10, 10)];
  assert.deepEqual(drawable(far, 1920, 1080), far);
  assert.deepEqual(drawable([rect(0, 0, 10, 10), rect(20, 0, 10, 10)], 1920, 1080), [rect(0, 0, 30, 10)]);
  const many = Array.from({ length: 7 }, (_, at) => rect(at * 200, at * 100, 10, 10));
  assert.deepEqual(drawable(many, 1920, 1080), [rect(0, 0, 1210, 610)]);
});

/** A canvas, and pictures whose copies are done when the test says so. @param {boolean} converts */
function stage(converts = true) {
  /** @type {string[]} */
  const drawn = [];
  /** @type {(() => void)[]} */
  const copies = [];
  /** @type {(() => void)[]} */
  const frames = [];
  const closed = new Set();
  const scope = /** @type {any} */ (globalThis);
  scope.requestAnimationFrame = (/** @type {() => void} */ then) => frames.push(then);
  scope.ImageData = class {
    /** @param {Uint8ClampedArray} data @param {number} width */
    constructor(data, width) {
      this.data = data;
      this.width = width;
    }
  };
  scope.VideoFrame = class {
    /** @param {any} of @param {any} options */
    constructor(of, options) {
      this.name = `${of.name} ${JSON.stringify(Object.values(options.visibleRect))}`;
    }
    close() {}
  };
  const context = {
    putImageData: (/** @type {any} */ image, /** @type {number} */ x, /** @type {number} */ y) => drawn.push(`${image.data[0]} at ${x},${y}`),
    drawImage: (/** @type {any} */ image, /** @type {number} */ x, /** @type {number} */ y) => drawn.push(`${image.name} at ${x},${y}`),
  };
  const canvas = /** @type {any} */ ({ width: 1, height: 1, getContext: () => context });
  /** @type {number[][]} */
  const presented = [];
  const painter = new Painter(canvas, (numbers) => presented.push(numbers), () => 0);
  /** @param {number} number @param {Rect[] | null} dirty */
  const paint = (number, dirty) =>
    painter.paint(
      /** @type {any} */ ({
        frame: { number, width: 64, height: 64 },
        dirty,
        picture: {
          name: `picture ${number}`, displayWidth: 64, displayHeight: 64, visibleRect: { x: 0, y: 0 },
          allocationSize: (/** @type {any} */ { rect: of }) => (converts ? of.width * of.height * 4 : of.width * of.height * 3),
          copyTo: (/** @type {Uint8ClampedArray} */ into) => new Promise((done) => copies.push(() => done(into.fill(number)))),
          close: () => closed.add(number),
        },
      }),
    );
  const settle = async () => {
    while (copies.length) {
      copies.shift()?.();
      await new Promise((done) => setTimeout(done, 0));
    }
  };
  return { paint, settle, drawn, closed, presented, frames };
}

test("the first picture is drawn whole, the next only where it differs", async () => {
  const { paint, settle, drawn, closed, presented, frames } = stage();
  paint(1, [rect(2, 2, 4, 4)]);
  await settle();
  paint(2, [rect(2, 2, 4, 4)]);
  await settle();
  assert.deepEqual(drawn, ["1 at 0,0", "2 at 2,2"]);
  assert.deepEqual([...closed], [1, 2]);
  assert.deepEqual(presented, []);
  frames.shift()?.();
  assert.deepEqual(presented, [[1, 2]]);
});

test("of pictures that come while one is drawn only the newest follows, with what the others changed", async () => {
  const { paint, settle, drawn, closed } = stage();
  paint(1, null);
  await settle();
  paint(2, [rect(0, 0, 2, 2)]);
  paint(3, [rect(10, 10, 2, 2)]);
  paint(4, [rect(20, 20, 2, 2)]);
  await settle();
  assert.deepEqual(drawn, ["1 at 0,0", "2 at 0,0", "4 at 10,10"]);
  assert.equal(closed.size, 4);
});

test("a browser that can't convert draws the parts as they are", async () => {
  const { paint, settle, drawn } = stage(false);
  paint(1, null);
  await settle();
  paint(2, [rect(4, 6, 2, 2)]);
  await new Promise((done) => setTimeout(done, 0));
  assert.deepEqual(drawn, ["picture 1 [0,0,64,64] at 0,0", "picture 2 [4,6,2,2] at 4,6"]);
});
