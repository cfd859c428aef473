"""Which scale and frame rate a bit rate carries, and how calmly that changes."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from avl_host.encode.rungs import FULL, HALF, MOTION_BITS, WHOLE, Need, Rung, Rungs, required_bits

HD = (1920, 1080)


def steady(bitrate: int, motion: bool, size: tuple[int, int] = HD, need: Need | None = None) -> Rung:
    """Where it ends up."""
    rungs = Rungs()
    rung = FULL
    for at in range(100):
        rung = rungs.choose(bitrate, *size, motion, at * 0.1, need)
    return rung


@pytest.mark.parametrize(
    ("bitrate", "rung"),
    [
        (20_000_000, FULL),
        (1_600_000, FULL),
        (1_300_000, Rung(WHOLE, 30)),
        (1_100_000, Rung(WHOLE, 20)),
        (300_000, Rung(WHOLE, 10)),
    ],
)
def test_text_keeps_its_size(bitrate: int, rung: Rung) -> None:
    assert steady(bitrate, motion=False) == rung


@pytest.mark.parametrize(
    ("bitrate", "rung"),
    [
        (8_000_000, FULL),
        (4_000_000, Rung(Fraction(3, 4), 60)),
        (2_000_000, Rung(HALF, 60)),
        (1_000_000, Rung(HALF, 30)),
        (300_000, Rung(HALF, 10)),
    ],
)
def test_film_keeps_its_frame_rate(bitrate: int, rung: Rung) -> None:
    assert steady(bitrate, motion=True) == rung


def test_more_is_never_worse() -> None:
    for motion in (False, True):
        rungs = [steady(rate, motion) for rate in range(200_000, 9_000_000, 400_000)]
        assert all(a.scale**2 * a.fps <= b.scale**2 * b.fps for a, b in pairwise(rungs))


def test_a_small_desktop_is_not_made_smaller() -> None:
    assert steady(100_000, motion=True, size=(800, 600)) == Rung(Fraction(3, 4), 60)
    assert steady(20_000, motion=True, size=(640, 360)).scale == WHOLE


def test_down_at_once_and_up_after_two_seconds() -> None:
    rungs = Rungs()
    assert rungs.choose(1_300_000, *HD, False, 0.0) == Rung(WHOLE, 30)
    assert rungs.choose(300_000, *HD, False, 0.1) == Rung(WHOLE, 10)
    assert rungs.choose(8_000_000, *HD, False, 0.2) == Rung(WHOLE, 10)
    assert rungs.due == pytest.approx(2.2)
    assert rungs.choose(8_000_000, *HD, False, 2.1) == Rung(WHOLE, 10)
    assert rungs.choose(8_000_000, *HD, False, 2.2) == FULL
    assert rungs.due is None


def test_a_rate_that_is_not_enough_in_between_starts_the_wait_anew() -> None:
    rungs = Rungs()
    rungs.choose(300_000, *HD, False, 0.0)
    rungs.choose(8_000_000, *HD, False, 1.0)
    rungs.choose(300_000, *HD, False, 2.9)
    assert rungs.choose(8_000_000, *HD, False, 3.1).fps == 10
    assert rungs.choose(8_000_000, *HD, False, 5.2) == FULL


def test_a_rate_that_is_only_just_enough_is_not_enough_to_climb() -> None:
    rungs = Rungs()
    rungs.choose(300_000, *HD, False, 0.0)
    least = round(required_bits(60, False, None) * 60 * HD[0] * HD[1])
    climbed = [rungs.choose(round(least * 1.05), *HD, False, at) for at in range(1, 20)]
    assert climbed[-1].fps == 10 or climbed[-1].fps == 30
    assert FULL not in climbed
    assert steady(round(least * 1.05), motion=False) == FULL


def test_between_changes_of_scale_lie_two_seconds_and_the_frame_rate_helps_out() -> None:
    rungs = Rungs()
    rungs.choose(4_000_000, *HD, True, 0.0)
    rungs.choose(4_000_000, *HD, True, 0.1)
    assert rungs.choose(4_000_000, *HD, True, 2.1).scale == Fraction(3, 4)
    assert rungs.choose(500_000, *HD, True, 2.5) == Rung(Fraction(3, 4), 10)
    assert rungs.due == pytest.approx(4.1)
    assert rungs.choose(500_000, *HD, True, 4.1).scale == HALF


def test_a_rate_that_swings_does_not_make_the_scale_swing() -> None:
    rungs = Rungs()
    scales = [rungs.choose((6_500_000, 3_000_000)[at // 5 % 2], *HD, True, at * 0.1).scale for at in range(300)]
    assert sum(a != b for a, b in pairwise(scales)) <= 1


def test_a_frame_rate_that_will_do_saves_a_key_frame() -> None:
    # The film begins: at its own size and 20 pictures a second it is carried for now.
    rungs = Rungs()
    assert rungs.choose(3_000_000, *HD, True, 0.0) == Rung(WHOLE, 20)
    assert rungs.choose(3_000_000, *HD, True, 0.1) == Rung(WHOLE, 20)
    assert rungs.choose(3_000_000, *HD, True, 2.1) == Rung(HALF, 60)


def test_what_was_measured_counts_more_than_the_table() -> None:
    easy, hard = Need(0.01, 60), Need(0.2, 60)
    assert steady(2_000_000, motion=True, need=easy) == FULL
    assert steady(8_000_000, motion=True, need=hard).scale == HALF
    assert steady(300_000, motion=False, need=Need(0.0, 60)) == FULL


def test_a_need_counts_at_every_frame_rate() -> None:
    assert required_bits(10, True, Need(0.1, 60)) == pytest.approx(0.2)
    assert required_bits(60, True, Need(MOTION_BITS[10], 10)) == pytest.approx(MOTION_BITS[60])
