"""Port: a socket of a simulated host that keeps what it hears, for tests of the network itself."""

from __future__ import annotations

import asyncio

from avl_protocol.endpoint.udp.network import Address, Batch
from tests.simulator.host import SimulatedHost
from tests.simulator.run import Simulation


class Port:
    """A socket bound to one address of a host, or to every one, and what came to it."""

    def __init__(self, host: SimulatedHost, ip: str = "", number: int = 0) -> None:
        self.socket = host.bind((ip, number))
        self.number = self.socket.local_address[1]
        self.heard: list[tuple[bytes, Address]] = []
        self.socket.set_receiver(self._hear)

    def _hear(self, batch: Batch) -> None:
        self.heard.extend((data, (source[0], source[1])) for data, source in batch)

    async def say(self, *targets: Address | tuple[str, int, str], data: bytes = b"?") -> None:
        """Send to each target and let it all arrive."""
        self.socket.send_batch([(data, target) for target in targets])
        await asyncio.sleep(0.1)

    def sources(self) -> list[Address]:
        """Who was heard since the last call."""
        found = [source for _, source in self.heard]
        self.heard.clear()
        return found


def at(sim: Simulation, ip: str, number: int = 0) -> Port:
    """A socket bound to every address of the host that began with `ip`."""
    return Port(sim.network.at(ip), "", number)
