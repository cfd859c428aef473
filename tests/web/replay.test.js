/** The replay window accepts each number once, against a model that remembers everything. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ReplayWindow } from "../../viewer/avl_viewer/web/crypto/replay.js";

test("each number is accepted once and old ones never", () => {
  let seed = 1;
  const random = (/** @type {number} */ below) => (seed = (seed * 48_271) % 0x7fff_ffff) % below;
  for (let run = 0; run < 200; run++) {
    const size = 1 + random(20);
    const window = new ReplayWindow(size);
    const seen = new Set();
    let top = -1;
    for (let step = 0; step < 100; step++) {
      const number = random(60);
      const expected = !seen.has(number) && number > top - size;
      assert.equal(window.fresh(number), expected);
      assert.equal(window.accept(number), expected);
      if (expected) {
        seen.add(number);
        top = Math.max(top, number);
      }
    }
  }
});

test("a leap forgets all that was before", () => {
  const window = new ReplayWindow(512);
  for (let number = 0; number < 600; number++) assert.ok(window.accept(number));
  assert.ok(window.accept(4_000_000_000));
  assert.ok(!window.accept(599));
  assert.ok(!window.accept(4_000_000_000 - 512));
  assert.ok(window.accept(4_000_000_000 - 511));
});
