/**
 * Pictures: what happens to a session's objects from their arrival to the screen, and the figures that come of it. Each
 * desktop has a canvas, a decoder for its pictures, reports and figures of its own; exact pixels pass the decoder by.
 */

import { Canvas } from "../../decode/canvas.js";
import { Decoder } from "../../decode/decoder.js";
import { desktops } from "../../media/track.js";
import { Statistics, readable } from "../../statistics.js";
import { RemoteProtocolError } from "../../wire/errors.js";
import { CHROMA } from "../../wire/registry.js";
import { Reporter } from "../report.js";

/** Names of STAGES' times, in order. */
const HOST_STAGES = ["grab", "compare", "convert", "encode", "seal"];
/** @type {Record<number, string>} */
const CHROMA_NAMES = { [CHROMA.YUV420]: "YUV420", [CHROMA.YUV444]: "YUV444" };

/**
 * @typedef {import("./receiver.js").ReceivedFrame} ReceivedFrame @typedef {import("./receiver.js").ReceivedExact}
 * ReceivedExact @typedef {import("./receiver.js").ReceivedObject} ReceivedObject
 * @typedef {import("../../decode/decoder.js").DecodedPicture} DecodedPicture
 * @typedef {import("../../media/preamble.js").Rect} Rect
 * @typedef {import("../../media/track.js").DesktopTracks} DesktopTracks
 * @typedef {import("../../paths/paths.js").Paths} Paths @typedef {import("../viewer.js").ViewerSession} ViewerSession
 * @typedef {import("../../media/clock.js").ClockOffset} ClockOffset
 * @typedef {import("../../present/painter.js").Painted} Painted
 * @typedef {import("../../present/painter.js").Presented} Presented
 * @typedef {{ decompress: (frame: Uint8Array, size: number) => Uint8Array }} Decompresses
 *
 * @typedef {object} Screen  Calls `presented` when objects are on it.
 * @property {(desktops: number[]) => void} desktops  a session has these, by their first tracks
 * @property {(painted: Painted) => void} paint  shows what has changed
 *
 * @typedef {object} PicturesOwner
 * @property {(track: number, number: number) => void} picturesBroken  the track can't be decoded from this object on
 * @property {(track: number, number: number) => void} picturesLeftOut  an object copies what is not known
 * @property {(delay: number, at: number) => void} picturesFilm  a picture of what moves was shown so long after its capture
 * @property {() => void} picturesDamaged  exact pixels were not as they have to be
 */

/** One desktop of a session. */
class DesktopPictures {
  /** @param {DesktopTracks} tracks @param {Pictures} pictures @param {() => number} clock @param {Decompresses}
   * decompressor */
  constructor(tracks, pictures, clock, decompressor) {
    this.tracks = tracks;
    this._pictures = pictures;
    this._clock = clock;
    this.canvas = new Canvas(decompressor);
    this.decoder = new Decoder(this, clock);
    /** Of each track. @type {Map<number, Reporter>} */
    this.reporters = new Map([tracks.pictures, tracks.exact, tracks.lower].flatMap((track) => (track ? [[track.id, new Reporter()]] : [])));
    this.statistics = new Statistics();
    /** What the newest picture was. @type {import("../../statistics.js").Video | null} */
    this.video = null;
    /** What codes pictures at the host; null before it was told. @type {string | null} */
    this.encoder = null;
  }

  /** Show or decode this next. @param {ReceivedObject} one @param {ClockOffset} offset */
  take(one, offset) {
    const { capturedUs, inputEchoUs } = "exact" in one ? one.exact : one.preamble;
    const { track, number, size, first, last, opened } = one;
    const captured = offset.fromHost(capturedUs / 1000);
    this.statistics.received({ track, number, size, captured, echo: inputEchoUs / 1000, first, last, opened });
    if ("exact" in one) {
      this._show(one);
    } else {
      this.video = { codec: one.codec, chroma: CHROMA_NAMES[one.chroma], width: one.width, height: one.height };
      this.decoder.decode(one);
    }
  }

  /** @param {ReceivedExact} one */
  _show(one) {
    const started = this._clock();
    let shown;
    try {
      shown = this.canvas.show(one);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      this._pictures.damaged();
      return;
    }
    if (!shown.complete) this._pictures.leftOut(one.track, one.number);
    const now = this._clock();
    this.statistics.decoded(one.track, one.number, now - started, now);
    if (shown.changed.length) this._paint(one.track, one.number, shown.changed);
  }

  /** @param {number} track @param {number} number @param {Rect[]} changed */
  _paint(track, number, changed) {
    this._pictures.paint({ desktop: this.tracks.pictures.id, track, number, canvas: this.canvas, changed });
  }

  /** The newest picture, and who codes and decodes it; null before any. @returns {import("../../statistics.js").CodedVideo |
   * null} */
  get coded() {
    return this.video && { ...this.video, encoder: this.encoder, decoder: this.decoder.device };
  }

  /** Nothing more comes of it. */
  close() {
    this.decoder.reset();
    this.canvas.close();
  }

  // DecoderOwner

  /** @param {DecodedPicture} decoded */
  decoderPicture({ frame, picture, dirty, started, decoded }) {
    this.statistics.decoded(frame.track, frame.number, decoded - started, decoded);
    if (!this._pictures.visible) picture.close();
    else if (this.canvas.note(picture, frame, dirty)) this._paint(frame.track, frame.number, []);
  }

  /** @param {ReceivedFrame} frame @param {number} started @param {number} decoded */
  decoderSkipped(frame, started, decoded) {
    this.statistics.decoded(frame.track, frame.number, decoded - started, decoded);
  }

  /** @param {ReceivedFrame | null} frame */
  decoderFailed(frame) {
    this._pictures.broken(frame ? frame.track : this.tracks.pictures.id, frame ? frame.number : 0);
  }

  /** An object is on the screen. @param {number} track @param {number} number @param {number} at @param {ClockOffset |
   * null} offset */
  presented(track, number, at, offset) {
    const delay = this.statistics.presented(track, number, at);
    if (delay !== undefined && track !== this.tracks.exact?.id) this._pictures.film(delay, at);
    if (offset) this.reporters.get(track)?.presented(number, offset.toHost(at));
  }
}

/** What tells the tracks of a desktop from others. @param {DesktopTracks} tracks */
function key({ pictures, exact, lower }) {
  return [pictures.id, exact?.id, exact?.first, lower?.id].join(" ");
}

/** The pictures of one session after another. `clock`: milliseconds. */
export class Pictures {
  /** @param {Screen} screen @param {() => number} clock @param {Decompresses} decompressor @param {PicturesOwner} owner */
  constructor(screen, clock, decompressor, owner) {
    this._screen = screen;
    this._clock = clock;
    this._decompressor = decompressor;
    this._owner = owner;
    /** @type {DesktopPictures[]} */
    this._desktops = [];
    /** What the rate controllers of both hops last said. @type {import("../../statistics.js").Rates} */
    this._rates = {};
    /** The clock of the session's host. @type {ClockOffset | null} */
    this._offset = null;
    /** Since when every pixel of the first desktop is exact; null: it is not. @type {number | null} */
    this._exactSince = null;
    /** Whether exact pixels of the first desktop were painted that are not on the screen yet. */
    this._painted = false;
    this.visible = true;
    /** Figures of the first desktop, and of input. */
    this.statistics = new Statistics();
  }

  /** A new session begins: nothing of the one before counts. */
  begin() {
    for (const desktop of this._desktops) desktop.close();
    this._desktops = [];
    this._rates = {};
    this._exactSince = null;
    this._painted = false;
    this.statistics = new Statistics();
  }

  /** These are the session's tracks. @param {import("../../media/track.js").Track[]} tracks */
  granted(tracks) {
    this._desktops = desktops(tracks).map((of) => new DesktopPictures(of, this, this._clock, this._decompressor));
    this._begun();
  }

  /** The session has these tracks now: of a desktop whose tracks are as they were all goes on.
   * @param {import("../../media/track.js").Track[]} tracks */
  arrange(tracks) {
    const before = this._desktops;
    this._desktops = desktops(tracks).map(
      (of) => before.find((kept) => key(kept.tracks) === key(of)) ?? new DesktopPictures(of, this, this._clock, this._decompressor),
    );
    for (const one of before) if (!this._desktops.includes(one)) one.close();
    this._exactSince = null;
    this._painted = false;
    this._begun();
  }

  _begun() {
    this.statistics = this._desktops[0]?.statistics ?? this.statistics;
    this._screen.desktops(this.desktops);
  }

  /** The desktops, by their first tracks. @returns {number[]} */
  get desktops() {
    return this._desktops.map(({ tracks }) => tracks.pictures.id);
  }

  /** The numbers of all tracks that are shown. @returns {number[]} */
  get tracks() {
    return this._desktops.flatMap(({ reporters }) => [...reporters.keys()]);
  }

  /** @param {number} track */
  _of(track) {
    return this._desktops.find(({ reporters }) => reporters.has(track));
  }

  /** Show and decode, in order. @param {ReceivedObject[]} objects @param {ClockOffset} offset */
  take(objects, offset) {
    this._offset = offset;
    for (const one of objects) this._of(one.track)?.take(one, offset);
  }

  /** Whether every pixel of the first desktop was exact and on the screen when it was last looked at. */
  get exact() {
    return this._exactSince !== null;
  }

  /** Look whether they are, and tell where that has changed since the last call; else null. While they are exact, no
   * picture is missed. @param {import("./receiver.js").MediaReceiver} media @param {number} now @returns {boolean | null}
   */
  lookAtExact(media, now) {
    const first = this._desktops[0];
    const track = first?.tracks.exact;
    const found = Boolean(track && media.allSent(track.id) && first.canvas.exact === 1);
    if (found) media.rest(first.tracks.pictures.id);
    if (found && this._painted) return null;
    if (found === (this._exactSince !== null)) return null;
    this._exactSince = found ? now : null;
    return found;
  }

  /** How the host and both hops are doing. @param {any} message  STAGES, RATE or HOP_RATE */
  told(message) {
    if (message.kind === "RATE") this._rates.upload = readable(message);
    else if (message.kind === "HOP_RATE") this._rates.download = readable(message);
    else {
      const desktop = this._of(message.track);
      const statistics = desktop?.statistics ?? this.statistics;
      if (desktop && message.coder) desktop.encoder = message.coder;
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
    const first = this._desktops[0];
    const share = Math.floor((first?.canvas.exact ?? 0) * 1e4) / 1e4;
    const since = this._exactSince === null ? null : Math.round((now - this._exactSince) / 100) / 10;
    return {
      ...this.statistics.report(now, path?.name ?? "none", path?.rtt ?? null, media.lost, media.received, this._rates, last),
      exact: { share, since_s: since },
      video: first?.coded ?? null,
    };
  }

  // reports

  /** Who report, with their tracks and what waits for the decoder. @returns {[number, Reporter, number][]} */
  get _reporters() {
    return this._desktops.flatMap(({ reporters, decoder, tracks }) =>
      [...reporters].map(([track, reporter]) => /** @type {[number, Reporter, number]} */ ([track, reporter, track === tracks.pictures.id ? decoder.queue : 0])),
    );
  }

  /** When the next report is due; null: none is. @param {number} now @returns {number | null} */
  nextReport(now) {
    const due = this._reporters.map(([, reporter]) => reporter.next(now)).filter((at) => at !== null);
    return due.length ? Math.min(...due) : null;
  }

  /** Tell the host what was on the screen when, if it is time. @param {ViewerSession | null} session @param {number}
   * now */
  report(session, now) {
    if (!session?.media) return;
    const { lost, received } = session.media;
    for (const [track, reporter, queue] of this._reporters) {
      const objects = reporter.take(now);
      if (objects.length) session.send("REPORT", { track, objects, decode_queue: queue, lost, received });
    }
  }

  // from desktops and screen

  /** @param {Painted} painted */
  paint(painted) {
    if (painted.changed.length && painted.desktop === this.desktops[0]) this._painted = true;
    this._screen.paint(painted);
  }

  /** @param {number} track @param {number} number */
  broken(track, number) {
    this._owner.picturesBroken(track, number);
  }

  /** @param {number} track @param {number} number */
  leftOut(track, number) {
    this._owner.picturesLeftOut(track, number);
  }

  /** @param {number} delay @param {number} at */
  film(delay, at) {
    this._owner.picturesFilm(delay, at);
  }

  damaged() {
    this._owner.picturesDamaged();
  }

  /** How large each desktop is on the screen of which anything is: its first track, width and height; the first desktop
   * first. @returns {[number, number, number][]} */
  get shown() {
    return this._desktops.flatMap(({ tracks, canvas }) => (canvas.width ? [[tracks.pictures.id, canvas.width, canvas.height]] : []));
  }

  /** Objects are on the screen. @param {Presented[]} objects @param {number} at */
  presented(objects, at) {
    this._painted = false; // all that was painted until now is on it
    for (const [track, number] of objects) this._of(track)?.presented(track, number, at, this._offset);
  }
}
