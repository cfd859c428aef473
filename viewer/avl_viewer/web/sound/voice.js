/**
 * VoiceEncoder: the microphone's blocks into packets of Opus by the browser's encoder; silence into nothing.
 */

import { RATE } from "../media/sound.js";

/** Bits per second of a voice. */
const BITRATE = 32_000;
/** The loudest sample of what counts as silence (-60 dBFS: microphones hiss), and blocks of it that are still sent. */
const SILENT = 1e-3;
const LINGER = 30;

/** One microphone, while it is on. `say(passed, packet)`: a packet, and how many times 10 ms since the one before. */
export class VoiceEncoder {
  /** @param {(passed: number, packet: Uint8Array) => void} say @param {() => void} failed */
  constructor(say, failed) {
    this._say = say;
    this._passed = 0;
    this._quiet = LINGER;
    this._at = 0;
    /** How many times 10 ms had passed at each block that the encoder has. @type {number[]} */
    this._under = [];
    this._encoder = new AudioEncoder({
      output: (chunk) => {
        const packet = new Uint8Array(chunk.byteLength);
        chunk.copyTo(packet);
        this._say(this._under.shift() ?? 1, packet);
      },
      error: failed,
    });
    this._encoder.configure(/** @type {AudioEncoderConfig} */ ({
      codec: "opus", sampleRate: RATE, numberOfChannels: 1, bitrate: BITRATE, opus: { frameDuration: 10_000, application: "voip" },
    }));
  }

  /** 10 ms. @param {Float32Array<ArrayBuffer>} block */
  put(block) {
    this._passed += 1;
    this._at += 10_000;
    this._quiet = block.some((value) => Math.abs(value) > SILENT) ? 0 : this._quiet + 1;
    if (this._quiet > LINGER || this._encoder.state !== "configured") return;
    const data = new AudioData({ format: "f32-planar", sampleRate: RATE, numberOfFrames: block.length, numberOfChannels: 1, timestamp: this._at, data: block });
    this._under.push(this._passed);
    this._passed = 0;
    this._encoder.encode(data);
    data.close();
  }

  close() {
    if (this._encoder.state !== "closed") this._encoder.close();
  }
}
