"""A still screen costs a beacon a second and its acknowledgement, and a host that nobody watches less."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulator.run import Simulation
from tests.simulator.world import HOST, RELAY, VIEWER, system
from tests.system.seen import behind, number, online, run

HOPS = ((HOST, RELAY), (RELAY, VIEWER))
#: Bytes around each datagram on a cable: Ethernet, IPv4 and UDP.
AROUND = 14 + 20 + 8
#: Seconds that are counted.
COUNTED = 30


@pytest.mark.parametrize("watched", [True, False])
def test_a_still_screen_costs_at_most_250_bytes_and_three_datagrams_a_second_on_each_hop(watched: bool) -> None:
    async def main(simulation: Simulation) -> None:
        network = simulation.network

        async def count(name: str) -> None:
            def both(one: str, other: str) -> tuple[int, int]:
                ways = network.link(one, other), network.link(other, one)
                datagrams = sum(way.sent for way in ways)
                return sum(way.bytes for way in ways) + datagrams * AROUND, datagrams

            start = {hop: both(*hop) for hop in HOPS}
            await asyncio.sleep(COUNTED)
            for hop, before in start.items():
                size, datagrams = ((now - then) / COUNTED for now, then in zip(both(*hop), before, strict=True))
                assert size <= 250 and datagrams <= 3, (name, hop, size, datagrams)

        async with system(simulation) as s, s.host() as host:
            await online(host)
            if not watched:
                await count("nobody watches")
                assert host.source.number == -1 or not host.agent.publisher.ready()
                return
            async with s.viewer(host) as desktop:
                await number(desktop)
                host.source.set_still(True)
                await asyncio.sleep(0.5)  # what it shows now has come
                assert (await desktop.screenshot(settle=5)).exact
                await asyncio.sleep(6)  # probes end five seconds after the last change
                newest = [sender.newest for sender in host.agent.publisher.publications[0].senders]
                await count("still")
                after = [sender.newest for sender in host.agent.publisher.publications[0].senders]
                assert after == newest  # not one object was sent
                host.source.set_still(False)
                await asyncio.sleep(0.3)
                assert await behind(desktop, host.source) <= 4

    run(main)
