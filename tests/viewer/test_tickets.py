"""The tickets that hosts gave a viewer: kept over restarts, used once, and forgotten when the session was ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.wire import device_id, packing
from avl_viewer.tickets import TicketFile
from tests.protocol.handshakes import HOST, VIEWER, WALL

DEVICE, OTHER = HOST.number, VIEWER.number
TICKET = b"t" * 32


class Clock:
    now = float(WALL)

    def __call__(self) -> float:
        return self.now


class Store:
    """The tickets of a folder, by device."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock

    def of(self, device: int) -> TicketFile:
        return TicketFile(StateFolder(self._folder), device, self._clock)

    def save(self, device: int, ticket: bytes, seconds: int) -> None:
        self.of(device).save(ticket, seconds)
        assert self.of(device).waiting

    def keep(self, device: int) -> None:
        self.of(device).keep()

    def take(self, device: int) -> bytes:
        waits = self.of(device).waiting
        ticket = self.of(device).take()
        assert waits == bool(ticket)
        return ticket

    def forget(self, device: int) -> None:
        self.of(device).forget()


def store(folder: Path, clock: Clock | None = None) -> Store:
    return Store(folder, clock or Clock())


def test_a_ticket_outlives_a_restart_and_is_used_once(tmp_path: Path) -> None:
    store(tmp_path).save(DEVICE, TICKET, 600)
    assert store(tmp_path).take(OTHER) == b""
    assert store(tmp_path).take(DEVICE) == TICKET
    assert store(tmp_path).take(DEVICE) == b""


def test_a_ticket_that_the_host_no_longer_honours_is_not_presented(tmp_path: Path) -> None:
    clock = Clock()
    kept = store(tmp_path, clock)
    kept.save(DEVICE, TICKET, 600)
    kept.save(OTHER, TICKET, 600)
    clock.now += 599
    assert kept.take(DEVICE) == TICKET
    clock.now += 2
    assert kept.take(OTHER) == b""


def test_while_a_session_goes_on_its_ticket_does_not_grow_old(tmp_path: Path) -> None:
    clock = Clock()
    kept = store(tmp_path, clock)
    kept.save(DEVICE, TICKET, 600)
    clock.now += 500
    kept.keep(DEVICE)
    kept.keep(OTHER)
    clock.now += 500
    assert kept.take(DEVICE) == TICKET and kept.take(OTHER) == b""


def test_a_newer_ticket_takes_the_place_of_the_older(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.save(DEVICE, b"old" * 10, 600)
    kept.save(DEVICE, TICKET, 600)
    assert kept.take(DEVICE) == TICKET


def test_the_end_of_a_session_forgets_its_ticket(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.save(DEVICE, TICKET, 600)
    kept.forget(DEVICE)
    kept.forget(DEVICE)
    assert kept.take(DEVICE) == b""


def test_a_ticket_from_the_future_is_not_presented(tmp_path: Path) -> None:
    clock = Clock()
    kept = store(tmp_path, clock)
    kept.save(DEVICE, TICKET, 600)
    clock.now -= 3600
    assert kept.take(DEVICE) == b""


def test_others_can_not_read_it(tmp_path: Path) -> None:
    store(tmp_path).save(DEVICE, TICKET, 600)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files and all(path.stat().st_mode & 0o077 == 0 for path in files)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xff" * 9,
        packing.pack(5),
        packing.pack([TICKET]),
        packing.pack([TICKET, "now", 600]),
        packing.pack([TICKET, WALL, None]),
        packing.pack([None, WALL, 600]),
        packing.pack([5, WALL, 600]),
        packing.pack([-1, WALL, 600]),
        packing.pack(["ticket", WALL, 600]),
    ],
)
def test_a_damaged_file_means_that_the_code_is_asked_for(tmp_path: Path, data: bytes) -> None:
    StateFolder(tmp_path).write(f"ticket-{device_id.to_text(DEVICE)}", data)
    kept = store(tmp_path)
    kept.keep(DEVICE)
    assert kept.take(DEVICE) == b""
    kept.save(DEVICE, TICKET, 600)
    assert kept.take(DEVICE) == TICKET
