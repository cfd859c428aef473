"""Capacity: what the path carries, from what was delivered and how trains came out (spec 10.2)."""

from __future__ import annotations

from collections import deque

from avl_protocol.rate.trains import Trains

#: Seconds over which delivery is measured, and without an arrival after which it is measured anew.
DELIVERY, STALL = 0.1, 0.15
#: Seconds over which what was sent is measured, and of one bin of it.
SENDING, BIN = 0.5, 0.02
#: Least bytes, and seconds of the rate, over which trains tell a capacity, and seconds for which they do.
ENOUGH, ENOUGH_TIME, LASTS = 24000.0, 0.06, 0.3
#: Seconds of noise from which on a train's length says less than its neighbours', who must say so much more.
SCATTER, BETTER = 0.0025, 1.2
#: Share of what was sent that must arrive for that: else the path has become slow.
FOLLOWS = 0.85


class Capacity:
    """Estimates of one hop in bytes per second."""

    def __init__(self) -> None:
        self._reports: deque[tuple[float, int]] = deque()
        self._bins: deque[tuple[float, int]] = deque()
        #: Bytes in all bins.
        self._sent = 0
        #: What trains came out at, None while too few tell; whether they came out slower than they went in.
        self.value: float | None = None
        self.stretched = False
        #: Whether delays scatter so much that single trains say little.
        self.scattered = False
        self.delivered: float | None = None
        #: Bytes per second that the transport delivered outside of media.
        self.elsewhere = 0.0

    def sent(self, now: float, size: int) -> None:
        """A packet left."""
        bins = self._bins
        if bins and now - bins[-1][0] < BIN:
            began, before = bins.pop()
            bins.append((began, before + size))
        else:
            bins.append((now, size))
        self._sent += size
        self._drop_older(now)

    def sent_rate(self, now: float) -> float:
        """Bits per second sent during the last half second."""
        self._drop_older(now)
        return 8 / SENDING * self._sent

    def _drop_older(self, now: float) -> None:
        bins = self._bins
        while bins and bins[0][0] <= now - SENDING:
            self._sent -= bins.popleft()[1]

    def update(self, now: float, arrived: float, size: int, trains: Trains, rate: float, noise: float) -> None:
        """So many bytes arrived by `arrived`, on the peer's clock. `rate` is the target in bit/s, `noise` that of the
        delays in seconds."""
        reports = self._reports
        if reports and arrived - reports[-1][0] > STALL:
            reports.clear()  # what the path held back says nothing of what it carries
        reports.append((arrived, size))
        while len(reports) > 2 and reports[1][0] < arrived - DELIVERY:
            reports.popleft()
        span = arrived - reports[0][0]
        if span > 0.03:
            self.delivered = (sum(size for _, size in reports) - reports[0][1]) / span + self.elsewhere
        wide = 1.0 + 200 * noise
        found = trains.dispersion(max(ENOUGH, ENOUGH_TIME * rate / 8) * wide, arrived - LASTS * wide)
        if found is None:
            self.value, self.stretched = None, False
            return
        self.value, self.stretched = found
        better = trains.better(arrived - LASTS) if noise > SCATTER else None
        self.scattered = (
            better is not None
            and better > BETTER * self.value
            and 8 * (self.delivered or 0.0) > FOLLOWS * self.sent_rate(now)
        )
        if self.scattered and better is not None:
            self.value = better
