/**
 * Base64url without padding (RFC 4648, section 5), as statements, passkeys and addresses have it.
 */

/** @param {Uint8Array | ArrayBuffer} bytes */
export function encoded(bytes) {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Throws Error for what is none. @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function decoded(text) {
  if (!/^[0-9A-Za-z_-]*$/.test(text)) throw new Error("this is no base64url text");
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
