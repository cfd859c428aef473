"""Live sessions on links that change or lose: typing stays quick, the picture goes on, nothing is damaged."""

from __future__ import annotations

import asyncio
import statistics

import pytest

from avl_protocol.session.media.receiver import MediaReceiver
from avl_viewer.api import Desktop
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation
from tests.simulator.upload import upload
from tests.simulator.world import HOST, RELAY, VIEWER, RunningHost, System, system
from tests.system.seen import number, online, run
from tests.system.snow import Snow

FAST = LinkShape(delay=0.01, rate=20e6, queue=0.5)


async def longest_gap(desktop: Desktop, seconds: float) -> float:
    """The longest time in which the picture did not change."""
    loop = asyncio.get_running_loop()
    shown, since, longest = await number(desktop), loop.time(), 0.0
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(0.03)
        newest = await number(desktop)
        if newest != shown:
            shown, since = newest, loop.time()
        longest = max(longest, loop.time() - since)
    return longest


async def keys(desktop: Desktop, host: RunningHost, seconds: float) -> list[float]:
    """Type a letter every 100 ms; seconds until the host had applied each."""
    loop = asyncio.get_running_loop()
    out = []
    end = loop.time() + seconds
    while loop.time() < end:
        pressed = loop.time()
        await desktop.type("k")
        out.append(loop.time() - pressed)
        await asyncio.sleep(0.1)
    return out


@pytest.mark.parametrize("side", [HOST, VIEWER], ids=["upload", "download"])
def test_a_link_that_drops_from_20_to_2_mbits_keeps_typing_quick_and_the_picture_going(
    monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    monkeypatch.setattr("tests.simulator.world.PatternSource", Snow)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            simulation.network.shape(RELAY, side, FAST)
            await online(host)
            async with s.viewer(host, timeout=20) as desktop:
                await number(desktop)
                await asyncio.sleep(4)
                simulation.network.change(RELAY, side, rate=2e6)
                gap, waits = await asyncio.gather(longest_gap(desktop, 5), keys(desktop, host, 5))
                assert gap < 1.0, gap
                assert max(waits) < 0.150, max(waits)
                assert desktop.stats()["damaged"] == 0
                stats = desktop.stats()["rate"]
                assert stats["download" if side == VIEWER else "upload"]["target_bps"] < 2.2e6

    run(main, seed=4)


def test_three_percent_loss_costs_no_pictures() -> None:
    async def body(simulation: Simulation, s: System, host: RunningHost, desktop: Desktop) -> None:
        await number(desktop)
        await asyncio.sleep(2)
        began, shown = host.source.number, 0.0
        for _ in range(10):
            await asyncio.sleep(1)
            shown += desktop.stats()["fps"]
        assert shown >= 0.95 * (host.source.number - began)
        assert desktop.stats()["damaged"] == 0

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            for side in (HOST, VIEWER):
                simulation.network.shape(RELAY, side, LinkShape(delay=0.01, loss=0.03, rate=20e6))
            await online(host)
            async with s.viewer(host, timeout=20) as desktop:
                await body(simulation, s, host, desktop)

    run(main, seed=5)


def test_on_a_long_lossy_way_repairs_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """200 ms there and back, 5 % lost: who gives up sooner than a repair can come asks for key objects all the time."""
    asked: list[tuple[int, int]] = []
    plain = MediaReceiver.recoveries

    def counted(receiver: MediaReceiver, now: float) -> list[tuple[int, int]]:
        found = plain(receiver, now)
        asked.extend(found)
        return found

    monkeypatch.setattr(MediaReceiver, "recoveries", counted)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            simulation.network.shape(RELAY, VIEWER, LinkShape(delay=0.1, loss=0.05, rate=20e6))
            await online(host)
            async with s.viewer(host, timeout=20, direct=False) as desktop:
                await number(desktop)
                await asyncio.sleep(3)
                asked.clear()
                began, shown = host.source.number, 0.0
                for _ in range(15):
                    await asyncio.sleep(1)
                    shown += desktop.stats()["fps"]
                pictures.append((shown, host.source.number - began))

    pictures: list[tuple[float, int]] = []
    questions: list[tuple[int, int]] = []
    for seed in (1, 2):
        run(main, seed)
        questions += asked
    assert sum(shown for shown, _ in pictures) >= 0.8 * sum(made for _, made in pictures), pictures
    assert len(questions) <= 6, questions  # three in 15 s; where nothing was waited for it was twelve


@pytest.mark.parametrize("queue", [0.25, 1.0], ids=["short-queue", "long-queue"])
def test_an_upload_on_the_viewers_thin_uplink_stops_neither_pictures_nor_keys(
    monkeypatch: pytest.MonkeyPatch, queue: float
) -> None:
    """256 kbit/s towards the relay, where reports and keys wait behind somebody's upload: that delays the news of what
    arrived, and the keys by the queue itself, but it takes nothing from the way down."""
    monkeypatch.setattr("tests.simulator.world.PatternSource", Snow)
    uplink = LinkShape(delay=0.02, rate=256e3, queue=queue)

    async def shown(desktop: Desktop, seconds: int) -> list[float]:
        out = []
        for _ in range(seconds):
            await asyncio.sleep(1)
            out.append(desktop.stats()["fps"])
        return out

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            simulation.network.shape(RELAY, VIEWER, LinkShape(delay=0.02, rate=20e6))
            link = simulation.network.link(VIEWER, RELAY)
            link.shape = uplink
            await online(host)
            async with s.viewer(host, timeout=20, direct=False) as desktop:
                await number(desktop)
                await asyncio.sleep(3)
                before = link.bytes
                with upload(simulation.network, VIEWER, RELAY) as other:
                    seconds = 7
                    fps, gap, waits = await asyncio.gather(
                        shown(desktop, seconds), longest_gap(desktop, seconds), keys(desktop, host, seconds)
                    )
                assert other.passed * 8 / seconds > 0.6 * 256e3  # there was an upload
                assert min(fps) >= 5, fps
                assert statistics.mean(fps) >= 15, fps
                assert gap < 1.0, gap
                assert statistics.quantiles(waits, n=20)[-1] < max(0.400, queue + 0.150), waits
                assert (link.bytes - before - other.passed) * 8 / seconds < 0.25 * 256e3

    run(main, seed=7)
