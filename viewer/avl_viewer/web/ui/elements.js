/**
 * The page's elements, by the ids of index.html.
 */

/** The element with this id. Throws where the page lacks it. @template {HTMLElement} T @param {string} id @param {new
 * () => T} kind @returns {T} */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page lacks #${id}`);
  return found;
}
