"""What a relay tells its neighbours about their addresses (spec 08-paths, 8.2)."""

from __future__ import annotations

import pytest

from avl_protocol.wire.messages import Attached, Incoming, NatTest, Observed
from avl_protocol.wire.registry import CloseCode
from tests.relay.stand import Neighbour, Stand


def moved(stand: Stand, neighbour: Neighbour, host: str, port: int) -> None:
    """The neighbour's packets come from elsewhere now."""
    neighbour.connection.server.peer_address = (host, port)
    neighbour.peer.look_at_address()
    stand.settle()


def told(neighbour: Neighbour) -> list[str]:
    return [message.address for message in neighbour.heard if isinstance(message, Observed)]


@pytest.mark.parametrize("role", ["host", "viewer"])
def test_a_neighbour_whose_address_has_changed_is_told_so_once(role: str) -> None:
    stand = Stand()
    neighbour = stand.host() if role == "host" else stand.viewer()
    moved(stand, neighbour, *neighbour.connection.server.peer_address)
    assert told(neighbour) == []
    moved(stand, neighbour, "192.0.2.9", 4000)
    moved(stand, neighbour, "192.0.2.9", 4000)
    assert told(neighbour) == ["192.0.2.9 4000"]
    moved(stand, neighbour, "192.0.2.9", 4001)
    moved(stand, neighbour, "2001:db8::9", 4001)
    assert told(neighbour) == ["192.0.2.9 4000", "192.0.2.9 4001", "2001:db8::9 4001"]


def test_who_has_not_said_hello_is_told_nothing() -> None:
    stand = Stand()
    stranger = stand.neighbour("10.0.0.9")
    moved(stand, stranger, "192.0.2.9", 4000)
    assert stranger.told.streams.get(0, b"") == b""


def test_six_tests_of_a_nat_are_begun_in_a_minute_and_not_more_in_the_long_run() -> None:
    stand = Stand()
    asked = stand.nat_tests
    one, other = stand.viewer(), stand.host()
    for second in range(600):
        stand.now += 1
        one.say(NatTest(second.to_bytes(16, "big")))
    assert 60 <= len(asked) <= 60 + 4 and all(peer is one.peer for peer, _ in asked)
    assert asked[0][1] == bytes(16)
    other.say(NatTest(b"t" * 16))
    assert asked[-1] == (other.peer, b"t" * 16), "each source has tests of its own"
    assert one.closed is None


def test_a_stranger_has_no_nat_tested() -> None:
    stand = Stand()
    stranger = stand.neighbour("10.0.0.9")
    stranger.say(NatTest(b"t" * 16))
    assert stand.nat_tests == [] and stranger.closed == CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("viewer", "host", "near"),
    [
        ("192.0.2.7", "192.0.2.7", 1),
        ("2001:db8:1:2::7", "2001:db8:1:2::8", 1),
        ("192.0.2.7", "192.0.2.8", 0),
        ("2001:db8:1:2::7", "2001:db8:1:3::7", 0),
        ("192.0.2.7", "2001:db8:1:2::8", 0),
    ],
)
def test_a_relay_says_that_both_ends_are_at_one_address_where_it_sees_it(viewer: str, host: str, near: int) -> None:
    stand = Stand()
    hosting, viewing = stand.host(address=host), stand.viewer(viewer)
    stand.meet(hosting, viewing, admit=False)
    incoming, attached = hosting.last(Incoming), viewing.last(Attached)
    assert isinstance(incoming, Incoming) and isinstance(attached, Attached)
    assert (incoming.near, attached.near) == (near, near)
