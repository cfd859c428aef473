/**
 * Collecting: the files and folders that a person chose or dropped, in the order in which they are offered (spec 15,
 * 15.4): a folder, what is in it, its end.
 */

import { namesOf } from "../files/names.js";
import { FILE_KIND, FILE_REASON, FILE_REASONS } from "../wire/registry.js";

/**
 * @typedef {import("../files/sender.js").Item} Item
 * @typedef {object} Collected
 * @property {Item[]} items
 * @property {[string, string][]} problems  path and sentence of what is left out
 */

/** What was dropped. To be called while the event is handled: its items are gone afterwards. @param {DataTransfer} dropped
 * @returns {Promise<Collected>} */
export async function dropped({ items: things, files }) {
  const entries = [...things].filter(({ kind }) => kind === "file").map((thing) => thing.webkitGetAsEntry());
  const found = start();
  if (entries.some((entry) => !entry)) for (const file of files) add(found, file.name, file);
  else for (const entry of entries) await walk(found, /** @type {FileSystemEntry} */ (entry), "");
  return found;
}

/** What was chosen by a button. @param {Iterable<File>} files @returns {Collected} */
export function chosen(files) {
  const found = start();
  /** Names of the folders that are open. @type {string[]} */
  let open = [];
  const byPath = [...files].map((file) => /** @type {[string[], File]} */ ([(file.webkitRelativePath || file.name).split("/"), file]));
  byPath.sort(([one], [other]) => compare(one, other));
  for (const [names, file] of byPath) {
    const folders = names.slice(0, -1);
    let common = 0;
    while (common < open.length && open[common] === folders[common]) common++;
    for (; open.length > common; open = open.slice(0, -1)) folder(found, FILE_KIND.FOLDER_END, open.join("/"));
    for (; open.length < folders.length; ) {
      open = folders.slice(0, open.length + 1);
      folder(found, FILE_KIND.FOLDER, open.join("/"));
    }
    add(found, names.join("/"), file);
  }
  for (; open.length; open = open.slice(0, -1)) folder(found, FILE_KIND.FOLDER_END, open.join("/"));
  return found;
}

/** @returns {Collected} */
function start() {
  return { items: [], problems: [] };
}

/** Folders lie together, each before what is in it. @param {string[]} one @param {string[]} other */
function compare(one, other) {
  for (let at = 0; at < Math.min(one.length, other.length); at++) {
    if (one[at] !== other[at]) return one[at] < other[at] ? -1 : 1;
  }
  return one.length - other.length;
}

/** @param {Collected} found @param {FileSystemEntry} entry @param {string} above */
async function walk(found, entry, above) {
  const path = above ? `${above}/${entry.name}` : entry.name;
  try {
    if (entry.isFile) {
      add(found, path, await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject)));
      return;
    }
    if (!namesOf(path)) {
      add(found, path, null);
      return;
    }
    folder(found, FILE_KIND.FOLDER, path);
    const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
    /** @type {FileSystemEntry[]} */
    let some;
    do {
      some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      for (const one of some) await walk(found, one, path);
    } while (some.length);
    folder(found, FILE_KIND.FOLDER_END, path);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    found.problems.push([path, FILE_REASONS[FILE_REASON.NO_ACCESS]]);
    if (entry.isDirectory) folder(found, FILE_KIND.FOLDER_END, path);
  }
}

/** @param {Collected} found @param {number} kind @param {string} path */
function folder(found, kind, path) {
  found.items.push({ kind, path, size: 0, modified_us: Date.now() * 1000 }); // browsers tell no times of folders
}

/** @param {Collected} found @param {string} path @param {File | null} file */
function add(found, path, file) {
  if (!file || !namesOf(path)) found.problems.push([path, FILE_REASONS[FILE_REASON.BAD_NAME]]);
  else found.items.push({ kind: FILE_KIND.FILE, path, file, size: file.size, modified_us: file.lastModified * 1000 });
}
