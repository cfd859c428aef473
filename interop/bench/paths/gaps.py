"""Gaps: for how long the picture stands still, and what becomes of the keys, when something happens to the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from avl_protocol.path.selector import PathKind
from avl_viewer.api import Desktop
from interop.bench.paths.nats import RELAY, SHAPE, direct_path, first_picture, registered, surround
from interop.bench.paths.watch import Watcher
from tests.simulator.host import SimulatedHost
from tests.simulator.nat import NatBox
from tests.simulator.run import Simulation, run
from tests.simulator.world import RunningHost, System, system

HOST, VIEWER = "192.168.1.2", "192.168.2.2"
HOST_NAT, VIEWER_NAT = "203.0.113.1", "203.0.113.2"
#: Another network that the viewer may come to have an address in.
ELSEWHERE = "203.0.113.77"
#: Round trip from end to end, and between two pictures, in seconds.
RTT, FRAME = 0.0203, 1 / 30


@dataclass(kw_only=True)
class Scene:
    """One system with somebody at work, to which something happens."""

    simulation: Simulation
    parts: System
    host: RunningHost
    desktop: Desktop
    watcher: Watcher

    @property
    def viewer_machine(self) -> SimulatedHost:
        """The viewer's machine."""
        return self.simulation.network.at(VIEWER)

    def box(self, public: str) -> NatBox:
        """A NAT by its public address."""
        return self.simulation.network.box(public)

    def cut(self, one: str, other: str, loss: float = 1.0) -> None:
        """Let a link lose everything, or nothing."""
        self.simulation.network.change(one, other, loss=loss)

    @property
    def kind(self) -> PathKind | None:
        """Which way the session is on."""
        paths = self.desktop._client._paths
        return paths.current.kind if paths is not None and paths.current is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What came of an event: the longest time without a picture in seconds, keys missing and doubled, pictures missing
    and shown twice, and the way afterwards."""

    seconds: float
    missing: int
    doubled: int
    lost: int
    twice: int
    path: str
    reason: str


Event = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An event, the way it happens to, and the longest gap that is good enough. `keys`: every key must arrive."""

    name: str
    event: Event
    direct: bool
    goal: float
    keys: bool = True
    #: Seconds after the event for which is watched.
    watch: float = 4.0


async def rebind_viewer(scene: Scene) -> None:
    """The viewer's NAT forgets it and says nothing."""
    scene.box(VIEWER_NAT).rebind()


async def rebind_host(scene: Scene) -> None:
    """The host's NAT forgets it and says nothing."""
    scene.box(HOST_NAT).rebind()


async def new_address(scene: Scene) -> None:
    """The viewer's address is gone, and there is another: break before make."""
    scene.viewer_machine.set_addresses([ELSEWHERE])


async def second_address(scene: Scene) -> None:
    """The viewer gets another address that is preferred, and loses the first one a second later: make before break."""
    scene.viewer_machine.set_addresses([ELSEWHERE, VIEWER])
    await asyncio.sleep(1.0)
    scene.viewer_machine.set_addresses([ELSEWHERE])


async def direct_dies(scene: Scene) -> None:
    """Nothing passes between viewer and host any more."""
    scene.cut(VIEWER, HOST)


async def direct_dies_upwards(scene: Scene) -> None:
    """Pictures come as before, but nothing passes from viewer to host any more."""
    scene.simulation.network.lose(VIEWER, HOST)


async def pause(scene: Scene) -> None:
    """Nothing passes anywhere for a second."""
    pairs = ((VIEWER, HOST), (VIEWER, RELAY), (HOST, RELAY))
    for pair in pairs:
        scene.cut(*pair)
    await asyncio.sleep(1.0)
    for pair in pairs:
        scene.cut(*pair, loss=0.0)


async def both_roam(scene: Scene) -> None:
    """Both ends get another address at once."""
    scene.viewer_machine.set_addresses([ELSEWHERE])
    scene.simulation.network.at(HOST).set_addresses(["203.0.113.88"])


async def relay_restarts(scene: Scene) -> None:
    """The relay is killed, and is back half a second later."""
    relay = scene.parts.relay_instance
    assert relay is not None and relay._endpoint is not None
    for end in (VIEWER, HOST):
        scene.cut(RELAY, end)
    await relay._endpoint.close()
    await asyncio.sleep(0.5)
    for end in (VIEWER, HOST):
        scene.cut(RELAY, end, loss=0.0)
    await scene.parts.start_relay()


async def lid(scene: Scene) -> None:
    """The viewer sleeps for a minute."""
    scene.viewer_machine.asleep = True
    await asyncio.sleep(60.0)
    scene.viewer_machine.asleep = False


CASES = (
    Case(name="NAT rebinding, relayed", event=rebind_viewer, direct=False, goal=0.2 + RTT + FRAME),
    Case(name="host's NAT rebinding, relayed", event=rebind_host, direct=False, goal=0.2 + RTT + FRAME),
    Case(name="new address, relayed", event=new_address, direct=False, goal=2 * RTT + 0.02 + FRAME),
    Case(name="second address first, relayed", event=second_address, direct=False, goal=2 * FRAME),
    Case(name="one second of nothing, relayed", event=pause, direct=False, goal=1.0 + 0.25 + 3 * RTT + FRAME),
    Case(name="direct way dies", event=direct_dies, direct=True, goal=0.25 + RTT + FRAME),
    Case(name="direct way dies upwards", event=direct_dies_upwards, direct=True, goal=0.4 + RTT + FRAME),
    Case(name="NAT rebinding, direct", event=rebind_viewer, direct=True, goal=0.25 + RTT + FRAME),
    Case(name="new address, direct", event=new_address, direct=True, goal=0.25 + RTT + FRAME),
    Case(name="both ends roam, direct", event=both_roam, direct=True, goal=1.0),
    Case(name="relay restarts, direct", event=relay_restarts, direct=True, goal=2 * FRAME),
    Case(name="relay restarts, relayed", event=relay_restarts, direct=False, goal=2.5, watch=6.0),
    Case(name="a minute's sleep, direct", event=lid, direct=True, goal=61.0, keys=False, watch=6.0),
)


def happen(case: Case, seed: int) -> Gap:
    """One run of a case."""

    async def main(simulation: Simulation) -> Gap:
        now = simulation.clock.monotonic
        network = simulation.network
        host_ip = surround(network, HOST, HOST_NAT, "restricted")
        viewer_ip = surround(network, VIEWER, VIEWER_NAT, "restricted")
        async with system(simulation, RELAY, host_ip) as parts, parts.host(direct=case.direct) as host:
            await registered(host)
            async with parts.viewer(host, address=viewer_ip, reconnect=True) as desktop:
                await first_picture(desktop)
                if case.direct and not await direct_path(desktop):
                    raise AssertionError("no direct way")
                await asyncio.sleep(2.0 + simulation.entropy(1)[0] / 2560)
                watcher = Watcher(desktop, host, now)
                await asyncio.sleep(1.0)
                since = now()
                await case.event(Scene(simulation=simulation, parts=parts, host=host, desktop=desktop, watcher=watcher))
                await asyncio.sleep(case.watch)
                until = now()
                await watcher.stop()
                stats = desktop.stats()
                reason = stats["switch"]["reason"] if stats["switch"] else ""
                return Gap(
                    seconds=watcher.gap(since, until),
                    missing=watcher.missing(),
                    doubled=watcher.doubled(),
                    lost=watcher.lost_pictures(since - 0.5, until),
                    twice=watcher.twice(),
                    path=stats["path"],
                    reason=reason,
                )

    async def limited(simulation: Simulation) -> Gap:
        async with asyncio.timeout(300):
            return await main(simulation)

    return run(limited, seed, SHAPE)[0]
