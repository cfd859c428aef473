/**
 * Job: what the two ends of a transfer have in common: what is told of them, and how they wait (spec 15).
 *
 * Reading, hashing and writing answer later than they are asked, so an end is a few loops that wait for what changes:
 * messages, room on the lane, and what a person does. Each wait is over when the job is.
 */

import { FILE_REASON } from "../wire/registry.js";
import { FileTrouble, NotARow } from "./entries.js";

/**
 * @typedef {import("./entries.js").Entry} Entry
 *
 * @typedef {object} Tally  How far a transfer has come.
 * @property {number | null} files  to be transferred; null before that is known
 * @property {number | null} size  their bytes
 * @property {number} done  files in place
 * @property {number} left  files that were left out
 * @property {number} moved  bytes that travelled
 * @property {number} passed  bytes that are dealt with, which had not to travel included
 *
 * @typedef {object} JobOwner  Who sends what a job says, and tells a person of it.
 * @property {(kind: string, fields: Record<string, any>) => Promise<void>} say  done when the lane takes more
 * @property {(entry: Entry, there: { size: number, modified_us: number }) => void} ask  may this be replaced? Answered
 * by `decide`
 * @property {(path: string, kind: number, reason: number) => void} settled  why it was left out; DONE: it is in place
 * @property {() => void} changed  the tally has
 */

/** What both ends are made of. */
export class Course {
  /** @param {JobOwner} owner */
  constructor(owner) {
    this.owner = owner;
    /** @type {Tally} */
    this.tally = { files: null, size: null, done: 0, left: 0, moved: 0, passed: 0 };
    this.paused = false;
    /** Why the job is over; null while it is not. @type {number | null} */
    this.over = null;
    /** @type {(() => void)[]} */
    this._waiting = [];
    /** @type {Promise<void>} */
    this.ended = new Promise((resolve) => (this._end = resolve));
  }

  /** Something may be otherwise: whoever waits looks again. */
  stir() {
    const waiting = this._waiting;
    this._waiting = [];
    for (const go of waiting) go();
  }

  /** Wait until it is so, or the job is over. @param {() => unknown} so @returns {Promise<boolean>}  false: over */
  async until(so) {
    while (this.over === null && !so()) await new Promise((resolve) => this._waiting.push(() => resolve(undefined)));
    return this.over === null;
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.paused = paused;
    this.stir();
  }

  /** End it, and tell the other side unless it is gone or knows. @param {number} reason  of FILE_REASON
   * @param {boolean} [told] */
  stop(reason, told = true) {
    if (this.over !== null) return;
    this.over = reason;
    if (told && reason !== FILE_REASON.DONE) void this.owner.say("FILE_STOP", { reason });
    this.stir();
    this._end?.();
  }

  /** Run a loop of the job; what goes wrong in it ends the job. @param {Promise<void>} loop */
  async guard(loop) {
    try {
      await loop;
    } catch (error) {
      if (error instanceof NotARow) this.stop(FILE_REASON.BAD_REQUEST);
      else if (error instanceof FileTrouble) this.stop(error.reason);
      else {
        this.stop(FILE_REASON.FAILED);
        throw error;
      }
    }
  }
}
