/**
 * Transfers: all that is under way between this browser and a host, and what a person is told of it.
 *
 * A transfer outlives sessions: where one is lost, it waits for the next and begins the same job anew; what is whole is
 * not sent again, and what is half there is gone on with (spec 15, 15.4).
 */

import { lacking } from "../wire/errors.js";
import { FILE_KIND, FILE_OVERWRITE, FILE_REASON, PERMISSION } from "../wire/registry.js";
import { FileTrouble, sentenceOf } from "./entries.js";
import { Receiver } from "./receiver.js";
import { Sender } from "./sender.js";

/** Milliseconds between two tellings of how far things are, and seconds over which a rate is measured. */
const TELL = 250;
const RATE = 3;
/** Bytes a second below which a transfer stands still. */
const SLOWEST = 1000;
/** What was left out is told so far; the rest is counted. */
const SHOWN = 100;
const LINKS = "Browsers can't make symbolic links.";
const WAITING = "There is no connection to the desktop now. This goes on by itself.";

/**
 * @typedef {"waiting" | "running" | "paused" | "lost" | "done" | "failed" | "cancelled"} State
 *
 * @typedef {object} Shown  What a person sees of a transfer.
 * @property {number} id
 * @property {boolean} out  to the host
 * @property {string} title
 * @property {State} state
 * @property {string} text  what went wrong, with what to do
 * @property {number | null} files @property {number | null} size @property {number} done @property {number} left
 * @property {number} passed
 * @property {number} rate  bytes a second
 * @property {[string, string][]} problems  path and sentence of what was left out
 * @property {{ number: number, path: string, size: number, modified: number, newSize: number, newModified: number } | null}
 * question  what may be replaced? Times are milliseconds since 1970
 *
 * @typedef {object} TransfersOwner
 * @property {(message: Record<string, any>) => void} tell  to the page
 * @property {() => number} clock  milliseconds
 * @property {(later: () => void, wait: number) => void} after  calls `later` after so many milliseconds
 *
 * @typedef {object} Plan  What is to be done.
 * @property {boolean} out
 * @property {string} title
 * @property {import("./sender.js").Item[]} [items]  of one that goes out
 * @property {string} [path]  where to
 * @property {string[]} [paths]  what is fetched
 * @property {number} [overwrite]  of FILE_OVERWRITE; default: a person is asked
 * @property {[string, string][]} [problems]  what is left out from the beginning: path and sentence
 * @property {() => Promise<import("./tree.js").Tree>} [tree]  where it is put
 * @property {(() => Promise<void>) | undefined} [arrived]  called when everything has come
 */

/** One transfer. */
class Transfer {
  /** @param {number} id @param {Plan} plan */
  constructor(id, plan) {
    this.id = id;
    this.plan = plan;
    /** @type {State} */
    this.state = "waiting";
    this.text = "";
    /** @type {Sender | Receiver | null} */
    this.end = null;
    /** The lane's number of it. */
    this.line = 0;
    this.paused = false;
    /** @type {[string, string][]} */
    this.problems = [];
    /** @type {{ entry: import("./entries.js").Entry, there: { size: number, modified_us: number } }[]} */
    this.questions = [];
    /** What was decided for all. @type {boolean | null} */
    this.forAll = null;
    /** What was begun before is closed first. @type {Promise<void>} */
    this.running = Promise.resolve();
    this.rate = 0;
    this.measured = { at: 0, moved: 0 };
  }

  /** @returns {Shown} */
  get shown() {
    const { files, size, done, left, passed } = this.end?.tally ?? { files: null, size: null, done: 0, left: 0, passed: 0 };
    const [asked] = this.questions;
    const question = asked && {
      number: asked.entry.number, path: asked.entry.path, size: asked.there.size, modified: asked.there.modified_us / 1000,
      newSize: asked.entry.size, newModified: asked.entry.modified_us / 1000,
    };
    const { id, plan, state, text, rate, problems } = this;
    return { id, out: plan.out, title: plan.title, state, text, files, size, done, left, passed, rate, problems, question: question ?? null };
  }
}

/** All transfers of a page. */
export class Transfers {
  /** @param {import("./hash.js").Hashing} hashing @param {(session: (up: boolean, permissions: number) => void) =>
   * import("./lanes.js").Lanes} lanes @param {TransfersOwner} owner */
  constructor(hashing, lanes, owner) {
    this._hashing = hashing;
    this._owner = owner;
    this._up = false;
    this._permissions = 0;
    this._lanes = lanes((up, permissions) => this._session(up, permissions));
    this._numbers = 0;
    /** @type {Map<number, Transfer>} */
    this._all = new Map();
    /** @type {Map<number, number>} */
    this._listings = new Map();
    this._telling = false;
  }

  // what a person does

  /** Begin a transfer. @param {Plan} plan */
  begin(plan) {
    const transfer = new Transfer(++this._numbers, plan);
    this._all.set(transfer.id, transfer);
    this._start(transfer);
  }

  /** @param {number} id @param {boolean} paused */
  pause(id, paused) {
    const transfer = this._all.get(id);
    if (!transfer) return;
    transfer.paused = paused;
    if (transfer.end instanceof Receiver) transfer.end.pause(paused);
    else transfer.end?.course.pause(paused);
    if (transfer.state === "running" || transfer.state === "paused") transfer.state = paused ? "paused" : "running";
    transfer.measured.at = 0;
    transfer.rate = 0;
    this._tell();
  }

  /** @param {number} id */
  cancel(id) {
    const transfer = this._all.get(id);
    if (!transfer || over(transfer.state)) return;
    transfer.end?.course.stop(FILE_REASON.CANCELLED);
    if (transfer.state === "waiting" || transfer.state === "lost") this._lanes.close(transfer.line);
    this._settle(transfer, "cancelled", "");
  }

  /** Begin one anew that failed or was cancelled. @param {number} id */
  again(id) {
    const transfer = this._all.get(id);
    if (transfer && over(transfer.state)) this._start(transfer);
  }

  /** Show one that is over no longer; without a number, all of them. @param {number} [id] */
  forget(id) {
    for (const transfer of [...this._all.values()]) {
      if (over(transfer.state) && (id === undefined || transfer.id === id)) this._all.delete(transfer.id);
    }
    this._tell();
  }

  /** What is in the way is replaced, or stays. @param {number} id @param {number} number @param {boolean} replace @param
   * {boolean} all  and so with all that follow */
  decide(id, number, replace, all) {
    const transfer = this._all.get(id);
    if (!transfer) return;
    if (all) transfer.forAll = replace;
    const decided = transfer.questions.filter(({ entry }) => all || entry.number === number);
    transfer.questions = transfer.questions.filter((question) => !decided.includes(question));
    for (const { entry } of decided) transfer.end?.decide(entry.number, replace);
    this._tell();
  }

  /** List a folder of the host; the one that was being listed under this name no longer is. @param {number} name @param
   * {string} path @param {string} after  the rows behind this one @param {number} most  rows */
  list(name, path, after, most) {
    this.stopListing(name);
    const told = (/** @type {Record<string, any>} */ fields) => this._owner.tell({ say: "rows", name, path, rows: [], last: false, ...fields });
    if (!this._up) {
      told({ text: WAITING, last: true });
      return;
    }
    let count = 0;
    const line = this._lanes.open({
      begun: (id) => this._lanes.say(id, "FILE_LIST", { path, after }),
      lost: () => told({ text: WAITING, last: true }),
      receive: (message) => {
        if (message.kind === "FILE_STOP") told({ text: sentenceOf(message.reason), last: true });
        else if (message.kind !== "FILE_ROWS") return;
        else {
          count += message.rows.length;
          const enough = !message.last && count >= most;
          told({ path: message.path, rows: message.rows, last: message.last || enough, more: enough });
          if (!message.last && !enough) return;
          if (enough) void this._lanes.say(line, "FILE_STOP", { reason: FILE_REASON.CANCELLED });
        }
        this._lanes.close(line);
        this._listings.delete(name);
      },
    });
    this._listings.set(name, line);
  }

  /** Nobody wants to know any more. @param {number} name */
  stopListing(name) {
    const line = this._listings.get(name);
    if (line === undefined) return;
    this._listings.delete(name);
    void this._lanes.say(line, "FILE_STOP", { reason: FILE_REASON.CANCELLED });
    this._lanes.close(line);
  }

  // the course of a transfer

  /** @param {boolean} up @param {number} permissions */
  _session(up, permissions) {
    this._up = up;
    this._permissions = permissions;
    for (const transfer of up ? this._all.values() : []) if (transfer.state === "lost") this._start(transfer);
    this._tell();
  }

  /** @param {Transfer} transfer */
  _start(transfer) {
    const { plan } = transfer;
    transfer.end = null;
    transfer.questions = [];
    transfer.problems = [...(plan.problems ?? [])];
    transfer.rate = 0;
    transfer.measured = { at: 0, moved: 0 };
    if (!this._up) {
      this._settle(transfer, "lost", WAITING);
    } else if (!(this._permissions & (plan.out ? PERMISSION.FILES_IN : PERMISSION.FILES_OUT))) {
      this._settle(transfer, "failed", told(plan, FILE_REASON.NOT_PERMITTED));
    } else {
      this._settle(transfer, "waiting", "");
      const line = this._lanes.open({
        begun: (id) => (transfer.running = transfer.running.then(() => this._run(transfer, id))),
        receive: (message) => transfer.end?.receive(message),
        lost: () => {
          transfer.end?.course.stop(FILE_REASON.FAILED, false);
          this._settle(transfer, "lost", WAITING);
        },
      });
      transfer.line = line;
    }
  }

  /** @param {Transfer} transfer @param {number} line */
  async _run(transfer, line) {
    const { plan } = transfer;
    /** @type {import("./job.js").JobOwner} */
    const owner = {
      say: (kind, fields) => this._lanes.say(line, kind, fields),
      ask: (entry, there) => {
        if (transfer.forAll !== null) transfer.end?.decide(entry.number, transfer.forAll);
        else transfer.questions.push({ entry, there });
        this._changed();
      },
      settled: (path, kind, reason) => {
        if (reason === FILE_REASON.DONE || transfer.problems.length >= SHOWN) return;
        transfer.problems.push([path, kind === FILE_KIND.LINK && !plan.out ? LINKS : sentenceOf(reason)]);
      },
      changed: () => this._changed(),
    };
    const mine = () => transfer.line === line && !over(transfer.state);
    try {
      const end = await this._endOf(plan, owner);
      if (!mine()) return;
      transfer.end = end;
      this._settle(transfer, transfer.paused ? "paused" : "running", "");
      if (transfer.paused) this.pause(transfer.id, true);
      const reason = await end.run();
      if (!mine() || transfer.state === "lost") return;
      if (reason === FILE_REASON.DONE) await plan.arrived?.();
      if (mine()) this._settle(transfer, ended(reason), reason === FILE_REASON.DONE ? "" : told(plan, reason));
    } catch (error) {
      if (!(error instanceof FileTrouble)) throw error;
      if (mine()) this._settle(transfer, "failed", error.message);
    } finally {
      this._lanes.close(line);
    }
  }

  /** @param {Plan} plan @param {import("./job.js").JobOwner} owner */
  async _endOf({ items, path = "", paths = [], tree, overwrite = FILE_OVERWRITE.ASK }, owner) {
    if (tree) return new Receiver({ paths, overwrite }, await tree(), this._hashing, owner);
    const sent = items ?? [];
    const first = sent[0]?.path.split("/", 1)[0];
    const single = sent.every((item) => item.path.split("/", 1)[0] === first);
    return new Sender(sent, { path, single: single && !path.endsWith("/") && path !== "", overwrite }, this._hashing, owner);
  }

  /** @param {Transfer} transfer @param {State} state @param {string} text */
  _settle(transfer, state, text) {
    transfer.state = state;
    transfer.text = text;
    if (over(state) || state === "lost") {
      transfer.questions = [];
      transfer.rate = 0;
    }
    this._tell();
  }

  /** How far something is has changed: told soon. */
  _changed() {
    if (this._telling) return;
    this._telling = true;
    this._owner.after(() => {
      this._telling = false;
      this._tell();
    }, TELL);
  }

  _tell() {
    const now = this._owner.clock();
    for (const transfer of this._all.values()) measure(transfer, now);
    this._owner.tell({ say: "transfers", transfers: [...this._all.values()].map(({ shown }) => shown) });
    if ([...this._all.values()].some(({ rate }) => rate > 0)) this._changed(); // where nothing moves any more that is seen, too
  }
}

/** Why it came to nothing. @param {Plan} plan @param {number} reason */
function told({ out }, reason) {
  return reason === FILE_REASON.NOT_PERMITTED ? lacking(out ? PERMISSION.FILES_IN : PERMISSION.FILES_OUT) : sentenceOf(reason);
}

/** @param {State} state */
function over(state) {
  return state === "done" || state === "failed" || state === "cancelled";
}

/** @param {number} reason @returns {State} */
function ended(reason) {
  return reason === FILE_REASON.DONE ? "done" : reason === FILE_REASON.CANCELLED ? "cancelled" : "failed";
}

/** The rate of late: older measurements count for less. @param {Transfer} transfer @param {number} now */
function measure(transfer, now) {
  const { measured, end } = transfer;
  if (!end || transfer.state !== "running") return;
  const { moved } = end.tally;
  const seconds = (now - measured.at) / 1000;
  if (measured.at && seconds < TELL / 1000) return;
  if (measured.at) {
    const share = 1 - Math.exp(-seconds / RATE);
    const rate = (moved - measured.moved) / seconds;
    transfer.rate = transfer.rate ? transfer.rate + (rate - transfer.rate) * share : rate;
  }
  if (transfer.rate < SLOWEST) transfer.rate = 0;
  transfer.measured = { at: now, moved };
}
