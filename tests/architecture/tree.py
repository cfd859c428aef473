"""The files of the project, as the architecture tests see them: without what is installed, generated or ignored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("protocol", "host", "relay", "viewer", "spec", "tests", "interop")
SHIPPED = ("protocol/avl_protocol", "protocol/avl_commands", "host/avl_host", "relay/avl_relay", "viewer/avl_viewer")


def files(folders: tuple[str, ...], *suffixes: str) -> Iterator[tuple[str, Path]]:
    """(path from the root with forward slashes, path) of every file below `folders` with such a suffix, in order"""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in suffixes and "__pycache__" not in name and "/results/" not in name:
                yield name, path
