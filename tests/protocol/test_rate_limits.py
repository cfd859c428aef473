"""Allowances: what was charged is owed, and every default lets through what an honest program does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.rate.limits import DEFAULT, Allowance, Bucket, Limits, bucket, for_address


def test_what_was_charged_has_to_be_waited_for() -> None:
    made = bucket(Allowance(10, 5), 0.0)
    made.charge(5, 0.0)
    assert made.owed(0.0) == 0.0
    made.charge(20, 0.0)
    assert made.owed(0.0) == 2.0 and made.owed(1.5) == 0.5 and made.owed(3.0) == 0.0
    assert [made.take(3.0) for _ in range(11)].count(True) == 5


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 30)), max_size=100))
def test_whoever_waits_for_what_it_owes_gets_no_more_than_its_allowance(steps: list[tuple[float, float]]) -> None:
    made, now, charged, last = Bucket(10, 5, 0.0), 0.0, 0.0, 0.0
    for pause, amount in steps:
        now += pause
        now += made.owed(now)
        assert charged <= 5 + 10 * now + last + 1e-6
        made.charge(amount, now)
        charged, last = charged + amount, amount


def test_a_clock_that_stands_still_gives_nothing() -> None:
    made = Bucket(10, 1, 5.0)
    assert made.take(5.0) and not made.take(5.0) and not made.take(4.0)


def test_a_friend_may_do_more_than_a_stranger_of_everything() -> None:
    limits = Limits()
    for stranger, friend in (
        (limits.stranger_packets, limits.friend_packets),
        (limits.stranger_frames, limits.friend_frames),
        (limits.stranger_messages, limits.friend_messages),
    ):
        assert friend.per_second > stranger.per_second and friend.burst > stranger.burst
    for few, many in ((limits.strangers, limits.connections),):
        assert few.source < many.source and few.network < many.network and few.total < many.total


def test_a_relay_whose_hosts_share_one_address_can_let_more_of_them_in() -> None:
    wide = for_address(1000)
    assert (wide.connections.source, wide.connections.network) == (1000, 4000)
    assert for_address(DEFAULT.connections.source) == DEFAULT
