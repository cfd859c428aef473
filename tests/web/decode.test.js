/** Decoders of the page: what hardware does not take software does, and what the browser decodes is found out by
 * decoding. */

import assert from "node:assert/strict";
import test from "node:test";
import { Decoder } from "../../viewer/avl_viewer/web/decode/decoder.js";
import { decodable } from "../../viewer/avl_viewer/web/decode/support.js";
import { CHROMA, CODEC } from "../../viewer/avl_viewer/web/wire/registry.js";

/** WebCodecs whose hardware can do some codecs, and whose decoders give each picture a turn later. */
function machine(/** @type {string[]} */ hardware, /** @type {string[]} */ software) {
  /** @type {string[]} */
  const opened = [];
  class MachineDecoder {
    /** @param {any} owner */
    constructor(owner) {
      this._owner = owner;
      this._able = true;
      this.state = "unconfigured";
    }
    /** @param {any} config */
    configure(config) {
      const kind = config.codec.split(".")[0];
      const where = config.hardwareAcceleration === "prefer-hardware" ? hardware : software;
      opened.push(`${kind} ${config.hardwareAcceleration ?? "-"}`);
      this.state = "configured";
      this._able = where.includes(kind);
      if (!this._able) queueMicrotask(() => this._fail());
    }
    _fail() {
      if (this.state === "closed") return;
      this.state = "closed";
      this._owner.error(new Error("not supported"));
    }
    /** @param {any} chunk */
    decode(chunk) {
      if (this.state === "closed") throw new DOMException("closed", "InvalidStateError");
      if (!this._able) return;
      if (chunk.data === "damaged") queueMicrotask(() => this._fail());
      else queueMicrotask(() => this.state !== "closed" && this._owner.output({ timestamp: chunk.timestamp, close() {} }));
    }
    async flush() {
      await new Promise((done) => setTimeout(done, 0));
    }
    close() {
      this.state = "closed";
    }
    /** @param {any} config */
    static async isConfigSupported(config) {
      return { supported: software.includes(config.codec.split(".")[0]) };
    }
  }
  Object.assign(globalThis, {
    VideoDecoder: MachineDecoder,
    EncodedVideoChunk: class { /** @param {any} of */ constructor(of) { Object.assign(this, of); } },
  });
  return opened;
}

/** @param {number} number @param {any} more */
function frame(number, more = {}) {
  const { codec = "avc1.F4002A", data = "whole", key = number === 0 } = more;
  const preamble = { key, dirty: [], capturedUs: 0, inputEchoUs: 0, settled: false };
  return /** @type {any} */ ({ track: 1, number, preamble, data, size: 1, codec, width: 64, height: 64, chroma: 1 });
}

function stage() {
  /** @type {(string | number)[]} */
  const told = [];
  const decoder = new Decoder({
    decoderPicture: ({ frame: { number } }) => told.push(number),
    decoderSkipped: (skipped) => told.push(`skipped ${skipped.number}`),
    decoderFailed: (failed) => told.push(`failed ${failed?.number}`),
  }, () => 0);
  return { decoder, told, turn: () => new Promise((done) => setTimeout(done, 0)) };
}

test("hardware decodes where it can", async () => {
  const opened = machine(["avc1"], ["avc1"]);
  const { decoder, told, turn } = stage();
  decoder.decode(frame(0));
  await turn();
  decoder.decode(frame(1));
  await turn();
  assert.deepEqual([opened, told], [["avc1 prefer-hardware"], [0, 1]]);
});

test("what hardware does not take software does, without a key object and without losing a picture", async () => {
  const opened = machine([], ["avc1", "vp09"]);
  const { decoder, told, turn } = stage();
  decoder.decode(frame(0));
  decoder.decode(frame(1));
  await turn();
  decoder.decode(frame(2));
  await turn();
  assert.deepEqual(opened, ["avc1 prefer-hardware", "avc1 no-preference"]);
  assert.deepEqual(told, [0, 1, 2]);
  decoder.decode(frame(3, { key: true, codec: "vp09.01.41.08" }));
  await turn();
  decoder.decode(frame(4, { key: true }));
  await turn();
  assert.deepEqual(opened.slice(2), ["vp09 prefer-hardware", "vp09 no-preference", "avc1 no-preference"], "it is asked once a codec");
  assert.deepEqual(told, [0, 1, 2, 3, 4]);
});

test("a decoder that closed before its error was told is given up as well", async () => {
  const opened = machine([], ["avc1"]);
  const { decoder, told, turn } = stage();
  decoder.decode(frame(0));
  /** @type {any} */ (decoder)._decoder.state = "closed";
  decoder.decode(frame(1));
  await turn();
  assert.deepEqual([opened, told], [["avc1 prefer-hardware", "avc1 no-preference"], [0, 1]]);
});

test("what software can't decode either asks for a key object", async () => {
  machine([], []);
  const { decoder, told, turn } = stage();
  decoder.decode(frame(0));
  await turn();
  assert.deepEqual(told, ["failed 0"]);
});

test("hardware that fails in the middle asks for a key object, and begins again with it", async () => {
  machine(["avc1"], ["avc1"]);
  const { decoder, told, turn } = stage();
  decoder.decode(frame(0));
  await turn();
  decoder.decode(frame(1, { data: "damaged" }));
  await turn();
  decoder.decode(frame(2));
  decoder.decode(frame(3, { key: true }));
  await turn();
  assert.deepEqual(told, [0, "failed 1", 3]);
});

test("a browser names what it decodes, found out by decoding", async () => {
  machine([], ["avc1", "vp09"]);
  assert.deepEqual(await decodable(), { chroma: [CHROMA.YUV444, CHROMA.YUV420], others: [[CODEC.VP9, CHROMA.YUV444, CHROMA.YUV420]] });
  machine([], ["av01"]);
  assert.deepEqual(await decodable(), { chroma: [], others: [[CODEC.AV1, CHROMA.YUV420]] });
});
