/**
 * Screens: one canvas of the page a desktop, each with a painter. The page's own shows the first; for further ones the
 * page makes more. A monitor that has a window of its own is painted there.
 */

import { Painter } from "./painter.js";

/** @typedef {import("./painter.js").Painted} Painted @typedef {import("./painter.js").Presented} Presented
 *
 * @typedef {object} Paints  What draws a desktop.
 * @property {(painted: Painted) => void} paint
 * @property {(times: number) => void} halve  draw it halved so often
 */

/** Gives what has changed to the canvas of its desktop. `presented(objects, at)`: they are on it. */
export class Screens {
  /** @param {(objects: Presented[], at: number) => void} presented @param {() => number} clock
   * @param {(canvas: OffscreenCanvas, presented: (objects: Presented[], at: number) => void, clock: () => number) =>
   * Paints} open
   * @param {(desktop: number) => string} monitor  the name of the monitor that a desktop is; empty: it is none */
  constructor(presented, clock, open = (canvas, shown, now) => new Painter(canvas, shown, now), monitor = () => "") {
    this._presented = presented;
    this._clock = clock;
    this._open = open;
    this._monitor = monitor;
    /** Of windows, by the name of their monitor. @type {Map<string, Paints>} */
    this._windows = new Map();
    /** @type {Paints[]} */
    this._painters = [];
    /** @type {number[]} */
    this._desktops = [];
  }

  /** One more canvas, for the next desktop in order. @param {OffscreenCanvas} canvas */
  add(canvas) {
    this._painters.push(this._open(canvas, this._presented, this._clock));
  }

  /** The canvas of the window that a monitor has by itself; null: it has none any more. @param {string} monitor
   * @param {OffscreenCanvas | null} canvas */
  put(monitor, canvas) {
    if (canvas) this._windows.set(monitor, this._open(canvas, this._presented, this._clock));
    else this._windows.delete(monitor);
  }

  /** A desktop is shown so small that it is to be halved so often: that of a window, or (empty) the page's. @param {string}
   * monitor @param {number} times */
  halve(monitor, times) {
    (monitor ? this._windows.get(monitor) : this._painters[0])?.halve(times);
  }

  /** A session has these desktops, by their first tracks. @param {number[]} desktops */
  desktops(desktops) {
    this._desktops = desktops;
  }

  /** Show what has changed; of a desktop that has no canvas yet pictures are let go of. @param {Painted} painted */
  paint(painted) {
    const painter = this._windows.get(this._monitor(painted.desktop)) ?? this._painters[this._desktops.indexOf(painted.desktop)];
    if (painter) painter.paint(painted);
    else painted.canvas.close();
  }
}
