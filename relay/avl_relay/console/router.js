/**
 * The router: an address `#/PAGE/PART?QUERY` names what is shown, so that it can be kept, sent and gone back to.
 */

/** @typedef {{ page: string, part: string, query: URLSearchParams }} Route */

/** @param {string} hash  of an address, with its # @returns {Route} */
export function routeOf(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [page = "", ...parts] = path.split("/");
  return { page, part: parts.map(decoded).join("/"), query: new URLSearchParams(query) };
}

/** The address of a page. @param {string} page @param {string} [part] @param {Record<string, string>} [query] */
export function hashOf(page, part = "", query = {}) {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return `#/${page}${part ? `/${encodeURIComponent(part)}` : ""}${asked ? `?${asked}` : ""}`;
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return ""; // a % that begins nothing: the page's list is shown
  }
}
