"""What a picture may take: shares of the rate, savings, debts and the cap."""

from __future__ import annotations

import pytest

from avl_host.encode.budget import LEAST_DEPTH, Allowance, Budget


def stream(allowance: Allowance, start: float, count: int, fps: float = 60.0, used: float = 1.0) -> list[int]:
    """Limits of pictures at a steady rate, each of which takes the part `used` of its limit."""
    limits = []
    for at in range(count):
        limits.append(allowance.limit(start + at / fps))
        allowance.spend(round(limits[-1] * used))
    return limits


@pytest.mark.parametrize("fps", [60, 30, 10])
def test_a_stream_gets_equal_shares(fps: int) -> None:
    allowance = Allowance(Budget(4_800_000), 60)
    limits = stream(allowance, 0.0, 60, fps)
    assert limits[0] > 30_000, "what was saved before"
    assert limits[-10:] == pytest.approx([600_000 / fps] * 10, rel=0.01)


def test_what_one_picture_leaves_the_next_ones_get() -> None:
    allowance = Allowance(Budget(4_800_000), 60)
    stream(allowance, 0.0, 60)
    limits = stream(allowance, 1.0, 60, used=0.9)
    assert sum(limits[-30:]) * 0.9 / 30 == pytest.approx(10_000, rel=0.02)


def test_a_lower_rate_counts_at_once_and_takes_what_was_saved() -> None:
    for used in (1.0, 0.3):
        allowance = Allowance(Budget(20_000_000), 60)
        stream(allowance, 0.0, 60, used=used)
        allowance.set_budget(Budget(2_000_000))
        limits = stream(allowance, 1.0, 10)
        assert max(limits) <= 2_000_000 / 8 / 60 + 1


def test_a_slightly_lower_rate_leaves_most_of_what_was_saved() -> None:
    allowance = Allowance(Budget(8_000_000), 60)
    allowance.limit(0.0)
    full = allowance.limit(5.0)
    allowance.set_budget(Budget(7_900_000))
    assert allowance.limit(5.1) > 0.9 * full


def test_a_higher_rate_counts_at_once() -> None:
    allowance = Allowance(Budget(2_000_000), 60)
    stream(allowance, 0.0, 120)
    allowance.set_budget(Budget(20_000_000))
    assert allowance.limit(2.0) == pytest.approx(20_000_000 / 8 / 60, rel=0.1)


def test_after_a_pause_a_picture_gets_a_good_part_of_what_was_saved() -> None:
    allowance = Allowance(Budget(2_000_000), 60)
    stream(allowance, 0.0, 120)
    assert allowance.limit(3.0) > LEAST_DEPTH / 2


def test_a_key_frame_goes_into_debt_which_is_paid_back() -> None:
    allowance = Allowance(Budget(4_800_000), 60)
    stream(allowance, 0.0, 60)
    key = allowance.limit(1.0, key=True)
    assert key >= LEAST_DEPTH
    allowance.spend(key)
    limits = stream(allowance, 1.0 + 1 / 60, 120)
    assert limits[0] == 5_000
    assert limits[-1] == pytest.approx(10_000, rel=0.01)
    assert sum(limits) + key == pytest.approx(121 * 10_000, rel=0.02)


def test_nothing_is_larger_than_frame_bytes() -> None:
    allowance = Allowance(Budget(8_000_000, 6_000), 60)
    assert allowance.limit(0.0, key=True) == 6_000
    assert allowance.limit(1.0) == 6_000
    assert allowance.limit(9.0) == 6_000
    allowance.set_budget(Budget(8_000_000))
    assert allowance.limit(10.0) > 6_000


def test_what_frame_bytes_leaves_can_be_saved_up_for_two_pictures_only() -> None:
    allowance = Allowance(Budget(960_000, 8_000), 60)
    stream(allowance, 0.0, 60)
    limits = stream(allowance, 10.0, 60)
    assert limits[0] == 8_000
    assert sum(limits) <= 2 * 8_000 + 60 * 2_000
