"""From a finished run to its figures and to the curves that are plotted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interop.bench.rate.link import Link
from interop.bench.rate.log import FlowLog
from interop.bench.rate.metrics import (
    Array,
    Figures,
    Frames,
    active_spans,
    allowance,
    frozen,
    jain,
    percentiles,
    ramp,
    recovery,
    score,
    within,
)
from interop.bench.rate.spec import Case

#: Seconds of one point of a curve.
STEP = 0.050


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a run leaves behind: `links` is each flow's media link, `tcp` the numbers of TCP flows on the forward
    link."""

    case: Case
    forward: Link
    links: Sequence[Link]
    logs: Sequence[FlowLog]
    scenes: Sequence[Sequence[float]]
    tcp: Sequence[int]
    completions: Sequence[float]
    alone: Sequence[float]


@dataclass(frozen=True, slots=True)
class Series:
    """Curves in points of STEP seconds: bit/s for `target` (one for each flow), `goodput` (all flows) and `capacity`,
    milliseconds for `queue` and `frame` (the largest in each step; NaN-free: 0 where there was nothing)."""

    step: float
    target: list[list[int]]
    goodput: list[int]
    capacity: list[int]
    queue: list[float]
    frame: list[float]


def figures(material: Material) -> Figures:
    """All figures of a run."""
    case = material.case
    flows = [Frames(log) for log in material.logs]
    spans = [active_spans(flow, case.duration) for flow in case.flows]
    window = case.share or (0.0, case.duration)
    allowed = allowance(material.links, case, window)
    util = sum(frames.goodput(*window) for frames in flows) / allowed

    passages = [link.flows[number] for number, link in enumerate(material.links) if number in link.flows]
    waited = np.concatenate([np.asarray(passage.waited) for passage in passages]) if passages else np.zeros(0)
    entered = np.concatenate([np.asarray(passage.entered) for passage in passages]) if passages else np.zeros(0)
    late = waited[entered >= min(case.drops, default=0.0)]

    delays = [
        percentiles(frames.delay[within(frames.captured, span)]) for frames, span in zip(flows, spans, strict=True)
    ]
    worst = [max(each) for each in zip(*delays, strict=True)]
    excess = max(delay[1] - flow.delay for delay, flow in zip(delays, case.flows, strict=True))
    lengths = [sum(stop - start for start, stop in span) for span in spans]
    freezes = [
        frozen(frames.shown, tuple((a + flow.delay, b + flow.delay) for a, b in span))
        for frames, span, flow in zip(flows, spans, case.flows, strict=True)
    ]
    freeze_share = max(freeze / length for freeze, length in zip(freezes, lengths, strict=True))
    moving = [int(within(frames.captured, span).sum()) for frames, span in zip(flows, spans, strict=True)]
    index = None if case.fair is None else jain([frames.goodput(*case.fair) for frames in flows])
    sent = {kind: sum(log.bytes[kind] for log in material.logs) for kind in material.logs[0].bytes}
    media = max(1, sent.pop("media"))
    return Figures(
        util=util,
        queue=percentiles(waited),
        peak=float(late.max(initial=0.0)),
        frame=(worst[0], worst[1], worst[2]),
        excess=excess,
        freeze=max(freezes),
        freeze_share=freeze_share,
        fps=float(np.mean([count / length for count, length in zip(moving, lengths, strict=True)])),
        loss=sum(len(p.missed) for p in passages) / max(1, sum(p.sent for p in passages)),
        skipped=sum(len(log.skips) for log in material.logs),
        overhead={kind: size / media for kind, size in sent.items()},
        recovery=tuple(recovery(list(material.forward.flows.values()), t, _next(case, t)) for t in case.drops),
        ramp=_ramps(material, flows),
        fresh=tuple(_fresh(flows, when) for when in case.outages),
        wake=_wake(case, flows),
        scene=_scene(material, flows),
        resume=_resume(material, flows),
        jain=index,
        share=_share(material),
        short=float(np.mean(material.completions) / np.mean(material.alone)) if material.alone else None,
        score=score(util, excess, freeze_share, index),
    )


def _next(case: Case, when: float) -> float:
    """When the next change of capacity comes."""
    return min(change for change in case.changes if change > when)


def _forward(material: Material, flows: Sequence[Frames]) -> list[Frames]:
    """The flows whose media take the forward link."""
    return [frames for frames, flow in zip(flows, material.case.flows, strict=True) if not flow.reverse]


def _ramps(material: Material, flows: Sequence[Frames]) -> tuple[float, ...]:
    case, capacity = material.case, material.forward.capacity
    if capacity is None:
        return ()
    most = sum(flow.rmax for flow in case.flows if not flow.reverse)
    chosen = _forward(material, flows)
    return tuple(
        ramp(chosen, when, _next(case, when), min(most, float(capacity.at(np.array([when]))[0]))) for when in case.rises
    )


def _fresh(flows: Sequence[Frames], returned: float) -> float:
    """Seconds from the return of the link until a picture taken after it is seen, of the slowest flow."""
    firsts = [frames.shown[frames.captured >= returned] for frames in flows]
    return max(float(shown[0]) - returned if len(shown) else math.inf for shown in firsts)


def _wake(case: Case, flows: Sequence[Frames]) -> float | None:
    """The largest frame delay within half a second of the end of a still screen."""
    values: list[float] = []
    for frames, flow in zip(flows, case.flows, strict=True):
        for _, end in flow.profile.idle:
            chosen = frames.delay[(frames.captured >= end) & (frames.captured < end + 0.5)]
            values.append(float(chosen.max()) if len(chosen) else math.inf)
    return max(values, default=None)


def _scene(material: Material, flows: Sequence[Frames]) -> float | None:
    """The p95 of the delay of frames with a scene change."""
    values = [
        frames.delay[np.isin(frames.captured, np.asarray(scenes))]
        for frames, scenes in zip(flows, material.scenes, strict=True)
    ]
    joined: Array = np.concatenate(values)
    return float(np.percentile(joined, 95)) if len(joined) else None


def _resume(material: Material, flows: Sequence[Frames]) -> float | None:
    """Seconds from the end of a pause to RAMP of a fair share, of the slowest."""
    case, capacity = material.case, material.forward.capacity
    if capacity is None:
        return None
    values = []
    for frames, flow in zip(flows, case.flows, strict=True):
        for _, end in flow.pauses:
            fair = float(capacity.at(np.array([end]))[0]) / len(case.flows)
            values.append(ramp([frames], end, case.duration, min(fair, flow.rmax)))
    return max(values, default=None)


def _share(material: Material) -> float | None:
    """The media's share of what arrived over the link."""
    window = material.case.share
    if window is None:
        return None

    def arrived(numbers: Sequence[int]) -> float:
        total = 0.0
        for number in numbers:
            if number in material.forward.flows:
                passage = material.forward.flows[number]
                times = np.asarray(passage.arrived)
                total += float(np.asarray(passage.size)[(times >= window[0]) & (times < window[1])].sum())
        return total

    media = arrived(range(len(material.case.flows)))
    whole = media + arrived(material.tcp)
    return media / whole if whole else 0.0


def series(material: Material) -> Series:
    """The curves of a run."""
    case = material.case
    count = round(case.duration / STEP)
    times: Array = np.arange(count, dtype=np.float64) * STEP

    def largest(when: Array, values: Array) -> list[float]:
        result = np.zeros(count)
        places = (when / STEP).astype(np.int64)
        inside = (places >= 0) & (places < count)
        np.maximum.at(result, places[inside], values[inside])
        return [round(float(value) * 1000, 1) for value in result]

    flows = [Frames(log) for log in material.logs]
    targets = []
    for log in material.logs:
        rates = np.concatenate(([0.0], np.asarray(log.target_rate)))
        targets.append([round(float(v)) for v in rates[np.searchsorted(np.asarray(log.target_time), times, "right")]])
    shown = np.concatenate([frames.shown for frames in flows])
    sizes = np.concatenate([frames.size for frames in flows])
    goodput = np.histogram(shown, bins=count, range=(0, count * STEP), weights=8 * sizes / STEP)[0]
    passages = list(material.forward.flows.values())
    capacity = material.forward.capacity
    return Series(
        step=STEP,
        target=targets,
        goodput=[round(float(value)) for value in goodput],
        capacity=[] if capacity is None else [round(float(value)) for value in capacity.at(times)],
        queue=largest(
            np.concatenate([np.asarray(p.entered) for p in passages]) if passages else np.zeros(0),
            np.concatenate([np.asarray(p.waited) for p in passages]) if passages else np.zeros(0),
        ),
        frame=largest(shown, np.concatenate([frames.delay for frames in flows])),
    )
