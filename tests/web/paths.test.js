/** How paths are judged: silence, the choice among them, where a host may be tried; and the ticket that a tab keeps. */

import assert from "node:assert/strict";
import test from "node:test";
import { reachable } from "../../viewer/avl_viewer/web/path/candidate.js";
import { PATIENCE, Selector, PathKind } from "../../viewer/avl_viewer/web/path/selector.js";
import { IDLE_ASK, REPEAT, Silence, UNANSWERED, Verdict } from "../../viewer/avl_viewer/web/path/silence.js";
import { Fate } from "../../viewer/avl_viewer/web/session/input/ledger.js";
import { InputOutbox } from "../../viewer/avl_viewer/web/session/input/outbox.js";
import { waitingSentence } from "../../viewer/avl_viewer/web/paths/sentences.js";
import { TicketStore } from "../../viewer/avl_viewer/web/tickets.js";
import { CANDIDATE, INPUT, TIMER } from "../../viewer/avl_viewer/web/wire/registry.js";

test("a busy path is asked after 100 ms and silent after as long again, an idle one is asked seldom", () => {
  const silence = new Silence();
  assert.equal(silence.nextTimeout(0, 0, 20), IDLE_ASK);
  assert.equal(silence.look(50, 40, 40, true, 20), Verdict.FINE);
  assert.equal(silence.nextTimeout(40, 40, 20), 50 + TIMER.SILENCE);
  assert.equal(silence.look(150, 40, 40, true, 20), Verdict.ASK);
  assert.equal(silence.look(200, 40, 40, true, 20), Verdict.FINE);
  assert.equal(silence.look(250, 40, 40, true, 20), Verdict.SILENT);
  assert.equal(silence.silent, true);
  assert.equal(silence.nextTimeout(40, 40, 20), 250 + REPEAT);
  assert.equal(silence.look(500, 40, 40, true, 20), Verdict.ASK);
  assert.equal(silence.look(510, 505, 505, true, 20), Verdict.FINE);
  assert.equal(silence.silent, false);
});

test("an idle path from which something comes is not asked until it is busy", () => {
  const silence = new Silence();
  for (let at = 1000; at < 60_000; at += 1000) assert.equal(silence.look(at + 990, at, 0, false, 20), Verdict.FINE);
  silence.busy(60_000);
  assert.equal(silence.look(60_000 + TIMER.SILENCE, 60_000, 0, true, 20), Verdict.ASK);
});

test("a path from which something comes but no answer is asked, and silent until it answers", () => {
  const silence = new Silence();
  silence.busy(0);
  const ask = UNANSWERED + TIMER.SILENCE;
  assert.equal(silence.look(ask - 1, ask - 2, 0, true, 20), Verdict.FINE);
  assert.equal(silence.look(ask, ask - 1, 0, true, 20), Verdict.ASK);
  assert.equal(silence.look(ask + 199, ask + 198, 0, true, 20), Verdict.FINE);
  assert.equal(silence.look(ask + 200, ask + 198, 0, true, 20), Verdict.SILENT);
  assert.equal(silence.look(ask + 250, ask + 249, 0, true, 20), Verdict.FINE);
  assert.equal(silence.look(ask + 310, ask + 309, 0, true, 20), Verdict.ASK, "something came: at once");
  assert.equal(silence.silent, true);
  silence.look(ask + 320, ask + 319, ask + 319, true, 20);
  assert.equal(silence.silent, false);
});

test("a long path is given one and a half round trips", () => {
  const silence = new Silence();
  silence.look(0, 0, 0, true, 200);
  assert.equal(silence.nextTimeout(0, 0, 200), 330);
});

/** @param {string} name @param {number} kind @param {number | null} rtt @param {boolean} silent */
const path = (name, kind, rtt, silent = false) => ({ name, kind, rtt, loss: 0, silent });

test("a direct path that is not much slower is taken at once, a quicker relay after two seconds, and silence is left at once", () => {
  const selector = new Selector();
  const relay = path("relay", PathKind.RELAY, 20);
  assert.equal(selector.choose("relay", [relay, path("lan", PathKind.LAN, 30)], 0), "lan");
  assert.equal(selector.choose("relay", [relay, path("lan", PathKind.LAN, 60)], 0), "relay");
  const slow = path("slow", PathKind.RELAY, 100);
  assert.equal(selector.choose("slow", [slow, relay], 0), "slow");
  assert.equal(selector.choose("slow", [slow, relay], PATIENCE - 1), "slow");
  assert.equal(selector.choose("slow", [slow, relay], PATIENCE), "relay");
  assert.equal(selector.choose("lan", [relay, path("lan", PathKind.LAN, 1, true)], 0), "relay");
  assert.equal(selector.choose("lan", [path("relay", PathKind.RELAY, 1, true)], 0), "lan");
  assert.equal(selector.choose("tcp", [path("tcp", PathKind.TCP, 5), relay], 0), "relay");
});

test("a kind of path that failed has to prove itself, for longer each time, until that is long ago", () => {
  /** @type {Selector<string>} */
  const selector = new Selector();
  const paths = [path("relay", PathKind.RELAY, 20), path("lan", PathKind.LAN, 1)];
  selector.failed(PathKind.LAN, 0);
  assert.deepEqual([0, 999, 1000].map((now) => selector.choose("relay", paths, now)), ["relay", "relay", "lan"]);
  selector.failed(PathKind.LAN, 2000);
  assert.equal(selector.proof(PathKind.LAN, 2000), 2000);
  for (let count = 0; count < 9; count++) selector.failed(PathKind.LAN, 3000);
  assert.equal(selector.proof(PathKind.LAN, 3000), 60_000);
  assert.equal(selector.proof(PathKind.LAN, 200_000), 0);
});

test("a host is tried at public addresses, and at private ones only where both are likely to be together", () => {
  const local = (/** @type {string} */ host) => [CANDIDATE.LOCAL, host, 7000];
  const rows = [
    local("192.168.1.9"), local("10.0.0.9"), local("203.0.113.9"), local("127.0.0.1"), local("224.0.0.1"), local("2001:db8::9"),
    local("fe80::1"), local("fd00::1"), local("name"), [CANDIDATE.LOCAL, "203.0.113.8", 0], [CANDIDATE.MAPPED, "203.0.113.7", 7], ["x"],
  ];
  const everywhere = ["203.0.113.9:7000", "[2001:db8::9]:7000"];
  assert.deepEqual(reachable(rows, "198.51.100.1 9", false), everywhere);
  assert.deepEqual(reachable(rows, "", false), everywhere);
  assert.deepEqual(reachable(rows, "192.168.1.7 9", false), ["192.168.1.9:7000", ...everywhere]);
  const behind = [...rows, [CANDIDATE.OBSERVED, "198.51.100.1", 4000]];
  assert.deepEqual(reachable(behind, "198.51.100.1 9", false), everywhere, "the host's word is no evidence");
  assert.deepEqual(reachable(rows, "198.51.100.1 9", true), ["192.168.1.9:7000", "10.0.0.9:7000", ...everywhere]);
});

test("what waits in the outbox is forgotten by what it is: presses after 2 s, moves after 10 s, letting go never", () => {
  const outbox = new InputOutbox();
  outbox.add([[INPUT.BUTTON, 1, true], [INPUT.MOVE, 1, 1], [INPUT.BUTTON, 1, false]], 0);
  assert.equal(outbox.add([[INPUT.TEXT, "x"]], 10), 2);
  assert.deepEqual(outbox.expire(TIMER.INPUT_OLD_PRESS - 1), []);
  assert.equal(outbox.due(), TIMER.INPUT_OLD_PRESS);
  const unsent = (/** @type {number} */ sequence, /** @type {any[]} */ ...events) => ({ sequence, events, fate: Fate.UNSENT });
  assert.deepEqual(outbox.expire(TIMER.INPUT_OLD_PRESS + 11), [unsent(1, [INPUT.BUTTON, 1, true]), unsent(2, [INPUT.TEXT, "x"])]);
  assert.equal(outbox.discarded, 2);
  assert.deepEqual(outbox.expire(TIMER.INPUT_OLD + 1), [unsent(1, [INPUT.MOVE, 1, 1])]);
  assert.deepEqual(outbox.take(), { sequence: 1, made: 0, events: [[INPUT.BUTTON, 1, false]] });
  outbox.add([[INPUT.TEXT, "y"]], 0);
  assert.deepEqual([outbox.clear(50), outbox.discarded], [[unsent(3, [INPUT.TEXT, "y"])], 4]);
  assert.deepEqual(outbox.take(), { sequence: 4, made: 50, events: [[INPUT.RELEASE_ALL]] });
  assert.deepEqual([outbox.clear(60), outbox.pending], [[], false], "nothing is held, nothing waits");
  outbox.add([[INPUT.KEY, 4, true, 0, "a"]], 0);
  outbox.take();
  outbox.hold(0);
  assert.deepEqual([outbox.expire(60_000), outbox.due(), outbox.clear(60_000), outbox.discarded], [[], null, [], 4]);
  assert.deepEqual(outbox.take().events, [[INPUT.RELEASE_ALL]]);
});

test("what is done later than a moment goes into a batch of its own, which carries its time", () => {
  const outbox = new InputOutbox();
  outbox.add([[INPUT.KEY, 4, true, 0, "a"]], 0);
  outbox.add([[INPUT.KEY, 4, false, 0, ""]], 40);
  outbox.add([[INPUT.KEY, 5, true, 0, "b"]], 60);
  assert.deepEqual([outbox.take(), outbox.take()].map(({ made, events }) => [made, events.length]), [[0, 2], [60, 1]]);
});

function storage() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return /** @type {any} */ ({
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value),
    removeItem: (/** @type {string} */ key) => void kept.delete(key),
    kept,
  });
}

test("a ticket is found again after a reload, as long as the host honours it, and never a code with it", () => {
  const tab = storage();
  const wall = { now: 100 };
  const before = new TicketStore(tab, () => wall.now);
  assert.equal(before.find(), null);
  const ticket = Uint8Array.from({ length: 32 }, (_, at) => at * 8);
  before.save("A-DEVICE", ticket, 600);
  wall.now += 5000;
  before.keep();
  wall.now += 600;
  const after = new TicketStore(tab, () => wall.now);
  assert.deepEqual(after.find(), { device: "A-DEVICE", ticket });
  wall.now += 1;
  assert.equal(after.find(), null);
  assert.deepEqual([...tab.kept.keys()], ["avl.ticket"]);
  after.forget();
  assert.equal(tab.kept.size, 0);
});

test("a damaged ticket is none", () => {
  for (const text of ["{", "{}", '{"device":1}', '{"device":"A","ticket":"zz","since":0,"seconds":9}', '{"device":"A","ticket":"","since":0,"seconds":9}']) {
    const tab = storage();
    tab.setItem("avl.ticket", text);
    assert.equal(new TicketStore(tab, () => 0).find(), null, text);
  }
});

test("a person reads what happens next, and for how long", () => {
  assert.match(waitingSentence(600_000), /Trying again; the session is kept for 10 min more/);
  assert.match(waitingSentence(20_400), /kept for 20 s more/);
});
