/**
 * Clipboard: text both ways where the browser lets us, and a box to paste into or copy from where it does not.
 */

import { contentOf } from "../wire/cliptext.js";
import { CLIPBOARD_STATE, MAX } from "../wire/registry.js";
import { element } from "./elements.js";

/** The state of a clipboard without text -> what a person is told of the host's. @type {Record<number, string>} */
const COPIED = {
  [CLIPBOARD_STATE.NOT_TEXT]: "What was copied on the desktop is not text and stays there.",
  [CLIPBOARD_STATE.TOO_LARGE]: `The text that was copied on the desktop is too long to come here: at most ${MAX.CLIPBOARD_TEXT.toLocaleString("en")} bytes.`,
  [CLIPBOARD_STATE.NO_ANSWER]: "The program that copied on the desktop does not answer. Copy there again.",
};
/** The same of ours on its way there. @type {Record<number, string>} */
const SENT = {
  [CLIPBOARD_STATE.NOT_TEXT]: "That is not text: the desktop's clipboard was left as it was.",
  [CLIPBOARD_STATE.TOO_LARGE]: `The text is too long for the desktop's clipboard, which takes ${MAX.CLIPBOARD_TEXT.toLocaleString("en")} bytes. Nothing was pasted.`,
  [CLIPBOARD_STATE.NO_ANSWER]: "The desktop did not take the text. Nothing was pasted.",
  [CLIPBOARD_STATE.NOT_PERMITTED]: "This session may not set the desktop's clipboard.",
};

/**
 * @typedef {object} ClipboardOwner
 * @property {(text: string) => void} send  set the host's clipboard
 * @property {(text: string) => void} type  as keys
 * @property {(text: string, action?: [string, () => void]) => void} tell  a line that goes away, with something to do
 * about it
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
      this._box.close();
      this._send(this._text.value);
    });
    element("paste-type", HTMLButtonElement).addEventListener("click", () => {
      const text = this._text.value;
      this._box.close();
      owner.type(text);
    });
    element("paste-cancel", HTMLButtonElement).addEventListener("click", () => this._box.close());
    this._box.addEventListener("close", () => owner.closed());
  }

  /** The host's clipboard holds this now, or no text. @param {import("../wire/cliptext.js").Content} content */
  async received({ state, text }) {
    if (state !== CLIPBOARD_STATE.TEXT && state !== CLIPBOARD_STATE.EMPTY) {
      this._owner.tell(COPIED[state] ?? COPIED[CLIPBOARD_STATE.NOT_TEXT]);
      return;
    }
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
    this._known = contentOf(text).text;
  }

  /** The host did not take ours. @param {number} state */
  refused(state) {
    this._known = "";
    this._owner.tell(SENT[state] ?? SENT[CLIPBOARD_STATE.NO_ANSWER]);
  }

  /** Send ours if the browser gave lasting permission to read it: the page came to the front. */
  async refresh() {
    const name = /** @type {PermissionName} */ ("clipboard-read");
    try {
      if ((await navigator.permissions.query({ name })).state !== "granted" || !document.hasFocus()) return;
      const { text } = contentOf(await navigator.clipboard.readText());
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
      if (!text) {
        this._owner.tell("Your clipboard holds no text.");
      } else if (what === "send") {
        this._send(text);
      } else {
        this._owner.type(text);
      }
    } catch (error) {
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
      this.open("");
    }
  }

  /** @param {string} text */
  _send(text) {
    const content = contentOf(text);
    if (content.state === CLIPBOARD_STATE.TOO_LARGE || content.state === CLIPBOARD_STATE.NOT_TEXT) {
      this.refused(content.state);
      return;
    }
    this._known = content.text;
    this._owner.send(content.text);
    this._owner.tell("Sent to the desktop's clipboard.");
  }

  /** Open the box with a text selected. @param {string} [text]  default: the host's */
  open(text = this._host) {
    this._text.value = text;
    if (!this._box.open) this._box.showModal();
    this._text.focus();
    this._text.select();
  }
}
