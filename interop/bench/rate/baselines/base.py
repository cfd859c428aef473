"""Baseline: what all controllers compared against share, so that they differ in their algorithm alone.

The rule for leaving out pictures is one for all: none is taken while more than HOLD seconds of sending wait. None of
them adds parity. Where an algorithm is driven by rate alone, its window only keeps a dead path from being flooded.
"""

from __future__ import annotations

from collections.abc import Sequence

from avl_protocol.rate.control import Arrival, Probe, RateState

#: Seconds of sending that may wait before the next picture is left out.
HOLD = 0.08
#: A rate-driven algorithm's window: so many times what its target sends in a round trip and WINDOW_SLACK.
WINDOW_SHARE = 2.5
WINDOW_SLACK = 0.5
#: What a round trip is taken for before one was measured (libwebrtc's choice too), in seconds.
UNKNOWN_RTT = 0.2
#: Weight of a report in the share of datagrams lost.
LOSS_WEIGHT = 0.05


def clamped(value: float, least: float, most: float) -> float:
    """`value`, but not below `least` nor above `most`."""
    return max(least, min(value, most))


def next_due(due: float, now: float, interval: float) -> float:
    """When to act next: on the grid of `interval`, so that reports that come a little late do not stretch it."""
    return due + interval if due + interval > now else now + interval


class Baseline:
    """The part of a RateController (avl_protocol.rate.control) that is alike in all baselines.

    `rmin`, `rstart`, `rmax` are bit/s, `packet_size` is bytes. The smoothed round trip is that of RFC 9002,
    section 5.3, without the correction for a peer's delay.
    """

    def __init__(self, rmin: float, rstart: float, rmax: float, packet_size: int) -> None:
        if not 0 < rmin <= rstart <= rmax:
            raise ValueError("rates must satisfy 0 < rmin <= rstart <= rmax")
        self.rmin, self.rstart, self.rmax, self.packet_size = rmin, rstart, rmax, packet_size
        self.smoothed_rtt: float | None = None
        self._loss_share = 0.0
        self._transport_times = False

    @property
    def target_bitrate(self) -> float | None:
        """Bits per second that media may use."""
        return self.rstart

    @property
    def pacing_rate(self) -> float | None:
        """Bytes per second at which packets leave."""
        return None if self.target_bitrate is None else self.target_bitrate / 8

    @property
    def sustained_rate(self) -> float | None:
        """Nothing of its own."""
        return None

    @property
    def congestion_window(self) -> int:
        """Bytes that may be in flight; wide, because the rate is what limits."""
        target = self.rstart if self.target_bitrate is None else self.target_bitrate
        rtt = UNKNOWN_RTT if self.smoothed_rtt is None else self.smoothed_rtt
        return int(WINDOW_SHARE * target / 8 * (rtt + WINDOW_SLACK))

    @property
    def loss(self) -> float:
        """Share of datagrams lost, averaged over the last reports."""
        return self._loss_share

    @property
    def bulk_window(self) -> int:
        """The same window: none of them knows of bulk."""
        return self.congestion_window

    def on_sent(self, now: float, size: int, in_flight: int) -> None:
        """Algorithms that judge by reports alone do not look at what leaves."""

    def on_acked(self, now: float, size: int, sent: float) -> None:
        """Algorithms that judge by reports do not look at the transport's acknowledgements."""

    def on_elsewhere(self, rate: float) -> None:
        """None of them knows of streams."""

    def on_lost(self, now: float, packets: int) -> None:
        """Algorithms that judge by reports learn of losses there."""

    def on_persistent_congestion(self) -> None:
        """Neither GCC nor NADA says what to do about a transport that gave up; their reports tell them enough."""

    def on_rtt(self, now: float, rtt: float) -> None:
        """A round-trip sample of the transport; from then on none is taken from reports."""
        self._transport_times = True
        self.take_rtt(now, rtt)

    def take_rtt(self, now: float, rtt: float) -> None:
        """Smooth a round-trip sample, whoever took it."""
        self.smoothed_rtt = rtt if self.smoothed_rtt is None else self.smoothed_rtt + (rtt - self.smoothed_rtt) / 8

    def on_feedback(self, now: float, arrivals: Sequence[Arrival], lost: Sequence[tuple[float, int]]) -> None:
        """Count the loss; take a round trip where the transport takes none (as GCC does: the report's wait is in)."""
        if arrivals and not self._transport_times:
            self.take_rtt(now, now - max(sent for sent, _, _ in arrivals))
        if arrivals or lost:
            self._loss_share += LOSS_WEIGHT * (len(lost) / (len(lost) + len(arrivals)) - self._loss_share)

    def hold(self, now: float, backlog: int, unanswered: int, oldest: float | None) -> bool:
        """Whether more than HOLD seconds of pacing wait (of the target where nothing is paced)."""
        rate = self.pacing_rate if self.pacing_rate is not None else (self.target_bitrate or self.rstart) / 8
        return backlog > HOLD * rate

    def parity(self, fragments: int) -> int:
        """None: what is compared is the algorithm as published."""
        return 0

    def probe(self, now: float) -> Probe | None:
        """None, where the algorithm knows no trains."""
        return None

    def state(self, now: float) -> RateState:
        """The figures that every baseline has; the others are 0."""
        target = self.target_bitrate or 0.0
        pacing = 8 * (self.pacing_rate or 0.0)
        return RateState(
            state="steady",
            reason="as configured",
            target=target,
            capacity=0.0,
            delivered=0.0,
            pacing=pacing,
            queue_delay=0.0,
            loss=self.loss,
            parity=0.0,
        )
