/**
 * A host in memory: it lets a viewer in, keeps what it is told, and follows it from one way to another, as
 * avl_protocol's does.
 */

import { openChannel, readResumeHeader } from "../../../viewer/avl_viewer/web/crypto/channel.js";
import { Identity } from "../../../viewer/avl_viewer/web/crypto/identity.js";
import { SessionKeys } from "../../../viewer/avl_viewer/web/crypto/schedule.js";
import { Attachment } from "../../../viewer/avl_viewer/web/session/pipes.js";
import { concat, utf8 } from "../../../viewer/avl_viewer/web/wire/bytes.js";
import { FrameReader, frame } from "../../../viewer/avl_viewer/web/wire/framing.js";
import { decode, encode } from "../../../viewer/avl_viewer/web/wire/messages.js";
import { BULK_MESSAGES, CLOSE, CONTROL_MESSAGES, FILE_MESSAGES, INPUT_MESSAGES, LANES, MAX, SOUND_MESSAGES } from "../../../viewer/avl_viewer/web/wire/registry.js";

export const KEYS = new SessionKeys(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2));
export const SESSION = new Uint8Array(16).fill(3);
const MEDIA = new Uint8Array(16).fill(4);
const SIGNER = new Uint8Array(32).fill(5);
/** Channel -> the messages that it carries. @param {number} channel */
const tableOf = (channel) => [CONTROL_MESSAGES, INPUT_MESSAGES, BULK_MESSAGES, SOUND_MESSAGES][channel] ?? FILE_MESSAGES;

/**
 * @typedef {object} Stream
 * @property {number} channel
 * @property {Uint8Array[]} queue  bytes that nobody has looked at yet
 * @property {Uint8Array} resume  of a Channel Resume that is not whole
 * @property {boolean} begun  records follow
 */

/** A way from the viewer to the host, whose streams can be cut. */
export class MemoryPath {
  /** @param {MemoryHost} host @param {Uint8Array} [binding] @param {boolean} [first]  whether the session begins here
   * */
  constructor(host, binding, first = false) {
    this.host = host;
    this.first = first;
    this.cut = false;
    this.binding = binding ?? new Uint8Array(0);
    /** @type {Map<number, Stream>} */
    this.streams = new Map();
    /** @type {[number, number][]} */
    this.resets = [];
    const carrier = /** @type {any} */ ({
      sendStream: (/** @type {number} */ stream, /** @type {Uint8Array} */ data) => this.cut || this.streams.get(stream)?.queue.push(data),
      setStreamBulk() {},
      resetStream: (/** @type {number} */ stream, /** @type {number} */ code) => this.resets.push([stream, code]),
      streamBacklog: () => 0,
    });
    const openChannel = (/** @type {number} */ _handle, /** @type {number} */ channel) => {
      const stream = 4 * this.streams.size;
      this.streams.set(stream, { channel, queue: [], resume: new Uint8Array(0), begun: this.first && !LANES.has(channel) });
      return stream;
    };
    this.attachment = new Attachment({ carrier, openChannel }, 1, binding);
  }
}

/** The other end of one session. */
export class MemoryHost {
  /** @param {Identity} identity */
  constructor(identity) {
    this.identity = identity;
    /** @type {any} */
    this.viewer = null;
    /** @type {Map<number, any>} */
    this._secured = new Map();
    /** @type {Map<number, { secure: any, frames: FrameReader, path: MemoryPath, stream: number }>} */
    this._channels = new Map();
    /** What the viewer said, in order. @type {any[]} */
    this.heard = [];
    /** Streams whose Channel Resume was refused. */
    this.refused = 0;
    this.hearing = true;
    /** Events that it says it has discarded in all. */
    this.discarded = 0;
  }

  static async create() {
    return new MemoryHost(await Identity.fromSeed(new Uint8Array(32).fill(9)));
  }

  /** In the place of the handshake, which needs ML-KEM: it is over as soon as something comes. */
  opening() {
    return {
      first: async () => new Uint8Array(1),
      receive: async (/** @type {Uint8Array} */ data) => data,
      keys: KEYS,
      hostIdentity: this.identity.public,
    };
  }

  /** Let the viewer in. @param {MemoryPath} path @param {number} permissions @param {number[][]} tracks */
  async grant(path, permissions, tracks = []) {
    const endorsement = await this.identity.sign(concat(utf8("avl/1 signer\0"), MEDIA, SIGNER));
    /** @type {any} */ (path.streams.get(0)).queue = [];
    await this._adopt(0, path, 0);
    const grant = { permissions, media_session: MEDIA, signer: SIGNER, endorsement, keys: [], host_time_us: 0, name: "", tracks };
    await this.say(0, "GRANT", grant);
  }

  /** @param {number} channel @param {MemoryPath} path @param {number} stream */
  async _adopt(channel, path, stream) {
    const secure = await this._secure(channel);
    const frames = this._channels.get(channel)?.frames ?? new FrameReader(MAX.CHANNEL_MESSAGE, CLOSE.SESSION_PROTOCOL);
    this._channels.set(channel, { secure, frames, path, stream });
  }

  /** @param {number} channel @returns {Promise<any>} */
  async _secure(channel) {
    const known = this._secured.get(channel) ?? (await openChannel(KEYS, channel, false, SESSION));
    this._secured.set(channel, known);
    return known;
  }

  /** Send a message to the viewer. @param {number} channel @param {string} kind @param {Record<string, any>} fields */
  async say(channel, kind, fields) {
    const at = this._channels.get(channel);
    if (!at) throw new Error("the channel is not open");
    await this._give(at.path, channel, at.stream, await at.secure.send(frame(encode(tableOf(channel), kind, fields), MAX.CHANNEL_MESSAGE)));
  }

  /** @param {MemoryPath} path @param {number} channel @param {number} stream @param {Uint8Array} data */
  async _give(path, channel, stream, data) {
    if (!path.cut && data.length) await this.viewer.channelReceived(path.attachment, channel, stream, data, false);
  }

  /** Take what has come over a way, and answer it, until nothing more comes. @param {MemoryPath} path */
  async listen(path) {
    for (let quiet = 0; quiet < 3; quiet++) {
      await this.viewer.settled();
      await new Promise((resolve) => setImmediate(resolve));
      for (const [number, stream] of path.streams) {
        for (let data = stream.queue.shift(); data; data = stream.queue.shift()) {
          quiet = 0;
          await this._take(path, number, stream, data);
        }
      }
    }
  }

  /** @param {MemoryPath} path @param {number} number @param {Stream} stream @param {Uint8Array} data */
  async _take(path, number, stream, data) {
    const { channel } = stream;
    let bytes = data;
    if (!stream.begun) {
      stream.resume = concat(stream.resume, data);
      const found = readResumeHeader(stream.resume);
      if (!found) return;
      stream.begun = true;
      bytes = stream.resume.slice(found.size);
      const secure = await this._secure(channel);
      try {
        const repeat = await secure.resume(found.header, path.binding);
        const answer = await secure.resumeHeader(found.header.epoch, path.binding);
        await this._adopt(channel, path, number);
        await this._give(path, channel, number, concat(answer, repeat));
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "RemoteProtocolError") throw error;
        this.refused++;
        this.viewer.channelReset(path.attachment, channel, number, CLOSE.TAMPERED);
        return;
      }
    } else if (!this._channels.has(channel)) {
      await this._adopt(channel, path, number);
    }
    const at = this._channels.get(channel);
    if (!at || at.path !== path || at.stream !== number || !this.hearing) return;
    for (const chunk of await at.secure.receive(bytes)) {
      for (const raw of at.frames.feed(chunk)) await this._message(channel, decode(tableOf(channel), raw));
    }
    await this._give(path, channel, number, await at.secure.takeOutput());
  }

  /** @param {number} channel @param {any} message */
  async _message(channel, message) {
    this.heard.push(message);
    if (message.kind === "BATCH") await this.say(channel, "ECHO", { sequence: message.sequence, host_us: message.time_us, discarded: this.discarded });
  }

  /** Texts that were typed, in order. */
  get typed() {
    const batches = this.heard.filter(({ kind }) => kind === "BATCH");
    return batches.flatMap(({ events }) => events.map((/** @type {any[]} */ event) => event[1]));
  }
}
