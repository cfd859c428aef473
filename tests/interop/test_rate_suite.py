"""The rate suite's world: virtual time, links, TCP, encoder and traces do what their cases rely on."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interop.bench.rate import clock as clock_module
from interop.bench.rate.capacity import Capacity
from interop.bench.rate.clock import Clock
from interop.bench.rate.link import Link
from interop.bench.rate.metrics import jain
from interop.bench.rate.source import LEAST, Source
from interop.bench.rate.spec import Jitter, LinkSpec, Queue, SourceProfile, Steps, TcpSpec
from interop.bench.rate.tcp import LongTcp, ShortTcp
from interop.bench.rate.traces import STEP, TRACES, trace

TEN: Steps = ((0.0, 10e6),)


# ---------------------------------------------------------------------------------------------------------------- clock


@given(st.lists(st.floats(0, 10), max_size=40))
def test_callbacks_run_by_time_and_then_in_the_order_of_asking(times: list[float]) -> None:
    clock, seen = Clock(), list[tuple[float, int]]()
    for place, when in enumerate(times):
        clock.call_at(when, lambda place=place: seen.append((clock.now, place)))  # type: ignore[misc]
    clock.run_until(5.0)
    assert seen == sorted((when, place) for place, when in enumerate(times) if when <= 5.0)
    assert clock.now == 5.0


def test_a_callback_asked_for_in_the_past_runs_now_and_time_does_not_go_back() -> None:
    clock, seen = Clock(), list[float]()
    clock.call_at(2.0, lambda: clock.call_at(1.0, lambda: seen.append(clock.now)))
    clock.run_until(3.0)
    assert seen == [2.0]


def test_time_that_stands_still_is_an_error_and_not_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_module, "STUCK", 100)
    clock = Clock()

    def again() -> None:
        clock.call_at(clock.now, again)

    again()
    with pytest.raises(RuntimeError, match="stands still at 0"):
        clock.run_until(1.0)


# ------------------------------------------------------------------------------------------------------------- capacity


def test_capacity_counts_bits_over_steps_and_outages() -> None:
    steps: Steps = ((0.0, 8.0), (1.0, 0.0), (3.0, 4.0))
    assert Capacity(steps).finish(0.5, 2.0) == 0.75
    assert Capacity(steps).finish(0.5, 8.0) == 4.0  # 4 bits until 1 s, nothing until 3 s, 4 bits in another second
    capacity = Capacity(steps)
    assert list(capacity.carried(np.array([0.0, 0.5, 2.0, 4.0]))) == [0.0, 4.0, 8.0, 12.0]
    assert list(capacity.carried(np.array([0.5, 4.0]), most=2.0)) == [1.0, 4.0]
    assert list(capacity.at(np.array([0.0, 1.0, 2.9, 3.0]))) == [8.0, 0.0, 0.0, 4.0]
    for bad in (((1.0, 5.0),), ((0.0, 5.0), (0.0, 4.0)), ((0.0, 5.0), (1.0, 0.0)), ((0.0, -1.0), (1.0, 1.0)), ()):
        with pytest.raises(ValueError):
            Capacity(bad)


# ----------------------------------------------------------------------------------------------------------------- link

packets = st.lists(st.tuples(st.floats(0, 0.004), st.integers(40, 1500), st.integers(0, 2)), max_size=120)
specs = st.builds(
    LinkSpec,
    capacity=st.sampled_from([TEN, ((0.0, 2e6), (0.05, 0.0), (0.1, 5e6))]),
    limit=st.integers(1500, 20_000),
    queue=st.sampled_from(Queue),
    jitter=st.sampled_from([None, Jitter(0.015, 0.005, 0.030)]),
    loss=st.sampled_from([0.0, 0.2]),
    burst=st.sampled_from([None, (0.1, 0.5)]),
)


@given(spec=specs, traffic=packets, seed=st.integers(0, 9))
def test_a_link_keeps_order_loses_nothing_unseen_and_never_exceeds_its_capacity(
    spec: LinkSpec, traffic: list[tuple[float, int, int]], seed: int
) -> None:
    clock = Clock()
    link = Link(clock=clock, spec=spec, rng=Random(seed))
    arrived: list[tuple[float, int]] = []

    def deliver(packet: object) -> None:
        assert isinstance(packet, int)
        arrived.append((clock.now, packet))

    at = 0.0
    for number, (gap, size, flow) in enumerate(traffic):
        at += gap
        clock.call_at(
            at,
            lambda number=number, size=size, flow=flow: link.send(number, size, deliver, flow, 0.01),  # type: ignore[misc]
        )
    clock.run_until(60.0)
    numbers = [number for _, number in arrived]
    assert numbers == sorted(set(numbers))  # each at most once, in the order of sending
    passages = link.flows.values()
    assert sum(p.sent for p in passages) == len(traffic) == len(arrived) + sum(len(p.missed) for p in passages)
    assert sum(math.isfinite(when) for p in passages for when in p.arrived) == len(arrived)
    # Conservation of capacity: between any two departures no more bits than the link carries in that time.
    assert link.capacity is not None
    left = sorted((end, size) for p in passages for end, size in zip(p.left, p.size, strict=True))
    carried = link.capacity.carried(np.array([end for end, _ in left]))
    for (a, b), (_, bytes_) in zip(pairwise(carried), left[1:], strict=True):
        assert b - a >= 8 * bytes_ - 1e-3
    for p in passages:
        assert all(w >= 0 and a >= e - 1e-9 for w, a, e in zip(p.waited, p.left, p.entered, strict=True))


def test_a_full_queue_waits_its_length_and_drops_the_rest() -> None:
    clock = Clock()
    link = Link(clock=clock, spec=LinkSpec(capacity=TEN, limit=25_000), rng=Random(1))  # 20 ms
    for number in range(40):
        link.send(number, 1250, lambda packet: None, flow=7, delay=0.02)
    clock.run_until(1.0)
    passage = link.flows[7]
    assert len(passage.missed) == 20 and passage.sent == 40
    assert passage.waited[-1] == pytest.approx(0.019)  # without its own millisecond
    assert passage.arrived[-1] == pytest.approx(0.040)
    link.send(0, 1250, lambda packet: None, flow=7)
    assert passage.waited[-1] == 0.0


def test_no_capacity_means_delay_alone() -> None:
    clock, seen = Clock(), list[float]()
    link = Link(clock=clock, spec=LinkSpec(), rng=Random(1))
    for delay in (0.03, 0.01):
        link.send(None, 1200, lambda packet: seen.append(clock.now), delay=delay)
    clock.run_until(1.0)
    assert seen == [0.01, 0.03]


def sent(spec: LinkSpec, rate: float, seconds: float, seed: int = 1) -> Link:
    """A link over which packets of 1250 bytes went at a constant rate."""
    clock = Clock()
    link = Link(clock=clock, spec=spec, rng=Random(seed))

    def tick() -> None:
        link.send(None, 1250, lambda packet: None)
        clock.call_at(clock.now + 10_000 / rate, tick)

    tick()
    clock.run_until(seconds)
    return link


def test_loss_and_bursts_have_their_rates() -> None:
    random = sent(LinkSpec(capacity=TEN, loss=0.02), 8e6, 40).flows[0]
    assert len(random.missed) / random.sent == pytest.approx(0.02, rel=0.15)
    burst = sent(LinkSpec(capacity=TEN, burst=(0.006, 0.2)), 8e6, 40).flows[0]
    assert len(burst.missed) / burst.sent == pytest.approx(0.006 / 0.206, rel=0.2)
    lost = np.isinf(np.asarray(burst.arrived))
    assert lost.sum() / np.count_nonzero(np.diff(lost.astype(int)) == 1) == pytest.approx(5.0, rel=0.2)  # 1 / 0.2


def test_codel_holds_a_standing_queue_that_drop_tail_lets_grow() -> None:
    spec = LinkSpec(capacity=TEN, limit=1_000_000)
    tail = sent(spec, 10.5e6, 10)
    codel = sent(LinkSpec(capacity=TEN, limit=1_000_000, queue=Queue.CODEL), 10.5e6, 10)
    assert np.asarray(tail.flows[0].waited)[-100:].mean() > 0.4
    assert np.asarray(codel.flows[0].waited)[-2000:].mean() < 0.1
    assert 0.02 < len(codel.flows[0].missed) / codel.flows[0].sent < 0.10
    assert not sent(LinkSpec(capacity=TEN, limit=1_000_000, queue=Queue.CODEL), 9e6, 5).flows[0].missed


def test_marks_are_counted_above_the_threshold() -> None:
    assert sent(LinkSpec(capacity=TEN, queue=Queue.MARK), 9e6, 5).marks == 0
    link = sent(LinkSpec(capacity=TEN, queue=Queue.MARK), 11e6, 5)
    assert link.marks == np.count_nonzero(np.asarray(link.flows[0].waited) > 0.005) > 5000


def test_jitter_stays_within_its_limit() -> None:
    passage = sent(LinkSpec(capacity=TEN, jitter=Jitter(0.015, 0.005, 0.030)), 0.1e6, 40).flows[0]
    added = np.asarray(passage.arrived) - np.asarray(passage.left)
    assert min(added) >= 0 and max(added) <= 0.030 and added.mean() == pytest.approx(0.015, abs=0.001)
    assert added.std() == pytest.approx(0.005, rel=0.2)


# ------------------------------------------------------------------------------------------------------------------ TCP


def test_cubic_fills_a_link_and_two_share_it() -> None:
    clock = Clock()
    link = Link(clock=clock, spec=LinkSpec(capacity=((0.0, 20e6),), limit=250_000), rng=Random(1))
    flows = [LongTcp(clock, link, 100 + place, TcpSpec(start=0.1 * place, stop=60.0)) for place in range(2)]
    assert len(flows) == 2
    clock.run_until(60.0)

    def bits(number: int, start: float) -> float:
        passage = link.flows[number]
        return 8 * float(np.asarray(passage.size)[np.asarray(passage.left) >= start].sum())

    rates = [bits(number, 10.0) / 50.0 for number in (100, 101)]
    assert sum(rates) > 0.9 * 20e6
    assert jain(rates) > 0.9


def test_cubic_suffers_from_random_loss_and_survives_an_outage() -> None:
    clock = Clock()
    link = Link(clock=clock, spec=LinkSpec(capacity=((0.0, 20e6),), limit=250_000, loss=0.02), rng=Random(1))
    LongTcp(clock, link, 100, TcpSpec(start=0.0, stop=30.0))
    clock.run_until(30.0)
    assert 0.03 < sum(link.flows[100].size) * 8 / 30 / 20e6 < 0.4
    clock = Clock()
    link = Link(
        clock=clock, spec=LinkSpec(capacity=((0.0, 10e6), (5.0, 0.0), (8.0, 10e6)), limit=50_000), rng=Random(1)
    )
    LongTcp(clock, link, 100, TcpSpec(start=0.0, stop=20.0))
    clock.run_until(20.0)
    passage = link.flows[100]
    assert 8 * float(np.asarray(passage.size)[np.asarray(passage.left) > 10.0].sum()) / 10.0 > 0.8 * 10e6


def test_short_transfers_complete_with_their_sizes_and_pauses() -> None:
    clock = Clock()
    link = Link(clock=clock, spec=LinkSpec(capacity=((0.0, 2e6),), limit=75_000), rng=Random(1))
    flow = ShortTcp(
        clock=clock,
        link=link,
        number=100,
        spec=TcpSpec(start=0.0, stop=1000.0, delay=0.050, segment=1000, short=(30_000, 50_000)),
        rng=Random(5),
    )
    clock.run_until(1000.0)
    assert 70 < len(flow.completions) < 130  # one in about 10.4 s
    assert 0.25 < np.mean(flow.completions) < 0.8  # 40 kB take 0.16 s at 2 Mbit/s, and three round trips
    assert link.flows[100].sent == pytest.approx(40 * len(flow.completions), rel=0.1)


# --------------------------------------------------------------------------------------------------------------- source


def sizes(source: Source, target: float, seconds: float, most: int | None = None) -> list[tuple[float, int]]:
    ticks = [(n / 60, source.tick(n / 60, target, False, most)) for n in range(int(seconds * 60))]
    return [(when, size) for when, size in ticks if size is not None]


def test_the_encoder_meets_its_target_one_frame_late_and_pays_scene_changes_back() -> None:
    frames = sizes(Source(rng=Random(1), profile=SourceProfile()), 6e6, 60)
    values = np.array([size for _, size in frames])
    assert values.sum() * 8 / 60 == pytest.approx(6e6, rel=0.02)
    assert np.log(values).std() == pytest.approx(0.25, rel=0.05)
    source = Source(rng=Random(1), profile=SourceProfile(sigma=0.0))
    assert [source.tick(n / 60, rate, False, None) for n, rate in enumerate((4.8e6, 9.6e6, 9.6e6))] == [
        10_000,
        10_000,
        20_000,
    ]
    busy = Source(rng=Random(2), profile=SourceProfile(scene_every=2.0))
    frames = sizes(busy, 6e6, 60)
    assert 25 <= len(busy.scenes) <= 35
    scene = [size for when, size in frames if when in busy.scenes]
    assert np.mean(scene) == pytest.approx(6.5 * 12_500, rel=0.15)
    assert sum(size for _, size in frames) * 8 / 60 == pytest.approx(6e6, rel=0.03)


def test_key_frames_are_capped_and_paid_back() -> None:
    source = Source(rng=Random(1), profile=SourceProfile(sigma=0.0), rmax=4.8e6)
    assert source.tick(0.0, 9e9, True, 30_000) == 30_000
    following = [source.tick(n / 60, 9e9, False, None) for n in range(1, 7)]
    assert following == [5000, 5000, 5000, 5000, 10_000, 10_000]  # 20 kB of debt, half a frame at a time
    assert source.tick(1.0, 9e9, True, None) == 50_000
    assert Source(rng=Random(1), profile=SourceProfile(), rmin=0.3e6).tick(0.0, 0.0, False, 10) == LEAST


def test_a_still_screen_sends_a_pointer_at_most_and_a_pause_nothing() -> None:
    source = Source(rng=Random(1), profile=SourceProfile(idle=((10.0, 30.0),)), pauses=((40.0, 50.0),))
    frames = sizes(source, 6e6, 60)
    idle = [size for when, size in frames if 10 <= when < 30]
    assert set(idle) == {300} and 8 <= len(idle) <= 40
    assert not [size for when, size in frames if 40 <= when < 50]
    assert [source.active(when) for when in (9.99, 10.0, 29.99, 30.0, 45.0, 50.0)] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]
    assert source.tick(20.0, 4.8e6, True, None) == 50_000  # someone joins
    assert source.tick(45.0, 4.8e6, True, None) is None


# ------------------------------------------------------------------------------------------------------ traces


@pytest.mark.parametrize("name", TRACES)
def test_traces_vary_as_documented(name: str) -> None:
    spec = TRACES[name]
    rows = []
    for seed in range(1, 6):
        values = np.array([rate for _, rate in trace(name, 60, seed)[:-1]])
        assert len(values) == 60 / STEP
        assert values.mean() == pytest.approx(spec.mean, rel=0.02) and values.max() <= spec.most and values.min() >= 0
        means = values.reshape(-1, 5).mean(axis=1)
        rows.append(
            (means.std() / means.mean(), np.percentile(means, 10) / means.mean(), (values < 0.1 * spec.mean).mean())
        )
    variation, tenth, out = np.mean(rows, axis=0)
    bounds = {"lte": (0.30, 0.95), "wif": (0.25, 0.50), "4g-": (0.35, 0.48), "5g-": (0.30, 0.40)}[name[:3]]
    assert bounds[0] < variation < bounds[1] and 0.1 < tenth < 0.75 and out < 0.10
    assert trace(name, 60, 1) == trace(name, 60, 1) != trace(name, 60, 2)
