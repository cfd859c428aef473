/**
 * Screens: one canvas a track, each with a painter. The page's own shows the desktop; for further tracks the page makes
 * more.
 */

import { Painter } from "./painter.js";

/** @typedef {import("../decode/decoder.js").DecodedPicture} DecodedPicture */

/** Gives each picture to the canvas of its track. `presented(track, numbers, at)`: they are on it. */
export class Screens {
  /** @param {(track: number, numbers: number[], at: number) => void} presented @param {() => number} clock
   * @param {(canvas: OffscreenCanvas, presented: (numbers: number[], at: number) => void, clock: () => number) => {
   * paint: (picture: DecodedPicture) => void }} open */
  constructor(presented, clock, open = (canvas, shown, now) => new Painter(canvas, shown, now)) {
    this._presented = presented;
    this._clock = clock;
    this._open = open;
    /** @type {{ paint: (picture: DecodedPicture) => void }[]} */
    this._painters = [];
    /** @type {number[]} */
    this._tracks = [];
  }

  /** One more canvas, for the next track in order. @param {OffscreenCanvas} canvas */
  add(canvas) {
    const at = this._painters.length;
    this._painters.push(this._open(canvas, (numbers, when) => this._presented(this._tracks[at] ?? -1, numbers, when), this._clock));
  }

  /** A session's pictures are of these tracks, the desktop first. @param {number[]} tracks */
  tracks(tracks) {
    this._tracks = tracks;
  }

  /** Show a picture; one of a track that has no canvas yet is closed. @param {DecodedPicture} decoded */
  paint(decoded) {
    const painter = this._painters[this._tracks.indexOf(decoded.frame.track)];
    if (painter) painter.paint(decoded);
    else decoded.picture.close();
  }
}
