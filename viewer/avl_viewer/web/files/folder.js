/**
 * Folder: a tree in a folder of the browser: one that a person chose on the disk, or one of the page's own storage.
 *
 * On the disk a file is written beside its place and renamed. A browser writes into a copy and shows nothing of it before
 * it is closed: it is closed now and then, later each time, so that an interruption costs no more than half of what had
 * come, and copying no more than the file. In the page's own storage every block lies where it belongs at once.
 */

import { FILE_KIND, FILE_REASON } from "../wire/registry.js";
import { FileTrouble } from "./entries.js";
import { partOf } from "./names.js";

/** Bytes of a file after which it is closed for the first time. */
const FIRST_CLOSE = 64 * 1024 * 1024;
/** Handles of folders that are remembered. */
const FOLDERS = 256;

/** What a browser says -> why it does not work. @type {Record<string, number>} */
const REASONS = {
  NotFoundError: FILE_REASON.NOT_FOUND,
  TypeMismatchError: FILE_REASON.EXISTS,
  NotAllowedError: FILE_REASON.NO_ACCESS,
  SecurityError: FILE_REASON.NO_ACCESS,
  NoModificationAllowedError: FILE_REASON.BUSY,
  InvalidModificationError: FILE_REASON.NO_ACCESS,
  QuotaExceededError: FILE_REASON.NO_SPACE,
  TypeError: FILE_REASON.BAD_NAME,
};

/** Do it; what a browser says to it becomes a FileTrouble. @template T @param {() => Promise<T>} work @returns
 * {Promise<T>} */
async function troubled(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
    throw new FileTrouble(REASONS[error.name] ?? FILE_REASON.FAILED);
  }
}

/** Everything beneath one folder. @typedef {import("./tree.js").Tree} Tree @implements {Tree} */
export class FolderTree {
  /** @param {FileSystemDirectoryHandle} root @param {import("./names.js").Naming} naming @param {boolean} own  whether it
   * lies in the page's own storage */
  constructor(root, naming, own) {
    this.naming = naming;
    this._own = own;
    /** @type {Map<string, FileSystemDirectoryHandle>} */
    this._folders = new Map([["", root]]);
  }

  /** @param {string[]} names */
  look(names) {
    /** @param {FileSystemDirectoryHandle} folder @param {string} name @returns {Promise<import("./tree.js").Found>} */
    const found = async (folder, name) => {
      const file = await (await folder.getFileHandle(name)).getFile();
      return { kind: FILE_KIND.FILE, size: file.size, modified_us: file.lastModified * 1000 };
    };
    return this._look(found, names, { kind: FILE_KIND.FOLDER, size: 0, modified_us: 0 });
  }

  /** @param {string[]} names */
  content(names) {
    return this._look(async (folder, name) => part(await (await folder.getFileHandle(name)).getFile()), names, null);
  }

  /** @param {string[]} names */
  async part(names) {
    return this.content([...names.slice(0, -1), await partOf(/** @type {string} */ (names.at(-1)))]);
  }

  /** What is at a place; null: nothing. @template T @param {(folder: FileSystemDirectoryHandle, name: string) => Promise<T>}
   * work @param {string[]} names @param {T | null} folder  the answer where it is a folder */
  _look(work, names, folder) {
    return troubled(async () => {
      try {
        return await work(await this._folder(names.slice(0, -1)), /** @type {string} */ (names.at(-1)));
      } catch (error) {
        if (!(error instanceof DOMException)) throw error;
        if (error.name === "NotFoundError") return null;
        if (error.name === "TypeMismatchError") return folder;
        throw error;
      }
    });
  }

  /** @param {string[]} names @param {number} keep @param {number} size */
  write(names, keep, size) {
    return troubled(async () => {
      const folder = await this._folder(names.slice(0, -1));
      const name = /** @type {string} */ (names.at(-1));
      const handle = await folder.getFileHandle(await partOf(name), { create: true });
      const writer = this._own ? new OwnWriter(folder, handle, name, size) : new DiskWriter(folder, handle, name, size);
      await writer.open(keep);
      return writer;
    });
  }

  /** @param {string[]} names */
  makeFolder(names) {
    return troubled(async () => {
      const folder = await this._folder(names.slice(0, -1));
      await folder.getDirectoryHandle(/** @type {string} */ (names.at(-1)), { create: true });
    });
  }

  async free() {
    if (!this._own) return null;
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    return quota - usage;
  }

  /** @param {string[]} names @returns {Promise<FileSystemDirectoryHandle>} */
  async _folder(names) {
    const path = names.join("/");
    const known = this._folders.get(path);
    if (known) return known;
    const above = await this._folder(names.slice(0, -1));
    const found = await above.getDirectoryHandle(/** @type {string} */ (names.at(-1)));
    if (this._folders.size >= FOLDERS) {
      for (const kept of [...this._folders.keys()].filter((one) => one && !`${path}/`.startsWith(`${one}/`))) this._folders.delete(kept);
    }
    this._folders.set(path, found);
    return found;
  }
}

/** @param {File} file @returns {import("./tree.js").Part} */
function part(file) {
  return {
    size: file.size,
    read: (offset, size) => troubled(async () => new Uint8Array(await file.slice(offset, offset + size).arrayBuffer())),
  };
}

/** Give a whole file its name, in one step where the browser can. @param {FileSystemDirectoryHandle} folder @param
 * {FileSystemFileHandle} handle @param {string} name */
async function rename(folder, handle, name) {
  const movable = /** @type {{ move?: (name: string) => Promise<void> }} */ (/** @type {unknown} */ (handle));
  if (movable.move) {
    await movable.move(name);
    return;
  }
  const place = await folder.getFileHandle(name, { create: true });
  await (await handle.getFile()).stream().pipeTo(await place.createWritable());
  await folder.removeEntry(handle.name);
}

/** Writes a file on the disk. @typedef {import("./tree.js").Writer} Writer @implements {Writer} */
class DiskWriter {
  /** @param {FileSystemDirectoryHandle} folder @param {FileSystemFileHandle} handle @param {string} name @param {number}
   * size */
  constructor(folder, handle, name, size) {
    this._folder = folder;
    this._handle = handle;
    this._name = name;
    this._size = size;
    /** @type {FileSystemWritableFileStream | null} */
    this._stream = null;
    this._closeAt = FIRST_CLOSE;
  }

  /** @param {number} keep */
  async open(keep) {
    this._stream = await this._handle.createWritable({ keepExistingData: keep > 0 });
    await this._stream.truncate(keep);
    while (this._closeAt <= keep) this._closeAt *= 2;
  }

  /** @param {number} offset @param {Uint8Array} data */
  write(offset, data) {
    return troubled(async () => {
      await this._stream?.write({ type: "write", position: offset, data: /** @type {Uint8Array<ArrayBuffer>} */ (data) });
      const end = offset + data.length;
      if (end < this._closeAt || end === this._size) return;
      await this.close();
      await this.open(end);
    });
  }

  finish() {
    return troubled(async () => {
      await this._stream?.truncate(this._size);
      await this.close();
      await rename(this._folder, this._handle, this._name);
    });
  }

  discard() {
    return troubled(async () => {
      await this._stream?.abort();
      this._stream = null;
      await this._folder.removeEntry(this._handle.name);
    });
  }

  close() {
    return troubled(async () => {
      const stream = this._stream;
      this._stream = null;
      await stream?.close();
    });
  }
}

/**
 * @typedef {object} SyncHandle  A file of the page's own storage, in a worker.
 * @property {(data: Uint8Array, where: { at: number }) => number} write
 * @property {(size: number) => void} truncate
 * @property {() => void} flush
 * @property {() => void} close
 */

/** Writes a file in the page's own storage. @implements {Writer} */
class OwnWriter {
  /** @param {FileSystemDirectoryHandle} folder @param {FileSystemFileHandle} handle @param {string} name @param {number}
   * size */
  constructor(folder, handle, name, size) {
    this._folder = folder;
    this._handle = handle;
    this._name = name;
    this._size = size;
    /** @type {SyncHandle | null} */
    this._file = null;
  }

  /** @param {number} keep */
  async open(keep) {
    this._file = /** @type {SyncHandle} */ (await /** @type {any} */ (this._handle).createSyncAccessHandle());
    this._file.truncate(keep);
  }

  /** @param {number} offset @param {Uint8Array} data */
  write(offset, data) {
    return troubled(async () => {
      if (this._file && this._file.write(data, { at: offset }) < data.length) throw new DOMException("", "QuotaExceededError");
    });
  }

  finish() {
    return troubled(async () => {
      this._file?.truncate(this._size);
      await this.close();
      await rename(this._folder, this._handle, this._name);
    });
  }

  async discard() {
    await this.close();
    await troubled(() => this._folder.removeEntry(this._handle.name));
  }

  async close() {
    this._file?.flush();
    this._file?.close();
    this._file = null;
  }
}
