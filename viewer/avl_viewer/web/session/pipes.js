/**
 * SessionPipes: one session's channels over a link, each a stream; the session above names channels only.
 */

/** @typedef {import("./link.js").RelayLink} RelayLink */

/** Channels of the session that the relay calls `handle`. */
export class SessionPipes {
  /** @param {RelayLink} link @param {number} handle */
  constructor(link, handle) {
    this._link = link;
    this.handle = handle;
    /** @type {Map<number, number>} */
    this._streams = new Map();
  }

  /** Open the channel's stream; bulk channels leave after the others. @param {number} channel */
  open(channel) {
    const stream = this._link.openChannel(this.handle, channel);
    this._streams.set(channel, stream);
    if (channel >= 2) this._link.carrier.setStreamBulk(stream);
  }

  /** Send bytes on a channel that is open. @param {number} channel @param {Uint8Array} data */
  send(channel, data) {
    const stream = this._streams.get(channel);
    if (stream !== undefined && data.length) this._link.carrier.sendStream(stream, data);
  }

  /** Nothing more follows on a channel. @param {number} channel */
  finish(channel) {
    const stream = this._streams.get(channel);
    if (stream !== undefined) this._link.carrier.sendStream(stream, new Uint8Array(0), true);
  }

  /** Bytes of a channel that the connection has not taken. @param {number} channel */
  backlog(channel) {
    const stream = this._streams.get(channel);
    return stream === undefined ? 0 : this._link.carrier.streamBacklog(stream);
  }

  /** Whether the channel has a stream. @param {number} channel */
  isOpen(channel) {
    return this._streams.has(channel);
  }

  /** Abandon all streams. @param {number} code */
  close(code) {
    for (const stream of this._streams.values()) this._link.carrier.resetStream(stream, code);
    this._streams.clear();
  }
}
