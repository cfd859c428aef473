/** Hands: keys, compositions, mouse, fingers, and where the desktop lies on the page. */

import assert from "node:assert/strict";
import test from "node:test";
import { Composition, sendsWhileComposing } from "../../viewer/avl_viewer/web/input/composition.js";
import { Keyboard, combination } from "../../viewer/avl_viewer/web/input/keyboard.js";
import { CODES, COMBINATIONS, USAGE } from "../../viewer/avl_viewer/web/input/keys.js";
import { Mouse, units } from "../../viewer/avl_viewer/web/input/mouse.js";
import { Touch } from "../../viewer/avl_viewer/web/input/touch.js";
import { Stylus } from "../../viewer/avl_viewer/web/input/stylus.js";
import { Caught } from "../../viewer/avl_viewer/web/ui/caught.js";
import { Geometry } from "../../viewer/avl_viewer/web/ui/geometry.js";
import { INPUT, MODIFIER, PEN_STATE } from "../../viewer/avl_viewer/web/wire/registry.js";

/** @typedef {import("../../viewer/avl_viewer/web/session/input/outbox.js").InputEvent} InputEvent */

/** @param {string} code @param {string} key @param {string[]} states @param {object} more @returns {any} */
const event = (code, key, states = [], more = {}) => ({
  code, key, keyCode: 0, repeat: false, isComposing: false, timeStamp: 0, getModifierState: (/** @type {string} */ name) => states.includes(name), ...more,
});

/** @param {boolean} [mac] */
function keyboard(mac) {
  /** @type {InputEvent[]} */
  const rows = [];
  const watched = { now: false };
  return { rows, watched, keys: new Keyboard((more) => void rows.push(...more), (wanted) => void (watched.now = wanted), mac) };
}

test("a key travels as its place and the text it made", () => {
  const { rows, keys } = keyboard();
  assert.equal(keys.press(event("KeyQ", "a")), "taken");
  keys.release(event("KeyQ", "a"));
  assert.deepEqual(rows, [[INPUT.KEY, 0x14, true, 0, "a"], [INPUT.KEY, 0x14, false, 0, ""]]);
});

test("repetitions are left to the host, and so is a key that went up elsewhere", () => {
  const { rows, keys } = keyboard();
  keys.press(event("KeyA", "a"));
  keys.press(event("KeyA", "a", [], { repeat: true }));
  keys.press(event("KeyC", "c", [], { repeat: true }));
  keys.release(event("KeyB", "b"));
  assert.equal(rows.length, 1);
});

test("with Control, Alt or Super the letter of the viewer's layout travels; locks travel as bits", () => {
  const { rows, keys } = keyboard();
  keys.press(event("KeyC", "j", ["Control", "NumLock", "CapsLock"]));
  keys.press(event("KeyQ", "A", ["Control", "Shift"]));
  keys.press(event("Tab", "Tab", ["Alt"]));
  assert.deepEqual(rows, [
    [INPUT.KEY, 6, true, MODIFIER.CONTROL | MODIFIER.NUM_LOCK | MODIFIER.CAPS_LOCK, "j"],
    [INPUT.KEY, 0x14, true, MODIFIER.CONTROL | MODIFIER.SHIFT, "A"],
    [INPUT.KEY, USAGE.TAB, true, MODIFIER.ALT, ""],
  ]);
});

test("AltGr makes text, also where it is told as Control and Alt", () => {
  const { rows, keys } = keyboard();
  keys.press(event("ControlLeft", "Control", ["Control"]));
  keys.press(event("AltRight", "AltGraph", ["Control", "Alt", "AltGraph"]));
  keys.press(event("KeyQ", "@", ["Control", "Alt", "AltGraph"]));
  assert.deepEqual(rows.slice(1), [
    [INPUT.KEY, USAGE.CONTROL, false, MODIFIER.ALT | MODIFIER.ALTGR, ""],
    [INPUT.KEY, USAGE.ALT_RIGHT, true, MODIFIER.ALTGR, ""],
    [INPUT.KEY, 0x14, true, MODIFIER.ALTGR, "@"],
  ]);
});

test("Option is a level shift on a Mac", () => {
  const { rows, keys } = keyboard(true);
  keys.press(event("KeyL", "@", ["Alt"]));
  assert.deepEqual(rows, [[INPUT.KEY, 0x0f, true, MODIFIER.ALTGR, "@"]]);
});

test("dead keys and input methods are left to compose", () => {
  const { rows, keys } = keyboard();
  assert.equal(keys.press(event("Equal", "Dead")), "compose");
  assert.equal(keys.press(event("KeyE", "Process", [], { keyCode: 229 })), "compose");
  assert.equal(keys.press(event("KeyE", "e", [], { isComposing: true })), "compose");
  assert.equal(keys.press(event("", "Unidentified")), "compose");
  keys.release(event("Equal", "Dead"));
  assert.deepEqual(rows, []);
});

test("a key of unknown place travels as text", () => {
  const { rows, keys } = keyboard();
  keys.press(event("", "é"));
  assert.deepEqual(rows, [[INPUT.TEXT, "é"]]);
});

test("the usual pasting keys wait for the clipboard", () => {
  const { rows, keys } = keyboard();
  assert.equal(keys.press(event("KeyV", "v", ["Control"])), "paste");
  assert.equal(keys.press(event("KeyV", "V", ["Control", "Shift"])), "paste");
  assert.equal(keys.press(event("Insert", "Insert", ["Shift"])), "paste");
  assert.equal(keys.press(event("Period", "v", ["Control"])), "paste", "a Dvorak keyboard");
  assert.equal(keys.press(event("KeyV", "\u043c", ["Control"])), "paste", "a Russian one");
  assert.equal(keys.press(event("KeyV", "k", ["Control"])), "taken");
  keys.release(event("KeyV", "k", ["Control"]));
  rows.splice(0);
  assert.equal(keys.press(event("KeyV", "v", ["Control", "Alt"])), "taken");
  keys.release(event("KeyV", "v", ["Control", "Alt"]));
  assert.equal(keys.press(event("KeyV", "v")), "taken");
  assert.equal(rows.length, 3);
});

test("letting go of Command lets go of what was pressed before it", () => {
  const { rows, keys } = keyboard();
  keys.press(event("KeyC", "c"));
  keys.press(event("MetaLeft", "Meta", ["Meta"]));
  keys.release(event("MetaLeft", "Meta"));
  assert.deepEqual(rows.slice(2), [[INPUT.KEY, USAGE.META, false, 0, ""], [INPUT.KEY, 6, false, 0, ""]]);
});

test("on a Mac, which never tells that a key went up while Command was held, such a key is tapped", () => {
  const { rows, keys, watched } = keyboard(true);
  keys.press(event("MetaLeft", "Meta", ["Meta"]));
  keys.press(event("KeyZ", "z", ["Meta"]));
  keys.press(event("KeyZ", "z", ["Meta"], { repeat: true }));
  const tap = [[INPUT.KEY, 0x1d, true, MODIFIER.META, "z"], [INPUT.KEY, 0x1d, false, MODIFIER.META, ""]];
  assert.deepEqual(rows.slice(1), [...tap, ...tap]);
  assert.equal(watched.now, false);
  keys.press(event("KeyI", "\u02c6", ["Meta", "Alt"]));
  assert.equal(rows.at(-2)?.[4], "", "what Option makes of a letter is not the letter");
});

/** @param {InputEvent[]} rows */
const releases = (rows) => rows.filter(([kind, , down]) => kind === INPUT.KEY && !down).map(([, usage]) => usage);

test("a modifier that a later key says is up is let go of before that key", () => {
  const { rows, keys } = keyboard();
  keys.press(event("ShiftLeft", "Shift", ["Shift"]));
  keys.press(event("Tab", "Tab"));
  assert.deepEqual(rows.slice(1), [[INPUT.KEY, USAGE.SHIFT, false, 0, ""], [INPUT.KEY, USAGE.TAB, true, 0, ""]]);
  keys.press(event("ControlLeft", "Control", ["Control"]));
  keys.release(event("Tab", "Tab"));
  assert.deepEqual(releases(rows), [USAGE.SHIFT, USAGE.CONTROL, USAGE.TAB]);
});

test("AltGr and one of two Shift keys stay held as long as any event says so", () => {
  const { rows, keys } = keyboard();
  keys.press(event("AltRight", "AltGraph", ["AltGraph"]));
  keys.press(event("KeyQ", "@", ["AltGraph"]));
  keys.press(event("ShiftLeft", "Shift", ["Shift", "AltGraph"]));
  keys.press(event("ShiftRight", "Shift", ["Shift", "AltGraph"]));
  keys.release(event("ShiftLeft", "Shift", ["Shift", "AltGraph"]));
  assert.deepEqual(releases(rows), [USAGE.SHIFT]);
  keys.press(event("KeyE", "e"));
  assert.deepEqual(releases(rows), [USAGE.SHIFT, USAGE.ALT_RIGHT, 0xe5]);
});

test("the pointer tells of a lost release too, but not of what may have been before the press", () => {
  const { rows, keys } = keyboard();
  keys.press(event("ShiftLeft", "Shift", ["Shift"], { timeStamp: 1000 }));
  keys.evidence(event("", "", [], { timeStamp: 1050 }));
  keys.evidence(event("", "", ["Shift"], { timeStamp: 2000 }));
  assert.deepEqual(releases(rows), []);
  keys.evidence(event("", "", [], { timeStamp: 2100 }));
  keys.evidence(event("", "", [], { timeStamp: 2200 }));
  assert.deepEqual(releases(rows), [USAGE.SHIFT]);
});

test("a key that goes down twice went up between", () => {
  const { rows, keys } = keyboard();
  keys.press(event("KeyA", "a"));
  keys.press(event("KeyA", "a"));
  assert.deepEqual(rows.map(([, , down]) => down), [true, false, true]);
});

test("a key that is neither repeated nor released is let go of, and pressed again when it is repeated after all", () => {
  const { rows, keys, watched } = keyboard();
  keys.press(event("KeyA", "a"));
  assert.equal(watched.now, true);
  watched.now = false;
  keys.press(event("KeyA", "a", [], { repeat: true }));
  assert.equal(watched.now, true, "it is held");
  keys.silent();
  keys.silent();
  assert.deepEqual([rows.map(([, , down]) => down), watched.now], [[true, false], false]);
  keys.press(event("KeyB", "b", [], { repeat: true }));
  assert.equal(rows.length, 2, "a key that went down elsewhere is not ours");
  keys.press(event("KeyA", "a", [], { repeat: true }));
  assert.deepEqual([rows.length, watched.now], [3, true]);
  keys.press(event("ShiftLeft", "Shift", ["Shift"]));
  assert.equal(watched.now, true, "a modifier ends no repetition");
  keys.release(event("KeyA", "A", ["Shift"]));
  assert.equal(watched.now, false);
  keys.places = true;
  keys.press(event("KeyW", "w", ["Shift"]));
  keys.silent();
  assert.deepEqual(rows.at(-1)?.slice(1, 3), [0x1a, true], "games hold keys that nobody repeats");
});

test("a key of the keypad is that key, with Num Lock as its meaning was, and no text", () => {
  for (const [key, states, lock] of /** @type {[string, string[], boolean][]} */ ([
    ["1", ["NumLock"], true], ["1", [], true], ["End", [], false], ["End", ["NumLock"], false], ["End", ["NumLock", "Shift"], true], ["1", ["Shift"], false],
  ])) {
    const { rows, keys } = keyboard();
    keys.press(event("Numpad1", key, states));
    const bits = (states.includes("Shift") ? MODIFIER.SHIFT : 0) | (lock ? MODIFIER.NUM_LOCK : 0);
    assert.deepEqual(rows, [[INPUT.KEY, 0x59, true, bits, ""]], `${key} ${states}`);
  }
  const { rows, keys } = keyboard();
  for (const [code, key] of [["NumpadAdd", "+"], ["NumpadDivide", "/"], ["NumpadComma", ","], ["NumpadEqual", "="]]) keys.press(event(code, key));
  assert.deepEqual(rows.map((row) => row[4]), ["", "", "", ""]);
});

test("keys by place carry no text, nor are dead ones composed", () => {
  const { rows, keys } = keyboard();
  keys.places = true;
  keys.press(event("KeyQ", "a"));
  keys.press(event("KeyA", "q", ["Control"]));
  assert.equal(keys.press(event("Equal", "Dead")), "taken");
  assert.deepEqual(rows.map((row) => row[4]), ["", "", ""]);
  assert.equal(keys.press(event("KeyE", "Process", [], { keyCode: 229 })), "compose");
});

test("losing the keyboard lets go of everything, once", () => {
  const { rows, keys } = keyboard();
  keys.releaseAll();
  keys.press(event("KeyC", "c"));
  keys.releaseAll();
  keys.releaseAll();
  assert.deepEqual(rows.slice(1), [[INPUT.RELEASE_ALL]]);
});

test("a combination is pressed in order and released in reverse", () => {
  assert.deepEqual(combination([USAGE.CONTROL, USAGE.ALT, USAGE.DELETE]), [
    [INPUT.KEY, 0xe0, true, 1, ""], [INPUT.KEY, 0xe2, true, 5, ""], [INPUT.KEY, 0x4c, true, 5, ""],
    [INPUT.KEY, 0x4c, false, 5, ""], [INPUT.KEY, 0xe2, false, 1, ""], [INPUT.KEY, 0xe0, false, 0, ""],
  ]);
  assert.deepEqual(combination([USAGE.META, 0x0f])[1], [INPUT.KEY, 0x0f, true, MODIFIER.META, "l"], "a letter is meant by its name");
  for (const [name, usages] of COMBINATIONS) assert.ok(usages.every((usage) => usage > 3 && usage < 0xe8), name);
  assert.equal(new Set([...CODES.values()]).size, CODES.size - 2);
});

test("a converting input method's text travels when it is done, a phone's while it is made", () => {
  const composition = new Composition();
  assert.deepEqual(composition.update("ni"), []);
  assert.deepEqual(composition.end("你"), [[INPUT.TEXT, "你"]]);
  composition.live = true;
  assert.deepEqual(composition.update("he"), [[INPUT.TEXT, "he"]]);
  assert.deepEqual(composition.update("her"), [[INPUT.TEXT, "r"]]);
  assert.deepEqual(composition.end("hello"), [...combination([USAGE.BACKSPACE]), [INPUT.TEXT, "llo"]]);
  assert.deepEqual(composition.end("x"), [[INPUT.TEXT, "x"]]);
  assert.deepEqual(["de-DE", "zh-Hans", "ja", "ko-KR", "en"].map(sendsWhileComposing), [true, false, false, false, true]);
});

function mouse() {
  /** @type {InputEvent[][]} */
  const sent = [];
  /** @type {(() => void)[]} */
  const later = [];
  const clock = { now: 0 };
  const owner = {
    send: (/** @type {InputEvent[]} */ rows) => void sent.push(rows),
    toDesktop: (/** @type {number} */ x, /** @type {number} */ y) => /** @type {[number, number]} */ ([x * 2, y * 2]),
    clock: () => clock.now,
    later: (/** @type {number} */ _wait, /** @type {() => void} */ then) => void later.push(then),
  };
  return { sent, later, clock, mouse: new Mouse(owner) };
}

test("a press follows its movement in one batch, and buttons are numbered as on X", () => {
  const { sent, mouse: hand } = mouse();
  hand.at(5, 6, 1);
  hand.at(5, 6, 3);
  hand.at(5, 6, 4);
  hand.at(5, 6, 24);
  hand.at(5, 6, 0);
  assert.deepEqual(sent, [
    [[INPUT.MOVE, 10, 12], [INPUT.BUTTON, 1, true]],
    [[INPUT.BUTTON, 3, true]],
    [[INPUT.BUTTON, 1, false], [INPUT.BUTTON, 3, false], [INPUT.BUTTON, 2, true]],
    [[INPUT.BUTTON, 2, false], [INPUT.BUTTON, 8, true], [INPUT.BUTTON, 9, true]],
    [[INPUT.BUTTON, 8, false], [INPUT.BUTTON, 9, false]],
  ]);
});

test("movements are 4 ms apart, and the last one is never lost", () => {
  const { sent, later, clock, mouse: hand } = mouse();
  hand.at(1, 1, 0);
  hand.at(2, 2, 0);
  hand.at(3, 3, 0);
  assert.equal(later.length, 1);
  clock.now = 4;
  later[0]();
  hand.at(3, 3, 0);
  assert.deepEqual(sent, [[[INPUT.MOVE, 2, 2]], [[INPUT.MOVE, 6, 6]]]);
});

test("wheels are counted in notches of 120, and fractions add up", () => {
  assert.deepEqual(units({ deltaX: 0, deltaY: 53, deltaMode: 0, wheelDeltaX: 0, wheelDeltaY: -120 }), [0, 120]);
  assert.deepEqual(units({ deltaX: 0, deltaY: -3, deltaMode: 1 }), [0, -120]);
  assert.deepEqual(units({ deltaX: 1, deltaY: 0, deltaMode: 2 }), [360, 0]);
  const { sent, mouse: hand } = mouse();
  for (let at = 0; at < 8; at++) hand.wheel(0, 0, { deltaX: 0, deltaY: 0.3125, deltaMode: 0 });
  assert.deepEqual(sent, [[[INPUT.MOVE, 0, 0], [INPUT.WHEEL, 0, 1]], [[INPUT.WHEEL, 0, 1]], [[INPUT.WHEEL, 0, 1]]]);
});

test("a button that was let go of is not pressed elsewhere by the next movement, but by the next finger", () => {
  const { sent, clock, mouse: hand } = mouse();
  hand.at(5, 6, 1);
  hand.releaseAll(); // the session lost its way in the middle of a drag
  sent.length = 0;
  clock.now = 10;
  hand.at(7, 8, 1);
  assert.deepEqual(sent, [[[INPUT.MOVE, 14, 16]]]);
  hand.at(7, 8, 3);
  hand.at(7, 8, 0);
  hand.at(7, 8, 1);
  assert.deepEqual(sent.slice(1), [[[INPUT.BUTTON, 3, true]], [[INPUT.BUTTON, 3, false]], [[INPUT.BUTTON, 1, true]]]);
  hand.releaseAll();
  hand.down(7, 8, 1); // lifted where nobody saw it
  assert.deepEqual(sent.slice(4), [[[INPUT.BUTTON, 1, false]], [[INPUT.BUTTON, 1, true]]]);
});

test("losing the mouse lets go of its buttons", () => {
  const { sent, mouse: hand } = mouse();
  hand.at(0, 0, 1);
  hand.releaseAll();
  hand.releaseAll();
  assert.deepEqual(sent.slice(1), [[[INPUT.BUTTON, 1, false]]]);
});

function touch(zoomed = false) {
  /** @type {InputEvent[]} */
  const rows = [];
  /** @type {(number | string)[][]} */
  const moved = [];
  /** @type {(() => void)[]} */
  const timers = [];
  const owner = {
    send: (/** @type {InputEvent[]} */ more) => void rows.push(...more),
    toDesktop: (/** @type {number} */ x, /** @type {number} */ y) => /** @type {[number, number]} */ ([x, y]),
    zoomed: () => zoomed,
    clock: () => 0,
    pan: (/** @type {number} */ x, /** @type {number} */ y) => void moved.push(["pan", x, y]),
    pinch: (/** @type {number} */ factor) => void moved.push(["pinch", factor]),
    later: (/** @type {number} */ _wait, /** @type {() => void} */ then) => {
      timers.push(then);
      return () => void timers.splice(timers.indexOf(then), 1);
    },
  };
  return { rows, moved, timers, fingers: new Touch(owner) };
}

test("a tap clicks where it was", () => {
  const { rows, timers, fingers } = touch();
  fingers.down(1, 10, 20);
  fingers.move(1, 14, 20);
  fingers.up(1);
  assert.deepEqual(rows, [[INPUT.MOVE, 14, 20], [INPUT.BUTTON, 1, true], [INPUT.BUTTON, 1, false]]);
  assert.equal(timers.length, 0);
});

test("a long press clicks right, and its end does nothing", () => {
  const { rows, timers, fingers } = touch();
  fingers.down(1, 10, 20);
  timers[0]();
  fingers.move(1, 60, 60);
  fingers.up(1);
  assert.deepEqual(rows, [[INPUT.MOVE, 10, 20], [INPUT.BUTTON, 3, true], [INPUT.BUTTON, 3, false]]);
});

test("a finger that moves drags from where it began, and lets go when it is taken away", () => {
  const { rows, fingers } = touch();
  fingers.down(1, 10, 10);
  fingers.move(1, 40, 10);
  fingers.move(1, 50, 10);
  fingers.cancel(1);
  assert.deepEqual(rows, [
    [INPUT.MOVE, 10, 10], [INPUT.BUTTON, 1, true], [INPUT.MOVE, 40, 10], [INPUT.MOVE, 50, 10], [INPUT.BUTTON, 1, false],
  ]);
});

test("two fingers scroll what lies under them, without a click", () => {
  const { rows, fingers } = touch();
  fingers.down(1, 100, 100);
  fingers.down(2, 140, 100);
  fingers.move(1, 100, 140);
  fingers.move(2, 140, 140);
  fingers.up(1);
  fingers.up(2);
  assert.deepEqual(rows, [[INPUT.MOVE, 120, 100], [INPUT.WHEEL, 0, -120]]);
});

test("fingers that part zoom the view, and so does one alone; while it is zoomed two fingers move it and three scroll", () => {
  const pinched = touch();
  pinched.fingers.zoomsView = true;
  pinched.fingers.down(1, 100, 100);
  pinched.fingers.down(2, 200, 100);
  pinched.fingers.move(1, 90, 100);
  pinched.fingers.move(2, 240, 100);
  assert.deepEqual(pinched.moved, [["pan", 15, 0], ["pinch", 1.5]]);
  assert.deepEqual(pinched.rows, []);
  const alone = touch();
  alone.fingers.zoomsView = true;
  alone.fingers.down(1, 100, 100);
  alone.fingers.down(2, 200, 100);
  alone.fingers.move(2, 300, 100);
  assert.deepEqual(alone.moved, [["pan", 50, 0], ["pinch", 2]]);
  const panned = touch(true);
  panned.fingers.down(1, 100, 100);
  panned.fingers.down(2, 140, 100);
  panned.fingers.move(1, 100, 140);
  panned.fingers.move(2, 140, 140);
  assert.deepEqual(panned.moved, [["pan", 0, 40]]);
  const three = touch(true);
  for (const id of [1, 2, 3]) three.fingers.down(id, 100 * id, 100);
  for (const id of [1, 2, 3]) three.fingers.move(id, 100 * id, 130);
  assert.deepEqual([three.moved, three.rows[0]], [[], [INPUT.MOVE, 200, 100]]);
  assert.equal(three.rows.slice(1).reduce((sum, row) => sum + Number(row[2]), 0), -90);
});

test("a pinch turns the wheel with Control held, so that programs zoom what they show", () => {
  const { rows, moved, fingers } = touch();
  fingers.down(1, 100, 100);
  fingers.down(2, 200, 100);
  fingers.move(1, 50, 100);
  fingers.move(2, 250, 100);
  fingers.releaseAll();
  assert.deepEqual(rows, [
    [INPUT.MOVE, 150, 100], [INPUT.KEY, USAGE.CONTROL, true, MODIFIER.CONTROL, ""], [INPUT.WHEEL, 0, -480], [INPUT.KEY, USAGE.CONTROL, false, 0, ""],
  ]);
  assert.deepEqual(moved, []);
});

test("three fingers drag", () => {
  const { rows, fingers } = touch();
  for (const id of [1, 2, 3]) fingers.down(id, 100 * id, 100);
  for (const id of [1, 2, 3]) fingers.move(id, 100 * id, 130);
  fingers.up(2);
  assert.deepEqual(rows, [
    [INPUT.MOVE, 200, 100], [INPUT.BUTTON, 1, true], [INPUT.MOVE, 200, 120], [INPUT.MOVE, 200, 130], [INPUT.BUTTON, 1, false],
  ]);
});

test("fingers travel as such where that is wanted, each with its own number, and are lifted where they were", () => {
  const { rows, timers, fingers } = touch();
  fingers.direct = true;
  fingers.down(7, 10, 20);
  fingers.down(8, 30, 40);
  fingers.move(7, 11, 20);
  fingers.move(7, 11, 20);
  fingers.direct = false;
  fingers.move(8, 31, 40); // it goes on as it began
  fingers.cancel(7);
  fingers.releaseAll();
  assert.deepEqual(rows, [
    [INPUT.TOUCH, 7, 0, 10, 20], [INPUT.TOUCH, 8, 0, 30, 40], [INPUT.TOUCH, 7, 1, 11, 20], [INPUT.TOUCH, 8, 1, 31, 40],
    [INPUT.TOUCH, 7, 2, 11, 20], [INPUT.TOUCH, 8, 2, 31, 40],
  ]);
  assert.equal(timers.length, 0);
});

test("a mouse that is caught tells its movements, whole pixels of them, and no place", () => {
  const { sent, later, clock, mouse: hand } = mouse();
  hand.at(5, 6, 0);
  hand.caught = true;
  clock.now = 10;
  hand.by(0.6, -3.5, 0);
  hand.by(0.6, 0, 0);
  hand.by(5, 0, 1);
  hand.wheel(9, 9, { deltaX: 0, deltaY: 100, deltaMode: 0 });
  clock.now = 20;
  later.forEach((then) => then());
  hand.by(0, 0, 0);
  assert.deepEqual(sent.slice(1), [
    [[INPUT.MOVE_BY, 0, -3]], [[INPUT.MOVE_BY, 6, 0], [INPUT.BUTTON, 1, true]], [[INPUT.WHEEL, 0, 120]], [[INPUT.BUTTON, 1, false]],
  ]);
  hand.caught = false;
  clock.now = 30;
  hand.at(5, 6, 0);
  assert.deepEqual(sent.at(-1), [[INPUT.MOVE, 10, 12]], "where it is at the host is not known after that");
});

test("a pen tells pressure, tilt and its buttons, and that it is gone", () => {
  /** @type {InputEvent[]} */
  const rows = [];
  const pen = new Stylus({ send: (more) => void rows.push(...more), toDesktop: (x, y) => [x, y] });
  const here = { clientX: 3, clientY: 4, buttons: 0, pressure: 0, tiltX: 0, tiltY: 0 };
  pen.leave();
  pen.at(here);
  pen.at(here);
  pen.at({ ...here, buttons: 1, pressure: 0.5, tiltX: -30.4, tiltY: 60 });
  pen.at({ ...here, buttons: 32, pressure: 1 });
  pen.at({ ...here, buttons: 2, pressure: 0.3 });
  pen.leave();
  pen.leave();
  const { NEAR, TIP, ERASER, BARREL } = PEN_STATE;
  assert.deepEqual(rows, [
    [INPUT.PEN, 3, 4, 0, 0, 0, NEAR],
    [INPUT.PEN, 3, 4, 32768, -30, 60, NEAR | TIP],
    [INPUT.PEN, 3, 4, 65535, 0, 0, NEAR | TIP | ERASER],
    [INPUT.PEN, 3, 4, 0, 0, 0, NEAR | BARREL],
    [INPUT.PEN, 3, 4, 0, 0, 0, 0],
  ]);
});

test("a lock of the pointer is offered once a minute, says how to leave it, and moves an image of the pointer along", async () => {
  /** @type {any[]} */
  const told = [];
  /** @type {any[]} */
  const shown = [];
  const clock = { now: 0 };
  let gives = true;
  const caught = new Caught({
    catch: async () => gives, free: () => caught.changed(false), tell: (text, action) => void told.push([text, action?.[0]]),
    show: (place) => void shown.push(place), mark: () => undefined, desktop: () => ({ x: 640, y: 0, width: 100, height: 50 }),
  }, () => clock.now);
  caught.offer();
  await caught.toggle();
  assert.deepEqual(told.map(([text]) => text), ["This host takes no movements of a mouse. Update avl there."]);
  caught.able = true;
  caught.offer();
  caught.offer();
  assert.deepEqual(told.slice(1).map(([, action]) => action), ["Lock pointer"]);
  gives = false;
  await caught.toggle();
  assert.match(told[2][0], /did not give/);
  caught.follow([[INPUT.MOVE, 730, 5], [INPUT.WHEEL, 730, 5, 0, 120]]);
  caught.changed(true);
  caught.changed(true);
  caught.by(20, -3);
  caught.by(-5, 100);
  await caught.toggle();
  assert.deepEqual(shown, [[730, 5], [739, 2], [734, 49], null]);
  assert.deepEqual(told.slice(3).map(([text]) => /Esc|L locks/.test(text)), [true, true]);
});

/** @param {number} width @param {number} height @param {number} ratio */
function geometry(width, height, ratio = 1) {
  const made = new Geometry();
  made.page = { width, height };
  made.desktop = { width: 1920, height: 1080 };
  made.ratio = ratio;
  return made;
}

test("a desktop that fits exactly is shown pixel for pixel", () => {
  const exact = geometry(1920, 1080);
  assert.deepEqual(exact.box(), { left: 0, top: 0, width: 1920, height: 1080 });
  assert.equal(exact.sharp, true);
  assert.deepEqual([exact.toDesktop(0, 0), exact.toDesktop(1919.9, 1079.5)], [[0, 0], [1919, 1079]]);
});

test("it fits the page with its shape kept, in the middle", () => {
  const small = geometry(960, 1000);
  assert.deepEqual(small.box(), { left: 0, top: 230, width: 960, height: 540 });
  assert.deepEqual(small.toDesktop(480, 500), [960, 540]);
  assert.deepEqual(small.toDesktop(0, 0), [0, 0]);
  assert.deepEqual(small.toDesktop(5000, 5000), [1919, 1079]);
});

test("one to one means the screen's pixels, and pointing reaches all of a larger desktop", () => {
  const phone = geometry(375, 600, 2);
  phone.exact = true;
  assert.equal(phone.scale, 0.5);
  assert.equal(phone.sharp, true);
  assert.deepEqual(phone.toDesktop(0, 300), [0, 540]);
  assert.equal(phone.follow(375, 300), true);
  assert.deepEqual(phone.toDesktop(374.9, 300)[0], 1919);
  assert.equal(phone.follow(375, 300), false);
});

test("a pinch keeps what lies under the fingers, within limits", () => {
  const phone = geometry(375, 667);
  const before = phone.toDesktop(200, 333);
  phone.pinch(4, 200, 333);
  const after = phone.toDesktop(200, 333);
  assert.ok(Math.abs(before[0] - after[0]) <= 6 && Math.abs(before[1] - after[1]) <= 6, `${before} ${after}`);
  assert.equal(phone.overflows, true);
  phone.pan(9999, 9999);
  assert.equal(phone.box().left, 0);
  phone.pinch(1 / 100, 0, 0);
  assert.equal(phone.overflows, false);
});
