"""CoDel: the queue that drops as packets leave once they have waited too long for too long (RFC 8289)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from interop.bench.rate.capacity import Capacity
from interop.bench.rate.clock import Clock

TARGET = 0.005  # seconds of standing queue that are fine (section 4.3)
INTERVAL = 0.100  # seconds within which a queue has to fall below that (section 4.2)
MTU = 1500  # bytes that may always wait

Deliver = Callable[[object], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A packet in the queue: `size` bytes of `flow`, with `delay` seconds of propagation ahead, `entered` then."""

    packet: object
    size: int
    deliver: Deliver
    flow: int
    delay: float
    entered: float


class CodelQueue:
    """A queue of at most `limit` bytes before `capacity`.

    `leave(entry, left, waited)` is called as serialisation begins, with the moment at which it ends; `drop(entered,
    flow, size)` for each packet dropped as it would have left.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        capacity: Capacity,
        limit: int,
        leave: Callable[[Entry, float, float], None],
        drop: Callable[[float, int, int], None],
    ) -> None:
        self._clock = clock
        self._capacity = capacity
        self._limit = limit
        self._leave = leave
        self._drop = drop
        self._queue: deque[Entry] = deque()
        self._bytes = 0
        self._busy = False
        self._above_since = math.inf  # first_above_time of the RFC's pseudocode; infinity for none
        self._dropping = False
        self._next = 0.0
        self._count = 0
        self._last_count = 0

    def push(self, entry: Entry) -> bool:
        """Take a packet; False if there is no room."""
        if self._bytes + entry.size > self._limit:
            return False
        self._queue.append(entry)
        self._bytes += entry.size
        if not self._busy:
            self._serve()
        return True

    def _serve(self) -> None:
        now = self._clock.now
        entry = self._choose(now)
        self._busy = entry is not None
        if entry is None:
            return
        bits = entry.size * 8
        left = self._capacity.finish(now, bits)
        self._leave(entry, left, max(0.0, left - entry.entered - bits / self._capacity.rate))
        self._clock.call_at(left, self._serve)

    def _pull(self, now: float) -> tuple[Entry | None, bool]:
        """The head, and whether it may be dropped (section 5.6, dodequeue)."""
        if not self._queue:
            self._above_since = math.inf
            return None, False
        entry = self._queue.popleft()
        self._bytes -= entry.size
        if now - entry.entered < TARGET or self._bytes <= MTU:
            self._above_since = math.inf
            return entry, False
        if self._above_since == math.inf:
            self._above_since = now + INTERVAL
            return entry, False
        return entry, now >= self._above_since

    def _choose(self, now: float) -> Entry | None:
        """The next packet to send, after dropping what the control law says (section 5.5, deque)."""
        entry, bad = self._pull(now)
        if self._dropping:
            if not bad:
                self._dropping = False
            while self._dropping and now >= self._next:
                self._discard(entry)
                self._count += 1
                entry, bad = self._pull(now)
                if bad:
                    self._next += INTERVAL / math.sqrt(self._count)
                else:
                    self._dropping = False
        elif bad:
            self._discard(entry)
            entry, _ = self._pull(now)
            self._dropping = True
            recent = self._count - self._last_count
            self._count = recent if recent > 1 and now - self._next < 16 * INTERVAL else 1
            self._next = now + INTERVAL / math.sqrt(self._count)
            self._last_count = self._count
        return entry

    def _discard(self, entry: Entry | None) -> None:
        if entry is not None:
            self._drop(entry.entered, entry.flow, entry.size)
