/**
 * TARGET: where a desktop is, `avl://HOST:PORT/DEVICE-ID[?pin=FP]`, and the `HOST:PORT[?pin=FP]` of a relay (spec
 * 01-overview).
 *
 * @typedef {object} RelayAddress  A relay's QUIC address and, unless its certificate is publicly trusted, the SHA-256
 * of its key.
 * @property {string} host
 * @property {number} port
 * @property {Uint8Array | null} pin
 *
 * @typedef {{ relay: RelayAddress, device: bigint }} Target  One device behind one relay.
 */

import { fromText, toText } from "./device_id.js";

/** Read a TARGET. Throws Error with what a person should write instead. @param {string} text @returns {Target} */
export function parseTarget(text) {
  const parts = /^avl:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?$/i.exec(text.trim());
  if (!parts) throw new Error(`"${text}" is not a target: write avl://HOST:PORT/DEVICE-ID?pin=FP as the host prints it`);
  const relay = readRelay(parts[1], parts[3] ?? "");
  try {
    return { relay, device: fromText(parts[2].replace(/^\/+|\/+$/g, "")) };
  } catch (error) {
    throw new Error(`the target's device ID is wrong: ${/** @type {Error} */ (error).message}`);
  }
}

/** A target as people copy it. @param {Target} target @returns {string} */
export function showTarget({ relay, device }) {
  return `avl://${join(relay.host, relay.port)}/${toText(device)}${relay.pin ? `?pin=${showPin(relay.pin)}` : ""}`;
}

/** Read `HOST:PORT[?pin=FP]`. Throws Error. @param {string} text @returns {RelayAddress} */
export function parseRelay(text) {
  const [address, ...query] = text.trim().split("?");
  return readRelay(address, query.join("?"));
}

/** Read `HOST:PORT` (IPv6 in brackets). Throws Error. @param {string} text @returns {{ host: string, port: number }} */
export function parseAddress(text) {
  const parts = /^(?:\[([0-9a-f:.%]+)\]|([^[\]:@/?#\s]+)):([0-9]{1,5})$/i.exec(text);
  const port = Number(parts?.[3]);
  if (!parts || port > 65_535) {
    throw new Error(`"${text}" is not an address: write HOST:PORT, for example 127.0.0.1:4433 or [::1]:4433`);
  }
  return { host: (parts[1] ?? parts[2]).toLowerCase(), port };
}

/** Read a pin: 32 bytes in base64url. Throws Error. @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function parsePin(text) {
  if (!/^[0-9A-Za-z_-]{43}=?$/.test(text)) throw new Error(`"${text}" is not a pin: it is the 43 characters that the relay prints`);
  const binary = atob(text.slice(0, 43).replaceAll("-", "+").replaceAll("_", "/") + "=");
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** A pin as people copy it. @param {Uint8Array} pin @returns {string} */
export function showPin(pin) {
  return btoa(String.fromCharCode(...pin)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** `HOST:PORT`, with brackets where HOST is an IPv6 address. @param {string} host @param {number} port @returns
 * {string} */
export function join(host, port) {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** @param {string} address @param {string} query @returns {RelayAddress} */
function readRelay(address, query) {
  const { host, port } = parseAddress(address);
  if (port === 0) throw new Error("a relay's port can't be 0 here");
  const pin = new URLSearchParams(query).get("pin");
  return { host, port, pin: pin === null ? null : parsePin(pin) };
}
