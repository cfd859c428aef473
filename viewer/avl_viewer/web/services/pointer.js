/**
 * Pointer: the shape of the host's pointer (spec 03-wire, 3.4.2).
 */

/** Tells the page. */
export class PointerService {
  /** @param {(message: Record<string, any>) => void} tell */
  constructor(tell) {
    this._tell = tell;
  }

  /** The pointer has another shape. @param {Record<string, any>} message */
  told(message) {
    this._tell({ ...message, say: "cursor" });
  }
}
