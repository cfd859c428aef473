/** The session's small machines: stream headers, timers, input on its way out, backoff, reports, figures. */

import assert from "node:assert/strict";
import test from "node:test";
import { Backoff, passing } from "../../viewer/avl_viewer/web/paths/backoff.js";
import { CONTROL_HEADER, HeaderReader, HopStream, channelHeader, hopBytes } from "../../viewer/avl_viewer/web/session/hop/stream.js";
import { InputOutbox } from "../../viewer/avl_viewer/web/session/input/outbox.js";
import { Reporter } from "../../viewer/avl_viewer/web/session/report.js";
import { Timers } from "../../viewer/avl_viewer/web/session/timers.js";
import { Statistics, quantiles } from "../../viewer/avl_viewer/web/statistics.js";
import { concat } from "../../viewer/avl_viewer/web/wire/bytes.js";
import { RemoteProtocolError } from "../../viewer/avl_viewer/web/wire/errors.js";
import { CLOSE, INPUT, STREAM } from "../../viewer/avl_viewer/web/wire/registry.js";

test("a channel's header is read from any slices, and what follows is left over", () => {
  const bytes = concat(channelHeader(70_000, 1), Uint8Array.of(9, 8));
  const reader = new HeaderReader();
  for (const byte of bytes.slice(0, 5)) assert.equal(reader.feed(Uint8Array.of(byte)), null);
  const header = reader.feed(bytes.slice(5));
  assert.deepEqual([header?.type, header?.handle, header?.channel, [...(header?.rest ?? [])]], [STREAM.CHANNEL, 70_000, 1, [9, 8]]);
  assert.equal(new HeaderReader().feed(CONTROL_HEADER)?.type, STREAM.HOP_CONTROL);
});

test("a stream of unknown type is the peer's error", () => {
  assert.throws(() => new HeaderReader().feed(Uint8Array.of(7)), RemoteProtocolError);
});

test("hop messages come out whole, and unknown ones are left out", () => {
  const stream = new HopStream();
  const bytes = concat(hopBytes("PING", { token: 5 }), Uint8Array.of(3, 0x7f, 0xff, 0x80).slice(0, 0), hopBytes("PONG", { token: 6 }));
  const unknown = Uint8Array.of(2, 0x3e, 0x80); // message type 62, an empty map
  const got = [...stream.receive(bytes.slice(0, 2)), ...stream.receive(concat(bytes.slice(2), unknown))];
  assert.deepEqual(got, [{ kind: "PING", token: 5 }, { kind: "PONG", token: 6 }]);
});

test("timers fire earliest first, once", () => {
  const timers = new Timers();
  timers.set("B", 5);
  timers.set("A", 5);
  timers.set("C", 1);
  timers.set("D", 9);
  assert.equal(timers.nextTimeout(), 1);
  assert.deepEqual(timers.expired(5), ["C", "A", "B"]);
  assert.deepEqual(timers.expired(5), []);
  timers.stopAll();
  assert.equal(timers.nextTimeout(), null);
});

test("movements that wait become one, and never pass a press", () => {
  const outbox = new InputOutbox();
  outbox.add([[INPUT.MOVE, 1, 1], [INPUT.MOVE, 2, 2], [INPUT.BUTTON, 1, true], [INPUT.MOVE, 3, 3], [INPUT.MOVE, 4, 4]], 7.4);
  assert.deepEqual(outbox.take(), {
    sequence: 1, made: 7.4, events: [[INPUT.MOVE, 2, 2], [INPUT.BUTTON, 1, true], [INPUT.MOVE, 4, 4]],
  });
  assert.equal(outbox.pending, false);
});

/** @param {InputOutbox} outbox */
function everything(outbox) {
  const out = [];
  while (outbox.pending) out.push(outbox.take());
  return out;
}

test("what is held is known until it is let go of", () => {
  const outbox = new InputOutbox();
  outbox.add([[INPUT.KEY, 4, true, 0, "a"], [INPUT.BUTTON, 1, true]], 0);
  outbox.take();
  outbox.hold(0);
  assert.deepEqual(outbox.take().events, [[INPUT.HOLDING]]);
  outbox.add([[INPUT.KEY, 4, false, 0, ""], [INPUT.BUTTON, 1, false]], 0);
  assert.equal(outbox.holds, false);
  outbox.add([[INPUT.KEY, 4, true, 0, "a"], [INPUT.RELEASE_ALL]], 0);
  assert.equal(outbox.holds, false);
});

test("long texts are cut without parting a character, one to a batch, and the last batch's number is told", () => {
  const outbox = new InputOutbox();
  const text = "x".repeat(1023) + "😀".repeat(600);
  const last = outbox.add([[INPUT.TEXT, text]], 0);
  const batches = everything(outbox);
  assert.equal(batches.at(-1)?.sequence, last);
  assert.equal(batches.map(({ events }) => events[0][1]).join(""), text);
  for (const { events } of batches) {
    assert.equal(events.length, 1);
    assert.equal(String(events[0][1]).isWellFormed?.() ?? true, true);
    assert.ok([...String(events[0][1])].length <= 1024);
  }
});

test("a batch holds at most 64 events", () => {
  const outbox = new InputOutbox();
  outbox.add(Array.from({ length: 130 }, (_, at) => [INPUT.KEY, 4 + (at % 20), at % 2 === 0, 0, ""]), 0);
  assert.deepEqual(everything(outbox).map(({ events }) => events.length), [64, 64, 2]);
});

test("what passes is tried again ever less often, an answer is not", () => {
  assert.equal(passing(CLOSE.SESSION_LOST), true);
  assert.equal(passing(CLOSE.UNAVAILABLE), true);
  for (const code of [CLOSE.REFUSED, CLOSE.DENIED, CLOSE.WRONG_HOST, CLOSE.WRONG_RELAY, CLOSE.TAMPERED, CLOSE.EVICTED, CLOSE.ENDED]) {
    assert.equal(passing(code), false, String(code));
  }
  const backoff = new Backoff();
  assert.deepEqual(Array.from({ length: 6 }, () => backoff.after(CLOSE.SESSION_LOST)), [250, 500, 1000, 2000, 4000, 5000]);
  backoff.reset();
  assert.equal(backoff.after(CLOSE.TIMEOUT), 250);
  assert.equal(backoff.after(CLOSE.LIMIT), 20_000);
  assert.equal(backoff.after(CLOSE.SESSION_UNKNOWN), 0);
});

test("reports are 250 ms apart and empty ones are not sent", () => {
  const reporter = new Reporter();
  assert.equal(reporter.next(0), null);
  reporter.presented(1, 10.5);
  assert.deepEqual(reporter.take(1000), [[1, 10_500]]);
  reporter.presented(2, 11);
  assert.equal(reporter.next(1001), 1250);
  assert.deepEqual(reporter.take(1200), []);
  assert.deepEqual(reporter.take(1250), [[2, 11_000]]);
});

/** @param {number} number @param {number} at @param {number} echo @param {number} captured */
function arrival(number, at, echo, captured) {
  return { track: 1, number, size: 1000, captured, echo, first: at - 2, last: at, opened: at + 1 };
}

test("an input's photon is the first picture that can show it", () => {
  const statistics = new Statistics();
  statistics.inputSent(1, 100);
  statistics.inputApplied(1, 5000);
  statistics.received(arrival(1, 110, 4999, 105));
  statistics.received({ ...arrival(2, 110, 4999, 105), track: 2 });
  statistics.presented(1, 1, 112);
  statistics.received(arrival(2, 118, 5000, 111));
  statistics.decoded(1, 2, 3, 122);
  statistics.presented(1, 2, 125);
  const figures = statistics.report(200, "relay", 1.234, 1, 3);
  statistics.presented(2, 2, 300);
  assert.deepEqual(figures.input_to_photon_ms, { p50: 25, p95: 25 });
  assert.deepEqual(figures.glass_to_glass_ms, { p50: 14, p95: 14 });
  assert.deepEqual([figures.fps, figures.bitrate_bps, figures.loss, figures.rtt_ms], [2, 24_000, 0.25, 1.23]);
  assert.equal(figures.stages_ms.decode, 3);
  assert.equal(statistics.report(300, "relay", null, 1, 3).fps, 3, "each track counts by itself");
});

test("an input that changed nothing is not charged with a later picture", () => {
  const statistics = new Statistics();
  statistics.inputSent(1, 100);
  statistics.inputApplied(1, 5000);
  statistics.received(arrival(1, 9000, 6000, 8990));
  statistics.presented(1, 1, 9001);
  assert.deepEqual(statistics.report(9001, "relay", null, 0, 1).input_to_photon_ms, { p50: null, p95: null });
});

test("quantiles of nothing are nothing", () => {
  assert.deepEqual(quantiles([]), { p50: null, p95: null });
  assert.deepEqual(quantiles([1, 2, 3, 4, 100]), { p50: 3, p95: 100 });
});
