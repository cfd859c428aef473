/**
 * Remote files: what the host shares, folder by folder, to be fetched from or sent to.
 */

import { FILE_KIND, MAX } from "../wire/registry.js";
import { forDialog } from "../wire/foreign.js";
import { amount, moment } from "./amounts.js";
import { element } from "./elements.js";

/** Rows that are asked for at a time. */
const MOST = 1000;
const READ = 4;
const WRITE = 2;

/**
 * @typedef {object} RemoteOwner
 * @property {(message: Record<string, any>) => void} say  to the worker that has the files
 * @property {(paths: string[], title: string, toFolder: boolean) => void} fetch
 * @property {(path: string, folders: boolean) => void} send  chooses files, or a folder, and sends them there
 * @property {() => void} closed  the keyboard belongs to the desktop again
 *
 * @typedef {[string, number, number, number, number, string]} Row  name, kind, size, modified_us, mode, link
 */

/** The folder above a path; "" above a root is the list of roots. @param {string} path @param {readonly string[]} roots */
export function above(path, roots) {
  if (path === "" || roots.includes(path)) return "";
  const up = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
  const root = roots.find((one) => one === `${up}/`);
  if (root) return root;
  return roots.length === 0 || roots.some((root) => up === root || up.startsWith(root.endsWith("/") ? root : `${root}/`)) ? up : "";
}

/** A name within a folder. @param {string} folder @param {string} name */
export function within(folder, name) {
  if (folder === "") return name; // roots are whole paths
  return folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
}

/** The dialog. */
export class RemoteFiles {
  /** @param {RemoteOwner} owner */
  constructor(owner) {
    this._owner = owner;
    this._box = element("remote", HTMLDialogElement);
    this._place = element("remote-path", HTMLElement);
    this._list = element("remote-list", HTMLElement);
    this._text = element("remote-text", HTMLElement);
    this._up = element("remote-up", HTMLButtonElement);
    this._more = element("remote-more", HTMLButtonElement);
    this._save = element("remote-save", HTMLButtonElement);
    this._download = element("remote-download", HTMLButtonElement);
    this._send = element("remote-send", HTMLButtonElement);
    this._sendFolder = element("remote-send-folder", HTMLButtonElement);
    this._all = element("remote-all", HTMLInputElement);
    this._path = "";
    this._name = 0;
    /** @type {string[]} */
    this._roots = [];
    /** @type {Map<string, number>} */
    this._modes = new Map();
    this._last = "";
    this._in = this._out = false;
    this._up.addEventListener("click", () => this._go(above(this._path, this._roots)));
    this._more.addEventListener("click", () => this._ask(this._last));
    this._save.addEventListener("click", () => this._fetch(true));
    this._download.addEventListener("click", () => this._fetch(false));
    this._send.addEventListener("click", () => owner.send(`${this._path}/`, false));
    this._sendFolder.addEventListener("click", () => owner.send(`${this._path}/`, true));
    element("remote-close", HTMLButtonElement).addEventListener("click", () => this._box.close());
    this._box.addEventListener("close", () => {
      owner.say({ do: "unlist", name: this._name });
      owner.closed();
    });
    this._box.addEventListener("keydown", (event) => this._key(event));
    this._list.addEventListener("change", () => this._chosen());
    this._all.addEventListener("change", () => {
      for (const box of this._boxes()) box.checked = this._all.checked;
      this._chosen();
    });
  }

  /** Show what the host shares. @param {boolean} into  whether files may be sent @param {boolean} out  and fetched */
  open(into, out) {
    this._in = into;
    this._out = out;
    if (!this._box.open) this._box.showModal();
    this._go("");
  }

  close() {
    this._box.close();
  }

  /** Rows of a folder have come. @param {{ name: number, path: string, rows: Row[], last: boolean, more?: boolean, text?:
   * string }} told */
  rows({ name, path, rows, last, more = false, text = "" }) {
    if (name !== this._name || !this._box.open) return;
    const roots = this._path === "";
    if (!roots && path) this._path = path;
    this._place.textContent = forDialog(this._path) || "What the desktop shares";
    for (const row of rows) {
      if (roots) {
        this._roots.push(row[0]);
        this._modes.set(row[0], row[4]);
      }
      this._list.append(this._line(row, roots));
    }
    this._last = rows.at(-1)?.[0] ?? this._last;
    this._more.hidden = !more;
    if (last) {
      const empty = roots ? "The desktop shares no folder. Start its host with --files and a folder." : "This folder is empty.";
      this._text.textContent = text || (this._list.childElementCount ? "" : empty);
      this._list.removeAttribute("aria-busy");
    }
    this._chosen();
  }

  /** @param {string} path */
  _go(path) {
    this._path = path;
    if (path === "") {
      this._roots = [];
      this._modes.clear();
    }
    this._list.replaceChildren();
    this._all.checked = false;
    this._place.textContent = forDialog(path) || "What the desktop shares";
    this._ask("");
  }

  /** @param {string} after */
  _ask(after) {
    this._more.hidden = true;
    this._text.textContent = "Reading the folder.";
    this._list.setAttribute("aria-busy", "true");
    this._owner.say({ do: "list", name: ++this._name, path: this._path, after, most: MOST });
    this._chosen();
  }

  /** @param {Row} row @param {boolean} root */
  _line([name, kind, size, modified, mode, link], root) {
    const line = document.createElement("li");
    const shown = forDialog(name, 200);
    const path = within(this._path, name);
    if (!root) {
      const box = document.createElement("input");
      box.type = "checkbox";
      box.value = path;
      box.setAttribute("aria-label", `Choose ${shown}`);
      box.disabled = kind === FILE_KIND.LINK;
      line.append(box);
    }
    const folder = kind === FILE_KIND.FOLDER;
    const label = document.createElement(folder ? "button" : "span");
    label.className = "file";
    label.textContent = folder ? `${shown}/` : shown;
    if (label instanceof HTMLButtonElement) {
      label.type = "button";
      label.addEventListener("click", () => this._go(path));
      label.disabled = root && !(mode & READ);
    }
    const about = document.createElement("span");
    about.className = "quiet";
    if (root) about.textContent = mode & READ && mode & WRITE ? "can be read and written" : mode & READ ? "can be read" : "takes files only";
    else if (kind === FILE_KIND.LINK) about.textContent = `link to ${forDialog(link, 60)}`;
    else about.textContent = [folder ? "" : amount(size), moment(modified / 1000)].filter(Boolean).join(" · ");
    line.append(label, about);
    if (root && !(mode & READ) && this._in) {
      const send = document.createElement("button");
      send.type = "button";
      send.textContent = "Send files…";
      send.setAttribute("aria-label", `Send files to ${shown}`);
      send.addEventListener("click", () => this._owner.send(`${path}/`, false));
      line.append(send);
    }
    return line;
  }

  /** @returns {HTMLInputElement[]} */
  _boxes() {
    return [...this._list.querySelectorAll("input")].filter((box) => !box.disabled);
  }

  /** What is chosen has changed: what can be done is another thing, too. */
  _chosen() {
    const boxes = this._boxes();
    const some = boxes.some((box) => box.checked);
    const root = this._roots.find((one) => this._path === one || this._path.startsWith(`${one}/`));
    const writable = this._in && this._path !== "" && (root === undefined || Boolean((this._modes.get(root) ?? 0) & WRITE));
    this._up.disabled = this._path === "";
    this._all.disabled = !boxes.length;
    this._save.hidden = !this._out || !("showDirectoryPicker" in window);
    this._download.hidden = !this._out;
    this._save.disabled = this._download.disabled = !some;
    this._send.hidden = this._sendFolder.hidden = !writable;
  }

  /** @param {boolean} toFolder */
  _fetch(toFolder) {
    const paths = this._boxes().filter((box) => box.checked).map((box) => box.value);
    const names = paths.map((path) => path.slice(path.lastIndexOf("/") + 1));
    if (paths.length > MAX.FILE_SOURCES) this._text.textContent = `At most ${MAX.FILE_SOURCES} can be fetched at a time: choose fewer, or the folder that they are in.`;
    else if (paths.length) this._owner.fetch(paths, names.length === 1 ? names[0] : `${names[0]} and ${names.length - 1} more`, toFolder);
  }

  /** Backspace goes up; arrows go from one to the next. @param {KeyboardEvent} event */
  _key(event) {
    if (event.key === "Backspace" && !this._up.disabled) {
      event.preventDefault();
      this._up.click();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const lines = [...this._list.children];
    const at = lines.findIndex((line) => line.contains(document.activeElement));
    const next = lines[at + (event.key === "ArrowDown" ? 1 : -1)] ?? lines[0];
    const control = /** @type {HTMLElement | null} */ (next?.querySelector("button:not(:disabled), input:not(:disabled)"));
    event.preventDefault();
    control?.focus();
  }
}
