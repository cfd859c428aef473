/**
 * What the browser must have, and the sentence for each thing that it lacks. There is no weaker way in.
 */

const OTHERWISE = "Use a current Chrome or Edge, or the native viewer (avl view).";

/** @param {{ isSecureContext: boolean, location: { protocol: string, hostname: string } }} page */
function insecure(page) {
  return (
    `This page came over plain HTTP from ${page.location.hostname}. Browsers give WebCodecs and WebCrypto only to pages from ` +
    "localhost or over HTTPS. Start the relay with --tls-cert and --tls-key and open its https address, or use the native viewer (avl view)."
  );
}

/** Why this browser can't show a desktop; empty when it can. @param {any} page  the window
 * @param {() => Promise<{ ok: boolean, sentence: string }>} cryptography  what the handshake needs @returns
 * {Promise<string>} */
export async function missing(page, cryptography) {
  if (!page.isSecureContext) return insecure(page);
  /** @type {[boolean, string][]} */
  const parts = [
    ["VideoDecoder" in page, "WebCodecs, by which the picture is decoded"],
    ["OffscreenCanvas" in page, "OffscreenCanvas, by which the picture is drawn"],
    ["DecompressionStream" in page, "DecompressionStream, by which the pointer is drawn"],
    [Boolean(page.crypto?.subtle), "WebCrypto, by which the session is sealed"],
  ];
  const lacking = parts.filter(([has]) => !has).map(([, what]) => what);
  if (lacking.length) return `This browser lacks ${lacking.join("; and ")}. ${OTHERWISE}`;
  return (await cryptography()).sentence;
}
