"""Keys of X11: USB HID usages <-> keycodes, and keysyms <-> characters.

X keycodes are evdev codes plus 8 on every server that uses evdev or libinput, and on Xvfb. Keysyms are those of X.h's
keysymdef: Latin-1 as itself, old blocks per alphabet (each a code page with its number in front), and 0x01000000 +
code point for the rest of Unicode.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from avl_protocol.wire import keys
from avl_protocol.wire.registry import Modifier
from avl_protocol.wire.typable import is_typable

#: USB HID usage -> Linux evdev code (input-event-codes.h), in runs of (first usage, codes).
_EVDEV: tuple[tuple[int, tuple[int, ...]], ...] = (
    (0x04, (30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44)),
    (0x1E, (2, 3, 4, 5, 6, 7, 8, 9, 10, 11)),
    (0x28, (28, 1, 14, 15, 57, 12, 13, 26, 27, 43, 43, 39, 40, 41, 51, 52, 53, 58)),
    (0x3A, (59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 87, 88)),
    (0x46, (99, 70, 119, 110, 102, 104, 111, 107, 109, 106, 105, 108, 103)),
    (0x53, (69, 98, 55, 74, 78, 96, 79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, 86, 127, 116, 117)),
    (0x68, (183, 184, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194)),
    (0x74, (134, 138)),
    (0x77, (132,)),
    (0x79, (129, 131, 137, 133, 135, 136, 113, 115, 114)),
    (0x85, (121,)),
    (0x87, (89, 93, 124, 92, 94)),
    (0x90, (122, 123, 90, 91, 85)),
    (0xE0, (29, 42, 56, 125, 97, 54, 100, 126)),
)
KEYCODES: Mapping[int, int] = {first + at: code + 8 for first, codes in _EVDEV for at, code in enumerate(codes)}
CAPS_LOCK_USAGE, NUM_LOCK_USAGE, ALT_RIGHT_USAGE = 0x39, 0x53, 0xE6
LOCK_USAGES = frozenset({0x39, 0x47, 0x53})
#: Usage of each modifier key -> the bits that may say that it is held: the right Alt key is Alt or AltGr.
MODIFIER_USAGES: Mapping[int, int] = {
    **keys.MODIFIER_USAGES,
    ALT_RIGHT_USAGE: Modifier.ALT | Modifier.ALTGR,
}
KEYPAD_USAGES = frozenset(range(0x59, 0x64))
_LETTERS = frozenset(range(0x04, 0x1E))

#: Keysyms by name, as far as this file's readers need them.
XK_RETURN, XK_TAB, XK_BACKSPACE, XK_ESCAPE, XK_DELETE = 0xFF0D, 0xFF09, 0xFF08, 0xFF1B, 0xFFFF
XK_CAPS_LOCK, XK_NUM_LOCK, XK_SCROLL_LOCK, XK_SHIFT_L, XK_LEVEL3_SHIFT, XK_LEVEL5_SHIFT = (
    0xFFE5,
    0xFF7F,
    0xFF14,
    0xFFE1,
    0xFE03,
    0xFE11,
)

#: Characters that are keys rather than letters.
CONTROL_KEYSYMS = {
    "\n": XK_RETURN,
    "\r": XK_RETURN,
    "\t": XK_TAB,
    "\b": XK_BACKSPACE,
    "\x1b": XK_ESCAPE,
    "\x7f": XK_DELETE,
}

_UNICODE = 0x01000000
#: Old keysym blocks: number -> the code page its low byte is in.
_BLOCKS = {
    0x01: "iso8859-2",
    0x02: "iso8859-3",
    0x03: "iso8859-4",
    0x04: "shift_jis",
    0x05: "iso8859-6",
    0x06: "koi8-u",
    0x07: "iso8859-7",
    0x0C: "iso8859-8",
    0x0D: "iso8859-11",
    0x13: "iso8859-15",
}
#: Where a block differs from its code page: Serbian and Macedonian letters, accented Greek, sigma, the euro, and the
#: sound marks of kana, which stand for themselves.
_ODD = {
    **dict(zip((0x6A1, 0x6A2, 0x6A5, 0x6A8, 0x6A9, 0x6AA, 0x6AB, 0x6AC, 0x6AE, 0x6AF), "ђѓѕјљњћќўџ", strict=True)),
    **dict(zip((0x6B1, 0x6B2, 0x6B5, 0x6B8, 0x6B9, 0x6BA, 0x6BB, 0x6BC, 0x6BE, 0x6BF), "ЂЃЅЈЉЊЋЌЎЏ", strict=True)),
    **dict(zip((0x7A1, 0x7A2, 0x7A3, 0x7A4, 0x7A5, 0x7A7, 0x7A8, 0x7A9, 0x7AB), "ΆΈΉΊΪΌΎΫΏ", strict=True)),
    **dict(
        zip((0x7B1, 0x7B2, 0x7B3, 0x7B4, 0x7B5, 0x7B6, 0x7B7, 0x7B8, 0x7B9, 0x7BA, 0x7BB), "άέήίϊΐόύϋΰώ", strict=True)
    ),
    # Corner brackets: Xlib makes angle brackets of these, other programs do not. They are typed by their code points.
    **dict.fromkeys((0x4A2, 0x4A3), ""),
    0x4DE: "゛",
    0x4DF: "゜",
    0x6B0: "№",
    0x7D2: "Σ",
    0x7F2: "σ",
    0x7F3: "ς",
    0x20AC: "€",
}
#: Keysyms of the keypad that write something: XK_KP_Multiply to XK_KP_9, XK_KP_Equal, XK_KP_Space.
_KEYPAD = {**{0xFFAA + at: sign for at, sign in enumerate("*+,-./0123456789")}, 0xFFBD: "=", 0xFF80: " "}
#: Greek from alpha on lies in the order of ISO 8859-7; below that only the table above holds.
_GREEK_LETTERS = 0x7C1


def character(keysym: int) -> str:
    """The character a keysym writes; empty for keys that write none, dead keys and unknown symbols."""
    if 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF:
        return chr(keysym)
    if _UNICODE < keysym <= _UNICODE + 0x10FFFF:
        return chr(keysym - _UNICODE)
    if keysym in _ODD:
        return _ODD[keysym]
    if keysym in _KEYPAD:
        return _KEYPAD[keysym]
    page = _BLOCKS.get(keysym >> 8)
    low = keysym & 0xFF
    if page is None or low < 0xA0 or 0x700 <= keysym < _GREEK_LETTERS:
        return ""
    try:
        # Katakana are half width in their code page and full width as keysyms.
        return (
            unicodedata.normalize("NFKC", bytes((low,)).decode(page))
            if page == "shift_jis"
            else bytes((low,)).decode(page)
        )
    except UnicodeDecodeError:
        return ""


def is_keypad(keysym: int) -> bool:
    """Whether a keysym is one of the keypad's."""
    return 0xFF80 <= keysym <= 0xFFBD


def keysym_for(text: str) -> int:
    """The keysym that writes one character: Latin-1 as itself, all else by code point."""
    point = ord(text)
    return point if 0x20 <= point <= 0x7E or 0xA0 <= point <= 0xFF else _UNICODE + point


def types_character(modifiers: int, text: str) -> bool:
    """Whether a key press stands for its text rather than for its place: text, and neither Ctrl, Alt nor Meta held."""
    held = Modifier.CONTROL | Modifier.ALT | Modifier.META
    return is_typable(text) and not modifiers & held


def follows_lock(usage: int, text: str) -> Modifier:
    """Which of the viewer's lock states matters for a key."""
    if usage in KEYPAD_USAGES:
        return Modifier.NUM_LOCK
    return Modifier.CAPS_LOCK if usage in _LETTERS or text.isalpha() else Modifier(0)
