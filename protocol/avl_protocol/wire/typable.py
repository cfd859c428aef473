"""What can be typed: the characters that KEY and TEXT events carry (spec 03-wire, 3.4.3).

Not what Python can print: spaces of every kind, joiners, private use and characters newer than this Python's tables
are text like any other, and dropping one changes what a person wrote.
"""

from __future__ import annotations

import unicodedata

#: Control characters that are keys: Enter and Tab.
KEY_CHARACTERS = "\n\t"


def is_typable(text: str) -> bool:
    """Whether a key can write this: no control characters, surrogates or noncharacters (Unicode 23.7), not empty."""
    return text != "" and not any(_is_untypable(character) for character in text)


def untypable(text: str) -> int | None:
    """Where the first character is that can't be typed, from 0; line feeds and tabs can."""
    return next((at for at, one in enumerate(text) if _is_untypable(one) and one not in KEY_CHARACTERS), None)


def typed_lines(text: str) -> str:
    """Text to type with "\n" for every line end. Raises ValueError, with a text for a person, that names the first
    character that can't be typed.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if (at := untypable(text)) is not None:
        name = f"U+{ord(text[at]):04X}, {_name(text[at])}"
        raise ValueError(f"character {at + 1} can't be typed: {name}; nothing was typed")
    return text


def _is_untypable(character: str) -> bool:
    point = ord(character)
    noncharacter = point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
    return noncharacter or unicodedata.category(character) in ("Cc", "Cs")


def _name(character: str) -> str:
    kinds = {"Cc": "a control character", "Cs": "half of a character (the text is not UTF-8)"}
    return kinds.get(unicodedata.category(character), "no character of Unicode")
