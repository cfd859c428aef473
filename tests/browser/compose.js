/**
 * The page of test_compose.py: objects from their plaintext to a canvas, whose pixels are posted back; then what each
 * size of exact pixels costs.
 */

import { Decompressor } from "../../viewer/avl_viewer/web/decode/zstd.js";
import { ClockOffset } from "../../viewer/avl_viewer/web/media/clock.js";
import { decode as decodeExact } from "../../viewer/avl_viewer/web/media/exact.js";
import { decode as decodePreamble } from "../../viewer/avl_viewer/web/media/preamble.js";
import { tracksOf } from "../../viewer/avl_viewer/web/media/track.js";
import { Screens } from "../../viewer/avl_viewer/web/present/screens.js";
import { Pictures } from "../../viewer/avl_viewer/web/session/media/pictures.js";
import { bytes } from "../web/vectors/notation.js";

const TRACKS = [[1, 1, 4, 500, 1], [2, 4, 2, 1000, 4, 0]];
const told = { broken: 0, leftOut: 0, damaged: 0 };
/** @type {Set<string>} */
const presented = new Set();
/** @type {(() => void)[]} */
let waiting = [];
const surface = new OffscreenCanvas(1, 1);
const screens = new Screens((objects, at) => {
  for (const [track, number] of objects) presented.add(`${track} ${number}`);
  pictures.presented(objects, at);
  for (const done of waiting.splice(0)) done();
}, () => performance.now());
const pictures = new Pictures(screens, () => performance.now(), await Decompressor.load(), {
  picturesBroken: () => void told.broken++,
  picturesLeftOut: () => void told.leftOut++,
  picturesFilm: () => {},
  picturesDamaged: () => void told.damaged++,
});

/** @param {string} path @param {BodyInit} body */
const post = async (path, body) => (await fetch(path, { method: "POST", body })).arrayBuffer();
// What a callback throws ends no await here: it is the report, else there would be none.
addEventListener("error", ({ message }) => void post("/report", JSON.stringify({ error: message })));
const story = JSON.parse(new TextDecoder().decode(await post("/story", "?")));
screens.add(surface);
pictures.granted(tracksOf(TRACKS));

const offset = new ClockOffset();
const times = { first: 0, last: 0, opened: 0 };
/** @type {any} */
let group = null;
for (const { kind, number, plaintext, shows } of story) {
  const data = bytes(plaintext);
  const one = { number, size: data.length, ...times };
  if (kind === "exact") {
    pictures.take([{ track: 2, exact: decodeExact(data), complete: true, ...one }], offset);
  } else {
    const { preamble, bitstream } = decodePreamble(data);
    if (preamble.key) group = preamble;
    const { codec, width, height, chroma, desktop, place } = group;
    pictures.take([{ track: 1, preamble, data: bitstream, codec, width, height, chroma, desktop, place, ...one }], offset);
  }
  while (shows && !presented.has(`${kind === "exact" ? 2 : 1} ${number}`)) await new Promise((done) => waiting.push(() => done(null)));
}
const context = /** @type {OffscreenCanvasRenderingContext2D} */ (surface.getContext("2d"));
await post("/canvas", context.getImageData(0, 0, surface.width, surface.height).data);
const figures = /** @type {any} */ (pictures.figures(/** @type {any} */ ({ session: { media: { lost: 0, received: story.length } }, current: null, switch: null }), performance.now()));
const report = { told, size: [surface.width, surface.height], share: figures.exact.share, video: figures.video };
await post("/report", JSON.stringify(report));
