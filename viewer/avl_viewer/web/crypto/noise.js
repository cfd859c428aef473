/**
 * The Noise handshake XXhfs with X25519, ML-KEM-768, AES-256-GCM and SHA-256 (spec 06-security, 6.2).
 *
 * Follows the Noise Protocol Framework, revision 34, and its hybrid-forward-secrecy extension with the KEM of FIPS 203.
 * Plain XX is kept beside it because public test vectors exist for XX only, and both run through the same lines.
 *
 * @typedef {(size: number) => Uint8Array} Entropy
 * @typedef {(publicKey: Uint8Array) => Promise<{ secret: Uint8Array, ciphertext: Uint8Array } | null>} Encapsulate
 * @typedef {{ key: CryptoKey, public: Uint8Array }} Pair
 */

import { concat, utf8 } from "../wire/bytes.js";
import { LocalProtocolError, RemoteProtocolError } from "../wire/errors.js";
import { CLOSE } from "../wire/registry.js";
import {
  aesKey, aesOpen, aesSeal, counterNonce, hmac, kemDecapsulate, kemEncapsulate, kemPair, sha256, x25519, x25519Pair,
} from "./webcrypto.js";

const DH_BYTES = 32;
const KEM_SEED_BYTES = 64;
const KEM_PUBLIC_BYTES = 1184;
const KEM_CIPHERTEXT_BYTES = 1088;
const TAG_BYTES = 16;

/** @type {Record<string, string[][]>} */
const PATTERNS = {
  XX: [["e"], ["e", "ee", "s", "es"], ["s", "se"]],
  XXhfs: [["e", "e1"], ["e", "ee", "ekem1", "s", "es"], ["s", "se"]],
};
/** @type {Record<string, string>} */
const NAMES = { XX: "Noise_XX_25519_AESGCM_SHA256", XXhfs: "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256" };

/** One direction's key and counter (Noise, section 5.1). Without a key it passes bytes through. */
export class CipherState {
  /** @param {Uint8Array | null} [key] */
  constructor(key = null) {
    this._aead = key === null ? null : aesKey(key);
    this._counter = 0;
  }

  /** Bytes that encryption adds. */
  get overhead() {
    return this._aead === null ? 0 : TAG_BYTES;
  }

  /** The ciphertext under the next counter. @param {Uint8Array} associated @param {Uint8Array} plaintext @returns
   * {Promise<Uint8Array>} */
  async encrypt(associated, plaintext) {
    if (this._aead === null) return plaintext;
    return aesSeal(await this._aead, counterNonce(this._counter++), associated, plaintext);
  }

  /** The plaintext. Rejects with RemoteProtocolError(TAMPERED); the counter stays where it was then.
   * @param {Uint8Array} associated @param {Uint8Array} ciphertext @returns {Promise<Uint8Array>} */
  async decrypt(associated, ciphertext) {
    if (this._aead === null) return ciphertext;
    const opened = await aesOpen(await this._aead, counterNonce(this._counter), associated, ciphertext);
    if (opened === null) throw new RemoteProtocolError(CLOSE.TAMPERED, "a handshake message does not open");
    this._counter++;
    return opened;
  }
}

/** One side of a handshake (Noise, section 5.3): `write` and `read` alternate, then `split`. Made by
 * `HandshakeState.create`. */
export class HandshakeState {
  /** @param {boolean} initiator @param {string} pattern @param {Pair} own @param {Uint8Array} name @param {Entropy}
   * entropy @param {Encapsulate} encapsulate */
  constructor(initiator, pattern, own, name, entropy, encapsulate) {
    /** @type {Uint8Array} */
    this.handshakeHash = name;
    /** @type {Uint8Array} */
    this.chainingKey = name;
    /** @type {Uint8Array} */
    this.remoteStatic = new Uint8Array(0);
    this._initiator = initiator;
    this._messages = PATTERNS[pattern];
    this._turn = 0;
    this._cipher = new CipherState();
    this._static = own;
    this._entropy = entropy;
    this._encapsulate = encapsulate;
    /** @type {Pair | null} */
    this._ephemeral = null;
    /** @type {Pair | null} */
    this._kem = null;
    /** @type {Uint8Array} */
    this._remoteEphemeral = new Uint8Array(0);
    /** @type {Uint8Array} */
    this._remoteKem = new Uint8Array(0);
  }

  /** `own` is the 32-byte static private key; ephemeral keys are drawn from `entropy` (32 bytes for X25519, 64 for
   * ML-KEM).
   * @param {boolean} initiator @param {Uint8Array} prologue @param {Uint8Array} own @param {Entropy} entropy @param
   * {string} [pattern]
   * @param {Encapsulate} [encapsulate] @returns {Promise<HandshakeState>} */
  static async create(initiator, prologue, own, entropy, pattern = "XXhfs", encapsulate = kemEncapsulate) {
    const name = utf8(NAMES[pattern]);
    const first = name.length <= 32 ? concat(name, new Uint8Array(32 - name.length)) : await sha256(name);
    const state = new HandshakeState(initiator, pattern, await x25519Pair(own), first, entropy, encapsulate);
    await state._mixHash(prologue);
    return state;
  }

  /** Our static public key, 32 bytes. */
  get staticPublic() {
    return this._static.public;
  }

  /** Whether all messages have been exchanged. */
  get finished() {
    return this._turn === this._messages.length;
  }

  /** The next message of ours. Rejects with LocalProtocolError out of turn, RemoteProtocolError for bad keys of the
   * peer.
   * @param {Uint8Array} payload @returns {Promise<Uint8Array>} */
  async write(payload) {
    this._takeTurn(this._initiator);
    /** @type {Uint8Array[]} */
    const out = [];
    for (const token of this._messages[this._turn]) out.push(await this._writeToken(token));
    out.push(await this._encryptAndHash(payload));
    this._turn++;
    return concat(...out);
  }

  /** The payload of the peer's next message. Rejects with RemoteProtocolError: TAMPERED when it does not open,
   * SESSION_PROTOCOL when it is too short or its keys are bad. @param {Uint8Array} message @returns
   * {Promise<Uint8Array>} */
  async read(message) {
    this._takeTurn(!this._initiator);
    let rest = message;
    for (const token of this._messages[this._turn]) {
      const size = this._size(token);
      if (rest.length < size) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "a handshake message is cut short");
      await this._readToken(token, rest.slice(0, size));
      rest = rest.subarray(size);
    }
    const payload = await this._decryptAndHash(rest);
    this._turn++;
    return payload;
  }

  /** The ciphers of what follows: [initiator to responder, responder to initiator]. @returns {Promise<[CipherState,
   * CipherState]>} */
  async split() {
    if (!this.finished) throw new LocalProtocolError("the handshake is not over");
    const [first, second] = await hkdfTwo(this.chainingKey, new Uint8Array(0));
    return [new CipherState(first), new CipherState(second)];
  }

  /** @param {boolean} writerIsInitiator */
  _takeTurn(writerIsInitiator) {
    if (this.finished || writerIsInitiator !== (this._turn % 2 === 0)) {
      throw new LocalProtocolError("not this side's turn in the handshake");
    }
  }

  /** @param {string} token */
  _size(token) {
    if (token === "e") return DH_BYTES;
    if (token === "e1") return KEM_PUBLIC_BYTES + this._cipher.overhead;
    if (token === "ekem1") return KEM_CIPHERTEXT_BYTES + this._cipher.overhead;
    if (token === "s") return DH_BYTES + this._cipher.overhead;
    return 0;
  }

  /** @param {string} token @returns {Promise<Uint8Array>} */
  async _writeToken(token) {
    if (token === "e") {
      this._ephemeral = await x25519Pair(this._entropy(DH_BYTES));
      await this._mixHash(this._ephemeral.public);
      return this._ephemeral.public;
    }
    if (token === "e1") {
      this._kem = await kemPair(this._entropy(KEM_SEED_BYTES));
      return this._encryptAndHash(this._kem.public);
    }
    if (token === "ekem1") {
      const made = await this._encapsulate(this._remoteKem);
      if (made === null) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "a bad encapsulation key");
      const sealed = await this._encryptAndHash(made.ciphertext);
      await this._mixKey(made.secret);
      return sealed;
    }
    if (token === "s") return this._encryptAndHash(this.staticPublic);
    await this._diffieHellman(token);
    return new Uint8Array(0);
  }

  /** @param {string} token @param {Uint8Array} data */
  async _readToken(token, data) {
    if (token === "e") {
      this._remoteEphemeral = data;
      await this._mixHash(data);
    } else if (token === "e1") {
      this._remoteKem = await this._decryptAndHash(data);
    } else if (token === "ekem1") {
      const ciphertext = await this._decryptAndHash(data);
      await this._mixKey(await kemDecapsulate(/** @type {Pair} */ (this._kem).key, ciphertext));
    } else if (token === "s") {
      this.remoteStatic = await this._decryptAndHash(data);
    } else {
      await this._diffieHellman(token);
    }
  }

  /** "ee", "es", "se": the first letter is the initiator's key, the second the responder's. @param {string} token */
  async _diffieHellman(token) {
    const [ours, theirs] = this._initiator ? token : [token[1], token[0]];
    const pair = /** @type {Pair} */ (ours === "e" ? this._ephemeral : this._static);
    const secret = await x25519(pair.key, theirs === "e" ? this._remoteEphemeral : this.remoteStatic);
    if (secret === null) throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "a low-order public key");
    await this._mixKey(secret);
  }

  /** @param {Uint8Array} data */
  async _mixHash(data) {
    this.handshakeHash = await sha256(concat(this.handshakeHash, data));
  }

  /** @param {Uint8Array} secret */
  async _mixKey(secret) {
    const [chainingKey, key] = await hkdfTwo(this.chainingKey, secret);
    this.chainingKey = chainingKey;
    this._cipher = new CipherState(key);
  }

  /** @param {Uint8Array} plaintext */
  async _encryptAndHash(plaintext) {
    const ciphertext = await this._cipher.encrypt(this.handshakeHash, plaintext);
    await this._mixHash(ciphertext);
    return ciphertext;
  }

  /** @param {Uint8Array} ciphertext */
  async _decryptAndHash(ciphertext) {
    const plaintext = await this._cipher.decrypt(this.handshakeHash, ciphertext);
    await this._mixHash(ciphertext);
    return plaintext;
  }
}

/** HKDF of Noise, section 4.3, with two outputs. @param {Uint8Array} chainingKey @param {Uint8Array} secret @returns
 * {Promise<[Uint8Array, Uint8Array]>} */
async function hkdfTwo(chainingKey, secret) {
  const temporary = await hmac(chainingKey, secret);
  const first = await hmac(temporary, Uint8Array.of(1));
  return [first, await hmac(temporary, concat(first, Uint8Array.of(2)))];
}
