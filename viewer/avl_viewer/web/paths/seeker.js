/**
 * Seeker: when and where a page tries the host itself (spec 08-paths, 8.4).
 *
 * A page can't punch: it goes where the host says it is, as far as that may be tried, allowing only the certificates
 * that the host named.
 */

import { reachable } from "../path/candidate.js";
import { PATH } from "../wire/registry.js";

/** Milliseconds between rounds, ever longer; another word of the host's begins anew. */
const ROUNDS = [5000, 10_000, 30_000, 60_000];

/** What the host has said of itself, and when to try it. `dial` is given a URL and the certificates to allow. */
export class Seeker {
  /** @param {(fields: { serial: number, rows: any[][], hashes: Uint8Array[] }) => void} say  CANDIDATES, to the host
   * @param {(url: string, hashes: Uint8Array[], now: number) => void} dial */
  constructor(say, dial) {
    this._say = say;
    this._dial = dial;
    /** @type {{ serial: number, rows: any[][], hashes: Uint8Array[] } | null} */
    this._told = null;
    this._rounds = 0;
    /** @type {number | null} */
    this._due = null;
    /** "IP port", as the relay sees us. */
    this.observed = "";
    /** Whether the relay says that it sees the host at our address. */
    this.near = false;
  }

  /** The host says where it might be reached: an older word than the last one counts no more.
   * @param {{ serial: number, rows: any[][], hashes: Uint8Array[] }} message @param {number} now */
  candidates(message, now) {
    if (this._told && message.serial <= this._told.serial) return;
    if (!this._told) this._say({ serial: 1, rows: [], hashes: [] }); // a page has no address to name: it only comes
    this._told = message;
    this._rounds = 0;
    this._due = now;
  }

  /** A path to the host is open. */
  settle() {
    this._due = null;
    this._rounds = 0;
  }

  /** There is none: try again, later each time. @param {number} now */
  again(now) {
    if (this._told) this._due = now + ROUNDS[Math.min(this._rounds++, ROUNDS.length - 1)];
  }

  /** Something has changed: try at once. @param {number} now */
  anew(now) {
    this._rounds = 0;
    if (this._told) this._due = now;
  }

  /** When `handleTimer` wants to be called. */
  nextTimeout() {
    return this._due;
  }

  /** Begin a round if it is time. @param {number} now */
  handleTimer(now) {
    if (!this._told || this._due === null || now < this._due) return;
    this._due = null;
    const { rows, hashes } = this._told;
    if (!hashes.length) return;
    for (const authority of reachable(rows, this.observed, this.near)) this._dial(`https://${authority}${PATH}`, hashes, now);
  }
}
