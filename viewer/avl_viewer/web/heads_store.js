/**
 * The heads of relays' audit logs that this browser was shown, kept in IndexedDB: a relay that changes its log is
 * noticed at a later visit, too.
 */

import { MemoryShelf } from "./audit/witness.js";

/** @typedef {import("./audit/witness.js").Kept} Kept */

const DATABASE = "avl-heads";
const STORE = "heads";

/** Satisfies Shelf; where the browser keeps nothing, for this visit. */
export class BrowserShelf {
  constructor() {
    this._visit = new MemoryShelf();
  }

  /** @param {string} log @returns {Promise<Kept | null>} */
  async load(log) {
    return (await this._visit.load(log)) ?? (await asked("readonly", (store) => store.get(log))) ?? null;
  }

  /** @param {string} log @param {Kept} kept */
  async save(log, kept) {
    await this._visit.save(log, kept);
    await asked("readwrite", (store) => store.put(kept, log));
  }
}

/** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} act @returns {Promise<any>} */
async function asked(mode, act) {
  try {
    const opening = indexedDB.open(DATABASE, 1);
    opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(STORE));
    const database = await result(opening);
    try {
      return await result(act(database.transaction(STORE, mode).objectStore(STORE)));
    } finally {
      database.close();
    }
  } catch (error) {
    if (error instanceof DOMException) return undefined; // a private window, or no room
    throw error;
  }
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function result(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
