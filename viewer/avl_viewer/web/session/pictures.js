/**
 * Pictures: what happens to a session's frames from their arrival to the screen, and the figures that come of it.
 */

import { Decoder } from "../decode/decoder.js";
import { Statistics, readable } from "../statistics.js";
import { Reporter } from "./report.js";

/** Names of STAGES' times, in order. */
const HOST_STAGES = ["grab", "compare", "convert", "encode", "seal"];

/**
 * @typedef {import("./mediain.js").ReceivedFrame} ReceivedFrame @typedef {import("../decode/decoder.js").DecodedPicture} DecodedPicture
 * @typedef {import("./ways.js").Ways} Ways @typedef {import("./viewer.js").ViewerSession} ViewerSession
 *
 * @typedef {{ paint: (picture: DecodedPicture) => void }} Screen  Calls `presented` when pictures are on it.
 *
 * @typedef {object} PicturesOwner
 * @property {(number: number) => void} picturesBroken  the track can't be decoded from this object on
 * @property {(object: number) => void} picturesSettled  an object that is as good as it gets is on the screen
 */

/** The video of one session after another. `clock`: milliseconds. */
export class Pictures {
  /** @param {Screen} screen @param {() => number} clock @param {PicturesOwner} owner */
  constructor(screen, clock, owner) {
    this._screen = screen;
    this._clock = clock;
    this._owner = owner;
    this._decoder = new Decoder(this, clock);
    this._reporter = new Reporter();
    /** What the rate controllers of both hops last said. @type {import("../statistics.js").Rates} */
    this._rates = {};
    /** An object that is settled and was not told of yet, and the newest shown; -1: none. */
    this._settled = -1;
    this._shown = -1;
    /** The clock of the session's host. @type {import("../media/clock.js").ClockOffset | null} */
    this._offset = null;
    /** The video track; -1 before GRANT. */
    this.track = -1;
    this.visible = true;
    this.statistics = new Statistics();
  }

  /** A new session begins: nothing of the one before counts. */
  begin() {
    this.statistics = new Statistics();
    this._reporter = new Reporter();
    this._rates = {};
    this._decoder.reset();
    this._settled = -1;
    this._shown = -1;
  }

  /** Decode, in order. @param {ReceivedFrame[]} frames @param {import("../media/clock.js").ClockOffset} offset */
  frames(frames, offset) {
    this._offset = offset;
    for (const frame of frames) {
      if (this.track < 0) this.track = frame.track;
      if (frame.track !== this.track) continue;
      this.statistics.frameReceived(frame, offset.fromHost(frame.preamble.capturedUs / 1000));
      this._decoder.decode(frame);
    }
  }

  /** How the host and both hops are doing. @param {any} message  STAGES, RATE or HOP_RATE */
  told(message) {
    if (message.kind === "RATE") this._rates.upload = readable(message);
    else if (message.kind === "HOP_RATE") this._rates.download = readable(message);
    else {
      HOST_STAGES.forEach((name, at) => {
        if (at < message.times_us.length) this.statistics.stage(name, message.times_us[at] / 1000, this._clock());
      });
    }
  }

  /** The hops are others now. */
  moved() {
    this._rates = {};
  }

  /** The stats object; null before there is a session. @param {Ways | null} ways @param {number} now */
  figures(ways, now) {
    const media = ways?.session?.media;
    if (!ways || !media) return null;
    const { current: way, switch: last } = ways;
    return this.statistics.report(now, way?.name ?? "none", way?.rtt ?? null, media.lost, media.received, this._rates, last);
  }

  // reports

  /** When the next report is due; null: none is. @param {number} now @returns {number | null} */
  nextReport(now) {
    return this._reporter.next(now);
  }

  /** Tell the host what was on the screen when, if it is time. @param {ViewerSession | null} session @param {number} now */
  report(session, now) {
    if (!session?.media) return;
    const objects = this._reporter.take(now);
    if (!objects.length) return;
    const { lost, received } = session.media;
    session.send("REPORT", { track: this.track, objects, decode_queue: this._decoder.queue, lost, received });
  }

  // DecoderOwner

  /** @param {DecodedPicture} decoded */
  decoderPicture(decoded) {
    this.statistics.frameDecoded(decoded.frame.number, decoded.decoded - decoded.started, decoded.decoded);
    if (decoded.frame.preamble.settled) this._settled = Math.max(this._settled, decoded.frame.number);
    if (this.visible) this._screen.paint(decoded);
    else decoded.picture.close();
  }

  /** @param {ReceivedFrame} frame @param {number} started @param {number} decoded */
  decoderSkipped(frame, started, decoded) {
    this.statistics.frameDecoded(frame.number, decoded - started, decoded);
  }

  /** @param {ReceivedFrame | null} frame */
  decoderFailed(frame) {
    this._owner.picturesBroken(frame ? frame.number : 0);
  }

  /** Pictures are on the screen. @param {number[]} numbers @param {number} at */
  presented(numbers, at) {
    for (const number of numbers) {
      this.statistics.framePresented(number, at);
      if (this._offset) this._reporter.presented(number, this._offset.toHost(at));
      this._shown = number;
    }
    if (this._settled < 0 || this._shown < this._settled) return;
    this._owner.picturesSettled(this._settled);
    this._settled = -1;
  }
}
