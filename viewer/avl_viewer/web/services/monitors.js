/**
 * Monitors: which of the host's monitors are seen by themselves (spec 04-session, 4.11): one in the page in place of the
 * whole desktop, others in windows of their own.
 */

import { MAX } from "../wire/registry.js";

/** What stands for the whole desktop where monitors are named. */
const WHOLE = 0;

/** @typedef {import("./layout.js").Monitor} Monitor */

/** Says what is to be seen, by the name of a monitor, again to each session; tells the page what is. `arranged()`: the
 * session's tracks are others. */
export class MonitorsService {
  /** @param {(message: Record<string, any>) => void} tell @param {() => void} arranged */
  constructor(tell, arranged) {
    this._tell = tell;
    this._arranged = arranged;
    /** @type {import("../session/services.js").ViewerSession | null} */
    this._session = null;
    /** The name of the monitor to be seen; empty: the whole desktop. */
    this._wanted = "";
    /** The names of those in windows of their own that somebody sees. @type {string[]} */
    this._windows = [];
    /** Whether somebody sees the page. */
    this._page = true;
    this._said = String(WHOLE);
    /** @type {Monitor[]} */
    this._monitors = [];
    /** The number of the monitor that is seen first; 0: the whole desktop is. */
    this.watched = WHOLE;
    /** First track -> the number of its monitor. @type {Map<number, number>} */
    this._tracks = new Map();
  }

  /** Of another session the whole desktop is seen at first. @param {import("../session/services.js").ViewerSession} session */
  admitted(session) {
    this._session = session;
    this._said = String(WHOLE);
    this.watched = WHOLE;
    this._tracks = new Map();
    this._monitors = [];
  }

  /** Nothing is seen. */
  ended() {
    this._session = null;
  }

  /** The desktop has these monitors now. @param {Monitor[]} monitors */
  laidOut(monitors) {
    const there = (/** @type {Monitor[]} */ among) => among.some(({ name }) => name === this._wanted);
    if (this._wanted && there(this._monitors) && !there(monitors)) {
      this._tell({ say: "remark", text: `The monitor ${this._wanted} is gone: you see the whole desktop.` });
    }
    this._monitors = monitors;
    this._say();
  }

  /** See the monitor of this name by itself; the whole desktop where it is empty. @param {string} name */
  choose(name) {
    this._wanted = name;
    this._say();
  }

  /** See the monitors of these names, too, each in a window of its own; `page`: whether the page itself is seen.
   * @param {string[]} names @param {boolean} page */
  beside(names, page) {
    this._windows = names.slice(0, MAX.WATCHED);
    this._page = page;
    this._say();
  }

  /** The number of the monitor whose first track this is; 0: that of the whole desktop. @param {number} track */
  of(track) {
    return this._tracks.get(track) ?? WHOLE;
  }

  /** And its name; empty: that of the whole desktop. @param {number} track */
  nameOf(track) {
    const number = this.of(track);
    return this._monitors.find((one) => number !== WHOLE && one.number === number)?.name ?? "";
  }

  _say() {
    if (!this._session || !this._monitors.length) return;
    const number = (/** @type {string} */ wanted) => this._monitors.find(({ name }) => name === wanted)?.number ?? WHOLE;
    const windows = this._windows.map(number).filter((one) => one !== WHOLE);
    const wanted = this._page || !windows.length ? [number(this._wanted), ...windows] : windows;
    const said = wanted.join(" ");
    if (said === this._said) return;
    this._said = said;
    this._session.send("WATCH", { monitors: wanted });
  }

  /** The host gives us this from now on. Throws RemoteProtocolError for tracks that are none.
   * @param {{ monitors: number[][], tracks: number[][] }} message */
  told({ monitors: rows = [], tracks = [] }) {
    const session = this._session;
    if (!session) return;
    session.arrange(tracks);
    this._tracks = new Map(rows.flatMap((row) => (row.length >= 2 ? [[row[1], row[0]]] : [])));
    this.watched = this.of(session.tracks[0]?.id);
    this._arranged();
    this._tell({ say: "watched", monitor: this.watched });
  }
}
