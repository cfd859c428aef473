/**
 * Candidates: where the host might be reached directly (spec 08-paths, 8.3).
 */

/** Hands them to who seeks the direct path. */
export class CandidatesService {
  /** @param {(message: any, now: number) => void} seek */
  constructor(seek) {
    this._seek = seek;
  }

  /** The host says where it might be reached. @param {any} message @param
   * {import("../session/services.js").ViewerSession} _session
   * @param {number} now */
  told(message, _session, now) {
    this._seek(message, now);
  }
}
