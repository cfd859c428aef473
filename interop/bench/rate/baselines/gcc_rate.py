"""The delay-based rate control of Google Congestion Control: additive and multiplicative increase, decrease by 0.85.

draft-ietf-rmcat-gcc-02, section 5.5, with what libwebrtc's AIMD control made of it: the capacity estimate is fed only
on over-use, the additive step is per second, and the rate is halved while nothing was acknowledged yet.

Simplified against libwebrtc: no network-state estimate bounds the rate, and no field trial is on.
"""

from __future__ import annotations

import math

from interop.bench.rate.baselines.base import UNKNOWN_RTT, clamped
from interop.bench.rate.baselines.gcc_delay import Usage

#: What is left of the acknowledged bitrate on over-use (beta of section 5.5).
DECREASE = 0.85
#: Growth in a second far from the known capacity (eta of section 5.5), and its least step in bit/s.
INCREASE = 1.08
LEAST_STEP = 1000.0
#: The rate does not outgrow this share of what is acknowledged, and a little more for very low rates, in bit/s.
ACKED_SHARE, ACKED_SLACK = 1.5, 10_000.0
#: The detector's own delay, added to the round trip in a response time, in seconds.
DETECTION_TIME = 0.1
LEAST_ADDITIVE = 4000.0
FRAME_INTERVAL = 1 / 30
#: Bounds between which the round trip is the least time between two decreases, in seconds.
LEAST_PAUSE, MOST_PAUSE = 0.01, 0.2
#: Weight of a new sample in the capacity estimate, and bounds of its normalised variance (in kbit/s).
CAPACITY_WEIGHT = 0.05
LEAST_VARIANCE, MOST_VARIANCE = 0.4, 2.5


class CapacityEstimate:
    """Average of the acknowledged bitrate at over-use, with its spread; rates in bit/s (section 5.5, avg_max)."""

    def __init__(self) -> None:
        self.value: float | None = None
        self._variance = LEAST_VARIANCE

    @property
    def spread(self) -> float:
        """Three standard deviations."""
        assert self.value is not None
        return 3000 * math.sqrt(self._variance * self.value / 1000)

    def add(self, acked: float) -> None:
        """Over-use was detected while `acked` got through."""
        self.value = acked if self.value is None else self.value + CAPACITY_WEIGHT * (acked - self.value)
        error = (self.value - acked) / 1000
        sample = error * error / max(self.value / 1000, 1.0)
        self._variance = clamped(
            self._variance + CAPACITY_WEIGHT * (sample - self._variance), LEAST_VARIANCE, MOST_VARIANCE
        )

    def forget_beyond(self, acked: float, above: bool) -> None:
        """Drop the estimate when `acked` lies beyond its spread, `above` it or below."""
        if self.value is not None and (acked - self.value if above else self.value - acked) > self.spread:
            self.value = None


class AimdRateControl:
    """The states increase, decrease and hold of section 5.5; rates in bit/s, times in seconds."""

    def __init__(self, rmin: float, rstart: float, packet_size: int) -> None:
        self.rate = rstart
        self.state = "hold"
        self.rtt = UNKNOWN_RTT
        self.capacity = CapacityEstimate()
        self._rmin = rmin
        self._packet_bits = 8 * packet_size
        self._acked = rstart
        self._changed_at: float | None = None

    def may_decrease(self, now: float, acked: float | None) -> bool:
        """Whether the last change had a round trip to show, or the acknowledged rate is below half of ours."""
        if self._changed_at is None or now - self._changed_at >= clamped(self.rtt, LEAST_PAUSE, MOST_PAUSE):
            return True
        return acked is not None and acked < self.rate / 2

    def set_rate(self, now: float, rate: float) -> None:
        """A probe measured this, or nothing is known but that it must be less."""
        self.rate = max(rate, self._rmin)
        self._changed_at = now

    def update(self, now: float, usage: Usage, acked: float | None) -> float:
        """One step of the state machine with the acknowledged bitrate, and the rate after it."""
        if acked is not None:
            self._acked = acked
        if usage is Usage.OVERUSE:
            self._decrease(now)
        elif usage is Usage.UNDERUSE:
            self.state = "hold"
        else:
            if self.state == "hold":
                self._changed_at = now
            self.state = "increase"
            self._increase(now)
        return self.rate

    def additive_step(self) -> float:
        """Growth near the capacity in bit/s per second: one packet per response time of 2 * (rtt + 100 ms)."""
        frame = self.rate * FRAME_INTERVAL
        packet = frame / math.ceil(frame / self._packet_bits)
        return max(LEAST_ADDITIVE, packet / (2 * (self.rtt + DETECTION_TIME)))

    def _increase(self, now: float) -> None:
        self.capacity.forget_beyond(self._acked, above=True)
        elapsed = 0.0 if self._changed_at is None else now - self._changed_at
        most = ACKED_SHARE * self._acked + ACKED_SLACK
        if self.rate < most:
            if self.capacity.value is not None:
                grown = self.rate + self.additive_step() * elapsed
            else:
                grown = self.rate + max(self.rate * (INCREASE ** min(elapsed, 1.0) - 1), LEAST_STEP)
            self.rate = max(self._rmin, min(grown, most))
        self._changed_at = now

    def _decrease(self, now: float) -> None:
        decreased = DECREASE * self._acked
        if decreased > self.rate and self.capacity.value is not None:
            decreased = DECREASE * self.capacity.value
        self.rate = max(self._rmin, min(self.rate, decreased))
        self.capacity.forget_beyond(self._acked, above=False)
        self.capacity.add(self._acked)
        self._changed_at = now
        # Stay until the queue has drained.
        self.state = "hold"
