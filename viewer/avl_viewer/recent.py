"""Recent desktops: targets a person connected to, newest first. Codes are never kept.

The file is readable by its owner only: where somebody's desktops are is nobody else's business.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.endpoint.program.state import StateError, StateFolder

#: Entries kept.
KEPT = 12
_FILE = "recent.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One desktop: the target as typed, and the name its host gave (or empty)."""

    target: str
    name: str = ""


class Recent:
    """The list in a state folder (default: the viewer's)."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or default_folder("viewer")

    def load(self) -> tuple[Entry, ...]:
        """Newest first; empty when there is none or it can't be read: a list of favourites is no reason to fail."""
        try:
            data = StateFolder(self._folder).read(_FILE)
        except StateError:
            return ()
        try:
            rows = json.loads(data or b"[]")
        except ValueError:
            return ()
        if not isinstance(rows, list):
            return ()
        return tuple(
            Entry(row["target"], row["name"] if isinstance(row.get("name"), str) else "")
            for row in rows
            if isinstance(row, dict) and isinstance(row.get("target"), str)
        )[:KEPT]

    def remember(self, target: str, name: str = "") -> None:
        """Put a desktop first, keeping the name it had when none is given. Raises StateError."""
        before = self.load()
        name = name or next((entry.name for entry in before if entry.target == target), "")
        self._write((Entry(target, name), *(entry for entry in before if entry.target != target)))

    def forget(self, target: str) -> None:
        """Take a desktop off the list. Raises StateError."""
        self._write(tuple(entry for entry in self.load() if entry.target != target))

    def _write(self, entries: tuple[Entry, ...]) -> None:
        rows = [{"target": entry.target, "name": entry.name} for entry in entries[:KEPT]]
        StateFolder(self._folder).write(_FILE, json.dumps(rows).encode() + b"\n")
