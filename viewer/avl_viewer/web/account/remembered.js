/**
 * What this tab's desktop was opened with, in place of a code, for as long as the tab lives: so that a page that is
 * reloaded comes back. The address no longer says it, lest it is copied or stays in the history.
 */

const NAME = "avl-opened";

/** @typedef {{ device: string, share: string, account: boolean, visit?: string }} Opened  as fragment.js has it; `visit`:
 * what a relay that asks for accounts knows the sessions of this tab by (opening.js) */

/** @param {Storage} storage  of the tab @param {Opened} opened */
export function remember(storage, { device, share, account, visit = "" }) {
  try {
    storage.setItem(NAME, JSON.stringify({ device, share, account, visit }));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // full, or not to be had: the link has to be opened again
  }
}

/** What was remembered; null for nothing. @param {Storage} storage @returns {Opened | null} */
export function remembered(storage) {
  try {
    const found = JSON.parse(storage.getItem(NAME) ?? "null");
    if (typeof found?.device !== "string" || typeof found.share !== "string") return null;
    return { device: found.device, share: found.share, account: found.account === true, visit: typeof found.visit === "string" ? found.visit : "" };
  } catch {
    return null;
  }
}

/** @param {Storage} storage */
export function forget(storage) {
  storage.removeItem(NAME);
}
