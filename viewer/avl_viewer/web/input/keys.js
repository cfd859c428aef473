/**
 * Keys: the `KeyboardEvent.code` of a browser (W3C UI Events KeyboardEvent code Values) -> USB HID usage (HID Usage
 * Tables 1.5, page 7).
 *
 * A usage says where a key lies, not what is printed on it; what travels is the usage, plus the text the viewer's
 * layout made of it.
 */

import { MODIFIER } from "../wire/registry.js";

/** Codes whose usages follow one another, by the first usage. @type {[number, string[]][]} */
const RUNS = [
  [0x04, [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].map((letter) => `Key${letter}`)],
  [0x1e, [..."1234567890"].map((digit) => `Digit${digit}`)],
  [0x28, ["Enter", "Escape", "Backspace", "Tab", "Space", "Minus", "Equal", "BracketLeft", "BracketRight", "Backslash"]],
  [0x32, ["IntlHash", "Semicolon", "Quote", "Backquote", "Comma", "Period", "Slash", "CapsLock"]],
  [0x3a, Array.from({ length: 12 }, (_, at) => `F${at + 1}`)],
  [0x46, ["PrintScreen", "ScrollLock", "Pause", "Insert", "Home", "PageUp", "Delete", "End", "PageDown"]],
  [0x4f, ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"]],
  [0x53, ["NumLock", "NumpadDivide", "NumpadMultiply", "NumpadSubtract", "NumpadAdd", "NumpadEnter"]],
  [0x59, [..."1234567890"].map((digit) => `Numpad${digit}`)],
  [0x63, ["NumpadDecimal", "IntlBackslash", "ContextMenu", "Power", "NumpadEqual"]],
  [0x68, Array.from({ length: 12 }, (_, at) => `F${at + 13}`)],
  [0x74, ["Open", "Help"]],
  [0x77, ["Select"]],
  [0x79, ["Again", "Undo", "Cut", "Copy", "Paste", "Find", "AudioVolumeMute", "AudioVolumeUp", "AudioVolumeDown"]],
  [0x85, ["NumpadComma"]],
  [0x87, ["IntlRo", "KanaMode", "IntlYen", "Convert", "NonConvert"]],
  [0x90, ["Lang1", "Lang2", "Lang3", "Lang4", "Lang5"]],
  [0xe0, ["ControlLeft", "ShiftLeft", "AltLeft", "MetaLeft", "ControlRight", "ShiftRight", "AltRight", "MetaRight"]],
];

/** KeyboardEvent.code -> usage; the codes that older browsers use for the same keys included. @type
 * {ReadonlyMap<string, number>} */
export const CODES = new Map([
  ...RUNS.flatMap(([first, codes]) => codes.map((code, at) => /** @type {[string, number]} */ ([code, first + at]))),
  ["OSLeft", 0xe3],
  ["OSRight", 0xe7],
]);

export const USAGE = Object.freeze({
  ENTER: 0x28, ESCAPE: 0x29, BACKSPACE: 0x2a, TAB: 0x2b, PRINT_SCREEN: 0x46, DELETE: 0x4c,
  CONTROL: 0xe0, SHIFT: 0xe1, ALT: 0xe2, META: 0xe3, META_RIGHT: 0xe7, ALT_RIGHT: 0xe6,
});

/** Usage of each modifier key -> its bit. @type {ReadonlyMap<number, number>} */
export const MODIFIER_KEYS = new Map([
  [0xe0, MODIFIER.CONTROL], [0xe1, MODIFIER.SHIFT], [0xe2, MODIFIER.ALT], [0xe3, MODIFIER.META],
  [0xe4, MODIFIER.CONTROL], [0xe5, MODIFIER.SHIFT], [0xe6, MODIFIER.ALTGR], [0xe7, MODIFIER.META],
]);

/** Usages of the keypad, and those of its keys that Num Lock gives another meaning. */
export const KEYPAD = new Set([...Array.from({ length: 17 }, (_, at) => 0x53 + at), 0x67, 0x85]);
export const TWOFOLD = new Set(Array.from({ length: 11 }, (_, at) => 0x59 + at));

/** Usage of a letter's place on a US keyboard -> the letter. @type {ReadonlyMap<number, string>} */
export const LETTERS = new Map([..."abcdefghijklmnopqrstuvwxyz"].map((letter, at) => [0x04 + at, letter]));

const { CONTROL, ALT, SHIFT, META, DELETE, TAB, ESCAPE, PRINT_SCREEN } = USAGE;
/** @param {string} code */
const usage = (code) => /** @type {number} */ (CODES.get(code));

/** Combinations that a browser or a person's own desktop tends to keep: name -> usages in the order they are pressed.
 * @type {readonly [string, number[]][]} */
export const COMBINATIONS = [
  ["Ctrl+Alt+Del", [CONTROL, ALT, DELETE]],
  ["Alt+Tab", [ALT, TAB]],
  ["Alt+F4", [ALT, usage("F4")]],
  ["Super", [META]],
  ["Super+L", [META, usage("KeyL")]],
  ["Ctrl+Esc", [CONTROL, ESCAPE]],
  ["Ctrl+Shift+Esc", [CONTROL, SHIFT, ESCAPE]],
  ["Print Screen", [PRINT_SCREEN]],
  ["Ctrl+W", [CONTROL, usage("KeyW")]],
  ["Ctrl+T", [CONTROL, usage("KeyT")]],
  ["Ctrl+N", [CONTROL, usage("KeyN")]],
  ["Ctrl+Tab", [CONTROL, TAB]],
  ["Esc", [ESCAPE]],
  ["F11", [usage("F11")]],
  ...Array.from({ length: 7 }, (_, at) => /** @type {[string, number[]]} */ ([`Ctrl+Alt+F${at + 1}`, [CONTROL, ALT, 0x3a + at]])),
  ["Ctrl+Alt+Backspace", [CONTROL, ALT, USAGE.BACKSPACE]],
];
