"""Hours in virtual time: relay, host and viewers, whole programs, whose viewers come, work, lose packets, move to
another address, fall asleep and go, round after round."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from avl_host.capture.pattern import PatternSource
from avl_protocol.wire.errors import Refused
from interop.bench.paths.nats import registered
from interop.bench.soak.growth import Sample, sample
from tests.simulator.run import Simulation, run
from tests.simulator.world import HOST, RELAY, RunningHost, System, system

#: Pictures a second, and their size: so that all links together carry at most 60 datagrams a second.
RATE, SIZE = 0.8, (160, 96)
#: Machines of viewers, and where each may move to.
VIEWERS = {"10.0.1.1": "10.0.2.1", "10.0.1.2": "10.0.2.2", "10.0.1.3": "10.0.2.3"}
#: Seconds that a viewer stays at most, and until the last connection that broke is forgotten.
STAYS, FORGOTTEN = 240.0, 60.0
#: How lossy a link becomes, and how long a machine sleeps.
LOSS, SLEEPS = 0.1, 45.0
WORDS = 8


async def trouble(simulation: Simulation, address: str, what: str) -> None:
    """Something happens to a viewer's machine or its way."""
    network = simulation.network
    machine = network.at(address)
    if what == "loss":
        places = [(machine.addresses[0], RELAY), (machine.addresses[0], HOST), (HOST, RELAY)]
        for one, other in places:
            network.change(one, other, loss=LOSS)
        await asyncio.sleep(15)
        for one, other in places:
            network.change(one, other, loss=0.0)
    elif what == "move":
        machine.set_addresses([VIEWERS[address] if machine.addresses == [address] else address])
    elif what == "sleep":
        machine.asleep = True
        await asyncio.sleep(SLEEPS)
        machine.asleep = False


async def visit(parts: System, host: RunningHost, address: str, chance: random.Random) -> None:
    """One viewer's stay."""
    simulation = parts.simulation
    machine = simulation.network.at(address)
    machine.set_addresses([address])
    await asyncio.sleep(chance.uniform(0, 30))
    ends = simulation.clock.monotonic() + chance.uniform(30, STAYS)
    name = f"viewer at {address}"
    async with parts.viewer(host, address=address, name=name, reconnect=True, direct=chance.random() < 0.3) as desktop:
        while simulation.clock.monotonic() < ends:
            await asyncio.sleep(chance.uniform(5, 25))
            await trouble(simulation, address, chance.choice(("nothing", "nothing", "loss", "move", "sleep")))
            try:
                await desktop.type("x" * WORDS)
                await desktop.clipboard.set(f"text at {ends}")
            except Refused:
                continue  # there is no way just now
        machine.asleep = chance.random() < 0.3  # it goes without a word
    machine.asleep = False


def soak(hours: float, seed: int, tell: Callable[[Sample, float], None]) -> list[Sample]:
    """Live for so long, and `tell` after each round what there is, and how many datagrams a second were sent."""
    chance = random.Random(seed)

    async def main(simulation: Simulation) -> list[Sample]:
        samples: list[Sample] = []
        now, network = simulation.clock.monotonic, simulation.network
        shows = PatternSource(now, SIZE, RATE)
        async with system(simulation) as parts, parts.host(size=SIZE, direct=True, shows=shows) as host:
            await registered(host)
            while now() < hours * 3600:
                began, sent = now(), network.sent
                await asyncio.gather(*(visit(parts, host, address, chance) for address in VIEWERS))
                await asyncio.sleep(FORGOTTEN)
                host.said[:] = [line for line in host.said if "report it" in line]  # what fails the run, at its end
                host.sink.events.clear()
                host.sink.typed = ""
                assert parts.relay_instance is not None
                samples.append(sample(now(), parts.relay_instance.snapshot()))
                tell(samples[-1], (network.sent - sent) / (now() - began))
        return samples

    return run(main, seed)[0]
