"""Gaps: for how long the picture stands still, and what becomes of the keys, when something happens to the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from avl_protocol.path.selector import WayKind
from avl_viewer.api import Desktop
from interop.bench.paths.nats import RELAY, SHAPE, direct_way, first_picture, registered, surround
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


@dataclass
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
    def kind(self) -> WayKind | None:
        """Which way the session is on."""
        ways = self.desktop._client._ways
        return ways.current.kind if ways is not None and ways.current is not None else None


@dataclass(frozen=True, slots=True)
class Gap:
    """What came of an event: the longest time without a picture in seconds, keys missing and doubled, pictures missing
    and shown twice, and the way afterwards."""

    seconds: float
    missing: int
    doubled: int
    lost: int
    twice: int
    way: str
    reason: str


Event = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True, slots=True)
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
    Case("NAT rebinding, relayed", rebind_viewer, False, 0.2 + RTT + FRAME),
    Case("host's NAT rebinding, relayed", rebind_host, False, 0.2 + RTT + FRAME),
    Case("new address, relayed", new_address, False, 2 * RTT + 0.02 + FRAME),
    Case("second address first, relayed", second_address, False, 2 * FRAME),
    Case("one second of nothing, relayed", pause, False, 1.0 + 0.25 + 3 * RTT + FRAME),
    Case("direct way dies", direct_dies, True, 0.25 + RTT + FRAME),
    Case("direct way dies upwards", direct_dies_upwards, True, 0.4 + RTT + FRAME),
    Case("NAT rebinding, direct", rebind_viewer, True, 0.25 + RTT + FRAME),
    Case("new address, direct", new_address, True, 0.25 + RTT + FRAME),
    Case("both ends roam, direct", both_roam, True, 1.0),
    Case("relay restarts, direct", relay_restarts, True, 2 * FRAME),
    Case("relay restarts, relayed", relay_restarts, False, 2.5, watch=6.0),
    Case("a minute's sleep, direct", lid, True, 61.0, keys=False, watch=6.0),
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
                if case.direct and not await direct_way(desktop):
                    raise AssertionError("no direct way")
                await asyncio.sleep(2.0 + simulation.entropy(1)[0] / 2560)
                watcher = Watcher(desktop, host, now)
                await asyncio.sleep(1.0)
                since = now()
                await case.event(Scene(simulation, parts, host, desktop, watcher))
                await asyncio.sleep(case.watch)
                until = now()
                await watcher.stop()
                stats = desktop.stats()
                reason = stats["switch"]["reason"] if stats["switch"] else ""
                return Gap(
                    watcher.gap(since, until), watcher.missing(), watcher.doubled(),
                    watcher.lost_pictures(since - 0.5, until), watcher.twice(), stats["path"], reason,
                )  # fmt: skip

    async def limited(simulation: Simulation) -> Gap:
        async with asyncio.timeout(300):
            return await main(simulation)

    return run(limited, seed, SHAPE)[0]
