"""Sessions that come, move to a direct path, are lost, come back with a ticket and end leave nothing at any program."""

from __future__ import annotations

import asyncio

from avl_protocol.quic.sentpackets import SentPacket
from tests.leaks import Kept, kept, nothing_stays
from tests.simulator.run import Simulation, run
from tests.simulator.world import VIEWER, RunningHost, System, system
from tests.system.seen import number, online, until

#: Seconds until the last connection that broke is forgotten.
FORGOTTEN = 45.0
#: Packets that two hops have under way, at most.
UNDER_WAY = 200


async def session(s: System, host: RunningHost, turn: int) -> None:
    """One viewer that does a little, by turns through the relay, directly, and with a loss in between."""
    async with s.viewer(host, reconnect=True, direct=turn % 3 == 1) as desktop:
        await number(desktop)
        await desktop.type("a")
        await desktop.clipboard.set(f"text {turn}")
        if turn % 3 == 1:
            paths = desktop.client.paths
            assert paths is not None
            await until(lambda: paths.current is not None and paths.current.relay is None)
        if turn % 3 == 2:
            machine = s.simulation.network.at(VIEWER)
            machine.asleep = True
            await asyncio.sleep(45)  # longer than its hop lives
            machine.asleep = False
            presenter = desktop.presenter
            await asyncio.sleep(1)
            await until(lambda: presenter.state is not None and presenter.state.stage == "running", 60)
            await desktop.type("b")


async def left() -> Kept:
    """What is held once all that broke is forgotten. Packets of hops that live are no part of it: an acknowledgement
    stays until one of its own comes back."""
    await asyncio.sleep(FORGOTTEN)
    held = kept()
    assert held.objects.pop(SentPacket, 0) < UNDER_WAY
    return held


def test_sessions_leave_nothing_at_relay_host_and_viewer() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(direct=True) as host:
            await online(host)
            for turn in range(3):
                await session(s, host, turn)
            before = await left()
            for turn in range(3):
                await session(s, host, turn)
            nothing_stays(before, await left(), 3, 400.0, 60.0)

    run(main)
