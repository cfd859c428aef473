/**
 * The worker of `./dev bench unpack`: the page's own modules and what they could be replaced with, on the objects that
 * the bench serves. Each figure is the least of its runs, in milliseconds.
 */

import { Canvas } from "/web/decode/canvas.js";
import { Decompressor } from "/web/decode/zstd.js";
import { decode } from "/web/media/exact.js";
import { Painter } from "/web/present/painter.js";
import { ZSTDDecoder } from "/web/vendor/zstddec/zstddec.mjs";

/** Milliseconds that one figure may take, and runs at least. */
const SHARE = Number(new URLSearchParams(self.location.search).get("share"));
const LEAST = 5;

/** @param {string} name */
const read = async (name) => new Uint8Array(await (await fetch(`/data/${name}`)).arrayBuffer());

/** @param {() => unknown} run */
async function least(run) {
  let best = Infinity;
  const end = performance.now() + SHARE;
  for (let runs = 0; runs < LEAST || performance.now() < end; runs++) {
    const begin = performance.now();
    const done = run();
    if (done instanceof Promise) await done;
    best = Math.min(best, performance.now() - begin);
  }
  return best;
}

/** @param {Uint8Array} data @param {number} size */
async function inflated(data, size) {
  const stream = new DecompressionStream("deflate-raw");
  const writer = stream.writable.getWriter();
  void writer.write(data);
  void writer.close();
  const out = new Uint8Array(size);
  let at = 0;
  for await (const part of stream.readable) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** @param {OffscreenCanvas} surface */
async function measure(surface) {
  const decompressor = await Decompressor.load();
  const plain = new ZSTDDecoder();
  await plain.init();
  const canvas = new Canvas(decompressor);
  const painter = new Painter(surface, () => undefined, () => performance.now());
  const context = surface.getContext("2d");
  const drawn = () => context.getImageData(0, 0, 1, 1);
  let captured = 0;
  /** @type {Record<string, Record<string, number>>} */
  const figures = {};
  const { objects, sizes } = await (await fetch("/data/index.json")).json();
  for (const { name } of objects) {
    const data = await read(name);
    const of = (figures[name] = {});
    let shown = { changed: [] };
    of.read = await least(() => decode(data));
    of.compose = await least(() => (shown = canvas.show({ exact: { ...decode(data), capturedUs: ++captured }, complete: true })));
    of.draw = await least(() => (painter.paint({ desktop: 1, track: 2, number: 1, canvas, changed: shown.changed }), drawn()));
  }
  for (const [name, width, height] of sizes) {
    const [raw, zstd, deflate] = [await read(`${name}.raw`), await read(`${name}.zstd`), await read(`${name}.deflate`)];
    const of = (figures[name] = {});
    of.zstd = await least(() => decompressor.decompress(zstd, raw.length));
    of.package = await least(() => plain.decode(zstd, raw.length));
    of.deflate = await least(() => inflated(deflate, raw.length));
    for (let at = 3; at < raw.length; at += 4) raw[at] = 255;
    const [source, image] = [new Uint32Array(raw.buffer), new ImageData(width, height)];
    const words = new Uint32Array(image.data.buffer);
    of.put = await least(() => {
      for (let at = 0; at < source.length; at++) {
        const value = source[at];
        words[at] = 0xff000000 | ((value & 0xff) << 16) | (value & 0xff00) | ((value >>> 16) & 0xff);
      }
      context.putImageData(image, 0, 0);
      drawn();
    });
    of.frame = await least(() => {
      const frame = new VideoFrame(raw, { format: "BGRX", codedWidth: width, codedHeight: height, timestamp: 0 });
      context.drawImage(frame, 0, 0);
      frame.close();
      drawn();
    });
    of.bitmap = await least(async () => {
      const bitmap = await createImageBitmap(image);
      context.drawImage(bitmap, 0, 0);
      bitmap.close();
      drawn();
    });
  }
  return figures;
}

self.onmessage = async ({ data }) => {
  try {
    self.postMessage(await measure(data));
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
