"""Several monitors, seen one by one: what each viewer sees, where its clicks land, that nothing else is captured."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from avl_host.capture.pattern import read_number
from avl_protocol.media.frame import Monitor
from avl_viewer.api import Desktop
from tests.simulator.run import Simulation
from tests.simulator.world import RunningHost, system
from tests.system.seen import online, run, sealed, until

LEFT, RIGHT = Monitor("left", 0, 0, 320, 192, True), Monitor("right", 320, 100, 240, 160, scale=200, rotation=90)


def card(desktop: Desktop) -> int:
    """The number on the card of what a viewer sees; -1 where it sees none."""
    if not desktop.presenter.shown:
        return -1
    found = read_number(np.ascontiguousarray(desktop.presenter.screenshot()[:, :, ::-1]))
    return -1 if found is None else found


def divide(host: RunningHost, *monitors: Monitor) -> None:
    """The desktop has these monitors from now on."""
    host.source.divided = monitors
    host.agent.publisher.wake()


def two(host: RunningHost) -> None:
    """It has two monitors."""
    host.source.divided = (LEFT, RIGHT)


def test_a_viewer_sees_one_monitor_by_itself_and_its_clicks_land_there(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host((560, 300)) as host:
            two(host)
            await online(host)
            async with s.viewer(host) as desktop:
                await until(lambda: len(desktop.monitors) == 2)
                assert desktop.monitors[1] == Monitor("right", 320, 100, 240, 160, False, 2, 200, 90)
                await desktop.choose("right")
                assert (await desktop.screenshot()).pixels.shape == (160, 240, 3)
                await until(lambda: card(desktop) > 10)
                whole = sealed(host)
                await asyncio.sleep(0.5)
                assert whole == [], "nobody looks at the whole desktop"
                await desktop.click(7, 9)
                assert host.sink.position == (327, 109)
                await desktop.choose("1")
                assert (await desktop.screenshot()).pixels.shape == (192, 320, 3)
                await desktop.choose()
                assert (await desktop.screenshot(settle=0)).pixels.shape == (300, 560, 3)
                await desktop.click(7, 9)
                assert host.sink.position == (7, 9)
                assert host.agent.features.monitors.watched == ()
                with pytest.raises(LookupError, match="it has left, right"):
                    await desktop.choose("middle")

    run(main)


def test_viewers_see_different_monitors_at_a_time_and_each_is_sent_its_own() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host((560, 300)) as host:
            two(host)
            await online(host)
            async with s.viewer(host) as one, s.viewer(host, name="other", address="10.0.0.20") as other:
                await one.choose("left")
                await other.choose("right", "left")
                assert (await one.screenshot()).pixels.shape == (192, 320, 3)
                assert (await other.screenshot()).pixels.shape == (160, 240, 3)
                assert host.agent.features.monitors.watched == (1, 2)
                await until(lambda: len(other.client.books) == 2 and card(one) > 5 and card(other) > 5)
                assert one.client.session is not None and one.client.session.media is not None
                assert one.client.session.media.foreign == 0, "nothing came that it did not choose"

    run(main)


def test_a_monitor_that_vanishes_leaves_the_whole_desktop_and_a_sentence() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host((560, 300)) as host:
            two(host)
            await online(host)
            async with s.viewer(host) as desktop:
                await desktop.choose("right")
                await until(lambda: card(desktop) > 3)
                divide(host, LEFT)
                await until(lambda: desktop.presenter.shown and desktop.presenter.screenshot().shape == (300, 560, 3))
                assert desktop.presenter.remarked == "The monitor right is gone: you see the whole desktop."
                divide(host, LEFT, RIGHT)
                await until(lambda: desktop.presenter.shown and desktop.presenter.screenshot().shape == (160, 240, 3))
                await until(lambda: card(desktop) > 3)

    run(main)


def test_a_session_that_is_begun_anew_sees_the_same_monitor() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            async with s.host((560, 300)) as host:
                two(host)
                await online(host)
                async with s.viewer(host, reconnect=True) as desktop:
                    await desktop.choose("right")
                    await until(lambda: card(desktop) > 3)
                    before = desktop.client.session
                    host.agent.subscribers.sessions[0].end(75, simulation.clock.monotonic())  # type: ignore[arg-type]
                    host.agent.subscribers.settle(simulation.clock.monotonic())
                    await until(lambda: desktop.client.session not in (None, before))
                    await until(
                        lambda: desktop.presenter.shown and desktop.presenter.screenshot().shape == (160, 240, 3)
                    )

    run(main)
