"""Seeking the direct path: where punches go, and what a relay or a host that lies or repeats itself can make of
them."""

from __future__ import annotations

from typing import Any, cast

from avl_protocol.endpoint.addresses.interfaces import FixedInterfaces, LocalAddress
from avl_protocol.endpoint.addresses.whereabouts import Whereabouts
from avl_protocol.path.candidate import Address
from avl_protocol.path.punch import PunchKey
from avl_protocol.path.puncher import Puncher
from avl_protocol.wire.endtoend import Candidates
from avl_protocol.wire.registry import CandidateKind
from avl_viewer.paths.seeker import Seeker
from tests.protocol.handshakes import Seeded

KEY = b"k" * 32
PUBLIC, OTHER = ("203.0.113.5", 4000), ("198.51.100.6", 4001)


class Socket:
    """An endpoint that remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Address]] = []

    def send_raw(self, data: bytes, address: Address) -> None:
        self.sent.append((data, address))

    def take(self) -> set[Address]:
        sent = {address for _, address in self.sent}
        self.sent.clear()
        return sent


class Seeking:
    """A seeker behind one address, admitted at 0."""

    def __init__(self) -> None:
        self.socket = Socket()
        self.said: list[Candidates] = []
        self.found: list[tuple[Address, bytes, bool]] = []
        self.where = Whereabouts(FixedInterfaces([LocalAddress("192.168.1.7", 24, "eth0")]), lambda: 5000)
        self.seeker = Seeker(
            key=KEY,
            endpoint=cast(Any, self.socket),
            whereabouts=self.where,
            entropy=Seeded("seeker"),
            send=self.said.append,
            found=lambda address, destination, lan, now: self.found.append((address, destination, lan)),
        )
        self.seeker.start(0.0)

    def told(self, serial: int, *addresses: Address) -> set[Address]:
        """The host's candidates; who is punched at once."""
        self.seeker.candidates(Candidates(serial, tuple((int(CandidateKind.OBSERVED), *one) for one in addresses)), 0.0)
        return self.socket.take()


def test_candidates_that_are_repeated_or_older_change_nothing() -> None:
    seeking = Seeking()
    assert seeking.told(5, PUBLIC) == {PUBLIC}
    assert seeking.told(5, OTHER) == seeking.told(4, OTHER) == set()
    assert seeking.told(6, OTHER) == {OTHER}


def test_nobody_is_punched_who_cannot_be_one_other_machine() -> None:
    seeking = Seeking()
    forbidden = ["224.0.0.1", "255.255.255.255", "127.0.0.1", "0.0.0.0", "10.9.9.9", "192.168.1.7", "192.168.1.255"]
    assert seeking.told(1, *((ip, 4000) for ip in forbidden)) == set()
    assert seeking.told(2, ("192.168.1.9", 4000)) == {("192.168.1.9", 4000)}, "a neighbour"


def test_a_connection_is_opened_where_the_host_has_answered_and_nowhere_else() -> None:
    seeking = Seeking()
    seeking.told(1, PUBLIC, OTHER)
    host = Puncher(PunchKey(KEY), False, Seeded("host"))
    stranger = Puncher(PunchKey(b"x" * 32), False, Seeded("stranger"))
    seeking.seeker.handle_timer(0.02)
    for data, address in seeking.socket.sent:
        if address == OTHER:
            host.receive(data, ("203.0.113.9", 5000), 0.03)
            stranger.receive(data, ("203.0.113.9", 5000), 0.03)
    for data, _ in stranger.take_output():
        seeking.seeker.raw(data, PUBLIC, 0.04)
    for data, _ in host.take_output():
        seeking.seeker.raw(data, OTHER, 0.04)
        seeking.seeker.raw(data, OTHER, 0.041)
    seeking.seeker.handle_timer(0.1)
    assert [(address, lan) for address, _, lan in seeking.found] == [(OTHER, False)]
