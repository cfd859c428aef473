/**
 * The loudspeaker's worklet: plays what the worker gives it, and says how much it holds.
 *
 * It runs where the browser mixes sound, apart from page and worker, so that neither of them can make it stutter.
 */

/** Quanta of 128 frames between two words about how much there is: 10.7 ms. */
const TELL = 4;
/** Frames that are held at most, two seconds: what comes beyond was not asked for. */
const MOST = 96_000;

/** What the scope of a worklet has, which the type definitions of pages lack.
 * @typedef {object} WorkletScope
 * @property {new () => { port: MessagePort }} AudioWorkletProcessor
 * @property {(name: string, processor: unknown) => void} registerProcessor
 */
const scope = /** @type {WorkletScope} */ (/** @type {unknown} */ (globalThis));

class Speaker extends scope.AudioWorkletProcessor {
  constructor() {
    super();
    /** @type {Float32Array[][]} */
    this._waiting = [];
    this._held = 0;
    /** Frames of the first that were played. */
    this._played = 0;
    this._quanta = 0;
    /** To the worker. @type {MessagePort | null} */
    this._worker = null;
    this.port.onmessage = (/** @type {MessageEvent} */ { data }) => {
      this._worker = data.port;
      data.port.onmessage = (/** @type {MessageEvent} */ event) => this._take(event.data);
    };
  }

  /** @param {Float32Array[]} samples */
  _take(samples) {
    if (this._held + samples[0].length > MOST) return;
    this._waiting.push(samples);
    this._held += samples[0].length;
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs */
  process(_inputs, [output]) {
    const wanted = output[0].length;
    let done = 0;
    while (done < wanted && this._waiting.length) {
      const [first] = this._waiting;
      const count = Math.min(wanted - done, first[0].length - this._played);
      output.forEach((plane, channel) => plane.set((first[channel] ?? first[0]).subarray(this._played, this._played + count), done));
      done += count;
      this._played += count;
      this._held -= count;
      if (this._played === first[0].length) {
        this._waiting.shift();
        this._played = 0;
      }
    }
    if (++this._quanta % TELL === 0) this._worker?.postMessage(this._held);
    return true;
  }
}

scope.registerProcessor("avl-speaker", Speaker);

export {};
