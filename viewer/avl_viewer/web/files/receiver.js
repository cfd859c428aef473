/**
 * Receiver: the end of a transfer that gets the files (spec 15, 15.4).
 *
 * What comes is done one thing after the other, so that what is written is bounded by the credit that was given; only a
 * person's decisions are waited for by nothing else.
 */

import { FILE_KIND, FILE_OVERWRITE, FILE_REASON, FILE_VERDICT, MAX } from "../wire/registry.js";
import { equal } from "../wire/bytes.js";
import { rule } from "./conflicts.js";
import { FileTrouble, NotARow, answerRow, entryOf } from "./entries.js";
import { hashOf } from "./hash.js";
import { Course } from "./job.js";
import { isName, keyOf, namesOf } from "./names.js";

/** Credit is given anew when so much was written. */
const CREDIT_STEP = MAX.FILE_WINDOW / 4;
/** Answers that are sent together. */
const ANSWERS = 32;
/** Reasons that end a job, since nothing else would fit either. @type {Set<number>} */
const FATAL = new Set([FILE_REASON.NO_SPACE, FILE_REASON.QUOTA]);

/**
 * @typedef {import("./entries.js").Entry} Entry
 *
 * @typedef {object} Get  What is fetched.
 * @property {string[]} paths
 * @property {number} overwrite  of FILE_OVERWRITE
 *
 * @typedef {object} Arriving  A file that is wanted, or that seems to be there.
 * @property {Entry} entry
 * @property {string[]} names
 * @property {import("./hash.js").FileHash | null} prefix  of what there is of it
 * @property {boolean} compared  it seems to be there: only a hash is to come
 * @property {import("./hash.js").FileHash} hash  of what has come
 * @property {import("./tree.js").Writer | null} writer
 */

/** Puts what the host sends into a tree. */
export class Receiver {
  /** @param {Get} get @param {import("./tree.js").Tree} tree @param {import("./hash.js").Hashing} hashing @param
   * {import("./job.js").JobOwner} owner */
  constructor(get, tree, hashing, owner) {
    this._get = get;
    this._tree = tree;
    this._hashing = hashing;
    this._owner = owner;
    this.course = new Course(owner);
    /** @type {any[]} */
    this._inbox = [];
    this._last = false;
    /** @type {Map<number, Arriving>} */
    this._arriving = new Map();
    /** Files that a person is asked about. @type {Map<number, { entry: Entry, names: string[] }>} */
    this._asked = new Map();
    /** Names that were met in folders that are not ended, where the system may take two for one. @type {Map<string,
     * Map<string, string>>} */
    this._met = new Map();
    /** @type {any[][]} */
    this._answers = [];
    this._credit = 0;
    this._received = 0;
    this._written = 0;
    /** What is being done. @type {Promise<unknown>} */
    this._working = Promise.resolve();
  }

  get tally() {
    return this.course.tally;
  }

  /** Fetch everything; done when the transfer is over: why. @returns {Promise<number>} */
  async run() {
    const { course } = this;
    await this._owner.say("FILE_GET", { paths: this._get.paths, folders: true });
    void course.guard(this._work());
    await course.ended;
    await this._working;
    for (const { writer } of this._arriving.values()) {
      if (course.over === FILE_REASON.CANCELLED) await writer?.discard();
      else await writer?.close();
    }
    return course.over ?? FILE_REASON.DONE;
  }

  /** The sender says something. @param {any} message */
  receive(message) {
    if (message.kind === "FILE_STOP") this.course.stop(message.reason, false);
    else this._inbox.push(message);
    this.course.stir();
  }

  /** A person has decided whether a file is replaced. @param {number} number @param {boolean} replace */
  decide(number, replace) {
    if (this._asked.has(number)) this.receive({ kind: "decided", number, replace });
  }

  /** Go on, or give no more credit. @param {boolean} paused */
  pause(paused) {
    this.course.pause(paused);
    if (!paused && this.tally.files !== null) void this._giveCredit();
  }

  async _work() {
    while (await this.course.until(() => this._inbox.length)) {
      const work = this._handle(this._inbox.shift());
      this._working = work.catch(() => undefined);
      await work;
      if (this._last && !this._inbox.length && !this._arriving.size && !this._asked.size) this.course.stop(FILE_REASON.DONE);
    }
  }

  /** @param {any} message */
  async _handle(message) {
    if (message.kind === "FILE_BEGIN") await this._begin(message);
    else if (message.kind === "FILE_OFFER") await this._offered(message);
    else if (message.kind === "FILE_DATA") await this._data(message);
    else if (message.kind === "FILE_START") this._start(message);
    else if (message.kind === "FILE_FAIL") await this._failed(message);
    else if (message.kind === "decided") await this._decided(message);
    else throw new NotARow("a sender does not say this");
  }

  /** @param {{ files: number, size: number }} message */
  async _begin({ files, size }) {
    Object.assign(this.tally, { files, size });
    const free = await this._tree.free();
    if (free !== null && size > free) throw new FileTrouble(FILE_REASON.NO_SPACE);
    this._owner.changed();
    await this._giveCredit();
  }

  /** Let so much come as is not far ahead of what was written. */
  async _giveCredit() {
    const most = this._written + MAX.FILE_WINDOW;
    if (this.course.paused || this.course.over !== null || most < this._credit + CREDIT_STEP) return;
    this._credit = most;
    await this._owner.say("FILE_CREDIT", { size: most });
  }

  // offers

  /** @param {{ rows: any[][], last: boolean }} message */
  async _offered({ rows, last }) {
    for (const row of rows) {
      if (this.course.over !== null) return;
      const entry = entryOf(row);
      await this._judge(entry, false);
      if (this._answers.length >= ANSWERS) await this._answer();
    }
    this._last ||= last;
    await this._answer();
    this._owner.changed();
  }

  async _answer() {
    const rows = this._answers;
    this._answers = [];
    if (rows.length) await this._owner.say("FILE_ANSWER", { rows });
  }

  /** Answer an offer. @param {Entry} entry @param {boolean} differs  it was compared with what is there @param {number}
   * [overwrite]  of FILE_OVERWRITE */
  async _judge(entry, differs, overwrite = this._get.overwrite) {
    try {
      const names = this._namesOf(entry);
      if (entry.kind === FILE_KIND.FILE) await this._want(entry, names, differs, overwrite);
      else if (entry.kind === FILE_KIND.LINK) throw new FileTrouble(FILE_REASON.NO_ACCESS); // no browser makes links
      else {
        if (entry.kind === FILE_KIND.FOLDER) await this._folder(names);
        else this._met.delete(entry.path);
        this._answers.push(answerRow({ number: entry.number, verdict: FILE_VERDICT.DONE }));
        if (entry.kind === FILE_KIND.FOLDER) this._owner.settled(entry.path, entry.kind, FILE_REASON.DONE);
      }
    } catch (error) {
      if (!(error instanceof FileTrouble) || FATAL.has(error.reason)) throw error;
      this._leave(entry, error.reason);
    }
  }

  /** @param {Entry} entry @param {number} reason */
  _leave(entry, reason) {
    this._answers.push(answerRow({ number: entry.number, verdict: FILE_VERDICT.LEFT, told: reason }));
    if (entry.kind === FILE_KIND.FILE) this.tally.passed += entry.size;
    this.tally.left++;
    this._owner.settled(entry.path, entry.kind, reason);
  }

  /** @param {Entry} entry */
  _namesOf(entry) {
    const { naming } = this._tree;
    const names = namesOf(entry.path, naming);
    const name = names?.at(-1);
    if (!names || !name || !isName(name, naming)) throw new FileTrouble(FILE_REASON.BAD_NAME);
    if (naming.folds && entry.kind !== FILE_KIND.FOLDER_END) {
      const folder = names.slice(0, -1).join("/");
      const met = this._met.get(folder) ?? new Map();
      this._met.set(folder, met);
      const key = keyOf(name, naming);
      if ((met.get(key) ?? name) !== name) throw new FileTrouble(FILE_REASON.CLASH);
      met.set(key, name);
    }
    return names;
  }

  /** @param {string[]} names */
  async _folder(names) {
    const there = await this._tree.look(names);
    if (there && there.kind !== FILE_KIND.FOLDER) throw new FileTrouble(FILE_REASON.EXISTS);
    if (!there) await this._tree.makeFolder(names);
  }

  /** @param {Entry} entry @param {string[]} names @param {boolean} differs @param {number} overwrite */
  async _want(entry, names, differs, overwrite) {
    const there = await this._tree.look(names);
    const { number } = entry;
    const ruling = rule(entry, there, overwrite, differs);
    if (ruling === "leave") throw new FileTrouble(FILE_REASON.EXISTS);
    if (ruling === "ask" && there) {
      this._asked.set(number, { entry, names });
      this._owner.ask(entry, there);
      return;
    }
    const same = ruling === "same";
    const part = same ? await this._tree.content(names) : await this._tree.part(names);
    const size = !part ? 0 : same ? part.size : Math.floor(Math.min(part.size, entry.size) / MAX.FILE_BLOCK) * MAX.FILE_BLOCK;
    const prefix = part && (size || same) ? await hashOf(this._hashing, part.read, size, () => this.course.over === null) : null;
    if (same && !prefix) throw new FileTrouble(FILE_REASON.NO_ACCESS);
    this._arriving.set(number, { entry, names, prefix, compared: same, hash: this._hashing.file(), writer: null });
    const verdict = same ? FILE_VERDICT.HAVE : FILE_VERDICT.WANT;
    this._answers.push(answerRow({ number, verdict, size: prefix ? size : 0, hash: prefix?.digest() }));
    if (prefix) await this._answer(); // that took its time: what was answered before goes
  }

  /** @param {{ number: number, replace: boolean }} message */
  async _decided({ number, replace }) {
    const asked = this._asked.get(number);
    if (!asked) return;
    this._asked.delete(number);
    if (replace) await this._judge(asked.entry, true, FILE_OVERWRITE.ALWAYS);
    else this._leave(asked.entry, FILE_REASON.EXISTS);
    await this._answer();
    this._owner.changed();
  }

  // content

  /** @param {{ number: number, offset: number }} message */
  _start({ number, offset }) {
    const file = this._arriving.get(number);
    if (!file) return;
    if (!file.prefix || file.prefix.size !== offset || file.compared || file.writer) throw new NotARow("nothing is to be gone on with");
    file.hash = file.prefix;
    this.tally.passed += offset;
  }

  /** @param {{ number: number, offset: number, data: Uint8Array, hash: Uint8Array }} message */
  async _data(message) {
    const { data, offset } = message;
    this._received += data.length;
    const room = MAX.FILE_BLOCK - (offset % MAX.FILE_BLOCK);
    if (this._received > this._credit || data.length > room || offset < 0) throw new NotARow("more than may come");
    const file = this._arriving.get(message.number);
    try {
      if (file) await this._write(file, message);
    } catch (error) {
      if (!(error instanceof FileTrouble) || !file) throw error;
      if (FATAL.has(error.reason)) throw error;
      await this._give(file, error.reason);
    }
    this.tally.moved += data.length;
    this._written += data.length;
    this._owner.changed();
    await this._giveCredit();
  }

  /** @param {Arriving} file @param {{ offset: number, data: Uint8Array, hash: Uint8Array }} message */
  async _write(file, { offset, data, hash }) {
    const { entry } = file;
    if (file.compared) {
      if (!file.prefix || !equal(file.prefix.digest(), hash)) throw new NotARow("what was compared is not the same");
      this.tally.passed += entry.size;
      await this._give(file, FILE_REASON.DONE);
      return;
    }
    const gap = offset - file.hash.size;
    if (gap < 0 || offset + data.length > entry.size || (!data.length && !hash.length)) throw new NotARow("this is no part of the file");
    file.writer ??= await this._tree.write(file.names, file.hash.size, entry.size);
    if (gap) file.hash.zeros(gap);
    if (data.length) {
      file.hash.add(data);
      await file.writer.write(offset, data);
    }
    this.tally.passed += gap + data.length;
    if (!hash.length) return;
    if (!equal(file.hash.digest(), hash) || file.hash.size !== entry.size) {
      await file.writer.discard();
      file.writer = null;
      await this._give(file, FILE_REASON.DAMAGED);
      return;
    }
    await file.writer.finish();
    file.writer = null;
    await this._give(file, FILE_REASON.DONE);
  }

  /** What became of a file whose content was to come. @param {Arriving} file @param {number} reason */
  async _give(file, reason) {
    const { entry: { number, path, kind }, writer } = file;
    this._arriving.delete(number);
    await writer?.close();
    this._count(path, kind, reason);
    await this._owner.say("FILE_DONE", { rows: [[number, reason]] });
  }

  /** @param {string} path @param {number} kind @param {number} reason */
  _count(path, kind, reason) {
    if (reason === FILE_REASON.DONE) this.tally.done++;
    else this.tally.left++;
    this._owner.settled(path, kind, reason);
    this._owner.changed();
  }

  /** The sender can't send a file. @param {{ number: number, reason: number }} message */
  async _failed({ number, reason }) {
    const file = this._arriving.get(number);
    const asked = this._asked.get(number);
    const entry = file?.entry ?? asked?.entry;
    if (!entry) return;
    this._arriving.delete(number);
    this._asked.delete(number);
    await file?.writer?.close();
    if (file?.compared && reason === FILE_REASON.EXISTS) {
      await this._judge(entry, true);
      await this._answer();
    } else this._count(entry.path, entry.kind, reason);
  }
}
