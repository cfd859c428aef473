/** A session on its way from one way to another: whatever gets lost, everything arrives once, and what comes too late
 * does not. */

import assert from "node:assert/strict";
import test from "node:test";
import { Fate } from "../../viewer/avl_viewer/web/session/input/ledger.js";
import { SessionPipes } from "../../viewer/avl_viewer/web/session/pipes.js";
import { ViewerSession } from "../../viewer/avl_viewer/web/session/viewer.js";
import { ViewerState } from "../../viewer/avl_viewer/web/session/viewing.js";
import { Refused } from "../../viewer/avl_viewer/web/wire/errors.js";
import { CHANNEL, CLOSE, INPUT, LANES, PERMISSION, TIMER } from "../../viewer/avl_viewer/web/wire/registry.js";
import { MemoryHost, MemoryPath, SESSION } from "./doubles/host.js";

const EVERYTHING = Object.values(PERMISSION).reduce((all, one) => all | one, 0);
const LOST = new Refused(CLOSE.SESSION_LOST);

/** A session that is running on its first way. */
async function running() {
  const host = await MemoryHost.create();
  const first = new MemoryPath(host, undefined, true);
  const time = { now: 1000 };
  /** @type {any[]} */
  const told = [];
  const owner = /** @type {any} */ (
    new Proxy({}, { get: (_, name) => (/** @type {any[]} */ ...of) => void told.push([name, ...of]) })
  );
  const settings = {
    identity: null, device: 1n, sessionId: SESSION, code: "c", name: "n", permissions: EVERYTHING, decodes: { chroma: [1], others: [] }, ticket: new Uint8Array(0),
  };
  const session = new ViewerSession(settings, new SessionPipes(first.attachment), owner, () => time.now, 0);
  Object.assign(session, { _opening: { ...host.opening(), admitted: true } });
  host.viewer = session;
  await session.start();
  await host.grant(first, EVERYTHING);
  await host.listen(first);
  assert.equal(session.state, ViewerState.ADMITTED);
  const type = (/** @type {string} */ text) => session.sendInput([[INPUT.TEXT, text]]);
  const happened = (/** @type {string} */ name) => told.filter(([what]) => what === name).map(([, ...of]) => of);
  return { host, first, session, time, told, type, happened };
}

test("what was typed before, while and after a way was lost arrives once and in order", async () => {
  const { host, first, session, type, happened, time } = await running();
  type("one ");
  await host.listen(first);
  first.cut = true;
  time.now += 100;
  type("two ");
  await host.listen(first);
  session.attachmentLost(first.attachment, LOST);
  time.now += 100;
  type("three ");
  assert.deepEqual(host.typed, ["one "]);
  const second = new MemoryPath(host);
  session.move(second.attachment);
  await host.listen(second);
  assert.deepEqual(host.typed, ["one ", "two ", "three "]);
  assert.deepEqual(happened("sessionMoved"), [[second.attachment]]);
  type("four");
  await host.listen(second);
  assert.equal(host.typed.join(""), "one two three four");
  assert.deepEqual(happened("sessionDropped"), []);
  assert.equal(session.inputWaits, false);
});

test("a way that only was silent counts no more once the session has left it, and can be gone back to", async () => {
  const { host, first, session, type, happened, time } = await running();
  host.hearing = false; // it gets lost on the way
  type("a");
  await host.listen(first);
  host.hearing = true;
  const second = new MemoryPath(host);
  session.move(second.attachment);
  await host.say(0, "CLOCK_PONG", { sent_us: 0, host_us: 0 }); // the host has not heard of the move yet
  await host.listen(second);
  assert.deepEqual(host.typed, ["a"]);
  assert.deepEqual(first.resets.map(([, code]) => code), [CLOSE.NO_ERROR, CLOSE.NO_ERROR, CLOSE.NO_ERROR, CLOSE.NO_ERROR]);
  time.now += 100;
  const back = new MemoryPath(host);
  session.move(back.attachment);
  type("b");
  await host.listen(back);
  session.move(second.attachment);
  await host.listen(second);
  type("c");
  await host.listen(second);
  assert.equal(host.typed.join(""), "abc");
  assert.deepEqual(happened("sessionMoved"), [[second.attachment], [back.attachment], [second.attachment]]);
});

test("a move is good on the connection that it was made for, and a refused one harms nothing", async () => {
  const { host, first, session, type, happened } = await running();
  const bound = new Uint8Array(32).fill(7);
  const tricked = new MemoryPath(host, bound);
  tricked.binding = new Uint8Array(32).fill(8);
  session.move(tricked.attachment);
  await host.listen(tricked);
  assert.ok(host.refused > 0);
  assert.deepEqual(happened("sessionUnmoved"), [[tricked.attachment]]);
  const direct = new MemoryPath(host, bound);
  session.move(direct.attachment);
  await host.listen(direct);
  type("x");
  await host.listen(direct);
  assert.deepEqual([host.typed, happened("sessionMoved"), happened("sessionEnded")], [["x"], [[direct.attachment]], []]);
  assert.equal(first.streams.size, 4);
});

test("a way that is lost while the session moves there leaves it waiting for the next one", async () => {
  const { host, first, session, type, happened } = await running();
  session.attachmentLost(first.attachment, LOST);
  const second = new MemoryPath(host);
  session.move(second.attachment);
  session.attachmentLost(second.attachment, LOST);
  type("y");
  const third = new MemoryPath(host);
  session.move(third.attachment);
  await host.listen(third);
  assert.deepEqual([host.typed, happened("sessionMoved"), session.state], [["y"], [[third.attachment]], ViewerState.ADMITTED]);
});

test("presses and text that waited for two seconds are forgotten and told of, letting go is not", async () => {
  const { host, first, session, time, happened } = await running();
  session.sendInput([[INPUT.KEY, 4, true, 0, "a"]]);
  await host.listen(first);
  session.attachmentLost(first.attachment, LOST);
  session.sendInput([[INPUT.KEY, 4, false, 0, ""]]);
  time.now += 100;
  const sequence = session.sendInput([[INPUT.TEXT, "late"]]);
  time.now += TIMER.INPUT_OLD_PRESS + 1;
  const second = new MemoryPath(host);
  session.move(second.attachment);
  await host.listen(second);
  assert.deepEqual(happened("sessionDropped"), [[[{ sequence, events: [[INPUT.TEXT, "late"]], fate: Fate.UNSENT }]]]);
  const events = host.heard.filter(({ kind }) => kind === "BATCH").flatMap((batch) => batch.events);
  assert.deepEqual(events.filter(([kind]) => kind !== INPUT.HOLDING), [[INPUT.KEY, 4, true, 0, "a"], [INPUT.KEY, 4, false, 0, ""]]);
});

test("a host that is not heard takes no input, and is believed again after a beacon", async () => {
  const { host, first, session, time, happened } = await running();
  time.now += TIMER.STALE;
  session.handleTimer(time.now);
  assert.throws(() => session.sendInput([[INPUT.TEXT, "x"]]), { code: CLOSE.SESSION_LOST });
  session.attachmentLost(first.attachment, LOST);
  const second = new MemoryPath(host);
  session.move(second.attachment);
  await host.listen(second);
  await host.say(0, "BEACON", { host_us: 0, objects: [] });
  assert.deepEqual(happened("sessionStale"), [[true], [false]]);
  session.sendInput([[INPUT.TEXT, "y"]]);
  await host.listen(second);
  assert.deepEqual(host.typed, ["y"]);
});

test("the loss of the way ends a session that was not admitted", async () => {
  const { first, session, happened } = await running();
  session.state = ViewerState.HANDSHAKE;
  session.attachmentLost(first.attachment, LOST);
  assert.deepEqual(happened("sessionEnded"), [[LOST]]);
});

test("a host that leaves the old stream before its answer has come harms nothing", async () => {
  const { host, first, session, type, happened } = await running();
  const second = new MemoryPath(host);
  session.move(second.attachment);
  session.channelReset(first.attachment, 0, 0, CLOSE.NO_ERROR);
  await host.listen(second);
  type("z");
  await host.listen(second);
  assert.deepEqual([host.typed, happened("sessionMoved"), happened("sessionUnmoved")], [["z"], [[second.attachment]], []]);
});

test("a stream that is gone is no end, unless somebody ended the session on purpose", async () => {
  const { first, session, happened } = await running();
  session.channelReset(first.attachment, 0, 0, CLOSE.GOING_AWAY);
  assert.deepEqual([session.state, happened("sessionAdrift"), happened("sessionUnmoved")], [ViewerState.ADMITTED, [[]], []]);
  const other = await running();
  other.session.channelReset(other.first.attachment, 0, 0, CLOSE.EVICTED);
  assert.equal(other.happened("sessionEnded")[0][0].code, CLOSE.EVICTED);
});

test("an end with a code that nobody knows is no success", async () => {
  for (const [code, read] of [[4711, CLOSE.EVICTED], [CLOSE.DISPLAY_LOST, CLOSE.DISPLAY_LOST]]) {
    const { host, happened } = await running();
    await host.say(0, "END", { code, text: "" });
    assert.deepEqual(happened("sessionEnded").map(([reason]) => reason.code), [read]);
  }
});

test("a desktop larger than viewers take ends the session before it is told of", async () => {
  for (const [width, height] of [[20_000, 20_000], [2 ** 40, 1], [0, 5], [-5, 10]]) {
    const { host, happened } = await running();
    await host.say(0, "LAYOUT", { width, height, names: [], monitors: [] });
    assert.deepEqual(happened("sessionEnded").map(([reason]) => reason.code), [CLOSE.TOO_LARGE]);
    assert.deepEqual(happened("sessionMessage"), []);
  }
});

test("input that a relay drops is told of after five seconds and once, although the host is heard", async () => {
  const { host, first, session, time, happened } = await running();
  session.sendInput([[INPUT.TEXT, "before"]]);
  await host.listen(first);
  first.cut = true;
  const sequence = session.sendInput([[INPUT.TEXT, "gone"]]);
  await host.listen(first);
  const at = time.now + TIMER.INPUT_UNCONFIRMED;
  for (const now of [at - 1, at, at + TIMER.INPUT_UNCONFIRMED]) {
    time.now = now;
    await host.say(0, "BEACON", { host_us: 0, objects: [] });
    session.handleTimer(now);
    const told = now < at ? [] : [[[{ sequence, events: [[INPUT.TEXT, "gone"]], fate: Fate.UNCONFIRMED }]]];
    assert.deepEqual(happened("sessionDropped"), told);
  }
});

test("what the host discards is told of by what it was, and a session that is over tells of what was under way", async () => {
  const { host, first, session, happened } = await running();
  const batch = session.sendInput([[INPUT.MOVE, 1, 1], [INPUT.KEY, 4, true, 0, "a"], [INPUT.KEY, 4, false, 0, ""]]);
  host.discarded = 2;
  await host.listen(first);
  const late = [[INPUT.KEY, 4, true, 0, "a"], [INPUT.MOVE, 1, 1]];
  assert.deepEqual(happened("sessionDropped").flat(), [[{ sequence: batch, events: late, fate: Fate.DISCARDED }]]);
  session.attachmentLost(first.attachment, LOST);
  const waits = session.sendInput([[INPUT.TEXT, "x"]]);
  session.lost(LOST);
  assert.deepEqual(happened("sessionDropped").at(-1), [[{ sequence: waits, events: [[INPUT.TEXT, "x"]], fate: Fate.UNSENT }]]);
});

test("a lane is opened when it is first needed, and moves with the session", async () => {
  const { host, first, session, happened } = await running();
  const lane = CHANNEL.FILES_2;
  assert.ok(![...first.streams.values()].some(({ channel }) => LANES.has(channel)));
  assert.equal(session.flows(lane), false);
  session.send("FILE_LIST", { job: 1, path: "a" }, lane);
  session.send("FILE_LIST", { job: 2, path: "b" }, lane);
  await host.listen(first);
  const jobs = () => host.heard.filter(({ kind }) => kind === "FILE_LIST").map(({ job }) => job);
  assert.deepEqual([jobs(), happened("sessionLane"), session.flows(lane)], [[1, 2], [[lane]], true]);
  await host.say(lane, "FILE_CREDIT", { job: 1, size: 9 });
  assert.deepEqual(happened("sessionMessage"), [[{ kind: "FILE_CREDIT", job: 1, size: 9 }, lane]]);
  first.cut = true;
  session.attachmentLost(first.attachment, LOST);
  session.send("FILE_LIST", { job: 3, path: "c" }, lane);
  session.send("FILE_LIST", { job: 4, path: "d" }, CHANNEL.FILES_1);
  assert.equal(session.flows(lane), false);
  const second = new MemoryPath(host);
  session.move(second.attachment);
  await host.listen(second);
  assert.deepEqual(jobs().sort(), [1, 2, 3, 4]);
  assert.equal(second.streams.size, 6);
  assert.deepEqual(happened("sessionMoved"), [[second.attachment]]);
});

test("a message of lanes needs a lane, and a lane the permission", async () => {
  const { session } = await running();
  assert.throws(() => session.send("FILE_LIST", { job: 1, path: "" }), { name: "LocalProtocolError" });
  session.permissions &= ~(PERMISSION.FILES_IN | PERMISSION.FILES_OUT);
  assert.throws(() => session.send("FILE_LIST", { job: 1, path: "" }, CHANNEL.FILES_1), { name: "Refused" });
});
