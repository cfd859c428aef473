/**
 * The page's player of sound: what comes is decoded and given to the loudspeaker in order, whatever the decoder does.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { PACKET, SAMPLES } from "../../viewer/avl_viewer/web/media/sound.js";
import { SoundPlayer } from "../../viewer/avl_viewer/web/sound/player.js";
import { Resampler } from "../../viewer/avl_viewer/web/sound/resampler.js";

/** A loudspeaker that takes 10 ms at a time, on a clock of its own. */
class Loudspeaker {
  constructor() {
    this.now = 0;
    this.held = 0;
    /** The first sample of each piece that was played. @type {number[]} */
    this.played = [];
    this.decoders = 0;
    /** @type {Set<number>} */
    this.spoils = new Set();
    this.player = new SoundPlayer(() => this.now, (decoded, failed) => this.decoder(decoded, failed));
    this.player.play({ write: (samples) => this.take(samples) });
  }

  /** Gives 10 ms of the packet's number, stamped as Chromium does: by what it has given out so far, and now and then a
   * microsecond too little. @type {import("../../viewer/avl_viewer/web/sound/player.js").MakeDecoder} */
  decoder(decoded, failed) {
    this.decoders += 1;
    let given = 0;
    let first = NaN;
    return {
      decode: ([value], stamp) => {
        if (Number.isNaN(first)) first = stamp;
        if (this.spoils.delete(value)) return failed();
        const told = first + given++ * 10_000 - (given % 7 ? 0 : 1);
        decoded([new Float32Array(SAMPLES).fill(value), new Float32Array(SAMPLES).fill(value)], told);
      },
      close: () => undefined,
    };
  }

  /** @param {Float32Array[]} samples */
  take([left]) {
    this.held += left.length;
    this.played.push(Math.round(left[left.length >> 1]));
  }

  /** Packets arrive 20 ms after their capture, but those left out; all the while it plays. @param {number} count @param
   * {(number: number) => boolean} [lost] */
  run(count, lost = () => false) {
    for (let number = 0; number < count; number++) {
      this.now = number * PACKET + 20;
      const sound = { position: number, packets: [Uint8Array.of(number % 256)], silence: false };
      if (!lost(number)) this.player.put(/** @type {any} */ (sound), number * PACKET, this.now);
      this.player.level(this.held, 5);
      this.held = Math.max(0, this.held - SAMPLES);
    }
  }
}

test("what comes is played in order, and nothing of it is late", () => {
  const ear = new Loudspeaker();
  ear.run(200);
  const played = ear.played.filter((value) => value > 0);
  assert.ok(played.length > 150 && played.every((value, at) => at === 0 || value >= played[at - 1]), String(played));
  assert.deepEqual([ear.player.figures()?.late, ear.player.figures()?.concealed], [0, 0]);
});

test("what is missing is played once more, fading", () => {
  const ear = new Loudspeaker();
  ear.run(200, (number) => number === 100);
  const at = ear.played.indexOf(99);
  assert.ok(ear.played[at + 1] < 99 && ear.played[at + 1] > 60, String(ear.played.slice(at, at + 3)));
  assert.equal(ear.played[at + 2], 101);
});

test("however much was missing, what comes is played, and as soon", () => {
  const ear = new Loudspeaker();
  ear.run(1000, (number) => number % 20 === 7);
  assert.ok((999 % 256) - (ear.played.at(-1) ?? 0) < 6, `no later than at first: ${ear.played.at(-1)}`);
  assert.ok(ear.player._entries.length < 2);
});

test("a decoder that fails is replaced, and what it had is made up", () => {
  const ear = new Loudspeaker();
  ear.spoils.add(100);
  ear.run(200);
  assert.equal(ear.decoders, 2);
  assert.ok(ear.played.includes(150));
});

test("nobody who listens has nothing played or counted", () => {
  const ear = new Loudspeaker();
  ear.player.play(null);
  ear.run(50);
  assert.equal(ear.player.figures(), null);
  assert.deepEqual(ear.played, []);
});

test("another speed makes as many more or fewer frames", () => {
  for (const speed of [0.995, 1, 1.005]) {
    const resampler = new Resampler(1);
    let count = 0;
    for (let n = 0; n < 100; n++) count += resampler.made([new Float32Array(SAMPLES)], speed)[0].length;
    assert.ok(Math.abs(count - (100 * SAMPLES) / speed) <= 4, String(count));
  }
});
