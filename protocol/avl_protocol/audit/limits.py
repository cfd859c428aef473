"""Limits: those that were hit, as a log tells of them. They are hit by the thousand: what came since the last look is
one event a limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Protocol


class Records(Protocol):
    """Takes events (events.py)."""

    def record(self, kind: str, **said: object) -> None:
        """Something has happened."""


class Limits:
    """Looked at once a minute by who has the log."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._seen: Counter[str] = Counter()

    def look(self, hit: Mapping[str, int]) -> None:
        """So often each was hit since the start."""
        for limit, count in hit.items():
            if count > self._seen[limit]:
                self._records.record("limit_hit", limit=limit, count=count - self._seen[limit])
                self._seen[limit] = count
