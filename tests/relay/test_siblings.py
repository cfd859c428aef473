"""Siblings: workers that tell each other what is where, over their sockets, in one process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from avl_protocol.endpoint.loop.clock import SystemClock
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.session.hop.server import HopServer
from avl_relay.directory import Place, WhereIs
from avl_relay.forward.table import Publisher
from avl_relay.workers.siblings import Siblings
from avl_relay.workers.worker import Worker

DEVICE, OTHER = 7, 8


class Table:
    """A router that has no host, and notes what it is told."""

    def __init__(self) -> None:
        self.given_up: list[int] = []
        self.located_at: list[tuple[int, Place]] = []

    def lend(self, peer: HopServer, device: int, now: float) -> Publisher | None:
        return None

    def borrow(self, peer: HopServer, device: int, media_handle: int, now: float) -> None:
        raise AssertionError("nobody lends anything")

    def has(self, device: int) -> bool:
        return False

    def give_up(self, device: int, now: float) -> None:
        self.given_up.append(device)

    def located(self, question: WhereIs, place: Place, now: float) -> None:
        self.located_at.append((question.id, place))

    def take(self, peer: HopServer, now: float) -> None:
        return


class One:
    """A worker, as far as its siblings are concerned."""

    def __init__(self, folder: Path, number: int, of: int) -> None:
        self.table = Table()
        self.packets: list[tuple[bytes, Address]] = []
        self.unused = socket.socket()
        worker = Worker(
            number=number,
            of=of,
            secret=b"",
            begun=0.0,
            folder=folder,
            udp=self.unused,
            twin=None,
            page=self.unused,
        )
        self.siblings = Siblings(
            worker,
            clock=SystemClock(),
            faults=Faults(),
            packet=lambda data, source: self.packets.append((data, source)),
            settled=lambda: None,
        )

    def knows(self, others: int) -> bool:
        """Whether it hears and is heard by so many."""
        counts = self.siblings.snapshot()
        return counts["heard"] == counts["feeds"] == others

    def lacks(self, device: int) -> bool:
        """Whether it knows of no other that has a device."""
        return not self.siblings.elsewhere(device)

    async def end(self) -> None:
        await self.siblings.close()
        self.unused.close()


@asynccontextmanager
async def workers(folder: Path, count: int) -> AsyncIterator[list[One]]:
    made = [One(folder, number, count) for number in range(count)]
    try:
        for one in made:
            await one.siblings.start(one.table)
        for one in made:
            await until(partial(one.knows, count - 1))
        yield made
    finally:
        for one in made:
            await one.end()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0)


async def test_what_registers_at_one_is_known_at_all_and_what_leaves_is_forgotten(tmp_path: Path) -> None:
    async with workers(tmp_path, 3) as (first, second, third):
        first.siblings.arrived(DEVICE, 1.0)
        for one in (second, third):
            await until(partial(one.siblings.elsewhere, DEVICE))
        assert not first.siblings.elsewhere(DEVICE)
        first.siblings.left(DEVICE, 2.0)
        for one in (second, third):
            await until(partial(one.lacks, DEVICE))


async def test_who_begins_late_is_told_all_and_tells_all(tmp_path: Path) -> None:
    async with workers(tmp_path, 2) as made:
        first, second = made
        first.siblings.arrived(DEVICE, 1.0)
        second.siblings.arrived(OTHER, 1.0)
        await until(lambda: first.siblings.elsewhere(OTHER))
        await second.end()
        await until(lambda: not first.siblings.elsewhere(OTHER))
        made[1] = again = One(tmp_path, 1, 2)
        await again.siblings.start(again.table)
        await until(lambda: again.siblings.elsewhere(DEVICE))
        again.siblings.arrived(OTHER, 2.0)
        await until(lambda: first.siblings.elsewhere(OTHER))


async def test_who_asks_a_worker_that_has_just_begun_waits_until_the_others_have_told_it(tmp_path: Path) -> None:
    async with workers(tmp_path, 3) as made:
        made[0].siblings.arrived(DEVICE, 1.0)
        await made[2].end()
        made[2] = again = One(tmp_path, 2, 3)
        await again.siblings.start(again.table)
        for number, device in enumerate((DEVICE, OTHER)):
            assert again.siblings.find(WhereIs(number, device), 0.0) is None
        forgotten = WhereIs(2, OTHER)
        assert again.siblings.find(forgotten, 0.0) is None
        again.siblings.forget(forgotten)
        await until(lambda: len(again.table.located_at) == 2)
        # The first was known by then, and asked for where it is: there is no host behind this table.
        assert sorted(again.table.located_at) == [(0, Place.NOWHERE), (1, Place.NOWHERE)]
        assert again.siblings.elsewhere(DEVICE) and not again.siblings.elsewhere(OTHER)
        assert again.siblings.find(WhereIs(3, OTHER), 0.0) is Place.NOWHERE


async def test_who_waits_for_a_worker_that_dies_before_it_has_told_is_answered(tmp_path: Path) -> None:
    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_unix_server(dies, tmp_path / "0"):
        one = One(tmp_path, 1, 2)
        await one.siblings.start(one.table)
        assert one.siblings.find(WhereIs(1, DEVICE), 0.0) is None
        await until(lambda: one.table.located_at)
        assert one.table.located_at == [(1, Place.NOWHERE)]
        await one.end()


async def test_of_two_registrations_the_later_one_stays(tmp_path: Path) -> None:
    async with workers(tmp_path, 2) as (first, second):
        first.siblings.arrived(DEVICE, 1.0)
        second.siblings.arrived(DEVICE, 2.0)
        await until(lambda: first.table.given_up and second.siblings.elsewhere(DEVICE))
        assert (first.table.given_up, second.table.given_up) == ([DEVICE], [])
        second.siblings.arrived(OTHER, 3.0)
        first.siblings.arrived(OTHER, 3.0)
        await until(lambda: first.siblings.elsewhere(OTHER) and second.siblings.elsewhere(OTHER))
        assert (first.table.given_up, second.table.given_up) == ([DEVICE, OTHER], [])


async def test_a_datagram_that_went_astray_is_handed_over(tmp_path: Path) -> None:
    async with workers(tmp_path, 3) as (first, second, third):
        first.siblings.hand_over(2, b"\x41" + bytes(1300), ("2001:db8::1", 4433))
        await until(lambda: third.packets)
        assert third.packets == [(b"\x41" + bytes(1300), ("2001:db8::1", 4433))] and not second.packets


async def test_a_host_that_is_not_there_any_more_is_nowhere(tmp_path: Path) -> None:
    async with workers(tmp_path, 2) as (first, second):
        assert first.siblings.find(WhereIs(1, DEVICE), 0.0) is Place.NOWHERE
        second.siblings.arrived(DEVICE, 1.0)
        await until(lambda: first.siblings.elsewhere(DEVICE))
        assert first.siblings.find(WhereIs(2, DEVICE), 0.0) is None
        assert first.siblings.find(WhereIs(3, DEVICE), 0.0) is None
        forgotten = WhereIs(4, DEVICE)
        assert first.siblings.find(forgotten, 0.0) is None
        first.siblings.forget(forgotten)
        await until(lambda: first.table.located_at)
        assert first.table.located_at == [(2, Place.NOWHERE), (3, Place.NOWHERE)]
        assert first.siblings.snapshot()["hosts waited for"] == 0
