"""Cleaning: a name that somebody chose, or that a host reports, becomes one line that can be shown anywhere as text.

Controls, characters that turn or hide text, and what has no shape are left out; spaces are single; marks that pile up
on one letter are cut. What is written of it in HTML is the page's to escape: it stays text.
"""

from __future__ import annotations

import unicodedata

#: Characters of a name, and marks on one letter.
LONGEST, MARKS = 128, 4
#: They join letters and emoji, and move nothing.
_JOINERS = "\u200c\u200d"
_LEFT_OUT = {"Cc", "Cf", "Cs", "Co", "Cn"}


def clean(text: str, longest: int = LONGEST) -> str:
    """The name, at most so many characters; "" where nothing of it can be shown."""
    kept: list[str] = []
    marks = 0
    for character in text[: 16 * longest]:
        category = unicodedata.category(character)
        if category in ("Zs", "Zl", "Zp") or character in "\t\n\r\v\f":
            character = " "
        elif category in _LEFT_OUT and character not in _JOINERS:
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= MARKS:
            kept.append(character)
    return " ".join("".join(kept).split())[:longest].strip(f" {_JOINERS}")
