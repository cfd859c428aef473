"""Report: settings for a person: all of them with where they came from, and a file that explains each."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avl_protocol.endpoint.program.state import StateError, write_whole
from avl_protocol.endpoint.settings.load import Loaded
from avl_protocol.endpoint.settings.model import Leaf, ProgramSettings, leaves

#: Characters of a line in a file that is written.
WIDTH = 100


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def shown(loaded: Loaded[Any]) -> str:
    """All settings as they hold, one a line, with where each came from. Of a secret nothing is shown."""
    rows = [
        (leaf, _line(leaf, leaf.shown(loaded.settings.written(leaf.key)))) for leaf in leaves(type(loaded.settings))
    ]
    width = min(48, max(len(text) for _, text in rows))
    lines = [f"# {loaded.file if loaded.file is not None else 'no file'}"]
    table: tuple[str, ...] = ()
    for leaf, text in rows:
        if leaf.key[:-1] != table:
            table = leaf.key[:-1]
            lines += ["", f"[{'.'.join(table)}]"]
        lines.append(f"{text.ljust(width)}  # {loaded.place(leaf.key)}")
    return "\n".join(lines)


def as_json(loaded: Loaded[Any]) -> list[dict[str, Any]]:
    """The same for programs: `name`, `value`, `place`, `reason`, `default` and `live` of each."""
    return [
        {
            "name": leaf.name,
            "value": _plain(leaf.shown(loaded.settings.written(leaf.key))),
            "place": loaded.place(leaf.key),
            "reason": leaf.reason,
            "default": _plain(leaf.default),
            "live": leaf.live,
        }
        for leaf in leaves(type(loaded.settings))
    ]


def explained(model: type[ProgramSettings]) -> str:
    """A file that says what each setting is for, and sets none: its lines are comments, to be uncommented."""
    lines = [
        f"# Settings of {model.program}. What stands behind a # without a space is the default.",
        f"# Variables of the environment ({model.prefix}NAME) win over this file, and flags (--name) win over both.",
        f"# '{model.program} config check' looks for faults, '{model.program} config show' says what holds and why.",
    ]
    table: tuple[str, ...] = ()
    for leaf in leaves(model):
        if not leaf.filed:
            continue
        if leaf.key[:-1] != table:
            table = leaf.key[:-1]
            lines += ["", f"[{'.'.join(table)}]"]
        lines += ["", *_reason(leaf), f"#{leaf.key[-1]} = {_written(leaf)}"]
    return "\n".join(lines) + "\n"


def _reason(leaf: Leaf) -> Iterator[str]:
    text = leaf.reason if leaf.default is not None else f"{leaf.reason} Not set; for example:"
    text = f"(Changes live.) {text}" if leaf.live else text
    return (f"# {line}" for line in textwrap.wrap(text, WIDTH - 2))


def _written(leaf: Leaf) -> str:
    return leaf.example if leaf.default is None else toml(leaf.default)


def _line(leaf: Leaf, value: Any) -> str:
    """`name = value`; where there is none, a comment that says so."""
    return f"# {leaf.key[-1]} is not set" if value is None else f"{leaf.key[-1]} = {toml(value)}"


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return list(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def begin(model: type[ProgramSettings], path: Path) -> None:
    """Write such a file, which nobody else can read: secrets may come into it. Raises StateError; one that is there
    stays."""
    if path.exists():
        raise StateError(f"{path} is there already; name another file, or move that one away")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StateError(f"can't make the folder {path.parent}: {error.strerror}") from None
    write_whole(path, explained(model).encode())
