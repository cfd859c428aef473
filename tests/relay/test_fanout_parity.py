"""A relay on lossy hops: it fills its own gaps, protects each viewer as its hop is worth, and makes the host wait."""

from __future__ import annotations

from avl_protocol.media import parity
from avl_protocol.media.packetizer import packetize
from avl_protocol.wire import datagram
from avl_protocol.wire.messages import HopRate, Viewers
from avl_protocol.wire.registry import DatagramType
from tests.relay.test_fanout import KEY, Audience, objects


def kinds(audience: Audience, at: int) -> list[int]:
    return [datagram.decode(data)[0].type for data in audience.viewers[at].told.datagrams]


def test_a_gap_of_the_upload_is_filled_from_parity_and_passed_on_once() -> None:
    audience = Audience(1)
    sealed = bytes(range(250)) * 20
    pieces = packetize(sealed, audience.host.media_handle, 1, 0, KEY)
    rows = parity.make(sealed, audience.host.media_handle, 1, 0, KEY, range(2))
    audience.raw(*pieces[:1], *pieces[2:], *rows, pieces[1])
    got = sorted(audience.viewers[0].told.datagrams)
    assert got == sorted(pieces), "every fragment once, whether it came or was worked out"


def test_each_viewer_gets_the_parity_that_its_own_hop_is_worth() -> None:
    audience = Audience(2)
    audience.viewers[0].connection.server.rows = 2
    audience.send(6000, key=True)
    assert kinds(audience, 0).count(DatagramType.PARITY) == 2
    assert kinds(audience, 1).count(DatagramType.PARITY) == 0
    assert objects(audience.viewers[1], 6000) == [0]


def test_what_measures_a_hop_is_parity_of_the_newest_object() -> None:
    audience = Audience(1)
    assert audience.viewers[0].connection.server.spare is not None
    assert list(audience.viewers[0].connection.server.spare(4, 0.0)) == []
    audience.send(6000, key=True)
    spare = audience.viewers[0].connection.server.spare(4, 0.0)
    assert [datagram.decode(data)[0].type for data in spare] == [DatagramType.PARITY] * 4


def test_a_full_hop_makes_the_host_wait_at_once_and_again_while_it_lasts() -> None:
    audience = Audience(1)
    audience.viewers[0].connection.server.rate = 2e6
    audience.send(key=True)
    told = len([m for m in audience.host.heard if isinstance(m, Viewers) and m.hold_ms])
    assert told == 0
    audience.viewers[0].connection.server.held = True
    for _ in range(5):
        audience.send()
    assert sum(isinstance(m, Viewers) and m.hold_ms > 0 for m in audience.host.heard) == 5


def test_a_viewer_is_told_how_its_hop_does() -> None:
    audience = Audience(1)
    audience.viewers[0].connection.server.rate = 3e6
    for _ in range(90):
        audience.send(key=True)
    told = [m for m in audience.viewers[0].heard if isinstance(m, HopRate)]
    assert 2 <= len(told) <= 4
    assert told[-1].figures[0] == 3_000_000
