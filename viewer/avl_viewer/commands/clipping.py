"""avl clipboard: the host's clipboard in one of its formats, to and from files and pipes (spec 04-session, 4.7)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from avl_protocol.wire.clipformats import FILES, HTML, PLAIN, PNG, RTF, format_of
from avl_protocol.wire.registry import MAX_CLIPBOARD_DATA

#: What stands for standard input or output.
PIPE = "-"
#: Names that people write for a text.
_TEXT = ("text", "text/plain", "text/plain;charset=utf8")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command line asks for: the formats' names that there are (`names`), one in a format (`read`, written to
    `out`), or to set it to what files hold (`files` by their format)."""

    names: bool = False
    read: str = ""
    out: str = PIPE
    files: tuple[tuple[str, str], ...] = ()


def wanted(types: bool, named: Sequence[str], files: Sequence[str], out: str | None, text: bool) -> Wanted | None:
    """What these options mean; None: the text alone. `text`: it is to be set to a text. Raises ValueError with what to
    write."""
    if sum((types, bool(files), out is not None, text)) > 1 or (named and (types or text)):
        raise ValueError("--types, --set, --in and --out are things of their own: give one of them")
    formats = [named_format(each) for each in named]
    if files:
        if len(formats) != len(files):
            raise ValueError("each --in needs the --type that it is: --type image/png --in picture.png")
        if len(set(formats)) < len(formats) or files.count(PIPE) > 1:
            raise ValueError("one copy has each format once, and standard input holds one: give another --type or --in")
        return Wanted(files=tuple(zip(formats, files, strict=True)))
    if len(formats) > 1:
        raise ValueError("one --type can be read at a time; --types lists those that there are")
    if types:
        return Wanted(names=True)
    if formats or out is not None:
        return Wanted(read=formats[0] if formats else PLAIN, out=PIPE if out is None else out)
    return None


def named_format(name: str) -> str:
    """The format that a person means. Raises ValueError for what does not travel."""
    found = PLAIN if name.lower().replace(" ", "") in _TEXT else format_of(name)
    if not found:
        raise ValueError(f"{name} does not cross: say text/plain, {HTML}, {RTF}, {PNG} or another image/, {FILES}")
    return found


def contents(files: Sequence[tuple[str, str]]) -> Mapping[str, bytes]:
    """What is to be set. Raises OSError, ValueError for what is too large, empty or no text."""
    found = {}
    for format, file in files:
        data = sys.stdin.buffer.read() if file == PIPE else Path(file).read_bytes()
        where = "standard input" if file == PIPE else file
        if not data:
            raise ValueError(f"{where} is empty: a clipboard is emptied by --set ''")
        if len(data) > MAX_CLIPBOARD_DATA:
            raise ValueError(f"{where} is too large: at most {MAX_CLIPBOARD_DATA >> 20} MiB cross")
        if format == PLAIN:
            try:
                data.decode()
            except UnicodeDecodeError:
                raise ValueError(f"{where} is not UTF-8 text; convert it first, or say another --type") from None
        found[format] = data
    return found


def check_out(asked: Wanted) -> None:
    """Raises ValueError where a terminal would be given what it can't show."""
    if asked.read and asked.out == PIPE and asked.read not in (PLAIN, FILES) and sys.stdout.isatty():
        raise ValueError(f"a terminal does not show {asked.read}: write it to a file with --out FILE, or to a pipe")


def write(data: bytes, out: str) -> None:
    """Write it as it is. Raises OSError."""
    if out != PIPE:
        Path(out).write_bytes(data)
        return
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # a held session's, which hands on characters
        sys.stdout.write(data.decode("utf-8", "surrogateescape"))
    else:
        buffer.write(data)
        buffer.flush()
