"""Foreign text: what a peer, a relay or a router chose, made fit to be shown.

A string of a stranger can drive a terminal (ESC and the other controls), turn or hide parts of a sentence (Unicode's
format characters), push what matters out of sight by its length, and be taken for markup. Here it becomes what it is:
characters that can be seen, escapes for those that can't, and no more than fits. None of this is for a program that
reads: what goes into a pipe, a file or JSON stays as it was.
"""

from __future__ import annotations

import unicodedata

#: Characters of one foreign string among other words, and in a log.
LONGEST, LONGEST_LOGGED = 400, 200
#: Marks on one letter: more of them paint over the lines above and below.
MARKS = 4
#: Format characters that are part of writing: they join letters and emoji, and move nothing.
_JOINERS = "\u200c\u200d"
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def for_terminal(text: str, longest: int | None = LONGEST, *, lines: bool = False) -> str:
    r"""Text for a terminal: controls, format characters and what has no shape as escapes (`\x1b`, `\u202e`).

    `lines` leaves line feeds and tabs as they are; `longest` is in characters, of which an ellipsis is the last where
    text was left out (None: all of it).
    """
    return _bounded("".join(_visible(text, "\n\t" if lines else "")), longest)


def for_dialog(text: str, longest: int = LONGEST) -> str:
    """One line of text for a window, without controls and format characters, and with single spaces.

    The window still has to show it as plain text.
    """
    return _bounded(" ".join("".join(_visible(" ".join(text.split()), "")).split()), longest)


def for_log(text: str, longest: int = LONGEST_LOGGED) -> str:
    """One line of ASCII without spaces at its ends: whatever else there was stands as an escape, the backslash too."""
    return _bounded(text.strip().encode("unicode_escape", "backslashreplace").decode("ascii"), longest, "...")


def _visible(text: str, kept: str) -> list[str]:
    shown: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        hidden = category in _INVISIBLE and character not in _JOINERS
        if character not in kept and (hidden or marks > MARKS):
            character = _escape(character)
        shown.append(character)
    return shown


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _bounded(text: str, longest: int | None, more: str = "…") -> str:
    return text if longest is None or len(text) <= longest else text[: longest - len(more)] + more
