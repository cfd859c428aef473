/**
 * Watching: a viewer's media in one session, with the keys it learns and the objects it asks for again (spec 05-media,
 * 5.4).
 */

import { RemoteProtocolError } from "../../wire/errors.js";
import { CLOSE } from "../../wire/registry.js";
import { MediaReceiver } from "./receiver.js";

/** Bytes of a media key: generation, step, base. */
const MEDIA_KEY = 37;

/**
 * @typedef {object} WatchingOwner
 * @property {(frames: import("./receiver.js").ReceivedFrame[]) => void} frames  to decode, in order
 * @property {(track: number, kid: number) => void} missingKey
 * @property {(reason: import("../../wire/errors.js").Refused) => void} refused  what the host sends is not to be shown
 * @property {(track: number, number: number) => void} recover  a track can't be decoded from object `number` on
 */

/** Datagrams in, frames and wishes out. */
export class Watching {
  /** @param {import("./receiver.js").Opener} opener @param {import("../../media/track.js").Track[]} tracks @param {()
   * => number} clock
   * @param {WatchingOwner} owner */
  constructor(opener, tracks, clock, owner) {
    this.receiver = new MediaReceiver(opener, tracks, clock, owner);
    this._owner = owner;
  }

  /** Take media keys. Rejects with RemoteProtocolError. @param {Uint8Array[]} keys */
  async learn(keys) {
    for (const key of keys) {
      if (key.length !== MEDIA_KEY) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "malformed media key");
      const generation = new DataView(key.buffer, key.byteOffset, 4).getUint32(0);
      await this.receiver.addKey(generation, key[4], key.slice(5));
    }
  }

  /** Take a datagram; when `recover` wants to be called. @param {Uint8Array} data @param {number} now @returns {number
   * | null} */
  datagram(data, now) {
    this.receiver.datagram(data, now);
    return this.receiver.nextCheck(now);
  }

  /** The host says which objects are the newest. @param {number[][]} objects @param {number} now */
  beacon(objects, now) {
    for (const row of objects) if (row.length === 2) this.receiver.beacon(row[0], row[1], now);
    for (const [track, number] of this.receiver.tails(now)) this._owner.recover(track, number);
  }

  /** Give up what is missing for too long; when to be called again. @param {number} now @returns {number | null} */
  recover(now) {
    for (const [track, number] of this.receiver.recoveries(now)) this._owner.recover(track, number);
    return this.receiver.nextCheck(now);
  }
}
