"""Keyboard maps: which stroke gives which character."""

from __future__ import annotations

import pytest

from avl_host.input.keymap import KEYCODES, KeyboardMap, KeyboardState, Stroke, character, keysym_for, types_character
from avl_protocol.wire.keys import CODES, KEYS
from avl_protocol.wire.registry import Modifier

PLAIN = KeyboardState(shift=False, level3=False, caps=False, group=0)
CAPS = KeyboardState(shift=False, level3=False, caps=True, group=0)
RUSSIAN = KeyboardState(shift=False, level3=False, caps=False, group=1)
#: Keycodes 10..13: a key with a case, one without, one with four levels, one that means nothing.
MAP = KeyboardMap(
    10,
    [
        [0x61, 0x41, 0x6C6, 0x6E6, 0, 0, 0, 0],
        [0x37, 0x2F, 0, 0, 0x7B, 0, 0, 0],
        [0x71, 0x51, 0, 0, 0x40, 0x7D9, 0, 0],
        [0] * 8,
    ],
)


@pytest.mark.parametrize(
    ("keysym", "expected"),
    [
        (0x41, "A"), (0xE9, "é"), (0x20AC, "€"), (0x6C6, "ф"), (0x6A3, "ё"), (0x6A1, "ђ"), (0x7E1, "α"), (0x7B1, "ά"),
        (0x7F2, "σ"), (0x7F3, "ς"),
        (0xCE0, "א"), (0xDA1, "ก"), (0x1B1, "ą"), (0x4B1, "ア"), (0x5C7, "ا"), (0x13BC, "Œ"), (0x0101F600, "😀"),
        (0xFE51, ""), (0xFF0D, ""), (0, ""), (0x01000000, ""),
    ],
)  # fmt: skip
def test_characters_of_keysyms(keysym: int, expected: str) -> None:
    assert character(keysym) == expected


def test_keysyms_of_characters() -> None:
    assert [keysym_for(c) for c in "aé"] == [0x61, 0xE9]
    for text in "Łжλ漢😀€":
        assert character(keysym_for(text)) == text


def test_what_a_key_types_depends_on_what_is_in_force() -> None:
    assert MAP.typed(10, PLAIN) == "a"
    assert MAP.typed(10, CAPS) == "A"
    assert MAP.typed(11, CAPS) == "7", "Caps Lock is no Shift"
    assert MAP.typed(10, RUSSIAN) == "ф"
    assert MAP.typed(11, RUSSIAN) == "7", "a key of one group has it in every group"
    assert MAP.typed(12, KeyboardState(False, True, False, 0)) == "@"
    assert MAP.typed(99, PLAIN) == ""


def test_strokes_are_found_at_every_level() -> None:
    assert MAP.stroke("A", PLAIN) == Stroke(10, True, False)
    assert MAP.stroke("A", CAPS) == Stroke(10, False, False)
    assert MAP.stroke("/", PLAIN) == Stroke(11, True, False)
    assert MAP.stroke("{", PLAIN) == Stroke(11, False, True)
    assert MAP.stroke("Ф", RUSSIAN) == Stroke(10, True, False)
    assert MAP.stroke("漢", PLAIN) is None


def test_only_keys_without_meaning_are_spare() -> None:
    rows = [[0x61, 0x41], [0, 0], [0x01006F22, 0x01006F22], [0xE9, 0xE9, 0xE9, 0xE9, 0], [0xFF0D, 0xFF0D]]
    assert KeyboardMap(250, rows).spares() == {251: "", 252: "漢", 253: "é"}
    assert KEYCODES[KEYS["a"]] not in KeyboardMap(8, [[0, 0]] * 200).spares()


def test_shortcuts_and_keys_without_text_go_by_place() -> None:
    assert types_character(Modifier.SHIFT | Modifier.ALTGR | Modifier.CAPS_LOCK, "@")
    for held in (Modifier.CONTROL, Modifier.ALT, Modifier.META):
        assert not types_character(held, "a")
    assert not types_character(0, "")
    assert not types_character(0, "\r")


def test_every_named_key_has_a_place_on_x11() -> None:
    odd = {usage for usage in CODES.values() if usage not in KEYCODES}
    assert odd == set()
    assert KEYCODES[KEYS["a"]] == 38
    assert KEYCODES[KEYS["altgr"]] == 108
