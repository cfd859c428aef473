/** Datagrams into frames in decode order, however late the objects are opened, and the wish to recover when that fails.
 * */

import assert from "node:assert/strict";
import test from "node:test";
import { OutdatedKey, Replayed, UnknownKey } from "../../viewer/avl_viewer/web/crypto/sframe.js";
import { KEYLESS, MediaReceiver } from "../../viewer/avl_viewer/web/session/media/receiver.js";
import { concat, utf8 } from "../../viewer/avl_viewer/web/wire/bytes.js";
import { encode } from "../../viewer/avl_viewer/web/wire/datagram.js";
import { RemoteProtocolError } from "../../viewer/avl_viewer/web/wire/errors.js";
import { CLOSE, DATAGRAM, FLAG } from "../../viewer/avl_viewer/web/wire/registry.js";
import * as varint from "../../viewer/avl_viewer/web/wire/varint.js";

/** A plaintext: its first byte says how many turns its opening takes. @param {number | null} depends @param {number}
 * turns
 * @param {number[]} size @param {Uint8Array} unit @param {number[]} desktop */
function plaintext(depends, turns = 0, size = [64, 48], unit = new Uint8Array(), desktop = [64, 48]) {
  const integers = (/** @type {number[]} */ ...numbers) => concat(...numbers.map((number) => varint.encode(number)));
  const codec = utf8("avc1.F4002A");
  const head =
    depends === null
      ? concat(Uint8Array.of(1), integers(1, 5, 0), Uint8Array.of(codec.length), codec, integers(...size), Uint8Array.of(1), integers(...desktop, 0, 0, 64, 48, 0))
      : concat(Uint8Array.of(0), integers(1, 5, 0, depends, 0));
  return concat(Uint8Array.of(turns), head, unit);
}

/** @param {number} object @param {Uint8Array} payload @param {number} flags @param {number} track */
function datagram(object, payload, flags = 0, track = 1) {
  return encode({ handle: 3, type: DATAGRAM.MEDIA, track, object, flags, fragment: 0, length: payload.length }, payload);
}

/** A track of pictures, whose objects depend on each other or stand alone. @param {number} id @param {boolean}
 * dependent */
const track = (id, dependent = true) => ({ id, kind: 1, priority: 4, lifetime: 500, entry: dependent ? 1 : 2, dependent, first: 0 });

/** @param {import("../../viewer/avl_viewer/web/media/track.js").Track[]} tracks */
function receiver(tracks = [track(1)]) {
  /** @type {number[]} */
  const frames = [];
  /** @type {any[]} */
  const objects = [];
  /** @type {[number, number][]} */
  const missing = [];
  /** @type {number[]} */
  const refused = [];
  const state = { known: true, clock: 0 };
  const opener = {
    addKey: () => void (state.known = true),
    open: async (/** @type {number} */ _track, /** @type {number} */ number, /** @type {number} */ _flags, /** @type {Uint8Array} */ sealed) => {
      if (!state.known) throw new UnknownKey(0x1010);
      if (sealed[0] === 253) throw new OutdatedKey(0x1010);
      if (sealed[0] === 254) throw new Replayed("twice");
      if (sealed[0] === 255) throw new RemoteProtocolError(CLOSE.TAMPERED, "bad");
      for (let turn = 0; turn < sealed[0]; turn++) await new Promise((done) => setTimeout(done, 0));
      void number;
      return sealed.subarray(1);
    },
  };
  const media = new MediaReceiver(opener, tracks, () => state.clock, {
    frames: (ready) => {
      frames.push(...ready.map(({ number }) => number));
      objects.push(...ready);
    },
    sounds: () => {},
    missingKey: (track, kid) => missing.push([track, kid]),
    refused: (reason) => refused.push(reason.code),
  });
  const settled = () => media.settled();
  return { media, frames, objects, missing, refused, state, settled };
}

test("a large key object that opens late is decoded before the small ones behind it", async () => {
  const { media, frames, settled } = receiver();
  media.datagram(datagram(1, plaintext(null, 5), FLAG.KEY), 0);
  media.datagram(datagram(2, plaintext(1, 0)), 0);
  media.datagram(datagram(3, plaintext(2, 2)), 0);
  await settled();
  assert.deepEqual(frames, [1, 2, 3]);
  assert.deepEqual([media.received, media.decoded(1)], [3, 3]);
});

test("what the host announces too large is refused and not handed out", async () => {
  const huge = Uint8Array.from(atob("AAAAAWf0AAqRloQmmoCGgKAAAAMAIAAADxHiRNQ="), (letter) => letter.charCodeAt(0)); // 64 x 64 in 4:4:4
  /** @type {[number[], Uint8Array, number[], number[]][]} */
  const cases = [
    [[20_000, 20_000], new Uint8Array(), [], [CLOSE.TOO_LARGE]],
    [[0, 48], new Uint8Array(), [], [CLOSE.TOO_LARGE]],
    [[64, 48], huge, [], [CLOSE.SESSION_PROTOCOL]],
    [[64, 64], huge, [1], []],
  ];
  for (const desktop of /** @type {[number, number][]} */ ([[64, 20_000], [20_000, 1], [0, 0], [64, 0]])) {
    const { media, refused, settled } = receiver();
    media.datagram(datagram(1, plaintext(null, 0, [64, 48], new Uint8Array(), desktop), FLAG.KEY), 0);
    await settled();
    assert.deepEqual(refused, [CLOSE.TOO_LARGE], "a desktop");
  }
  for (const [size, unit, handed, codes] of cases) {
    const { media, frames, refused, settled } = receiver();
    media.datagram(datagram(1, plaintext(null, 0, size, unit), FLAG.KEY), 0);
    await settled();
    assert.deepEqual([frames, refused], [handed, codes]);
  }
});

test("nothing is decoded before the first key object, and a delta never poses as one", async () => {
  const { media, frames, settled } = receiver();
  media.datagram(datagram(1, plaintext(0)), 0);
  media.datagram(datagram(2, plaintext(1), FLAG.KEY), 0);
  media.datagram(datagram(3, plaintext(null), 0), 0);
  await settled();
  assert.deepEqual(frames, []);
  assert.equal(media.damaged, 2);
});

test("objects under an unknown key wait for it, a few of them", async () => {
  const { media, frames, missing, state, settled } = receiver();
  state.known = false;
  media.datagram(datagram(1, plaintext(null), FLAG.KEY), 0);
  for (let number = 2; number < 2 + KEYLESS - 1; number++) media.datagram(datagram(number, plaintext(number - 1)), 0);
  await settled();
  assert.deepEqual(missing[0], [1, 0x1010]);
  await media.addKey(1, 0, new Uint8Array(32));
  await settled();
  assert.deepEqual(frames, Array.from({ length: KEYLESS }, (_, at) => at + 1));
});

test("keys are asked for once in the key spacing, and never for an object of before the admission", async () => {
  const { media, missing, state, settled } = receiver();
  media.datagram(datagram(1, Uint8Array.of(253, 0), FLAG.KEY), 0);
  await settled();
  assert.deepEqual(missing, []);
  state.known = false;
  for (let number = 2; number < 62; number++) {
    state.clock = (number - 2) * 10;
    media.datagram(datagram(number, plaintext(null), FLAG.KEY), state.clock);
    await settled();
  }
  assert.equal(missing.length, 2, "600 ms");
});

test("what is malformed, tampered with or replayed is dropped and never ends the session", async () => {
  const { media, frames, settled } = receiver();
  media.datagram(Uint8Array.of(1, 2, 3), 0);
  media.datagram(new Uint8Array(0), 0);
  media.datagram(datagram(1, Uint8Array.of(255, 0)), 0);
  media.datagram(datagram(2, Uint8Array.of(254, 0)), 0);
  media.datagram(datagram(3, Uint8Array.of(0, 9)), 0);
  media.datagram(encode({ handle: 3, type: DATAGRAM.PROBE, track: 1, object: 1, flags: 0, fragment: 0, length: 1 }, Uint8Array.of(1)), 0);
  for (let of = 0; of < 256; of++) media.datagram(datagram(4, plaintext(null), FLAG.KEY, of), 0);
  await settled();
  assert.equal(media.damaged, 4);
  assert.deepEqual([frames, media.foreign], [[4], 255], "a track that was not granted opens nothing");
});

test("an object comes back from parity, whose datagrams are let through", async () => {
  const { media, frames, settled } = receiver();
  const key = plaintext(null);
  const parity = { handle: 3, type: DATAGRAM.PARITY, track: 1, object: 1, flags: FLAG.KEY, fragment: 0, length: key.length };
  media.datagram(encode(parity, key), 0); // row 0 of a block of one fragment is that fragment
  await settled();
  assert.deepEqual(frames, [1]);
  assert.equal(media.damaged, 0);
});

test("a lost object is asked for after patience, at most once in 300 ms", async () => {
  const { media, state, settled } = receiver();
  media.datagram(datagram(1, plaintext(null), FLAG.KEY), 0);
  await settled();
  state.clock = 100;
  media.datagram(datagram(3, plaintext(2)), 100);
  await settled();
  assert.equal(media.nextCheck(100), 250);
  assert.deepEqual(media.recoveries(249), []);
  assert.deepEqual(media.recoveries(250), [[1, 3]]);
  assert.deepEqual(media.recoveries(400), []);
  assert.equal(media.nextCheck(400), 550);
  assert.deepEqual(media.recoveries(550), [[1, 3]]);
});

test("on a long way a repair is waited for, and a key object too, but not for ever", async () => {
  const { media, state, settled } = receiver();
  media.datagram(datagram(1, plaintext(null), FLAG.KEY), 0);
  await settled();
  media.follow(200);
  state.clock = 100;
  media.datagram(datagram(3, plaintext(2)), 100);
  await settled();
  assert.equal(media.nextCheck(100), 450);
  assert.deepEqual(media.recoveries(449), []);
  assert.deepEqual(media.recoveries(450), [[1, 3]]);
  assert.deepEqual(media.recoveries(849), []);
  assert.deepEqual(media.recoveries(850), [[1, 3]]);
  media.follow(5000);
  assert.equal(media.nextCheck(850), 1850);
  media.follow(20);
  assert.equal(media.nextCheck(850), 1150);
});

test("the last objects before a pause are missed by what a beacon named", async () => {
  const { media, settled } = receiver();
  media.datagram(datagram(1, plaintext(null), FLAG.KEY), 0);
  await settled();
  media.beacon(1, 4, false, 1000);
  assert.deepEqual(media.tails(1400), []);
  media.beacon(1, 4, false, 2000);
  assert.deepEqual(media.tails(2000), [[1, 2]]);
  media.datagram(datagram(4, plaintext(null), FLAG.KEY), 2050);
  await settled();
  assert.deepEqual(media.tails(3000), []);
});

test("objects that stand alone come out as they come and are never asked for", async () => {
  const { media, frames, state, settled } = receiver([track(1), track(2, false)]);
  for (const number of [0, 3, 1]) media.datagram(datagram(number, plaintext(null), FLAG.KEY, 2), 0);
  await settled();
  assert.deepEqual(frames, [0, 3, 1]);
  media.beacon(2, 9, false, 0);
  state.clock = 5000;
  assert.deepEqual([media.recoveries(5000), media.tails(5000), media.nextCheck(5000)], [[], [], null]);
  media.datagram(datagram(3, plaintext(null), FLAG.KEY, 2), 5000);
  await settled();
  assert.deepEqual(frames, [0, 3, 1], "once");
});

test("what is lost of one track is asked for of that alone", async () => {
  const { media, frames, state, settled } = receiver([track(1), track(2)]);
  for (const of of [1, 2]) media.datagram(datagram(0, plaintext(null), FLAG.KEY, of), 0);
  for (const number of [1, 2]) {
    media.datagram(datagram(number, plaintext(number - 1), 0, 1), 0);
    if (number > 1) media.datagram(datagram(number, plaintext(number - 1), 0, 2), 0);
  }
  await settled();
  assert.deepEqual(frames, [0, 0, 1, 2]);
  state.clock = 1000;
  assert.deepEqual(media.recoveries(1000), [[2, 2]]);
});

test("what overtook the first key object is decoded behind it, and nothing of before it", async () => {
  const { media, frames, settled } = receiver();
  media.datagram(datagram(1, plaintext(0)), 0);
  media.datagram(datagram(3, plaintext(2)), 0);
  media.datagram(datagram(4, plaintext(3)), 0);
  await settled();
  assert.deepEqual(frames, []);
  media.datagram(datagram(2, plaintext(null), FLAG.KEY), 1);
  media.datagram(datagram(5, plaintext(4)), 1);
  await settled();
  assert.deepEqual(frames, [2, 3, 4, 5]);
});

// exact pixels

/** A track of exact pixels, of which objects from `first` on can be opened. @param {number} first */
const exactTrack = (first = 0) => ({ id: 2, kind: 4, priority: 2, lifetime: 1000, entry: 4, dependent: false, first });

/** A plaintext of one cell of one colour on a desktop of 64 x 48. @param {boolean} settled @param {number} turns @param
 * {number} x */
function cell(settled = false, turns = 0, x = 16) {
  const integers = (/** @type {number[]} */ ...numbers) => concat(...numbers.map((number) => varint.encode(number)));
  return concat(Uint8Array.of(turns, settled ? 3 : 1), integers(5, 0, 64, 48, 1, x, 16, 16, 16), Uint8Array.of(0, 1, 2, 3));
}

test("exact pixels are given out as they come, past pictures that take longer, and what lacks one before it is not complete", async () => {
  const { media, objects, settled } = receiver([track(1), exactTrack()]);
  media.datagram(datagram(0, plaintext(null, 5), FLAG.KEY), 0);
  media.datagram(datagram(0, cell(), FLAG.KEY, 2), 0);
  media.datagram(datagram(2, cell(), FLAG.KEY, 2), 0);
  media.datagram(datagram(1, cell(), FLAG.KEY, 2), 0);
  media.datagram(datagram(3, cell(), FLAG.KEY, 2), 0);
  await settled();
  assert.deepEqual(objects.map(({ track, number, complete }) => [track, number, complete]), [[2, 0, true], [2, 2, false], [2, 1, true], [2, 3, true], [1, 0, undefined]]);
  assert.deepEqual(objects[0].exact.rects[0].rect, { x: 16, y: 16, width: 16, height: 16 });
  assert.deepEqual([media.received, media.damaged], [5, 0]);
});

test("what is missing of exact pixels is asked for after patience, at most once in 300 ms, and no more once it is replaced", async () => {
  const { media, state, settled } = receiver([exactTrack(3)]);
  for (const number of [3, 6]) media.datagram(datagram(number, cell(), FLAG.KEY, 2), 0);
  await settled();
  assert.equal(media.nextCheck(0), 150);
  assert.deepEqual(media.missing(149), []);
  assert.deepEqual(media.missing(150), [[2, [[4, 5]]]]);
  assert.deepEqual(media.missing(299), []);
  assert.deepEqual(media.missing(450), [[2, [[4, 5]]]]);
  media.replaced(2, [[4, 5]], 7);
  assert.deepEqual([media.missing(5000), media.nextCheck(5000)], [[], null]);
  media.beacon(2, 9, false, 5000);
  assert.deepEqual(media.missing(5150), [[2, [[7, 9]]]]);
  media.want(2, false);
  media.beacon(2, 12, false, 6000);
  assert.deepEqual([media.missing(9000), media.nextCheck(9000)], [[], null], "what is not sent to us is not missing");
  state.clock = 9000;
  media.want(2, true);
  media.leftOut(2, 6, 9000);
  assert.deepEqual(media.missing(9150), [[2, [[6, 6], [7, 9]]]]);
  assert.deepEqual(media.recoveries(99_000), [], "a key object would be of no use");
});

test("all was sent when an object or a beacon says so, none before it is missing, and nothing is behind it or replaced after it", async () => {
  const { media, settled } = receiver([track(1), exactTrack()]);
  const take = async (/** @type {number} */ number, /** @type {boolean} */ last) => {
    media.datagram(datagram(number, cell(last), FLAG.KEY, 2), 0);
    await settled();
    return media.allSent(2);
  };
  assert.equal(media.allSent(2), false);
  assert.equal(await take(0, true), true);
  assert.equal(await take(1, false), false, "something new");
  assert.equal(await take(3, true), false, "2 is missing");
  media.replaced(2, [[2, 2]], 3);
  assert.equal(media.allSent(2), false, "it comes again behind 3");
  assert.equal(await take(4, false), false);
  media.beacon(2, 4, true, 10);
  assert.equal(media.allSent(2), true);
  media.beacon(2, 5, true, 20);
  assert.equal(media.allSent(2), false, "5 has not come");
  assert.deepEqual([media.allSent(1), media.allSent(9)], [false, false]);
});

test("while every pixel is exact no picture is missed", async () => {
  const { media, state, settled } = receiver([track(1), exactTrack()]);
  media.datagram(datagram(1, plaintext(null), FLAG.KEY), 0);
  media.datagram(datagram(3, plaintext(2)), 0);
  await settled();
  media.beacon(1, 5, false, 0);
  media.rest(1);
  state.clock = 5000;
  assert.deepEqual([media.recoveries(5000), media.tails(5000)], [[], []]);
  media.beacon(1, 6, false, 5000);
  assert.deepEqual(media.tails(9000), [[1, 2]], "what comes afterwards is");
});

test("exact pixels that are malformed are dropped, counted and missing no more; a desktop too large ends the session", async () => {
  const { media, objects, refused, settled } = receiver([exactTrack()]);
  media.datagram(datagram(0, cell(false, 0, 17), FLAG.KEY, 2), 0);
  media.datagram(datagram(1, cell(), 0, 2), 0);
  media.datagram(datagram(2, Uint8Array.of(254, 0), FLAG.KEY, 2), 0);
  await settled();
  assert.deepEqual([objects, media.damaged, media.missing(1000)], [[], 2, []]);
  const huge = concat(Uint8Array.of(0, 1), ...[5, 0, 8193, 16, 1].map((value) => varint.encode(value)));
  media.datagram(datagram(3, huge, FLAG.KEY, 2), 0);
  await settled();
  assert.deepEqual(refused, [CLOSE.TOO_LARGE]);
});

/** A picture that was captured when it says. @param {number | null} depends @param {number} captured */
function captured(depends, captured) {
  const made = plaintext(depends);
  made[3] = captured; // behind the turns, the bits and the group
  return made;
}

/** Two tracks of the same pictures; what was shown of both. */
function twoRungs() {
  const lower = { ...track(9), kind: 5 };
  const { media, objects, settled } = receiver([track(1), lower]);
  /** @param {number} number @param {number} object @param {number | null} depends @param {number} at */
  const send = async (number, object, depends, at) => {
    media.datagram(datagram(object, captured(depends, at), depends === null ? FLAG.KEY : 0, number), at);
    await settled();
  };
  const shown = () => objects.map(({ track: of, number }) => [of, number]);
  return { media, send, shown };
}

test("a key object of either rung takes the place of both", async () => {
  const { media, send, shown } = twoRungs();
  media.beacon(9, 5, false, 0);
  assert.deepEqual(media.tails(5000), [], "it is not what we get");
  await send(1, 0, null, 10);
  await send(1, 1, 0, 13);
  await send(9, 0, null, 16);
  await send(1, 2, 1, 15); // was on its way
  await send(9, 1, 0, 19);
  assert.deepEqual(shown(), [[1, 0], [1, 1], [9, 0], [9, 1]]);
  media.beacon(1, 40, false, 20);
  assert.deepEqual([media.tails(5000), media.recoveries(5000)], [[], []], "what the other rung shows is not missed");
  await send(1, 3, null, 18); // older than what is shown
  await send(9, 2, 1, 22);
  assert.deepEqual(shown().slice(4), [[9, 2]]);
  await send(1, 4, null, 25);
  await send(9, 3, 2, 24);
  await send(1, 5, 4, 28);
  assert.deepEqual(shown().slice(5), [[1, 4], [1, 5]]);
});

test("where the key object of the other rung is lost it is asked for", async () => {
  const { media, send, shown } = twoRungs();
  await send(9, 0, null, 10);
  await send(1, 1, 0, 16);
  assert.deepEqual(shown(), [[9, 0]]);
  const due = /** @type {number} */ (media.nextCheck(16));
  assert.deepEqual(media.recoveries(due - 10), []);
  assert.deepEqual(media.recoveries(due), [[1, 1]]);
});
