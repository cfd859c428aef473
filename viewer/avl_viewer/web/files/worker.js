/**
 * The worker that has the files: it reads, hashes and writes, away from the page and from the worker with the pictures.
 *
 * From the page: port (to the other worker), put, get, list, unlist, pause, cancel, again, forget, decide (`do`). To the
 * page: transfers, rows, arrived, failed (`say`).
 */

import { FILE_OVERWRITE } from "../wire/registry.js";
import { Hashing } from "./hash.js";
import { FolderTree } from "./folder.js";
import { Lanes } from "./lanes.js";
import { namingHere } from "./names.js";
import { ArrivalStorage } from "./storage.js";
import { Transfers } from "./transfers.js";

/** @typedef {import("../worker.js").Scope} Scope */

const page = /** @type {Scope} */ (/** @type {unknown} */ (self));
const storage = new ArrivalStorage();
/** @type {Promise<Transfers> | undefined} */
let starting;

/** @param {import("./lanes.js").Port} port */
async function begin(port) {
  void storage.tidy(Date.now()).catch(() => undefined); // a browser without storage of its own says so when it is needed
  const hashing = await Hashing.load();
  return new Transfers(hashing, (session) => new Lanes(port, session), {
    tell: (message) => page.postMessage(message),
    clock: () => performance.now(),
    after: (later, wait) => void setTimeout(later, wait),
  });
}

/** What the page asks for. @type {Record<string, (to: Transfers, message: any) => unknown>} */
const DONE = {
  put: (to, { title, items, path, problems }) => to.begin({ out: true, title, items, path, problems }),
  get: (to, message) => (message.folder ? fetchTo(to, message) : fetchAsDownload(to, message)),
  list: (to, { name, path, after, most }) => to.list(name, path, after, most),
  unlist: (to, { name }) => to.stopListing(name),
  pause: (to, { id, paused }) => to.pause(id, paused),
  cancel: (to, { id }) => to.cancel(id),
  again: (to, { id }) => to.again(id),
  forget: (to, { id }) => to.forget(id),
  decide: (to, { id, number, replace, all }) => to.decide(id, number, replace, all),
};

/** Into a folder that a person chose. @param {Transfers} to @param {any} message */
function fetchTo(to, { title, paths, folder }) {
  to.begin({ out: false, title, paths, tree: async () => new FolderTree(folder, namingHere(navigator.platform), false) });
}

/** Into the page's own storage, and from there to the browser's downloads. @param {Transfers} to @param {any} message */
function fetchAsDownload(to, { title, paths, device }) {
  /** @type {Awaited<ReturnType<ArrivalStorage["place"]>>} */
  let place;
  const tree = async () => {
    place = await storage.place(device, paths);
    return place.tree;
  };
  const arrived = async () => page.postMessage({ say: "arrived", ...(await storage.give(place, title)) });
  to.begin({ out: false, title, paths, overwrite: FILE_OVERWRITE.ALWAYS, tree, arrived });
}

page.onmessage = async (/** @type {MessageEvent} */ event) => {
  const message = event.data;
  if (message.do === "port") {
    starting = begin(message.port);
    return;
  }
  const to = await starting;
  if (to) await DONE[message.do](to, message);
};

page.addEventListener("unhandledrejection", (event) => {
  page.postMessage({ say: "failed", text: `The transfer of files failed: ${event.reason?.message ?? event.reason}. Reload the page, and begin it again: what has arrived is kept.` });
});
