/**
 * A channel: two directions of records that outlive the stream they travel on (spec 06-security, 6.3 and 6.3.1).
 *
 * The sender keeps the ciphertext of what is unacknowledged. When a stream is lost, both ends say which counter they
 * expect and repeat those very bytes on the next stream, so that every byte arrives once and no counter ever seals two
 * things. WebCrypto answers later than it is asked: what a channel is told to do, it does one thing after another.
 */

import { bigEndian, concat, equal } from "../wire/bytes.js";
import { Reader } from "../wire/buffer.js";
import { isBulk } from "../wire/channels.js";
import { LocalProtocolError, RemoteProtocolError } from "../wire/errors.js";
import { ShortFrameReader } from "../wire/framing.js";
import { CHANNEL, CLOSE, MAX, RECORD } from "../wire/registry.js";
import * as varint from "../wire/varint.js";
import { LENGTH_BYTES, MAX_CIPHERTEXT, RecordOpener, RecordSealer } from "./record.js";
import { hmac } from "./webcrypto.js";

const ACK_RECORDS = 32;
const ACK_BYTES = 16_384;
/** Records of any type, acknowledgements too, after which one is owed: what only acknowledges must not be kept for
 * ever. */
const ACK_ANY_RECORDS = 256;

const SESSION_BYTES = 16;
const MAC_BYTES = 16;
const NOTHING = new Uint8Array(0);

/**
 * @typedef {object} ResumeHeader  Channel Resume: what each direction of a re-opened stream begins with.
 * @property {Uint8Array} session
 * @property {number} channel
 * @property {number} epoch
 * @property {number} nextCounter
 * @property {Uint8Array} mac
 */

/** All that the MAC covers but the direction. @param {Omit<ResumeHeader, "mac">} header */
function headerBody({ session, channel, epoch, nextCounter }) {
  return concat(session, varint.encode(channel), varint.encode(epoch), varint.encode(nextCounter));
}

/** The header at the front of a stream and its size in bytes; null until all of it has arrived. The MAC is not checked
 * here.
 * @param {Uint8Array} data @returns {{ header: ResumeHeader, size: number } | null} */
export function readResumeHeader(data) {
  let offset = SESSION_BYTES;
  const numbers = [0, 0, 0];
  for (let at = 0; at < 3; at++) {
    const found = varint.decode(data, offset, CLOSE.TAMPERED);
    if (found === null) return null;
    [numbers[at], offset] = found;
  }
  const end = offset + MAC_BYTES;
  if (data.length < end) return null;
  const [channel, epoch, nextCounter] = numbers;
  return { header: { session: data.slice(0, SESSION_BYTES), channel, epoch, nextCounter, mac: data.slice(offset, end) }, size: end };
}

/** One end of a channel. */
export class SecureChannel {
  /** @param {Uint8Array} sendKey @param {Uint8Array} receiveKey @param {number} channel @param {boolean} fromViewer
   * whether this end is the viewer's @param {Uint8Array} moveKey @param {Uint8Array} sessionId @param {number} limit
   * ciphertext kept at most, in bytes */
  constructor(sendKey, receiveKey, channel, fromViewer, moveKey, sessionId, limit) {
    this.channel = channel;
    this._sealer = new RecordSealer(sendKey, channel === CHANNEL.INPUT ? MAX.RECORD_PAD : 0);
    this._opener = new RecordOpener(receiveKey);
    this._fromViewer = fromViewer;
    this._moveKey = moveKey;
    this._sessionId = sessionId;
    this._limit = limit;
    this._reader = new ShortFrameReader(MAX_CIPHERTEXT);
    /** @type {Uint8Array[]} */
    this._kept = [];
    this._firstKept = 0;
    /** @type {Uint8Array[]} */
    this._backlog = [];
    this._epoch = 0;
    this._epochSent = 0;
    this._closing = false;
    this._finSent = false;
    this._owed = { records: 0, bytes: 0, any: 0 };
    /** @type {Promise<unknown>} */
    this._tail = Promise.resolve();
    /** Whether the channel waits for another stream: nothing it returns belongs on the lost one. */
    this.suspended = false;
    /** Bytes of ciphertext that the peer has not acknowledged. */
    this.retained = 0;
    /** Bytes given to `send` that no record holds yet. */
    this.backlog = 0;
    /** Whether the peer ended its direction with FIN. */
    this.finished = false;
  }

  /** Whether more data should be given to `send` now. */
  get writable() {
    return !this.backlog && this.retained < this._limit && !this._closing;
  }

  /** Send `data`: what to put on the stream now. The rest follows from `takeOutput` as the peer acknowledges.
   * Throws LocalProtocolError after `finish`, or when more than MAX.CHANNEL_MESSAGE bytes would wait.
   * @param {Uint8Array} data @returns {Promise<Uint8Array>} */
  async send(data) {
    if (this._closing) throw new LocalProtocolError("the channel was finished");
    if (this.backlog && this.backlog + data.length > MAX.CHANNEL_MESSAGE) {
      throw new LocalProtocolError("the channel is not writable: its peer does not acknowledge");
    }
    for (let at = 0; at < data.length; at += MAX.RECORD_DATA) this._backlog.push(data.slice(at, at + MAX.RECORD_DATA));
    this.backlog += data.length;
    return this._next(() => this._flush());
  }

  /** End our direction behind what waits: what to put on the stream now. @returns {Promise<Uint8Array>} */
  async finish() {
    this._closing = true;
    return this._next(() => this._flush());
  }

  /** Take bytes of the stream; the data of the records completed. Call `takeOutput` afterwards. Rejects with
   * RemoteProtocolError: TAMPERED for a record that does not open, SESSION_PROTOCOL for one that breaks the rules.
   * @param {Uint8Array} data @returns {Promise<Uint8Array[]>} */
  receive(data) {
    return this._next(async () => {
      this._reader.feed(data);
      /** @type {Uint8Array[]} */
      const out = [];
      for (let ciphertext = this._reader.next(); ciphertext !== null; ciphertext = this._reader.next()) {
        const { kind, data: content } = await this._opener.open(ciphertext);
        this._owed.any++;
        if (kind === RECORD.ACK) {
          this._acknowledged(content);
          continue;
        }
        if ((kind === RECORD.DATA || kind === RECORD.FIN) && this.finished) {
          throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "the channel goes on behind its end");
        }
        this._owed.records++;
        this._owed.bytes += LENGTH_BYTES + ciphertext.length;
        if (kind === RECORD.DATA) out.push(content);
        else if (kind === RECORD.FIN) this.finished = true;
      }
      return out;
    });
  }

  /** What to put on the stream after `receive`: an acknowledgement if one is due, and data that waited for room.
   * @returns {Promise<Uint8Array>} */
  takeOutput() {
    return this._next(async () => {
      if (this.suspended) return NOTHING;
      const { records, bytes, any } = this._owed;
      if (records < ACK_RECORDS && bytes < ACK_BYTES && any < ACK_ANY_RECORDS) return this._flush();
      this._owed = { records: 0, bytes: 0, any: 0 };
      const ack = await this._seal(RECORD.ACK, varint.encode(this._opener.counter));
      return concat(ack, await this._flush());
    });
  }

  /** Whether an end of the stream here would cut the peer's direction short: that is never an end (R-SEC-22). */
  truncated() {
    return !this.finished;
  }

  // moving to another stream

  /** The stream is lost: forget its unfinished record and hold back until `resume`. */
  suspend() {
    this.suspended = true;
    this._reader.clear();
  }

  /** The highest epoch that a header of ours has named. */
  get epoch() {
    return this._epochSent;
  }

  /** Our Channel Resume for a new stream on a carrier of this `binding` (6.3.1). The viewer picks an `epoch` above all
   * earlier ones and is suspended until `resume`; the host first accepts the viewer's header with `resume`, then
   * repeats its epoch here.
   * @param {number} epoch @param {Uint8Array} binding @returns {Promise<Uint8Array>} */
  resumeHeader(epoch, binding = NOTHING) {
    return this._next(async () => {
      if (epoch < this._epoch || (this._fromViewer && epoch <= this._epochSent)) {
        throw new LocalProtocolError(`epoch ${epoch} of a channel was used before`);
      }
      if (this._fromViewer) this.suspend();
      this._epochSent = epoch;
      const body = headerBody({ session: this._sessionId, channel: this.channel, epoch, nextCounter: this._opener.counter });
      this._owed = { records: 0, bytes: 0, any: 0 };
      return concat(body, await this._mac(this._fromViewer, body, binding));
    });
  }

  /** Accept the peer's Channel Resume: what to put on the new stream, behind our own header.
   * Rejects with RemoteProtocolError(TAMPERED) for a header to be refused (R-SEC-27); the channel is unchanged then.
   * @param {ResumeHeader} header @param {Uint8Array} binding @returns {Promise<Uint8Array>} */
  resume(header, binding = NOTHING) {
    return this._next(async () => {
      if (!equal(header.session, this._sessionId) || header.channel !== this.channel) refuse("is for another channel");
      if (!equal(header.mac, await this._mac(!this._fromViewer, headerBody(header), binding))) refuse("is not authentic");
      if (header.epoch <= this._epoch || (this._fromViewer && header.epoch !== this._epochSent)) refuse("is out of date");
      if (header.nextCounter < this._firstKept || header.nextCounter > this._sealer.counter) refuse("asks for what is not kept");
      this._reader.clear();
      this._epoch = header.epoch;
      this._dropBefore(header.nextCounter);
      this.suspended = false;
      const kept = concat(...this._kept);
      return concat(kept, await this._flush());
    });
  }

  /** @param {boolean} fromViewer @param {Uint8Array} body @param {Uint8Array} binding */
  async _mac(fromViewer, body, binding) {
    return (await hmac(this._moveKey, concat(bigEndian(fromViewer ? 0 : 1, 1), body, binding))).slice(0, MAC_BYTES);
  }

  // records

  /** Do `work` after all that was asked before. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  _next(work) {
    const done = this._tail.then(work);
    this._tail = done.catch(() => undefined);
    return done;
  }

  /** @returns {Promise<Uint8Array>} */
  async _flush() {
    /** @type {Uint8Array[]} */
    const out = [];
    while (!this.suspended && this._backlog.length && this.retained + this._sealer.size(this._backlog[0].length) <= this._limit) {
      const data = /** @type {Uint8Array} */ (this._backlog.shift());
      this.backlog -= data.length;
      out.push(await this._seal(RECORD.DATA, data));
    }
    if (!this.suspended && this._closing && !this._backlog.length && !this._finSent) {
      this._finSent = true;
      out.push(await this._seal(RECORD.FIN, NOTHING));
    }
    return out.length === 1 ? out[0] : concat(...out);
  }

  /** @param {number} kind @param {Uint8Array} data */
  async _seal(kind, data) {
    if (!this._sealer.rekeyDue) return this._keep(await this._sealer.seal(kind, data));
    const rekey = this._keep(await this._sealer.seal(RECORD.REKEY, NOTHING));
    return concat(rekey, this._keep(await this._sealer.seal(kind, data)));
  }

  /** @param {Uint8Array} record */
  _keep(record) {
    this._kept.push(record);
    this.retained += record.length;
    return record;
  }

  /** @param {Uint8Array} content */
  _acknowledged(content) {
    const reader = new Reader(content, CLOSE.SESSION_PROTOCOL);
    const counter = reader.integer();
    if (reader.length || counter > this._sealer.counter) {
      throw new RemoteProtocolError(CLOSE.SESSION_PROTOCOL, "an acknowledgement of what was never sent");
    }
    this._dropBefore(counter);
  }

  /** @param {number} counter */
  _dropBefore(counter) {
    if (counter <= this._firstKept) return;
    for (const record of this._kept.splice(0, counter - this._firstKept)) this.retained -= record.length;
    this._firstKept = counter;
  }
}

/** @param {string} why @returns {never} */
function refuse(why) {
  throw new RemoteProtocolError(CLOSE.TAMPERED, `a resume header ${why}`);
}

/** The end of a session's channel with the keys and limit that the specification gives it.
 * @param {import("./schedule.js").SessionKeys} keys @param {number} channel @param {boolean} fromViewer @param
 * {Uint8Array} sessionId
 * @returns {Promise<SecureChannel>} */
export async function openChannel(keys, channel, fromViewer, sessionId) {
  const small = !isBulk(channel);
  return new SecureChannel(
    await keys.channelKey(channel, fromViewer),
    await keys.channelKey(channel, !fromViewer),
    channel,
    fromViewer,
    await keys.moveKey(),
    sessionId,
    small ? MAX.RETAINED_CONTROL : MAX.RETAINED_BULK,
  );
}
