/**
 * Layout: size and monitors of the host's desktop (spec 03-wire, 3.4.2), and the size that our input means (04-session,
 * 4.11).
 */

/**
 * @typedef {object} Monitor  Its place in desktop pixels; `scale` in hundredths, `rotation` in degrees.
 * @property {string} name
 * @property {number} number
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {boolean} primary
 * @property {number} scale
 * @property {number} rotation
 */

/** Tells the page what the desktop is like, and what of it is on the screen; tells the host what input means. */
export class LayoutService {
  /** @param {(message: Record<string, any>) => void} tell @param {(monitors: Monitor[]) => void} [laidOut] */
  constructor(tell, laidOut = () => undefined) {
    this._tell = tell;
    this._laidOut = laidOut;
    /** The desktop's size, as the host said last. */
    this._size = { width: 0, height: 0 };
    /** @type {import("../session/services.js").ViewerSession | null} */
    this._session = null;
    /** What is on the screen of each desktop, and what the host was told. @type {Map<string, string>} */
    this._shown = new Map();
    this._aimed = "";
    /** @type {Monitor[]} */
    this.monitors = [];
  }

  /** Nothing is shown of it. @param {import("../session/services.js").ViewerSession} session */
  admitted(session) {
    this._session = session;
    this._shown.clear();
    this._aimed = "";
    this.monitors = [];
  }

  /** Nothing is aimed at. */
  ended() {
    this._session = null;
  }

  /** The desktop looks like this; rows that are no monitor are left out. @param {any} message  LAYOUT */
  told({ width, height, names = [], monitors: rows = [], more = [] }) {
    this.monitors = rows.flatMap((/** @type {number[]} */ row, /** @type {number} */ at) => {
      if (row.length < 5 || at >= names.length) return [];
      const [x, y, wide, high, primary] = row;
      const [number, scale, rotation] = (more[at]?.length ?? 0) >= 3 ? more[at] : [0, 100, 0];
      return [{ name: names[at], number, x, y, width: wide, height: high, primary: Boolean(primary), scale, rotation }];
    });
    this._size = { width, height };
    this._tell({ say: "layout", width, height, monitors: this.monitors });
    this._laidOut(this.monitors);
  }

  /** The desktop is on the screen in this size, or the monitor of this number by itself. @param {number} width
   * @param {number} height @param {number} [monitor] @param {boolean} [first]  whether it is what is looked at first */
  shown(width, height, monitor = 0, first = true) {
    const where = first ? "first" : String(monitor);
    const what = `${width} ${height} ${monitor}`;
    if (what === this._shown.get(where)) return;
    this._shown.set(where, what);
    this._tell({ say: "shown", width, height, monitor, first });
  }

  /** The page's hands act on a desktop of this size since a moment of our clock, or on a monitor of it: on a desktop as
   * it was told of, if that monitor has this size there.
   * @param {number} width @param {number} height @param {number} at @param {number} monitor */
  aim(width, height, at, monitor) {
    if (monitor) {
      const place = this.monitors.find(({ number }) => number === monitor);
      if (place?.width !== width || place.height !== height) return;
      ({ width, height } = this._size);
    }
    const size = `${width} ${height}`;
    if (!this._session || size === this._aimed) return;
    this._aimed = size;
    this._session.send("AIM", { width, height, time_us: Math.round(this._session.clock.toHost(at) * 1000) });
  }
}
