"""Deadlines: one time for each of many things, of which the earliest is known without looking at the others.

A heap whose entries are never searched for: one that was set anew or dropped stays until it comes to the top, and is
forgotten there.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Key = TypeVar("Key")

#: Outdated entries, beyond as many as there are deadlines, after which the heap is built anew.
SPARE = 64


class Deadlines(Generic[Key]):
    """Deadlines by key, in seconds of the caller's clock; equal ones come in the order in which they were set."""

    def __init__(self) -> None:
        self._at: dict[Key, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Key]] = []
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
            self._at.pop(key, None)
        elif known is None or known[0] != at:
            self._count += 1
            self._at[key] = at, self._count
            heappush(self._heap, (at, self._count, key))
            if len(self._heap) > 2 * len(self._at) + SPARE:
                self._heap = [(due, count, each) for each, (due, count) in self._at.items()]
                heapify(self._heap)

    def drop(self, key: Key) -> None:
        """Let `key` never be due."""
        self._at.pop(key, None)

    def next_timeout(self) -> float | None:
        """When the earliest is due."""
        heap = self._heap
        while heap:
            at, count, key = heap[0]
            if self._at.get(key) == (at, count):
                return at
            heappop(heap)
        return None

    def expired(self, now: float) -> list[tuple[Key, float]]:
        """Those due at `now` with their times, the earliest first; they are no longer set."""
        due = []
        while (at := self.next_timeout()) is not None and at <= now:
            key = heappop(self._heap)[2]
            del self._at[key]
            due.append((key, at))
        return due
