"""Foreign text can be seen, moves nothing and has an end."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from avl_protocol.wire.foreign import LONGEST, LONGEST_LOGGED, for_dialog, for_log, for_terminal

#: Whatever a terminal obeys, and whatever turns or hides text.
HOSTILE = "".join(
    chr(number)
    for number in range(sys.maxunicode + 1)
    if unicodedata.category(chr(number)) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and number not in (0x200C, 0x200D)
)


def test_there_is_no_character_that_a_terminal_obeys_or_that_turns_text() -> None:
    for shown in (for_terminal(HOSTILE, None), for_dialog(HOSTILE, 10**6), for_log(HOSTILE, 10**6)):
        assert shown.isprintable()
        assert not set(shown) & set(HOSTILE)


@pytest.mark.parametrize(
    ("text", "terminal", "dialog", "log"),
    [
        ("plain", "plain", "plain", "plain"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07", "\\x1b]0;owned\\x07", "\\x1b]0;owned\\x07"),
        ("a\u202egnp.exe", "a\\u202egnp.exe", "a\\u202egnp.exe", "a\\u202egnp.exe"),
        ("\x9b2J", "\\x9b2J", "\\x9b2J", "\\x9b2J"),
        ("one\ntwo", "one\\x0atwo", "one two", "one\\ntwo"),
        ("[red]x[/]", "[red]x[/]", "[red]x[/]", "[red]x[/]"),
        ("Žofie 東京", "Žofie 東京", "Žofie 東京", "\\u017dofie \\u6771\\u4eac"),
        ("a\\x1b", "a\\x1b", "a\\x1b", "a\\\\x1b"),
        ("\U000e0041tag", "\\U000e0041tag", "\\U000e0041tag", "\\U000e0041tag"),
        ("\ud800", "\\ud800", "\\ud800", "\\ud800"),
    ],
)
def test_what_cannot_be_seen_becomes_an_escape(text: str, terminal: str, dialog: str, log: str) -> None:
    assert for_terminal(text) == terminal
    assert for_dialog(text) == dialog
    assert for_log(text) == log


def test_lines_stay_lines_where_they_are_wanted() -> None:
    assert for_terminal("one\n\ttwo\r\x1b[A", None, lines=True) == "one\n\ttwo\\x0d\\x1b[A"


def test_foreign_text_has_an_end() -> None:
    assert for_terminal("a" * 10**6) == "a" * (LONGEST - 1) + "…"
    assert for_dialog("a" * 10**6, 20) == "a" * 19 + "…"
    assert for_log("a" * 10**6) == "a" * (LONGEST_LOGGED - 3) + "..."
    assert len(for_terminal("\x1b" * LONGEST)) == LONGEST, "escapes count as what they are shown as"


def test_joined_letters_and_emoji_stay_whole_and_heaps_of_marks_do_not() -> None:
    for whole in ("می\u200cخواهم", "👩\u200d💻", "e\u0301"):
        assert for_terminal(whole) == whole
    assert for_terminal("e" + "\u0301" * 50, None).count("\u0301") == 4
