/**
 * Where somebody goes back to, who was sent to the account pages or to a provider by another page of this relay: kept for
 * as long as the tab lives, and used once.
 */

const NAME = "avl-return";
/** Pages of this relay that one may come from; nothing that was kept leads elsewhere. @type {Record<string, string>} */
const PAGES = { console: "../console/" };

/** @param {string} page  of PAGES */
export function returnTo(page) {
  sessionStorage.setItem(NAME, page);
}

/** Where to go back to now; null: nowhere. @returns {string | null} */
export function comeFrom() {
  const page = sessionStorage.getItem(NAME);
  sessionStorage.removeItem(NAME);
  return page === null ? null : (PAGES[page] ?? null);
}
