/**
 * Clipboard: texts, documents and pictures both ways where the browser lets us, and a box to paste into or copy from where
 * it does not.
 *
 * Browsers take what they are given at once, not when somebody pastes: a picture of the desktop comes when the person asks
 * for it, a document with its text.
 */

import { pasted } from "../input/pasted.js";
import { listed } from "../wire/clipfiles.js";
import { FILES, HTML, PLAIN, PNG, formatOf, kindOf } from "../wire/clipformats.js";
import { contentOf } from "../wire/cliptext.js";
import { CLIPBOARD_STATE, MAX } from "../wire/registry.js";
import { element } from "./elements.js";
import { MADE, asPng } from "./pictures.js";

/** Most bytes of a document that comes with its text. */
const DOCUMENT = 1024 * 1024;
/** The name under which a copy's origin stands on our clipboard, where the browser takes names of pages' own. */
const ORIGIN = "web application/x-avl-origin";

/** The state of a clipboard without text -> what a person is told of the host's. @type {Record<number, string>} */
const COPIED = {
  [CLIPBOARD_STATE.NOT_TEXT]: "What was copied on the desktop is not text and stays there.",
  [CLIPBOARD_STATE.TOO_LARGE]: `The text that was copied on the desktop is too long to come here: at most ${MAX.CLIPBOARD_TEXT.toLocaleString("en")} bytes.`,
  [CLIPBOARD_STATE.NO_ANSWER]: "The program that copied on the desktop does not answer. Copy there again.",
  [CLIPBOARD_STATE.NOT_PERMITTED]: "The desktop's owner keeps what was copied there from leaving.",
};
/** The same of ours on its way there. @type {Record<number, string>} */
const SENT = {
  [CLIPBOARD_STATE.NOT_TEXT]: "That is not text: the desktop's clipboard was left as it was.",
  [CLIPBOARD_STATE.TOO_LARGE]: `A text over ${MAX.CLIPBOARD_TEXT.toLocaleString("en")} bytes is too long for the desktop's clipboard, and a picture may be larger than its owner allows. Nothing was pasted.`,
  [CLIPBOARD_STATE.NO_ANSWER]: "The desktop did not take what was copied. Nothing was pasted.",
  [CLIPBOARD_STATE.NOT_PERMITTED]: "This session may not set the desktop's clipboard, or not to that.",
};
/** The same of what was fetched of it. @type {Record<number, string>} */
const FETCHED = {
  [CLIPBOARD_STATE.TOO_LARGE]: "What was copied on the desktop is larger than may cross.",
  [CLIPBOARD_STATE.NO_ANSWER]: "What was copied on the desktop did not come: its program does not answer, or the way here was lost. Copy there again.",
  [CLIPBOARD_STATE.NOT_PERMITTED]: "The desktop's owner keeps what was copied there from leaving.",
  [CLIPBOARD_STATE.GONE]: "Something else was copied on the desktop meanwhile.",
};

/**
 * @typedef {import("../input/pasted.js").Copy} Copy
 *
 * @typedef {object} HostCopy  What is on the host's, beside its text.
 * @property {number} state
 * @property {string} text
 * @property {string[]} formats
 * @property {number} stamp
 * @property {Uint8Array} origin
 *
 * @typedef {object} ClipboardOwner
 * @property {(copy: Copy) => void} send  set the host's clipboard
 * @property {(text: string) => void} type  as keys
 * @property {(stamp: number, format: string, most?: number) => Promise<import("../session/fetching.js").Fetched>} fetch
 * @property {(paths: string[]) => void} download  files of the host
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
    this._picture = element("paste-picture", HTMLImageElement);
    /** The text that both hold as far as we know, and what else both hold. */
    this._known = "";
    this._knownFormats = "";
    this._host = "";
    /** What was pasted into the box beside a text. @type {Record<string, Blob>} */
    this._pasted = {};
    element("paste-send", HTMLButtonElement).addEventListener("click", () => {
      this._box.close();
      void this._send({ text: this._text.value, formats: this._pasted });
    });
    element("paste-type", HTMLButtonElement).addEventListener("click", () => {
      const text = this._text.value;
      this._box.close();
      owner.type(text);
    });
    element("paste-cancel", HTMLButtonElement).addEventListener("click", () => this._box.close());
    this._text.addEventListener("paste", (event) => {
      this._pasted = pasted(event).formats;
      const picture = Object.entries(this._pasted).find(([name]) => kindOf(name) === "image");
      if (picture) this._show(picture[1]);
    });
    this._box.addEventListener("close", () => {
      this._show(null);
      owner.closed();
    });
  }

  /** The host's clipboard holds this now, or no text. @param {import("../wire/cliptext.js").Content} content */
  async received({ state, text }) {
    if (state !== CLIPBOARD_STATE.TEXT && state !== CLIPBOARD_STATE.EMPTY) {
      this._owner.tell(COPIED[state] ?? COPIED[CLIPBOARD_STATE.NOT_TEXT]);
      return;
    }
    this._host = text;
    this._knownFormats = "";
    if (text === this._known) return;
    try {
      await navigator.clipboard.writeText(text);
      this._known = text;
    } catch (error) {
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
      this._owner.tell("The desktop's clipboard changed.", ["Show", () => this.open(text)]);
    }
  }

  /** The host's clipboard holds more than a text. @param {HostCopy} copy */
  async copied(copy) {
    if (copy.formats.includes(FILES)) {
      this._owner.tell("Files were copied on the desktop.", ["Download them", () => void this._download(copy)]);
      return;
    }
    const format = MADE.find((name) => copy.formats.includes(name));
    if (copy.state === CLIPBOARD_STATE.TEXT) {
      if (copy.formats.includes(HTML)) await this._bringDocument(copy);
      else await this.received(copy);
    }
    if (format) {
      this._owner.tell("A picture was copied on the desktop.", ["Copy it here", () => void this._bring(copy, format)]);
    } else if (copy.state !== CLIPBOARD_STATE.TEXT && copy.formats.includes(PLAIN)) {
      this._owner.tell("A long text was copied on the desktop.", ["Copy it here", () => void this._bringText(copy)]);
    } else if (copy.state !== CLIPBOARD_STATE.TEXT) {
      this._owner.tell(COPIED[CLIPBOARD_STATE.NOT_TEXT]);
    }
  }

  /** A document comes with its text. @param {HostCopy} copy */
  async _bringDocument(copy) {
    const { data } = await this._owner.fetch(copy.stamp, HTML, DOCUMENT);
    const items = { "text/plain": new Blob([copy.text], { type: "text/plain" }) };
    if (!data || !(await this._write({ ...items, [HTML]: new Blob([/** @type {any} */ (data)], { type: HTML }) }, copy))) {
      await this.received(copy);
    }
    this._host = copy.text;
  }

  /** A text that is too long to come by itself. @param {HostCopy} copy */
  async _bringText(copy) {
    const { state, data } = await this._owner.fetch(copy.stamp, PLAIN);
    if (!data) {
      this._owner.tell(FETCHED[state] ?? FETCHED[CLIPBOARD_STATE.NO_ANSWER]);
      return;
    }
    await this.received({ state: CLIPBOARD_STATE.TEXT, text: new TextDecoder().decode(data) });
  }

  /** The person wants the files. @param {HostCopy} copy */
  async _download(copy) {
    const { state, data } = await this._owner.fetch(copy.stamp, FILES);
    const paths = data ? listed(data) : [];
    if (paths.length) this._owner.download(paths);
    else this._owner.tell(FETCHED[state] ?? FETCHED[CLIPBOARD_STATE.GONE]);
  }

  /** The person wants the picture. @param {HostCopy} copy @param {string} format */
  async _bring(copy, format) {
    this._owner.tell("The picture is on its way.");
    const { state, data } = await this._owner.fetch(copy.stamp, format);
    const picture = data ? await asPng(format, data) : null;
    if (!picture) {
      this._owner.tell(data ? "What was copied on the desktop is not a picture that can be shown here." : (FETCHED[state] ?? FETCHED[CLIPBOARD_STATE.NO_ANSWER]));
      return;
    }
    if (await this._write({ [PNG]: picture }, copy)) {
      this._owner.tell("The picture is on your clipboard.");
      return;
    }
    this.open("");
    this._show(picture);
  }

  /** Put something on our clipboard; false where the browser does not let us. @param {Record<string, Blob>} items @param {HostCopy}
   * copy */
  async _write(items, copy) {
    try {
      const supports = /** @type {any} */ (ClipboardItem).supports;
      const marked = supports?.call(ClipboardItem, ORIGIN) && copy.origin.length;
      /** @type {Record<string, Blob>} */
      const mark = marked ? { [ORIGIN]: new Blob([/** @type {any} */ (copy.origin)], { type: "application/x-avl-origin" }) } : {};
      await navigator.clipboard.write([new ClipboardItem({ ...items, ...mark })]);
      this._known = items["text/plain"] ? copy.text : "";
      return true;
    } catch (error) {
      if (!(error instanceof DOMException) && !(error instanceof TypeError) && !(error instanceof ReferenceError)) throw error;
      return false;
    }
  }

  /** Both hold this: it was just pasted. @param {Copy} copy */
  pasted(copy) {
    this._known = contentOf(copy.text).text;
    void print(copy.formats).then((found) => (this._knownFormats = found));
  }

  /** The host did not take ours. @param {number} state */
  refused(state) {
    this._known = this._knownFormats = "";
    this._owner.tell(SENT[state] ?? SENT[CLIPBOARD_STATE.NO_ANSWER]);
  }

  /** Send ours if the browser gave lasting permission to read it: the page came to the front. */
  async refresh() {
    const name = /** @type {PermissionName} */ ("clipboard-read");
    try {
      if ((await navigator.permissions.query({ name })).state !== "granted" || !document.hasFocus()) return;
      const copy = await read();
      const text = contentOf(copy.text).text;
      const formats = await print(copy.formats);
      if ((!text && !formats) || (text === this._known && formats === this._knownFormats)) return;
      [this._known, this._knownFormats] = [text, formats];
      this._owner.send(copy);
    } catch (error) {
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error; // it has no such permission
    }
  }

  /** Do something with our clipboard, or open the box where it can't be read. @param {"send" | "type"} what */
  async use(what) {
    try {
      const copy = await read();
      if (what === "send" && (copy.text || Object.keys(copy.formats).length)) {
        await this._send(copy);
      } else if (!copy.text) {
        this._owner.tell(what === "send" ? "Your clipboard holds nothing that can be sent." : "Your clipboard holds no text.");
      } else {
        this._owner.type(copy.text);
      }
    } catch (error) {
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
      this.open("");
    }
  }

  /** @param {Copy} copy */
  async _send(copy) {
    const content = contentOf(copy.text);
    const refused = content.state === CLIPBOARD_STATE.TOO_LARGE || content.state === CLIPBOARD_STATE.NOT_TEXT;
    if (refused && !Object.keys(copy.formats).length) {
      this.refused(content.state);
      return;
    }
    this._known = content.text;
    this._knownFormats = await print(copy.formats);
    this._owner.send({ ...copy, text: content.text });
    this._owner.tell("Sent to the desktop's clipboard.");
  }

  /** Open the box with a text selected. @param {string} [text]  default: the host's */
  open(text = this._host) {
    this._show(null);
    this._text.value = text;
    if (!this._box.open) this._box.showModal();
    this._text.focus();
    this._text.select();
  }

  /** Show a picture in the box, to be copied from there or sent; null: none. @param {Blob | null} picture */
  _show(picture) {
    if (this._picture.src) URL.revokeObjectURL(this._picture.src);
    if (!picture) this._pasted = {};
    this._picture.hidden = !picture;
    if (picture) this._picture.src = URL.createObjectURL(picture);
    else this._picture.removeAttribute("src");
  }
}

/** What our clipboard holds, as far as the browser tells. Rejects with DOMException or TypeError where it does not.
 * @returns {Promise<Copy>} */
async function read() {
  /** @type {Copy} */
  const copy = { text: "", formats: {} };
  if (!navigator.clipboard.read) return { ...copy, text: await navigator.clipboard.readText() };
  for (const item of await navigator.clipboard.read()) {
    for (const type of item.types) {
      const blob = await item.getType(type);
      const format = formatOf(type);
      if (type === "text/plain") copy.text = await blob.text();
      else if (type === ORIGIN) copy.origin = new Uint8Array(await blob.arrayBuffer());
      else if (format && format !== FILES) copy.formats[format] = blob;
    }
  }
  return copy;
}

/** What tells copies apart without keeping them. @param {Record<string, Blob>} formats */
async function print(formats) {
  const parts = await Promise.all(
    Object.entries(formats).map(async ([name, blob]) => {
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
      return `${name} ${digest.join(",")}`;
    }),
  );
  return parts.sort().join("\n");
}
