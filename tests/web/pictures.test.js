/** Several desktops in a page: each composed by itself, shown on its own canvas, counted and asked for apart. */

import assert from "node:assert/strict";
import test from "node:test";
import { Screens } from "../../viewer/avl_viewer/web/present/screens.js";
import { Client } from "../../viewer/avl_viewer/web/session/client.js";
import { Pictures } from "../../viewer/avl_viewer/web/session/media/pictures.js";
import { ViewerState } from "../../viewer/avl_viewer/web/session/viewing.js";
import { tracksOf } from "../../viewer/avl_viewer/web/media/track.js";
import { RemoteProtocolError } from "../../viewer/avl_viewer/web/wire/errors.js";
import { EXACT_CODING } from "../../viewer/avl_viewer/web/wire/registry.js";
import { MemoryHops } from "./doubles/hops.js";

const ROWS = [[1, 1, 4, 500, 1], [5, 4, 2, 1000, 4, 0], [2, 1, 4, 500, 1], [3, 2, 2, 100, 2]];
const WHOLE = { x: 0, y: 0, width: 64, height: 64 };

/** WebCodecs of a test: what is given comes out at once. */
class InstantDecoder {
  /** @param {any} owner */
  constructor(owner) {
    this._owner = owner;
    this.state = "configured";
  }
  configure() {}
  /** @param {any} chunk */
  decode(chunk) {
    if (chunk.data === "damaged") this._owner.error(new Error("damaged"));
    else this._owner.output({ timestamp: chunk.timestamp, close() {} });
  }
  close() {
    this.state = "closed";
  }
}

/** @param {number} track @param {number} number @param {any} more */
function frame(track, number, more = {}) {
  const preamble = { key: number === 0, dirty: [WHOLE], capturedUs: 1000 * number, inputEchoUs: 0, ...more };
  return {
    track, number, preamble, data: more.data ?? "whole", size: 100, codec: "avc1", width: 64, height: 64, chroma: 1, desktop: [64, 64], place: WHOLE,
    first: 0, last: 0, opened: 0,
  };
}

/** Exact pixels of one colour. @param {number} track @param {number} number @param {any} more */
function exact(track, number, more = {}) {
  const one = { rect: more.rect ?? WHOLE, coding: more.coding ?? EXACT_CODING.SOLID, colours: Uint8Array.of(1, 2, 3), source: { x: 0, y: 0 }, stride: 0, size: 0 };
  const object = { capturedUs: 1000 * number + 500, inputEchoUs: 0, width: 64, height: 64, rects: [one], pixels: new Uint8Array(0), settled: false, size: more.size ?? 0 };
  return { track, number, exact: object, size: 100, complete: true, first: 0, last: 0, opened: 0 };
}

function stage() {
  Object.assign(globalThis, { VideoDecoder: InstantDecoder, EncodedVideoChunk: class { /** @param {any} of */ constructor(of) { Object.assign(this, of); } } });
  /** @type {[number, number][]} */
  const painted = [];
  /** @type {any[]} */
  const told = [];
  const screen = {
    desktops: (/** @type {number[]} */ ids) => told.push(["desktops", ...ids]),
    paint: (/** @type {any} */ { desktop, track, number }) => painted.push([desktop, track, number]),
  };
  const decompressor = { decompress: () => { throw new RemoteProtocolError(0, "damaged"); } };
  const pictures = new Pictures(screen, () => 0, decompressor, {
    picturesBroken: (track, number) => told.push(["broken", track, number]),
    picturesLeftOut: (track, number) => told.push(["left out", track, number]),
    picturesDamaged: () => told.push(["damaged"]),
    picturesFilm: () => {},
  });
  const offset = /** @type {any} */ ({ fromHost: (/** @type {number} */ at) => at, toHost: (/** @type {number} */ at) => at });
  return { pictures, painted, told, feed: (/** @type {any[]} */ ...objects) => pictures.take(/** @type {any} */ (objects), offset) };
}

test("each desktop has a decoder of its own, and the first is the one that others speak of", () => {
  const { pictures, painted, told, feed } = stage();
  pictures.granted(tracksOf(ROWS));
  assert.deepEqual([pictures.desktops, pictures.tracks, told], [[1, 2], [1, 5, 2], [["desktops", 1, 2]]], "sound is no picture");
  feed(frame(1, 0), frame(2, 0), frame(2, 1), frame(1, 1), frame(9, 0));
  assert.deepEqual(painted, [[1, 1, 0], [2, 2, 0], [2, 2, 1], [1, 1, 1]]);
  feed(frame(2, 2, { data: "damaged" }), frame(1, 2), frame(2, 3));
  assert.deepEqual(told.at(-1), ["broken", 2, 2]);
  assert.deepEqual(painted.slice(4), [[1, 1, 2]], "the other goes on");
});

test("exact pixels are painted at once, on the desktop that they are of, and what can't be shown is told of", () => {
  const { pictures, painted, told, feed } = stage();
  pictures.granted(tracksOf(ROWS));
  feed(exact(5, 0), frame(1, 0), exact(5, 1, { coding: EXACT_CODING.COPY }));
  assert.deepEqual(painted, [[1, 5, 0], [1, 5, 1]], "the picture is older");
  feed(frame(1, 3), exact(5, 4, { coding: EXACT_CODING.COPY }), exact(5, 5, { coding: EXACT_CODING.PLAIN, size: 4 }));
  assert.deepEqual(painted.slice(2), [[1, 1, 3]]);
  assert.deepEqual(told.slice(1), [["left out", 5, 4], ["damaged"]]);
});

test("what is on the screen is reported for each track", () => {
  const { pictures, feed } = stage();
  pictures.granted(tracksOf(ROWS));
  feed(frame(1, 0), frame(2, 0), exact(5, 0));
  pictures.presented([[2, 0]], 5);
  pictures.presented([[1, 0], [5, 0]], 6);
  assert.equal(pictures.nextReport(10), 10);
  /** @type {any[]} */
  const sent = [];
  const session = /** @type {any} */ ({ media: { lost: 0, received: 2 }, send: (/** @type {string} */ kind, /** @type {any} */ fields) => sent.push([kind, fields.track, fields.objects]) });
  pictures.report(session, 10);
  assert.deepEqual(sent, [["REPORT", 1, [[0, 6000]]], ["REPORT", 5, [[0, 6000]]], ["REPORT", 2, [[0, 5000]]]]);
  pictures.begin();
  assert.deepEqual(pictures.tracks, []);
});

test("that the first desktop is exact is told once it is on the screen, and when it no longer is", () => {
  const { pictures, feed } = stage();
  pictures.granted(tracksOf(ROWS));
  const rested = /** @type {number[]} */ ([]);
  let sent = true;
  const media = /** @type {any} */ ({ lost: 0, received: 1, allSent: () => sent, rest: (/** @type {number} */ track) => rested.push(track) });
  const paths = /** @type {any} */ ({ session: { media }, current: null, switch: null });
  assert.equal(pictures.lookAtExact(media, 1000), null, "nothing is there");
  feed(exact(5, 0, { rect: { ...WHOLE, height: 32 } }));
  pictures.presented([[5, 0]], 1000);
  assert.equal(pictures.lookAtExact(media, 1000), null, "one half");
  assert.deepEqual(pictures.figures(paths, 1000)?.exact, { share: 0.5, since_s: null });
  feed(exact(5, 1));
  assert.equal(pictures.lookAtExact(media, 1000), null, "not yet on the screen");
  pictures.presented([[5, 1]], 2000);
  assert.equal(pictures.lookAtExact(media, 2000), true);
  assert.equal(pictures.lookAtExact(media, 2000), null);
  assert.deepEqual([pictures.figures(paths, 4500)?.exact, pictures.figures(paths, 4500)?.video, rested], [{ share: 1, since_s: 2.5 }, null, [1, 1, 1]]);
  feed(frame(1, 3, { key: true }));
  assert.equal(pictures.lookAtExact(media, 5000), false);
  const video = { codec: "avc1", chroma: "YUV444", width: 64, height: 64, encoder: null, decoder: "hardware" };
  assert.deepEqual(pictures.figures(paths, 5000)?.video, video);
  pictures.told({ kind: "STAGES", track: 1, object: 3, times_us: [], coder: "libx264" });
  pictures.told({ kind: "STAGES", track: 5, object: 1, times_us: [], coder: "" });
  assert.deepEqual(pictures.figures(paths, 5000)?.video, { ...video, encoder: "libx264" });
  feed(exact(5, 4));
  pictures.presented([[5, 4]], 6000);
  sent = false;
  assert.equal(pictures.lookAtExact(media, 6000), null, "there is more to come");
});

test("what has changed goes to the canvas of its desktop, and pictures are let go of where there is none yet", () => {
  /** @type {any[]} */
  const shown = [];
  /** @type {any[]} */
  const presented = [];
  /** @type {((objects: [number, number][], at: number) => void)[]} */
  const tell = [];
  const screens = new Screens((...what) => presented.push(what), () => 0, (surface, done) => {
    tell.push(done);
    return { paint: ({ track, number }) => shown.push([surface, track, number]) };
  });
  let closed = 0;
  const painted = (/** @type {number} */ track, /** @type {number} */ number) => /** @type {any} */ ({ desktop: track, track, number, canvas: { close: () => closed++ } });
  screens.add(/** @type {any} */ ("first"));
  screens.desktops([7, 9]);
  screens.paint(painted(7, 0));
  screens.paint(painted(9, 0));
  assert.deepEqual([shown, closed], [[["first", 7, 0]], 1]);
  screens.add(/** @type {any} */ ("second"));
  screens.paint(painted(9, 1));
  assert.deepEqual(shown.at(-1), ["second", 9, 1]);
  tell[1]([[9, 1]], 4);
  assert.deepEqual(presented, [[[[9, 1]], 4]]);
});

test("what nobody sees is not wanted, track by track, and comes back with a key object of each", async () => {
  const net = new MemoryHops();
  const world = /** @type {any} */ ({
    dial: net.dial, directions: async () => null, clock: () => net.now, wall: () => 0, after() {}, decodes: { chroma: [1], others: [] }, identity: null,
    entropy: (/** @type {number} */ size) => new Uint8Array(size),
  });
  const client = new Client(world, { paint() {}, desktops() {} }, () => undefined);
  const directions = { quic: "relay:1", url: "https://relay:1/avl", pin: new Uint8Array(32).fill(1), hashes: [] };
  await client.connect(/** @type {any} */ ({ directions, device: 1n, code: "c", name: "n" }));
  const paths = /** @type {any} */ (client._paths);
  /** @type {any[]} */
  const wanted = [];
  paths.session = {
    state: ViewerState.ADMITTED, attachment: { handle: 7 }, visible: true, tracks: tracksOf(ROWS), media: { decoded: (/** @type {number} */ track) => 10 * track, want: (/** @type {any[]} */ ...what) => wanted.push(what) },
    nextTimeout: () => null, move() {}, attachmentLost() {},
  };
  await net.last.welcome();
  client._bound(paths).sessionAdmitted({ permissions: 31, name: "desk" });
  /** @type {any[]} */
  const sent = [];
  paths.current.hop.send = (/** @type {string} */ kind, /** @type {any} */ fields) => sent.push([kind, fields]);
  client.setVisible(false);
  assert.deepEqual(sent, [1, 5, 2].map((track) => ["SUBSCRIBE", { handle: 7, track, wish: 0 }]));
  assert.deepEqual(wanted, [[1, false], [5, false], [2, false]]);
  sent.length = 0;
  client.setVisible(true);
  assert.deepEqual(sent, [
    ...[1, 5, 2].map((track) => ["SUBSCRIBE", { handle: 7, track, wish: 1 }]),
    ...[1, 2].map((track) => ["RECOVER", { handle: 7, track, object: 10 * track + 1 }]),
  ]);
});
