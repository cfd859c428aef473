"""NAT pairs: does the direct path open, how soon after the first picture, and what did trying cost where it does
not?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from avl_protocol.path.selector import PathKind
from avl_viewer.api import Desktop
from interop.bench.paths.watch import by_track
from tests.simulator.nat import NatShape
from tests.simulator.network import LinkShape, SimulatedNetwork
from tests.simulator.run import Simulation, run
from tests.simulator.world import RunningHost, system

RELAY = "198.51.100.1"
#: Seconds of each direction of every link: 20 ms from end to end.
SHAPE = LinkShape(delay=0.010, jitter=0.001)
#: Seconds for which a direct path is waited for.
PATIENCE = 4.0

KINDS: dict[str, NatShape | None] = {
    "none": None,
    "cone": NatShape("endpoint-independent", "endpoint-independent"),
    "restricted": NatShape("endpoint-independent", "port-restricted"),
    "address-dependent": NatShape("address-dependent", "address-dependent"),
    "symmetric": NatShape("symmetric", "port-restricted"),
}
#: Kinds that come with a second NAT of the kind in front, as at a carrier's.
LAYERED = "two layers"


def opens(host: str, viewer: str) -> bool:
    """Whether a direct path can be had: one side has to be where the other sends, from where that expects it (RFC 5128,
    section 3.3)."""
    easy = ("none", "cone")
    if host in easy or viewer in easy:
        return True
    return "symmetric" not in (host, viewer) and "address-dependent" not in (host, viewer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """One run: seconds to the first picture, seconds from there to the direct path (None: relayed), pictures shown
    twice or missing while it changed."""

    first: float
    direct: float | None
    path: str
    twice: int
    lost: int


def surround(network: SimulatedNetwork, ip: str, public: str, kind: str) -> str:
    """Put a machine behind a NAT of a kind; the address it has then."""
    shape = KINDS["restricted" if kind == LAYERED else kind]
    if shape is None:
        return public
    network.nat(public, [f"{ip}"], shape)
    if kind == LAYERED:
        outer = public.replace("203.0.113", "192.0.2")
        network.nat(outer, [public], shape)
    return ip


async def first_picture(desktop: Desktop) -> None:
    """Wait until there is one."""
    await desktop.screenshot()


async def direct_path(desktop: Desktop, seconds: float = PATIENCE) -> bool:
    """Wait for a direct path; False when there is none in time."""
    paths = desktop._client._paths
    assert paths is not None
    try:
        async with asyncio.timeout(seconds):
            while paths.current is None or paths.current.kind > PathKind.DIRECT or desktop._client._session.moving:  # type: ignore[union-attr]
                await asyncio.sleep(0.002)
    except TimeoutError:
        return False
    return True


async def registered(host: RunningHost) -> None:
    """Wait until viewers can connect."""
    while not host.said:
        await asyncio.sleep(0.02)


def meet(host_kind: str, viewer_kind: str, seed: int, attempt: bool = True) -> Meeting:
    """One host and one viewer behind NATs of these kinds; `attempt`: look for the direct path."""

    async def main(simulation: Simulation) -> Meeting:
        network, now = simulation.network, simulation.clock.monotonic
        host_ip = surround(network, "192.168.1.2", "203.0.113.1", host_kind)
        viewer_ip = surround(network, "192.168.2.2", "203.0.113.2", viewer_kind)
        async with system(simulation, RELAY, host_ip) as parts, parts.host(direct=attempt) as host:
            await registered(host)
            await asyncio.sleep(simulation.entropy(1)[0] / 256)
            start = now()
            async with parts.viewer(host, address=viewer_ip) as desktop:
                objects: list[tuple[int, int]] = []
                shown = desktop._presenter.picture

                def picture(one: object) -> None:
                    objects.append((one.track, one.number))  # type: ignore[attr-defined]
                    shown(one)  # type: ignore[arg-type]

                desktop._presenter.picture = picture  # type: ignore[method-assign, assignment]
                await first_picture(desktop)
                first = now() - start
                found = attempt and await direct_path(desktop)
                direct = now() - start - first if found else None
                await asyncio.sleep(0.5)
                seen = by_track(objects)
                return Meeting(
                    first=first,
                    direct=direct,
                    path=desktop.stats()["path"],
                    twice=sum(len(numbers) - len(set(numbers)) for numbers in seen),
                    lost=sum(max(numbers) - min(numbers) + 1 - len(set(numbers)) for numbers in seen),
                )

    async def limited(simulation: Simulation) -> Meeting:
        async with asyncio.timeout(120):
            return await main(simulation)

    return run(limited, seed, SHAPE)[0]
