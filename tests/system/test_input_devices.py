"""Movements, fingers and pens from a viewer's program to a host's sink, in virtual time (spec 04-session, 4.6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from avl_host.input.sink import PenSample
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import InputDevice, InputKind, PenState, TouchPhase
from avl_viewer.api import Desktop
from tests.simulator.run import Simulation
from tests.simulator.world import VIEWER, RunningHost, System, system
from tests.system.seen import online, run, until

TOUCH, PEN = int(InputKind.TOUCH), int(InputKind.PEN)
EVERYTHING = InputDevice.RELATIVE | InputDevice.TOUCH | InputDevice.PEN | InputDevice.SMOOTH_WHEEL


@asynccontextmanager
async def online_viewer(s: System, host: RunningHost) -> AsyncIterator[Desktop]:
    """A viewer of a host that can be reached."""
    await online(host)
    async with s.viewer(host) as desktop:
        yield desktop


def test_what_a_host_takes_arrives_there_and_what_it_does_not_take_is_refused() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host, online_viewer(s, host) as desktop:
            await until(lambda: desktop._presenter.taken == EVERYTHING)
            await desktop.move_by(30, -4)
            await desktop.client.send_input([(TOUCH, 5, int(TouchPhase.BEGIN), 7, 8), (PEN, 1, 2, 3, 4, 5, 3)])
            assert host.sink.events == [
                ("move_by", 30, -4),
                ("touch", 0, int(TouchPhase.BEGIN), 7, 8),
                ("pen", PenSample(1, 2, 3, 4, 5, PenState.NEAR | PenState.TIP)),
            ]
            assert host.sink.held == {("finger", 0), ("pen", 0)}

        async with system(simulation) as s, s.host() as host:
            host.sink.devices = InputDevice(0)
            async with online_viewer(s, host) as desktop:
                await until(lambda: desktop._presenter.state is not None)
                with pytest.raises(Refused, match="takes no such input"):
                    await desktop.move_by(1, 1)
                with pytest.raises(Refused):
                    await desktop.client.send_input([(TOUCH, 5, 0, 7, 8)])
                assert host.sink.events == []

    run(main)


def test_fingers_and_pens_are_lifted_when_their_viewer_falls_silent() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host, online_viewer(s, host) as desktop:
            await until(lambda: desktop._presenter.taken == EVERYTHING)
            await desktop.client.send_input([(TOUCH, 5, 0, 7, 8), (PEN, 1, 2, 3, 0, 0, 3)])
            simulation.network.at(VIEWER).asleep = True
            await until(lambda: not host.sink.held, 10)
            assert host.sink.events[-2:] == [
                ("touch", 0, int(TouchPhase.END), 7, 8),
                ("pen", PenSample(1, 2, 0, 0, 0, PenState(0))),
            ]

    run(main)
