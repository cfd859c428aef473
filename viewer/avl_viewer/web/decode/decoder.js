/**
 * Decoder: frames of one track in decode order -> pictures, one after the other, through WebCodecs.
 *
 * Hardware is asked for first; where it takes a codec or a sampling not, software does, without a word to the host. A
 * picture is handed on as it comes out. Only when the decoder has fallen behind are pictures skipped, so that the newest
 * is never kept waiting by older ones.
 */

/** @typedef {import("../session/media/receiver.js").ReceivedFrame} ReceivedFrame @typedef
 * {import("../media/preamble.js").Rect} Rect */

/** Frames inside the decoder above which pictures are skipped. */
const BEHIND = 2;
/** Milliseconds after which a picture is painted however far behind the decoder is. */
const LONGEST_GAP = 60;

/**
 * @typedef {object} DecodedPicture
 * @property {ReceivedFrame} frame
 * @property {VideoFrame} picture  to be closed by who takes it
 * @property {Rect[]} dirty  what is to be shown of it, that of skipped ones included
 * @property {number} started
 * @property {number} decoded
 *
 * @typedef {object} DecoderOwner
 * @property {(decoded: DecodedPicture) => void} decoderPicture
 * @property {(frame: ReceivedFrame, started: number, decoded: number) => void} decoderSkipped
 * @property {(frame: ReceivedFrame | null) => void} decoderFailed  a key object is needed
 */

/** One track's decoder. `clock`: milliseconds. */
export class Decoder {
  /** @param {DecoderOwner} owner @param {() => number} clock */
  constructor(owner, clock) {
    this._owner = owner;
    this._clock = clock;
    /** @type {VideoDecoder | null} */
    this._decoder = null;
    this._configuration = "";
    /** Whether hardware was asked for and no picture has come out yet. */
    this._trying = false;
    /** Whether the decoder in use is to be hardware. */
    this._asksHardware = false;
    /** @type {"hardware" | "software" | null} */
    this._device = null;
    /** Codecs and samplings that hardware did not take. @type {Set<string>} */
    this._refused = new Set();
    this._needsKey = true;
    /** Frames given so far: those of two tracks of the same pictures have numbers of their own. */
    this._given = 0;
    /** Frames inside, by their place among those given. @type {Map<number, { frame: ReceivedFrame, started: number }>} */
    this._inside = new Map();
    /** Rectangles of skipped pictures. @type {Rect[]} */
    this._dirty = [];
    this._handed = -Infinity;
  }

  /** Frames given and not yet come out. */
  get queue() {
    return this._inside.size;
  }

  /** What decodes: "hardware" or "software"; null before a picture has come out. */
  get device() {
    return this._device;
  }

  /** Decode a frame; deltas are left out until a key object after a failure. @param {ReceivedFrame} frame */
  decode(frame) {
    const key = frame.preamble.key;
    if (this._needsKey && !key) return;
    if (key) this._configure(frame);
    this._inside.set(++this._given, { frame, started: this._clock() });
    this._give(frame, this._given);
  }

  /** Begin anew: what is inside will not come out. */
  reset() {
    if (this._decoder && this._decoder.state !== "closed") this._decoder.close();
    this._decoder = null;
    this._configuration = "";
    this._trying = false;
    this._needsKey = true;
    this._inside.clear();
    this._dirty = [];
  }

  /** @param {ReceivedFrame} frame @param {number} place  among those given */
  _give(frame, place) {
    const type = frame.preamble.key ? "key" : "delta";
    try {
      this._decoder?.decode(new EncodedVideoChunk({ type, timestamp: place, data: frame.data }));
    } catch (error) {
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
      this._broken(frame);
    }
  }

  /** @param {ReceivedFrame} frame  a key object */
  _configure(frame) {
    const wanted = `${frame.codec} ${frame.width}x${frame.height} ${frame.chroma}`;
    this._needsKey = false;
    if (this._decoder?.state === "configured" && wanted === this._configuration) return;
    this._configuration = wanted;
    this._inside.clear();
    this._dirty = [];
    this._open(frame);
  }

  /** Hardware, unless it refused this before. @param {ReceivedFrame} frame  a key object */
  _open(frame) {
    if (this._decoder && this._decoder.state !== "closed") this._decoder.close();
    const decoder = new VideoDecoder({
      output: (picture) => this._output(picture),
      error: () => {
        if (decoder === this._decoder) this._broken(this._oldest());
      },
    });
    this._decoder = decoder;
    this._trying = this._asksHardware = !this._refused.has(kind(frame));
    decoder.configure({
      hardwareAcceleration: this._trying ? "prefer-hardware" : "no-preference",
      codec: frame.codec,
      codedWidth: frame.width,
      codedHeight: frame.height,
      optimizeForLatency: true,
      colorSpace: { primaries: "bt709", transfer: "iec61966-2-1", matrix: "bt709", fullRange: false },
    });
  }

  /** @returns {ReceivedFrame | null} */
  _oldest() {
    return this._inside.values().next().value?.frame ?? null;
  }

  /** @param {VideoFrame} picture */
  _output(picture) {
    const now = this._clock();
    this._trying = false;
    this._device = this._asksHardware ? "hardware" : "software";
    const inside = this._inside.get(picture.timestamp);
    if (!inside) {
      picture.close();
      return;
    }
    const { frame, started } = inside;
    for (const place of [...this._inside.keys()]) if (place <= picture.timestamp) this._inside.delete(place);
    const { key, dirty } = frame.preamble;
    this._dirty = key ? dirty : [...this._dirty, ...dirty];
    if (this._inside.size > BEHIND && now - this._handed < LONGEST_GAP) {
      picture.close();
      this._owner.decoderSkipped(frame, started, now);
      return;
    }
    const changed = this._dirty;
    this._dirty = [];
    this._handed = now;
    this._owner.decoderPicture({ frame, picture, dirty: changed, started, decoded: now });
  }

  /** The decoder can't go on. Where hardware has given no picture yet, another one takes all that is inside. @param
   * {ReceivedFrame | null} frame */
  _broken(frame) {
    const first = this._oldest();
    if (!this._trying || !first?.preamble.key) {
      this._failed(frame);
      return;
    }
    this._refused.add(kind(first));
    this._open(first);
    for (const [place, { frame: inside }] of [...this._inside]) this._give(inside, place);
  }

  /** @param {ReceivedFrame | null} frame */
  _failed(frame) {
    this.reset();
    this._owner.decoderFailed(frame);
  }
}

/** What hardware takes or refuses. @param {ReceivedFrame} frame */
function kind(frame) {
  return `${frame.codec.split(".", 1)[0]} ${frame.chroma}`;
}
