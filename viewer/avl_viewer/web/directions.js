/**
 * Directions: how this page reaches its relay, from `/.well-known/avl.json` of its own origin, and which device a
 * person means.
 */

import { fromText } from "./wire/device_id.js";
import { PATH } from "./wire/registry.js";
import { join, parseAddress, parsePin, parseTarget, showPin } from "./wire/target.js";

/**
 * @typedef {object} Directions
 * @property {string} quic  HOST:PORT of the relay
 * @property {string} url  of its WebTransport session
 * @property {Uint8Array} pin
 * @property {Uint8Array[]} hashes  of the certificates to accept; empty where the browser trusts the relay's
 * certificate itself
 * @property {boolean} accounts  whether it has accounts
 */

/** Read the relay's directions. Throws Error with a sentence. @param {any} told  the JSON object @returns {Directions}
 * */
export function readDirections(told) {
  try {
    const { host, port } = parseAddress(told.quic);
    const quic = join(host, port);
    const hashes = told.public ? [] : told.hashes.map(parsePin);
    if (!told.public && !hashes.length) throw new Error("no certificate is named");
    return { quic, url: `https://${quic}${PATH}`, pin: parsePin(told.pin), hashes, accounts: told.accounts === true };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(`The relay's directions can't be read (${error.message}). Update the relay.`);
  }
}

/** What the origin of this page says now: certificates change, and a relay may have moved. Rejects with a sentence.
 * @returns {Promise<Directions>} */
export async function fetchDirections() {
  const response = await fetch("/.well-known/avl.json", { cache: "no-store" }).catch(() => null);
  if (!response?.ok) throw new Error("The relay that served this page does not answer. Check the network, and whether the relay runs.");
  return readDirections(await response.json().catch(() => ({})));
}

/** The device a person means: a device ID, or a target on this page's relay. Throws Error with a sentence.
 * @param {string} text @param {Directions} directions @returns {bigint} */
export function readDevice(text, directions) {
  if (!text.trim()) throw new Error("Enter the device ID that the host shows.");
  if (!/^\s*avl:/i.test(text)) return sentenced(() => fromText(text.trim()));
  const target = sentenced(() => parseTarget(text));
  const given = join(target.relay.host, target.relay.port);
  const samePin = target.relay.pin !== null && showPin(target.relay.pin) === showPin(directions.pin);
  if (given !== directions.quic && !samePin) {
    throw new Error(`This page belongs to the relay ${directions.quic}, the target to ${given}. Open the page of that relay.`);
  }
  return target.device;
}

/** @template T @param {() => T} read @returns {T} */
function sentenced(read) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const text = error.message;
    throw new Error(`${text[0].toUpperCase()}${text.slice(1)}.`);
  }
}
