/**
 * Settings and states of a viewer's session, and the protocol of its owner (spec 04-session).
 */

import { INPUT, INPUT_DEVICE, PERMISSION } from "../wire/registry.js";

/** Where a session stands. */
export const ViewerState = Object.freeze({ HANDSHAKE: "HANDSHAKE", ADMITTED: "ADMITTED", ENDED: "ENDED" });

/**
 * @typedef {import("./pipes.js").Attachment} Attachment
 *
 * @typedef {object} ViewerSettings  The device that is wanted, and the reason. `decodes`: what our decoder
 * can do; `ticket`: of a lost session; `chain`: the statements that it comes with (spec 06-security, 6.2.4).
 * @property {any} identity
 * @property {bigint} device
 * @property {Uint8Array} sessionId
 * @property {string} code
 * @property {string} name
 * @property {number} permissions
 * @property {import("../decode/support.js").Decodable} decodes
 * @property {Uint8Array} ticket
 * @property {readonly string[]} [chain]
 *
 * @typedef {object} ViewerSessionOwner  What the owner of a session is told.
 * @property {(seconds: number) => void} sessionWaiting  a person at the host is being asked
 * @property {(grant: any) => void} sessionAdmitted
 * @property {(rights: any) => void} sessionRights  what the session may is something else now, or its end was told
 * @property {(objects: import("./media/receiver.js").ReceivedObject[]) => void} sessionFrames  pictures to decode and
 * exact pixels to show, in order
 * @property {(objects: import("./media/receiver.js").ReceivedSound[]) => void} sessionSounds  sound to play, as it came
 * @property {() => void} sessionSettled  whether all was sent as exact pixels may be another matter now
 * @property {(track: number, number: number) => void} sessionRecover  a track can't be decoded from object `number` on
 * @property {(message: any, channel?: number) => void} sessionMessage  a message that is not the session's own
 * business: a service's
 * @property {(lane: number) => void} sessionLane  a lane has a path, for the first time or again
 * @property {(dropped: import("./input/ledger.js").Dropped[]) => void} sessionDropped  input that came to nothing, or
 * of which the host says nothing
 * @property {(attachment: Attachment) => void} sessionMoved  it is on another route
 * @property {(attachment: Attachment) => void} sessionUnmoved  the host refused a move to this route: it is no good
 * @property {() => void} sessionAdrift  its streams are gone, its path is not: it is nowhere until it is moved
 * @property {(stale: boolean) => void} sessionStale  the host has (not) been heard for 3 s
 * @property {(reason: import("../wire/errors.js").Refused) => void} sessionEnded
 */

/** Whether a host with these permissions applies an input event (spec 04-session, 4.6).
 * @param {number} permissions @param {import("./input/outbox.js").InputEvent} event */
export function may(permissions, [kind]) {
  if (kind === INPUT.RELEASE_ALL || kind === INPUT.HOLDING) return true;
  const types = kind === INPUT.KEY || kind === INPUT.TEXT;
  return Boolean(permissions & (types ? PERMISSION.KEYBOARD : PERMISSION.POINTER));
}

/** Whether a host whose system takes these devices knows an input event (R-WIRE-95).
 * @param {number} devices @param {import("./input/outbox.js").InputEvent} event */
export function takes(devices, [kind]) {
  if (kind === INPUT.MOVE_BY) return Boolean(devices & INPUT_DEVICE.RELATIVE);
  if (kind === INPUT.TOUCH) return Boolean(devices & INPUT_DEVICE.TOUCH);
  return kind !== INPUT.PEN || Boolean(devices & INPUT_DEVICE.PEN);
}
