"""Pacer: when the next packet may leave, in bursts of at least a millisecond.

Timers finer than that cost more than they give: an event loop's clock is about a millisecond coarse. Timers are also
late, by tens of milliseconds where processes wait for a processor. What waits for its time keeps its place then:
without that, each late timer would take its lateness off the rate.

The rate may be more than the path carries, so that a picture is a train whose arrival tells how much that is. What a
large picture queues that way is then in front of all that leaves after it. `sustained` bounds that where it matters.
"""

from __future__ import annotations

import math

#: Seconds of sending that may leave at once where nothing else is said, and that are waited for once a burst is spent.
BURST = 0.002
PAUSE = 0.001
#: Seconds of lateness that are made up for, by a burst as long.
LATE = 0.020
#: Seconds of sending at the sustained rate that may leave at the other: a picture of a film is over by then.
SPURT = 0.008


class Pacer:
    """A virtual link of `rate` bytes per second that every packet passes, and another of `sustained`, which takes more
    at once; unknown sizes count as `packet_size`. `burst`: seconds of sending that may leave at once."""

    def __init__(self, packet_size: int, burst: float = BURST) -> None:
        self._packet = packet_size
        self._burst = burst
        self._free_at = self._calm_at = 0.0
        self.rate: float | None = None
        self.sustained: float | None = None

    def next_send_time(self, now: float) -> float | None:
        """None: a packet may leave now. Otherwise the time to ask again."""
        if self.rate is None:
            return None
        if self.sustained is not None and self._calm_at > now + SPURT:
            return max(self._calm_at - SPURT + PAUSE, self._free_at - PAUSE)
        return None if self._free_at <= now + self._burst else self._free_at - PAUSE

    def granted(self, now: float, *, waited: bool = False) -> float:
        """How many bytes may leave now, the last packet not counted; below 0: none."""
        if self.rate is None:
            return math.inf
        if self._free_at > now + self._burst:
            return -1.0
        since = now - LATE if waited else now
        granted = (now + self._burst - max(self._free_at, since)) * self.rate
        if self.sustained is None:
            return granted
        if self._calm_at > now + SPURT:
            return -1.0
        return min(granted, (now + SPURT - max(self._calm_at, since)) * self.sustained)

    def sent(self, now: float, size: int | None = None, *, waited: bool = False) -> None:
        """A packet of `size` bytes left; `waited`: it had been told to wait, and leaves now."""
        if self.rate is not None:
            began = now - LATE if waited else now
            left = self._packet if size is None else size
            self._free_at = max(self._free_at, began) + left / self.rate
            if self.sustained is not None:
                self._calm_at = max(self._calm_at, began) + left / self.sustained
