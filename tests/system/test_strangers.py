"""Strangers at the port of a host that seeks direct paths: they learn nothing and cost nothing."""

from __future__ import annotations

import asyncio
import random

from avl_protocol.endpoint.udp.network import Batch
from avl_protocol.wire.registry import RawType
from tests.simulator.run import Simulation
from tests.simulator.world import HOST, system
from tests.system.seen import number, online, run, until

STRANGER = "203.0.113.66"


def initial(chance: random.Random, version: int = 1) -> bytes:
    """The first packet of a QUIC connection, as far as who has no keys can tell (RFC 9000, section 17.2.2)."""
    destination, source = chance.randbytes(20), chance.randbytes(8)
    header = bytes((0xC3,)) + version.to_bytes(4, "big") + bytes((20,)) + destination + bytes((8,)) + source + b"\0"
    body = (0x4000 | (1200 - len(header) - 2)).to_bytes(2, "big")
    return header + body + chance.randbytes(1200 - len(header) - 2)


def test_a_host_that_does_not_listen_answers_no_stranger_and_keeps_nothing_of_them() -> None:
    async def main(simulation: Simulation) -> None:
        chance = random.Random(4)
        async with system(simulation) as s, s.host(direct=True) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                paths = desktop.client.paths
                assert paths is not None
                await until(lambda: paths.current is not None and paths.current.relay is None)
                assert paths.current is not None
                port = paths.current.hop.carrier.peer_address
                heard: list[bytes] = []

                def hear(batch: Batch) -> None:
                    heard.extend(bytes(data) for data, _ in batch)

                stranger = simulation.network.at(STRANGER).bind(("", 0))
                stranger.set_receiver(hear)
                for _ in range(200):
                    junk = [
                        initial(chance),
                        initial(chance, 0x1A2A3A4A),  # a version that nobody speaks
                        bytes((RawType.PUNCH,)) + chance.randbytes(32),
                        bytes((RawType.ANSWER,)) + chance.randbytes(32),
                        bytes((RawType.LOCATE,)) + chance.randbytes(16),
                    ]
                    stranger.send_batch([(data, port) for data in junk])
                    await asyncio.sleep(0.01)
                assert heard == [] and simulation.network.link(HOST, STRANGER).sent == 0
                await desktop.type("undisturbed")
                assert host.sink.typed == "undisturbed"
                assert host.agent.subscribers.waiting is False
                await number(desktop)

    run(main)
