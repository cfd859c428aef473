"""Limits: those that were hit, and who hit them, as a log tells of it.

They are hit by the thousand: what came since the last look is one event for each network that hit a limit most, and one
for all others together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Protocol

#: Networks that are named of each limit at one look; an attacker who has many would fill the log with them.
MOST_NAMED = 8


class Records(Protocol):
    """Takes events (events.py)."""

    def record(self, kind: str, **said: object) -> None:
        """Something has happened."""


class Limits:
    """Looked at once a minute by who has the log."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._seen: Counter[str] = Counter()
        self._seen_of: Mapping[str, int] = {}

    def look(self, hit: Mapping[str, int], by_network: Mapping[str, int]) -> None:
        """So often each was hit since the start, and by whom ("LIMIT NETWORK"); a network that was forgotten meanwhile
        begins anew."""
        grown: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for name, count in by_network.items():
            limit, _, network = name.rpartition(" ")
            before = self._seen_of.get(name, 0)
            grown[limit][network] = count - before if count >= before else count
        self._seen_of = dict(by_network)
        for limit, count in hit.items():
            left = count - self._seen[limit]
            self._seen[limit] = count
            for network, times in grown[limit].most_common(MOST_NAMED):
                if 0 < times <= left:
                    self._records.record("limit_hit", limit=limit, count=times, address=network)
                    left -= times
            if left > 0:
                self._records.record("limit_hit", limit=limit, count=left)
