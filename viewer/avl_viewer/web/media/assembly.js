/**
 * The pieces of one object, fragments and parity, from the first that comes until they suffice (spec 05-media, 5.4.1).
 *
 * It keeps what has come and allocates nothing for what a header merely promises, so that memory is bounded by bytes
 * that somebody really sent.
 *
 * @typedef {{ type: number, flags: number, fragment: number, length: number }} Header
 *
 * @typedef {object} Block  A block of which parity has come: how many fragments it lacks, and its rows until they are
 * of use.
 * @property {number} missing
 * @property {Map<number, Uint8Array>} rows
 */

import { fragmentCount } from "../wire/datagram.js";
import { concat } from "../wire/bytes.js";
import { DATAGRAM } from "../wire/registry.js";
import { BLOCK, recover } from "./parity.js";

/** One object. */
export class Assembly {
  /** @param {number} length @param {number} flags @param {number} first  when its first datagram came */
  constructor(length, flags, first) {
    this.length = length;
    this.flags = flags;
    this.first = first;
    /** Bytes of all pieces it keeps. */
    this.held = 0;
    /** Fragments that parity gave. */
    this.repaired = 0;
    this._count = fragmentCount(length);
    /** @type {Map<number, Uint8Array>} */
    this._have = new Map();
    /** @type {Map<number, Block> | null} */
    this._blocks = null;
  }

  /** Whether nothing is missing any more. */
  get whole() {
    return this._have.size === this._count;
  }

  /** The object, which must be whole. @returns {Uint8Array} */
  sealed() {
    return concat(...Array.from({ length: this._count }, (_, index) => /** @type {Uint8Array} */ (this._have.get(index))));
  }

  /** Take one checked MEDIA, REPAIR or PARITY datagram. One that disagrees about the object's length or flags, or says
   * what is known already, changes nothing. @param {Header} header @param {Uint8Array} payload */
  add(header, payload) {
    if (header.length !== this.length || header.flags !== this.flags) return;
    if (header.type === DATAGRAM.PARITY) {
      this._addRow(Math.floor(header.fragment / BLOCK), header.fragment % BLOCK, payload);
      return;
    }
    const index = header.fragment;
    if (this._have.has(index)) return;
    this._have.set(index, payload.slice());
    this.held += payload.length;
    const number = Math.floor(index / BLOCK);
    const block = this._blocks?.get(number);
    if (!block) return;
    block.missing--;
    this._recover(number, block);
  }

  /** @param {number} number @param {number} row @param {Uint8Array} payload */
  _addRow(number, row, payload) {
    this._blocks ??= new Map();
    let block = this._blocks.get(number);
    if (!block) {
      block = { missing: 0, rows: new Map() };
      for (let index = number * BLOCK; index < Math.min((number + 1) * BLOCK, this._count); index++) {
        if (!this._have.has(index)) block.missing++;
      }
      this._blocks.set(number, block);
    }
    if (!block.missing || block.rows.has(row)) return;
    block.rows.set(row, payload.slice());
    this.held += payload.length;
    this._recover(number, block);
  }

  /** Fill a block's gaps as soon as it has a row for each; its rows are of no use after that. @param {number} number
   * @param {Block} block */
  _recover(number, block) {
    if (block.rows.size < block.missing) return;
    const { rows, missing } = block;
    block.rows = new Map();
    block.missing = 0;
    for (const row of rows.values()) this.held -= row.length;
    if (!missing) return;
    for (const [index, fragment] of recover(this.length, number, this._have, rows) ?? []) {
      this._have.set(index, fragment);
      this.held += fragment.length;
      this.repaired++;
    }
  }
}
