"""What can be typed, and what a person is told about the rest."""

from __future__ import annotations

import json

import pytest

from avl_protocol.wire.typable import is_typable, typed_lines, untypable
from tests.architecture.tree import ROOT


@pytest.mark.parametrize(
    "text",
    ["a", "\u00a0", "\u202f", "\u3000", "\u200c", "\u200d", "\ue0b0", "\U0001fae8", "\U0001fadf", "\u2028", "\u0378"],
)
def test_characters_without_a_glyph_or_newer_than_our_tables_are_text(text: str) -> None:
    assert is_typable(text)
    assert typed_lines(f"x{text}\n") == f"x{text}\n"


@pytest.mark.parametrize(
    "text", ["", "\n", "\t", "\r", "\x1b", "\x7f", "\x85", "\ud800", "\ufffe", "\ufdd0", "\U0010ffff"]
)
def test_controls_surrogates_and_noncharacters_are_not_what_a_key_writes(text: str) -> None:
    assert not is_typable(text)


def test_the_published_texts() -> None:
    texts = json.loads((ROOT / "spec/vectors/typable.json").read_text("utf-8"))["texts"]
    assert texts
    for case in texts:
        assert untypable("".join(map(chr, case["points"]))) == case["untypable"], case


def test_every_line_end_is_one() -> None:
    assert typed_lines("a\r\nb\rc\nd\te") == "a\nb\nc\nd\te"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ab\x1bc", r"character 3 can't be typed: U\+001B, a control character"),
        ("\x00", r"character 1 .* U\+0000"),
        ("\r\n\x85", r"character 2 .* U\+0085"),
        ("é\udcff", r"character 2 .* U\+DCFF, half of a character \(the text is not UTF-8\)"),
        ("\uffff", r"U\+FFFF, no character of Unicode"),
    ],
)
def test_what_cant_be_typed_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        typed_lines(text)
