"""A desktop that changes its size while somebody acts on it: by a viewer's window, and by itself."""

from __future__ import annotations

import asyncio
import random

import numpy as np
import pytest

from avl_host.capture.pattern import read_number
from avl_protocol.wire.errors import Refused
from avl_viewer.present.presenter import Picture
from tests.simulator.run import Simulation
from tests.simulator.world import system
from tests.system.seen import online, run, until


async def shows(desktop: object, size: tuple[int, int]) -> None:
    """Wait until a viewer shows a desktop of this size."""
    await until(lambda: desktop.presenter.shown and desktop.presenter.screenshot().shape[1::-1] == size)  # type: ignore[attr-defined]


def test_the_desktop_fits_a_window_and_is_its_own_again_when_that_is_gone(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                assert await desktop.fit(481, 301, 2.0) == (480, 300)
                await shows(desktop, (480, 300))
                assert host.display.scale == 200
                await until(lambda: desktop.size == (480, 300))
                async with s.viewer(host, name="other", address="10.0.0.20") as other:
                    assert await other.fit(400, 260) == (400, 260)
                    await shows(desktop, (400, 260))
                await shows(desktop, (480, 300))
                host.display.refuses = "it is nailed to the wall"
                with pytest.raises(Refused, match="can't be changed"):
                    await desktop.fit(600, 400)
            await until(lambda: host.display.size == (320, 192))
            assert host.display.scale == 100

    run(main)


@pytest.mark.parametrize("seed", range(4))
def test_no_click_of_a_size_lands_on_a_desktop_of_another(seed: int) -> None:
    async def main(simulation: Simulation) -> None:
        chance = random.Random(seed)
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await shows(desktop, (320, 192))
                landed: list[tuple[tuple[int, int], tuple[int, int]]] = []
                move = host.sink.move

                def moved(x: int, y: int) -> None:
                    landed.append(((x, y), host.source.size))
                    move(x, y)

                host.sink.move = moved  # type: ignore[method-assign]
                sizes = [(320, 192), (480, 300), (260, 400), (200, 200)]
                meant: dict[tuple[int, int], tuple[int, int]] = {}
                refused = 0
                for number in range(60):
                    if chance.random() < 0.3:
                        host.source.resize(chance.choice(sizes))
                        host.agent.publisher.wake()  # as a display's own event does
                    await asyncio.sleep(chance.random() * 0.08)
                    width, height = desktop.presenter.screenshot().shape[1::-1]
                    # A place that tells which click it is, and that is the size it is meant for.
                    place = (number % 190, (number * 7) % 190)
                    meant[place] = (width, height)
                    try:
                        await desktop.click(*place)
                    except Refused as error:
                        assert "another size" in str(error), error
                        refused += 1
                assert len(landed) > 20 and refused, "some hit, and some were too late"
                assert [(at, size) for at, size in landed if meant[at] != size] == []

    run(main)


@pytest.mark.parametrize("seed", range(2))
def test_no_picture_is_of_two_sizes_though_nobody_acts(seed: int) -> None:
    async def main(simulation: Simulation) -> None:
        chance = random.Random(seed)
        sizes = [(320, 192), (480, 300), (260, 400), (200, 200)]
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await shows(desktop, (320, 192))
                shown: list[tuple[int, int]] = []
                wrong: list[tuple[int, int]] = []
                show = desktop.presenter.picture

                def watched(picture: Picture) -> None:
                    show(picture)
                    if not desktop.presenter.shown:
                        return
                    seen = desktop.presenter.screenshot()
                    shown.append((seen.shape[1], seen.shape[0]))
                    if read_number(np.ascontiguousarray(seen[:, :, ::-1])) is None:
                        wrong.append(shown[-1])

                desktop.presenter.picture = watched  # type: ignore[method-assign]
                for _ in range(25):
                    host.source.set_still(chance.random() < 0.5)
                    host.source.resize(size := chance.choice(sizes))
                    host.agent.publisher.wake()
                    await asyncio.sleep(chance.random() * 0.1)
                    if chance.random() < 0.3:
                        await shows(desktop, size)
                host.source.resize((480, 300))
                host.source.set_still(True)
                host.agent.publisher.wake()
                await shows(desktop, (480, 300))
                assert set(shown) <= set(sizes) and len(set(shown)) == len(sizes)
                assert wrong == [], f"{len(wrong)} of {len(shown)} show no desktop as a whole"

    run(main)
