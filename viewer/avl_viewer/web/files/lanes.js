/**
 * Lanes: the way from the worker that has the files to the one that has the session, which gives each job a lane
 * (services/files.js is the other end).
 *
 * What is said is bounded: whoever says more waits until enough of it has left.
 */

/** Bytes of data that may wait for a lane, of one job. */
const AHEAD = 1024 * 1024;

/**
 * @typedef {object} Line  A job that has, or waits for, a lane.
 * @property {(id: number) => unknown} begun  it has one
 * @property {(message: any) => void} receive
 * @property {() => void} lost  the session is over
 *
 * @typedef {{ postMessage: (message: any, transfer?: Transferable[]) => void, onmessage: ((event: MessageEvent) => void) |
 * null }} Port
 */

/** The jobs of one page. */
export class Lanes {
  /** @param {Port} port @param {(up: boolean, permissions: number) => void} session  told when there is one, or none, and
   * what it may */
  constructor(port, session) {
    this._port = port;
    this._session = session;
    this._numbers = 0;
    /** @type {Map<number, { line: Line, ahead: number, waiting: (() => void)[] }>} */
    this._open = new Map();
    port.onmessage = ({ data }) => this._heard(data);
  }

  /** Ask for a lane. @param {Line} line @returns {number}  what `say` and `close` name it by */
  open(line) {
    const id = ++this._numbers;
    this._open.set(id, { line, ahead: 0, waiting: [] });
    this._port.postMessage({ begin: id });
    return id;
  }

  /** Say something of a job; done when more may be said. @param {number} id @param {string} kind @param {Record<string,
   * any>} fields @returns {Promise<void>} */
  async say(id, kind, fields) {
    const known = this._open.get(id);
    if (!known) return;
    const size = fields.data?.length ?? 0;
    known.ahead += size;
    this._port.postMessage({ id, kind, fields, size }, size ? [fields.data.buffer] : []);
    while (this._open.has(id) && known.ahead > AHEAD) await new Promise((resolve) => known.waiting.push(() => resolve(undefined)));
  }

  /** The job is over: its lane is free once what was said has left. @param {number} id */
  close(id) {
    const known = this._open.get(id);
    if (!known) return;
    this._open.delete(id);
    this._port.postMessage({ end: id });
    for (const go of known.waiting) go();
  }

  /** @param {any} told */
  _heard(told) {
    if ("up" in told) {
      if (!told.up) {
        for (const [id, { line }] of [...this._open]) {
          this.close(id);
          line.lost();
        }
      }
      this._session(told.up, told.permissions);
      return;
    }
    const known = this._open.get(told.id);
    if (!known) return;
    if (told.begun) known.line.begun(told.id);
    else if (told.message) known.line.receive(told.message);
    else if (told.left !== undefined) {
      known.ahead -= told.left;
      const waiting = known.waiting;
      known.waiting = [];
      for (const go of waiting) go();
    }
  }
}
