/**
 * SessionPipes: one session's channels, each on a stream of whatever path it is on; the session above names channels
 * only.
 *
 * A route is a session's place on one hop: through a relay, or straight to the host. Channels move from one to another
 * one by one (spec 08-paths, 8.5).
 */

import { isBulk } from "../wire/channels.js";
import { CHANNEL, CLOSE } from "../wire/registry.js";

/**
 * @typedef {object} Hop  What a session needs of an end of a hop.
 * @property {import("../carrier/carrier.js").Carrier} carrier
 * @property {(handle: number, channel: number) => number} openChannel  opens a stream for a channel of a session
 *
 * @typedef {object} Place
 * @property {Attachment} attachment
 * @property {number} stream
 */

/** A session's place on a hop: `handle` names it there. */
export class Attachment {
  /** @param {Hop} hop @param {number} handle @param {Uint8Array} [binding]  what a Channel Resume's MAC says of the
   * carrier: nothing of a relay's, the SHA-256 of the certificate of a direct one */
  constructor(hop, handle, binding = new Uint8Array(0)) {
    this.hop = hop;
    this.handle = handle;
    this.binding = binding;
  }
}

/** The streams of a session's channels. */
export class SessionPipes {
  /** @param {Attachment} attachment */
  constructor(attachment) {
    this._last = attachment;
    /** @type {Map<number, Place>} */
    this._places = new Map();
  }

  /** The place of the session: that of its channel 0, or the last one. */
  get attachment() {
    return this._places.get(CHANNEL.CONTROL)?.attachment ?? this._last;
  }

  /** Open the channel's first stream, where the session is. @param {number} channel */
  open(channel) {
    const { attachment } = this;
    this.switch(channel, attachment, attachment.hop.openChannel(attachment.handle, channel));
  }

  /** Use a stream for a channel from now on, and abandon the one before; bulk channels leave after the others.
   * @param {number} channel @param {Attachment} attachment @param {number} stream */
  switch(channel, attachment, stream) {
    this.abandon(channel);
    this._places.set(channel, { attachment, stream });
    if (channel === CHANNEL.CONTROL) this._last = attachment;
    if (isBulk(channel)) attachment.hop.carrier.setStreamBulk(stream);
  }

  /** Give a channel's stream up without a word about the session. @param {number} channel */
  abandon(channel) {
    const known = this._places.get(channel);
    this._places.delete(channel);
    known?.attachment.hop.carrier.resetStream(known.stream, CLOSE.NO_ERROR);
  }

  /** Whether a channel is on this very stream. @param {number} channel @param {Attachment} attachment @param {number}
   * stream */
  uses(channel, attachment, stream) {
    const known = this._places.get(channel);
    return known !== undefined && known.attachment === attachment && known.stream === stream;
  }

  /** Channels that are on a route. @param {Attachment} attachment @returns {number[]} */
  on(attachment) {
    return [...this._places].filter(([, place]) => place.attachment === attachment).map(([channel]) => channel);
  }

  /** A channel's stream is gone. @param {number} channel */
  drop(channel) {
    this._places.delete(channel);
  }

  /** Send bytes on a channel that is open. @param {number} channel @param {Uint8Array} data */
  send(channel, data) {
    const known = this._places.get(channel);
    if (known && data.length) known.attachment.hop.carrier.sendStream(known.stream, data);
  }

  /** Nothing more follows on a channel. @param {number} channel */
  finish(channel) {
    const known = this._places.get(channel);
    known?.attachment.hop.carrier.sendStream(known.stream, new Uint8Array(0), true);
  }

  /** Bytes of a channel that the connection has not taken. @param {number} channel */
  backlog(channel) {
    const known = this._places.get(channel);
    return known ? known.attachment.hop.carrier.streamBacklog(known.stream) : 0;
  }

  /** Whether the channel has a stream. @param {number} channel */
  isOpen(channel) {
    return this._places.has(channel);
  }

  /** Abandon all streams. @param {number} code */
  close(code) {
    for (const { attachment, stream } of this._places.values()) attachment.hop.carrier.resetStream(stream, code);
    this._places.clear();
  }
}
