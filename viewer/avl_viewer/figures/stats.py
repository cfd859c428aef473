"""Figures of a running session: what `avl stats`, the overlay and the tests read.

Windows slide over the last seconds, so that the figures say how it is now.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from avl_protocol.session.snapshot import Snapshot

#: Seconds of the sliding windows.
WINDOW = 10.0
#: Seconds over which fps and bitrate are taken.
SHORT = 1.0
#: An input whose next picture comes later than this many seconds changed nothing that could be seen.
ANSWER = 1.0
#: Frames under way, samples kept, and inputs waiting for their picture.
KEPT = 1024


@dataclass(frozen=True, slots=True)
class Arrival:
    """An object that is whole: bytes, the time of its capture in our clock, the newest input that it shows, in the
    host's, and when its first and last fragment arrived."""

    track: int
    number: int
    size: int
    captured: float
    echo: float
    first: float
    last: float


@dataclass(slots=True)
class _Underway:
    """An object between arrival and the screen, and when it was decoded."""

    arrival: Arrival
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
        self._underway: dict[tuple[int, int], _Underway] = {}
        self._presented: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._stages: dict[str, deque[tuple[float, float]]] = {}
        self._received: deque[tuple[float, int]] = deque(maxlen=4 * KEPT)
        self._sent: dict[int, float] = {}
        self._applied: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._photon: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def received(self, arrival: Arrival) -> None:
        """An object is whole."""
        self._received.append((arrival.last, arrival.size))
        self._underway[arrival.track, arrival.number] = _Underway(arrival)
        if len(self._underway) > KEPT:
            del self._underway[next(iter(self._underway))]

    def decoded(self, track: int, number: int, seconds: float, at: float) -> float | None:
        """It was decoded within `seconds`, `at`; when it was captured, if that is known."""
        if (one := self._underway.get((track, number))) is None:
            return None
        one.decoded = at
        self.stage("decode", seconds, at)
        return one.arrival.captured

    def presented(self, track: int, number: int, at: float) -> float | None:
        """It is on the screen; its capture-to-screen time. Older ones of its track will never be."""
        one = self._underway.get((track, number))
        for old in [key for key in self._underway if key[0] == track and key[1] <= number]:
            del self._underway[old]
        if one is None:
            return None
        arrival = one.arrival
        age = at - arrival.captured
        self._presented.append((at, age))
        if one.decoded is not None:
            self.stage("present", at - one.decoded, at)
        self.stage("receive", arrival.last - arrival.first, at)
        self.stage("network", arrival.last - arrival.captured, at)
        while self._applied and self._applied[0][0] <= arrival.echo:
            sent = self._applied.popleft()[1]
            if at - sent <= ANSWER:
                self._photon.append((at, at - sent))
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
