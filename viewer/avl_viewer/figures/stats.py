"""Figures of a running session: what `avl stats`, the overlay and the tests read.

Windows slide over the last seconds, so that the figures say how it is now.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from avl_protocol.session.media.receiver import ReceivedFrame
from avl_protocol.session.snapshot import Snapshot

#: Seconds of the sliding windows.
WINDOW = 10.0
#: Seconds over which fps and bitrate are taken.
SHORT = 1.0
#: Frames under way, samples kept, and inputs waiting for their picture.
KEPT = 1024


@dataclass(slots=True, kw_only=True)
class _Underway:
    """A frame between arrival and the screen; times are ours."""

    captured: float
    echo: float
    first: float
    received: float
    decoded: float | None = None


def quantiles(values: list[float]) -> dict[str, float | None]:
    """p50 and p95 in milliseconds, rounded to 0.1; None without values. Values in seconds."""
    if not values:
        return {"p50": None, "p95": None}
    ordered = sorted(values)
    pick = [ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.5, 0.95)]
    return {"p50": round(pick[0] * 1000, 1), "p95": round(pick[1] * 1000, 1)}


class Stats:
    """Collects what happens to frames and inputs. Times are seconds of our clock unless said otherwise."""

    def __init__(self) -> None:
        self._underway: dict[int, _Underway] = {}
        self._presented: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._stages: dict[str, deque[tuple[float, float]]] = {}
        self._received: deque[tuple[float, int]] = deque(maxlen=4 * KEPT)
        self._sent: dict[int, float] = {}
        self._applied: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._photon: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def frame_received(self, frame: ReceivedFrame, captured: float) -> None:
        """A frame is whole; `captured` is its capture in our clock."""
        self._received.append((frame.last, frame.size))
        self._underway[frame.number] = _Underway(
            captured=captured, echo=frame.preamble.input_echo_us / 1e6, first=frame.first, received=frame.last
        )
        if len(self._underway) > KEPT:
            del self._underway[min(self._underway)]

    def frame_decoded(self, number: int, seconds: float, at: float) -> None:
        """The decoder took `seconds` and was done `at`."""
        if (frame := self._underway.get(number)) is not None:
            frame.decoded = at
            self.stage("decode", seconds, at)

    def frame_presented(self, number: int, at: float) -> float | None:
        """A frame is on the screen; its capture-to-screen time. Older ones will never be."""
        frame = self._underway.get(number)
        for old in [n for n in self._underway if n <= number]:
            del self._underway[old]
        if frame is None:
            return None
        age = at - frame.captured
        self._presented.append((at, age))
        if frame.decoded is not None:
            self.stage("present", at - frame.decoded, at)
        self.stage("receive", frame.received - frame.first, at)
        self.stage("network", frame.received - frame.captured, at)
        while self._applied and self._applied[0][0] <= frame.echo:
            self._photon.append((at, at - self._applied.popleft()[1]))
        return age

    def stage(self, name: str, seconds: float, at: float) -> None:
        """A stage of the pipeline took this long."""
        self._stages.setdefault(name, deque(maxlen=KEPT)).append((at, seconds))

    def input_sent(self, sequence: int, at: float) -> None:
        """An input batch left."""
        self._sent[sequence] = at
        if len(self._sent) > KEPT:
            del self._sent[min(self._sent)]

    def input_applied(self, sequence: int, host_time: float) -> None:
        """Batches up to `sequence` were applied at `host_time` (host's clock)."""
        for number in [n for n in self._sent if n <= sequence]:
            sent = self._sent.pop(number)
            if number == sequence:
                self._applied.append((host_time, sent))

    def snapshot(self) -> Snapshot:
        """What is kept, by number; samples of each stage in a part of their own."""
        stages = Snapshot("stages", {name: len(samples) for name, samples in self._stages.items()})
        return Snapshot("figures", {"frames underway": len(self._underway), "inputs sent": len(self._sent)}, (stages,))

    def report(
        self, now: float, path: str, rtt: float | None, lost: int, received: int, extra: dict[str, Any]
    ) -> dict[str, Any]:
        """The stats object. `rtt` in seconds; `lost` and `received` count objects."""
        recent = [age for at, age in self._presented if now - at <= WINDOW]
        frames = sum(1 for at, _ in self._presented if now - at <= SHORT)
        stages = {}
        for name, samples in self._stages.items():
            values = [seconds for at, seconds in samples if now - at <= WINDOW]
            if values:
                stages[name] = quantiles(values)
        return {
            "path": path,
            "rtt_ms": None if rtt is None else round(rtt * 1000, 2),
            "fps": round(frames / SHORT, 1),
            "bitrate_bps": round(8 * sum(size for at, size in self._received if now - at <= SHORT) / SHORT),
            "loss": round(lost / (lost + received), 4) if lost + received else 0.0,
            "input_to_photon_ms": quantiles([v for at, v in self._photon if now - at <= WINDOW]),
            "glass_to_glass_ms": quantiles(recent),
            "stages_ms": {name: value["p50"] for name, value in stages.items()},
            "stages_p95_ms": {name: value["p95"] for name, value in stages.items()},
            **extra,
        }
