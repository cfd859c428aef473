/**
 * SoundPlayer: objects of sound into samples for the loudspeaker: jitter buffer, decoder, resampler (spec 16-sound, 16.3).
 *
 * It lives in the worker. The loudspeaker is an AudioWorklet that says, every few milliseconds, how much it still holds;
 * that is what gives the pace here. The browser decodes; it conceals nothing, so that what is missing is what was
 * played before, again and fading. Times are milliseconds of our clock.
 */

import { JitterBuffer, Play } from "../media/jitter.js";
import { RATE, SAMPLES } from "../media/sound.js";
import { Resampler } from "./resampler.js";

const CHANNELS = 2;
/** Milliseconds of sound that the loudspeaker holds: what a busy page may be late, and not more. */
const AHEAD = 40;
/** How much of what was played is left of it when it is played once more. */
const FADES = 0.7;
/** Pictures whose median delay is the film's. */
const FILM = 15;
const FRAMES_MS = RATE / 1000;
/** Microseconds of a packet, as a decoder's stamps count them, and by how many it may round them. */
const STAMPS = 10_000;
const ROUNDED = STAMPS / 2;

/**
 * @typedef {object} Entry  10 ms on their way through the decoder.
 * @property {number} stamp
 * @property {number} parts  packets of it that were not decoded yet
 * @property {Float32Array[][]} decoded
 * @property {number} speed
 *
 * @typedef {object} Output  The loudspeaker. It tells the player by `level`.
 * @property {(samples: Float32Array<ArrayBuffer>[]) => void} write
 *
 * @typedef {object} Decoder
 * @property {(packet: Uint8Array, stamp: number) => void} decode
 * @property {() => void} close
 *
 * @callback MakeDecoder
 * @param {(samples: Float32Array[], stamp: number) => void} decoded
 * @param {() => void} failed
 * @returns {Decoder}
 */

/** The browser's decoder of Opus. @type {MakeDecoder} */
export function opusDecoder(decoded, failed) {
  const decoder = new AudioDecoder({
    output: (data) => {
      const planes = Array.from({ length: CHANNELS }, (_, channel) => {
        const plane = new Float32Array(data.numberOfFrames);
        data.copyTo(plane, { planeIndex: Math.min(channel, data.numberOfChannels - 1), format: "f32-planar" });
        return plane;
      });
      decoded(planes, data.timestamp);
      data.close();
    },
    error: failed,
  });
  decoder.configure({ codec: "opus", sampleRate: RATE, numberOfChannels: CHANNELS });
  return {
    decode: (packet, stamp) => decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: stamp, duration: STAMPS, data: packet })),
    close: () => decoder.state !== "closed" && decoder.close(),
  };
}

/** One session's sound. */
export class SoundPlayer {
  /** @param {() => number} clock @param {MakeDecoder} [makeDecoder] */
  constructor(clock, makeDecoder = opusDecoder) {
    this._clock = clock;
    this._makeDecoder = makeDecoder;
    this.buffer = new JitterBuffer();
    /** @type {Output | null} */
    this._output = null;
    /** Milliseconds between the loudspeaker's buffer and the ear. */
    this._latency = 0;
    /** @type {Decoder | null} */
    this._decoder = null;
    this._resampler = new Resampler(CHANNELS);
    /** @type {Entry[]} */
    this._entries = [];
    this._stamp = 0;
    /** The last 10 ms that were played. @type {Float32Array[]} */
    this._last = quiet();
    this._silent = true;
    /** @type {number[]} */
    this._film = [];
  }

  /** Play there from now on; null: nowhere. @param {Output | null} output */
  play(output) {
    this._output = output;
    if (!output) this.begin();
  }

  /** A session begins, or nobody listens: nothing of before is played. */
  begin() {
    this.buffer = new JitterBuffer();
    this._decoder?.close();
    this._decoder = null;
    this._entries = [];
    this._silent = true;
    this._film = [];
  }

  /** An object came; `captured` and `arrived` in our clock. @param {import("../media/sound.js").Sound} sound @param {number}
   * captured @param {number} arrived */
  put(sound, captured, arrived) {
    if (this._output) this.buffer.put(sound, captured, arrived);
  }

  /** A picture of a film was shown so long after its capture. @param {number} delay @param {number} now */
  film(delay, now) {
    this._film = [...this._film.slice(1 - FILM), delay];
    this.buffer.film([...this._film].sort((one, other) => one - other)[this._film.length >> 1], now);
  }

  /** The loudspeaker holds so many frames, and what it plays is heard `latency` milliseconds later. @param {number} frames
   * @param {number} latency */
  level(frames, latency) {
    this._latency = latency;
    const now = this._clock();
    let held = frames + this._entries.length * SAMPLES;
    while (held < AHEAD * FRAMES_MS && !(this._silent && !this.buffer.waiting)) {
      this._begin(now + held / FRAMES_MS + this._latency, now);
      held += SAMPLES;
    }
  }

  /** The next 10 ms, which will be heard then. @param {number} heardAt @param {number} now */
  _begin(heardAt, now) {
    const step = this.buffer.step(heardAt, now);
    this._silent = step.play === Play.SILENCE;
    /** @type {Entry} */
    const entry = { stamp: this._stamp, parts: 0, decoded: [], speed: step.speed };
    this._entries.push(entry);
    if (step.play === Play.PACKET || step.play === Play.TWO) {
      entry.parts = step.play === Play.TWO ? 2 : 1;
      this._decode(step.packet);
      if (step.play === Play.TWO) this._decode(step.after);
    } else {
      if (step.play === Play.SILENCE) entry.decoded.push(quiet());
      this._flush();
    }
  }

  /** Its stamp follows that of the packet before without a gap: a browser tells its output's time by what it has given
   * out, whatever is missing. @param {Uint8Array} packet */
  _decode(packet) {
    this._decoder ??= this._makeDecoder(
      (samples, stamp) => this._decoded(samples, stamp),
      () => this._failed(),
    );
    this._decoder.decode(packet, this._stamp);
    this._stamp += STAMPS;
  }

  /** @param {Float32Array[]} samples @param {number} stamp */
  _decoded(samples, stamp) {
    const entry = this._entries.findLast((one) => one.stamp <= stamp + ROUNDED && one.parts);
    if (!entry) return;
    // What stands before it and was not given out will not be any more.
    for (const one of this._entries) {
      if (one === entry) break;
      one.parts = 0;
    }
    entry.decoded.push(samples);
    entry.parts -= 1;
    this._flush();
  }

  /** The decoder takes no more: another one does, from the next packet on. */
  _failed() {
    this._decoder = null;
    for (const entry of this._entries) entry.parts = 0;
    this._flush();
  }

  /** Give the loudspeaker what is ready, in order. */
  _flush() {
    while (this._entries.length && !this._entries[0].parts) {
      const { decoded, speed } = /** @type {Entry} */ (this._entries.shift());
      const samples = decoded.length > 1 ? faded(decoded[0], decoded[1]) : (decoded[0] ?? this._last.map((plane) => plane.map((value) => value * FADES)));
      this._last = samples;
      const made = this._resampler.made(samples, speed);
      this._output?.write(made);
    }
  }

  /** How it goes, as the stats object has it; null: nobody listens. */
  figures() {
    if (!this._output) return null;
    const { received, played, concealed, late } = this.buffer.heard;
    const rounded = (/** @type {number} */ part, /** @type {number} */ of) => (of ? Math.round((part / of) * 1e4) / 1e4 : 0);
    return {
      received,
      late: rounded(late, received),
      concealed: rounded(concealed, played + concealed),
      buffer_ms: Math.round(this.buffer.target(this._clock())),
      delay_ms: this._silent || this.buffer.delay === null ? null : Math.round(this.buffer.delay),
    };
  }

  /** Whether anybody listens. */
  get listening() {
    return this._output !== null;
  }
}

/** 10 ms of nothing. @returns {Float32Array[]} */
function quiet() {
  return Array.from({ length: CHANNELS }, () => new Float32Array(SAMPLES));
}

/** 10 ms in which one becomes the other. @param {Float32Array[]} first @param {Float32Array[]} second @returns
 * {Float32Array[]} */
function faded(first, second) {
  return first.map((plane, channel) => plane.map((value, at) => value + ((second[channel][at] ?? 0) - value) * (at / plane.length)));
}
