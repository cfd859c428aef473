/** What the rate controllers of both hops say: from their messages to the rows over the picture. */

import assert from "node:assert/strict";
import test from "node:test";
import { Client } from "../../viewer/avl_viewer/web/session/client.js";
import { readable } from "../../viewer/avl_viewer/web/statistics.js";
import { lines } from "../../viewer/avl_viewer/web/ui/figures.js";

const FIGURES = [4_000_000, 5_200_000, 3_900_000, 8_000_000, 8400, 12_000, 62_500, 17];
const QUIET = {
  path: "relay", rtt_ms: null, fps: 0, bitrate_bps: 0, loss: 0, input_to_photon_ms: { p50: null, p95: null },
  glass_to_glass_ms: { p50: null, p95: null }, stages_ms: { grab: 1 },
};

/** The rows about hops. @param {any} rate */
function rows(rate) {
  const shown = lines({ ...QUIET, rate });
  return shown.slice(shown.findIndex(([name]) => name === "  grab") + 1);
}

test("what travels as whole numbers is bits a second, milliseconds and shares", () => {
  assert.deepEqual(readable({ state: "yield", reason: "a queue stands", figures: FIGURES }), {
    state: "yield", reason: "a queue stands", target_bps: 4_000_000, capacity_bps: 5_200_000, delivered_bps: 3_900_000, pacing_bps: 8_000_000,
    queue_ms: 8.4, loss: 0.012, parity: 0.0625, skipped: 17,
  });
  assert.deepEqual(readable({ state: "s", reason: "r", figures: [2n ** 60n] }), { state: "s", reason: "r", target_bps: 2 ** 60 });
  assert.deepEqual(Object.keys(readable({ state: "s", reason: "r", figures: [...FIGURES, 1, 2] })).length, 10);
});

test("each hop has its rate, queue, losses, and why it moved", () => {
  const told = readable({ state: "yield", reason: "a queue stands", figures: FIGURES });
  const unknown = readable({ state: "start", reason: "no feedback yet", figures: FIGURES.with(1, 0) });
  assert.deepEqual(rows({ download: unknown, upload: told }), [
    ["upload", "4.00 of 5.20 Mbit/s"],
    ["  queue", "8.4 ms"],
    ["  loss / parity", "1.2 / 6.3 %"],
    ["  skipped", "17 pictures"],
    ["  state", "yield: a queue stands"],
    ["download", "4.00 Mbit/s"],
    ["  queue", "8.4 ms"],
    ["  loss / parity", "1.2 / 6.3 %"],
    ["  skipped", "17 pictures"],
    ["  state", "start: no feedback yet"],
  ]);
});

test("what is not told is a dash, a hop that has not spoken is left out, and endless words are cut", () => {
  assert.deepEqual(rows({}), []);
  assert.deepEqual(rows(undefined), []);
  const shown = rows({ upload: readable({ state: "x", reason: "y".repeat(5000), figures: [] }) });
  assert.deepEqual(shown.slice(0, 3).map(([, value]) => value), ["- Mbit/s", "- ms", "- / - %"]);
  assert.ok(shown[4][1].length <= 60);
});

test("how much is exact and what pictures are stands above the figures of time", () => {
  const base = { path: "relay", fps: 1, bitrate_bps: 0, rtt_ms: null, loss: 0, input_to_photon_ms: { p50: null, p95: null }, glass_to_glass_ms: { p50: null, p95: null }, stages_ms: {} };
  const shown = (/** @type {any} */ more) => Object.fromEntries(lines({ ...base, ...more }));
  assert.equal(shown({ exact: { share: 0.9876, since_s: null } }).exact, "98.8 %");
  assert.equal(shown({ exact: { share: 1, since_s: 12.4 } }).exact, "all, for 12 s");
  const moving = shown({ video: { codec: "avc1.64002A", chroma: "YUV420", width: 1280, height: 720, encoder: "libx264", decoder: null } });
  assert.deepEqual([moving.video, moving["  codec"], moving["  coded / decoded by"]], ["1280x720 YUV420", "avc1.64002A", "libx264 / -"]);
  assert.deepEqual([shown({}).exact, shown({ video: null }).video], [undefined, undefined]);
});

test("what the relay's operator says is shown as text, from whichever relay has the session, and cut", async () => {
  /** @type {any[]} */
  const told = [];
  const carrier = { heardAt: 1000, openStream: () => 0, sendStream() {}, close() {} };
  const world = /** @type {any} */ ({ dial: () => carrier, clock: () => 1000, wall: () => 0, after() {}, entropy: (/** @type {number} */ size) => new Uint8Array(size) });
  const client = new Client(world, { paint() {}, desktops() {} }, (message) => told.push(message));
  await client.connect(/** @type {any} */ ({ directions: { url: "", hashes: [], pin: new Uint8Array(32), quic: "relay:1" }, device: 1n, code: "c", name: "n" }));
  const paths = /** @type {any} */ (client.paths);
  const [path] = paths._paths;
  path.attachment = { handle: 3 };
  const said = () => told.filter(({ say }) => say === "operator").map(({ text }) => text);
  path.hopMessage({ kind: "OPERATOR_SAYS", handle: 4, text: "of another" }, 1000);
  path.hopMessage({ kind: "OPERATOR_SAYS", handle: 3, text: " \n" }, 1000);
  path.direct = true;
  path.hopMessage({ kind: "OPERATOR_SAYS", handle: 3, text: "a host's" }, 1000);
  path.direct = false;
  assert.deepEqual(said(), []);
  path.hopMessage({ kind: "OPERATOR_SAYS", handle: 3, text: "<b>Back</b>\n at\u202e nine" }, 1000);
  path.hopMessage({ kind: "OPERATOR_SAYS", handle: 3, text: "x".repeat(5000) }, 1000);
  assert.equal(said()[0], "The relay's operator says: <b>Back</b> at\\u202e nine", "as an escape");
  assert.ok(said()[1].length <= 200 + "The relay's operator says: ".length);
});

test("the host speaks of the upload, the relay of the download, each of the session that is running", async () => {
  /** @type {any[]} */
  const told = [];
  const carrier = { heardAt: 1000, openStream: () => 0, sendStream() {}, close() {} };
  const world = /** @type {any} */ ({ dial: () => carrier, clock: () => 1000, wall: () => 0, after() {}, entropy: (/** @type {number} */ size) => new Uint8Array(size) });
  const client = new Client(world, { paint() {}, desktops() {} }, (message) => told.push(message));
  const want = /** @type {any} */ ({ directions: { url: "", hashes: [], pin: new Uint8Array(32), quic: "relay:1" }, device: 1n, code: "c", name: "n" });
  const figures = () => {
    client.setMeasuring(true);
    client.handleTimer(1000);
    return told.filter(({ say }) => say === "statistics").at(-1).figures;
  };
  const begin = async () => {
    await client.connect(want);
    const paths = /** @type {any} */ (client.paths);
    const media = { lost: 0, received: 1, allSent: () => false };
    paths.session = { attachment: { handle: 3 }, media, inputWaits: false, nextTimeout: () => null, handleTimer() {}, lost() {}, end: async () => {} };
    paths._plan.current = paths._paths[0];
    return paths;
  };
  const paths = await begin();
  assert.deepEqual(figures().rate, {});
  paths.current.hopMessage({ kind: "HOP_RATE", handle: 4, state: "cut", reason: "another session", figures: FIGURES }, 1000);
  assert.deepEqual(figures().rate, {});
  paths.current.hopMessage({ kind: "HOP_RATE", handle: 3, state: "grow", reason: "there is room", figures: FIGURES }, 1000);
  client._bound(paths).sessionMessage({ kind: "RATE", state: "drain", reason: "far too long", figures: FIGURES.with(0, 1) });
  const { upload, download } = figures().rate;
  assert.deepEqual([upload.state, upload.target_bps, download.state, download.target_bps], ["drain", 1, "grow", 4_000_000]);
  await begin();
  assert.deepEqual(figures().rate, {});
});
