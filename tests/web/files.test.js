/** Files: both ends of a transfer against each other, lanes, what a person is told, archives. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Hashing } from "../../viewer/avl_viewer/web/files/hash.js";
import { Lanes } from "../../viewer/avl_viewer/web/files/lanes.js";
import { Receiver } from "../../viewer/avl_viewer/web/files/receiver.js";
import { Sender } from "../../viewer/avl_viewer/web/files/sender.js";
import { Transfers } from "../../viewer/avl_viewer/web/files/transfers.js";
import { zip } from "../../viewer/avl_viewer/web/files/zip.js";
import { FilesService } from "../../viewer/avl_viewer/web/services/files.js";
import { chosen } from "../../viewer/avl_viewer/web/ui/collecting.js";
import { above } from "../../viewer/avl_viewer/web/ui/remotefiles.js";
import { progressOf } from "../../viewer/avl_viewer/web/ui/transfers.js";
import { FILE_KIND, FILE_OVERWRITE, FILE_REASON, FILE_VERDICT, MAX, PERMISSION } from "../../viewer/avl_viewer/web/wire/registry.js";
import { MemoryTree } from "./doubles/tree.js";

const hashing = await Hashing.load();
const BLOCK = MAX.FILE_BLOCK;

/** @param {number} size @param {number} [seed] */
function noise(size, seed = 1) {
  const data = new Uint8Array(size);
  let x = seed;
  for (let at = 0; at < size; at++) data[at] = (x = (Math.imul(1103515245, x) + 12345) & 0x7fffffff) >> 16;
  return data;
}

/** Items of a folder of these files. @param {Record<string, Uint8Array>} content */
function items(content) {
  /** @type {any[]} */
  const found = [{ kind: FILE_KIND.FOLDER, path: "top", size: 0, modified_us: 5 }];
  for (const [name, data] of Object.entries(content)) {
    found.push({ kind: FILE_KIND.FILE, path: `top/${name}`, file: new Blob([/** @type {any} */ (data)]), size: data.length, modified_us: 5 });
  }
  return [...found, { kind: FILE_KIND.FOLDER_END, path: "top", size: 0, modified_us: 5 }];
}

/** A sender and a receiver, whose messages reach each other one turn later. `lose`: after so many bytes both are told that
 * the session is gone.
 * @param {any[]} sent @param {MemoryTree} tree @param {{ overwrite?: number, replace?: boolean, lose?: number, alter?: (kind: string, fields: any)
 * => void }} [how] */
async function meet(sent, tree, { overwrite = FILE_OVERWRITE.ASK, replace = false, lose = Infinity, alter } = {}) {
  /** @type {[string, any][]} */
  const said = [];
  /** @type {[string, number][]} */
  const problems = [];
  let credit = 0;
  let bytes = 0;
  /** @param {() => any} to @param {string} from */
  const owner = (to, from) => ({
    say: async (/** @type {string} */ kind, /** @type {any} */ fields) => {
      alter?.(kind, fields);
      said.push([kind, fields]);
      if (kind === "FILE_CREDIT") credit = fields.size;
      if (kind === "FILE_DATA") {
        bytes += fields.data.length;
        assert.ok(bytes <= credit, "no more than the credit is sent");
        if (bytes > lose) for (const end of [sender, receiver]) end.course.stop(FILE_REASON.FAILED, false);
      }
      if (kind === "FILE_GET" || kind === "FILE_PUT") {
        if (kind === "FILE_PUT") receiver.receive({ kind: "FILE_BEGIN", ...fields });
        return;
      }
      await null;
      to().receive({ kind, ...fields });
    },
    ask: (/** @type {any} */ entry) => queueMicrotask(() => from === "receiver" && receiver.decide(entry.number, replace)),
    settled: (/** @type {string} */ path, /** @type {number} */ _kind, /** @type {number} */ reason) => {
      if (from === "receiver" && reason !== FILE_REASON.DONE) problems.push([path, reason]);
    },
    changed: () => undefined,
  });
  const sender = new Sender(sent, { path: "", single: false, overwrite }, hashing, owner(() => receiver, "sender"));
  const receiver = new Receiver({ paths: ["top"], overwrite }, tree, hashing, owner(() => sender, "receiver"));
  const reasons = await Promise.all([sender.run(), receiver.run()]);
  return { reasons, said, problems, sender, receiver, bytes };
}

const MANY = { empty: new Uint8Array(0), small: noise(10), block: noise(BLOCK), more: noise(5 * BLOCK + 17, 7), zeros: new Uint8Array(3 * BLOCK + 5) };

test("everything arrives as it was, and zeros do not travel", async () => {
  const tree = new MemoryTree();
  const { reasons, bytes, sender, receiver } = await meet(items(MANY), tree);
  assert.deepEqual(reasons, [FILE_REASON.DONE, FILE_REASON.DONE]);
  for (const [name, data] of Object.entries(MANY)) assert.deepEqual(tree.files.get(`top/${name}`), data, name);
  assert.equal(bytes, 10 + BLOCK + 5 * BLOCK + 17 + 5);
  for (const { tally } of [sender, receiver]) assert.deepEqual([tally.done, tally.left, tally.passed], [5, 0, tally.size]);
  assert.equal(tree.parts.size, 0);
});

test("what is there is compared, and nothing travels twice", async () => {
  const tree = new MemoryTree();
  await meet(items(MANY), tree);
  const { reasons, bytes, receiver } = await meet(items(MANY), tree);
  assert.deepEqual([...reasons, bytes, receiver.tally.done], [FILE_REASON.DONE, FILE_REASON.DONE, 0, 5]);
});

test("an interrupted file is gone on with at the block where it was left", async () => {
  const tree = new MemoryTree();
  const content = { more: noise(12 * BLOCK + 1) };
  const { reasons } = await meet(items(content), tree, { lose: 7 * BLOCK });
  assert.deepEqual(reasons, [FILE_REASON.FAILED, FILE_REASON.FAILED]);
  const had = /** @type {Uint8Array} */ (tree.parts.get("top/more")).length;
  assert.ok(had > 0 && had <= 8 * BLOCK && !tree.files.size);
  const { bytes } = await meet(items(content), tree);
  assert.equal(bytes, 12 * BLOCK + 1 - had);
  assert.deepEqual(tree.files.get("top/more"), content.more);
});

test("a beginning that is another one is discarded", async () => {
  const tree = new MemoryTree();
  tree.parts.set("top/more", noise(3 * BLOCK, 99));
  const { bytes } = await meet(items({ more: MANY.more }), tree);
  assert.equal(bytes, MANY.more.length);
  assert.deepEqual(tree.files.get("top/more"), MANY.more);
});

test("nothing is replaced unless a person says so", async () => {
  for (const [overwrite, replace, stays] of /** @type {[number, boolean, boolean][]} */ ([
    [FILE_OVERWRITE.ASK, false, true], [FILE_OVERWRITE.ASK, true, false], [FILE_OVERWRITE.NEVER, true, true],
    [FILE_OVERWRITE.ALWAYS, false, false], [FILE_OVERWRITE.NEWER, false, false],
  ])) {
    const tree = new MemoryTree();
    tree.folders.add("top");
    tree.files.set("top/one", noise(10, 3)); // of the same size: it is compared first
    tree.files.set("top/two", noise(11, 3));
    const { problems } = await meet(items({ one: noise(10, 4), two: noise(12, 4) }), tree, { overwrite, replace });
    assert.equal(tree.files.get("top/two")?.length, stays ? 11 : 12);
    assert.deepEqual(tree.files.get("top/one"), noise(10, stays ? 3 : 4));
    assert.deepEqual(problems.map(([, reason]) => reason), stays ? [FILE_REASON.EXISTS, FILE_REASON.EXISTS] : []);
  }
});

test("what is damaged on the way gets no name", async () => {
  const tree = new MemoryTree();
  const { reasons, problems } = await meet(items({ one: noise(10), two: noise(10, 2) }), tree, {
    alter: (kind, fields) => {
      if (kind === "FILE_DATA" && fields.number === 1) fields.data = fields.data.map((/** @type {number} */ byte) => byte ^ 1);
    },
  });
  assert.deepEqual([reasons, problems], [[0, 0], [["top/one", FILE_REASON.DAMAGED]]]);
  assert.deepEqual([...tree.files.keys()], ["top/two"]);
});

test("a file without room ends the transfer, and what came is kept", async () => {
  const tree = new MemoryTree();
  tree.room = 4 * BLOCK;
  const { reasons } = await meet(items({ more: MANY.more }), tree);
  assert.deepEqual(reasons, [FILE_REASON.NO_SPACE, FILE_REASON.NO_SPACE], "told before anything is sent");
});

test("a file that changes while it is read is left out, and the others are not", async () => {
  const tree = new MemoryTree();
  const sent = items({ one: noise(6 * BLOCK), two: noise(10) });
  const file = sent[1].file;
  let reads = 0;
  sent[1].file = { slice: (/** @type {number} */ from, /** @type {number} */ to) => file.slice(from, reads++ < 2 ? to : from + 5) };
  const { reasons, said, problems } = await meet(sent, tree);
  assert.deepEqual([reasons, problems], [[0, 0], [["top/one", FILE_REASON.CHANGED]]]);
  assert.deepEqual([...tree.files.keys()], ["top/two"]);
  assert.deepEqual(said.filter(([kind, { hash }]) => kind === "FILE_DATA" && hash.length).map(([, { number }]) => number), [2]);
});

test("a receiver makes nothing of bad names, of links, and of what is out of turn", async () => {
  for (const [rows, verdicts] of /** @type {[any[][], number[]][]} */ ([
    [[[0, 1, "../x", 0, 0, 0, ""], [1, 1, "a\u0000b", 0, 0, 0, ""], [2, 4, "l", 0, 0, 0, "a"], [3, 1, "x.avl-part", 0, 0, 0, ""]], [5, 5, 5, 5]],
  ])) {
    const tree = new MemoryTree();
    /** @type {any[]} */
    const said = [];
    const owner = { say: async (/** @type {string} */ kind, /** @type {any} */ fields) => void said.push([kind, fields]), ask() {}, settled() {}, changed() {} };
    const receiver = new Receiver({ paths: ["x"], overwrite: 0 }, tree, hashing, owner);
    const running = receiver.run();
    receiver.receive({ kind: "FILE_BEGIN", files: 4, size: 0 });
    receiver.receive({ kind: "FILE_OFFER", rows, last: true });
    assert.equal(await running, FILE_REASON.DONE);
    assert.deepEqual(said.filter(([kind]) => kind === "FILE_ANSWER").flatMap(([, fields]) => fields.rows.map((/** @type {any[]} */ row) => row[1])), verdicts);
    assert.equal(tree.files.size, 0);
  }
  assert.equal(FILE_VERDICT.LEFT, 5);
});

test("a sender that sends more than it may is stopped", async () => {
  const tree = new MemoryTree();
  /** @type {any[]} */
  const said = [];
  const owner = { say: async (/** @type {string} */ kind, /** @type {any} */ fields) => void said.push([kind, fields]), ask() {}, settled() {}, changed() {} };
  const receiver = new Receiver({ paths: ["x"], overwrite: 0 }, tree, hashing, owner);
  const running = receiver.run();
  receiver.receive({ kind: "FILE_DATA", number: 0, offset: 0, data: noise(5), hash: new Uint8Array(0) });
  assert.equal(await running, FILE_REASON.BAD_REQUEST);
  assert.deepEqual(said.at(-1), ["FILE_STOP", { reason: FILE_REASON.BAD_REQUEST }]);
});

// lanes and transfers

/** Two ports that reach each other at once. */
function ports() {
  /** @type {any} */
  const one = { onmessage: null, postMessage: (/** @type {any} */ data) => other.onmessage?.({ data }) };
  /** @type {any} */
  const other = { onmessage: null, postMessage: (/** @type {any} */ data) => one.onmessage?.({ data }) };
  return [one, other];
}

/** A session whose host says nothing by itself. @param {number} permissions */
function quiet(permissions) {
  /** @type {[number, string, any][]} */
  const sent = [];
  const session = {
    permissions,
    sent,
    flowing: true,
    flows: () => session.flowing,
    send: async (/** @type {string} */ kind, /** @type {any} */ fields, /** @type {number} */ lane) => void sent.push([lane, kind, fields]),
  };
  return session;
}

const turns = async () => {
  for (let turn = 0; turn < 50; turn++) await null;
};

test("eight jobs have lanes, the ninth waits for one, and a lane that does not flow is left alone", async () => {
  const [near, far] = ports();
  const service = new FilesService();
  const lanes = new Lanes(near, () => undefined);
  service.attach(far);
  const session = quiet(PERMISSION.FILES_OUT);
  service.admitted(/** @type {any} */ (session));
  /** @type {number[]} */
  const begun = [];
  const lines = Array.from({ length: 9 }, (_, at) => lanes.open({ begun: () => void begun.push(at), receive() {}, lost() {} }));
  assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6, 7]);
  session.flowing = false;
  void lanes.say(lines[0], "FILE_LIST", { path: "", after: "" });
  void lanes.say(lines[0], "FILE_STOP", { reason: 1 });
  await turns();
  assert.deepEqual(session.sent.map(([lane, kind, { job }]) => [lane, kind, job]), [[8, "FILE_LIST", 1]], "the first message opens the lane");
  lanes.close(lines[0]);
  assert.equal(begun.length, 8, "what was said leaves first");
  session.flowing = true;
  service.opened(/** @type {any} */ (session), 8);
  await turns();
  assert.deepEqual([session.sent.length, begun.length], [2, 9]);
});

test("a job hears what is said of it, and of no other", async () => {
  const [near, far] = ports();
  const service = new FilesService();
  const lanes = new Lanes(near, () => undefined);
  service.attach(far);
  service.admitted(/** @type {any} */ (quiet(PERMISSION.FILES_OUT)));
  /** @type {any[]} */
  const heard = [];
  lanes.open({ begun() {}, receive: (message) => heard.push(message.job), lost() {} });
  for (const [job, lane] of [[1, 8], [2, 8], [0, 8], [1, 9]]) service.told({ kind: "FILE_CREDIT", job, size: 1 }, lane);
  assert.deepEqual(heard, [1]);
});

test("what is said is bounded by what has left", async () => {
  const [near, far] = ports();
  const service = new FilesService();
  const lanes = new Lanes(near, () => undefined);
  service.attach(far);
  const session = quiet(PERMISSION.FILES_IN);
  service.admitted(/** @type {any} */ (session));
  const line = lanes.open({ begun() {}, receive() {}, lost() {} });
  await lanes.say(line, "FILE_PUT", {});
  session.flowing = false;
  let said = 0;
  void (async () => {
    for (; said < 20; said++) await lanes.say(line, "FILE_DATA", { data: new Uint8Array(BLOCK) });
  })();
  await turns();
  assert.equal(said, 4, "a MiB waits, and no more");
  session.flowing = true;
  service.moved();
  await turns();
  assert.equal(said, 20);
});

/** Transfers with a service and a session. */
function under(permissions = PERMISSION.FILES_IN | PERMISSION.FILES_OUT) {
  const [near, far] = ports();
  const service = new FilesService();
  /** @type {any[]} */
  const told = [];
  const transfers = new Transfers(hashing, (session) => new Lanes(near, session), { tell: (message) => told.push(message), clock: () => 0, after: (later) => queueMicrotask(later) });
  service.attach(far);
  const session = quiet(permissions);
  service.admitted(/** @type {any} */ (session));
  const shown = () => told.findLast(({ say }) => say === "transfers").transfers;
  return { service, transfers, session, told, shown };
}

test("a transfer that loses its session begins anew in the next one", async () => {
  const { service, transfers, session, shown } = under();
  transfers.begin({ out: true, title: "a", items: items({ a: noise(5) }), path: "" });
  await turns();
  assert.equal(shown()[0].state, "running");
  service.ended();
  await turns();
  assert.deepEqual([shown()[0].state, shown()[0].rate], ["lost", 0]);
  assert.match(shown()[0].text, /goes on by itself/);
  service.admitted(/** @type {any} */ (session));
  await turns();
  assert.equal(shown()[0].state, "running");
  assert.deepEqual(session.sent.map(([, kind, { job }]) => [kind, job]), [["FILE_PUT", 1], ["FILE_PUT", 1]]);
  transfers.cancel(1);
  await turns();
  assert.deepEqual([shown()[0].state, session.sent.at(-1)?.[1], session.sent.at(-1)?.[2].reason], ["cancelled", "FILE_STOP", FILE_REASON.CANCELLED]);
});

test("a transfer that stands still has no rate any more", async () => {
  const [near, far] = ports();
  const service = new FilesService();
  let now = 1000;
  /** @type {(() => void)[]} */
  const later = [];
  /** @type {any[]} */
  const told = [];
  const transfers = new Transfers(hashing, (session) => new Lanes(near, session), { tell: (message) => told.push(message), clock: () => now, after: (then) => later.push(then) });
  service.attach(far);
  service.admitted(/** @type {any} */ (quiet(PERMISSION.FILES_IN)));
  transfers.begin({ out: true, title: "a", items: items({ a: noise(2 * BLOCK) }), path: "" });
  await turns();
  service.told({ kind: "FILE_CREDIT", job: 1, size: BLOCK }, 8);
  await turns();
  service.told({ kind: "FILE_ANSWER", job: 1, rows: [[1, FILE_VERDICT.WANT, 0, 0, new Uint8Array(0)]] }, 8);
  while (!later.length || told.at(-1).transfers[0].passed === 0) {
    await new Promise((resolve) => setImmediate(resolve));
    now += 300;
    later.shift()?.();
  }
  const rates = [];
  while (later.length) {
    now += 1000;
    later.shift()?.();
    rates.push(told.at(-1).transfers[0].rate);
  }
  assert.ok(rates.length > 3 && rates.length < 40 && rates.at(-1) === 0, String(rates));
});

test("what may not be done is said, and why a host refuses", async () => {
  const { service, transfers, session, shown } = under(PERMISSION.FILES_IN);
  transfers.begin({ out: false, title: "a", paths: ["/a"], tree: async () => new MemoryTree() });
  assert.match(shown()[0].text, /may not (send|fetch) files .* Who gave you access/);
  transfers.begin({ out: true, title: "b", items: items({ a: noise(5) }), path: "/etc" });
  await turns();
  service.told({ kind: "FILE_STOP", job: 1, reason: FILE_REASON.NOT_SHARED }, 8);
  await turns();
  assert.deepEqual([shown()[1].state, session.sent.length], ["failed", 1]);
  assert.match(shown()[1].text, /does not share this folder/);
  transfers.again(2);
  await turns();
  assert.equal(session.sent.at(-1)?.[2].job, 2, "the lane is free for the next");
  transfers.forget();
  assert.equal(shown().length, 1);
});

test("a person's decision holds for all that follow", async () => {
  const { service, transfers, session, shown } = under();
  transfers.begin({ out: true, title: "a", items: items({ a: noise(5), b: noise(5), c: noise(5) }), path: "" });
  await turns();
  service.told({ kind: "FILE_CREDIT", job: 1, size: BLOCK }, 8);
  await turns();
  service.told({ kind: "FILE_ANSWER", job: 1, rows: [1, 2].map((number) => [number, FILE_VERDICT.EXISTS, 3, 0, new Uint8Array(0)]) }, 8);
  await turns();
  assert.deepEqual([shown()[0].question.number, shown()[0].question.newSize], [1, 5]);
  transfers.decide(1, 1, true, true);
  service.told({ kind: "FILE_ANSWER", job: 1, rows: [[3, FILE_VERDICT.EXISTS, 3, 0, new Uint8Array(0)]] }, 8);
  await turns();
  const decided = session.sent.filter(([, kind]) => kind === "FILE_DECIDE").map(([, , { number, replace }]) => [number, replace]);
  assert.deepEqual([decided, shown()[0].question], [[[1, true], [2, true], [3, true]], null]);
});

test("a folder is listed up to what a person can read, and no longer than somebody looks", async () => {
  const { service, transfers, session, told } = under();
  transfers.list(1, "/x", "", 2);
  await turns();
  service.told({ kind: "FILE_ROWS", job: 1, path: "/x", rows: [["a", 1, 0, 0, 0, ""], ["b", 1, 0, 0, 0, ""]], last: false }, 8);
  await turns();
  assert.deepEqual(told.at(-1), { say: "rows", name: 1, path: "/x", rows: [["a", 1, 0, 0, 0, ""], ["b", 1, 0, 0, 0, ""]], last: true, more: true });
  assert.deepEqual(session.sent.map(([, kind]) => kind), ["FILE_LIST", "FILE_STOP"]);
});

// what a person sees

test("progress is said in a sentence", () => {
  const shown = { id: 1, out: true, title: "a", state: /** @type {const} */ ("running"), text: "", files: 3, size: 40e6, done: 1, left: 0, passed: 10e6, rate: 2e6, problems: [], question: null };
  assert.equal(progressOf(shown), "10.0 MB of 40.0 MB · 1 of 3 files · 2.0 MB/s · 15 s left");
  assert.equal(progressOf({ ...shown, state: "paused" }), "10.0 MB of 40.0 MB · 1 of 3 files · paused");
  assert.equal(progressOf({ ...shown, state: "done", done: 2, left: 1 }), "2 files done, 40.0 MB. 1 left out.");
  assert.equal(progressOf({ ...shown, state: "failed", text: "Why." }), "Why.");
});

test("the folder above a root is the list of roots", () => {
  const roots = ["/home/a", "/"];
  assert.deepEqual(["/home/a/b/c", "/home/a", "/", "", "/x"].map((path) => above(path, roots)), ["/home/a/b", "", "", "", "/"]);
  assert.equal(above("/home/a/b", ["/home/a"]), "/home/a");
});

test("chosen files are offered folder by folder", () => {
  const file = (/** @type {string} */ path) => /** @type {any} */ ({ name: path.split("/").at(-1), webkitRelativePath: path, size: 1, lastModified: 2 });
  const { items: found, problems } = chosen([file("d/z"), file("d/e/y"), file("d/e/x"), file("d/bad\u0001")]);
  assert.deepEqual(found.map(({ kind, path }) => [kind, path]), [[2, "d"], [2, "d/e"], [1, "d/e/x"], [1, "d/e/y"], [3, "d/e"], [1, "d/z"], [3, "d"]]);
  assert.deepEqual(problems.map(([path]) => path), ["d/bad\u0001"]);
});

test("an archive has its files where its directory says", async () => {
  const file = /** @type {any} */ (new File([/** @type {any} */ (noise(1000))], "a", { lastModified: Date.UTC(2026, 1, 3) }));
  const data = new Uint8Array(await (await zip([{ path: "d", file: null }, { path: "d/ä", file }])).arrayBuffer());
  const view = new DataView(data.buffer);
  const end = data.length - 22;
  assert.equal(view.getUint32(end, true), 0x06054b50);
  assert.equal(view.getUint16(end + 10, true), 2);
  const directory = view.getUint32(end + 16, true);
  assert.equal(view.getUint32(directory, true), 0x02014b50);
  const second = directory + 46 + view.getUint16(directory + 28, true) + view.getUint16(directory + 30, true);
  const local = view.getUint32(second + 42, true);
  const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  assert.deepEqual(data.subarray(begin, begin + 1000), noise(1000));
});
