/**
 * The hash of a file: BLAKE3 over the BLAKE3 hashes of its blocks (spec 15, 15.4).
 *
 * So what is zero costs nothing but its count, and the hash of a beginning can be gone on with. The program is
 * hash-wasm's, WebAssembly that npm brings (hatch_build.py): it hashes 30 times as fast as one in JavaScript.
 */

import { MAX } from "../wire/registry.js";

/**
 * @typedef {object} Hasher  What the package offers: one hash at a time, whose state can be taken away and put back.
 * @property {() => Hasher} init
 * @property {(data: Uint8Array) => Hasher} update
 * @property {(kind: "binary") => Uint8Array} digest
 * @property {() => Uint8Array} save
 * @property {(state: Uint8Array) => Hasher} load
 */

/** It gives itself a name in the worker's scope, and has no types. @type {string} */
const PROGRAM = "../vendor/hash-wasm/blake3.umd.min.js";
export const HASH_BYTES = 32;
const ZEROS = new Uint8Array(MAX.FILE_BLOCK);
/** Hashes of zero blocks that are added at a time. */
const STRIDE = 1024;

/** Makes hashes; one for all files of a worker. */
export class Hashing {
  /** @param {Hasher} hasher */
  constructor(hasher) {
    this._hasher = hasher;
    this._empty = hasher.init().save();
    const zero = this._digest(ZEROS);
    this._strides = new Uint8Array(STRIDE * HASH_BYTES);
    for (let at = 0; at < this._strides.length; at += HASH_BYTES) this._strides.set(zero, at);
  }

  /** Compile the program. */
  static async load() {
    await import(PROGRAM);
    const { hashwasm } = /** @type {any} */ (globalThis);
    return new Hashing(await hashwasm.createBLAKE3());
  }

  /** The hash of a file that has no bytes yet. */
  file() {
    return new FileHash(this);
  }

  /** @param {Uint8Array} data */
  _digest(data) {
    return this._hasher.init().update(data).digest("binary");
  }
}

/** Hashes a file from its beginning on. */
export class FileHash {
  /** @param {Hashing} hashing */
  constructor(hashing) {
    this._hashing = hashing;
    this._state = hashing._empty;
    /** The block that is not whole yet. @type {Uint8Array | null} */
    this._block = null;
    /** Bytes that it has been given. */
    this.size = 0;
  }

  /** Add what follows; no more than is left of a block. @param {Uint8Array} data */
  add(data) {
    if (!data.length) return;
    const at = this.size % MAX.FILE_BLOCK;
    this.size += data.length;
    if (data.length === MAX.FILE_BLOCK) {
      this._add(this._hashing._digest(data));
      return;
    }
    this._block ??= new Uint8Array(MAX.FILE_BLOCK);
    this._block.set(data, at);
    if (at + data.length < MAX.FILE_BLOCK) return;
    this._add(this._hashing._digest(this._block));
    this._block = null;
  }

  /** Add so many zero bytes. @param {number} size */
  zeros(size) {
    const first = Math.min(size, (MAX.FILE_BLOCK - (this.size % MAX.FILE_BLOCK)) % MAX.FILE_BLOCK);
    if (first) this.add(ZEROS.subarray(0, first));
    let whole = Math.floor((size - first) / MAX.FILE_BLOCK);
    this.size += whole * MAX.FILE_BLOCK;
    for (; whole > 0; whole -= STRIDE) this._add(this._hashing._strides.subarray(0, Math.min(whole, STRIDE) * HASH_BYTES));
    const rest = (size - first) % MAX.FILE_BLOCK;
    if (rest) this.add(ZEROS.subarray(0, rest));
  }

  /** The hash of all that was added, which may end within a block. */
  digest() {
    const { _hashing: hashing, _block: block } = this;
    const rest = block && hashing._digest(block.subarray(0, this.size % MAX.FILE_BLOCK));
    const hasher = hashing._hasher.load(this._state);
    return (rest ? hasher.update(rest) : hasher).digest("binary");
  }

  /** @param {Uint8Array} digests */
  _add(digests) {
    this._state = this._hashing._hasher.load(this._state).update(digests).save();
  }
}

/** The hash of the first `size` bytes of what `read` gives. @param {Hashing} hashing @param {(offset: number, size:
 * number) => Promise<Uint8Array>} read @param {number} size @param {() => boolean} [goesOn]  asked between blocks
 * @returns {Promise<FileHash | null>}  null: it has fewer bytes, or nobody wants to know any more */
export async function hashOf(hashing, read, size, goesOn = () => true) {
  const hashed = hashing.file();
  while (hashed.size < size) {
    const wants = Math.min(MAX.FILE_BLOCK, size - hashed.size);
    const data = await read(hashed.size, wants);
    if (data.length < wants || !goesOn()) return null;
    hashed.add(data);
  }
  return hashed;
}

/** Whether all of it is zero. @param {Uint8Array} data */
export function isZero(data) {
  for (let at = 0; at < data.length; at++) if (data[at]) return false;
  return true;
}
