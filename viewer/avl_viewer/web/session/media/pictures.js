/**
 * Pictures: what happens to a session's frames from their arrival to the screen, and the figures that come of it. Each
 * track has a decoder, a report and figures of its own; the first is the desktop.
 */

import { Decoder } from "../../decode/decoder.js";
import { Statistics, readable } from "../../statistics.js";
import { TRACK_KIND } from "../../wire/registry.js";
import { Reporter } from "../report.js";

/** Names of STAGES' times, in order. */
const HOST_STAGES = ["grab", "compare", "convert", "encode", "seal"];

/**
 * @typedef {import("./receiver.js").ReceivedFrame} ReceivedFrame @typedef
 * {import("../../decode/decoder.js").DecodedPicture} DecodedPicture
 * @typedef {import("../../paths/paths.js").Paths} Paths @typedef {import("../viewer.js").ViewerSession} ViewerSession
 * @typedef {import("../../media/clock.js").ClockOffset} ClockOffset
 *
 * @typedef {object} Screen  Calls `presented` when pictures are on it.
 * @property {(tracks: number[]) => void} tracks  a session's pictures are of these tracks, the desktop first
 * @property {(picture: DecodedPicture) => void} paint  shows it, or closes it where its track has no place
 *
 * @typedef {object} PicturesOwner
 * @property {(track: number, number: number) => void} picturesBroken  the track can't be decoded from this object on
 * @property {(object: number) => void} picturesSettled  an object of the desktop that is as good as it gets is on the
 * screen
 */

/** One track of a session. */
class TrackPictures {
  /** @param {number} track @param {Pictures} pictures @param {() => number} clock */
  constructor(track, pictures, clock) {
    this.track = track;
    this._pictures = pictures;
    this.decoder = new Decoder(this, clock);
    this.reporter = new Reporter();
    this.statistics = new Statistics();
    /** An object that is settled and was not told of yet, and the newest shown; -1: none. */
    this._settled = -1;
    this._shown = -1;
  }

  /** @param {ReceivedFrame} frame @param {ClockOffset} offset */
  frame(frame, offset) {
    this.statistics.frameReceived(frame, offset.fromHost(frame.preamble.capturedUs / 1000));
    this.decoder.decode(frame);
  }

  // DecoderOwner

  /** @param {DecodedPicture} decoded */
  decoderPicture(decoded) {
    this.statistics.frameDecoded(decoded.frame.number, decoded.decoded - decoded.started, decoded.decoded);
    if (decoded.frame.preamble.settled) this._settled = Math.max(this._settled, decoded.frame.number);
    this._pictures.decoded(decoded);
  }

  /** @param {ReceivedFrame} frame @param {number} started @param {number} decoded */
  decoderSkipped(frame, started, decoded) {
    this.statistics.frameDecoded(frame.number, decoded - started, decoded);
  }

  /** @param {ReceivedFrame | null} frame */
  decoderFailed(frame) {
    this._pictures.broken(this.track, frame ? frame.number : 0);
  }

  /** Pictures are on the screen; the object that is settled now, if there is one. @param {number[]} numbers @param
   * {number} at
   * @param {ClockOffset | null} offset @returns {number | null} */
  presented(numbers, at, offset) {
    for (const number of numbers) {
      this.statistics.framePresented(number, at);
      if (offset) this.reporter.presented(number, offset.toHost(at));
      this._shown = number;
    }
    if (this._settled < 0 || this._shown < this._settled) return null;
    const settled = this._settled;
    this._settled = -1;
    return settled;
  }
}

/** The pictures of one session after another. `clock`: milliseconds. */
export class Pictures {
  /** @param {Screen} screen @param {() => number} clock @param {PicturesOwner} owner */
  constructor(screen, clock, owner) {
    this._screen = screen;
    this._clock = clock;
    this._owner = owner;
    /** Those of each track, the desktop's first. @type {Map<number, TrackPictures>} */
    this._tracks = new Map();
    /** What the rate controllers of both hops last said. @type {import("../../statistics.js").Rates} */
    this._rates = {};
    /** The clock of the session's host. @type {ClockOffset | null} */
    this._offset = null;
    this.visible = true;
    /** Figures of the desktop, and of input. */
    this.statistics = new Statistics();
  }

  /** A new session begins: nothing of the one before counts. */
  begin() {
    for (const { decoder } of this._tracks.values()) decoder.reset();
    this._tracks.clear();
    this._rates = {};
    this.statistics = new Statistics();
  }

  /** These are the session's tracks. @param {import("../../media/track.js").Track[]} tracks */
  granted(tracks) {
    const shown = tracks.filter(({ kind }) => kind === TRACK_KIND.VIDEO);
    for (const { id } of shown) this._tracks.set(id, new TrackPictures(id, this, this._clock));
    this.statistics = this._tracks.get(shown[0]?.id)?.statistics ?? this.statistics;
    this._screen.tracks(this.tracks);
  }

  /** The numbers of the tracks, the desktop first. @returns {number[]} */
  get tracks() {
    return [...this._tracks.keys()];
  }

  /** Decode, in order. @param {ReceivedFrame[]} frames @param {ClockOffset} offset */
  frames(frames, offset) {
    this._offset = offset;
    for (const frame of frames) this._tracks.get(frame.track)?.frame(frame, offset);
  }

  /** How the host and both hops are doing. @param {any} message  STAGES, RATE or HOP_RATE */
  told(message) {
    if (message.kind === "RATE") this._rates.upload = readable(message);
    else if (message.kind === "HOP_RATE") this._rates.download = readable(message);
    else {
      const statistics = this._tracks.get(message.track)?.statistics ?? this.statistics;
      HOST_STAGES.forEach((name, at) => {
        if (at < message.times_us.length) statistics.stage(name, message.times_us[at] / 1000, this._clock());
      });
    }
  }

  /** The hops are others now. */
  moved() {
    this._rates = {};
  }

  /** The stats object; null before there is a session. @param {Paths | null} paths @param {number} now */
  figures(paths, now) {
    const media = paths?.session?.media;
    if (!paths || !media) return null;
    const { current: path, switch: last } = paths;
    return this.statistics.report(now, path?.name ?? "none", path?.rtt ?? null, media.lost, media.received, this._rates, last);
  }

  // reports

  /** When the next report is due; null: none is. @param {number} now @returns {number | null} */
  nextReport(now) {
    const due = [...this._tracks.values()].map(({ reporter }) => reporter.next(now)).filter((at) => at !== null);
    return due.length ? Math.min(...due) : null;
  }

  /** Tell the host what was on the screen when, if it is time. @param {ViewerSession | null} session @param {number}
   * now */
  report(session, now) {
    if (!session?.media) return;
    const { lost, received } = session.media;
    for (const [track, { reporter, decoder }] of this._tracks) {
      const objects = reporter.take(now);
      if (objects.length) session.send("REPORT", { track, objects, decode_queue: decoder.queue, lost, received });
    }
  }

  // from tracks and screen

  /** @param {DecodedPicture} decoded */
  decoded(decoded) {
    if (this.visible) this._screen.paint(decoded);
    else decoded.picture.close();
  }

  /** @param {number} track @param {number} number */
  broken(track, number) {
    this._owner.picturesBroken(track, number);
  }

  /** Pictures of a track are on the screen. @param {number} track @param {number[]} numbers @param {number} at */
  presented(track, numbers, at) {
    const settled = this._tracks.get(track)?.presented(numbers, at, this._offset) ?? null;
    if (settled !== null && track === this.tracks[0]) this._owner.picturesSettled(settled);
  }
}
