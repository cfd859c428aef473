/**
 * TicketStore: the resume ticket that a host gave this tab, kept over reloads (spec 06-security, 6.2.3).
 *
 * It belongs to the page, since only pages have storage that a tab keeps for itself; codes are never stored.
 */

const KEY = "avl.ticket";

/** Bytes as text. @param {Uint8Array} data */
function toText(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {unknown} text */
function toBytes(text) {
  const pairs = typeof text === "string" && /^([\da-f]{2})+$/.test(text) ? (text.match(/../g) ?? []) : [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

/** One ticket, of the desktop that this tab shows. `wall`: Unix time in seconds. */
export class TicketStore {
  /** @param {Storage} storage @param {() => number} wall */
  constructor(storage, wall) {
    this._storage = storage;
    this._wall = wall;
  }

  /** A host gave us a ticket that it honours for so long after a loss. @param {string} device @param {Uint8Array}
   * ticket @param {number} seconds */
  save(device, ticket, seconds) {
    this._storage.setItem(KEY, JSON.stringify({ device, ticket: toText(ticket), since: this._wall(), seconds }));
  }

  /** The session has gone on until now: its ticket counts from here. */
  keep() {
    const known = this._read();
    if (known) this.save(known.device, known.ticket, known.seconds);
  }

  /** The ticket that may still be good, and whose it is; null without one. @returns {{ device: string, ticket:
   * Uint8Array } | null} */
  find() {
    const known = this._read();
    if (!known) return null;
    const age = this._wall() - known.since;
    return age >= -1 && age <= known.seconds ? { device: known.device, ticket: known.ticket } : null;
  }

  /** The session has ended on purpose. */
  forget() {
    this._storage.removeItem(KEY);
  }

  _read() {
    try {
      const { device, ticket, since, seconds } = JSON.parse(this._storage.getItem(KEY) ?? "{}");
      const bytes = toBytes(ticket);
      if (typeof device !== "string" || !bytes.length || !Number.isFinite(since) || !Number.isFinite(seconds)) return null;
      return { device, ticket: bytes, since, seconds };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return null; // damaged: the code will be asked for
    }
  }
}
