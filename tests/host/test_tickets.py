"""The tickets of a host: once, for one identity, for a time, and never readable where they are kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from avl_host.sessions.tickets import MOST, TICKET_BYTES, TicketBook
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.session.hosting import Returned
from avl_protocol.wire import packing
from avl_protocol.wire.registry import Permission
from tests.protocol.handshakes import WALL, Seeded

FRIEND, THIEF = b"f" * 32, b"t" * 32
SESSION, OTHER = b"s" * 16, b"o" * 16
ALL = Permission(sum(Permission))
LIFETIME = 600.0


class Clock:
    now = float(WALL)

    def __call__(self) -> float:
        return self.now


class Kept:
    """A ticket book in a folder, opened as often as wanted."""

    def __init__(self, folder: Path, lifetime: float = LIFETIME) -> None:
        self.folder, self.clock, self._lifetime = folder, Clock(), lifetime
        self._entropy = Seeded("tickets")
        self.book = self.opened()

    def opened(self) -> TicketBook:
        self.book = TicketBook(StateFolder(self.folder), self._lifetime, self._entropy, self.clock)
        return self.book

    def issue(self, session: bytes = SESSION, permissions: Permission = ALL, viewer: bytes = FRIEND) -> bytes:
        ticket = self.book.issue(viewer, session, permissions)
        assert ticket is not None and len(ticket) == TICKET_BYTES
        return ticket


def test_a_ticket_admits_its_viewer_once_to_what_the_session_had(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    ticket = kept.issue(permissions=Permission.VIEW)
    assert kept.book.redeem(ticket, FRIEND) == Returned(Permission.VIEW)
    assert kept.book.redeem(ticket, FRIEND) is None
    assert kept.opened().redeem(ticket, FRIEND) is None


def test_a_ticket_that_another_presents_is_void_for_both(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    ticket = kept.issue()
    assert kept.book.redeem(ticket, THIEF) is None
    assert kept.book.redeem(ticket, FRIEND) is None


def test_a_ticket_nobody_issued_is_none(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.issue()
    assert kept.book.redeem(b"x" * 32, FRIEND) is None and kept.book.redeem(b"", FRIEND) is None


@pytest.mark.parametrize("restarts", [False, True])
def test_a_ticket_expires(tmp_path: Path, restarts: bool) -> None:
    kept = Kept(tmp_path)
    early, late = kept.issue(), kept.issue(OTHER)
    kept.clock.now += LIFETIME - 1
    book = kept.opened() if restarts else kept.book
    assert book.redeem(early, FRIEND) == Returned(ALL)
    kept.clock.now += 2
    book = kept.opened() if restarts else book
    assert book.redeem(late, FRIEND) is None


def test_while_a_session_goes_on_its_ticket_does_not_grow_old(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    ticket, other = kept.issue(), kept.issue(OTHER)
    kept.clock.now += LIFETIME - 1
    kept.book.keep(SESSION)
    kept.clock.now += LIFETIME - 1
    assert kept.opened().redeem(ticket, FRIEND) == Returned(ALL)
    assert kept.book.redeem(other, FRIEND) is None


def test_the_end_of_a_session_voids_its_ticket_and_no_other(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    ended, other = kept.issue(), kept.issue(OTHER)
    kept.book.revoke(SESSION)
    assert kept.opened().redeem(ended, FRIEND) is None
    assert kept.book.redeem(other, FRIEND) == Returned(ALL)


def test_a_session_has_one_ticket_at_a_time(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    first, second = kept.issue(), kept.issue()
    assert kept.book.redeem(first, FRIEND) is None
    assert kept.book.redeem(second, FRIEND) == Returned(ALL)


def test_a_host_that_keeps_no_sessions_gives_no_tickets(tmp_path: Path) -> None:
    assert Kept(tmp_path, 0.0).book.issue(FRIEND, SESSION, ALL) is None


def test_who_reads_the_file_can_not_come_in_with_it(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    ticket = kept.issue()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files and all(ticket not in path.read_bytes() for path in files)
    assert any(hashlib.sha256(ticket).digest() in path.read_bytes() for path in files)
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)


def test_the_oldest_tickets_go_first_when_there_are_too_many(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    tickets = [kept.issue(at.to_bytes(16, "big")) for at in range(MOST + 1)]
    assert kept.book.redeem(tickets[0], FRIEND) is None
    assert kept.book.redeem(tickets[1], FRIEND) == Returned(ALL) and kept.book.redeem(tickets[-1], FRIEND) == Returned(
        ALL
    )


ROW = [b"k" * 32, FRIEND, SESSION, 1, WALL + 5]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xff" * 40,
        packing.pack(5),
        packing.pack([5]),
        packing.pack([[1, 2, 3]]),
        packing.pack({1: 2}),
        packing.pack([[*ROW[:4], "soon"]]),
        packing.pack([[*ROW[:3], None, WALL + 5]]),
        packing.pack([[None, *ROW[1:]]]),
        packing.pack([[1 << 60, *ROW[1:]]]),
        packing.pack([ROW])[:-3],
        packing.pack([[*ROW, 6]]),
    ],
)
def test_a_damaged_file_costs_the_tickets_and_not_the_start(tmp_path: Path, data: bytes) -> None:
    StateFolder(tmp_path).write("tickets.bin", data)
    kept = Kept(tmp_path)
    assert kept.book.redeem(b"x" * 32, FRIEND) is None
    assert kept.book.redeem(kept.issue(), FRIEND) == Returned(ALL)


def test_a_clock_put_back_makes_no_ticket_live_longer_than_this_host_allows(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    ticket = kept.issue()
    kept.clock.now -= 86_400
    assert kept.opened().redeem(ticket, FRIEND) is None
