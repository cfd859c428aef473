"""Figures: how a session is carried now, as its relay sees it: the hop to its viewer, the hop to its host, and what its
host lets it open. What the two ends exchange directly no relay sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one moment. `way`, `host_way`: what the two connections are (neighbours.py), "" where that is not known, as of
    a host that is registered at another process. Round trips and `queue_ms` in milliseconds, None before the first
    sample; rates in bit/s; `loss`: the share of datagrams lost; `skipped`: objects not sent so far; `channels`: numbers
    of those that its host lets it open (registry)."""

    way: str
    host_way: str
    rtt_ms: float | None
    host_rtt_ms: float | None
    target_bps: int
    delivered_bps: int
    queue_ms: float
    loss: float
    skipped: int
    channels: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
