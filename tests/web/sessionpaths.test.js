/** Which path a session takes: what is dialled when, where the session goes, and why. */

import assert from "node:assert/strict";
import test from "node:test";
import { Identity, deviceNumber } from "../../viewer/avl_viewer/web/crypto/identity.js";
import { ViewerState } from "../../viewer/avl_viewer/web/session/viewing.js";
import { Paths } from "../../viewer/avl_viewer/web/paths/paths.js";
import { concat, utf8 } from "../../viewer/avl_viewer/web/wire/bytes.js";
import { CANDIDATE, CLOSE, PATH } from "../../viewer/avl_viewer/web/wire/registry.js";
import { MemoryHops } from "./doubles/hops.js";

const ID = new Uint8Array(16).fill(6);
const PIN = new Uint8Array(32).fill(1);
const RELAY = { quic: "relay:1", url: "https://relay:1/avl", pin: PIN, hashes: /** @type {Uint8Array[]} */ ([]) };
const HASHES = [new Uint8Array(32).fill(2), new Uint8Array(32).fill(3)];

/** A session that runs over the relay. */
async function running() {
  const net = new MemoryHops();
  const host = await Identity.fromSeed(new Uint8Array(32).fill(9));
  /** @type {any[]} */
  const told = [];
  const directions = { now: /** @type {any} */ (RELAY) };
  const world = { dial: net.dial, directions: async () => directions.now, clock: () => net.now, after() {} };
  const owner = {
    pathsReady: (/** @type {any} */ attachment) => told.push(["ready", attachment.handle]),
    pathsFailed: (/** @type {any} */ reason) => told.push(["failed", reason.code]),
    pathsMessage() {},
    pathsChanged() {},
  };
  const paths = new Paths(world, RELAY, await deviceNumber(host.public), ID, owner);
  paths.open();
  await net.last.welcome({ observed: "192.168.1.7 5000" });
  assert.deepEqual(told, [["ready", 7]]);
  const session = /** @type {any} */ ({
    state: ViewerState.ADMITTED,
    inputWaits: false,
    move: (/** @type {any} */ attachment) => told.push(["move", attachment]),
    attachmentLost: () => told.push(["lost"]),
    send: (/** @type {string} */ kind) => told.push([kind]),
    channelWritable() {},
    datagramReceived() {},
  });
  paths.session = session;
  told.length = 0;
  const until = async (/** @type {number} */ end) => {
    await new Promise((resolve) => setImmediate(resolve));
    for (let at = paths.nextTimeout(); at !== null && at <= end; at = paths.nextTimeout()) {
      net.now = Math.max(net.now, at);
      paths.handleTimer(net.now);
      await new Promise((resolve) => setImmediate(resolve));
    }
    net.now = end;
  };
  const past = (/** @type {number} */ span) => until(net.now + span);
  return { net, paths, session, told, directions, past, host };
}

test("a relay whose certificate is not one of those that we were told may have started again: it is asked, not given up", async () => {
  const { net, told, directions, past } = await running();
  net.last.lose(CLOSE.GOING_AWAY);
  await past(10);
  net.last.lose(CLOSE.WRONG_RELAY);
  assert.ok(!told.some(([what]) => what === "failed"));
  directions.now = { ...RELAY, pin: new Uint8Array(32).fill(7) };
  await past(1000);
  assert.deepEqual(told.at(-1), ["failed", CLOSE.WRONG_RELAY]);
});

test("a relay that is lost is dialled at once, then after 250 ms and each 500 ms, and the same session comes back", async () => {
  const { net, paths, told, past } = await running();
  const begun = net.now;
  /** @type {number[]} */
  const tries = [];
  net.last.lose(CLOSE.GOING_AWAY);
  assert.deepEqual(told, [["lost"]]);
  assert.equal(paths.nowhereSince, begun);
  for (let count = 0; count < 6; count++) {
    const before = net.dialled.length;
    tries.push(net.now - begun);
    net.last.lose(CLOSE.TIMEOUT);
    while (net.dialled.length === before) await past(10);
  }
  assert.deepEqual(tries, [0, 250, 750, 1250, 1750, 2250]);
  const attach = await net.last.welcome();
  assert.deepEqual([attach.moves, attach.session], [1, ID]);
  assert.equal(told.at(-1)[0], "move");
  assert.deepEqual([paths.nowhereSince, paths.switch?.before, paths.switch?.after], [begun, "none", "relay"]);
  assert.match(String(paths.switch?.reason), /^the last way was lost/);
  paths.moved(told.at(-1)[1]);
  await past(10);
  assert.equal(paths.nowhereSince, null, "it has arrived");
});

test("a session that arrives later than it should stays where it is, and the attempt at another path is given up", async () => {
  const { net, paths, told, past } = await running();
  const begun = net.now;
  net.last.lose(CLOSE.GOING_AWAY);
  while (net.dialled.length < 2) await past(10);
  await net.last.welcome();
  const [, attachment] = told.at(-1);
  const { last } = net;
  while (net.dialled.length < 3) await past(100);
  assert.deepEqual([paths.nowhereSince, paths.current?.unfit], [begun, true]);
  paths.moved(attachment);
  await past(10);
  assert.deepEqual([paths.nowhereSince, paths.current?.attachment, paths.current?.fit], [null, attachment, true]);
  await net.last.welcome();
  assert.deepEqual([net.last.closed, last.closed, told.filter(([what]) => what === "move").length], [CLOSE.NO_ERROR, null, 1]);
});

test("an attempt that nobody answers does not hold up the next for more than 1.5 s, and there are never more than three", async () => {
  const { net, past } = await running();
  net.last.lose(CLOSE.SESSION_LOST);
  await past(5000);
  assert.equal(net.dialled.length, 5);
  assert.deepEqual(net.dialled.map(({ closed }) => closed), [CLOSE.SESSION_LOST, CLOSE.NO_ERROR, null, null, null]);
});

test("a path that is silent is kept while another is dialled, and taken back when it answers first", async () => {
  const { net, paths, session, told, past } = await running();
  const [first] = net.dialled;
  await past(3000);
  assert.equal(first.said.filter(({ kind }) => kind === "PING").length, 2, "an idle path is asked now and then");
  first.answers = false;
  session.inputWaits = true;
  paths.busy(net.now);
  await past(250);
  assert.notEqual(paths.current?.silentSince, null);
  assert.equal(net.dialled.length, 1);
  await past(900);
  assert.equal(net.dialled.length, 2);
  assert.notEqual(paths.nowhereSince, null);
  first.answers = true;
  await past(300);
  assert.deepEqual([paths.nowhereSince, paths.current?.silentSince], [null, null]);
  await net.last.welcome();
  assert.deepEqual([net.last.closed, first.closed, told.filter(([what]) => what === "move")], [CLOSE.NO_ERROR, null, []]);
});

test("a silent path is left for one that answers, and closed once the session has arrived", async () => {
  const { net, paths, session, told, past } = await running();
  const [first] = net.dialled;
  first.answers = false;
  session.inputWaits = true;
  paths.busy(net.now);
  await past(1200);
  assert.equal(net.dialled.length, 2);
  await net.last.welcome();
  assert.equal(told.at(-1)[0], "move");
  assert.equal(first.closed, null);
  paths.moved();
  assert.equal(first.closed, CLOSE.NO_ERROR);
  assert.equal(paths.switch?.reason, "the relay way fell silent");
});

test("a host that does not know the session is an answer", async () => {
  const { net, told, past } = await running();
  net.last.lose(CLOSE.GOING_AWAY);
  await past(10);
  net.last.receiver.carrierReady(net.now);
  await net.last.say("WELCOME", { version: 1, nonce: new Uint8Array(16), observed: "", identity: PIN, endorsement: PIN });
  await net.last.say("DETACH", { handle: 0, code: CLOSE.SESSION_UNKNOWN });
  assert.deepEqual(told.at(-1), ["failed", CLOSE.SESSION_UNKNOWN]);
});

test("a relay that has another certificate since it was restarted is dialled by that, another relay is not", async () => {
  const { net, directions, told, past } = await running();
  directions.now = { ...RELAY, hashes: HASHES };
  net.last.lose(CLOSE.GOING_AWAY);
  await past(10);
  assert.deepEqual(net.last.hashes, HASHES);
  assert.deepEqual(net.dialled.map(({ closed }) => closed), [CLOSE.GOING_AWAY, CLOSE.NO_ERROR, null]);
  directions.now = { ...RELAY, pin: new Uint8Array(32) };
  net.last.lose(CLOSE.GOING_AWAY);
  await past(600);
  assert.deepEqual(told.at(-1), ["failed", CLOSE.WRONG_RELAY]);
});

test("where only TCP works UDP is tried again, ever less often, and taken when it answers", async () => {
  const { net, paths, told, past } = await running();
  net.last.carrier.reliableDatagrams = true;
  const begun = net.now;
  /** @type {number[]} */
  const tries = [];
  while (net.dialled.length < 4) {
    const before = net.dialled.length;
    await past(100);
    if (net.dialled.length === before) continue;
    assert.equal(net.last.tcp, false);
    tries.push(Math.round((net.now - begun) / 1000));
    if (net.dialled.length < 4) net.last.lose(CLOSE.TIMEOUT);
  }
  assert.deepEqual(tries.map((at, index) => at - (tries[index - 1] ?? 0)).map((gap) => Math.round(gap / 2) * 2), [8, 10, 30]);
  await net.last.welcome();
  assert.equal(told.at(-1)[0], "move");
  assert.deepEqual([paths.current?.name, paths.switch?.reason], ["relay", "UDP works"]);
});

test("the host itself is tried where it may be, proves itself, and is left again when it is lost", async () => {
  const { net, paths, told, past, host } = await running();
  const [relay] = net.dialled;
  const rows = [[CANDIDATE.LOCAL, "192.168.1.9", 7000], [CANDIDATE.LOCAL, "10.0.0.1", 7000], [CANDIDATE.OBSERVED, "203.0.113.1", 7000]];
  paths.candidates({ kind: "CANDIDATES", serial: 1, rows, hashes: HASHES }, net.now);
  assert.deepEqual(told, [["CANDIDATES"]]);
  await past(1);
  assert.deepEqual(net.dialled.map(({ url }) => url).slice(1), [`https://192.168.1.9:7000${PATH}`]);
  const endorsement = await host.sign(concat(utf8("avl/1 host certificate\0"), HASHES[1]));
  await net.last.welcome({ identity: host.public, endorsement });
  const [what, attachment] = told.at(-1);
  assert.deepEqual([what, attachment.binding], ["move", HASHES[1]]);
  assert.deepEqual([paths.current?.name, paths.switch?.reason], ["lan", "a direct way was found"]);
  paths.moved();
  assert.equal(relay.closed, null);
  net.last.lose(CLOSE.SESSION_LOST);
  assert.deepEqual([paths.current?.name, paths.switch?.before, told.at(-1)[0]], ["relay", "none", "move"]);
  paths.moved();
  await past(5100);
  assert.equal(net.dialled.length, 3);
});

test("a host that the session came to directly may end it at once, though a relay is at hand", async () => {
  const { net, paths, told, past, host } = await running();
  paths.candidates({ kind: "CANDIDATES", serial: 1, rows: [[CANDIDATE.LOCAL, "192.168.1.9", 7000]], hashes: HASHES }, net.now);
  await past(1);
  const endorsement = await host.sign(concat(utf8("avl/1 host certificate\0"), HASHES[1]));
  await net.last.welcome({ identity: host.public, endorsement });
  net.last.lose(CLOSE.EVICTED); // the move is still under way
  assert.deepEqual(told.at(-1), ["failed", CLOSE.EVICTED]);
});

test("another device at the host's address is not the host", async () => {
  const { net, paths, past } = await running();
  const other = await Identity.fromSeed(new Uint8Array(32).fill(8));
  paths.candidates({ kind: "CANDIDATES", serial: 1, rows: [[CANDIDATE.LOCAL, "203.0.113.9", 7000]], hashes: HASHES }, net.now);
  await past(1);
  const endorsement = await other.sign(concat(utf8("avl/1 host certificate\0"), HASHES[0]));
  assert.equal(await net.last.welcome({ identity: other.public, endorsement }), undefined);
  assert.deepEqual([net.last.closed, paths.current?.name], [CLOSE.WRONG_HOST, "relay"]);
});

test("when the network has changed the session goes over to what was dialled by it", async () => {
  const { net, paths, told } = await running();
  const [first] = net.dialled;
  paths.networkChanged(net.now);
  assert.deepEqual([net.dialled.length, first.closed, paths.nowhereSince], [2, null, null]);
  await net.last.welcome();
  assert.equal(told.at(-1)[0], "move");
  paths.moved();
  assert.deepEqual([first.closed, paths.switch?.reason], [CLOSE.NO_ERROR, "the network has changed"]);
});

test("a host that does not take the session at a place is asked at another", async () => {
  const { net, paths, told, past } = await running();
  paths.networkChanged(net.now);
  await net.last.welcome();
  paths.unmoved(/** @type {any} */ (paths.current?.attachment));
  await past(240);
  assert.equal(net.dialled.length, 2, "not within 250 ms");
  await past(20);
  await net.last.welcome();
  assert.equal(net.dialled.length, 3);
  assert.equal(told.filter(([what]) => what === "move").length, 2);
});

test("a session that has lost its streams and not its path is moved again at once, be it to the same", async () => {
  const { net, paths, told, past } = await running();
  const { attachment } = /** @type {any} */ (paths.current);
  paths.adrift();
  assert.deepEqual([told, paths.current?.attachment], [[["move", attachment]], attachment]);
  paths.unmoved(attachment); // that is reset as well
  await past(10);
  assert.equal(net.dialled.length, 2);
});

test("a relay that goes away is left as soon as there is another path, and kept until then", async () => {
  const { net, paths, told, past } = await running();
  const [first] = net.dialled;
  await first.say("GOAWAY", { elsewhere: [] });
  await past(1);
  assert.deepEqual([net.dialled.length, first.closed, paths.nowhereSince, told], [2, null, null, []]);
  await net.last.welcome();
  assert.deepEqual([told.at(-1)[0], paths.switch?.reason, first.closed], ["move", "the relay goes away", null]);
  paths.moved(told.at(-1)[1]);
  assert.equal(first.closed, CLOSE.NO_ERROR);
});

test("what a host's candidate answers ends no session, though no relay is at hand", async () => {
  const { net, paths, told, past } = await running();
  paths.candidates({ kind: "CANDIDATES", serial: 1, rows: [[CANDIDATE.LOCAL, "192.168.1.9", 7000]], hashes: HASHES }, net.now);
  await past(1);
  const direct = net.last;
  net.dialled[0].lose(CLOSE.GOING_AWAY);
  direct.lose(CLOSE.WRONG_HOST);
  assert.deepEqual(told.filter(([what]) => what === "failed"), []);
});

test("when a relay says that the session is over the host's word is waited for, but not for ever", async () => {
  const { net, told, past } = await running();
  await net.last.say("DETACH", { handle: 7, code: CLOSE.ENDED });
  assert.deepEqual(told, []);
  await past(1100);
  assert.deepEqual(told.at(-1), ["failed", CLOSE.ENDED]);
});

test("a relay that does not find the host any more is asked again", async () => {
  const { net, told, past } = await running();
  net.last.lose(CLOSE.GOING_AWAY);
  await past(10);
  net.last.lose(CLOSE.UNAVAILABLE);
  await past(300);
  assert.deepEqual([net.dialled.length, told], [3, [["lost"]]]);
});
