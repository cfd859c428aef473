"""Seeking the direct path: where punches go, and what a relay or a host that lies or repeats itself can make of
them."""

from __future__ import annotations

from avl_protocol.endpoint.addresses.interfaces import FixedInterfaces, LocalAddress
from avl_protocol.endpoint.addresses.whereabouts import Whereabouts
from avl_protocol.path.candidate import Address
from avl_protocol.path.punch import PunchKey
from avl_protocol.path.puncher import Puncher
from avl_protocol.wire.endtoend import Candidates
from avl_protocol.wire.registry import CandidateKind
from avl_viewer.paths.seeker import Found, Punch, Seeker
from tests.protocol.handshakes import Seeded

KEY = b"k" * 32
PUBLIC, OTHER = ("203.0.113.5", 4000), ("198.51.100.6", 4001)


class Seeking:
    """A seeker behind one address, admitted at 0."""

    def __init__(self) -> None:
        self.punches: list[Punch] = []
        self.found: list[Found] = []
        self.where = Whereabouts(FixedInterfaces([LocalAddress("192.168.1.7", 24, "eth0")]), lambda: 5000)
        self.seeker = Seeker(key=KEY, whereabouts=self.where, entropy=Seeded("seeker"))
        self.seeker.start(0.0)

    def take(self) -> set[Address]:
        """Take what came of the search; who is punched."""
        self.punches = []
        while (event := self.seeker.next_event()) is not None:
            if isinstance(event, Punch):
                self.punches.append(event)
            elif isinstance(event, Found):
                self.found.append(event)
        return {punch.address for punch in self.punches}

    def told(self, serial: int, *addresses: Address) -> set[Address]:
        """The host's candidates; who is punched at once."""
        self.seeker.candidates(Candidates(serial, tuple((int(CandidateKind.OBSERVED), *one) for one in addresses)), 0.0)
        return self.take()


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
    assert OTHER in seeking.take()
    for punch in seeking.punches:
        if punch.address == OTHER:
            host.receive(punch.data, ("203.0.113.9", 5000), 0.03)
            stranger.receive(punch.data, ("203.0.113.9", 5000), 0.03)
    for data, _ in stranger.take_output():
        seeking.seeker.raw(data, PUBLIC, 0.04)
    for data, _ in host.take_output():
        seeking.seeker.raw(data, OTHER, 0.04)
        seeking.seeker.raw(data, OTHER, 0.041)
    seeking.seeker.handle_timer(0.1)
    seeking.take()
    assert [(found.address, found.lan) for found in seeking.found] == [(OTHER, False)]
