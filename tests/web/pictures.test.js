/** Several tracks in a page: each decoded by itself, shown on its own canvas, counted and asked for apart. */

import assert from "node:assert/strict";
import test from "node:test";
import { Screens } from "../../viewer/avl_viewer/web/present/screens.js";
import { Client } from "../../viewer/avl_viewer/web/session/client.js";
import { Pictures } from "../../viewer/avl_viewer/web/session/media/pictures.js";
import { ViewerState } from "../../viewer/avl_viewer/web/session/viewing.js";
import { tracksOf } from "../../viewer/avl_viewer/web/media/track.js";
import { MemoryHops } from "./doubles/hops.js";

const ROWS = [[1, 1, 4, 500, 1], [2, 1, 4, 500, 1], [3, 2, 2, 100, 2]];

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
  const preamble = { key: number === 0, dirty: [], capturedUs: 1000 * number, inputEchoUs: 0, settled: false, ...more };
  return { track, number, preamble, data: more.data ?? "whole", size: 100, codec: "avc1", width: 64, height: 64, chroma: 1, first: 0, last: 0, opened: 0 };
}

function stage() {
  Object.assign(globalThis, { VideoDecoder: InstantDecoder, EncodedVideoChunk: class { /** @param {any} of */ constructor(of) { Object.assign(this, of); } } });
  /** @type {[number, number][]} */
  const painted = [];
  /** @type {any[]} */
  const told = [];
  const screen = {
    tracks: (/** @type {number[]} */ ids) => told.push(["tracks", ...ids]),
    paint: (/** @type {any} */ { frame: { track, number } }) => painted.push([track, number]),
  };
  const pictures = new Pictures(screen, () => 0, {
    picturesBroken: (track, number) => told.push(["broken", track, number]),
    picturesSettled: (object) => told.push(["settled", object]),
  });
  const offset = /** @type {any} */ ({ fromHost: (/** @type {number} */ at) => at, toHost: (/** @type {number} */ at) => at });
  return { pictures, painted, told, feed: (/** @type {any[]} */ ...frames) => pictures.frames(/** @type {any} */ (frames), offset) };
}

test("each track of pictures has a decoder of its own, and the first is the desktop", () => {
  const { pictures, painted, told, feed } = stage();
  pictures.granted(tracksOf(ROWS));
  assert.deepEqual([pictures.tracks, told], [[1, 2], [["tracks", 1, 2]]], "sound is no picture");
  feed(frame(1, 0), frame(2, 0), frame(2, 1), frame(1, 1), frame(9, 0));
  assert.deepEqual(painted, [[1, 0], [2, 0], [2, 1], [1, 1]]);
  feed(frame(2, 2, { data: "damaged" }), frame(1, 2), frame(2, 3));
  assert.deepEqual(told.at(-1), ["broken", 2, 2]);
  assert.deepEqual(painted.slice(4), [[1, 2]], "the other goes on");
});

test("what is on the screen is reported for each track, and what is settled of the desktop alone told", () => {
  const { pictures, told, feed } = stage();
  pictures.granted(tracksOf(ROWS));
  feed(frame(1, 0, { settled: true }), frame(2, 0, { settled: true }));
  pictures.presented(2, [0], 5);
  assert.ok(!told.some(([what]) => what === "settled"));
  pictures.presented(1, [0], 6);
  assert.deepEqual(told.at(-1), ["settled", 0]);
  assert.equal(pictures.nextReport(10), 10);
  /** @type {any[]} */
  const sent = [];
  const session = /** @type {any} */ ({ media: { lost: 0, received: 2 }, send: (/** @type {string} */ kind, /** @type {any} */ fields) => sent.push([kind, fields.track, fields.objects]) });
  pictures.report(session, 10);
  assert.deepEqual(sent, [["REPORT", 1, [[0, 6000]]], ["REPORT", 2, [[0, 5000]]]]);
  pictures.begin();
  assert.deepEqual(pictures.tracks, []);
});

test("a picture goes to the canvas of its track, and is closed where there is none yet", () => {
  /** @type {any[]} */
  const shown = [];
  /** @type {any[]} */
  const presented = [];
  /** @type {((numbers: number[], at: number) => void)[]} */
  const tell = [];
  const screens = new Screens((...what) => presented.push(what), () => 0, (canvas, done) => {
    tell.push(done);
    return { paint: ({ frame: { track, number } }) => shown.push([canvas, track, number]) };
  });
  let closed = 0;
  const picture = (/** @type {number} */ track, /** @type {number} */ number) => /** @type {any} */ ({ frame: { track, number }, picture: { close: () => closed++ } });
  screens.add(/** @type {any} */ ("first"));
  screens.tracks([7, 9]);
  screens.paint(picture(7, 0));
  screens.paint(picture(9, 0));
  assert.deepEqual([shown, closed], [[["first", 7, 0]], 1]);
  screens.add(/** @type {any} */ ("second"));
  screens.paint(picture(9, 1));
  assert.deepEqual(shown.at(-1), ["second", 9, 1]);
  tell[1]([1], 4);
  assert.deepEqual(presented, [[9, [1], 4]]);
});

test("what nobody sees is not wanted, track by track, and comes back with a key object of each", async () => {
  const net = new MemoryHops();
  const world = /** @type {any} */ ({
    dial: net.dial, directions: async () => null, clock: () => net.now, wall: () => 0, after() {}, decodes: { chroma: [1], others: [] }, identity: null,
    entropy: (/** @type {number} */ size) => new Uint8Array(size),
  });
  const client = new Client(world, { paint() {}, tracks() {} }, () => undefined);
  const directions = { quic: "relay:1", url: "https://relay:1/avl", pin: new Uint8Array(32).fill(1), hashes: [] };
  await client.connect(/** @type {any} */ ({ directions, device: 1n, code: "c", name: "n" }));
  const paths = /** @type {any} */ (client._paths);
  paths.session = {
    state: ViewerState.ADMITTED, attachment: { handle: 7 }, visible: true, tracks: tracksOf(ROWS), media: { decoded: (/** @type {number} */ track) => 10 * track },
    nextTimeout: () => null, move() {}, attachmentLost() {},
  };
  await net.last.welcome();
  client._bound(paths).sessionAdmitted({ permissions: 31, name: "desk" });
  /** @type {any[]} */
  const sent = [];
  paths.current.hop.send = (/** @type {string} */ kind, /** @type {any} */ fields) => sent.push([kind, fields]);
  client.setVisible(false);
  assert.deepEqual(sent, [1, 2].map((track) => ["SUBSCRIBE", { handle: 7, track, wish: 0 }]));
  sent.length = 0;
  client.setVisible(true);
  assert.deepEqual(sent, [
    ...[1, 2].map((track) => ["SUBSCRIBE", { handle: 7, track, wish: 1 }]),
    ...[1, 2].map((track) => ["RECOVER", { handle: 7, track, object: 10 * track + 1 }]),
  ]);
});
