"""Collector: the receiving half of a hop, which notes what arrived and says so in feedback datagrams (spec 07-rate,
7.1)."""

from __future__ import annotations

from collections import deque

from avl_protocol.wire import feedback
from avl_protocol.wire.feedback import UNIT, ArrivalReport, Run

#: Seconds from the first unreported arrival to its report.
INTERVAL = 0.012
#: Where less than SLOW bytes a second arrive: seconds between two reports, and from the first unreported arrival to its
#: report at least. The latter is a viewer's delay of acknowledgements, so that one packet can carry both, and lets it
#: show the picture first.
SLOW, SLOW_INTERVAL, GATHER = 125_000, 0.025, 0.010
#: On a long path, or one whose queue somebody fills, a report waits for this share of the round trip, at most so many
#: seconds: news that is a second old says no less for being a tenth older, and a thin uplink carries more of others.
SHARE, LONGEST_INTERVAL = 0.1, 0.1
#: Weight of one round trip in their mean.
SMOOTH = 0.05
#: Arrivals that are reported without waiting longer.
ENOUGH = 24
#: Reports of one burst that may wait to leave; older ones are forgotten.
WAITING = 32
#: Bytes that a run's fragment and count, and a time, take at most in a report.
NAME, TIME = 6, 4
#: Seconds over which the arrival rate is averaged.
AVERAGE = 0.5


class Collector:
    """Arrivals of one connection, in order."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._name = b""
        self._next = self._first = 0
        self._times: list[int] = []
        self._count = self._size = 0
        self._began = 0.0
        self._base = self._last = 0
        self._sequence = 0
        self._full: deque[bytes] = deque(maxlen=WAITING)
        self._before: bytes | None = None
        self._rate = 0.0
        self._round_trip = 0.0
        self._bytes = 0
        self._counted = 0.0

    def arrived(self, payload: bytes, now: float) -> None:
        """A media datagram arrived whose header is sound."""
        name, fragment = feedback.name_of(payload)
        if name is payload:
            return  # its header is cut short
        at = max(int(now / UNIT), self._last)
        begins = name != self._name or fragment != self._next or not self._times
        if self._count and (self._count >= feedback.MOST_NAMED or self._size + len(name) + NAME > feedback.MOST_BYTES):
            self._full.append(self._report())
            begins = True
        if not self._count:
            self._began, self._base, self._last = now, at, at
        if begins:
            self._close()
            self._name, self._first = name, fragment
            self._size += len(name) + NAME
        self._next = fragment + 1
        self._times.append(at - self._last)
        self._last = at
        self._count += 1
        self._size += TIME
        self._bytes += len(payload)

    def follow(self, round_trip: float) -> None:
        """A round trip of the connection took so many seconds."""
        self._round_trip += SMOOTH * (round_trip - self._round_trip)

    @property
    def _interval(self) -> float:
        usual = INTERVAL if self._rate > SLOW else SLOW_INTERVAL
        return max(usual, min(LONGEST_INTERVAL, SHARE * self._round_trip))

    def due(self) -> float | None:
        """When the next report should leave, None while there is nothing to say."""
        if self._full:
            return float("-inf")
        if not self._count:
            return None
        interval = self._interval
        if self._count >= (ENOUGH if interval <= SLOW_INTERVAL else feedback.MOST_NAMED):
            return self._began
        if interval == SLOW_INTERVAL:
            return max(self._began + GATHER, self._counted + interval)
        return self._began + interval

    def take(self, now: float) -> bytes | None:
        """A feedback datagram, which repeats the report before; None while there is nothing to say. After a burst there
        are several."""
        if not self._full and not self._count:
            return None
        encoded = self._full.popleft() if self._full else self._report()
        out = feedback.encode([encoded] if self._before is None else [encoded, self._before])
        self._before = encoded
        elapsed = now - self._counted
        self._rate += (self._bytes / max(elapsed, 1e-3) - self._rate) * min(1.0, max(0.0, elapsed) / AVERAGE)
        self._counted, self._bytes = now, 0
        return out

    def _report(self) -> bytes:
        self._close()
        report = ArrivalReport(self._sequence, self._base, 0, tuple(self._runs))
        self._sequence += 1
        self._runs, self._count, self._size, self._name = [], 0, 0, b""
        return feedback.encode_report(report)

    def _close(self) -> None:
        if self._times:
            self._runs.append(Run(self._name, self._first, tuple(self._times)))
            self._times = []
