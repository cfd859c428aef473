"""Targets: the names under which a text can be asked of a selection's owner, and its bytes under each (ICCCM 2.6.2).

UTF8_STRING is what today's programs speak; STRING (Latin-1), COMPOUND_TEXT and TEXT (as the owner likes) are those of
the standard; the MIME types are what toolkits added.
"""

from __future__ import annotations

import re

from avl_host.selection import compound
from avl_protocol.wire import clipformats
from avl_protocol.wire.clipformats import Copy

UTF8, STRING, TEXT, COMPOUND = "UTF8_STRING", "STRING", "TEXT", "COMPOUND_TEXT"
PLAIN, PLAIN_UTF8 = "text/plain", "text/plain;charset=utf-8"
#: The targets that are asked for, in this order, if an owner does not list what it has.
OLD = (UTF8, COMPOUND, STRING, TEXT)
_CHARSET = re.compile(r"text/plain;\s*charset=\"?([\w.:-]+)\"?$", re.IGNORECASE)


def offers(copy: Copy) -> tuple[str, ...]:
    """The targets to name for a copy: the formats first, since programs take what they find first; each under all names
    that programs know it by."""
    named = [
        name
        for each in copy.formats
        if each.name != clipformats.PLAIN
        for name in (each.name, *clipformats.ALIASES.get(each.name, ()))
    ]
    if isinstance(copy.content, str):
        named += offered(copy.content)
    elif copy.has(clipformats.PLAIN):
        named += (UTF8, PLAIN_UTF8, PLAIN)
    elif not copy.formats:
        named += offered("")
    return (*named, clipformats.ORIGIN) if copy.origin else tuple(named)


def asked(copy: Copy, target: str) -> str:
    """The format of a copy that a target asks for and that has to be fetched first; "" for none."""
    if copy.has(clipformats.PLAIN) and not isinstance(copy.content, str) and _rank(target) is not None:
        return clipformats.PLAIN
    name = clipformats.format_of(target)
    return name if name != clipformats.PLAIN and copy.has(name) else ""


def offered(text: str) -> tuple[str, ...]:
    """The targets to name for a text: those that lose nothing."""
    latin = (STRING,) if _is_latin(text) else ()
    return (UTF8, PLAIN_UTF8, PLAIN, COMPOUND, TEXT, *latin)


def encode(text: str, target: str) -> tuple[str, bytes] | None:
    """The type of a text under a target, and its bytes; None for what is no text target, or can't hold this text.

    A program that asks for STRING by name gets it, with question marks if need be: it knows nothing better.
    """
    if target in (UTF8, PLAIN_UTF8, PLAIN):
        return target, text.encode()
    if target == STRING:
        return STRING, text.encode("latin-1", "replace")
    if target == COMPOUND:
        return COMPOUND, compound.encode(text)
    if target == TEXT:
        return encode(text, STRING if _is_latin(text) else COMPOUND)
    charset = _charset(target)
    try:
        return (target, text.encode(charset)) if charset else None
    except UnicodeError:
        return None


def wanted(targets: list[str]) -> list[str]:
    """The text targets out of what an owner has, the best first."""
    ranked = [(rank, target) for target in targets if (rank := _rank(target)) is not None]
    return [target for _, target in sorted(ranked, key=lambda entry: entry[0])]


def _rank(target: str) -> int | None:
    if target in (UTF8, COMPOUND, STRING, TEXT):
        return {UTF8: 0, COMPOUND: 3, STRING: 5, TEXT: 6}[target]
    if target.lower() == PLAIN:
        return 7
    charset = _charset(target)
    if charset is None:
        return None
    return 1 if charset == "utf-8" else 2 if charset.startswith("utf") else 4


def decode(kind: str, data: bytes) -> str:
    """The text of a property of this type. Raises UnicodeError for what is not text.

    Programs that count C strings leave the NUL behind them in.
    """
    charset = _charset(kind)
    if kind == COMPOUND:
        return compound.decode(data).rstrip("\0")
    if charset is not None and charset not in ("utf-8", "us-ascii", "ascii"):
        return data.decode(charset).rstrip("\0")
    if kind in (STRING, "C_STRING"):
        return data.decode("latin-1").rstrip("\0")
    if kind == UTF8 or charset is not None:
        return data.decode().rstrip("\0")
    if kind == TEXT or kind.lower() == PLAIN:
        try:
            return data.decode().rstrip("\0")
        except UnicodeDecodeError:
            return data.decode("latin-1").rstrip("\0")
    raise UnicodeError(f"a property of type {kind} is no text")


def _is_latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _charset(target: str) -> str | None:
    """The encoding that a MIME target names, in Python's words; None for another target or an unknown encoding."""
    found = _CHARSET.match(target)
    if found is None:
        return None
    name = found[1].lower()
    try:
        "".encode(name)
    except LookupError:
        return None
    return "utf-8" if name in ("utf8", "utf-8") else name
