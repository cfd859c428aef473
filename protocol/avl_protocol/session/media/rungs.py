"""Rung: which of two codings of the same pictures one viewer is given, by what its hop carries (spec 05-media, 5.5).

A viewer goes down as soon as its hop is seen to carry less than the pictures take, and up again when it has carried
more for a while; the longer, the sooner it came down the last time. So that one at the edge does not make everybody
pay for key objects.
"""

from __future__ import annotations

import math

#: Seconds over which it is counted what a track takes.
FLOW_SECONDS = 1.0
#: For how many seconds a hop has to carry less than this part of what is needed, or to have more waiting than so many
#: seconds of that, where nothing was left out yet.
SHORT_SECONDS, SHORT_PART, SHORT_WAIT = 0.5, 0.75, 0.1
#: Seconds within which a hop that is behind twice is too slow, whatever it is thought to carry.
AGAIN_SECONDS = 5.0
#: How much more than what all takes a hop has to carry before more is tried, and for how many seconds: at first, and
#: at most.
MARGIN, UP_SECONDS, UP_MOST = 1.25, 2.0, 32.0
#: Who comes down within so many seconds waits for twice as long the next time.
SOON = 10.0


class Flow:
    """What a track takes of late. Times are seconds of the caller's clock."""

    __slots__ = ("_at", "_bytes")

    def __init__(self) -> None:
        self._bytes = 0.0
        self._at = float("-inf")

    def add(self, size: int, now: float) -> None:
        """So many bytes were sent."""
        self._bytes = self._left(now) + size
        self._at = max(self._at, now)

    def _left(self, now: float) -> float:
        return self._bytes * math.exp(min(0.0, self._at - now) / FLOW_SECONDS) if self._bytes else 0.0

    def rate(self, now: float) -> float:
        """Bits per second."""
        return self._left(now) * 8 / FLOW_SECONDS


class Rung:
    """Where one viewer stands with one desktop's pictures."""

    __slots__ = ("_behind", "_behind_at", "_enough_since", "_raised_at", "_short_since", "_wait", "lowered")

    def __init__(self) -> None:
        #: Whether it is to get the pictures with fewer bits.
        self.lowered = False
        self._behind = 0
        self._behind_at = float("-inf")
        self._short_since: float | None = None
        self._enough_since: float | None = None
        self._raised_at = float("-inf")
        self._wait = UP_SECONDS

    def choose(self, *, rate: float | None, need: float, waiting: int, behind: int, followed: bool, now: float) -> bool:
        """Decide anew; whether it changes. `rate`: bit/s that its hop carries, None while unknown; `need`: what all
        takes that it wants, these pictures with all their bits; `waiting`: bytes that wait for it; `behind`: how often
        those pictures had to stop so far, because more waited than its hop could take; `followed`: the pictures are
        coded for this viewer."""
        fell_behind = behind != self._behind
        before = self._behind_at
        if fell_behind:
            self._behind = behind
            self._behind_at = now
        if followed:
            self._short_since = self._enough_since = None
            return self._take(False, now)
        short = rate is not None and rate < need
        if not self.lowered:
            waits = waiting * 8 > SHORT_WAIT * need > 0
            if not waits and (rate is None or rate >= SHORT_PART * need):
                self._short_since = None
            elif self._short_since is None:
                self._short_since = now
            long = self._short_since is not None and now >= self._short_since + SHORT_SECONDS
            again = fell_behind and (short or now < before + AGAIN_SECONDS)
            return self._take(long or again, now)
        if rate is None or rate < MARGIN * need:
            self._enough_since = None
        elif self._enough_since is None:
            self._enough_since = now
        enough = self._enough_since is not None and now >= self._enough_since + self._wait
        return self._take(not enough, now)

    def _take(self, lowered: bool, now: float) -> bool:
        if lowered == self.lowered:
            return False
        self.lowered = lowered
        self._short_since = self._enough_since = None
        if not lowered:
            self._raised_at = now
        elif now < self._raised_at + SOON:
            self._wait = min(UP_MOST, 2 * self._wait)
        else:
            self._wait = UP_SECONDS
        return True
