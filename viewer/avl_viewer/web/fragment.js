/**
 * What a link to this page carries in its fragment, which no server sees: `#d=DEVICE-ID`, and what opens it: `c=CODE`,
 * `s=SECRET` of a share link, or `a=1` for the account that this browser is signed in to.
 */

/** Each as written; empty where it is missing. @param {string} hash  location.hash @returns {{ device: string, code:
 * string, share: string, account: boolean }} */
export function readFragment(hash) {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  return { device: values.get("d") ?? "", code: values.get("c") ?? "", share: values.get("s") ?? "", account: values.get("a") === "1" };
}
