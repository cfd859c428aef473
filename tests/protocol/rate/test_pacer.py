"""Pacer: packets leave at the rate, in bursts, and a timer that is late takes nothing off it."""

from __future__ import annotations

import pytest

from avl_protocol.rate.pacer import BURST, LATE, Pacer

SIZE = 1000


def rate_of(pacer: Pacer, late: float, seconds: float) -> float:
    """Bytes per second that leave while more always waits, where each timer fires so many seconds late."""
    now, waited, sent = 100.0, False, 0
    ends = now + seconds
    while now < ends:
        while (at := pacer.next_send_time(now)) is None:
            pacer.sent(now, SIZE, waited=waited)
            sent += SIZE
        now, waited = at + late, True
    return sent / seconds


def paced(rate: float) -> Pacer:
    """A pacer of so many bytes per second."""
    pacer = Pacer(SIZE)
    pacer.rate = rate
    return pacer


@pytest.mark.parametrize("late", [0.0, 0.0005, 0.005, LATE])
def test_a_late_timer_takes_nothing_off_the_rate(late: float) -> None:
    assert rate_of(paced(1e6), late, 2.0) == pytest.approx(1e6, rel=0.05)


def test_lateness_beyond_bounds_is_not_made_up_for() -> None:
    assert rate_of(paced(1e6), 0.2, 2.0) < 0.2e6


def test_a_pause_with_nothing_to_send_earns_no_burst() -> None:
    pacer, sent = paced(1e6), 0
    pacer.sent(100.0, SIZE)
    while pacer.next_send_time(101.0) is None:
        pacer.sent(101.0, SIZE)
        sent += SIZE
    assert sent <= 1e6 * BURST + SIZE


def test_without_a_rate_nothing_waits() -> None:
    pacer = Pacer(SIZE)
    pacer.sent(1.0, SIZE)
    assert pacer.next_send_time(1.0) is None


def left(pacer: Pacer, seconds: float, whole: bool = False) -> int:
    """Bytes that leave while more always waits, one packet at a time, or as many together as are granted."""
    now, sent = 100.0, 0
    while now < 100.0 + seconds:
        while (at := pacer.next_send_time(now)) is None:
            size = max(SIZE, int(pacer.granted(now))) if whole else SIZE
            pacer.sent(now, size)
            sent += size
        now = at
    return sent


@pytest.mark.parametrize("whole", [False, True])
def test_what_leaves_for_long_leaves_at_the_sustained_rate_and_a_picture_does_not_notice(whole: bool) -> None:
    pacer = paced(2e6)
    pacer.sustained = 1.15e6
    assert left(pacer, 0.006, whole) == pytest.approx(2e6 * (0.006 + BURST), rel=0.15)
    pacer = paced(2e6)
    pacer.sustained = 1.15e6
    assert left(pacer, 1.0, whole) == pytest.approx(1.15e6, rel=0.03)


def test_without_a_sustained_rate_nothing_is_held_for_it() -> None:
    pacer = paced(2e6)
    assert left(pacer, 1.0) == pytest.approx(2e6, rel=0.03)
