"""The collector: all that arrived is told once, in order, when it is due, in datagrams that can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.rate.collector import ENOUGH, GATHER, INTERVAL, SLOW_INTERVAL, Collector
from avl_protocol.wire import feedback
from avl_protocol.wire.feedback import MOST_NAMED, UNIT, ArrivalReport
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD, DatagramType
from tests.protocol.rate.arrivals import REPORTED, integers, kept, media, worded


def told(report: ArrivalReport) -> list[tuple[bytes, int, int]]:
    """(name, fragment, arrival in units) of all that a report names."""
    at, out = report.base, []
    for run in report.runs:
        for place, time in enumerate(run.times):
            at += time
            out.append((run.name, run.fragment + place, at))
    return out


def all_of(collector: Collector, now: float) -> list[bytes]:
    """Everything there is to say at once."""
    out = []
    while (taken := collector.take(now)) is not None:
        out.append(taken)
    return out


def datagrams() -> st.SearchStrategy[bytes]:
    """Headers as a hop's sender may write them: often in runs, sometimes with the longest numbers there are."""
    ordinary = st.builds(
        worded, st.sampled_from(REPORTED), st.just(7), st.just(1), st.integers(1, 3), st.integers(0, 9)
    )
    hostile = st.builds(
        worded, st.sampled_from(REPORTED), integers, st.integers(0, 255), st.integers(0, (1 << 32) - 1), integers
    )
    return st.one_of(ordinary, ordinary, hostile)


@given(st.lists(st.tuples(st.integers(0, 300), datagrams(), st.booleans()), max_size=150))
def test_whatever_arrives_is_told_once_in_order_with_its_time(steps: list[tuple[int, bytes, bool]]) -> None:
    collector, units = Collector(), 1_000_000
    expected, taken = [], []
    for wait, payload, asks in steps:
        units += wait
        now = (units + 0.5) * UNIT
        collector.arrived(payload, now)
        expected.append((*feedback.name_of(payload), units))
        if asks:
            taken += all_of(collector, now)
    taken += all_of(collector, (units + 300) * UNIT)
    assert all(len(one) <= MAX_DATAGRAM_PAYLOAD for one in taken)
    decoded = [feedback.decode(one) for one in taken]
    assert [one for reports in decoded for one in told(reports[0])] == expected
    assert [reports[0].sequence for reports in decoded] == list(range(len(decoded)))
    assert [reports[1:] for reports in decoded[1:]] == [reports[:1] for reports in decoded[:-1]]
    assert collector.due() is None


@pytest.mark.parametrize("burst", [ENOUGH, MOST_NAMED, MOST_NAMED + 1, 400])
@pytest.mark.parametrize("spread", [1, 2], ids=["one run", "a run each"])
def test_a_burst_is_told_in_as_many_datagrams_as_it_takes(burst: int, spread: int) -> None:
    collector = Collector()
    for number in range(burst):
        collector.arrived(media(1, spread * number), 10.0 + 1e-5 * number)
    due = collector.due()
    assert due is not None and due <= 10.0 + 1e-5 * burst
    reports = [feedback.decode(taken)[0] for taken in all_of(collector, 10.01)]
    assert [fragment for report in reports for _, fragment, _ in told(report)] == [spread * n for n in range(burst)]


def test_the_longest_names_there_are_fit_a_datagram_with_the_report_before() -> None:
    collector = Collector()
    for number in range(3 * ENOUGH):
        collector.arrived(worded(0, (1 << 62) - 1 - number, 255, number, (1 << 61) + number), 10.0 + 1e-4 * number)
        if number % ENOUGH == ENOUGH - 1:
            for taken in all_of(collector, 10.0 + 1e-4 * number):
                assert len(taken) <= MAX_DATAGRAM_PAYLOAD
                assert feedback.decode(taken)


def test_reports_are_fewer_while_little_arrives_and_do_not_wait_once_enough_is_to_be_told() -> None:
    collector = Collector()
    assert collector.due() is None
    assert collector.take(5.0) is None
    now, before = 5.0, 0.0
    for number in range(100):  # 4 packets each 20 ms: 226,000 bytes a second
        for fragment in range(4):
            collector.arrived(media(number, fragment), now + 1e-3 * fragment)
        if number < 5:
            assert collector.due() == pytest.approx(max(now + GATHER, before + SLOW_INTERVAL))
        assert number <= 60 or collector.due() == pytest.approx(now + INTERVAL)
        before = now + 0.015
        assert collector.take(before) is not None
        assert collector.due() is None
        now += 0.02
    for fragment in range(ENOUGH - 1):
        collector.arrived(media(200, fragment), now)
    assert collector.due() == pytest.approx(now + INTERVAL)
    collector.arrived(media(200, ENOUGH), now + 0.001)
    due = collector.due()
    assert due is not None and due <= now + 0.001
    collector.take(now + 0.001)
    for number in range(10):  # and it becomes patient again
        now += 1.0
        collector.arrived(media(300 + number), now)
        collector.take(now + 0.025)
    collector.arrived(media(400), now + 0.026)
    assert collector.due() == pytest.approx(now + 0.025 + SLOW_INTERVAL)


def test_neither_late_asking_nor_a_stumbling_clock_spoils_a_report() -> None:
    collector = Collector()
    for now in (10.0, 10.5, 10.4, 2000.0, 1999.0):
        collector.arrived(media(1), now + 0.5 * UNIT)
    (report,) = feedback.decode(collector.take(5000.0) or b"")
    assert [at for _, _, at in told(report)] == [100_000, 105_000, 105_000, 20_000_000, 20_000_000]
    collector.arrived(media(2), 1998.0)
    assert feedback.decode(collector.take(5001.0) or b"")[0].base >= 20_000_000, "a later report begins no earlier"


def test_a_flood_that_nobody_asks_about_is_not_kept() -> None:
    def flood(count: int) -> Collector:
        collector = Collector()
        for number in range(count):
            collector.arrived(worded(DatagramType.MEDIA, 7, 1, number, 3 * number), 10.0 + 1e-5 * number)
        return collector

    little, much = kept(lambda: flood(5_000)), kept(lambda: flood(20_000))
    assert much < 1.5 * little
    newest = told(feedback.decode(all_of(flood(5_000), 11.0)[-1])[0])[-1]
    assert newest[1] == 3 * 4_999


def test_on_a_long_way_reports_are_fewer_and_no_shorter() -> None:
    """7.5 Mbit/s for two seconds: what reports take, by the round trip."""
    taken = {}
    for trip in (0.02, 0.1, 1.0, 10.0):
        collector, sizes, waited = Collector(), [], []
        for _ in range(200):
            collector.follow(trip)
        began = None
        for number in range(1560):
            now = 10.0 + number / 780
            due = collector.due()
            if due is not None and due <= now:
                while (report := collector.take(now)) is not None:
                    sizes.append(len(report) + 60)
                    waited.append(now - (began or now))
                began = None
            began = now if began is None else began
            collector.arrived(media(number // 13, number % 13), now)
        taken[trip] = 8 * sum(sizes) / 2
        assert max(waited) <= max(0.012, min(0.1, 0.1 * trip)) + 0.014
    assert taken[0.02] == taken[0.1]
    assert taken[1.0] < 0.45 * taken[0.02]
    assert taken[10.0] == taken[1.0] < 50e3
