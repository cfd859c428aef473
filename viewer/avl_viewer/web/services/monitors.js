/**
 * Monitors: which of the host's monitors is seen by itself (spec 04-session, 4.11).
 */

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
    this._said = WHOLE;
    /** @type {Monitor[]} */
    this._monitors = [];
    /** The number of the monitor that is seen by itself; 0: the whole desktop is. */
    this.watched = WHOLE;
  }

  /** Of another session the whole desktop is seen at first. @param {import("../session/services.js").ViewerSession} session */
  admitted(session) {
    this._session = session;
    this._said = this.watched = WHOLE;
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

  _say() {
    if (!this._session || !this._monitors.length) return;
    const number = this._monitors.find(({ name }) => name === this._wanted)?.number ?? WHOLE;
    if (number === this._said) return;
    this._said = number;
    this._session.send("WATCH", { monitors: [number] });
  }

  /** The host gives us this from now on. Throws RemoteProtocolError for tracks that are none.
   * @param {{ monitors: number[][], tracks: number[][] }} message */
  told({ monitors: rows = [], tracks = [] }) {
    const session = this._session;
    if (!session) return;
    session.arrange(tracks);
    this.watched = rows.find((row) => row.length >= 2 && row[1] === session.tracks[0]?.id)?.[0] ?? WHOLE;
    this._arranged();
    this._tell({ say: "watched", monitor: this.watched });
  }
}
