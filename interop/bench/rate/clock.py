"""Clock: virtual time as a heap of callbacks.

Callbacks at equal times run in the order in which they were asked for, so that a run depends on nothing but its seed.
There is no cancelling: a timer that may be outdated asks its owner whether it still matters, which is cheaper than
finding it in the heap.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

#: So many callbacks at one instant are a loop that asks for itself again, without end.
STUCK = 1_000_000


class Clock:
    """Seconds since the start of the run."""

    __slots__ = ("_count", "_heap", "now")

    def __init__(self) -> None:
        self.now = 0.0
        self._count = 0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        """Run `callback` at `when`, or as soon as possible if that has passed; infinity means never."""
        self._count += 1
        heappush(self._heap, (when, self._count, callback))

    def run_until(self, end: float) -> None:
        """Run what is due up to and including `end`, after which it is `end`.

        Raises RuntimeError when time stands still: STUCK callbacks without it moving on.
        """
        heap = self._heap
        still = 0
        while heap and heap[0][0] <= end:
            when, _, callback = heappop(heap)
            if when > self.now:
                self.now = when
                still = 0
            else:
                still += 1
                if still > STUCK:
                    raise RuntimeError(f"time stands still at {self.now} s: {callback!r} is among what asks for itself")
            callback()
        self.now = max(self.now, end)
