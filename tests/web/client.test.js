/** What the page is told while a session comes and goes, and what a new one begins with. */

import assert from "node:assert/strict";
import test from "node:test";
import { Client } from "../../viewer/avl_viewer/web/session/client.js";
import { USAGE } from "../../viewer/avl_viewer/web/input/keys.js";
import { Fate } from "../../viewer/avl_viewer/web/session/input/ledger.js";
import { ViewerState } from "../../viewer/avl_viewer/web/session/viewing.js";
import { lines } from "../../viewer/avl_viewer/web/ui/figures.js";
import { Tally } from "../../viewer/avl_viewer/web/ui/tally.js";
import { GrantRefused, Refused } from "../../viewer/avl_viewer/web/wire/errors.js";
import { CLIPBOARD_STATE, CLOSE, GRANT_REFUSAL, INPUT, MAX, TIMER } from "../../viewer/avl_viewer/web/wire/registry.js";
import { MemoryHops } from "./doubles/hops.js";

const PIN = new Uint8Array(32).fill(1);
const RELAY = { quic: "relay:1", url: "https://relay:1/avl", pin: PIN, hashes: /** @type {Uint8Array[]} */ ([]) };
const TICKET = new Uint8Array(32).fill(4);

/** A client whose session is running. @param {Record<string, any>} want */
async function running(want = {}) {
  const net = new MemoryHops();
  /** @type {any[]} */
  const told = [];
  const world = /** @type {any} */ ({
    dial: net.dial, directions: async () => RELAY, clock: () => net.now, wall: () => 0, after() {}, decodes: { chroma: [1], others: [] }, identity: null,
    entropy: (/** @type {number} */ size) => new Uint8Array(size).fill(net.dialled.length),
  });
  const client = new Client(world, { paint() {}, desktops() {} }, (message) => told.push(message));
  await client.connect(/** @type {any} */ ({ directions: RELAY, device: 1n, code: "c", name: "n", ...want }));
  const paths = /** @type {any} */ (client.paths);
  const session = {
    state: ViewerState.ADMITTED, stale: false, inputWaits: false, attachment: { handle: 7 }, media: null, visible: true,
    sendInput() {
      throw new Refused(CLOSE.SESSION_LOST);
    },
    attachmentLost() {}, move() {}, send() {}, lost() {}, nextTimeout: () => null, handleTimer() {}, end: async () => {},
  };
  paths.session = session;
  await net.last.welcome();
  const owner = client._bound(paths);
  owner.sessionAdmitted({ permissions: 31, name: "desk", tracks: [] });
  const states = () => told.filter(({ say }) => say === "state").map(({ state }) => state);
  return { net, client, paths, owner, told, states, session };
}

test("while nobody answers a person is told so after a second, and for how long the session is kept", async () => {
  const { net, client, paths, owner, told, states } = await running();
  net.last.lose(CLOSE.SESSION_LOST);
  assert.deepEqual(states(), ["connecting", "running"]);
  for (const seconds of [1, 2]) {
    net.now += 1001 * seconds;
    client.handleTimer(net.now);
  }
  assert.deepEqual(states(), ["connecting", "running", "lost"]);
  const { text, waited } = told.at(-1);
  assert.match(text, /Nobody answers.*kept for 10 min more/);
  assert.ok(waited > 1000);
  await net.last.welcome();
  assert.equal(states().at(-1), "lost", "a relay answers, the host does not yet");
  owner.sessionMoved(/** @type {any} */ (paths.current?.attachment));
  assert.equal(states().at(-1), "running");
});

test("what was done in vain is told of, all of it", async () => {
  const { client, owner, told } = await running();
  const tally = new Tally();
  const sentence = () => {
    for (const { say, dropped } of told.splice(0)) if (say === "dropped") tally.add(dropped);
    return tally.sentence();
  };
  client.input([[INPUT.MOVE, 1, 1]], 0);
  client.input([[INPUT.KEY, 4, false, 0, ""]], 0);
  assert.equal(sentence(), "");
  client.input([[INPUT.TEXT, "a\u{1f642}"]], 0);
  client.input([[INPUT.KEY, USAGE.SHIFT, true, 0, ""], [INPUT.KEY, 4, true, 0, "A"]], 0);
  assert.equal(sentence(), "3 keys did not reach the desktop in time: not sent.");
  owner.sessionDropped([{ sequence: 3, events: [[INPUT.BUTTON, 1, true], [INPUT.WHEEL, 0, 120]], fate: Fate.DISCARDED }]);
  owner.sessionDropped([{ sequence: 4, events: [[INPUT.KEY, 4, true, 0, "a"]], fate: Fate.UNCONFIRMED }]);
  const before = "3 keys, 1 click and 1 turn of the wheel did not reach the desktop in time: not sent.";
  assert.equal(sentence(), `${before} The host has not confirmed 1 key.`);
  owner.sessionDropped([{ sequence: 4, events: [[INPUT.KEY, 4, true, 0, "a"]], fate: Fate.DISCARDED }]);
  assert.equal(sentence(), before.replace("3", "4"));
  tally.clear();
  assert.equal(sentence(), "");
});

test("a host that has forgotten the session is asked at once for another, with the ticket of the last", async () => {
  const { net, client, paths, owner, told, states } = await running();
  owner.sessionMessage({ kind: "TICKET", ticket: TICKET, seconds: 600 });
  assert.deepEqual([told.at(-1).say, told.at(-1).ticket], ["ticket", TICKET]);
  paths._owner.pathsFailed(new Refused(CLOSE.SESSION_UNKNOWN));
  assert.equal(states().at(-1), "lost");
  client.handleTimer(net.now);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(net.dialled.length, 2);
  assert.deepEqual([client.features.tickets.ticket, client.paths === paths], [TICKET, false]);
});

test("a session that takes a lost one's place shows a relay that asks for passes what the first one showed", async () => {
  const accessPass = new Uint8Array(48).fill(3);
  const { net, client, paths } = await running({ accessPass });
  const attached = () => net.last.said.filter(({ kind }) => kind === "ATTACH").map(({ session, access_pass }) => [String(session), access_pass]);
  const [[first, shown]] = attached();
  assert.deepEqual(shown, accessPass);
  paths._owner.pathsFailed(new Refused(CLOSE.SESSION_UNKNOWN));
  client.handleTimer(net.now);
  await new Promise((resolve) => setImmediate(resolve));
  await net.last.welcome({ place: false });
  const [[second, again]] = attached();
  assert.notEqual(second, first);
  assert.deepEqual(again, accessPass);
});

test("a reloaded page tries again as one that was running, and asks for the code when the ticket is worth nothing", async () => {
  const { paths, told, states } = await running({ code: "", ticket: TICKET });
  paths._owner.pathsFailed(new Refused(CLOSE.REFUSED));
  assert.equal(states().at(-1), "refused");
  assert.match(told.at(-1).text, /does not remember this session any more. Enter its code/);
});

test("who ended a session is said, and nothing is tried again", async () => {
  for (const [code, words] of /** @type {[number, string][]} */ ([
    [CLOSE.EVICTED, "The host ended this session."],
    [CLOSE.OPERATOR_ENDED, "The relay's operator ended this session."],
    [CLOSE.OWNER_ENDED, "The owner of the host ended this session."],
  ])) {
    const { owner, client, told, states } = await running();
    owner.sessionEnded(new Refused(code));
    assert.deepEqual([states().at(-1), told.at(-1).text, client.paths], ["ended", words, null]);
  }
});

test("a chain that is refused is said with its reason, before the session ran and when it comes back", async () => {
  for (const [why, words] of /** @type {[number, RegExp][]} */ ([[GRANT_REFUSAL.REVOKED, /refused the grant: it was taken back/], [GRANT_REFUSAL.EXPIRED, /its time is over/]])) {
    const { owner, client, told, states } = await running({ code: "", chain: ["token"] });
    owner.sessionEnded(new GrantRefused(why));
    assert.equal(states().at(-1), "refused");
    assert.match(told.at(-1).text, words);
    assert.equal(client.paths, null, "nothing is tried again");
  }
});

test("a session that nobody could reach for as long as hosts keep one is begun anew", async () => {
  const { net, client, states } = await running();
  net.last.lose(CLOSE.SESSION_LOST);
  net.now += TIMER.RESUME + 1;
  client.handleTimer(net.now);
  assert.equal(states().at(-1), "lost");
  assert.equal(client.paths, null);
});

test("the figures name the way and the last change of it", () => {
  const quantiles = { p50: null, p95: null };
  const figures = {
    path: "lan", fps: 0, bitrate_bps: 0, rtt_ms: 1, loss: 0, input_to_photon_ms: quantiles, glass_to_glass_ms: quantiles, stages_ms: {},
    switch: { from: "relay", to: "lan", reason: "a direct way was found", ago_s: 3.2 },
  };
  assert.deepEqual(lines(figures).slice(0, 2), [["path", "lan"], ["  switched", "relay to lan 3 s ago: a direct way was found"]]);
});

test("a paste waits for the host's clipboard, and nothing is pasted where it was not taken", async () => {
  const { net, client, owner, told, session } = await running();
  /** @type {any[]} */
  const bulk = [];
  /** @type {any[]} */
  const sent = [];
  Object.assign(session, {
    clock: { toHost: (/** @type {number} */ at) => at },
    send: (/** @type {string} */ kind, /** @type {any} */ fields) => kind === "CLIPBOARD" && bulk.push([kind, fields]),
    sendInput: (/** @type {any[]} */ events) => sent.push(...events) && 1,
  });
  const key = /** @type {any} */ ([INPUT.KEY, 0x19, true, 1, ""]);
  const refused = () => told.filter(({ say }) => say === "clipboard-refused").map(({ state }) => state);

  client.paste("one\r\ntwo", [key], 0);
  assert.deepEqual(bulk, [["CLIPBOARD", { serial: 1, state: CLIPBOARD_STATE.TEXT, text: "one\ntwo" }]]);
  assert.deepEqual(sent, []);
  owner.sessionMessage({ kind: "CLIPBOARD_SET", serial: 1, taken: true, state: 0 });
  assert.deepEqual([sent, refused()], [[key], []]);

  client.paste("again", [key], 0);
  owner.sessionMessage({ kind: "CLIPBOARD_SET", serial: 2, taken: false, state: CLIPBOARD_STATE.NO_ANSWER });
  net.now += 600;
  client.handleTimer(net.now);
  assert.deepEqual([sent.length, refused()], [1, [CLIPBOARD_STATE.NO_ANSWER]]);

  client.paste("x".repeat(MAX.CLIPBOARD_TEXT + 1), [key], 0);
  client.paste("a\0b", [key], 0);
  assert.deepEqual([bulk.length, sent.length], [2, 1], "what can't travel is not sent, nor the key that would paste another text");
  assert.deepEqual(refused().slice(1), [CLIPBOARD_STATE.TOO_LARGE, CLIPBOARD_STATE.NOT_TEXT]);
});

test("what is done while a paste waits comes behind it, and is not lost with it", async () => {
  const { net, client, owner, session } = await running();
  /** @type {any[]} */
  const sent = [];
  Object.assign(session, { clock: { toHost: (/** @type {number} */ at) => at }, send() {}, sendInput: (/** @type {any[]} */ events) => sent.push(...events) && 1 });
  const [key, release, letter, move] = /** @type {any[]} */ ([
    [INPUT.KEY, 0x19, true, 1, "v"], [INPUT.KEY, USAGE.CONTROL, false, 0, ""], [INPUT.KEY, 0x05, true, 0, "b"], [INPUT.MOVE, 1, 2],
  ]);
  const taken = (/** @type {number} */ serial, taken = true) => owner.sessionMessage({ kind: "CLIPBOARD_SET", serial, taken, state: 0 });

  client.input([move], 0);
  client.paste("one", [key], 0);
  client.input([release], 1);
  client.input([letter], 2);
  assert.deepEqual(sent, [move]);
  taken(1);
  assert.deepEqual(sent.splice(0), [move, key, release, letter]);
  client.input([move], 3);
  assert.deepEqual(sent.splice(0), [move], "nothing waits any more");

  client.paste("two", [key], 4);
  client.input([release], 5);
  client.paste("three", [key], 6);
  taken(2);
  assert.deepEqual(sent, [], "another text is under way");
  taken(3);
  assert.deepEqual(sent.splice(0), [key, release, key]);

  client.paste("four", [key], 7);
  client.input([release], 8);
  taken(4, false);
  assert.deepEqual(sent.splice(0), [release], "only the key that would paste another text is left out");

  client.paste("five", [key], 9);
  client.input([release], 10);
  net.now += 501;
  client.handleTimer(net.now);
  assert.deepEqual(sent, [key, release], "nobody waits longer for a host that does not answer");
});

test("the page is told what the host's clipboard holds, or why it holds no text", async () => {
  const { owner, told } = await running();
  for (const [state, text] of [[0, "a\r\nb"], [0, ""], [CLIPBOARD_STATE.NOT_TEXT, ""], [99, ""]]) {
    owner.sessionMessage({ kind: "CLIPBOARD", serial: 1, state, text });
  }
  assert.deepEqual(told.filter(({ say }) => say === "clipboard"), [
    { say: "clipboard", state: CLIPBOARD_STATE.TEXT, text: "a\nb" },
    { say: "clipboard", state: CLIPBOARD_STATE.EMPTY, text: "" },
    { say: "clipboard", state: CLIPBOARD_STATE.NOT_TEXT, text: "" },
    { say: "clipboard", state: CLIPBOARD_STATE.NOT_TEXT, text: "" },
  ]);
});
