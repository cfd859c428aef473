"""Places of keys and characters of keysyms."""

from __future__ import annotations

import pytest

from avl_host.input.keymap import KEYCODES, character, keysym_for, types_character
from avl_protocol.wire.keys import CODES, KEYS
from avl_protocol.wire.registry import Modifier


@pytest.mark.parametrize(
    ("keysym", "expected"),
    [
        (0x41, "A"),
        (0xE9, "é"),
        (0x20AC, "€"),
        (0x6C6, "ф"),
        (0x6A3, "ё"),
        (0x6A1, "ђ"),
        (0x7E1, "α"),
        (0x7B1, "ά"),
        (0x7F2, "σ"),
        (0x7F3, "ς"),
        (0xCE0, "א"),
        (0xDA1, "ก"),
        (0x1B1, "ą"),
        (0x4B1, "ア"),
        (0x5C7, "ا"),
        (0x13BC, "Œ"),
        (0x0101F600, "😀"),
        (0xFFB7, "7"),
        (0xFFAB, "+"),
        (0xFFAE, "."),
        (0xFE51, ""),
        (0xFF0D, ""),
        (0, ""),
        (0x01000000, ""),
    ],
)
def test_characters_of_keysyms(keysym: int, expected: str) -> None:
    assert character(keysym) == expected


def test_keysyms_of_characters() -> None:
    assert [keysym_for(c) for c in "aé"] == [0x61, 0xE9]
    for text in "Łжλ漢😀€":
        assert character(keysym_for(text)) == text


@pytest.mark.parametrize("text", ["\u00a0", "\u3000", "\u200d", "\u200c", "\ue0b0", "\U0001fae8", "\u2028"])
def test_text_without_a_glyph_is_text(text: str) -> None:
    assert types_character(0, text)
    assert character(keysym_for(text)) == text


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
