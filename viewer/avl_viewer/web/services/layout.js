/**
 * Layout: the size of the host's desktop (spec 03-wire, 3.4.2).
 */

/** Tells the page. */
export class LayoutService {
  /** @param {(message: Record<string, any>) => void} tell */
  constructor(tell) {
    this._tell = tell;
  }

  /** The desktop looks like this. @param {{ width: number, height: number }} message */
  told({ width, height }) {
    this._tell({ say: "layout", width, height });
  }
}
