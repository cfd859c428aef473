/**
 * Objects of sound: packets of Opus as they travel inside the seal (spec 16-sound, 16.2).
 *
 * Only the form is read here. What is in a packet is the affair of who decodes it.
 */

import { Reader } from "../wire/buffer.js";
import { RemoteProtocolError } from "../wire/errors.js";
import { CLOSE, MAX, TIMER } from "../wire/registry.js";

/** What all sound is: samples a second, samples of a packet, and milliseconds that one lasts. */
export const RATE = 48_000;
export const SAMPLES = 480;
export const PACKET = TIMER.SOUND_PACKET;

const KEY = 1;
const SILENCE = 2;

/**
 * @typedef {object} Sound  One object.
 * @property {number} capturedUs  when the first sample of the newest packet was heard at the host, by its clock
 * @property {number} position  the number of that packet
 * @property {Uint8Array[]} packets  it and those right before it, the oldest first
 * @property {boolean} silence  nothing follows for a while
 */

/** The object of this plaintext. Throws RemoteProtocolError for what is not of this form (R-MEDIA-220). @param
 * {Uint8Array} data @returns {Sound} */
export function decode(data) {
  const reader = new Reader(data, CLOSE.SESSION_PROTOCOL);
  const bits = reader.uint(1);
  const capturedUs = reader.integer();
  const position = reader.integer();
  const count = reader.uint(1);
  if (!(bits & KEY) || count < 1 || count > Math.min(MAX.SOUND_PACKETS, position + 1)) {
    throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "no object of sound");
  }
  const packets = [];
  for (let at = 0; at < count; at++) packets.push(reader.take(reader.integer()));
  if (reader.length || packets.some(({ length }) => length < 1 || length > MAX.SOUND_PACKET)) {
    throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "packets of sound out of range");
  }
  return { capturedUs, position, packets, silence: Boolean(bits & SILENCE) };
}
