/**
 * Opening: a session's handshake on channel 0, from the first byte until the host has admitted us (spec 06-security,
 * 6.2).
 */

import { ViewerHandshake } from "../crypto/handshake.js";
import { concat } from "../wire/bytes.js";
import { ShortFrameReader } from "../wire/framing.js";
import { MAX, SESSION_VERSIONS } from "../wire/registry.js";

/** The viewer's side. `wall`: Unix time in seconds. */
export class Opening {
  /** @param {import("./viewing.js").ViewerSettings} settings @param {number} wall @param {(data: Uint8Array) => void}
   * send */
  constructor({ identity, device, sessionId, code, name, permissions, ticket, chain }, wall, send) {
    this._handshake = new ViewerHandshake(identity, device, sessionId, code, name, permissions, SESSION_VERSIONS, wall, undefined, ticket, chain);
    this._frames = new ShortFrameReader(MAX.HANDSHAKE_MESSAGE);
    this._send = send;
  }

  /** The session's keys. Throws LocalProtocolError before the host has proved itself. */
  get keys() {
    return this._handshake.keys;
  }

  /** The host's identity key, verified. */
  get hostIdentity() {
    return this._handshake.hostIdentity;
  }

  /** Whether the host let us in, so that records follow. */
  get admitted() {
    return this._handshake.admitted;
  }

  /** Make the first message. @returns {Promise<Uint8Array>} */
  async first() {
    return sized(await this._handshake.start());
  }

  /** Take bytes of the stream; what follows the handshake on it, once we are admitted, else null. `waiting` is told how
   * many seconds a person at the host may take. Rejects with Refused and RemoteProtocolError.
   * @param {Uint8Array} data @param {(seconds: number) => void} waiting @returns {Promise<Uint8Array | null>} */
  async receive(data, waiting) {
    this._frames.feed(data);
    while (!this.admitted) {
      const body = this._frames.next();
      if (body === null) return null;
      for (const out of await this._handshake.receive(body)) this._send(sized(out));
      if (this._handshake.waiting !== null && !this.admitted) waiting(this._handshake.waiting);
    }
    return this._frames.clear();
  }
}

/** A body as it travels. @param {Uint8Array} body */
function sized(body) {
  return concat(Uint8Array.of(body.length >> 8, body.length & 255), body);
}
