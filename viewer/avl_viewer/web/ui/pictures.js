/**
 * Pictures: what was copied on the desktop in a format that browsers do not put on a clipboard, as PNG.
 */

import { PNG } from "../wire/clipformats.js";
import { MAX } from "../wire/registry.js";

/** Formats that become PNG here, the best first. */
export const MADE = [PNG, "image/bmp", "image/gif", "image/jpeg"];

/** Width and height that a picture declares; null where it does not, or in a way that is not known here. @param {string}
 * format @param {Uint8Array} bytes @returns {[number, number] | null} */
export function declared(format, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === PNG && bytes.length >= 24 && view.getUint32(0) === 0x89504e47) return [view.getUint32(16), view.getUint32(20)];
  if (format === "image/gif" && bytes.length >= 10 && view.getUint32(0) === 0x47494638) return [view.getUint16(6, true), view.getUint16(8, true)];
  if (format === "image/bmp" && bytes.length >= 26 && view.getUint16(0) === 0x424d) {
    return [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))];
  }
  return format === "image/jpeg" ? ofJpeg(view) : null;
}

/** The size in a JPEG's frame header, behind whatever segments. @param {DataView} view @returns {[number, number] | null} */
function ofJpeg(view) {
  let at = 2;
  while (at + 9 <= view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    // SOF0 to SOF15 but for DHT, JPG and DAC
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

/** A picture as PNG; null where it is none, or declares more pixels than a desktop may have (R-SESS-300). @param {string}
 * format @param {Uint8Array} bytes @returns {Promise<Blob | null>} */
export async function asPng(format, bytes) {
  const [width, height] = declared(format, bytes) ?? [0, 0];
  if (!width || !height || Math.max(width, height) > MAX.PICTURE_SIDE || width * height > MAX.PICTURE_PIXELS) return null;
  const blob = new Blob([/** @type {any} */ (bytes)], { type: format });
  if (format === PNG) return blob;
  try {
    const bitmap = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
    return await canvas.convertToBlob({ type: PNG });
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // its bytes are none of a picture
    return null;
  }
}
