"""Pacer: when the next packet may leave, in bursts of at least a millisecond.

Timers finer than that cost more than they give: an event loop's clock is about a millisecond coarse. Timers are also
late, by tens of milliseconds where processes wait for a processor. What waits for its time keeps its place then:
without that, each late timer would take its lateness off the rate.
"""

from __future__ import annotations

import math

#: Seconds of sending that may leave at once where nothing else is said, and that are waited for once a burst is spent.
BURST = 0.002
PAUSE = 0.001
#: Seconds of lateness that are made up for, by a burst as long.
LATE = 0.020


class Pacer:
    """A virtual link of `rate` bytes per second that every packet passes; unknown sizes count as `packet_size`.
    `burst`: seconds of sending that may leave at once."""

    def __init__(self, packet_size: int, burst: float = BURST) -> None:
        self._packet = packet_size
        self._burst = burst
        self._free_at = 0.0
        self.rate: float | None = None

    def next_send_time(self, now: float) -> float | None:
        """None: a packet may leave now. Otherwise the time to ask again."""
        if self.rate is None or self._free_at <= now + self._burst:
            return None
        return self._free_at - PAUSE

    def granted(self, now: float, *, waited: bool = False) -> float:
        """How many bytes may leave now, the last packet not counted; below 0: none."""
        if self.rate is None:
            return math.inf
        if self._free_at > now + self._burst:
            return -1.0
        return (now + self._burst - max(self._free_at, now - LATE if waited else now)) * self.rate

    def sent(self, now: float, size: int | None = None, *, waited: bool = False) -> None:
        """A packet of `size` bytes left; `waited`: it had been told to wait, and leaves now."""
        if self.rate is not None:
            began = now - LATE if waited else now
            self._free_at = max(self._free_at, began) + (self._packet if size is None else size) / self.rate
