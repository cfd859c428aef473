/**
 * This browser's identity, kept in IndexedDB. Its private key can't be read out by any script, ours included.
 *
 * It gives no access to anything: hosts that have met it count its wrong codes apart from those of strangers.
 */

import { Identity } from "./crypto/identity.js";

const DATABASE = "avl";
const STORE = "keys";
const NAME = "identity";

/** The identity, made on first use; one for this visit only where the browser keeps nothing. @returns
 * {Promise<Identity>} */
export async function loadIdentity() {
  try {
    const database = await opened();
    try {
      const kept = await result(database.transaction(STORE).objectStore(STORE).get(NAME));
      if (kept) return await Identity.fromPair(kept);
      const identity = await Identity.generate();
      await result(database.transaction(STORE, "readwrite").objectStore(STORE).put(identity.pair, NAME));
      return identity;
    } finally {
      database.close();
    }
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return Identity.generate();
  }
}

/** @returns {Promise<IDBDatabase>} */
function opened() {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE));
  return result(request);
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function result(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
