/**
 * From the handshake's secrets to the keys of a session (spec 06-security, 6.2.2).
 */

import { concat, utf8 } from "../wire/bytes.js";
import { lv } from "./lv.js";
import { hmac, sha256 } from "./webcrypto.js";

/** The keys that both ends of a session derive, and the handshake hash that names the session for both. */
export class SessionKeys {
  /** @param {Uint8Array} master @param {Uint8Array} handshakeHash */
  constructor(master, handshakeHash) {
    this.master = master;
    this.handshakeHash = handshakeHash;
  }

  /** K(label), 32 bytes. @param {string} label @returns {Promise<Uint8Array<ArrayBuffer>>} */
  label(label) {
    return hmac(this.master, concat(utf8(`avl/1 ${label}\0`), this.handshakeHash, Uint8Array.of(1)));
  }

  /** The first key of one direction of a channel, 32 bytes. @param {number} channel @param {boolean} fromViewer */
  channelKey(channel, fromViewer) {
    return this.label(`channel ${channel} ${fromViewer ? "i2r" : "r2i"}`);
  }

  /** The key of Channel Resume's MAC, 32 bytes. */
  moveKey() {
    return this.label("move");
  }
}

/** What a resume ticket brings into the keys in the place of CPace's intermediate session key (6.2.3). @param
 * {Uint8Array} ticket */
export function ticketSecret(ticket) {
  return sha256(concat(utf8("avl/1 ticket\0"), ticket));
}

/** What a chain of statements brings into the keys in the place of CPace's intermediate session key (6.2.4). @param
 * {readonly string[]} chain */
export function chainSecret(chain) {
  return sha256(concat(utf8("avl/1 grant\0"), lv(...chain.map(utf8))));
}

/** The session's keys from the chaining key and hash after message 3, and CPace's intermediate session key,
 * `ticketSecret` or `chainSecret`.
 * @param {Uint8Array} chainingKey @param {Uint8Array} handshakeHash @param {Uint8Array} isk @returns
 * {Promise<SessionKeys>} */
export async function derive(chainingKey, handshakeHash, isk) {
  const exporter = await hmac(chainingKey, concat(utf8("avl/1 exporter"), handshakeHash));
  return new SessionKeys(await hmac(exporter, isk), handshakeHash);
}
