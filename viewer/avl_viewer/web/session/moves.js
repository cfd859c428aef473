/**
 * ViewerMoves: a session's channels on their way from one attachment to another, byte for byte (spec 08-paths, 8.5).
 *
 * The viewer moves: it opens a stream for each channel on the other route and says which record it expects next. The
 * host answers in kind as soon as it has verified that, and both repeat what the other lacks. Until then the session
 * stays where it was.
 */

import { readResumeHeader } from "../crypto/channel.js";
import { concat } from "../wire/bytes.js";
import { isBulk } from "../wire/channels.js";
import { RemoteProtocolError } from "../wire/errors.js";
import { CLOSE } from "../wire/registry.js";

/** @typedef {import("./pipes.js").Attachment} Attachment */

/** No Channel Resume is longer: session, three integers and a MAC. */
export const LONGEST_HEADER = 16 + 3 * 8 + 16;

/**
 * @typedef {object} Arriving  A stream whose Channel Resume has not come whole.
 * @property {Attachment} attachment
 * @property {number} stream
 * @property {Uint8Array} buffer
 */

/** The viewer's side; `secure` and `pipes` are the session's own. */
export class ViewerMoves {
  /** @param {import("./secure.js").SecureChannels} secure @param {import("./pipes.js").SessionPipes} pipes */
  constructor(secure, pipes) {
    this._secure = secure;
    this._pipes = pipes;
    /** @type {Map<number, Arriving>} */
    this._arriving = new Map();
    /** Where the session is going; null while it goes nowhere. @type {Attachment | null} */
    this.target = null;
  }

  /** Take these channels to a route. What still comes on their old streams is not wanted: it will be repeated.
   * @param {Attachment} attachment @param {number[]} channels */
  begin(attachment, channels) {
    this.giveUp();
    this.target = attachment;
    this._open(attachment, channels);
  }

  /** Open channels that the session may have from now on, where it is or where it is going. They begin like channels
   * that move, so that it does not matter what was said on them before.
   * @param {Attachment} attachment @param {number[]} channels */
  open(attachment, channels) {
    this.target ??= attachment;
    this._open(this.target, channels);
  }

  /** A channel is not to arrive, and holds up the move no longer. @param {number} channel */
  close(channel) {
    const arriving = this._arriving.get(channel);
    this._arriving.delete(channel);
    arriving?.attachment.hop.carrier.resetStream(arriving.stream, CLOSE.NO_ERROR);
    if (!this._arriving.size) this.target = null;
  }

  /** @param {Attachment} attachment @param {number[]} channels */
  _open(attachment, channels) {
    const { carrier } = attachment.hop;
    for (const channel of channels) {
      const stream = attachment.hop.openChannel(attachment.handle, channel);
      this._arriving.set(channel, { attachment, stream, buffer: new Uint8Array(0) });
      if (isBulk(channel)) carrier.setStreamBulk(stream);
      void this._secure.moveHeader(channel, attachment.binding, (header) => carrier.sendStream(stream, header));
    }
  }

  /** Go nowhere: the channels stay suspended until the next move. */
  giveUp() {
    for (const { attachment, stream } of this._arriving.values()) attachment.hop.carrier.resetStream(stream, CLOSE.NO_ERROR);
    this._arriving.clear();
    this.target = null;
  }

  /** A route is gone, and with it the move to it. @param {Attachment} attachment */
  lost(attachment) {
    if (this.target !== attachment) return;
    this._arriving.clear();
    this.target = null;
  }

  /** Whether a channel is under way: its old stream counts no more. @param {number} channel */
  moving(channel) {
    return this._arriving.has(channel);
  }

  /** Whether a stream is the one a channel moves to. @param {number} channel @param {Attachment} attachment @param
   * {number} stream */
  isArrival(channel, attachment, stream) {
    const arriving = this._arriving.get(channel);
    return arriving !== undefined && arriving.attachment === attachment && arriving.stream === stream;
  }

  /** Take bytes of the stream a channel moves to; what follows the host's header, once that was accepted, and whether
   * it was the last channel to arrive. Rejects with RemoteProtocolError for a header to be refused: the route is no
   * good then, the session is.
   * @param {number} channel @param {Uint8Array} data @returns {Promise<{ rest: Uint8Array, last: boolean } | null>} */
  async received(channel, data) {
    const arriving = /** @type {Arriving} */ (this._arriving.get(channel));
    arriving.buffer = concat(arriving.buffer, data);
    const found = readResumeHeader(arriving.buffer);
    if (!found) {
      if (arriving.buffer.length > LONGEST_HEADER) throw new RemoteProtocolError(CLOSE.TAMPERED, "no resume header where one must be");
      return null;
    }
    const rest = arriving.buffer.slice(found.size);
    /** @type {{ rest: Uint8Array, last: boolean } | null} */
    let arrived = null;
    await this._secure.acceptMove(channel, found.header, arriving.attachment.binding, (repeat) => {
      if (this._arriving.get(channel) !== arriving) return false; // meanwhile it moves elsewhere, or the route is gone
      this._arriving.delete(channel);
      this._pipes.switch(channel, arriving.attachment, arriving.stream);
      this._pipes.send(channel, repeat);
      arrived = { rest, last: !this._arriving.size };
      if (arrived.last) this.target = null;
      return true;
    });
    return arrived;
  }
}
