/** What a session does about exact pixels that do not come: it says which objects, once in a while, until the host has
 * answered. */

import assert from "node:assert/strict";
import test from "node:test";
import { SessionPipes } from "../../viewer/avl_viewer/web/session/pipes.js";
import { ViewerSession } from "../../viewer/avl_viewer/web/session/viewer.js";
import { PERMISSION } from "../../viewer/avl_viewer/web/wire/registry.js";
import { MemoryHost, MemoryPath, SESSION } from "./doubles/host.js";

const TRACKS = [[1, 1, 4, 500, 1], [2, 4, 2, 1000, 4, 5]];

/** A session that is running, with exact pixels from object 5 on. */
async function running() {
  const host = await MemoryHost.create();
  const path = new MemoryPath(host, undefined, true);
  const time = { now: 1000 };
  let settled = 0;
  const owner = /** @type {any} */ (new Proxy({}, { get: (_, name) => () => void (settled += name === "sessionSettled" ? 1 : 0) }));
  const settings = {
    identity: null, device: 1n, sessionId: SESSION, code: "c", name: "n", permissions: PERMISSION.VIEW, decodes: { chroma: [1], others: [] }, ticket: new Uint8Array(0),
  };
  const session = new ViewerSession(settings, new SessionPipes(path.attachment), owner, () => time.now, 0);
  Object.assign(session, { _opening: { ...host.opening(), admitted: true } });
  host.viewer = session;
  await session.start();
  await host.grant(path, PERMISSION.VIEW, TRACKS);
  /** Until a moment, as the worker would: what the viewer asked for. @param {number} at */
  const until = async (at) => {
    for (let next = session.nextTimeout(); next !== null && next <= at; next = session.nextTimeout()) {
      time.now = Math.max(time.now, next);
      session.handleTimer(time.now);
    }
    time.now = at;
    await host.listen(path);
    return host.heard.splice(0).filter(({ kind }) => kind === "MISSING").map(({ track, objects }) => [track, objects]);
  };
  await until(1000);
  return { host, session, until, settled: () => settled };
}

test("what a beacon names and does not come is asked for, again after a while, and no more once it is replaced", async () => {
  const { host, session, until, settled } = await running();
  await host.say(0, "BEACON", { host_us: 0, objects: [[1, 3, 0], [2, 7, 1]] });
  assert.deepEqual([await until(1149), settled()], [[], 1]);
  assert.deepEqual(await until(1150), [[2, [[5, 7]]]]);
  assert.deepEqual(await until(1400), []);
  assert.deepEqual(await until(1450), [[2, [[5, 7]]]]);
  await host.say(0, "REPLACED", { track: 2, objects: [[5, 6]], newest: 7 });
  assert.deepEqual([await until(1800), settled()], [[[2, [[7, 7]]]], 2]);
  await host.say(0, "REPLACED", { track: 2, objects: [[7, 7]], newest: 7 });
  assert.deepEqual(await until(3000), []);
  assert.equal(session.media?.allSent(2), false, "it comes again in an object behind that");
});

test("an object that could not be used is asked for as if it had not come", async () => {
  const { session, until } = await running();
  session.leftOut(2, 9);
  assert.deepEqual(await until(1150), [[2, [[9, 9]]]]);
});

test("rows of a beacon that say less or more are read as far as they go", async () => {
  const { host, until } = await running();
  await host.say(0, "BEACON", { host_us: 0, objects: [[2], [], [2, 5], [2, 6, 1, 99], [9, 4, 1]] });
  assert.deepEqual(await until(1150), [[2, [[5, 5], [6, 6]]]]);
});
