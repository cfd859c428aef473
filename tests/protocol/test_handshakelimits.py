"""Who may begin a handshake while others try to keep everybody out: in virtual time, by the thousand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.endpoint.accept.sources import network, source_tag
from avl_protocol.session.handshakelimits import (
    FRIENDS,
    NETWORK_BYTES,
    NEW,
    OF_FRIEND,
    OF_SOURCE,
    OF_SOURCE_HOURLY,
    REMEMBERED,
    RETURNING,
    HandshakeLimits,
    most_crowding,
)

HONEST, KNOWN = b"honest..", b"known..."


def tag(number: int, of_network: int | None = None) -> bytes:
    """The tag of an attacker, alone in its network unless that is named."""
    there = number if of_network is None else of_network
    return there.to_bytes(4, "big") + number.to_bytes(4, "big")


def attack(
    limits: HandshakeLimits, addresses: int, begin: float, end: float, one_network: bool = False
) -> list[tuple[float, bytes]]:
    """Every address tries once a second, whatever it is answered; what was let through."""
    through = []
    for second in range(int(end - begin)):
        for number in range(addresses):
            now, of = begin + second + number / addresses, tag(number, 0 if one_network else None)
            if limits.take("host", of, now):
                through.append((now, of))
    return through


@pytest.mark.parametrize("one_network", [False, True])
@pytest.mark.parametrize("addresses", [10, 100, 1000])
def test_no_crowd_of_strangers_keeps_a_new_viewer_or_a_known_one_out(addresses: int, one_network: bool) -> None:
    limits = HandshakeLimits()
    assert limits.take("host", KNOWN, 0.0)
    limits.admitted("host", KNOWN, 0.0)
    for at in range(6):
        attack(limits, addresses, at * 5.0, at * 5.0 + 5.0, one_network)
        newcomer = bytes([0, 0, 0, 0] if one_network else [9, 9, 9, at]) + bytes([255, 255, 255, at])
        if addresses <= 256 or not one_network:  # no network of IPv4 that is counted has more
            assert limits.take("host", newcomer, at * 5.0 + 5.0)
            limits.admitted("host", newcomer, at * 5.0 + 5.0)
        assert all(limits.take("host", KNOWN, at * 5.0 + 5.0) for _ in range(3))
        limits.admitted("host", KNOWN, at * 5.0 + 5.0)


@pytest.mark.parametrize("addresses", [10, 100, 1000])
def test_a_crowd_that_is_never_admitted_comes_to_little(addresses: int) -> None:
    limits = HandshakeLimits()
    through = attack(limits, addresses, 0.0, 60.0)
    assert len(through) <= addresses + RETURNING[1] + 60 * RETURNING[0] + 1
    for number in range(addresses):
        assert [of for _, of in through].count(tag(number)) <= 10


def test_one_source_has_five_a_minute_and_twenty_an_hour() -> None:
    limits = HandshakeLimits()
    assert [limits.take("host", HONEST, 1.0) for _ in range(7)] == [True] * OF_SOURCE[1] + [False] * 2
    assert not limits.take("host", HONEST, 12.9) and limits.take("host", HONEST, 13.1)
    assert limits.take("another", HONEST, 1.0), "each host counts for itself"
    hour = sum(limits.take("new", HONEST, second) for second in range(3600))
    assert OF_SOURCE_HOURLY[1] < hour <= 2 * OF_SOURCE_HOURLY[1]


def test_what_ended_in_admission_costs_nothing() -> None:
    limits = HandshakeLimits()
    for _ in range(100):
        assert limits.take("host", HONEST, 1.0)
        limits.admitted("host", HONEST, 1.0)
    for number in range(NEW[1]):
        assert limits.take("host", tag(number), 1.0)
    assert not limits.take("host", tag(NEW[1]), 1.0), "a newcomer's place was given back, and no more"


def test_who_was_admitted_has_a_share_of_its_own_and_no_endless_one() -> None:
    limits = HandshakeLimits()
    limits.admitted("host", KNOWN, 0.0)
    assert sum(limits.take("host", KNOWN, 0.0) for _ in range(50)) == OF_FRIEND[1]
    assert limits.take("host", HONEST, 0.0)


def test_a_network_of_many_addresses_has_a_share_too() -> None:
    limits = HandshakeLimits()
    assert sum(limits.take("host", tag(number, 7), 0.0) for number in range(2000)) == 256
    assert limits.take("host", HONEST, 0.0)


def test_who_has_most_places_gives_one_up_and_friends_give_up_none() -> None:
    limits = HandshakeLimits()
    limits.admitted("host", KNOWN, 0.0)
    crowd = [(KNOWN, "friend")] * 3 + [
        (HONEST, "honest"),
        (tag(1, 1), "alone"),
        (tag(2, 1), "first"),
        (tag(2, 1), "2nd"),
    ]
    assert limits.crowded_out("host", crowd) == "first"
    assert limits.crowded_out("host", crowd[:3]) is None and most_crowding([]) is None
    assert limits.crowded_out("host", crowd[3:5] + crowd[5:6]) == "alone", "of a network that has most, the oldest"
    assert limits.crowded_out("never heard of", crowd[3:4]) == "honest"


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 30), st.booleans()), max_size=200))
def test_no_minute_of_a_stranger_ever_holds_more_than_its_share(steps: list[tuple[int, float, bool]]) -> None:
    limits, now = HandshakeLimits(), 0.0
    taken: list[tuple[float, int]] = []
    for number, pause, _ in steps:
        now += pause
        if limits.take("host", tag(number % 3, number), now):
            taken.append((now, number))
        recent = [of for at, of in taken if now - at < 60]
        assert all(recent.count(of) <= 2 * OF_SOURCE[1] for of in set(recent))


def test_memory_is_bounded() -> None:
    limits = HandshakeLimits()
    for number in range(REMEMBERED + 500):
        limits.take("host", tag(number), number * 1.0)
        limits.admitted("other", tag(number), number * 1.0)
    assert len(limits._sources) == len(limits._networks) == REMEMBERED
    assert len(limits._hosts["other"].friends) == FRIENDS


def test_a_tag_tells_the_network_and_the_address_apart_and_neither_in_clear() -> None:
    def tags(*hosts: str) -> list[bytes]:
        return [source_tag(b"secret", host) for host in hosts]

    for near, other in (("192.0.2.7", "192.0.2.8"), ("2001:db8:1:2::7", "2001:db8:1:3::7")):
        one, two = tags(near, other)
        assert one[:NETWORK_BYTES] == two[:NETWORK_BYTES] and one != two and len(one) == 8
    for same, again in (("192.0.2.7", "::ffff:192.0.2.7"), ("2001:db8:1:2::7", "2001:db8:1:2::8")):
        assert tags(same)[0][:NETWORK_BYTES] == tags(again)[0][:NETWORK_BYTES]
    assert tags("2001:db8:1:2::7") == tags("2001:db8:1:2::8")
    assert len({one[:NETWORK_BYTES] for one in tags("192.0.2.7", "192.0.3.7", "2001:db8:1::7", "2001:db8:2::7")}) == 4
    assert source_tag(b"another", "192.0.2.7") != tags("192.0.2.7")[0]
    assert network("192.0.2.7") == "192.0.2.0" and network("2001:db8:1:2::7") == "2001:db8:1::"
    assert network("a name") == "a name" and len(source_tag(b"secret", "")) == 8
