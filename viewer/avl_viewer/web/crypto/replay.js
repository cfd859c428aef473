/**
 * A sliding window that accepts each number once (RFC 6479).
 */

/** Remembers which of the last `size` numbers were accepted; whatever is older is refused. */
export class ReplayWindow {
  /** @param {number} size */
  constructor(size) {
    this._size = size;
    /** The number last accepted in each place, so that nothing needs clearing when the window moves. */
    this._slots = new Float64Array(size).fill(-1);
    this._top = -1;
  }

  /** Whether `accept` would accept it; changes nothing, for use before what carries it is authenticated. @param
   * {number} number */
  fresh(number) {
    return number > this._top - this._size && this._slots[number % this._size] !== number;
  }

  /** Accept a number that is authentic: false when it was accepted before or is too old. @param {number} number */
  accept(number) {
    if (!this.fresh(number)) return false;
    this._slots[number % this._size] = number;
    this._top = Math.max(this._top, number);
    return true;
  }
}
