"""Crowds of strangers at a host's relay: who was never heard of and who was there before come in all the same."""

from __future__ import annotations

import pytest

from avl_protocol.wire.messages import Accept, Admit, Attach, Attached, Detach, Incoming
from avl_protocol.wire.registry import CloseCode
from avl_relay.forward.sessions import UNADMITTED
from tests.protocol.handshakes import identity
from tests.relay.stand import Neighbour, Stand

DEVICE = identity("host").number.to_bytes(17, "big")


class Siege(Stand):
    """A host whose relay is besieged: `strike` lets each of so many addresses ask for the host once."""

    def __init__(self, addresses: int) -> None:
        super().__init__()
        self.target = self.host()
        self._addresses = addresses
        self._asked = 0

    def strike(self) -> None:
        for number in range(self._addresses):
            self.now += 3.0 / self._addresses
            attacker = self.viewer(f"10.{number // 250}.{number % 250}.1")
            self._asked += 1
            attacker.say(Attach(DEVICE, self._asked.to_bytes(16, "big")))
            self.forget(attacker)  # it says no more, and stays

    def comes(self, address: str, moves: int = 0, session: bytes = b"honest viewer...") -> tuple[Neighbour, int]:
        """Somebody asks, and the host accepts: the handle. While they shake hands there is another strike."""
        viewer = self.viewer(address)
        viewer.say(Attach(DEVICE, session, moves))
        assert viewer.closed is None
        incoming = self.target.last(Incoming)
        assert isinstance(incoming, Incoming) and incoming.session == session
        self.target.say(Accept(incoming.handle))
        return viewer, incoming.handle

    def admit(self, viewer: Neighbour, handle: int) -> None:
        self.target.say(Admit(handle, (1,), (0, 1)))
        assert viewer.closed is None and not any(isinstance(message, Detach) for message in viewer.heard)
        assert isinstance(viewer.last(Attached), Attached) and viewer.connection.server.trusted


@pytest.mark.parametrize("addresses", [10, 100, 1000])
def test_a_new_viewer_comes_in_while_many_addresses_attack(addresses: int) -> None:
    siege = Siege(addresses)
    for at in range(3):
        siege.strike()
        viewer, handle = siege.comes(f"203.0.113.{at + 1}", session=bytes([at]) * 16)
        siege.strike()  # 3 s of it
        siege.admit(viewer, handle)


@pytest.mark.parametrize("addresses", [10, 1000])
def test_who_was_there_before_comes_back_at_once(addresses: int) -> None:
    siege = Siege(addresses)
    viewer, handle = siege.comes("203.0.113.1")
    siege.admit(viewer, handle)
    viewer.lost()
    for _ in range(3):
        siege.strike()
    for at in range(10):  # from where it was, with its ticket
        viewer, handle = siege.comes("203.0.113.1", session=bytes([at]) * 16)
        siege.admit(viewer, handle)
    moved, handle = siege.comes("198.51.100.1", moves=1)  # and from elsewhere, with its session
    siege.admit(moved, handle)


def test_one_attacker_with_many_connections_hurts_itself_alone() -> None:
    siege = Siege(1)
    for _ in range(40):
        siege.strike()
    refused = siege.viewer("10.0.0.1")
    siege.attach(refused)
    assert refused.closed == CloseCode.LIMIT
    siege.admit(*siege.comes("10.0.0.2"))


def test_where_all_places_are_taken_one_of_the_greediest_makes_room() -> None:
    stand = Stand()
    host = stand.host()
    crowd = []
    for number in range(UNADMITTED):
        viewer = stand.viewer("10.9.0.1" if number in (100, 200) else f"10.{number // 250}.{number % 250}.1")
        viewer.say(Attach(DEVICE, number.to_bytes(16, "big")))
        crowd.append(viewer)
        stand.forget(viewer)
    assert stand.router.sessions == UNADMITTED
    newcomer = stand.viewer("203.0.113.1")
    stand.attach(newcomer)
    assert newcomer.closed is None and stand.router.sessions == UNADMITTED
    gone = [message.handle for message in host.heard if isinstance(message, Detach)]
    incoming = [message for message in host.heard if isinstance(message, Incoming)]
    assert gone == [incoming[100].handle]
