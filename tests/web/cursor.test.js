/**
 * The host's pointer as a cursor of the page: which sizes it gets, and what is none. The drawing itself needs a
 * browser.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../../viewer/avl_viewer/web/ui/cursor.js";

test("a pointer of fewer pixels is shown in its own size", () => {
  assert.deepEqual(place({ width: 96, height: 95, scale: 2 }), { columns: 48, rows: 48, width: 96, height: 95, shown: 1, by: 2 });
  assert.deepEqual(place({ width: 24, height: 24, scale: 1 }), { columns: 24, rows: 24, width: 24, height: 24, shown: 1, by: 1 });
});

test("one that is larger than browsers show is made smaller, not replaced", () => {
  assert.deepEqual(place({ width: 256, height: 128, scale: 4 }), { columns: 64, rows: 32, width: 128, height: 64, shown: 0.5, by: 2 });
});

test("what claims to be a pointer and is none is ignored", () => {
  for (const wrong of [{ width: 513, height: 1, scale: 1 }, { width: -1, height: 4, scale: 1 }, { width: 4, height: 4, scale: 0 }, { width: 4, height: 4, scale: 5 }]) {
    assert.equal(place(wrong), null);
  }
});
