/**
 * Amounts as people read them.
 */

const UNITS = ["bytes", "KB", "MB", "GB", "TB", "PB"];

/** Bytes, in powers of 1000. @param {number} bytes */
export function amount(bytes) {
  let power = 0;
  let value = bytes;
  for (; value >= 999.5 && power < UNITS.length - 1; power++) value /= 1000;
  return `${power && value < 99.5 ? value.toFixed(1) : Math.round(value)} ${bytes === 1 ? "byte" : UNITS[power]}`;
}

/** A number of things. @param {number} number @param {string} one @param {string} [many] */
export function counted(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** How long something will take, roughly. @param {number} seconds */
export function roughly(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** A moment. @param {number} milliseconds  since 1970 */
export function moment(milliseconds) {
  return new Date(milliseconds).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
}
