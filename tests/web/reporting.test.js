/** Reports of what was shown: at most REPORTED rows, the newest. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Reporter } from "../../viewer/avl_viewer/web/session/report.js";
import { MAX, TIMER } from "../../viewer/avl_viewer/web/wire/registry.js";

test("a report names the newest objects, no more than REPORTED", () => {
  const reporter = new Reporter();
  for (let number = 0; number < MAX.REPORTED + 5; number++) reporter.presented(number, number);
  const rows = reporter.take(1000);
  assert.equal(rows.length, MAX.REPORTED);
  assert.deepEqual(rows.at(-1), [MAX.REPORTED + 4, (MAX.REPORTED + 4) * 1000]);
  reporter.presented(99, 2000);
  assert.deepEqual(reporter.take(1000 + TIMER.REPORT - 1), [], "not yet");
  assert.equal(reporter.next(1001), 1000 + TIMER.REPORT);
  assert.deepEqual(reporter.take(1000 + TIMER.REPORT), [[99, 2_000_000]]);
});
