/** Monitors by themselves, a desktop that fits the page, and the size that input means. */

import assert from "node:assert/strict";
import test from "node:test";
import { FitService } from "../../viewer/avl_viewer/web/services/fit.js";
import { Screens } from "../../viewer/avl_viewer/web/present/screens.js";
import { LayoutService } from "../../viewer/avl_viewer/web/services/layout.js";
import { MonitorsService } from "../../viewer/avl_viewer/web/services/monitors.js";
import { MediaReceiver } from "../../viewer/avl_viewer/web/session/media/receiver.js";
import { Geometry } from "../../viewer/avl_viewer/web/ui/geometry.js";
import { FIT_STATE, PERMISSION } from "../../viewer/avl_viewer/web/wire/registry.js";

/** A session that remembers what it was given to send. */
function session() {
  /** @type {[string, any][]} */
  const sent = [];
  return /** @type {any} */ ({
    sent, permissions: PERMISSION.MONITORS, tracks: [{ id: 3 }], clock: { toHost: (/** @type {number} */ at) => at },
    send: (/** @type {string} */ kind, /** @type {any} */ fields) => sent.push([kind, fields]),
    arrange(/** @type {number[][]} */ rows) {
      this.tracks = rows.map(([id]) => ({ id }));
    },
  });
}

const LEFT = { name: "left", number: 1, x: 0, y: 0, width: 640, height: 480, primary: true, scale: 100, rotation: 0 };
const RIGHT = { ...LEFT, name: "right", number: 2, x: 640, y: 100, primary: false };
const LAYOUT = {
  width: 1280, height: 600, names: ["left", "right"],
  monitors: [[0, 0, 640, 480, 1], [640, 100, 640, 480, 0]], more: [[1, 100, 0], [2, 100, 0]],
};

test("a monitor that vanishes is said, and is seen again when it is back", () => {
  /** @type {any[]} */
  const told = [];
  let arranged = 0;
  const monitors = new MonitorsService((message) => told.push(message), () => arranged++);
  const one = session();
  monitors.admitted(one);
  monitors.choose("right");
  assert.deepEqual(one.sent, [], "what there is has not been told");
  monitors.laidOut([LEFT, RIGHT]);
  assert.deepEqual(one.sent.at(-1), ["WATCH", { monitors: [2] }]);
  monitors.told({ monitors: [[2, 3]], tracks: [[3, 1, 2, 500, 1]] });
  assert.deepEqual([monitors.watched, arranged, told.at(-1)], [2, 1, { say: "watched", monitor: 2 }]);
  monitors.laidOut([LEFT]);
  assert.match(told.at(-1).text, /The monitor right is gone/);
  assert.deepEqual(one.sent.at(-1), ["WATCH", { monitors: [0] }]);
  monitors.laidOut([LEFT, RIGHT]);
  monitors.laidOut([LEFT, RIGHT]);
  assert.equal(one.sent.length, 3);
  const other = session();
  monitors.admitted(other);
  monitors.laidOut([LEFT, RIGHT]);
  assert.deepEqual(other.sent, [["WATCH", { monitors: [2] }]], "another session is told anew");
});

test("windows of monitors are watched beside the page, and by themselves while nobody sees it", () => {
  const monitors = new MonitorsService(() => {}, () => {});
  const one = session();
  monitors.admitted(one);
  monitors.laidOut([LEFT, RIGHT]);
  const watched = () => one.sent.at(-1)?.[1].monitors;
  monitors.beside(["right"], true);
  assert.deepEqual(watched(), [0, 2]);
  monitors.told({ monitors: [[0, 3], [2, 5]], tracks: [[3, 1, 2, 500, 1], [5, 1, 2, 500, 1]] });
  assert.deepEqual([monitors.watched, monitors.nameOf(3), monitors.nameOf(5), monitors.nameOf(7)], [0, "", "right", ""]);
  monitors.choose("left");
  assert.deepEqual(watched(), [1, 2]);
  monitors.beside(["right"], false);
  assert.deepEqual(watched(), [2]);
  monitors.laidOut([LEFT]);
  assert.deepEqual(watched(), [1], "its window shows nothing, and the page is said to be hidden by itself");
  monitors.laidOut([LEFT, RIGHT]);
  assert.deepEqual(watched(), [2]);
  monitors.beside([], true);
  assert.deepEqual(watched(), [1]);
  monitors.choose("");
  assert.deepEqual([watched(), one.sent.length], [[0], 7]);
});

test("what a monitor shows is painted in its window, and each size is told once", () => {
  /** @type {string[]} */
  const painted = [];
  const screens = new Screens(() => {}, () => 0, (canvas) => ({ paint: () => void painted.push(String(canvas)), halve: (times) => void painted.push(`${canvas} by ${times}`) }), (desktop) => (desktop === 5 ? "right" : ""));
  const paint = (/** @type {number} */ desktop) => screens.paint(/** @type {any} */ ({ desktop, canvas: { close: () => void painted.push("none") } }));
  screens.add(/** @type {any} */ ("page"));
  screens.desktops([3, 5]);
  paint(5);
  screens.put("right", /** @type {any} */ ("window"));
  paint(3);
  paint(5);
  screens.desktops([5]);
  paint(5);
  screens.halve("right", 1);
  screens.halve("", 2);
  screens.put("right", null);
  screens.halve("right", 1);
  paint(5);
  assert.deepEqual(painted, ["none", "page", "window", "window", "window by 1", "page by 2", "page"]);
  /** @type {any[]} */
  const told = [];
  const layout = new LayoutService((message) => told.push(message));
  for (let twice = 0; twice < 2; twice++) {
    layout.shown(1280, 600, 0, true);
    layout.shown(640, 480, 2, false);
  }
  assert.deepEqual(told.map(({ monitor, first }) => [monitor, first]), [[0, true], [2, false]]);
});

test("the host is told in which size the desktop is acted on, once", () => {
  /** @type {any[]} */
  const told = [];
  const layout = new LayoutService((message) => told.push(message));
  const one = session();
  layout.admitted(one);
  layout.told(LAYOUT);
  assert.deepEqual(told[0].monitors, [LEFT, RIGHT]);
  layout.shown(1280, 600);
  layout.shown(1280, 600);
  assert.deepEqual(told.slice(1), [{ say: "shown", width: 1280, height: 600, monitor: 0, first: true }]);
  layout.aim(1280, 600, 5, 0);
  layout.aim(1280, 600, 6, 0);
  assert.deepEqual(one.sent, [["AIM", { width: 1280, height: 600, time_us: 5000 }]]);
  layout.told({ ...LAYOUT, width: 1300 });
  layout.aim(600, 480, 7, 2);
  assert.equal(one.sent.length, 1, "the monitor has another size there");
  layout.aim(640, 480, 8, 2);
  assert.deepEqual(one.sent.at(-1), ["AIM", { width: 1300, height: 600, time_us: 8000 }]);
});

test("a size that is wished for is said to each session, and a person is told when it comes to nothing", () => {
  /** @type {any[]} */
  const told = [];
  const fit = new FitService((message) => told.push(message));
  fit.want(1000, 700, 200);
  const one = session();
  fit.admitted(one);
  assert.deepEqual(one.sent, [["FIT", { width: 1000, height: 700, scale: 200 }]]);
  fit.told({ state: FIT_STATE.TAKEN });
  fit.told({ state: FIT_STATE.OTHER });
  fit.told({ state: FIT_STATE.OTHER });
  assert.equal(told.length, 1);
  assert.match(told[0].text, /another viewer's window/);
  fit.want(0, 0, 100);
  assert.deepEqual(one.sent.at(-1), ["FIT", { width: 0, height: 0, scale: 100 }]);
});

test("a track that is as it was goes on, every other begins anew", () => {
  const track = (/** @type {number} */ id, /** @type {number} */ first) => /** @type {any} */ ({ id, kind: 3, priority: 3, lifetime: 1000, entry: 2, dependent: false, first });
  const owner = /** @type {any} */ ({ frames() {}, missingKey() {}, refused() {} });
  const receiver = new MediaReceiver(/** @type {any} */ ({}), [track(2, 0), track(4, 7)], () => 0, owner);
  const [kept, renewed] = [2, 4].map((id) => receiver._tracks.get(id));
  receiver.arrange([track(2, 0), track(4, 9)]);
  assert.equal(receiver._tracks.get(2), kept);
  assert.notEqual(receiver._tracks.get(4), renewed);
  receiver.arrange([track(4, 9)]);
  receiver.beacon(2, 5, false, 0);
  assert.equal(receiver._tracks.size, 1);
});

test("what nearly fits is shown in a whole factor, and a monitor's places are those of the desktop", () => {
  const geometry = new Geometry();
  geometry.desktop = { width: 960, height: 600 };
  geometry.page = { width: 961, height: 601 };
  assert.equal(geometry.scale, 1);
  assert.ok(geometry.sharp);
  geometry.page = { width: 960.5, height: 600.5 };
  geometry.ratio = 2;
  assert.equal(geometry.scale * geometry.ratio, 2);
  geometry.page = { width: 700, height: 601 };
  assert.ok(!geometry.sharp);
  geometry.page = { width: 960, height: 600 };
  geometry.ratio = 1;
  geometry.origin = { x: 640, y: 100 };
  assert.deepEqual(geometry.toDesktop(10, 20), [650, 120]);
  assert.deepEqual(geometry.fromDesktop(650, 120), [10.5, 20.5]);
});
