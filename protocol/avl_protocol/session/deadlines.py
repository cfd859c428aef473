"""Deadlines: one time for each of many things, of which the earliest is known without looking at the others.

A heap whose entries are never searched for: one that was set anew or dropped stays until it comes to the top, and is
forgotten there.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Key = TypeVar("Key")

#: Outdated entries, beyond as many as there are deadlines, after which the heap is built anew.
SPARE = 16


class Deadlines(Generic[Key]):
    """Deadlines by key, in seconds of the caller's clock; equal ones come in the order in which they were set."""

    def __init__(self) -> None:
        self._at: dict[Key, tuple[float, int]] = {}
        #: Keys by the number of their entry: an outdated entry holds nothing alive.
        self._keys: dict[int, Key] = {}
        self._heap: list[tuple[float, int]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._at)

    @property
    def entries(self) -> int:
        """Entries of the heap, outdated ones included."""
        return len(self._heap)

    def set(self, key: Key, at: float | None) -> None:
        """Let `key` be due at `at`, instead of whenever it was; None: not at all."""
        known = self._at.get(key)
        if at is None:
            self.drop(key)
        elif known is None or known[0] != at:
            if known is not None:
                del self._keys[known[1]]
            self._count += 1
            entry = self._at[key] = at, self._count
            self._keys[self._count] = key
            heappush(self._heap, entry)
            if len(self._heap) > 2 * len(self._at) + SPARE:
                self._heap = list(self._at.values())
                heapify(self._heap)

    def drop(self, key: Key) -> None:
        """Let `key` never be due."""
        known = self._at.pop(key, None)
        if known is not None:
            del self._keys[known[1]]

    def next_timeout(self) -> float | None:
        """When the earliest is due."""
        heap = self._heap
        while heap:
            at, count = heap[0]
            if count in self._keys:
                return at
            heappop(heap)
        return None

    def expired(self, now: float) -> list[tuple[Key, float]]:
        """Those due at `now` with their times, the earliest first; they are no longer set."""
        due = []
        while (at := self.next_timeout()) is not None and at <= now:
            key = self._keys.pop(heappop(self._heap)[1])
            del self._at[key]
            due.append((key, at))
        return due
