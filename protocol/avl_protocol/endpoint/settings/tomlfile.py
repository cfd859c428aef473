"""TOML file: settings in a file, and the line of each, of a file that may hold anything.

Python's reader says where a file breaks, not where a value stands. Lines are found again by looking for what a line of
a setting looks like; where that finds none, a fault names the file alone.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avl_protocol.endpoint.settings.faults import BadSettings, Fault

#: Bytes of a file of settings, and tables within tables: every setting with its reason takes a tenth of that, and two.
LARGEST, DEEPEST = 128 << 10, 4
#: Dots in a line: a list of addresses has some hundred, and Python's reader takes minutes for a key of many.
DOTS = 1000
#: What the settings of one program may be called, with dots between the tables: `limits.requests`.
Key = tuple[str, ...]

_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_SETTING = re.compile(r"\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """What a file says, and in which line (from 1) each key stands, as far as that is known."""

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[Key, int]

    def place(self, key: Key) -> str:
        """Where a setting stands: FILE:LINE, of its table where it has no line of its own."""
        for size in range(len(key), 0, -1):
            if (line := self.lines.get(key[:size])) is not None:
                return f"{self.path}:{line}"
        return str(self.path)


def read(path: Path) -> TomlFile:
    """Read a file. Raises BadSettings, also for one that is not there."""
    data = _bytes(path)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _bad(f"{path}:{line}", f"byte 0x{data[error.start]:02X} is not UTF-8: save the file as UTF-8") from None
    if (line := next((number for number, one in enumerate(text.split("\n"), 1) if one.count(".") > DOTS), 0)) > 0:
        raise _bad(f"{path}:{line}", _TOO_DEEP)
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise _bad(str(path), _TOO_DEEP) from None
    except ValueError as error:  # numbers that are too long are no TOMLDecodeError
        said = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", str(error))
        if said is None:
            raise _bad(str(path), f"it is no TOML: {error}") from None
        raise _bad(f"{path}:{said[2]}", f"it is no TOML at column {said[3]}: {said[1]}") from None
    _look_how_deep(path, values)
    return TomlFile(path, values, _lines(text))


_TOO_DEEP = f"tables and lists are nested too deeply: no setting needs more than {DEEPEST} levels"


def _bad(place: str, text: str) -> BadSettings:
    return BadSettings([Fault(place, text)])


def _bytes(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _bad(str(path), "it is no file")
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise _bad(str(path), f"it can't be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise _bad(str(path), f"it is longer than {LARGEST >> 10} KiB: is it a file of settings?")
    return data


def _look_how_deep(path: Path, values: dict[str, Any]) -> None:
    level: list[Any] = [values]
    for _ in range(DEEPEST):
        level = [
            below
            for one in level
            for below in (one.values() if isinstance(one, dict) else one)
            if isinstance(below, (dict, list))
        ]
    if level:
        raise _bad(str(path), _TOO_DEEP)


def _lines(text: str) -> dict[Key, int]:
    found: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.split("\n"), 1):
        if (header := _TABLE.match(line)) is not None:
            table = _parts(header[1])
            found.setdefault(table, number)
        elif (setting := _SETTING.match(line)) is not None:
            found.setdefault((*table, *_parts(setting[1])), number)
    return found


def _parts(dotted: str) -> Key:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
