/**
 * Files: what a person drops, chooses and fetches, between this page and the worker that has the files.
 */

import { formatOf, kindOf } from "../wire/clipformats.js";
import { PERMISSION } from "../wire/registry.js";
import { lacking } from "../wire/errors.js";
import { forDialog } from "../wire/foreign.js";
import { counted } from "./amounts.js";
import { chosen, dropped } from "./collecting.js";
import { element } from "./elements.js";
import { RemoteFiles } from "./remotefiles.js";
import { TransfersPanel } from "./transfers.js";

/**
 * @typedef {object} FilesOwner
 * @property {(port: MessagePort) => void} connect  gives the worker with the session its end
 * @property {(text: string) => void} tell  a line that goes away
 * @property {() => string} device  whose files they are
 * @property {() => void} closed  the keyboard belongs to the desktop again
 */

/** Drops, buttons and panels. */
export class FilesBridge {
  /** @param {FilesOwner} owner */
  constructor(owner) {
    this._owner = owner;
    this._permissions = 0;
    /** @type {Worker | null} */
    this._worker = null;
    this._files = element("choose-files", HTMLInputElement);
    this._folder = element("choose-folder", HTMLInputElement);
    this._hint = element("drop", HTMLElement);
    /** Where what is chosen goes. */
    this._to = "";
    const say = (/** @type {Record<string, any>} */ message) => this._started().postMessage(message);
    this.panel = new TransfersPanel({ say, closed: owner.closed });
    this._remote = new RemoteFiles({
      say,
      fetch: (paths, title, toFolder) => void this._fetch(paths, title, toFolder),
      send: (path, folders) => this.choose(folders, path),
      closed: owner.closed,
    });
    for (const input of [this._files, this._folder]) {
      input.addEventListener("change", () => {
        if (input.files?.length) this._send(chosen(input.files), this._to);
        input.value = "";
        owner.closed();
      });
    }
    this._follow(document.documentElement);
  }

  /** What may be done with files now. @param {number} permissions */
  permit(permissions) {
    this._permissions = permissions;
    const { FILES_IN, FILES_OUT } = PERMISSION;
    element("files-menu", HTMLElement).hidden = !(permissions & (FILES_IN | FILES_OUT));
    element("files-send", HTMLElement).hidden = element("files-send-folder", HTMLElement).hidden = !(permissions & FILES_IN);
    element("files-remote", HTMLElement).hidden = !(permissions & FILES_OUT);
    if (!(permissions & (FILES_IN | FILES_OUT))) this._remote.close();
  }

  /** Let a person choose files, or a folder. @param {boolean} folder @param {string} [to]  default: where the host puts
   * files */
  choose(folder, to = "") {
    this._to = to;
    (folder ? this._folder : this._files).click();
  }

  /** Show what the host shares. */
  browse() {
    if (!(this._permissions & PERMISSION.FILES_OUT)) this._owner.tell(lacking(PERMISSION.FILES_OUT));
    else this._remote.open(Boolean(this._permissions & PERMISSION.FILES_IN), true);
  }

  /** Send files that were pasted, as if they had been dropped; a lone picture is no file but a copy. False where these are
   * no files. @param {DataTransfer} data */
  paste(data) {
    const { files } = data;
    if (!files?.length || (files.length === 1 && kindOf(formatOf(files[0].type)) === "image")) return false;
    if (this._permissions & PERMISSION.FILES_IN) void dropped(data).then((collected) => this._send(collected, ""));
    else this._owner.tell(NOT_TAKEN);
    return true;
  }

  /** Download files and folders of the host. @param {string[]} paths */
  fetch(paths) {
    const first = paths[0].replace(/\/+$/, "").split("/").at(-1) ?? "";
    void this._fetch(paths, paths.length === 1 ? first : `${first} and ${counted(paths.length - 1, "other")}`, false);
  }

  /** Things that are dragged over the page. @param {HTMLElement} over */
  _follow(over) {
    const files = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
    over.addEventListener("dragover", (event) => {
      if (!files(event) || !event.dataTransfer) return;
      event.preventDefault();
      const may = Boolean(this._permissions & PERMISSION.FILES_IN);
      event.dataTransfer.dropEffect = may ? "copy" : "none";
      this._hint.hidden = !may;
    });
    over.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) this._hint.hidden = true;
    });
    over.addEventListener("drop", (event) => {
      this._hint.hidden = true;
      if (!files(event) || !event.dataTransfer) return;
      event.preventDefault();
      if (!(this._permissions & PERMISSION.FILES_IN)) {
        this._owner.tell(lacking(PERMISSION.FILES_IN));
        return;
      }
      void dropped(event.dataTransfer).then((collected) => this._send(collected, ""));
    });
  }

  /** @param {import("./collecting.js").Collected} collected @param {string} path */
  _send({ items, problems }, path) {
    if (!items.length) {
      const [[name, sentence]] = problems.length ? problems : [["", "There is nothing to send."]];
      this._owner.tell(name ? `${forDialog(name, 60)}: ${sentence}` : sentence);
      return;
    }
    const tops = new Set(items.map((item) => item.path.split("/", 1)[0]));
    const [first] = tops;
    const title = tops.size === 1 ? first : `${first} and ${counted(tops.size - 1, "other")}`;
    this._started().postMessage({ do: "put", title, items, path, problems });
  }

  /** @param {string[]} paths @param {string} title @param {boolean} toFolder */
  async _fetch(paths, title, toFolder) {
    if (!toFolder) {
      this._started().postMessage({ do: "get", title, paths, device: this._owner.device() });
      this._remote.close();
      return;
    }
    try {
      const folder = await /** @type {any} */ (window).showDirectoryPicker({ id: "avl", mode: "readwrite", startIn: "downloads" });
      this._started().postMessage({ do: "get", title, paths, folder });
      this._remote.close();
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      if (error.name !== "AbortError") this._owner.tell("The browser does not let this page write there. Choose another folder, or Download.");
    }
  }

  /** The worker that has the files: it is started when it is first needed. */
  _started() {
    if (this._worker) return this._worker;
    const worker = new Worker(new URL("../files/worker.js", import.meta.url), { type: "module", name: "avl files" });
    const { port1, port2 } = new MessageChannel();
    worker.postMessage({ do: "port", port: port1 }, [port1]);
    this._owner.connect(port2);
    worker.addEventListener("message", ({ data: message }) => {
      if (message.say === "transfers") this.panel.show(message.transfers);
      else if (message.say === "rows") this._remote.rows(message);
      else if (message.say === "arrived") download(message.blob, message.name);
      else this._owner.tell(message.text);
    });
    worker.addEventListener("error", (event) => this._owner.tell(`Files can't be transferred: ${event.message || "the page's files are incomplete"}. Reload the page.`));
    this._worker = worker;
    return worker;
  }
}

/** Give a file to the browser's downloads. @param {Blob} blob  which lies on the disk @param {string} name */
function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
}
