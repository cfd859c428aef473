/**
 * Sender: the end of a transfer that has the files (spec 15, 15.4).
 *
 * It offers what is to be sent, and sends what is wanted, a block at a time, as far as the receiver's credit reaches.
 */

import { FILE_KIND, FILE_REASON, FILE_VERDICT, MAX } from "../wire/registry.js";
import { FileTrouble, NotARow, answerOf, entryRow } from "./entries.js";
import { hashOf, isZero } from "./hash.js";
import { Course } from "./job.js";
import { bytesOf } from "./names.js";

/** Bytes of paths in one FILE_OFFER. */
const OFFER_BYTES = 65536;
const NOTHING = new Uint8Array(0);

/**
 * @typedef {object} Item  Something that is to be sent, in the order of offers: a folder, what is in it, its end.
 * @property {number} kind  FILE, FOLDER or FOLDER_END of FILE_KIND
 * @property {string} path  relative
 * @property {Blob} [file]  its content
 * @property {number} size
 * @property {number} modified_us
 *
 * @typedef {object} Put  Where it goes.
 * @property {string} path
 * @property {boolean} single  all paths begin with the same name
 * @property {number} overwrite  of FILE_OVERWRITE
 *
 * @typedef {object} Offer  Something that was offered, and what was answered.
 * @property {import("./entries.js").Entry} entry
 * @property {Item} item
 * @property {import("./entries.js").Answer | null} answer
 */

/** Sends items to a folder of the host. */
export class Sender {
  /** @param {readonly Item[]} items @param {Put} put @param {import("./hash.js").Hashing} hashing @param
   * {import("./job.js").JobOwner} owner */
  constructor(items, put, hashing, owner) {
    this._items = items;
    this._put = put;
    this._hashing = hashing;
    this._owner = owner;
    this.course = new Course(owner);
    this._walked = false;
    this._numbers = 0;
    /** @type {Map<number, Offer>} */
    this._offered = new Map();
    /** @type {Offer[]} */
    this._wanted = [];
    /** Bytes of data that may be sent, and that were. */
    this._credit = -1;
    this._sent = 0;
  }

  get tally() {
    return this.course.tally;
  }

  /** Send everything; done when the transfer is over: why. @returns {Promise<number>} */
  async run() {
    const { course, _items: items, _put: put } = this;
    const files = items.filter(({ kind }) => kind === FILE_KIND.FILE);
    this.tally.files = files.length;
    this.tally.size = files.reduce((all, { size }) => all + size, 0);
    await this._owner.say("FILE_PUT", { ...put, files: this.tally.files, size: this.tally.size });
    if (await course.until(() => this._credit >= 0)) {
      await Promise.all([course.guard(this._offer()), course.guard(this._send()), course.ended]);
    }
    return course.over ?? FILE_REASON.DONE;
  }

  /** The receiver says something. @param {any} message */
  receive(message) {
    if (this.course.over !== null) return;
    void this.course.guard(this._heard(message));
    this.course.stir();
  }

  /** @param {any} message */
  async _heard(message) {
    if (message.kind === "FILE_STOP") this.course.stop(message.reason, false);
    else if (message.kind === "FILE_CREDIT") this._credit = Math.max(this._credit, message.size);
    else if (message.kind === "FILE_ANSWER") for (const row of message.rows) this._answered(answerOf(row));
    else if (message.kind === "FILE_DONE") for (const [number, reason] of message.rows) this._settle(number, reason);
    else throw new NotARow("a receiver does not say this");
  }

  /** @param {import("./entries.js").Answer} answer */
  _answered(answer) {
    const offer = this._offered.get(answer.number);
    if (!offer) return;
    offer.answer = answer;
    if (answer.verdict === FILE_VERDICT.LEFT) this._settle(answer.number, answer.told);
    else if (answer.verdict === FILE_VERDICT.DONE) this._settle(answer.number, FILE_REASON.DONE);
    else if (answer.verdict === FILE_VERDICT.EXISTS) this._owner.ask(offer.entry, { size: answer.size, modified_us: answer.told });
    else if (offer.entry.kind === FILE_KIND.FILE) this._wanted.push(offer);
    else throw new NotARow("only files have content");
  }

  /** @param {number} number @param {number} reason */
  _settle(number, reason) {
    const offer = this._offered.get(number);
    if (!offer) return;
    this._offered.delete(number);
    const { tally } = this;
    if (offer.entry.kind === FILE_KIND.FILE) {
      if (reason === FILE_REASON.DONE) tally.done++;
      else tally.left++;
      if (offer.answer?.verdict !== FILE_VERDICT.WANT) tally.passed += offer.entry.size;
    } else if (reason !== FILE_REASON.DONE) tally.left++;
    if (offer.entry.kind !== FILE_KIND.FOLDER_END) this._owner.settled(offer.entry.path, offer.entry.kind, reason);
    this._owner.changed();
    if (this._walked && !this._offered.size) this.course.stop(FILE_REASON.DONE);
  }

  /** A person has decided what becomes of what EXISTS at the receiver. @param {number} number @param {boolean} replace */
  decide(number, replace) {
    const offer = this._offered.get(number);
    if (offer?.answer?.verdict !== FILE_VERDICT.EXISTS) return;
    offer.answer = null;
    void this._owner.say("FILE_DECIDE", { number, replace });
  }

  /** Offer everything, so that a bounded number of offers waits for an answer. */
  async _offer() {
    const { course, _items: items } = this;
    while (!this._walked && (await course.until(() => !course.paused && this._offered.size < MAX.FILE_OFFERS))) {
      const rows = [];
      const most = Math.min(MAX.FILE_ROWS, MAX.FILE_OFFERS - this._offered.size);
      for (let bytes = 0; rows.length < most && bytes < OFFER_BYTES && this._numbers < items.length; ) {
        const item = items[this._numbers];
        const entry = { number: this._numbers++, kind: item.kind, path: item.path, size: item.size, modified_us: item.modified_us, mode: 0, link: "" };
        this._offered.set(entry.number, { entry, item, answer: null });
        rows.push(entryRow(entry));
        bytes += bytesOf(item.path);
      }
      this._walked = this._numbers === items.length;
      await this._owner.say("FILE_OFFER", { rows, last: this._walked });
      if (this._walked && !this._offered.size) course.stop(FILE_REASON.DONE);
    }
  }

  /** Send what is wanted, one file after the other. */
  async _send() {
    const { course } = this;
    while (await course.until(() => this._wanted.length && !course.paused)) {
      const offer = /** @type {Offer} */ (this._wanted.shift());
      try {
        await this._content(offer);
      } catch (error) {
        if (!(error instanceof FileTrouble)) throw error;
        await this._fail(offer, error.reason);
      }
    }
  }

  /** @param {Offer} offer @param {number} reason */
  async _fail({ entry: { number } }, reason) {
    if (this.course.over !== null) return;
    await this._owner.say("FILE_FAIL", { number, reason });
    if (reason !== FILE_REASON.EXISTS) this._settle(number, reason);
  }

  /** The content of one file, or what is to be said in its place. Rejects with FileTrouble. @param {Offer} offer */
  async _content(offer) {
    const { entry: { number, size }, item } = offer;
    const answer = /** @type {import("./entries.js").Answer} */ (offer.answer);
    const file = /** @type {Blob} */ (item.file);
    const { course, tally, _owner: owner } = this;
    const read = (/** @type {number} */ offset, /** @type {number} */ wants) => bytes(file, offset, wants);
    const goesOn = () => course.over === null && this._offered.has(number);
    if (answer.verdict === FILE_VERDICT.HAVE) {
      const same = answer.size === size && matches(await hashOf(this._hashing, read, size, goesOn), answer.hash);
      if (!goesOn()) return;
      if (same) await owner.say("FILE_DATA", { number, offset: size, data: NOTHING, hash: answer.hash });
      else await this._fail(offer, FILE_REASON.EXISTS);
      return;
    }
    let hashed = this._hashing.file();
    if (answer.size > 0 && answer.size <= size && answer.size % MAX.FILE_BLOCK === 0) {
      const beginning = await hashOf(this._hashing, read, answer.size, goesOn);
      if (beginning && goesOn() && matches(beginning, answer.hash)) {
        hashed = beginning;
        tally.passed += answer.size;
        await owner.say("FILE_START", { number, offset: answer.size });
      }
    }
    for (let ended = false; !ended; ) {
      if (!goesOn()) break;
      const offset = hashed.size;
      const data = await read(offset, Math.min(MAX.FILE_BLOCK, size - offset));
      hashed.add(data);
      ended = hashed.size === size;
      tally.passed += data.length;
      if (!ended && data.length === MAX.FILE_BLOCK && isZero(data)) continue;
      if (!(await course.until(() => !goesOn() || (!course.paused && this._sent + data.length <= this._credit))) || !goesOn()) break;
      this._sent += data.length;
      tally.moved += data.length;
      await owner.say("FILE_DATA", { number, offset, data, hash: ended ? hashed.digest() : NOTHING });
      owner.changed();
      if (ended) return;
    }
    if (course.over === null) await owner.say("FILE_FAIL", { number, reason: FILE_REASON.CANCELLED });
  }
}

/** Bytes of a file. Rejects with FileTrouble: CHANGED, or NO_ACCESS where it can't be read. @param {Blob} file @param
 * {number} offset @param {number} wants */
async function bytes(file, offset, wants) {
  if (!wants) return NOTHING;
  try {
    const data = new Uint8Array(await file.slice(offset, offset + wants).arrayBuffer());
    if (data.length === wants) return data;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    if (error.name === "SecurityError" || error.name === "NotAllowedError") throw new FileTrouble(FILE_REASON.NO_ACCESS);
  }
  throw new FileTrouble(FILE_REASON.CHANGED); // a browser does not read a file that is another one by now
}

/** @param {import("./hash.js").FileHash | null} hashed @param {Uint8Array} hash */
function matches(hashed, hash) {
  const digest = hashed?.digest();
  return digest?.length === hash.length && digest.every((byte, at) => byte === hash[at]);
}
