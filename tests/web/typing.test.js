/** Typing: the hidden text field's events in order, where a pasting key has to wait for its paste event. */

import assert from "node:assert/strict";
import test from "node:test";
import { Typing } from "../../viewer/avl_viewer/web/input/typing.js";
import { MODIFIER } from "../../viewer/avl_viewer/web/wire/registry.js";

const [CONTROL, V, B] = [0xe0, 0x19, 0x05];

/** A field that hears what the test dispatches. */
function typing() {
  Object.assign(globalThis, { document: { addEventListener() {} } });
  if (!globalThis.navigator?.platform) Object.defineProperty(globalThis, "navigator", { value: { platform: "Linux", language: "en" }, configurable: true });
  /** @type {Record<string, (event: any) => void>} */
  const heard = {};
  const field = /** @type {any} */ ({ value: "", setSelectionRange() {}, addEventListener: (/** @type {string} */ kind, /** @type {any} */ take) => (heard[kind] = take) });
  /** @type {any[]} */
  const said = [];
  const owner = {
    send: (/** @type {any[]} */ rows) => void said.push(...rows.map(([, usage, down, bits]) => ["key", usage, down, bits])),
    paste: (/** @type {any} */ { text }, /** @type {any[]} */ rows) => void said.push(["paste", text, ...rows.map(([, usage, down]) => [usage, down])]),
    mayPaste: () => true,
    files: (/** @type {any} */ { files }) => Boolean(files && said.push(["files", ...files])),
    own: () => false,
  };
  new Typing(field, owner);
  const plain = { keyCode: 0, repeat: false, isComposing: false, timeStamp: 0, preventDefault() {}, stopPropagation() {} };
  const key = (/** @type {string} */ kind, /** @type {string} */ code, /** @type {string} */ name, /** @type {string[]} */ ...states) =>
    heard[kind]({ ...plain, code, key: name, getModifierState: (/** @type {string} */ state) => states.includes(state) });
  const paste = (/** @type {string} */ text, /** @type {any[] | undefined} */ files = undefined) =>
    heard.paste({ ...plain, clipboardData: { getData: () => text, files } });
  return { said, key, paste };
}

const { CONTROL: HELD } = MODIFIER;

test("a quick Control does not go up before the key that it was pressed for", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { said, key } = typing();
  key("keydown", "ControlLeft", "Control", "Control");
  key("keydown", "KeyV", "v", "Control");
  key("keyup", "KeyV", "v", "Control");
  key("keyup", "ControlLeft", "Control");
  assert.deepEqual(said, [["key", CONTROL, true, HELD]]);
  context.mock.timers.tick(31); // no paste event comes
  assert.deepEqual(said.slice(1), [["key", V, true, HELD], ["key", V, false, HELD], ["key", CONTROL, false, 0]]);
});

test("what is typed before the paste event comes is behind it", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { said, key, paste } = typing();
  key("keydown", "ControlLeft", "Control", "Control");
  key("keydown", "KeyV", "v", "Control");
  key("keyup", "ControlLeft", "Control");
  key("keydown", "KeyB", "b");
  paste("text");
  key("keyup", "KeyB", "b");
  context.mock.timers.tick(1000);
  const keys = [["key", CONTROL, false, 0], ["key", B, true, 0], ["key", B, false, 0]];
  assert.deepEqual(said.slice(1), [["paste", "text", [V, true], [V, false]], ...keys]);
});

test("a second pasting key does not wait for the first one's event", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { said, key, paste } = typing();
  key("keydown", "ControlLeft", "Control", "Control");
  for (const _ of [1, 2]) key("keydown", "KeyV", "v", "Control");
  paste("text");
  assert.deepEqual(said.slice(1), [["key", V, true, HELD], ["key", V, false, HELD], ["paste", "text", [V, true], [V, false]]]);
});

test("pasted files are sent, and their pasting key is not", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { said, key, paste } = typing();
  key("keydown", "ControlLeft", "Control", "Control");
  key("keydown", "KeyV", "v", "Control");
  key("keyup", "ControlLeft", "Control");
  key("keydown", "KeyB", "b");
  paste("file:///a", ["a"]);
  assert.deepEqual(said.slice(1), [["files", "a"], ["key", CONTROL, false, 0], ["key", B, true, 0]]);
});
