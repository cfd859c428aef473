"""Queue delay: how long what waits for a viewer has waited in the relay, as a histogram.

Each look at an audience (50 a second while its host sends) asks every viewer's hop for how long the datagram has waited
that leaves next; nothing is noted of any single one.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

from avl_protocol.carrier.carrier import Carrier
from avl_protocol.session.media.sender import SentFragment
from avl_protocol.session.snapshot import Snapshot

#: Upper bounds of the buckets in milliseconds; one without a bound follows.
BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class QueueDelay:
    """All looks so far."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._microseconds = 0

    def look(self, carrier: Carrier, now: float) -> None:
        """Note for how long the next datagram of a hop has waited, 0 where none waits. One that the relay has made
        itself, or sends again, says nothing."""
        waited = 0.0
        if carrier.datagram_backlog:
            cookie = carrier.next_datagram
            if not isinstance(cookie, SentFragment) or cookie.again:
                return
            waited = max(0.0, now - cookie.first)
        self._counts[bisect_left(BOUNDS, 1000 * waited)] += 1
        self._microseconds += round(1e6 * waited)

    def snapshot(self) -> Snapshot:
        """How many looks found so many milliseconds at most, all of them (`looks`), and the sum of what they found."""
        up_to = dict(zip(map(str, BOUNDS), accumulate(self._counts), strict=False))
        return Snapshot("queue delay so far", {**up_to, "looks": sum(self._counts), "microseconds": self._microseconds})
