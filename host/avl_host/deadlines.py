"""Deadlines: when each of many wants to be called next, so that the earliest is known without asking all of them."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable
from typing import Generic, TypeVar

#: Entries that may be out of date before they are thrown away, beside as many as there are deadlines.
SLACK = 64
K = TypeVar("K", bound=Hashable)


class Deadlines(Generic[K]):
    """Times in seconds of the caller's clock. A heap, in which what is out of date stays until it comes first."""

    def __init__(self) -> None:
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._numbers = itertools.count()

    def __len__(self) -> int:
        """How many entries are kept, those included that are out of date."""
        return len(self._heap)

    def set(self, who: K, at: float | None) -> None:
        """Call this one at `at`; None: not at all."""
        if at is None:
            self._due.pop(who, None)
        elif self._due.get(who) != at:
            self._due[who] = at
            heapq.heappush(self._heap, (at, next(self._numbers), who))
            if len(self._heap) > 2 * len(self._due) + SLACK:
                self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
                heapq.heapify(self._heap)

    def next_timeout(self) -> float | None:
        """The earliest of all."""
        heap = self._heap
        while heap and self._due.get(heap[0][2]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def expired(self, now: float) -> list[K]:
        """Those due at `now`, the earliest first; they are no longer set."""
        out: list[K] = []
        while (at := self.next_timeout()) is not None and at <= now:
            who = heapq.heappop(self._heap)[2]
            del self._due[who]
            out.append(who)
        return out
