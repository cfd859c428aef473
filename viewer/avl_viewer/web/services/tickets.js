/**
 * Tickets: what the host gives us to come back with after a loss (spec 06-security, 6.2.3).
 */

const NONE = new Uint8Array(0);

/** Holds the last one; the page keeps it over reloads. */
export class TicketService {
  /** @param {(message: Record<string, any>) => void} tell */
  constructor(tell) {
    this._tell = tell;
    /** What the next session begins with; empty where there is none. @type {Uint8Array} */
    this.ticket = NONE;
  }

  /** A ticket works once: it brought this session here. */
  admitted() {
    this.ticket = NONE;
  }

  /** The host gave us one. @param {{ ticket: Uint8Array, seconds: number }} message */
  given({ ticket, seconds }) {
    this.ticket = ticket;
    this._tell({ say: "ticket", ticket, seconds });
  }
}
