"""Chaos: ways come and go at random for a while, and what must hold whatever happens is held against what did.

No key arrives twice or late, texts of the clipboard arrive in their order, and once a way exists the picture is no
older than its bound.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from avl_protocol.wire.errors import Refused
from avl_viewer.api import Desktop
from interop.bench.paths.gaps import ELSEWHERE, HOST, HOST_NAT, VIEWER, VIEWER_NAT, Scene
from interop.bench.paths.nats import RELAY, SHAPE, first_picture, registered, surround
from interop.bench.paths.watch import Watcher
from tests.simulator.run import Simulation, run
from tests.simulator.world import system

#: Seconds of trouble, and of calm after it, in which everything has to come back.
TROUBLE, CALM = 12.0, 6.0
#: Seconds that the last picture may be old in the calm.
BOUND = 0.5
#: Keys that were made so long before they arrived were too old to be applied.
OLD = 2.0 + 0.2
PAIRS = ((VIEWER, HOST), (VIEWER, RELAY), (HOST, RELAY))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one run broke, in sentences; nothing, it is hoped. `moves`: changes of way that it took."""

    broken: tuple[str, ...]
    events: tuple[str, ...]
    arrived: int
    missing: int


async def trouble(scene: Scene, chance: random.Random, log: list[str]) -> None:
    """Random events until TROUBLE is over; everything that was cut is mended then."""
    now = scene.simulation.clock.monotonic
    end = now() + TROUBLE
    while now() < end:
        await asyncio.sleep(chance.uniform(0.1, 2.5))
        what = chance.choice(("cut", "cut", "cut", "one way", "rebind", "rebind", "roam", "sleep", "restart"))
        log.append(f"{now():.2f} {what}")
        if what == "cut":
            pairs = chance.sample(PAIRS, chance.randint(1, 3))
            for pair in pairs:
                scene.cut(*pair)
            await asyncio.sleep(chance.choice((0.05, 0.3, 1.0, 2.5, 6.0)))
            for pair in pairs:
                scene.cut(*pair, loss=0.0)
        elif what == "one way":
            pair = chance.choice(PAIRS)
            scene.simulation.network.lose(*chance.sample(pair, 2))
            await asyncio.sleep(chance.choice((0.3, 1.0, 6.0)))
            scene.cut(*pair, loss=0.0)
        elif what == "rebind":
            scene.box(chance.choice((HOST_NAT, VIEWER_NAT))).rebind()
        elif what == "roam":
            machine = scene.viewer_machine
            machine.set_addresses([VIEWER if machine.addresses == [ELSEWHERE] else ELSEWHERE])
        elif what == "sleep":
            scene.viewer_machine.asleep = True
            await asyncio.sleep(chance.choice((0.5, 3.0, 10.0)))
            scene.viewer_machine.asleep = False
        else:
            relay = scene.parts.relay_instance
            assert relay is not None
            await relay.close()
            await asyncio.sleep(chance.choice((0.1, 1.0, 4.0)))
            await scene.parts.start_relay()


async def copy(desktop: Desktop, sent: list[str]) -> None:
    """Set the host's clipboard again and again."""
    while True:
        text = f"clip {len(sent)}"
        sent.append(text)
        try:
            await desktop.clipboard.set(text)
        except Refused:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.3)


def live(seed: int) -> Verdict:
    """One run."""
    chance = random.Random(seed)
    log: list[str] = []

    async def main(simulation: Simulation) -> Verdict:
        now = simulation.clock.monotonic
        network = simulation.network
        host_ip = surround(network, HOST, HOST_NAT, chance.choice(("restricted", "restricted", "symmetric")))
        viewer_ip = surround(network, VIEWER, VIEWER_NAT, "restricted")
        async with system(simulation, RELAY, host_ip) as parts, parts.host(direct=True) as host:
            await registered(host)
            applied: list[tuple[int, float]] = []
            press = host.sink.key

            def keep(usage: int, down: bool, modifiers: int, text: str) -> None:
                if down:
                    applied.append((int(text.rstrip(".")), now()))
                press(usage, down, modifiers, text)

            host.sink.key = keep  # type: ignore[method-assign]
            clips: list[str] = []
            take = host.clipboard.set

            def clip(value: str) -> bool:
                clips.append(value)
                return take(value)

            host.clipboard.set = clip  # type: ignore[method-assign, assignment]
            async with parts.viewer(host, address=viewer_ip, reconnect=True) as desktop:
                await first_picture(desktop)
                watcher = Watcher(desktop, host, now)
                sent: list[str] = []
                copying = asyncio.get_running_loop().create_task(copy(desktop, sent))
                await trouble(
                    Scene(simulation=simulation, parts=parts, host=host, desktop=desktop, watcher=watcher), chance, log
                )
                await asyncio.sleep(CALM)
                copying.cancel()
                calm = now()
                age = calm - watcher.pictures[-1][0]
                await watcher.stop()
                return judge(watcher, applied, clips, age, tuple(log), calm)

    async def limited(simulation: Simulation) -> Verdict:
        async with asyncio.timeout(400):
            return await main(simulation)

    return run(limited, seed, SHAPE)[0]


def judge(
    watcher: Watcher, applied: list[tuple[int, float]], clips: list[str], age: float, log: tuple[str, ...], calm: float
) -> Verdict:
    """What was broken."""
    made = dict(watcher.typed)
    broken = []
    if watcher.doubled():
        broken.append(f"{watcher.doubled()} keys came twice or out of order")
    late = [number for number, at in applied if number in made and at - made[number] > OLD]
    if late:
        broken.append(f"{len(late)} keys were applied too late, the first is {late[0]}")
    if watcher.missing(calm - 2.0, calm):
        broken.append("keys were lost although all was calm")
    numbers = [int(text.split()[1]) for text in clips]
    if numbers != sorted(set(numbers)):
        broken.append("texts of the clipboard came twice or out of order")
    if age > BOUND:
        broken.append(f"the picture was {age:.2f} s old in the calm")
    if watcher.twice():
        broken.append(f"{watcher.twice()} pictures were shown twice")
    return Verdict(tuple(broken), log, len(watcher.arrived()), watcher.missing())
