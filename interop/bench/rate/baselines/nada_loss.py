"""LossIntervals: how often packets are lost, counted in packets, as NADA needs it to choose its delay signal.

RFC 8698, section 4.2 (loss_int, loss_exp), with the weights of RFC 5348, section 5.4, over the last eight intervals.
Only closed intervals are averaged: were the open one in, as RFC 5348 has it, it could never outgrow the average
MULTILOSS times, and a single loss would be remembered for ever. Losses without an arrival between them count as one
event, as in the authors' simulation code; RFC 5348 would take all within a round trip for one.
"""

from __future__ import annotations

from collections import deque

WEIGHTS = (1.0, 1.0, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2)
#: Multiplier of the average interval after which the last loss is forgotten (RFC 8698, figure 3).
MULTILOSS = 7.0


class LossIntervals:
    """Packets between losses; told of every packet in the order in which they were sent."""

    def __init__(self) -> None:
        #: The open interval, then closed ones, newest first.
        self._intervals: deque[int] = deque([0], maxlen=len(WEIGHTS) + 1)
        self._losing = False

    def arrived(self) -> None:
        """A packet arrived."""
        self._intervals[0] += 1
        self._losing = False

    def lost(self) -> None:
        """A packet was lost."""
        if not self._losing:
            self._intervals.appendleft(0)
        self._losing = True

    @property
    def average(self) -> float | None:
        """Average interval in packets, None before the first loss."""
        if len(self._intervals) < 2:
            return None
        closed = list(self._intervals)[1:]
        weights = WEIGHTS[: len(closed)]
        return sum(count * weight for count, weight in zip(closed, weights, strict=True)) / sum(weights)

    @property
    def freshness(self) -> float:
        """1 while a loss is recent, falling to 0 over one average interval after MULTILOSS of them, 0 without any."""
        average = self.average
        if not average:
            return 0.0 if average is None else 1.0
        return max(0.0, min(1.0, MULTILOSS + 1 - self._intervals[0] / average))
