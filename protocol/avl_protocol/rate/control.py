"""RateController: what decides how much a hop may send, and what it is told (spec 07-rate).

One controller stands behind each hop of each viewer. It reads no clock and draws no entropy: `now` is seconds of the
caller's monotonic clock. Baselines for comparison implement the same protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

#: One datagram that arrived: (sent, arrived, size). `sent` is our clock, `arrived` the peer's (only differences mean
#: anything), both in seconds; `size` is in bytes with all headers.
Arrival = tuple[float, float, int]


@dataclass(frozen=True, slots=True)
class Probe:
    """A train wanted now: so many packets in a row at `rate` bytes per second."""

    packets: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RateState:
    """What a controller thinks, for people and logs. Rates in bit/s, times in seconds."""

    state: str
    reason: str
    target: float
    capacity: float
    delivered: float
    pacing: float
    queue_delay: float
    loss: float
    parity: float

    def figures(self, skipped: int) -> tuple[int, ...]:
        """As it travels: target, capacity, delivered and pacing in bit/s, queue in us, loss and parity in parts per
        million, pictures skipped."""
        rates = (self.target, self.capacity, self.delivered, self.pacing)
        shares = (self.queue_delay, self.loss, self.parity)
        return (*(round(rate) for rate in rates), *(max(0, round(1e6 * share)) for share in shares), skipped)


def readable(state: str, reason: str, figures: tuple[int, ...]) -> dict[str, str | float]:
    """What travelled, for people: rates in bit/s, the queue in ms, loss and parity as shares."""
    names = ("target_bps", "capacity_bps", "delivered_bps", "pacing_bps", "queue_ms", "loss", "parity", "skipped")
    scales = (1, 1, 1, 1, 1e-3, 1e-6, 1e-6, 1)
    told = {
        name: value if scale == 1 else round(value * scale, 4)
        for name, value, scale in zip(names, figures, scales, strict=False)
    }
    return {"state": state, "reason": reason, **told}


class RateController(Protocol):
    """A hop's controller. Times are seconds, sizes bytes."""

    @property
    def congestion_window(self) -> int:
        """Bytes that may be in flight."""

    @property
    def bulk_window(self) -> int:
        """Bytes in flight up to which bulk streams may add: they get what media leaves, and make no queue."""

    @property
    def pacing_rate(self) -> float | None:
        """Bytes per second at which packets leave; None for no pacing."""

    @property
    def sustained_rate(self) -> float | None:
        """Bytes per second at which packets that leave for long make hardly any queue; None while that is unknown."""

    @property
    def target_bitrate(self) -> float | None:
        """Bits per second that media may use now, parity and headers included; None while unknown."""

    @property
    def loss(self) -> float:
        """Share of datagrams lost lately."""

    def on_sent(self, now: float, size: int, in_flight: int) -> None:
        """A packet of `size` bytes left and `in_flight` bytes are now unacknowledged."""

    def on_acked(self, now: float, size: int, sent: float) -> None:
        """The transport acknowledged a packet that left at `sent`; `on_rtt` follows after the last of several."""

    def on_elsewhere(self, rate: float) -> None:
        """Streams were delivered at `rate` bytes per second lately: it is part of what the path carries."""

    def on_lost(self, now: float, packets: int) -> None:
        """The transport declared packets lost."""

    def on_persistent_congestion(self) -> None:
        """Nothing was acknowledged for long (RFC 9002, section 7.6)."""

    def on_rtt(self, now: float, rtt: float) -> None:
        """A raw round-trip sample."""

    def on_feedback(self, now: float, arrivals: Sequence[Arrival], lost: Sequence[tuple[float, int]]) -> None:
        """A report came: datagrams that arrived, in order of arrival, and (sent, size) of those now known lost."""

    def hold(self, now: float, backlog: int, unanswered: int, oldest: float | None) -> bool:
        """Whether the next picture should not be taken yet.

        `backlog`: media bytes not yet sent; `unanswered`: bytes sent of which nothing is known; `oldest`: when the
        oldest of these left.
        """

    def parity(self, fragments: int) -> int:
        """Parity fragments to send with an object of so many."""

    def probe(self, now: float) -> Probe | None:
        """A train to send now beside the media; asked when the media queue is empty. Each is told once."""

    def state(self, now: float) -> RateState:
        """What it thinks and why it last moved."""
