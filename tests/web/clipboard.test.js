/** The page's half of the clipboard: what is offered and fetched, whose copy is the newest, and what a paste event brings. */

import assert from "node:assert/strict";
import test from "node:test";
import { pasted } from "../../viewer/avl_viewer/web/input/pasted.js";
import { ClipboardService } from "../../viewer/avl_viewer/web/services/clipboard.js";
import { Giver, Taker } from "../../viewer/avl_viewer/web/session/fetching.js";
import { declared } from "../../viewer/avl_viewer/web/ui/pictures.js";
import { CLIPBOARD_STATE, MAX, TIMER } from "../../viewer/avl_viewer/web/wire/registry.js";

const { TEXT, NOT_TEXT, NO_ANSWER, TOO_LARGE, GONE } = CLIPBOARD_STATE;
const PNG = "image/png";
const ORIGIN = new Uint8Array(16).fill(7);

/** Two ends and what is under way between them. @param {Record<string, Uint8Array>} content */
function line(content) {
  /** @type {[string, any][]} */
  const underWay = [];
  /** @type {any[]} */
  const results = [];
  const sent = /** @type {string[]} */ ([]);
  let most = 0;
  const send = (/** @type {string} */ kind, /** @type {any} */ fields) => {
    sent.push(kind);
    underWay.push([kind, fields]);
  };
  const [giver, taker] = [new Giver(send), new Taker(send)];
  const step = (now = 0) => {
    most = Math.max(most, underWay.reduce((sum, [, { data }]) => sum + (data?.length ?? 0), 0));
    const next = underWay.shift();
    if (!next) return false;
    const [kind, fields] = next;
    if (kind === "CLIPBOARD_FETCH") {
      const data = content[fields.format];
      if (giver.begin(fields.fetch)) giver.give(fields.fetch, data ? { state: TEXT, data } : { state: GONE });
    } else if (kind === "CLIPBOARD_PART") taker.part(fields, now);
    else if (kind === "CLIPBOARD_DONE") taker.done(fields);
    else if (kind === "CLIPBOARD_TAKEN") giver.taken(fields);
    else giver.stop(fields);
    return true;
  };
  const run = () => {
    while (step());
  };
  const fetch = (/** @type {string} */ name, most = MAX.CLIPBOARD_DATA) => taker.fetch(1, name, most, 0, (result) => results.push(result));
  return { giver, taker, step, run, fetch, results, sent, under: () => most };
}

test("what is fetched comes byte for byte and in bounds", () => {
  for (const size of [0, 1, MAX.CLIPBOARD_PART, MAX.CLIPBOARD_WINDOW + 1, 1_500_001]) {
    const data = Uint8Array.from({ length: size }, (_, at) => (at * 7919) % 251);
    const { fetch, run, results, under } = line({ [PNG]: data });
    fetch(PNG);
    run();
    assert.equal(results[0].state, TEXT);
    assert.deepEqual(results[0].data, data);
    assert.ok(under() <= MAX.CLIPBOARD_WINDOW);
  }
});

test("what does not come is given up, and more or less than was said is nothing", () => {
  const slow = line({ [PNG]: new Uint8Array(1_000_000) });
  slow.fetch(PNG);
  slow.step();
  slow.step(3000);
  assert.equal(slow.taker.nextTimeout(), 3000 + TIMER.CLIPBOARD);
  slow.taker.handleTimer(3000 + TIMER.CLIPBOARD);
  assert.deepEqual(slow.results, [{ state: NO_ANSWER }]);
  slow.run();
  assert.equal(slow.giver._running.size, 0, "the other end was told");
  for (const [parts, why] of /** @type {[[string, number][], number][]} */ ([[[["abc", 6], ["def", 7]], NO_ANSWER], [[["abcd", 3]], NO_ANSWER], [[["", 3]], NO_ANSWER], [[["abc", 101]], TOO_LARGE]])) {
    const { taker, fetch, results } = line({});
    const number = fetch(PNG, 100);
    for (const [text, size] of parts) taker.part({ fetch: number, data: new TextEncoder().encode(text), size }, 0);
    assert.deepEqual(results, [{ state: why }]);
  }
  const short = line({});
  short.taker.part({ fetch: short.fetch(PNG), data: new Uint8Array(3), size: 6 }, 0);
  short.taker.done({ fetch: 1, state: 0 });
  short.taker.done({ fetch: short.fetch(PNG), state: 99 });
  assert.deepEqual(short.results, [{ state: NO_ANSWER }, { state: NO_ANSWER }]);
});

test("fetches beyond the bound are refused at both ends", () => {
  const { giver, fetch, results, sent } = line({});
  for (let at = 0; at <= MAX.CLIPBOARD_FETCHES; at++) fetch(PNG);
  assert.deepEqual([results, sent.length], [[{ state: NO_ANSWER }], MAX.CLIPBOARD_FETCHES]);
  const begun = Array.from({ length: MAX.CLIPBOARD_FETCHES + 1 }, (_, at) => giver.begin(at));
  assert.deepEqual(begun, [...new Array(MAX.CLIPBOARD_FETCHES).fill(true), false]);
});

/** The service with a session that writes down what it is sent. */
function service() {
  /** @type {[string, any][]} */
  const sent = [];
  /** @type {any[]} */
  const told = [];
  const made = new ClipboardService({ tell: (message) => told.push(message), input() {}, entropy: (size) => new Uint8Array(size).fill(1) });
  made.admitted(/** @type {any} */ ({ clock: { toHost: (/** @type {number} */ at) => at + 5 }, send: (/** @type {string} */ kind, /** @type {any} */ fields) => sent.push([kind, fields]) }));
  return { made, sent, told };
}

test("a copy is offered, and its bytes leave when the host fetches them", async () => {
  const { made, sent } = service();
  made.offer({ text: "x", formats: { [PNG]: new Blob(["png"]), "text/uri-list": new Blob(["file:///x"]) } }, [], 0, 0);
  assert.deepEqual(sent, [
    ["CLIPBOARD_OFFER", { serial: 1, formats: [[PNG, 3]], text: true, origin: new Uint8Array(16).fill(1), keep: false, time_us: 5000 }],
    ["CLIPBOARD", { serial: 1, state: TEXT, text: "x" }],
  ]);
  sent.length = 0;
  await made.fetched({ fetch: 1, serial: 1, format: PNG });
  await made.fetched({ fetch: 2, serial: 1, format: "toString" });
  await made.fetched({ fetch: 3, serial: 9, format: PNG });
  assert.deepEqual(sent, [
    ["CLIPBOARD_PART", { fetch: 1, data: new TextEncoder().encode("png"), size: 3 }], ["CLIPBOARD_DONE", { fetch: 1, state: TEXT }],
    ["CLIPBOARD_DONE", { fetch: 2, state: GONE }], ["CLIPBOARD_DONE", { fetch: 3, state: GONE }],
  ]);
  made.paste("newer", [], 0, 0);
  sent.length = 0;
  await made.fetched({ fetch: 4, serial: 1, format: PNG });
  assert.deepEqual(sent, [["CLIPBOARD_DONE", { fetch: 4, state: GONE }]]);
});

test("what the host told before it took ours is older, and its own copy does not come back", () => {
  const { made, told, sent } = service();
  const offers = (/** @type {number} */ serial, origin = ORIGIN) => {
    made.hostOffers({ serial, formats: [[PNG, 0], ["x", 1]], text: false, origin });
    made.told({ serial, state: NOT_TEXT, text: "" });
  };
  made.paste("ours", [], 0, 0);
  offers(5);
  made.wasSet({ serial: 1, taken: true, state: 0 });
  assert.deepEqual(told, []);
  made.paste("refused", [], 0, 0);
  offers(6);
  made.wasSet({ serial: 2, taken: false, state: NO_ANSWER });
  assert.deepEqual(told, [{ say: "clipboard-refused", state: NO_ANSWER }, { say: "copied", state: NOT_TEXT, text: "", formats: [PNG], stamp: 6, origin: ORIGIN }]);
  offers(7);
  assert.equal(told.length, 2, "it is the same copy");
  sent.length = 0;
  made.offer({ text: "", formats: { [PNG]: new Blob(["x"]) }, origin: ORIGIN }, [], 0, 0);
  assert.deepEqual(sent, [], "it came from there");
});

test("the page fetches by the stamp that it was told, and hears when the session is over", () => {
  const { made, told, sent } = service();
  made.fetch({ id: 3, stamp: 6, format: PNG, most: 10 }, 0);
  assert.deepEqual(sent, [["CLIPBOARD_FETCH", { fetch: 1, serial: 6, format: PNG }]]);
  made.part({ fetch: 1, data: new Uint8Array(2), size: 2 }, 0);
  made.done({ fetch: 1, state: 0 });
  made.fetch({ id: 4, stamp: 6, format: PNG }, 0);
  made.ended();
  made.fetch({ id: 5, stamp: 6, format: PNG }, 0);
  assert.deepEqual(told, [{ say: "fetched", id: 3, state: TEXT, data: new Uint8Array(2) }, { say: "fetched", id: 4, state: NO_ANSWER }, { say: "fetched", id: 5, state: NO_ANSWER }]);
});

test("a paste event brings its text, its documents and its pictures, and no lists of files", async () => {
  const picture = new File(["png"], "image.png", { type: PNG });
  const data = { types: ["text/plain", "text/html", "text/rtf", "text/uri-list", "Files"], files: [picture, new File(["x"], "x.zip", { type: "application/zip" })], getData: (/** @type {string} */ type) => `as ${type}` };
  const copy = pasted(/** @type {any} */ ({ clipboardData: data }));
  assert.deepEqual([copy.text, Object.keys(copy.formats)], ["as text/plain", ["text/html", "text/rtf", PNG]]);
  assert.equal(await copy.formats["text/html"].text(), "as text/html");
  assert.deepEqual(pasted(/** @type {any} */ ({ clipboardData: null })), { text: "", formats: {} });
});

test("the size that a picture declares is read before its pixels are", () => {
  const bytes = (/** @type {number[]} */ ...values) => Uint8Array.from([...values, ...new Array(30).fill(0)]);
  const png = bytes(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0xea, 0x60, 0, 0, 0, 2);
  assert.deepEqual(declared(PNG, png), [60000, 2]);
  assert.deepEqual(declared("image/gif", bytes(0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 4, 1, 2, 0)), [260, 2]);
  const bmp = bytes(0x42, 0x4d, ...new Array(16).fill(0), 3, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff);
  assert.deepEqual(declared("image/bmp", bmp), [3, 2], "rows from the top have a negative height");
  const jpeg = bytes(0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc2, 0, 11, 8, 0, 5, 0, 6);
  assert.deepEqual(declared("image/jpeg", jpeg), [6, 5]);
  for (const format of [PNG, "image/gif", "image/bmp", "image/jpeg", "image/webp"]) assert.equal(declared(format, bytes(1, 2, 3)), null);
  assert.equal(declared("image/jpeg", Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff])), null);
});
