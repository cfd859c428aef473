/**
 * The window: which of many things of the same size are drawn, so that ten thousand cost no more than fifty.
 */

/** Rows that are drawn above and below what is seen, so that scrolling meets no gap. */
const MARGIN = 8;

/**
 * @param {{ count: number, across: number, height: number, top: number, seen: number }} shape  `count` things, `across` in
 * a row, each row `height` px high; of these rows `seen` px are seen, from `top` px on (negative: they begin below)
 * @returns {{ first: number, last: number, before: number, after: number }} the things from `first` to before `last`, and
 * the px that stand for what is not drawn before and after them
 */
export function windowOf({ count, across, height, top, seen }) {
  const rows = Math.ceil(count / across);
  const from = Math.min(Math.max(0, Math.floor(top / height) - MARGIN), Math.max(0, rows - 1));
  const to = Math.min(rows, Math.max(from + 1, Math.ceil((top + seen) / height) + MARGIN));
  return { first: from * across, last: Math.min(count, to * across), before: from * height, after: (rows - to) * height };
}
