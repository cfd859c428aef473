"""Token buckets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from avl_relay.forward.limits import REMEMBERED, Buckets


@given(st.lists(st.floats(0, 5), max_size=200))
def test_no_more_than_the_burst_and_the_rate_are_ever_given(pauses: list[float]) -> None:
    buckets = Buckets(rate=0.5, burst=4)
    now = taken = 0.0
    for pause in pauses:
        now += pause
        taken += buckets.take("key", now)
        assert taken <= 4 + 0.5 * now + 1e-6


def test_keys_do_not_share() -> None:
    buckets = Buckets(rate=0.1, burst=1)
    assert buckets.take("a", 0.0) and not buckets.take("a", 0.0)
    assert buckets.take("b", 0.0)


def test_what_is_given_back_can_be_taken_again_and_no_more() -> None:
    buckets = Buckets(rate=0.0, burst=2)
    assert buckets.take("a", 0.0) and buckets.take("a", 0.0)
    buckets.give_back("a", 0.0)
    assert buckets.take("a", 0.0) and not buckets.take("a", 0.0)
    for _ in range(10):
        buckets.give_back("a", 0.0)
    assert [buckets.take("a", 0.0) for _ in range(3)] == [True, True, False]


def test_memory_is_bounded_and_the_emptiest_buckets_are_kept() -> None:
    buckets = Buckets(rate=0.01, burst=3)
    for _ in range(3):
        assert buckets.take("attacker", 0.0)
    for at in range(REMEMBERED + 50):
        buckets.take(at, 0.0)
    assert len(buckets) <= REMEMBERED + 1
    assert not buckets.take("attacker", 0.0)
