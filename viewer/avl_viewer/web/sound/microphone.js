/**
 * The microphone's worklet: 10 ms of one channel at a time, to the worker, which encodes them.
 */

/** Frames of a block. */
const BLOCK = 480;

/** What the scope of a worklet has, which the type definitions of pages lack.
 * @typedef {object} WorkletScope
 * @property {new () => { port: MessagePort }} AudioWorkletProcessor
 * @property {(name: string, processor: unknown) => void} registerProcessor
 */
const scope = /** @type {WorkletScope} */ (/** @type {unknown} */ (globalThis));

class Microphone extends scope.AudioWorkletProcessor {
  constructor() {
    super();
    this._block = new Float32Array(BLOCK);
    this._filled = 0;
    /** To the worker. @type {MessagePort | null} */
    this._worker = null;
    this.port.onmessage = (/** @type {MessageEvent} */ { data }) => void (this._worker = data.port);
  }

  /** @param {Float32Array[][]} inputs */
  process([input]) {
    for (const value of input?.[0] ?? []) {
      this._block[this._filled++] = value;
      if (this._filled < BLOCK) continue;
      this._worker?.postMessage(this._block, [this._block.buffer]);
      this._block = new Float32Array(BLOCK);
      this._filled = 0;
    }
    return true;
  }
}

scope.registerProcessor("avl-microphone", Microphone);

export {};
