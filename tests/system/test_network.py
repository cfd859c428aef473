"""Bad networks: loss, jitter, reordering, duplication and slow links; what a person sees and types survives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from avl_viewer.api import Desktop
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation
from tests.simulator.world import HOST, RELAY, VIEWER, RunningHost, System, system
from tests.system.seen import behind, number, online, run
from tests.system.snow import Snow

TEXT = "The quick brown fox jumps over the lazy dog. "


def session(shape: LinkShape, body: Callable[[Simulation, System, RunningHost, Desktop], Awaitable[None]]) -> None:
    """Run `body` in a session whose two hops are of this shape."""

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            for other in (HOST, VIEWER):
                simulation.network.shape(RELAY, other, shape)
            await online(host)
            async with s.viewer(host, timeout=20) as desktop:
                await body(simulation, s, host, desktop)

    run(main, seed=3)


@pytest.mark.parametrize(
    ("shape", "least_fps", "most_behind"),
    [
        (LinkShape(loss=0.01), 27, 6),
        (LinkShape(loss=0.05), 20, 12),
        (LinkShape(jitter=0.03), 25, 6),
        (LinkShape(reorder=0.2, reorder_by=0.02), 25, 6),
        (LinkShape(duplicate=0.3), 28, 4),
        (LinkShape(delay=0.15, loss=0.02, jitter=0.02, duplicate=0.1, reorder=0.1), 12, 30),
    ],
    ids=["loss 1%", "loss 5%", "jitter", "reordering", "duplication", "all at once"],
)
def test_pictures_go_on_and_typing_is_exact(shape: LinkShape, least_fps: float, most_behind: int) -> None:
    async def body(simulation: Simulation, s: System, host: RunningHost, desktop: Desktop) -> None:
        await number(desktop)
        frames, late = [], []
        for _ in range(6):
            await desktop.type(TEXT)
            await asyncio.sleep(0.5)
            frames.append(desktop.stats()["fps"])
            late.append(await behind(desktop, host.source))
        assert host.sink.typed == TEXT * 6
        assert sum(frames[2:]) / len(frames[2:]) >= least_fps, frames
        assert sorted(late)[len(late) // 2] <= most_behind, late
        assert host.sink.held == set()

    session(shape, body)


def test_the_last_picture_before_a_pause_arrives_even_if_it_was_lost_whole() -> None:
    async def body(simulation: Simulation, s: System, host: RunningHost, desktop: Desktop) -> None:
        await number(desktop)
        simulation.network.change(RELAY, VIEWER, loss=1.0)
        await asyncio.sleep(0.2)
        host.source.set_still(True)
        await asyncio.sleep(1.0)
        simulation.network.change(RELAY, VIEWER, loss=0.0)
        await asyncio.sleep(4.0)
        assert await number(desktop) == host.source.number
        assert (await desktop.screenshot(settle=4)).exact

    session(LinkShape(), body)


def test_a_slow_link_is_followed_down_and_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulator.world.PatternSource", Snow)

    async def body(simulation: Simulation, s: System, host: RunningHost, desktop: Desktop) -> None:
        await asyncio.sleep(2)
        assert desktop.stats()["bitrate_bps"] > 2.2e6  # more than the link will carry
        simulation.network.change(RELAY, VIEWER, rate=2e6)
        await asyncio.sleep(3)
        late = []
        for _ in range(8):
            await asyncio.sleep(0.25)
            late.append(await behind(desktop, host.source))
        assert sorted(late)[4] <= 15, late  # half a second
        assert 1e6 < desktop.stats()["bitrate_bps"] < 2e6
        await desktop.type(TEXT)
        assert host.sink.typed == TEXT
        simulation.network.change(RELAY, VIEWER, rate=None)
        await asyncio.sleep(4)
        assert await behind(desktop, host.source) <= 4
        assert desktop.stats()["fps"] >= 27

    session(LinkShape(), body)


def test_an_upload_that_is_slow_drops_pictures_instead_of_queueing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulator.world.PatternSource", Snow)

    async def body(simulation: Simulation, s: System, host: RunningHost, desktop: Desktop) -> None:
        await number(desktop)
        simulation.network.change(RELAY, HOST, rate=1e6)
        await asyncio.sleep(4)
        late = []
        for _ in range(8):
            await asyncio.sleep(0.25)
            late.append(await behind(desktop, host.source))
        assert sorted(late)[4] <= 15, late

    session(LinkShape(), body)


def test_an_outage_of_two_seconds_is_survived() -> None:
    async def body(simulation: Simulation, s: System, host: RunningHost, desktop: Desktop) -> None:
        await number(desktop)
        simulation.network.change(RELAY, VIEWER, loss=1.0)
        typing = asyncio.create_task(desktop.type(TEXT))
        await asyncio.sleep(1.5)
        simulation.network.change(RELAY, VIEWER, loss=0.0)
        await typing
        await asyncio.sleep(3)
        assert host.sink.typed in (TEXT, "")  # at once, or too late and then not at all
        assert await behind(desktop, host.source) <= 4

    session(LinkShape(), body)


def test_one_slow_viewer_does_not_hurt_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulator.world.PatternSource", Snow)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            simulation.network.change(RELAY, "10.0.0.8", rate=1e6)
            async with (
                s.viewer(host, address="10.0.0.7", name="fast") as fast,
                s.viewer(host, address="10.0.0.8", name="slow", timeout=30) as slow,
            ):
                await number(fast)
                await asyncio.sleep(6)
                assert fast.stats()["fps"] >= 27
                assert await behind(fast, host.source) <= 4
                assert fast.stats()["loss"] == 0
                await number(slow)
                assert slow.stats()["fps"] >= 10, "pictures of fewer bits"
                await asyncio.gather(fast.type("fast"), slow.type("slow"))
                assert sorted(host.sink.typed) == sorted("fastslow")

    run(main, seed=5)
