/**
 * ZIP: several files as one, for browsers that save only one at a time (APPNOTE 6.3.10, entries that are stored).
 *
 * What comes out is a Blob that refers to the files where they lie: nothing of them is held in memory, or copied.
 */

const TABLE = new Uint32Array(256).map((_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});
/** What a field holds when the true number stands in a ZIP64 field. */
const MANY = 0xffffffff;
/** Names are UTF-8. */
const UTF8 = 0x0800;
/** Bytes that are read at a time. */
const READ = 1024 * 1024;

/** @typedef {{ path: string, file: File | null }} Member  A file, or, without one, a folder. */

/** The CRC-32 of a file. @param {Blob} file @returns {Promise<number>} */
export async function checksum(file) {
  let crc = MANY;
  for (let at = 0; at < file.size; at += READ) {
    const data = new Uint8Array(await file.slice(at, at + READ).arrayBuffer());
    for (let place = 0; place < data.length; place++) crc = TABLE[(crc ^ data[place]) & 0xff] ^ (crc >>> 8);
  }
  return (crc ^ MANY) >>> 0;
}

/** A record of little-endian fields: [bytes, value] each. @param {[1 | 2 | 4 | 8, number][]} fields */
function record(fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((all, [size]) => all + size, 0)));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else if (size === 8) view.setBigUint64(at, BigInt(value), true);
    else view.setUint8(at, value);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

/** Date and time as ZIP has them, of this place. @param {number} milliseconds  since 1970 @returns {[2, number][]} */
function stamp(milliseconds) {
  const at = new Date(Math.max(milliseconds, Date.UTC(1980, 0, 2)));
  return [
    [2, (at.getHours() << 11) | (at.getMinutes() << 5) | (at.getSeconds() >> 1)],
    [2, ((at.getFullYear() - 1980) << 9) | ((at.getMonth() + 1) << 5) | at.getDate()],
  ];
}

/** All of these as one file. @param {AsyncIterable<Member> | Iterable<Member>} members @returns {Promise<Blob>} */
export async function zip(members) {
  /** @type {BlobPart[]} */
  const parts = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const directory = [];
  let offset = 0;
  let count = 0;
  for await (const { path, file } of members) {
    const name = new TextEncoder().encode(file ? path : `${path}/`);
    const size = file?.size ?? 0;
    const crc = file ? await checksum(file) : 0;
    const time = stamp(file?.lastModified ?? Date.now());
    const large = size >= MANY;
    const version = large || offset >= MANY ? 45 : 20;
    const sizes = /** @type {[4, number][]} */ ([[4, large ? MANY : size], [4, large ? MANY : size]]);
    const local = large ? record([[2, 1], [2, 16], [8, size], [8, size]]) : record([]);
    const header = record([[4, 0x04034b50], [2, version], [2, UTF8], [2, 0], ...time, [4, crc], ...sizes, [2, name.length], [2, local.length]]);
    /** @type {[8, number][]} */
    const long = [...(large ? /** @type {[8, number][]} */ ([[8, size], [8, size]]) : []), ...(offset >= MANY ? /** @type {[8, number][]} */ ([[8, offset]]) : [])];
    const central = long.length ? record([[2, 1], [2, long.length * 8], ...long]) : record([]);
    const attributes = file ? 0o100644 : 0o40755;
    directory.push(
      record([
        [4, 0x02014b50], [2, 0x0300 | version], [2, version], [2, UTF8], [2, 0], ...time, [4, crc], ...sizes, [2, name.length], [2, central.length],
        [2, 0], [2, 0], [2, 0], [2, file ? 0 : 16], [2, attributes], [4, Math.min(offset, MANY)],
      ]), name, central,
    );
    parts.push(header, name, local);
    if (file) parts.push(file);
    offset += header.length + name.length + local.length + size;
    count++;
  }
  const length = directory.reduce((all, one) => all + one.length, 0);
  parts.push(...directory);
  if (offset >= MANY || count >= 0xffff || length >= MANY) {
    parts.push(record([[4, 0x06064b50], [8, 44], [2, 0x032d], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, length], [8, offset]]));
    parts.push(record([[4, 0x07064b50], [4, 0], [8, offset + length], [4, 1]]));
  }
  const entries = Math.min(count, 0xffff);
  parts.push(record([[4, 0x06054b50], [2, 0], [2, 0], [2, entries], [2, entries], [4, Math.min(length, MANY)], [4, Math.min(offset, MANY)], [2, 0]]));
  return new Blob(parts, { type: "application/zip" });
}
