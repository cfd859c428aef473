"""RateSettings: the bounds within which a controller works."""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.rate.pacer import BURST


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSettings:
    """Rates in bit/s, size in bytes, interval in seconds.

    `start`: before anything is known; `report_interval`: how often the peer answers; `burst`: seconds of sending that
    leave at once.
    """

    least: float = 200_000.0
    start: float = 4_000_000.0
    most: float = 100_000_000.0
    packet_size: int = 1200
    report_interval: float = 0.012
    burst: float = BURST
