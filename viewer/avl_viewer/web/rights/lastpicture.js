/**
 * Last pictures: a small picture of a desktop, signed by its host and sealed to one person's browser (spec 11, 11.9).
 */

import { openSealed } from "../crypto/hpke.js";
import { deviceNumber, verify } from "../crypto/identity.js";
import { bigEndian, concat, utf8 } from "../wire/bytes.js";
import * as deviceId from "../wire/device_id.js";

const LABEL = utf8("avl/1 last picture\0");
const PUBLIC = 32;
const SIGNATURE = 64;

/** The picture (JPEG) of a device that was sealed to a picture key, or null for what it is not, whoever sealed it.
 * @param {{ key: CryptoKey, public: Uint8Array }} pair  of X25519 @param {bigint} device @param {number} taken  Unix
 * seconds @param {Uint8Array} sealed @returns {Promise<Uint8Array<ArrayBuffer> | null>} */
export async function openPicture(pair, device, taken, sealed) {
  const moment = bigEndian(taken, 8);
  const info = concat(LABEL, utf8(deviceId.toText(device).replaceAll("-", "")), moment);
  const plain = await openSealed(pair, info, sealed);
  if (!plain) return null;
  const [host, signature, image] = [plain.slice(0, PUBLIC), plain.slice(PUBLIC, PUBLIC + SIGNATURE), plain.slice(PUBLIC + SIGNATURE)];
  if ((await deviceNumber(host)) !== device) return null;
  return (await verify(host, signature, concat(LABEL, pair.public, moment, image))) ? image : null;
}
