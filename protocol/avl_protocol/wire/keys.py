"""Names of keys: USB HID usages (HID Usage Tables 1.5, page 7, "Keyboard/Keypad"), the names people type for them,
and the `KeyboardEvent.code` of a browser (W3C UI Events KeyboardEvent code Values).

A usage says where a key lies, not what is printed on it; what travels is the usage, plus the text the viewer's layout
made of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from avl_protocol.wire.registry import Modifier

#: (usage, KeyboardEvent.code, names on the command line); the first name is the one that is printed.
_TABLE: tuple[tuple[int, str, str], ...] = (
    *((0x04 + at, f"Key{letter.upper()}", letter) for at, letter in enumerate("abcdefghijklmnopqrstuvwxyz")),
    *((0x1E + at, f"Digit{digit}", digit) for at, digit in enumerate("1234567890")),
    (0x28, "Enter", "enter return"),
    (0x29, "Escape", "escape esc"),
    (0x2A, "Backspace", "backspace"),
    (0x2B, "Tab", "tab"),
    (0x2C, "Space", "space"),
    (0x2D, "Minus", "minus -"),
    (0x2E, "Equal", "equal ="),
    (0x2F, "BracketLeft", "bracketleft ["),
    (0x30, "BracketRight", "bracketright ]"),
    (0x31, "Backslash", "backslash \\"),
    (0x33, "Semicolon", "semicolon ;"),
    (0x34, "Quote", "quote '"),
    (0x35, "Backquote", "backquote grave `"),
    (0x36, "Comma", "comma ,"),
    (0x37, "Period", "period ."),
    (0x38, "Slash", "slash /"),
    (0x39, "CapsLock", "capslock"),
    *((0x3A + at, f"F{at + 1}", f"f{at + 1}") for at in range(12)),
    (0x46, "PrintScreen", "printscreen print"),
    (0x47, "ScrollLock", "scrolllock"),
    (0x48, "Pause", "pause break"),
    (0x49, "Insert", "insert ins"),
    (0x4A, "Home", "home"),
    (0x4B, "PageUp", "pageup pgup"),
    (0x4C, "Delete", "delete del"),
    (0x4D, "End", "end"),
    (0x4E, "PageDown", "pagedown pgdn"),
    (0x4F, "ArrowRight", "right arrowright"),
    (0x50, "ArrowLeft", "left arrowleft"),
    (0x51, "ArrowDown", "down arrowdown"),
    (0x52, "ArrowUp", "up arrowup"),
    (0x53, "NumLock", "numlock"),
    (0x54, "NumpadDivide", "numpaddivide"),
    (0x55, "NumpadMultiply", "numpadmultiply"),
    (0x56, "NumpadSubtract", "numpadsubtract"),
    (0x57, "NumpadAdd", "numpadadd"),
    (0x58, "NumpadEnter", "numpadenter"),
    *((0x59 + at, f"Numpad{digit}", f"numpad{digit}") for at, digit in enumerate("1234567890")),
    (0x63, "NumpadDecimal", "numpaddecimal"),
    (0x64, "IntlBackslash", "intlbackslash <"),
    (0x65, "ContextMenu", "menu contextmenu"),
    (0x66, "Power", "power"),
    (0x67, "NumpadEqual", "numpadequal"),
    *((0x68 + at, f"F{at + 13}", f"f{at + 13}") for at in range(12)),
    (0x74, "Open", "open"),
    (0x75, "Help", "help"),
    (0x77, "Select", "select"),
    (0x79, "Again", "again"),
    (0x7A, "Undo", "undo"),
    (0x7B, "Cut", "cut"),
    (0x7C, "Copy", "copy"),
    (0x7D, "Paste", "paste"),
    (0x7E, "Find", "find"),
    (0x7F, "AudioVolumeMute", "mute"),
    (0x80, "AudioVolumeUp", "volumeup"),
    (0x81, "AudioVolumeDown", "volumedown"),
    (0x85, "NumpadComma", "numpadcomma"),
    (0x87, "IntlRo", "intlro"),
    (0x88, "KanaMode", "kanamode"),
    (0x89, "IntlYen", "intlyen"),
    (0x8A, "Convert", "convert"),
    (0x8B, "NonConvert", "nonconvert"),
    (0x90, "Lang1", "lang1"),
    (0x91, "Lang2", "lang2"),
    (0x92, "Lang3", "lang3"),
    (0x93, "Lang4", "lang4"),
    (0x94, "Lang5", "lang5"),
    (0xE0, "ControlLeft", "ctrl control ctrlleft"),
    (0xE1, "ShiftLeft", "shift shiftleft"),
    (0xE2, "AltLeft", "alt option altleft"),
    (0xE3, "MetaLeft", "meta super win cmd command metaleft"),
    (0xE4, "ControlRight", "ctrlright"),
    (0xE5, "ShiftRight", "shiftright"),
    (0xE6, "AltRight", "altgr altright"),
    (0xE7, "MetaRight", "metaright"),
)

#: Name on the command line (lower case) -> usage.
KEYS: dict[str, int] = {name: usage for usage, _, names in _TABLE for name in names.split()}

#: KeyboardEvent.code -> usage; the few codes that older browsers use for the same keys included.
CODES: dict[str, int] = {code: usage for usage, code, _ in _TABLE} | {"OSLeft": 0xE3, "OSRight": 0xE7, "IntlHash": 0x32}

#: Usage -> the name that is printed.
NAMES: dict[int, str] = {usage: names.split()[0] for usage, _, names in _TABLE}

#: Usage of each modifier key -> the bit that says it is held.
MODIFIER_USAGES: dict[int, Modifier] = {
    0xE0: Modifier.CONTROL,
    0xE1: Modifier.SHIFT,
    0xE2: Modifier.ALT,
    0xE3: Modifier.META,
    0xE4: Modifier.CONTROL,
    0xE5: Modifier.SHIFT,
    0xE6: Modifier.ALTGR,
    0xE7: Modifier.META,
}

#: Signs on a US keyboard: the key's first name on the command line -> what it writes alone and with Shift.
_SIGNS: dict[str, tuple[str, str]] = {
    "minus": ("-", "_"),
    "equal": ("=", "+"),
    "bracketleft": ("[", "{"),
    "bracketright": ("]", "}"),
    "backslash": ("\\", "|"),
    "semicolon": (";", ":"),
    "quote": ("'", '"'),
    "backquote": ("`", "~"),
    "comma": (",", "<"),
    "period": (".", ">"),
    "slash": ("/", "?"),
}
_SHIFTED_DIGITS = dict(zip("!@#$%^&*()", "1234567890", strict=True))
#: Characters that have a shifted place on a US keyboard, for chords such as "ctrl+?" -> the key's name.
_SHIFTED = {shifted: name for name, (_, shifted) in _SIGNS.items() if shifted != "<"} | _SHIFTED_DIGITS


@dataclass(frozen=True, slots=True)
class Chord:
    """Keys pressed together: usages of the modifiers to hold, usage of the key to press, and the character that names
    this key, or "" where it is named by its place (3.4.3).
    """

    held: tuple[int, ...]
    usage: int
    text: str


def modifiers_of(usages: tuple[int, ...]) -> Modifier:
    """The modifier bits of a chord's modifier keys."""
    bits = Modifier(0)
    for usage in usages:
        bits |= MODIFIER_USAGES.get(usage, Modifier(0))
    return bits


def parse_chord(text: str) -> Chord:
    """A chord such as "ctrl+alt+t", "Enter", "f5", "ctrl++".

    Case does not matter. A modifier alone is pressed as a key. Raises ValueError with a text for a person.
    """
    names = re.split(r"(?<!^)(?<!\+)\+", text.strip().lower())
    held: list[int] = []
    for name in names[:-1]:
        usage = KEYS.get(name.strip())
        if usage not in MODIFIER_USAGES:
            raise ValueError(f"{name.strip()!r} in {text!r} is not a modifier; use ctrl, shift, alt, altgr or meta")
        held.append(usage)
    last = names[-1].strip()
    sign = last if last in _SHIFTED or last == "<" else ""
    if last in _SHIFTED:
        last = _SHIFTED[last]
        held.append(KEYS["shift"])
    if last not in KEYS:
        raise ValueError(f"{last!r} is not the name of a key; names are such as enter, f5, pagedown, a, 7")
    return Chord(tuple(dict.fromkeys(held)), KEYS[last], sign or _printed(KEYS[last], modifiers_of(tuple(held))))


def _printed(usage: int, held: Modifier) -> str:
    """What a US keyboard writes with this key, as far as the key is named by it.

    A digit with Shift, and everything with AltGr, is named by its place: which sign is meant depends on the layout.
    """
    name = NAMES[usage]
    if held & Modifier.ALTGR:
        return ""
    if name in _SIGNS:
        return _SIGNS[name][bool(held & Modifier.SHIFT)]
    if len(name) != 1:
        return ""
    if held & Modifier.SHIFT:
        return name.upper() if name.isalpha() else ""
    return name
