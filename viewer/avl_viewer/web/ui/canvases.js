/**
 * Canvases: where each desktop is, on this side. The page shows the first; further ones stand behind it, hidden until
 * something shows them, with the number of their first track in `data-track`.
 */

/** `give(canvas)`: to who draws on it. */
export class Canvases {
  /** @param {HTMLCanvasElement} first @param {(canvas: OffscreenCanvas) => void} give */
  constructor(first, give) {
    this._all = [first];
    this._give = give;
  }

  /** Hand the desktop's canvas over. */
  give() {
    this._give(this._all[0].transferControlToOffscreen());
  }

  /** A session has desktops with these first tracks. @param {number[]} tracks */
  of(tracks) {
    while (this._all.length < tracks.length) {
      const canvas = document.createElement("canvas");
      canvas.hidden = true;
      this._all[0].after(canvas);
      this._all.push(canvas);
      this._give(canvas.transferControlToOffscreen());
    }
    this._all.forEach((canvas, at) => (canvas.dataset.track = String(tracks[at] ?? "")));
  }
}
