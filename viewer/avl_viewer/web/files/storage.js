/**
 * Storage: what arrives where no folder of the disk can be written to: first in the page's own storage, and from there,
 * once it is whole, to the browser as a download. Nothing of it is held in memory.
 *
 * What has arrived by half is kept for a week, and gone on with when the same is fetched again.
 */

import { FILE_REASON } from "../wire/registry.js";
import { FileTrouble } from "./entries.js";
import { POSIX } from "./names.js";
import { FolderTree } from "./folder.js";
import { zip } from "./zip.js";

const PLACE = "avl-arriving";
/** Where it is kept that something was given to the browser. */
const GIVEN = ".given";
/** Milliseconds after which what was given is removed, since the browser has copied it by then; and what was not. */
const GIVEN_FOR = 3600e3;
const KEPT_FOR = 7 * 24 * 3600e3;

/** Places for what arrives. */
export class ArrivalStorage {
  /** The place for these paths of a device. @param {string} device @param {readonly string[]} paths */
  async place(device, paths) {
    const told = new TextEncoder().encode([device, ...paths].join("\0"));
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", told));
    const name = [...hash.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const root = await this._root();
    let folder = await root.getDirectoryHandle(name, { create: true });
    if (await given(folder)) {
      await root.removeEntry(name, { recursive: true });
      folder = await root.getDirectoryHandle(name, { create: true });
    }
    const content = await folder.getDirectoryHandle("content", { create: true });
    return { folder, content, tree: new FolderTree(content, POSIX, true) };
  }

  /** What has arrived there, as one file. @param {{ folder: FileSystemDirectoryHandle, content: FileSystemDirectoryHandle }}
   * place @param {string} title @returns {Promise<{ blob: Blob, name: string }>} */
  async give({ folder, content }, title) {
    await folder.getFileHandle(GIVEN, { create: true });
    const members = [];
    for await (const member of walk(content, "")) members.push(member);
    const [only] = members;
    if (members.length === 1 && only.file) return { blob: only.file, name: only.path };
    return { blob: await zip(members), name: `${title}.zip` };
  }

  /** Remove what nobody needs any more. @param {number} now  milliseconds since 1970 */
  async tidy(now) {
    const root = await this._root();
    for await (const [name, folder] of root.entries()) {
      if (!(folder instanceof FileSystemDirectoryHandle)) continue;
      const mark = await given(folder);
      const touched = mark?.lastModified ?? (await newest(folder));
      if (now - touched > (mark ? GIVEN_FOR : KEPT_FOR)) await root.removeEntry(name, { recursive: true }).catch(() => undefined); // another tab uses it
    }
  }

  async _root() {
    if (!navigator.storage?.getDirectory) throw new FileTrouble(FILE_REASON.NO_ACCESS);
    return (await navigator.storage.getDirectory()).getDirectoryHandle(PLACE, { create: true });
  }
}

/** The mark of what was given to the browser; null where it was not. @param {FileSystemDirectoryHandle} folder @returns
 * {Promise<File | null>} */
function given(folder) {
  return folder.getFileHandle(GIVEN).then((file) => file.getFile(), () => null);
}

/** When something in a folder was changed last; a folder without files: never. @param {FileSystemDirectoryHandle} folder
 * @returns {Promise<number>} */
async function newest(folder) {
  let at = 0;
  for await (const { file } of walk(folder, "")) at = Math.max(at, file?.lastModified ?? 0);
  return at;
}

/** Everything in a folder, folders before what is in them. @param {FileSystemDirectoryHandle} folder @param {string} above
 * @returns {AsyncGenerator<import("./zip.js").Member>} */
async function* walk(folder, above) {
  for await (const [name, handle] of folder.entries()) {
    const path = above ? `${above}/${name}` : name;
    if (handle instanceof FileSystemFileHandle) yield { path, file: await handle.getFile() };
    else {
      yield { path, file: null };
      yield* walk(/** @type {FileSystemDirectoryHandle} */ (handle), path);
    }
  }
}
