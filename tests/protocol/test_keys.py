"""Key names and chords as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.wire.keys import CODES, KEYS, NAMES, Chord, modifiers_of, parse_chord
from avl_protocol.wire.registry import Modifier

CTRL, SHIFT, ALT, ALTGR = KEYS["ctrl"], KEYS["shift"], KEYS["alt"], KEYS["altgr"]


@pytest.mark.parametrize(
    ("text", "held", "key", "letter"),
    [
        ("ctrl+alt+t", (CTRL, ALT), "t", "t"),
        ("ENTER", (), "enter", ""),
        (" F5 ", (), "f5", ""),
        ("Ctrl+D", (CTRL,), "d", "d"),
        ("ctrl+shift+z", (CTRL, SHIFT), "z", "Z"),
        ("ctrl+7", (CTRL,), "7", "7"),
        ("ctrl+shift+7", (CTRL, SHIFT), "7", ""),
        ("altgr+q", (ALTGR,), "q", ""),
        ("ctrl++", (CTRL, SHIFT), "=", "+"),
        ("+", (SHIFT,), "=", "+"),
        ("ctrl+-", (CTRL,), "-", "-"),
        ("ctrl+minus", (CTRL,), "-", "-"),
        ("ctrl+shift+minus", (CTRL, SHIFT), "-", "_"),
        ("ctrl+?", (CTRL, SHIFT), "/", "?"),
        ("@", (SHIFT,), "2", "@"),
        ("ctrl+<", (CTRL,), "<", "<"),
        ("ctrl+intlbackslash", (CTRL,), "<", ""),
        ("shift", (), "shift", ""),
        ("ctrl+ctrl+x", (CTRL,), "x", "x"),
    ],
)
def test_chords(text: str, held: tuple[int, ...], key: str, letter: str) -> None:
    assert parse_chord(text) == Chord(held, KEYS[key], letter)


@pytest.mark.parametrize("text", ["", "foo", "a+b", "ctrl+", "ctrl+foo", "f25", "é"])
def test_what_is_no_chord_says_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a modifier|not the name of a key"):
        parse_chord(text)


@given(st.text(max_size=30))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        chord = parse_chord(text)
    except ValueError:
        return
    assert chord.usage in NAMES
    assert modifiers_of(chord.held) or not chord.held


def test_codes_and_names_agree() -> None:
    assert CODES["KeyA"] == KEYS["a"] == 4
    assert CODES["AltRight"] == 0xE6
    assert "Nonsense" not in CODES
    assert set(NAMES) <= set(CODES.values())
    assert all(KEYS[name] == usage for usage, name in NAMES.items())
    assert all(name == name.lower() for name in KEYS)


def test_modifier_bits() -> None:
    assert modifiers_of((CTRL, SHIFT)) == Modifier.CONTROL | Modifier.SHIFT
    assert modifiers_of((KEYS["altgr"],)) == Modifier.ALTGR
