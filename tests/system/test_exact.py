"""Exact pixels from a host through a relay to two viewers of which one is slow, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from avl_host.encode.pipeline import Row
from avl_viewer.api import Desktop
from tests.simulator.desktop import SimulatedDesktop
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation
from tests.simulator.world import HOST, RELAY, VIEWER, RunningHost, system
from tests.system.seen import online, run, until

OTHER = "10.0.0.9"
#: When the desktop is used.
BEGIN, SECONDS = 1.5, 3.0


def equal(desktop: Desktop, source: SimulatedDesktop) -> bool:
    """Whether a viewer shows the host's screen, pixel for pixel."""
    picture = desktop.presenter.latest()
    if picture is None or picture.canvas.size != source.size:
        return False
    return bool((picture.canvas.rgb()[:, :, ::-1] == source.pixels[:, :, :3]).all())


def wishes(host: RunningHost) -> list[tuple[Row, ...]]:
    """The rows of each MISSING that reaches a host from now on, as they come."""
    publisher, made = host.agent.publisher, list[tuple[Row, ...]]()
    request = publisher.request_missing

    def keep(track: int, rows: tuple[Row, ...], tell: Callable[[tuple[Row, ...], int], None]) -> None:
        made.append(rows)
        request(track, rows, tell)

    publisher.request_missing = keep  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize("seed", range(3))
def test_a_slow_viewer_gets_what_it_lacks_and_the_fast_one_does_not_wait_for_it(seed: int) -> None:
    async def main(simulation: Simulation) -> None:
        loop, network = simulation.loop, simulation.network
        for pair in ((HOST, RELAY), (RELAY, VIEWER)):
            network.shape(*pair, LinkShape(delay=0.01))
        for other in (HOST, RELAY):
            network.shape(OTHER, other, LinkShape(delay=0.02, rate=0.6e6, loss=0.01))
        source = SimulatedDesktop(loop.time, seed, begin=BEGIN, seconds=SECONDS)
        async with AsyncExitStack() as stack:
            parts = await stack.enter_async_context(system(simulation))
            host = await stack.enter_async_context(parts.host(shows=source))
            await online(host)
            asked = wishes(host)
            fast = await stack.enter_async_context(parts.viewer(host))
            slow = await stack.enter_async_context(parts.viewer(host, address=OTHER, name="slow", timeout=20))
            await until(lambda: source.resting)
            rest = loop.time()
            await until(lambda: fast.presenter.is_exact and equal(fast, source))
            assert loop.time() - rest <= 1.0
            await until(lambda: equal(slow, source))
            assert loop.time() - rest <= 20.0  # its link takes 8 s for the fullest of these scenes, and loses some
            assert asked, "the slow one was behind, and said what it lacks"

    run(main, seed)
