"""A relay as a service, in one process and in several: who answers, and when it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.program.localcontrol import ask
from avl_relay.config import RelaySettings
from avl_relay.operators.console import SOCKET, STATUS, socket_of
from avl_relay.operators.service import Ending, ServiceSettings, serve
from avl_relay.relay import Relay


class Running:
    """One process of a relay, for a test: all of them in this one."""

    def __init__(self, folder: Path, number: int, of: int) -> None:
        world = system_world()
        settings = RelaySettings(state=folder, listen=("127.0.0.1", 0), http=("", 0), public="127.0.0.1")
        self.relay = Relay(world, settings, simulated=True)
        self.ending, self._started = Ending(), asyncio.Event()
        service = ServiceSettings(folder=folder, number=number, of=of)
        self.task = asyncio.create_task(
            serve(self.relay, world.clock, service, started=self._started.set, ending=self.ending)
        )

    async def started(self) -> Running:
        async with asyncio.timeout(20):
            await self._started.wait()
        return self


async def test_the_first_of_several_processes_answers_for_the_relay(tmp_path: Path) -> None:
    first = await Running(tmp_path, 0, 2).started()
    second = await Running(tmp_path, 1, 2).started()
    assert (await asyncio.to_thread(ask, tmp_path / SOCKET, STATUS))["processes"] == 2
    assert (await asyncio.to_thread(ask, tmp_path / socket_of(1), STATUS))["processes"] == 1
    second.ending.politely()
    assert await second.task == ""
    assert (await asyncio.to_thread(ask, tmp_path / SOCKET, STATUS))["processes"] == 1, "the others go on"
    first.ending.at_once()
    assert await first.task == ""
    assert [path.name for path in tmp_path.iterdir() if path.is_socket()] == []


async def test_a_relay_that_fails_ends_with_its_sentence(tmp_path: Path) -> None:
    running = await Running(tmp_path, 0, 1).started()
    assert running.relay.accepting and running.relay.failed is not None
    running.relay.failed.set_result("it fails again and again")
    assert await running.task == "it fails again and again"


def test_who_is_asked_twice_to_end_does_not_wait() -> None:
    ending = Ending()
    ending.politely()
    assert ending.asked.is_set() and not ending.now.is_set()
    ending.politely()
    assert ending.now.is_set()
