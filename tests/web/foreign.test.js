// Foreign text can be seen, moves nothing and has an end.

import assert from "node:assert/strict";
import { test } from "node:test";

import { forDialog, LONGEST } from "../../viewer/avl_viewer/web/wire/foreign.js";

test("what cannot be seen becomes an escape", () => {
  for (const [text, shown] of [
    ["plain", "plain"],
    ["\x1b]0;owned\x07", "\\x1b]0;owned\\x07"],
    ["a\u202egnp.exe", "a\\u202egnp.exe"],
    ["\x9b2J", "\\x9b2J"],
    [" one\n two ", "one two"],
    ["<b>x</b>", "<b>x</b>"],
    ["Žofie 東京", "Žofie 東京"],
    ["\u{e0041}tag", "\\U000e0041tag"],
    ["می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻"],
  ])
    assert.equal(forDialog(text), shown);
});

test("foreign text has an end", () => {
  assert.equal(forDialog("a".repeat(100_000)), `${"a".repeat(LONGEST - 1)}…`);
  assert.equal(forDialog("a".repeat(30), 20), `${"a".repeat(19)}…`);
  assert.equal([...forDialog(`e${"\u0301".repeat(50)}`)].filter((one) => one === "\u0301").length, 4);
});
