"""Key names and chords as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.wire.keys import CODES, KEYS, NAMES, modifiers_of, parse_chord, usage_for_code
from avl_protocol.wire.registry import Modifier

CTRL, SHIFT, ALT = KEYS["ctrl"], KEYS["shift"], KEYS["alt"]


@pytest.mark.parametrize(
    ("text", "held", "key"),
    [
        ("ctrl+alt+t", (CTRL, ALT), "t"),
        ("ENTER", (), "enter"),
        (" F5 ", (), "f5"),
        ("Ctrl+D", (CTRL,), "d"),
        ("ctrl++", (CTRL, SHIFT), "="),
        ("+", (SHIFT,), "="),
        ("ctrl+-", (CTRL,), "-"),
        ("ctrl+?", (CTRL, SHIFT), "/"),
        ("shift", (), "shift"),
        ("ctrl+ctrl+x", (CTRL,), "x"),
    ],
)
def test_chords(text: str, held: tuple[int, ...], key: str) -> None:
    assert parse_chord(text) == (held, KEYS[key])


@pytest.mark.parametrize("text", ["", "foo", "a+b", "ctrl+", "ctrl+foo", "f25", "é"])
def test_what_is_no_chord_says_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a modifier|not the name of a key"):
        parse_chord(text)


@given(st.text(max_size=30))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        held, usage = parse_chord(text)
    except ValueError:
        return
    assert usage in NAMES
    assert modifiers_of(held) or not held


def test_codes_and_names_agree() -> None:
    assert usage_for_code("KeyA") == KEYS["a"] == 4
    assert usage_for_code("AltRight") == 0xE6
    assert usage_for_code("Nonsense") is None
    assert set(NAMES) <= set(CODES.values())
    assert all(KEYS[name] == usage for usage, name in NAMES.items())
    assert all(name == name.lower() for name in KEYS)


def test_modifier_bits() -> None:
    assert modifiers_of((CTRL, SHIFT)) == Modifier.CONTROL | Modifier.SHIFT
    assert modifiers_of((KEYS["altgr"],)) == Modifier.ALTGR
