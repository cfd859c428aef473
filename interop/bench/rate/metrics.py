"""Figures: what a run's logs amount to, computed after it.

Definitions follow RFC 8868 where it has them. All times are seconds, all rates bit/s, shares 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from interop.bench.rate.link import Link, Passage
from interop.bench.rate.log import FlowLog
from interop.bench.rate.spec import Case, FlowSpec, Spans

Array = npt.NDArray[np.float64]

#: A gap between two displayed frames is a freeze from here on.
FREEZE = 0.150
#: A queue is gone below this much delay, for so long.
CALM, CALM_FOR = 0.050, 0.500
#: A ramp is over at this share of the new capacity, as a mean over so long.
RAMP, RAMP_MEAN = 0.80, 0.500
#: Frame delay beyond propagation that costs nothing, and the scale of what the rest costs.
FREE, SCALE = 0.035, 0.150
#: How much a share of time frozen costs.
FREEZE_COST = 8.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run came to.

    util: displayed media bytes per byte of capacity while sources were active, capacity cut at what the flows may ask
    for, and against long TCP flows at the fair share. queue: p50, p95, p99 of the queue delay of media packets; peak:
    its largest, after the first drop where there is one. frame: p50, p95, p99 of capture to displayable, each of the
    worst flow; excess: the largest p95 beyond propagation. freeze: sum of gaps above FREEZE between displayed frames
    while there was something to show, and freeze_share of the active time, of the worst flow. fps: the mean over flows.
    recovery, ramp: for each drop and rise, infinity where it never came before the next change. fresh: from the return
    of the link to the first frame captured after it. wake: the largest frame delay in the half second after a still
    screen. scene: p95 of frames with a scene change. resume: from the end of a pause to 80 % of a fair share. overhead:
    bytes sent per byte of media, by kind. short: mean completion of short TCP flows with media over that without.
    """

    util: float
    queue: tuple[float, float, float]
    peak: float
    frame: tuple[float, float, float]
    excess: float
    freeze: float
    freeze_share: float
    fps: float
    loss: float
    skipped: int
    overhead: dict[str, float] = field(default_factory=dict)
    recovery: tuple[float, ...] = ()
    ramp: tuple[float, ...] = ()
    fresh: tuple[float, ...] = ()
    wake: float | None = None
    scene: float | None = None
    resume: float | None = None
    jain: float | None = None
    share: float | None = None
    short: float | None = None
    score: float = 0.0


def score(util: float, excess: float, freeze_share: float, jain: float | None) -> float:
    """0 to 100: use of the link, less for late frames, much less for freezes, and for unfairness where it is tested.

    `excess` is the frame delay's p95 beyond propagation, in seconds. Read it with the raw figures: it punishes hard.
    """
    late = math.exp(-max(0.0, excess - FREE) / SCALE)
    return 100 * min(1.0, util) * late * max(0.0, 1 - FREEZE_COST * freeze_share) * (1.0 if jain is None else jain)


def jain(rates: Sequence[float]) -> float:
    """Jain's index of fairness: 1 for equal rates, 1/n for one flow that has everything."""
    squares = sum(rate * rate for rate in rates)
    return sum(rates) ** 2 / (len(rates) * squares) if squares else 0.0


def active_spans(flow: FlowSpec, duration: float) -> Spans:
    """When the flow has something to show: between start and stop, less pauses and still screens."""
    spans: list[tuple[float, float]] = []
    now, end = flow.start, min(flow.stop, duration)
    for start, stop in sorted([*flow.pauses, *flow.profile.idle]):
        if start > now:
            spans.append((now, min(start, end)))
        now = max(now, stop)
    if now < end:
        spans.append((now, end))
    return tuple((a, b) for a, b in spans if a < b)


def within(times: Array, spans: Spans) -> npt.NDArray[np.bool_]:
    """Which of `times` lie in one of `spans`."""
    inside = np.zeros(len(times), dtype=bool)
    for start, stop in spans:
        inside |= (times >= start) & (times < stop)
    return inside


class Frames:
    """A flow's frames as arrays: those displayed, in order, with when they were captured and their size."""

    def __init__(self, log: FlowLog) -> None:
        numbers = np.asarray(log.capture_number)
        places = np.searchsorted(numbers, np.asarray(log.show_number))
        self.captured: Array = np.asarray(log.capture_time)[places]
        self.size: Array = np.asarray(log.capture_size)[places].astype(np.float64)
        self.shown: Array = np.asarray(log.show_time)
        self.delay: Array = self.shown - self.captured

    def goodput(self, start: float, stop: float) -> float:
        """Displayed bits from `start` to `stop`."""
        return 8 * float(self.size[(self.shown >= start) & (self.shown < stop)].sum())


def frozen(shown: Array, spans: Spans) -> float:
    """Seconds of gaps above FREEZE in the display of what could be seen to move during `spans`, whose ends count as
    displayed frames."""
    total = 0.0
    for start, stop in spans:
        points = np.concatenate(([start], shown[(shown > start) & (shown < stop)], [stop]))
        gaps = np.diff(points)
        total += float(gaps[gaps > FREEZE].sum())
    return total


def recovery(passages: Sequence[Passage], drop: float, until: float) -> float:
    """Seconds from `drop` to the first moment from which a packet would wait less than CALM for CALM_FOR.

    A packet that waits makes the queue too long from its entry until CALM before it leaves, so that a sender which
    falls silent does not hide the queue it made.
    """
    entered = np.concatenate([np.asarray(passage.entered) for passage in passages])
    left = np.concatenate([np.asarray(passage.left) for passage in passages])
    waited = np.concatenate([np.asarray(passage.waited) for passage in passages])
    bad = (waited >= CALM) & (left - CALM > drop) & (entered < until)
    order = np.argsort(entered[bad])
    calm = drop
    for start, stop in zip(entered[bad][order], left[bad][order] - CALM, strict=True):
        if start - calm >= CALM_FOR:
            break
        calm = max(calm, float(stop))
    return float(calm - drop) if calm + CALM_FOR <= until else math.inf


def ramp(flows: Sequence[Frames], rise: float, until: float, wanted: float) -> float:
    """Seconds from `rise` until the displayed bitrate, as a mean over RAMP_MEAN, is RAMP of `wanted` bit/s."""
    shown = np.concatenate([frames.shown for frames in flows])
    order = np.argsort(shown)
    shown = shown[order]
    bits = np.concatenate(([0.0], 8 * np.cumsum(np.concatenate([frames.size for frames in flows])[order])))
    times = np.arange(rise + RAMP_MEAN, until, 0.02)
    means = bits[np.searchsorted(shown, times)] - bits[np.searchsorted(shown, times - RAMP_MEAN)]
    reached = np.flatnonzero(means >= RAMP * wanted * RAMP_MEAN)
    return float(times[reached[0]] - rise) if len(reached) else math.inf


def allowance(links: Sequence[Link], case: Case, window: tuple[float, float]) -> float:
    """Bits that the media flows could have used in `window`: the capacity while any is active, cut at what they ask
    for.

    `links`: the link of each flow's media. Long TCP flows take their fair part of it.
    """
    total = 0.0
    for link in {id(link): link for link in links}.values():
        if link.capacity is None:
            continue
        mine = [flow for flow, own in zip(case.flows, links, strict=True) if own is link]
        spans = [active_spans(flow, case.duration) for flow in mine]
        long = [tcp for tcp in case.tcp if tcp.short is None and not tcp.reverse]
        edges = {*window, *(t for part in spans for span in part for t in span), *(t.start for t in long)}
        inner = sorted(edge for edge in {*edges, *(t.stop for t in long)} if window[0] <= edge <= window[1])
        for start, stop in pairwise(inner):
            here = [f for f, part in zip(mine, spans, strict=True) if any(a <= start < b for a, b in part)]
            if not here:
                continue
            rivals = sum(tcp.start <= start < tcp.stop for tcp in long)
            fair = len(here) / (len(here) + rivals)
            carried = link.capacity.carried(np.array([start, stop]), sum(flow.rmax for flow in here) / fair)
            total += fair * float(carried[1] - carried[0])
    return total


def percentiles(values: Array) -> tuple[float, float, float]:
    """p50, p95, p99; infinities where there are no values."""
    if not len(values):
        return (math.inf, math.inf, math.inf)
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return (float(p50), float(p95), float(p99))
