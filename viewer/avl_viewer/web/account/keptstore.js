/**
 * What the account pages keep in this browser: the person's key, in a form that no script reads out, and chains.
 */

const DATABASE = "avl-account";
const STORES = ["keys", "chains"];

/** @param {string} name @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} act @returns
 * {Promise<any>} */
export async function inStore(name, mode, act) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.addEventListener("upgradeneeded", () => {
    for (const store of STORES) opening.result.createObjectStore(store);
  });
  const database = await result(opening);
  try {
    return await result(act(database.transaction(name, mode).objectStore(name)));
  } finally {
    database.close();
  }
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function result(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
