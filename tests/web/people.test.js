/** Others at the same desktop: who has control, pointers and drawings, as the page's worker and its panels keep them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../viewer/avl_viewer/web/assembly.js";
import { Pen } from "../../viewer/avl_viewer/web/input/pen.js";
import { companyOf, nameOf, sentenceOf } from "../../viewer/avl_viewer/web/present/company.js";
import { FADING, Marks } from "../../viewer/avl_viewer/web/present/marks.js";
import { Services } from "../../viewer/avl_viewer/web/session/services.js";
import { Geometry } from "../../viewer/avl_viewer/web/ui/geometry.js";
import { CONTROL_ACT, CONTROL_MODE, INPUT, MAX, TIMER } from "../../viewer/avl_viewer/web/wire/registry.js";

const PEOPLE = [[1, "Ada", 63, 0], [2, "Bo", 63, 0]];

/** The services of a worker, with a session that is running. */
function running() {
  const services = new Services();
  /** @type {any[]} */
  const told = [];
  /** @type {any[]} */
  const sent = [];
  const features = assemble(services, /** @type {any} */ ({ tell: (/** @type {any} */ message) => told.push(message), pictures: {}, seek() {}, inputSent() {}, entropy: () => new Uint8Array(16) }));
  const session = /** @type {any} */ ({ stale: false, send: (/** @type {string} */ kind, /** @type {any} */ fields) => sent.push([kind, fields]) });
  services.admitted(session, 0);
  const hear = (/** @type {any} */ message) => services.receive(session, message, 0);
  return { services, features, session, told, sent, hear };
}

test("the page is told who is here and who has control, and names are made fit", () => {
  const { told, hear, features, sent } = running();
  const hostile = `\u001b[2J<b>me\u202e\n${"x".repeat(99)}`;
  const rows = [[1, hostile, 6, 0], [2, "Bo", 32, 1], [3], ["4", "x", 1, 0], [5, null, 1, 0]];
  hear({ kind: "PEOPLE", you: 2, mode: CONTROL_MODE.ONE, holder: 1, viewers: 3, people: rows });
  const { company } = told.at(-1);
  assert.deepEqual(company.people.map((/** @type {any} */ one) => one.number), [1, 2]);
  const name = nameOf(company, 1);
  assert.ok(name.startsWith("\\x1b[2J<b>me\\u202e") && [...name].length === MAX.PERSON_NAME);
  assert.deepEqual([company.mine, company.asking, company.people[1].acts], [false, true, false]);
  assert.equal(nameOf(company, 77), "Viewer 77");
  const many = Array.from({ length: 500 }, (_, at) => [at, "x", 2, 0]);
  assert.equal(companyOf({ you: 1, mode: 0, holder: 0, viewers: 500, people: many }).people.length, MAX.PEOPLE);
  features.control.say(CONTROL_ACT.GIVE, 2);
  assert.deepEqual(sent, [["CONTROL", { act: CONTROL_ACT.GIVE, to: 2 }]]);
});

test("a person is told who has control", () => {
  const says = (/** @type {number} */ mode, /** @type {number} */ holder) => {
    const company = companyOf({ you: 1, mode, holder, viewers: 2, people: PEOPLE });
    return [company.mine, sentenceOf(company)];
  };
  assert.deepEqual(says(CONTROL_MODE.SHARED, 0), [true, ""]);
  assert.deepEqual(says(CONTROL_MODE.ONE, 1), [true, "You have control."]);
  assert.deepEqual(says(CONTROL_MODE.ONE, 2), [false, "Bo has control."]);
  assert.deepEqual(says(CONTROL_MODE.ONE, 0), [false, "Nobody has control."]);
  assert.deepEqual(says(CONTROL_MODE.HOST, 0), [false, "The person at the host has control."]);
  assert.deepEqual(says(99, 1), [false, "The person at the host has control."], "of a mode to come we know only that it is another");
});

test("our pointer is told while it moves, at most every 50 ms, and never while we are alone", () => {
  const { features, services, sent, hear, session } = running();
  const { pointing } = features;
  pointing.point(1, 1, false, 0);
  assert.deepEqual(sent, []);
  hear({ kind: "PEOPLE", you: 1, mode: 0, holder: 0, viewers: 2, people: PEOPLE });
  for (let at = 0; at < 1000; at += 4) {
    pointing.point(at, at, false, at);
    services.handleTimer(at);
  }
  assert.ok(sent.length >= 18 && sent.length <= 1000 / TIMER.POINTING + 1, `${sent.length}`);
  services.handleTimer(2000);
  assert.deepEqual(sent.at(-1), ["POINT", { x: 996, y: 996, laser: false }]);
  const before = sent.length;
  pointing.point(996, 996, false, 3000);
  assert.equal(sent.length, before, "it has not moved");
  session.stale = true;
  pointing.point(5, 5, true, 4000);
  assert.equal(sent.length, before, "the host is not heard");
  services.ended(session, 5000);
  pointing.point(6, 6, false, 6000);
  assert.equal(services.nextTimeout(), null);
});

test("strokes go in parts, are shown at once, and go on as another when they are too long", () => {
  const { features, services, sent, told, hear } = running();
  hear({ kind: "PEOPLE", you: 7, mode: 0, holder: 0, viewers: 2, people: PEOPLE });
  const { annotations } = features;
  annotations.draw([0, 0], true, 0);
  assert.deepEqual(sent, [["STROKE", { stroke: 1, points: [[0, 0]] }]], "at once");
  assert.deepEqual(told.at(-1).mark, { kind: "DRAWN", person: 7, stroke: 1, points: [[0, 0]] });
  for (let at = 1; at < MAX.STROKE_POINTS + 10; at++) annotations.draw([at, 0], false, 1);
  annotations.draw([MAX.STROKE_POINTS + 9, 0], false, 1);
  assert.equal(services.nextTimeout(), TIMER.POINTING);
  services.handleTimer(TIMER.POINTING);
  const parts = sent.slice(1).map(([, { stroke, points }]) => [stroke, points.length]);
  assert.ok(parts.every(([, length]) => length <= MAX.STROKE_PART));
  const length = (/** @type {number} */ number) => parts.filter(([stroke]) => stroke === number).reduce((sum, [, one]) => sum + one, 0);
  assert.deepEqual([length(1) + 1, length(2)], [MAX.STROKE_POINTS, 11], "the second begins where the first ended");
  annotations.draw([9, 9], true, 2000);
  annotations.draw([8, 8], false, 2001);
  annotations.clear(false);
  assert.deepEqual([sent.at(-1), told.at(-1).mark], [["CLEAR", { everybody: false }], { kind: "CLEARED", person: 7 }]);
  assert.equal(services.nextTimeout(), null, "what waited is wiped away, too");
});

test("a pointer fades when it is still, and a stroke after its last point", () => {
  const marks = new Marks();
  marks.take({ kind: "POINTS", rows: [[2, 10, 20, 0], [3, 1, 1, 1]] }, 0);
  assert.deepEqual(marks.pointers(100)[0], { person: 2, x: 10, y: 20, laser: false, opacity: 1 });
  assert.equal(marks.nextChange(100), TIMER.POINTED - FADING);
  assert.equal(marks.pointers(TIMER.POINTED - FADING / 2)[0].opacity, 0.5);
  marks.take({ kind: "POINTS", rows: [[2, 11, 20, 0]] }, TIMER.POINTED - 100);
  assert.deepEqual(marks.pointers(TIMER.POINTED + 100).map(({ person }) => person), [2]);
  assert.deepEqual([marks.nextChange(60_000), marks.pointers(60_000)], [null, []]);
  marks.take({ kind: "DRAWN", person: 2, stroke: 1, points: [[1, 1]] }, 0);
  marks.take({ kind: "DRAWN", person: 2, stroke: 1, points: [[2, 2]] }, 1000);
  marks.take({ kind: "DRAWN", person: 5, stroke: 1, points: [[3, 3]] }, 1000);
  assert.deepEqual(marks.strokes(1000).map(({ points }) => points), [[[1, 1], [2, 2]], [[3, 3]]]);
  marks.take({ kind: "CLEARED", person: 2 }, 1000);
  assert.deepEqual(marks.strokes(1000).map(({ person }) => person), [5]);
  assert.equal(marks.strokes(1000 + TIMER.STROKE - FADING / 4)[0].opacity, 0.25);
  assert.deepEqual(marks.strokes(1000 + TIMER.STROKE), []);
  marks.take({ kind: "DRAWN", person: 5, stroke: 2, points: [[3, 3]] }, 20_000);
  marks.take({ kind: "CLEARED", person: 0 }, 20_000);
  assert.deepEqual(marks.strokes(20_000), []);
});

test("whatever a host tells of marks is bounded", () => {
  const marks = new Marks();
  const absurd = [[-1, 0], [0, MAX.PICTURE_SIDE], [2 ** 60, 0], [], [1], [1, 2, 3]];
  marks.take({ kind: "POINTS", rows: absurd.map((place) => [1, ...place, 0]) }, 0);
  for (const place of absurd) marks.take({ kind: "DRAWN", person: 1, stroke: 1, points: [[5, 5], place] }, 0);
  marks.take({ kind: "DRAWN", person: 1, stroke: 1, points: [] }, 0);
  assert.deepEqual([marks.pointers(0), marks.strokes(0)], [[], []]);
  const line = Array.from({ length: MAX.STROKE_POINTS }, (_, at) => [at, at]);
  for (let stroke = 0; stroke < 100; stroke++) for (let again = 0; again < 2; again++) marks.take({ kind: "DRAWN", person: 1, stroke, points: line }, 0);
  const kept = marks.strokes(0);
  assert.ok(kept.every(({ points }) => points.length === MAX.STROKE_POINTS));
  assert.ok(kept.length * MAX.STROKE_POINTS <= MAX.DRAWN_POINTS + (MAX.DRAWN_RATE * TIMER.STROKE) / 1000);
  for (let person = 0; person < 500; person++) {
    marks.take({ kind: "POINTS", rows: [[person, 1, 1, 0]] }, 0);
    marks.take({ kind: "DRAWN", person, stroke: 1, points: [[1, 1]] }, 0);
  }
  assert.deepEqual([marks.pointers(0).length, new Set(marks.strokes(0).map(({ person }) => person)).size], [MAX.PEOPLE, MAX.PEOPLE]);
});

test("a pen draws with the left button, points without, and wipes with the right", () => {
  /** @type {any[]} */
  const done = [];
  const pen = new Pen({ point: (...at) => done.push(["point", ...at]), draw: (...at) => done.push(["draw", ...at]), wipe: () => done.push(["wipe"]) });
  assert.equal(pen.toggle(), true);
  pen.take([[INPUT.MOVE, 1, 2]]);
  pen.take([[INPUT.MOVE, 3, 4], [INPUT.BUTTON, 1, true], [INPUT.MOVE, 5, 6]]);
  pen.take([[INPUT.BUTTON, 1, false], [INPUT.WHEEL, 0, 120], [INPUT.BUTTON, 2, true], [INPUT.BUTTON, 3, true], [INPUT.MOVE, 7, 8]]);
  assert.deepEqual(done, [["point", 1, 2], ["point", 3, 4], ["draw", 3, 4, true], ["draw", 5, 6, false], ["wipe"], ["point", 7, 8]]);
});

test("a desktop pixel's place on the page is under its middle", () => {
  const geometry = new Geometry();
  geometry.page = { width: 400, height: 300 };
  geometry.desktop = { width: 800, height: 400 };
  assert.deepEqual(geometry.fromDesktop(0, 0), [0.25, 50.25]);
  assert.deepEqual(geometry.toDesktop(...geometry.fromDesktop(123, 321)), [123, 321]);
});
