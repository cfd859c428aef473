"""The loss-based control and the acknowledged-bitrate estimate of Google Congestion Control.

draft-ietf-rmcat-gcc-02, section 6: below 2 % loss the rate grows, above 10 % it falls by half the loss share, between
them it stays. The draft acts once a receiver report (about a second) and grows by 5 %; here it is libwebrtc's cadence:
8 % over the least rate of the last second, and a decrease at most every 300 ms and a round trip.

Simplified against libwebrtc: this is its first loss controller, not its maximum-likelihood one ("v2"); the
acknowledged bitrate is a plain sliding window without the Bayesian smoothing, with the longest gap in it replaced by
the second longest (as its robust estimator does), so that a pause does not look like a slow path.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from avl_protocol.rate.control import Arrival
from interop.bench.rate.baselines.base import clamped

LOW_LOSS, HIGH_LOSS = 0.02, 0.1
INCREASE, LEAST_STEP = 1.08, 1000.0
#: The rate grows from the least of so many seconds.
INCREASE_TIME = 1.0
DECREASE_TIME = 0.3
#: Packets that a loss share must rest on.
LEAST_PACKETS = 20
#: So long after the first report, and without loss, the delay-based rate is believed at once: probes at the start.
START_TIME = 2.0

ACKED_WINDOW = 0.5
#: What an acknowledged bitrate must rest on: packets, and seconds between the first and the last.
ACKED_PACKETS, ACKED_SPAN = 10, 0.15


class LossBasedControl:
    """Rate in bit/s, bounded by the delay-based one; `loss` is the last share of packets lost."""

    def __init__(self, rmin: float, rstart: float, rmax: float) -> None:
        self.rate = rstart
        self.loss = 0.0
        self._rmin, self._rmax = rmin, rmax
        self._lost = self._expected = 0
        self._first_report: float | None = None
        self._known = False
        self._decreased_at = -math.inf
        self._may_decrease = False
        self._least: deque[tuple[float, float]] = deque()

    def set_rate(self, rate: float) -> None:
        """A probe measured this: begin again from there."""
        self.rate = clamped(rate, self._rmin, self._rmax)
        self._least.clear()

    def on_report(self, now: float, lost: int, arrived: int) -> None:
        """Count the packets of a report."""
        if self._first_report is None:
            self._first_report = now
        self._lost += lost
        self._expected += lost + arrived
        if self._expected >= LEAST_PACKETS:
            self.loss = self._lost / self._expected
            self._lost = self._expected = 0
            self._known = self._may_decrease = True

    def update(self, now: float, delay_based: float, rtt: float) -> float:
        """The rate after a report, not above `delay_based` (bit/s)."""
        starting = self._first_report is not None and now - self._first_report < START_TIME
        if starting and self.loss == 0 and delay_based > self.rate:
            self.set_rate(delay_based)
        self._remember(now)
        rate = self.rate
        if self._known and self.loss <= LOW_LOSS:
            rate = max(rate, self._least[0][1] * INCREASE + LEAST_STEP)
        elif self.loss > HIGH_LOSS and self._may_decrease and now - self._decreased_at >= DECREASE_TIME + rtt:
            rate *= 1 - self.loss / 2
            self._decreased_at, self._may_decrease = now, False
        self.rate = clamped(min(rate, delay_based), self._rmin, self._rmax)
        return self.rate

    def _remember(self, now: float) -> None:
        while self._least and now - self._least[0][0] >= INCREASE_TIME:
            self._least.popleft()
        while self._least and self._least[-1][1] >= self.rate:
            self._least.pop()
        self._least.append((now, self.rate))


class AcknowledgedBitrate:
    """Bit/s that arrived over the last ACKED_WINDOW seconds of the peer's clock; None before enough did."""

    def __init__(self) -> None:
        self.value: float | None = None
        self._window: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def add(self, arrivals: Sequence[Arrival]) -> None:
        """Take a report's arrivals, in order."""
        window = self._window
        for _, arrived, size in arrivals:
            window.append((arrived, size))
            self._bytes += size
        while window and window[0][0] < window[-1][0] - ACKED_WINDOW:
            self._bytes -= window.popleft()[1]
        if len(window) < ACKED_PACKETS:
            return
        longest = second = 0.0
        before = window[0][0]
        for arrived, _ in window:
            gap = arrived - before
            before = arrived
            if gap > longest:
                longest, second = gap, longest
            elif gap > second:
                second = gap
        span = window[-1][0] - window[0][0] - longest + second
        if span >= ACKED_SPAN:
            # The first packet's bytes came before the span begins.
            self.value = 8 * (self._bytes - window[0][1]) / span
