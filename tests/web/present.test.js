/** Pictures on their way to the canvas. */

import assert from "node:assert/strict";
import test from "node:test";
import { Canvas } from "../../viewer/avl_viewer/web/decode/canvas.js";
import { Halves, levels } from "../../viewer/avl_viewer/web/present/halves.js";
import { Painter, within } from "../../viewer/avl_viewer/web/present/painter.js";
import { EXACT_CODING } from "../../viewer/avl_viewer/web/wire/registry.js";

/** @typedef {import("../../viewer/avl_viewer/web/media/preamble.js").Rect} Rect */

/** @param {number} x @param {number} y @param {number} width @param {number} height @returns {Rect} */
const rect = (x, y, width, height) => ({ x, y, width, height });
const WHOLE = rect(0, 0, 64, 64);

test("parts of a picture are widened to whole chroma samples and kept within the picture", () => {
  const picture = /** @type {any} */ ({ displayWidth: 102, displayHeight: 81, visibleRect: { x: 0, y: 2 } });
  assert.deepEqual(within(picture, rect(16, 32, 16, 16)), rect(16, 34, 16, 16));
  assert.deepEqual(within(picture, rect(96, 64, 5, 17)), rect(96, 66, 6, 17));
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
  /** @type {string[]} */
  let path = [];
  const context = {
    putImageData: (/** @type {any} */ image, /** @type {number[]} */ ...[x, y, left, top, width, height]) =>
      drawn.push(`${image.data[(top * image.width + left) * 4]} at ${x + left},${y + top} ${width}x${height}`),
    save() {}, restore() {}, clip() {}, beginPath: () => (path = []),
    rect: (/** @type {number[]} */ ...sides) => path.push(sides.join()),
    drawImage: (/** @type {any} */ image, /** @type {number[]} */ ...sides) => drawn.push(`${image.name} [${sides.join()}] in ${path.join(" ")}`),
  };
  const surface = /** @type {any} */ ({ width: 1, height: 1, getContext: () => ({ ...context, canvas: surface }) });
  /** @type {any[]} */
  const presented = [];
  const painter = new Painter(surface, (objects) => presented.push(objects), () => 0);
  let canvas = new Canvas({ decompress: (frame) => frame });
  /** @param {number} number @param {Rect[]} dirty @param {Rect} place @param {number} width  of the picture */
  const paint = (number, dirty, place = WHOLE, width = place.width) => {
    const picture = /** @type {any} */ ({
      name: `picture ${number}`, displayWidth: width, displayHeight: 64, visibleRect: { x: 0, y: 0 },
      allocationSize: (/** @type {any} */ { rect: of }) => (converts ? of.width * of.height * 4 : of.width * of.height * 3),
      copyTo: (/** @type {Uint8ClampedArray} */ into) => new Promise((done) => copies.push(() => done(into.fill(number)))),
      close: () => closed.add(number),
    });
    const frame = /** @type {any} */ ({ track: 1, number, preamble: { capturedUs: number }, desktop: [64, 64], place, width, height: place.height });
    if (canvas.note(picture, frame, dirty)) painter.paint({ desktop: 1, track: 1, number, canvas, changed: [] });
  };
  /** @param {number} number @param {Rect} rect */
  const exact = (number, rect) => {
    const one = { rect, coding: EXACT_CODING.SOLID, colours: Uint8Array.of(0, 0, number), source: { x: 0, y: 0 }, stride: 0, size: 0 };
    const object = /** @type {any} */ ({ complete: true, exact: { capturedUs: number, width: 64, height: 64, rects: [one], size: 0 } });
    painter.paint({ desktop: 1, track: 2, number, canvas, changed: canvas.show(object).changed });
  };
  const settle = async () => {
    while (copies.length) {
      copies.shift()?.();
      await new Promise((done) => setTimeout(done, 0));
    }
  };
  const renew = () => void (canvas = new Canvas({ decompress: (frame) => frame }));
  return { paint, exact, settle, renew, surface, drawn, closed, presented, frames };
}

test("of a picture what changed is drawn, and told of once it is on the screen", async () => {
  const { paint, settle, surface, drawn, closed, presented, frames } = stage();
  paint(1, [WHOLE]);
  await settle();
  paint(2, [rect(16, 0, 16, 32)]);
  await settle();
  assert.deepEqual(drawn, ["1 at 0,0 64x64", "2 at 16,0 16x32"]);
  assert.deepEqual([...closed], [1, 2]);
  assert.deepEqual([surface.width, surface.height], [64, 64]);
  assert.deepEqual(presented, []);
  frames.shift()?.();
  assert.deepEqual(presented, [[[1, 1], [1, 2]]]);
});

test("of pictures that come while one is drawn only the newest follows, with what the others changed", async () => {
  const { paint, settle, drawn, closed } = stage();
  paint(1, [WHOLE]);
  await settle();
  paint(2, [rect(0, 0, 16, 16)]);
  paint(3, [rect(16, 16, 16, 16)]);
  paint(4, [rect(32, 32, 16, 16)]);
  await settle();
  assert.deepEqual(drawn, ["1 at 0,0 64x64", "2 at 0,0 16x16", "4 at 16,16 16x16", "4 at 32,32 16x16"]);
  assert.equal(closed.size, 4);
});

test("exact pixels are drawn at once, while a picture is converted too, and stay where they are newer", async () => {
  const { paint, exact, settle, drawn, presented, frames } = stage();
  exact(1, WHOLE);
  paint(2, [rect(0, 0, 32, 16)]);
  exact(3, rect(16, 0, 16, 16));
  exact(1, rect(48, 48, 16, 16));
  assert.deepEqual(drawn, ["1 at 0,0 64x64", "3 at 16,0 16x16", "1 at 48,48 16x16"]);
  await settle();
  assert.deepEqual(drawn.slice(3), ["2 at 0,0 16x16"]);
  frames.shift()?.();
  assert.deepEqual(presented, [[[2, 1], [2, 3], [2, 1], [1, 2]]]);
});

test("a picture of which nothing is wanted any more is not told of", async () => {
  const { paint, exact, settle, drawn, closed, presented, frames } = stage();
  paint(1, [WHOLE]);
  exact(2, WHOLE);
  await settle();
  frames.shift()?.();
  assert.deepEqual([drawn, presented, [...closed]], [["2 at 0,0 64x64"], [[[2, 2]]], [1]]);
});

test("a canvas that others drew on before is drawn whole, and one that is replaced is drawn no more", async () => {
  const { paint, exact, settle, renew, drawn, closed } = stage();
  exact(5, WHOLE);
  paint(6, [rect(0, 0, 16, 16)]);
  renew();
  exact(1, rect(0, 0, 32, 16));
  await settle();
  assert.deepEqual([drawn, [...closed]], [["5 at 0,0 64x64", "1 at 0,0 32x16"], [6]]);
});

test("a picture of fewer pixels than its place, or that the browser can't convert, is stretched, and seen where it is wanted", async () => {
  const place = rect(16, 16, 32, 32);
  for (const [converts, width] of /** @type {[boolean, number][]} */ ([[true, 16], [false, 32]])) {
    const { paint, exact, settle, drawn } = stage(converts);
    paint(1, [place], place, width);
    exact(2, rect(16, 16, 16, 16));
    await settle();
    paint(3, [rect(32, 16, 16, 16)], place, width);
    await settle();
    await new Promise((done) => setTimeout(done, 0));
    assert.deepEqual(drawn.at(-1), `picture 3 [0,0,${width},32,16,16,32,32] in 32,16,16,16`);
  }
});

/** What is drawn on canvases that know their sizes alone: "name: from in other -> to". */
function easels() {
  /** @type {string[]} */
  const drawn = [];
  let made = 0;
  const make = (/** @type {number} */ width, /** @type {number} */ height, name = `canvas ${++made}`) => {
    const canvas = /** @type {any} */ ({ name, width, height });
    const drawImage = (/** @type {any} */ other, /** @type {number[]} */ ...sides) => drawn.push(`${name}: ${other.name} ${sides.join()}`);
    canvas.getContext = () => ({ canvas, drawImage });
    return canvas;
  };
  return { drawn, make };
}

test("below half size what is drawn is halved on its way, odd edges included, and whole again when it is larger", () => {
  const { drawn, make } = easels();
  const surface = make(1, 1, "surface");
  const halves = new Halves(surface, make);
  halves.resize(41, 20);
  assert.deepEqual([surface.width, surface.height, halves.any], [41, 20, false]);
  halves.changed([rect(0, 0, 41, 20)]);
  assert.deepEqual(drawn.splice(0), []);
  halves.times(1);
  assert.deepEqual([surface.width, surface.height, halves.any], [21, 10, true]);
  assert.deepEqual(drawn.splice(0), [
    "canvas 1: surface 0,0",
    "surface: canvas 1 0,0,40,20,0,0,20,10",
    "surface: canvas 1 40,0,1,20,20,0,1,10",
  ]);
  halves.changed([rect(7, 5, 6, 4)]);
  assert.deepEqual(drawn.splice(0), ["surface: canvas 1 6,4,8,6,3,2,4,3"]);
  halves.times(2);
  assert.deepEqual([surface.width, surface.height], [11, 5]);
  assert.equal(drawn.splice(0)[0], "canvas 2: canvas 1 0,0");
  halves.grow(48, 36);
  assert.deepEqual([halves.whole.canvas.width, surface.width], [48, 12]);
  assert.deepEqual(drawn.splice(0).slice(0, 3), ["canvas 4: canvas 2 0,0", "canvas 2: canvas 4 0,0", "canvas 3: canvas 2 0,0,48,36,0,0,24,18"]);
  halves.resize(64, 64);
  assert.deepEqual([halves.whole.canvas.width, surface.width], [64, 16]);
  halves.times(0);
  assert.deepEqual([surface.width, surface.height, drawn], [64, 64, ["surface: canvas 2 0,0"]]);
});

test("what is left to the browser is more than a half", () => {
  assert.deepEqual([2, 1, 0.75, 0.51, 0.5, 0.4, 0.25, 0.2].map(levels), [0, 0, 0, 0, 1, 1, 2, 2]);
});
