/**
 * Screens: one canvas of the page a desktop, each with a painter. The page's own shows the first; for further ones the
 * page makes more.
 */

import { Painter } from "./painter.js";

/** @typedef {import("./painter.js").Painted} Painted @typedef {import("./painter.js").Presented} Presented */

/** Gives what has changed to the canvas of its desktop. `presented(objects, at)`: they are on it. */
export class Screens {
  /** @param {(objects: Presented[], at: number) => void} presented @param {() => number} clock
   * @param {(canvas: OffscreenCanvas, presented: (objects: Presented[], at: number) => void, clock: () => number) => {
   * paint: (painted: Painted) => void }} open */
  constructor(presented, clock, open = (canvas, shown, now) => new Painter(canvas, shown, now)) {
    this._presented = presented;
    this._clock = clock;
    this._open = open;
    /** @type {{ paint: (painted: Painted) => void }[]} */
    this._painters = [];
    /** @type {number[]} */
    this._desktops = [];
  }

  /** One more canvas, for the next desktop in order. @param {OffscreenCanvas} canvas */
  add(canvas) {
    this._painters.push(this._open(canvas, this._presented, this._clock));
  }

  /** A session has these desktops, by their first tracks. @param {number[]} desktops */
  desktops(desktops) {
    this._desktops = desktops;
  }

  /** Show what has changed; of a desktop that has no canvas yet pictures are let go of. @param {Painted} painted */
  paint(painted) {
    const painter = this._painters[this._desktops.indexOf(painted.desktop)];
    if (painter) painter.paint(painted);
    else painted.canvas.close();
  }
}
