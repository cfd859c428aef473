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
 * @property {(objects: import("./receiver.js").ReceivedObject[]) => void} frames  to decode, in order, and to show
 * @property {(objects: import("./receiver.js").ReceivedSound[]) => void} sounds  to play, as they came
 * @property {(track: number, kid: number) => void} missingKey
 * @property {(reason: import("../../wire/errors.js").Refused) => void} refused  what the host sends is not to be shown
 * @property {(track: number, number: number) => void} recover  a track can't be decoded from object `number` on
 * @property {(track: number, objects: import("../../media/gaps.js").Row[]) => void} missing  what these objects showed
 * is to be sent again
 * @property {() => void} settled  whether all was sent as exact pixels may be another matter now
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
    for (const [track, newest, settled] of objects) if (newest !== undefined) this.receiver.beacon(track, newest, settled === 1, now);
    this._owner.settled();
    for (const [track, number] of this.receiver.tails(now)) this._owner.recover(track, number);
  }

  /** Give up what is missing for too long; when to be called again. @param {number} now @returns {number | null} */
  recover(now) {
    for (const [track, number] of this.receiver.recoveries(now)) this._owner.recover(track, number);
    for (const [track, rows] of this.receiver.missing(now)) this._owner.missing(track, rows);
    return this.receiver.nextCheck(now);
  }

  /** The host sends again what objects showed that we lack. @param {{ track: number, objects: number[][], newest: number
   * }} answer  REPLACED */
  replaced({ track, objects, newest }) {
    const rows = /** @type {import("../../media/gaps.js").Row[]} */ (objects.filter(({ length }) => length === 2));
    this.receiver.replaced(track, rows, newest);
    this._owner.settled();
  }
}
