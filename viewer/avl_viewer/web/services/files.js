/**
 * Files: lanes for the jobs of the worker that has the files (spec 15). Nothing of a file is kept here but what waits for
 * its lane: it is read, hashed and written elsewhere, so that pictures never wait for a disk.
 */

import { Refused } from "../wire/errors.js";
import { FILE_REASON, LANES } from "../wire/registry.js";

/**
 * @typedef {import("../session/services.js").ViewerSession} ViewerSession
 * @typedef {import("../files/lanes.js").Port} Port
 *
 * @typedef {object} Job  What has a lane.
 * @property {number} id  how the other worker calls it
 * @property {number} job  how the host does
 * @property {number} lane
 * @property {{ kind: string, fields: Record<string, any>, size: number }[]} queue  what waits for the lane
 * @property {boolean} begun  something was said: the lane is being opened
 * @property {boolean} sending  a message is being sealed
 * @property {boolean} over  no more will be said
 */

/** Gives jobs their lanes, and passes on what both sides say. */
export class FilesService {
  constructor() {
    /** @type {Port | null} */
    this._port = null;
    /** @type {ViewerSession | null} */
    this._session = null;
    this._numbers = 0;
    /** Jobs that have a lane, by their lane. @type {Map<number, Job>} */
    this._jobs = new Map();
    /** Those that wait for one, by the other worker's number. @type {number[]} */
    this._waiting = [];
  }

  /** The worker that has the files is there. @param {Port} port */
  attach(port) {
    this._port = port;
    port.onmessage = ({ data }) => this._asked(data);
    this._tellSession();
  }

  // the session

  /** @param {ViewerSession} session */
  admitted(session) {
    this._session = session;
    this._numbers = 0;
    this._tellSession();
  }

  /** It may something else now. */
  allowed() {
    this._tellSession();
  }

  ended() {
    this._session = null;
    this._jobs.clear();
    this._waiting = [];
    this._tellSession();
  }

  /** A lane has a path. @param {ViewerSession} _session @param {number} lane */
  opened(_session, lane) {
    this._flush(this._jobs.get(lane));
  }

  moved() {
    for (const job of this._jobs.values()) this._flush(job);
  }

  /** The host says something of a job. @param {any} message @param {number} lane */
  told(message, lane) {
    const job = this._jobs.get(lane);
    if (!job || job.job !== message.job) return;
    const data = message.data instanceof Uint8Array ? message.data.slice() : null;
    if (data) this._port?.postMessage({ id: job.id, message: { ...message, data } }, [data.buffer]);
    else this._port?.postMessage({ id: job.id, message });
    this._flush(job);
  }

  _tellSession() {
    this._port?.postMessage({ up: this._session !== null, permissions: this._session?.permissions ?? 0 });
  }

  // the worker that has the files

  /** @param {any} asked */
  _asked(asked) {
    if (asked.begin) {
      if (!this._session) return; // it was told that there is none
      this._waiting.push(asked.begin);
      this._begin();
    } else if (asked.end) {
      this._waiting = this._waiting.filter((id) => id !== asked.end);
      const job = [...this._jobs.values()].find(({ id }) => id === asked.end);
      if (job) {
        job.over = true;
        this._flush(job);
      }
    } else {
      const job = [...this._jobs.values()].find(({ id }) => id === asked.id);
      job?.queue.push(asked);
      this._flush(job);
    }
  }

  /** Give the next jobs their lanes. */
  _begin() {
    for (const lane of LANES) {
      if (!this._waiting.length) return;
      if (this._jobs.has(lane)) continue;
      const id = /** @type {number} */ (this._waiting.shift());
      this._jobs.set(lane, { id, job: ++this._numbers, lane, queue: [], begun: false, sending: false, over: false });
      this._port?.postMessage({ id, begun: true });
    }
  }

  /** Send what waits, while the lane takes it; what is said first opens it. @param {Job | undefined} job */
  async _flush(job) {
    const session = this._session;
    if (!job || job.sending || !session) return;
    job.sending = true;
    try {
      while (job.queue.length && this._jobs.get(job.lane) === job && (!job.begun || session.flows(job.lane))) {
        const { kind, fields, size } = /** @type {Job["queue"][number]} */ (job.queue.shift());
        job.begun = true;
        await session.send(kind, { job: job.job, ...fields }, job.lane);
        if (size) this._port?.postMessage({ id: job.id, left: size });
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this._port?.postMessage({ id: job.id, message: { kind: "FILE_STOP", reason: FILE_REASON.NOT_PERMITTED } });
      job.queue = [];
    } finally {
      job.sending = false;
    }
    if (job.over && !job.queue.length && this._jobs.get(job.lane) === job) {
      this._jobs.delete(job.lane);
      this._begin();
    }
  }
}
