"""FixedRate: a rate controller that never changes its mind, for tests of what stands around it."""

from __future__ import annotations

from collections.abc import Sequence

from avl_protocol.rate.control import Arrival, Probe, RateState


class FixedRate:
    """`rate` in bytes per second, `window` in bytes."""

    loss = 0.0

    def __init__(self, rate: float, window: int = 4_000_000) -> None:
        self.pacing_rate: float | None = rate
        self.sustained_rate: float | None = None
        self.congestion_window = self.bulk_window = window
        self.target_bitrate: float | None = rate * 8
        self.heard: list[tuple[int, int]] = []

    def on_sent(self, now: float, size: int, in_flight: int) -> None: ...
    def on_acked(self, now: float, size: int, sent: float) -> None: ...
    def on_elsewhere(self, rate: float) -> None: ...
    def on_lost(self, now: float, packets: int) -> None: ...
    def on_persistent_congestion(self) -> None: ...
    def on_rtt(self, now: float, rtt: float) -> None: ...

    def on_feedback(self, now: float, arrivals: Sequence[Arrival], lost: Sequence[tuple[float, int]]) -> None:
        self.heard.append((len(arrivals), len(lost)))

    def hold(self, now: float, backlog: int, unanswered: int, oldest: float | None) -> bool:
        return backlog > 0

    def parity(self, fragments: int) -> int:
        return 0

    def probe(self, now: float) -> Probe | None:
        return None

    def state(self, now: float) -> RateState:
        return RateState(
            state="fixed",
            reason="for a test",
            target=self.target_bitrate or 0.0,
            capacity=0.0,
            delivered=0.0,
            pacing=0.0,
            queue_delay=0.0,
            loss=0.0,
            parity=0.0,
        )
