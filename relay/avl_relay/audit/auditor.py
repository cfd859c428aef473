"""Auditor: who is told what concerns security. Kinds and fields are those of avl_protocol/audit/events.py."""

from __future__ import annotations

from typing import Protocol


class Auditor(Protocol):
    """Takes events; it writes them later."""

    def record(self, kind: str, **said: object) -> None:
        """Something has happened; fields that are None or "" are left out. Raises NotLogged for what no log takes."""


class Unwritten:
    """The double of Auditor, and that of a relay without a log: it remembers what it is told if it is asked to."""

    def __init__(self, *, remembers: bool = False) -> None:
        self._remembers = remembers
        #: What it was told: (kind, fields).
        self.told: list[tuple[str, dict[str, object]]] = []

    def record(self, kind: str, **said: object) -> None:
        """See Auditor."""
        if self._remembers:
            self.told.append((kind, {name: value for name, value in said.items() if value not in (None, "")}))
