"""Formats of a clipboard: how they are named when they travel, and of what kind each is (spec 04-session, 4.7; 3.4.4).

Systems and programs have several names for one thing; what travels has one. Names come from programs and from the other
end, so that each is held to its grammar before anybody uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from avl_protocol.wire.cliptext import Content
from avl_protocol.wire.registry import (
    MAX_CLIPBOARD_DATA,
    MAX_CLIPBOARD_FORMAT,
    MAX_CLIPBOARD_FORMATS,
    ClipboardState,
)

PLAIN, HTML, RTF, PNG = "text/plain;charset=utf-8", "text/html", "text/rtf", "image/png"
#: Files: what travels is their paths at the host (clipfiles.py), whatever list of them a system has.
FILES, URIS, GNOME = "application/x-avl-files", "text/uri-list", "x-special/gnome-copied-files"
#: Kinds of formats, of which a host's owner says which may leave and come.
KINDS = ("text", "html", "rtf", "image", "files")
#: The name that stands for a copy's origin in the clipboard of a system, and the bytes of an origin.
ORIGIN, ORIGIN_BYTES = "application/x-avl-origin", 16
#: Other names of a format, by which programs know it; the first is the most usual.
ALIASES = {
    RTF: ("application/rtf", "text/richtext", "application/x-rtf"),
    "image/bmp": ("image/x-bmp", "image/x-ms-bmp", "image/x-win-bitmap"),
    "image/jpeg": ("image/jpg", "image/pjpeg"),
    "image/tiff": ("image/x-tiff",),
    FILES: (URIS, GNOME),
}
_NAMED = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
_TOKEN = "[a-z0-9][a-z0-9!#$&^_.+-]*"
_NAME = re.compile(rf"{_TOKEN}/{_TOKEN}|text/plain;charset=utf-8")


@dataclass(frozen=True, slots=True)
class Format:
    """One format of a copy, and its bytes; 0: not known before somebody asks."""

    name: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Copy:
    """What was copied: its text, or why there is none; its other formats; the name of its origin (b"": not known), and
    the count under which its clipboard knows it."""

    content: Content = ClipboardState.EMPTY
    formats: tuple[Format, ...] = ()
    origin: bytes = b""
    stamp: int = 0

    def has(self, name: str) -> bool:
        """Whether it is to be had in this format."""
        return any(each.name == name for each in self.formats)


def is_name(name: str) -> bool:
    """Whether this names a format as it may travel (R-WIRE-90)."""
    return len(name) <= MAX_CLIPBOARD_FORMAT and _NAME.fullmatch(name) is not None


def format_of(name: str) -> str:
    """The format that a system calls so; "" for what is none that travels."""
    small = name.lower() if name.isascii() else ""
    known = _NAMED.get(small, small)
    return known if is_name(known) and kind_of(known) else ""


def kind_of(name: str) -> str:
    """The kind of a format: one of KINDS, or "" for what does not travel."""
    if name in (PLAIN, HTML, RTF, FILES):
        return {PLAIN: "text", HTML: "html", RTF: "rtf", FILES: "files"}[name]
    return "image" if name.startswith("image/") else ""


def formats_of(names: Iterable[str]) -> tuple[Format, ...]:
    """The formats that these names of a system stand for, each once, in their order."""
    found = dict.fromkeys(name for each in names if (name := format_of(each)))
    return tuple(Format(name) for name in found)[:MAX_CLIPBOARD_FORMATS]


def name_of(names: Sequence[str], format: str) -> str:
    """The name, of those that a system has, under which a format is to be had: its own if it can be; "" for none."""
    found = [name for name in names if format_of(name) == format]
    return format if format in found else found[0] if found else ""


def as_utf8(html: bytes) -> bytes:
    """HTML as it travels: programs that count in UTF-16 begin with its mark."""
    if html[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return html.decode("utf-16", "replace").encode()
    return html.removeprefix(b"\xef\xbb\xbf")


def offered(rows: Iterable[tuple[Any, ...]]) -> tuple[Format, ...]:
    """The formats that the rows of an offer name, each once; rows that are none are left out, and those beyond
    CLIPBOARD_FORMATS."""
    found: dict[str, Format] = {}
    for row in tuple(rows)[:MAX_CLIPBOARD_FORMATS]:
        if len(row) < 2 or not isinstance(row[0], str) or not isinstance(row[1], int) or isinstance(row[1], bool):
            continue
        name, size = row[:2]
        if is_name(name) and kind_of(name) and 0 <= size <= MAX_CLIPBOARD_DATA:
            found.setdefault(name, Format(name, size))
    return tuple(found.values())


def rows(formats: Iterable[Format]) -> tuple[tuple[Any, ...], ...]:
    """The rows of an offer of these formats."""
    return tuple((each.name, each.size) for each in formats)
