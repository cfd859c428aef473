/**
 * A tree in memory, in place of a folder of the browser.
 *
 * @typedef {import("../../../viewer/avl_viewer/web/files/tree.js").Tree} Tree
 */

import { FileTrouble } from "../../../viewer/avl_viewer/web/files/entries.js";
import { POSIX } from "../../../viewer/avl_viewer/web/files/names.js";
import { FILE_KIND, FILE_REASON } from "../../../viewer/avl_viewer/web/wire/registry.js";

/** Files and folders by their paths. @implements {Tree} */
export class MemoryTree {
  constructor() {
    this.naming = POSIX;
    /** @type {Map<string, Uint8Array>} */
    this.files = new Map();
    /** @type {Map<string, Uint8Array>} */
    this.parts = new Map();
    /** @type {Set<string>} */
    this.folders = new Set();
    /** @type {number | null} */
    this.room = null;
  }

  /** @param {string[]} names */
  async look(names) {
    const path = names.join("/");
    const file = this.files.get(path);
    if (file) return { kind: FILE_KIND.FILE, size: file.length, modified_us: 1 };
    return this.folders.has(path) ? { kind: FILE_KIND.FOLDER, size: 0, modified_us: 1 } : null;
  }

  /** @param {string[]} names */
  async content(names) {
    return part(this.files.get(names.join("/")));
  }

  /** @param {string[]} names */
  async part(names) {
    return part(this.parts.get(names.join("/")));
  }

  /** @param {string[]} names @param {number} keep @param {number} size */
  async write(names, keep, size) {
    const path = names.join("/");
    if (names.length > 1 && !this.folders.has(names.slice(0, -1).join("/"))) throw new FileTrouble(FILE_REASON.NOT_FOUND);
    const data = new Uint8Array(size);
    data.set((this.parts.get(path) ?? new Uint8Array(0)).subarray(0, keep));
    let end = keep;
    return {
      write: async (/** @type {number} */ offset, /** @type {Uint8Array} */ piece) => {
        if (this.room !== null && offset + piece.length > this.room) throw new FileTrouble(FILE_REASON.NO_SPACE);
        data.set(piece, offset);
        end = offset + piece.length;
      },
      finish: async () => {
        this.parts.delete(path);
        this.files.set(path, data);
      },
      discard: async () => void this.parts.delete(path),
      close: async () => void this.parts.set(path, data.slice(0, end)),
    };
  }

  /** @param {string[]} names */
  async makeFolder(names) {
    this.folders.add(names.join("/"));
  }

  async free() {
    return this.room;
  }
}

/** @param {Uint8Array | undefined} data */
function part(data) {
  if (!data) return null;
  return { size: data.length, read: async (/** @type {number} */ offset, /** @type {number} */ size) => data.slice(offset, offset + size) };
}
