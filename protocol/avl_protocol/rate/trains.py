"""Trains: packets that left close together, and what their arrival tells of the path (spec 10.2).

Every frame is a train. The least delay in a train is that of a packet that met only what others had queued before it;
how much longer the train took to arrive than to leave tells how fast the bottleneck lets it through (packet-train
dispersion; used frame by frame in SQP, arXiv 2207.11857).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from avl_protocol.rate.control import Arrival

#: Trains remembered.
KEPT = 64
#: A train came out slower than it went in when it takes this much longer to arrive than to leave.
STRETCHED = 1.12


class Train:
    """One train: when its packets left and arrived (seconds of either clock), bytes after the first packet, packets,
    least delay, the pause in arrivals before it, and for each packet behind the first, seconds since the one before for
    each of its bytes."""

    __slots__ = ("count", "first", "gaps", "last", "least", "pause", "sent_first", "sent_last", "size")

    def __init__(self, sent: float, arrived: float, pause: float) -> None:
        self.pause = pause
        self.gaps: list[float] = []
        self.sent_first = self.sent_last = sent
        self.first = self.last = arrived
        self.size = 0
        self.count = 1
        self.least = arrived - sent


class Trains:
    """The newest trains of one hop."""

    def __init__(self) -> None:
        self.recent: deque[Train] = deque(maxlen=KEPT)

    def add(self, arrivals: Sequence[Arrival], gap: float) -> list[Train]:
        """Sort arrivals into trains, a pause of more than `gap` seconds between departures ending one; returns those
        that ended."""
        ended: list[Train] = []
        recent = self.recent
        train = recent[-1] if recent else None
        for sent, arrived, size in arrivals:
            if train is None or sent - train.sent_last > gap:
                if train is not None:
                    ended.append(train)
                train = Train(sent, arrived, 1.0 if train is None else arrived - train.last)
                recent.append(train)
                continue
            train.count += 1
            train.size += size
            if sent > train.sent_last:
                train.sent_last = sent
            if arrived > train.last:
                train.gaps.append((arrived - train.last) / size)
                train.last = arrived
            delay = arrived - sent
            if delay < train.least:
                train.least = delay
        return ended

    def dispersion(self, enough: float, since: float) -> tuple[float, bool] | None:
        """(bytes per second at which trains since arrival time `since` came out, whether they were stretched), over
        the newest `enough` bytes; None when too few packets came in trains."""
        size, arriving, leaving = 0, 0.0, 0.0
        for train in reversed(self.recent):
            if train.last < since or size >= enough:
                break
            if train.count > 1 and train.last > train.first:
                size += train.size
                arriving += train.last - train.first
                leaving += train.sent_last - train.sent_first
        if size < 2400 or arriving <= 0.0:
            return None
        return size / arriving, arriving > STRETCHED * leaving + 0.0005

    def better(self, since: float) -> float | None:
        """Bytes per second that the quicker quarter of the trains since arrival time `since` reached: delays that
        scatter stretch a train more often than they press it together."""
        rates = sorted(
            train.size / (train.last - train.first)
            for train in self.recent
            if train.first >= since and train.count > 2 and train.last > train.first
        )
        return rates[len(rates) * 3 // 4] if len(rates) >= 4 else None
