/**
 * Resampler: samples at a speed that differs from 1 by less than a hundredth, and changes as it goes.
 *
 * Four points and a cubic through the inner two (Hermite): at such speeds what it adds lies 60 dB below the sound.
 */

/** The three frames before the place where the next is made. */
const KEPT = 3;

/** Floats of `channels`, each in an array of its own. */
export class Resampler {
  /** @param {number} channels */
  constructor(channels) {
    /** Frames that were not used up. @type {Float32Array[]} */
    this._frames = Array.from({ length: channels }, () => new Float32Array(KEPT));
    /** The place of the next frame that is made, behind the first of those. */
    this._at = 1;
  }

  /** What follows, played `speed` times as fast. @param {Float32Array[]} samples @param {number} speed @returns
   * {Float32Array<ArrayBuffer>[]} */
  made(samples, speed) {
    const length = this._frames[0].length + samples[0].length;
    const count = Math.max(0, Math.ceil((length - 2 - this._at) / speed));
    const end = this._at + speed * count;
    const used = Math.floor(end) - 1;
    const made = samples.map((more, channel) => {
      const frames = new Float32Array(length);
      frames.set(this._frames[channel]);
      frames.set(more, this._frames[channel].length);
      this._frames[channel] = frames.slice(used);
      return this._through(frames, count, speed);
    });
    this._at = end - used;
    return made;
  }

  /** @param {Float32Array} frames @param {number} count @param {number} speed */
  _through(frames, count, speed) {
    const out = new Float32Array(count);
    for (let n = 0; n < count; n++) {
      const place = this._at + speed * n;
      const whole = Math.floor(place);
      const part = place - whole;
      const [before, here, behind, further] = [frames[whole - 1], frames[whole], frames[whole + 1], frames[whole + 2]];
      const slope = (behind - before) / 2;
      const next = (further - here) / 2;
      const cubic = 2 * (here - behind) + slope + next;
      const square = 3 * (behind - here) - 2 * slope - next;
      out[n] = ((cubic * part + square) * part + slope) * part + here;
    }
    return out;
  }
}
