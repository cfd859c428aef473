/**
 * Clipboard: text both ways where the browser lets us, and a box to paste into or copy from where it does not.
 */

import { element } from "./elements.js";

/**
 * @typedef {object} ClipboardOwner
 * @property {(text: string) => void} send  set the host's clipboard
 * @property {(text: string) => void} type  as keys
 * @property {(text: string, action?: [string, () => void]) => void} tell  a line that goes away, with something to do about it
 * @property {() => void} closed  the keyboard belongs to the desktop again
 */

/** The two clipboards. */
export class ClipboardBridge {
  /** @param {ClipboardOwner} owner */
  constructor(owner) {
    this._owner = owner;
    this._box = element("paste", HTMLDialogElement);
    this._text = element("paste-text", HTMLTextAreaElement);
    /** The text that both hold as far as we know. */
    this._known = "";
    this._host = "";
    element("paste-send", HTMLButtonElement).addEventListener("click", () => {
      this._known = this._text.value;
      owner.send(this._text.value);
      this._box.close();
      owner.tell("Sent to the desktop's clipboard.");
    });
    element("paste-type", HTMLButtonElement).addEventListener("click", () => {
      const text = this._text.value;
      this._box.close();
      owner.type(text);
    });
    element("paste-cancel", HTMLButtonElement).addEventListener("click", () => this._box.close());
    this._box.addEventListener("close", () => owner.closed());
  }

  /** The host's clipboard holds this now. @param {string} text */
  async received(text) {
    this._host = text;
    if (text === this._known) return;
    try {
      await navigator.clipboard.writeText(text);
      this._known = text;
    } catch (error) {
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
      this._owner.tell("The desktop's clipboard changed.", ["Show", () => this.open(text)]);
    }
  }

  /** Both hold this: it was just pasted. @param {string} text */
  pasted(text) {
    this._known = text;
  }

  /** Send ours if the browser gave lasting permission to read it: the page came to the front. */
  async refresh() {
    const name = /** @type {PermissionName} */ ("clipboard-read");
    try {
      if ((await navigator.permissions.query({ name })).state !== "granted" || !document.hasFocus()) return;
      const text = await navigator.clipboard.readText();
      if (!text || text === this._known) return;
      this._known = text;
      this._owner.send(text);
    } catch (error) {
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error; // it has no such permission
    }
  }

  /** Do something with our clipboard, or open the box where it can't be read. @param {"send" | "type"} what */
  async use(what) {
    try {
      const text = await navigator.clipboard.readText();
      if (what === "send") {
        this._known = text;
        this._owner.send(text);
        this._owner.tell("Sent to the desktop's clipboard.");
      } else {
        this._owner.type(text);
      }
    } catch (error) {
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
      this.open("");
    }
  }

  /** Open the box with a text selected. @param {string} [text]  default: the host's */
  open(text = this._host) {
    this._text.value = text;
    if (!this._box.open) this._box.showModal();
    this._text.focus();
    this._text.select();
  }
}
