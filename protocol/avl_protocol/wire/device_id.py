"""Device IDs as people read and type them: 28 Crockford base32 characters with a check value (spec 06-security,
6.1)."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {**{character: value for value, character in enumerate(ALPHABET)}, "O": 0, "I": 1, "L": 1}

#: Bytes of a device number where it travels.
NUMBER_BYTES = 17


def to_text(number: int) -> str:
    """The device ID of a 130-bit device number."""
    value = number * 1024 + number % 1021
    text = "".join(ALPHABET[(value >> shift) & 31] for shift in range(135, -1, -5))
    return "-".join(text[at : at + 4] for at in range(0, 28, 4))


def from_text(text: str) -> int:
    """The device number of a device ID in any case, with or without dashes and spaces. Raises ValueError saying what
    is wrong."""
    characters = [c for c in text.upper() if c not in "- "]
    if len(characters) != 28:
        raise ValueError(f"a device ID has 28 characters, this has {len(characters)}")
    value = 0
    for character in characters:
        if character not in _VALUES:
            raise ValueError(f"{character!r} is not a character of a device ID")
        value = value * 32 + _VALUES[character]
    number, check = divmod(value, 1024)
    if number % 1021 != check:
        raise ValueError("the device ID has a typing error: its check value does not fit")
    return number


def normalise_code(code: str) -> str:
    """A code as it is compared: upper case, letters and digits only, O, I, L read as 0, 1, 1."""
    kept = (c for c in code.upper() if c.isascii() and c.isalnum())
    return "".join({"O": "0", "I": "1", "L": "1"}.get(c, c) for c in kept)


def show_code(code: str) -> str:
    """A code as it is printed: groups of four."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))
