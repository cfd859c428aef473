/**
 * What a link to this page carries in its fragment, which no server sees: `#d=DEVICE-ID&c=CODE`, the code optional.
 */

/** Device ID and code as written; empty where they are missing. @param {string} hash  location.hash @returns {{ device:
 * string, code: string }} */
export function readFragment(hash) {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  return { device: values.get("d") ?? "", code: values.get("c") ?? "" };
}
