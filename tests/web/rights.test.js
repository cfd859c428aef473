/** What a session may changes while it runs: its channels follow, and a person is told. */

import assert from "node:assert/strict";
import test from "node:test";
import { SessionPipes } from "../../viewer/avl_viewer/web/session/pipes.js";
import { ViewerSession } from "../../viewer/avl_viewer/web/session/viewer.js";
import { RightsService, span } from "../../viewer/avl_viewer/web/services/rights.js";
import { lacking } from "../../viewer/avl_viewer/web/wire/errors.js";
import { CHANNEL, CLOSE, INPUT, PERMISSION, PRESETS, RIGHTS_REASON } from "../../viewer/avl_viewer/web/wire/registry.js";
import { MemoryHost, MemoryPath, SESSION } from "./doubles/host.js";

const { VIEW, POINTER, KEYBOARD } = PERMISSION;
const ACTING = VIEW | POINTER | KEYBOARD;

/** A session that is running with these permissions. @param {number} permissions */
async function running(permissions) {
  const host = await MemoryHost.create();
  const path = new MemoryPath(host, undefined, true);
  const time = { now: 1000 };
  /** @type {any[]} */
  const told = [];
  const owner = /** @type {any} */ (
    new Proxy({}, { get: (_, name) => (/** @type {any[]} */ ...of) => void told.push([name, ...of]) })
  );
  const settings = {
    identity: null, device: 1n, sessionId: SESSION, code: "", name: "n", permissions, decodes: { chroma: [1], others: [] }, ticket: new Uint8Array(0), chain: ["a token"],
  };
  const session = new ViewerSession(settings, new SessionPipes(path.attachment), owner, () => time.now, 0);
  Object.assign(session, { _opening: { ...host.opening(), admitted: true } });
  host.viewer = session;
  await session.start();
  await host.grant(path, permissions);
  await host.listen(path);
  path.first = false; // whatever is opened from now on begins with a Channel Resume
  const rights = async (/** @type {number} */ now) => {
    await host.say(0, "RIGHTS", { permissions: now, until: 0, why: RIGHTS_REASON.CHANGED });
    await host.listen(path);
  };
  const type = (/** @type {string} */ text) => session.sendInput([[INPUT.TEXT, text]]);
  const happened = (/** @type {string} */ name) => told.filter(([what]) => what === name).map(([, ...of]) => of);
  return { host, path, session, time, rights, type, happened };
}

test("a permission that is taken leaves its channel, and one that comes back is usable at once", async () => {
  const { host, path, session, rights, type, happened } = await running(ACTING);
  type("one ");
  await host.listen(path);
  await rights(VIEW);
  assert.equal(session.permissions, VIEW);
  assert.equal(happened("sessionRights").length, 1);
  assert.deepEqual(path.resets.map(([, code]) => code), [CLOSE.NO_ERROR]);
  assert.throws(() => type("lost"), (/** @type {any} */ error) => error.code === CLOSE.NOT_PERMITTED && error.message === lacking(POINTER | KEYBOARD));
  assert.equal(lacking(POINTER | KEYBOARD), "This session may not move and click or type. Who gave you access can permit it.");
  await rights(ACTING);
  type("two");
  await host.listen(path);
  assert.equal(host.typed.join(""), "one two");
  assert.deepEqual([happened("sessionMoved"), happened("sessionUnmoved"), host.refused], [[], [], 0]);
});

test("a permission that was never there is usable when it comes", async () => {
  const { host, path, rights, type } = await running(VIEW);
  await rights(ACTING);
  type("now");
  await host.listen(path);
  assert.deepEqual(host.typed, ["now"]);
});

test("what a relay does not let through yet is asked for again", async () => {
  const { host, path, session, time, type, happened } = await running(VIEW);
  const before = path.streams.size;
  await host.say(0, "RIGHTS", { permissions: ACTING, until: 0, why: 1 });
  const stream = 4 * before;
  await session.settled();
  /** @type {any} */ (path.streams.get(stream)).queue = [];
  session.channelReset(path.attachment, CHANNEL.INPUT, stream, CLOSE.FORBIDDEN);
  time.now += 150;
  session.handleTimer(time.now);
  await host.listen(path);
  type("late");
  await host.listen(path);
  assert.deepEqual(host.typed, ["late"]);
  assert.deepEqual(happened("sessionUnmoved"), []);
});

test("a session goes on where it moves with what it may then", async () => {
  const { host, path, session, rights, type, happened } = await running(ACTING);
  await rights(VIEW);
  const second = new MemoryPath(host);
  session.move(second.attachment);
  await host.listen(second);
  assert.deepEqual(happened("sessionMoved"), [[second.attachment]]);
  await host.say(0, "RIGHTS", { permissions: ACTING, until: 0, why: 1 });
  await host.listen(second);
  type("there");
  await host.listen(second);
  assert.deepEqual(host.typed, ["there"]);
  assert.notEqual(path, second);
});

test("a person is told what changed, and when the end is near", () => {
  /** @type {any[]} */
  const told = [];
  const service = new RightsService((message) => told.push(message));
  service.admitted({ permissions: PRESETS.CODE });
  const { ADMITTED, CHANGED, ENDING } = RIGHTS_REASON;
  service.told({ permissions: PRESETS.CODE, until: 400_000, why: ADMITTED });
  service.told({ permissions: VIEW | POINTER, until: 0, why: CHANGED });
  service.told({ permissions: VIEW | KEYBOARD, until: 0, why: CHANGED });
  service.told({ permissions: VIEW | KEYBOARD, until: 300_000, why: ENDING });
  assert.deepEqual(told.map(({ text }) => text), [
    "",
    "You may no longer type, read the clipboard, set the clipboard, draw, send files to the host, fetch files of the host, hear the host or choose monitors and resolutions.",
    "You may no longer use the pointer. You may type now.",
    "This session ends in 5 minutes.",
  ]);
  assert.deepEqual([span(30), span(60), span(3600 * 5)], ["30 seconds", "1 minute", "5 hours"]);
});
