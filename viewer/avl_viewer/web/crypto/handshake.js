/**
 * The viewer's side of a session's handshake, sans-IO: Noise, the code, admission (spec 06-security, 6.2).
 *
 * It takes and returns the *bodies* of Handshake Messages; the stream adds and removes their length. Exactly one kind
 * of message is expected at a time, and after an error none: whatever still arrives is SESSION_PROTOCOL.
 */

import { equal } from "../wire/bytes.js";
import { normaliseCode } from "../wire/device_id.js";
import { GrantRefused, LocalProtocolError, Refused, RemoteProtocolError } from "../wire/errors.js";
import { CLOSE, MAX } from "../wire/registry.js";
import * as authentication from "./authentication.js";
import * as cpace from "./cpace.js";
import * as identity from "./identity.js";
import { CipherState, HandshakeState } from "./noise.js";
import { chainSecret, derive, ticketSecret } from "./schedule.js";
import { ed25519Generate, kemPair, randomBytes, x25519Pair } from "./webcrypto.js";

/** What a viewer waits for. */
const Expect = Object.freeze({ START: 0, HELLO: 1, CHALLENGE: 2, ADMISSION: 3, NOTHING: 4 });

/** @typedef {import("./schedule.js").SessionKeys} SessionKeys */

/** The initiator. `code` in any spelling; `wall` in Unix seconds; `versions` are the session versions to offer; a
 * `ticket` of an earlier session may make the code unnecessary, and so may a `chain` of statements. */
export class ViewerHandshake {
  /** @param {identity.Identity} own @param {bigint} deviceNumber @param {Uint8Array} sessionId @param {string} code
   * @param {string} name
   * @param {number} permissions @param {readonly number[]} versions @param {number} wall @param {(size: number) =>
   * Uint8Array} [entropy]
   * @param {Uint8Array} [ticket] @param {readonly string[]} [chain] */
  constructor(own, deviceNumber, sessionId, code, name, permissions, versions, wall, entropy = randomBytes, ticket = new Uint8Array(0), chain = []) {
    if (chain.reduce((size, token) => size + token.length, 0) > MAX.CHAIN) throw new LocalProtocolError(`a chain has ${MAX.CHAIN} bytes at most`);
    this._own = own;
    this._deviceNumber = deviceNumber;
    this._prologue = authentication.prologue(sessionId, deviceNumber);
    this._code = normaliseCode(code);
    this._name = name;
    this._permissions = permissions;
    this._versions = versions;
    this._wall = wall;
    this._entropy = entropy;
    this._ticket = ticket;
    this._chain = chain;
    /** @type {HandshakeState | null} */
    this._noise = null;
    /** @type {number} */
    this._expect = Expect.START;
    /** @type {cpace.Initiator | null} */
    this._pake = null;
    this._send = new CipherState();
    this._receive = this._send;
    /** @type {SessionKeys | null} */
    this._keys = null;
    /** Whether the host said so: records follow on the stream in both directions. */
    this.admitted = false;
    /** Seconds that a person at the host may take; null while nobody is asked. @type {number | null} */
    this.waiting = null;
    /** The host's identity key, verified. @type {Uint8Array} */
    this.hostIdentity = new Uint8Array(0);
    this.version = 0;
    /** Index of the code that the host accepted: 0 control, 1 view. @type {number | null} */
    this.which = null;
    /** Whether the host took the ticket. */
    this.resumed = false;
  }

  /** Whether the session's keys are known. */
  get done() {
    return this._keys !== null;
  }

  /** The session's keys. Throws LocalProtocolError before `done`. */
  get keys() {
    if (this._keys === null) throw new LocalProtocolError("the handshake has no keys yet");
    return this._keys;
  }

  /** Message 1. @returns {Promise<Uint8Array>} */
  async start() {
    if (this._expect !== Expect.START) throw new LocalProtocolError("the handshake was started already");
    this._expect = Expect.NOTHING;
    this._noise = await HandshakeState.create(true, this._prologue, this._entropy(32), this._entropy);
    const first = await this._noise.write(authentication.payload("OFFER", { versions: [...this._versions], features: [] }));
    this._expect = Expect.HELLO;
    return authentication.sized(first);
  }

  /** Take the host's next message, after the last call has settled; bodies to send. Rejects with Refused (REFUSAL,
   * WRONG_HOST, SESSION_VERSION, or REFUSED when the code is wrong) or RemoteProtocolError (SESSION_PROTOCOL,
   * TAMPERED).
   * @param {Uint8Array} body @returns {Promise<Uint8Array[]>} */
  async receive(body) {
    const expect = this._expect;
    this._expect = Expect.NOTHING;
    if (expect === Expect.HELLO) {
      authentication.checkSize(body);
      const third = await this._message3(body);
      this._expect = Expect.CHALLENGE;
      return [third];
    }
    if (expect !== Expect.CHALLENGE && expect !== Expect.ADMISSION) {
      throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "a handshake message out of order");
    }
    const message = await authentication.openBody(this._receive, body);
    if (message.kind === "REFUSAL") {
      throw message.code === CLOSE.GRANT_REFUSED ? new GrantRefused(message.why) : new Refused(closeCode(message.code));
    }
    if (expect === Expect.CHALLENGE && message.kind === "CHALLENGE") {
      const confirm = await this._confirm(message);
      this._expect = Expect.ADMISSION;
      return [confirm];
    }
    if (expect === Expect.CHALLENGE && message.kind === "WAIT" && this._chain.length) {
      await this._derive(await chainSecret(this._chain));
      this._admission(message.seconds);
      return [];
    }
    if (expect === Expect.CHALLENGE && message.kind === "WAIT" && this._ticket.length && message.seconds === 0) {
      await this._derive(await ticketSecret(this._ticket));
      this.resumed = true;
      this._admission(0);
      return [];
    }
    if (expect === Expect.ADMISSION && message.kind === "WAIT") {
      this._admission(message.seconds);
      return [];
    }
    throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, `${message.kind} out of order`);
  }

  /** @param {Uint8Array} body */
  async _message3(body) {
    const noise = /** @type {HandshakeState} */ (this._noise);
    const hello = authentication.readPayload(await noise.read(body));
    if (hello?.kind !== "HOST_HELLO") throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "message 2 carries no HOST_HELLO");
    const { identity: host, signature, not_before: notBefore, not_after: notAfter } = hello;
    const right =
      (await identity.deviceNumber(host)) === this._deviceNumber &&
      (await identity.vouchesStatic(host, signature, identity.STATIC_HOST, noise.remoteStatic, notBefore, notAfter));
    if (!right) throw new Refused(CLOSE.WRONG_HOST);
    if (!identity.validAt(notBefore, notAfter, this._wall)) throw identity.clocksDiffer(Number(notBefore), this._wall, "host");
    if (!this._versions.includes(hello.version)) throw new Refused(CLOSE.SESSION_VERSION);
    this.hostIdentity = host;
    this.version = hello.version;
    const prs = authentication.codeString(this._code);
    this._pake = await cpace.Initiator.create(
      prs, authentication.CHANNEL_IDENTIFIER, noise.handshakeHash, this._own.public, this._entropy,
    );
    const message = await noise.write(
      authentication.payload("VIEWER_HELLO", {
        identity: this._own.public,
        ...(await authentication.endorsement(this._own, identity.STATIC_VIEWER, noise.staticPublic, this._wall)),
        name: this._name,
        permissions: this._permissions,
        share: this._pake.share,
        ticket: this._ticket,
        chain: [...this._chain],
      }),
    );
    [this._send, this._receive] = await noise.split();
    return authentication.sized(message);
  }

  /** @param {{ shares: Uint8Array[], tags: Uint8Array[] }} challenge */
  async _confirm({ shares, tags }) {
    const pake = /** @type {cpace.Initiator} */ (this._pake);
    if (shares.length !== 2 || tags.length !== 2) {
      throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "CHALLENGE carries two shares and two tags");
    }
    const runs = await Promise.all(shares.map((share) => pake.finish(share, this.hostIdentity)));
    const which = runs.findIndex((run, index) => equal(run.responderTag, tags[index]));
    if (which < 0) throw new Refused(CLOSE.REFUSED);
    this.which = which;
    await this._derive(runs[which].isk);
    return authentication.seal(this._send, "CONFIRM", { which, tag: runs[which].initiatorTag });
  }

  /** @param {Uint8Array} secret */
  async _derive(secret) {
    const { chainingKey, handshakeHash } = /** @type {HandshakeState} */ (this._noise);
    this._keys = await derive(chainingKey, handshakeHash, secret);
  }

  /** @param {number} seconds */
  _admission(seconds) {
    if (seconds < 0) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "WAIT for less than nothing");
    this.waiting = seconds || null;
    this.admitted = seconds === 0;
    this._expect = this.admitted ? Expect.NOTHING : Expect.ADMISSION;
  }
}

/** Whether this browser has what the handshake needs; `sentence` says what is missing, for a person.
 * @returns {Promise<{ ok: boolean, sentence: string }>} */
export async function supported() {
  if (!globalThis.crypto?.subtle) {
    return { ok: false, sentence: "This page was not loaded securely: open it over HTTPS or from localhost, where browsers allow encryption." };
  }
  /** @type {[string, () => Promise<unknown>][]} */
  const needs = [
    ["X25519", () => x25519Pair(randomBytes(32))],
    ["Ed25519", ed25519Generate],
    ["ML-KEM-768 (post-quantum key exchange)", () => kemPair(randomBytes(64))],
  ];
  const missing = [];
  for (const [name, probe] of needs) {
    try {
      await probe();
    } catch {
      missing.push(name);
    }
  }
  const sentence = `This browser lacks ${missing.join(" and ")}, which every session needs. Use a current Chrome, Chromium or Edge.`;
  return missing.length ? { ok: false, sentence } : { ok: true, sentence: "" };
}

/** @param {number} code @returns {number} */
function closeCode(code) {
  return Object.values(CLOSE).some((known) => known === code) ? code : CLOSE.REFUSED;
}
