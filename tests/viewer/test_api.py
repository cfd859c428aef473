"""The automation API, as a program sees it."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from avl_host.sessions import admission as admission
from avl_protocol.session.pipes import SessionPipes
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import T_INPUT_UNCONFIRMED, Channel, CloseCode, Permission
from avl_viewer.api import Screenshot, connect
from tests.simulator.run import Simulation
from tests.simulator.world import RELAY, VIEWER, system
from tests.system.seen import number, online, run, until
from tests.system.snow import Snow


def test_a_screenshot_is_saved_as_it_is(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (37, 53, 3), np.uint8)
    Screenshot(pixels, True).save(tmp_path / "shot.png")
    read = Image.open(io.BytesIO((tmp_path / "shot.png").read_bytes()))
    assert read.mode == "RGB" and np.array_equal(np.asarray(read), pixels)


@pytest.mark.parametrize("target", ["", "avl://h:1/short", "https://h:1/x"])
async def test_a_wrong_target_is_a_value_error(target: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        async with connect(target, code="x", state=str(tmp_path)):
            raise AssertionError("came in")


def test_wrong_names_of_buttons_and_keys_say_which_are_right() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                with pytest.raises(ValueError, match="left, middle, right"):
                    await desktop.click(1, 1, "lefft")
                with pytest.raises(ValueError, match="not the name of a key"):
                    await desktop.press("ctrl+entr")
            assert host.sink.events == []

    run(main)


def test_what_cant_be_typed_is_an_error_and_nothing_of_it_is_sent() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                for text in ("fine\n" * 500 + "\x00", "a\x1b", "\ud800", "\ufffe"):
                    with pytest.raises(ValueError, match=r"can't be typed: U\+"):
                        await desktop.type(text)
                assert host.sink.events == []
                text = "10\u00a0km \u200d\ue0b0\U0001fae8\u3000."
                await desktop.type(text)
                assert host.sink.typed == text

    run(main)


def test_a_letter_in_a_chord_travels_with_it_unless_the_place_is_meant() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                for chord, place, text in (("ctrl+z", False, "z"), ("ctrl+z", True, ""), ("f5", False, "")):
                    await desktop.press(chord, place=place)
                    *_, down = (event for event in host.sink.events if event[0] == "key" and event[2])
                    assert down[4] == text
                assert host.sink.typed == "", "a shortcut types nothing"
                await desktop.press("q")
                assert host.sink.typed == "q"

    run(main)


def test_waiting_for_a_change_ends_with_it_or_with_the_time() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                assert await desktop.wait_for_change(5)
                host.source.set_still(True)
                await asyncio.sleep(0.5)  # what it shows now has come
                await desktop.screenshot(settle=5)
                start = simulation.clock.monotonic()
                assert not await desktop.wait_for_change(2)
                assert simulation.clock.monotonic() - start == pytest.approx(2, abs=0.01)
                host.source.set_still(False)
                host.agent.publisher.wake()
                assert await desktop.wait_for_change(2)

    run(main)


def test_a_screenshot_of_a_moving_desktop_does_not_wait_for_it_to_settle_for_ever() -> None:
    async def main(simulation: Simulation) -> None:
        snow: Any = Snow(simulation.clock.monotonic, (320, 192))
        async with system(simulation) as s, s.host(shows=snow) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                await asyncio.sleep(1)
                start = simulation.clock.monotonic()
                shot = await desktop.screenshot(settle=1)
                assert not shot.exact
                assert simulation.clock.monotonic() - start == pytest.approx(1, abs=0.01)

    run(main)


def test_the_desktop_is_waited_for_until_every_pixel_is_exact() -> None:
    async def main(simulation: Simulation) -> None:
        now = simulation.clock.monotonic
        snow: Any = Snow(now, (320, 192))
        async with system(simulation) as s, s.host(shows=snow) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await asyncio.sleep(1)
                assert not await desktop.wait_until_exact(1), "it moves all the time"
                figures = desktop.stats()
                assert figures["exact"]["share"] < 1 and figures["exact"]["since_s"] is None
                assert figures["video"]["width"] == 320 and figures["video"]["codec"].startswith("avc1.")
                assert figures["video"]["chroma"] in ("YUV420", "YUV444")
                assert (figures["video"]["encoder"], figures["video"]["decoder"]) == ("libx264", "software")
                snow.set_still(True)
                host.agent.publisher.wake()
                await asyncio.sleep(0.1)
                began = now()
                assert await desktop.wait_until_exact(5)
                shot = await desktop.screenshot(settle=5)
                shown = snow.grab(whole=True)
                assert shot.exact and np.array_equal(shot.pixels, shown.pixels[:, :, 2::-1])
                assert now() - began < 3
                await asyncio.sleep(2)
                figures = desktop.stats()
                assert figures["exact"]["share"] == 1.0 and 2.0 <= figures["exact"]["since_s"] < 5
                assert await desktop.wait_until_exact(0.1), "it still is"
                assert now() - began < 5
                waiting = asyncio.ensure_future(desktop.wait_until_exact())
                snow.set_still(False)
                host.agent.publisher.wake()
                assert await waiting
                await asyncio.sleep(1)
                assert not await desktop.wait_until_exact(0.5) and desktop.stats()["exact"]["since_s"] is None
                waiting = asyncio.ensure_future(desktop.wait_until_exact())
                await asyncio.sleep(0.1)
                host.agent.subscribers.end_all(CloseCode.EVICTED, now())
                with pytest.raises(Refused) as caught:
                    await waiting
                assert caught.value.code is CloseCode.EVICTED

    run(main)


def test_waiting_ends_when_the_session_does() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                host.source.set_still(True)
                await asyncio.sleep(0.5)  # what it shows now has come
                await desktop.screenshot(settle=5)
                waiting = asyncio.ensure_future(desktop.wait_for_change(60))
                await asyncio.sleep(1)
                host.agent.subscribers.end_all(CloseCode.EVICTED, simulation.clock.monotonic())
                with pytest.raises(Refused) as caught:
                    await waiting
                assert caught.value.code is CloseCode.EVICTED
                assert (await desktop.screenshot()).pixels.shape == (192, 320, 3)  # the last picture is still there

    run(main)


def test_many_actions_at_once_keep_their_order() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await asyncio.gather(*(desktop.type(f"{at};") for at in range(200)))
                assert host.sink.typed == "".join(f"{at};" for at in range(200))

    run(main)


@pytest.mark.parametrize("action", ["type", "press", "click", "move", "scroll", "drag"])
def test_an_action_of_which_the_host_says_nothing_fails_after_five_seconds(
    action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                drop_input(monkeypatch)
                values: dict[str, tuple[Any, ...]] = {
                    "type": ("x" * 20_000,),
                    "press": ("ctrl+c",),
                    "click": (1, 2),
                    "move": (3, 4),
                    "scroll": (0, 1),
                    "drag": (1, 2, 3, 4),
                }
                start = simulation.clock.monotonic()
                with pytest.raises(Refused) as caught:
                    await getattr(desktop, action)(*values[action])
                assert caught.value.exit_status == 4 and "has not confirmed" in str(caught.value)
                assert simulation.clock.monotonic() - start == pytest.approx(T_INPUT_UNCONFIRMED, abs=0.05)
                assert desktop.status is not None and desktop.status.stage == "running"
            assert host.sink.events == []

    run(main)


def drop_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a relay that drops what is typed and lets all else pass."""
    send = SessionPipes.send

    def drop(pipes: SessionPipes, channel: int, data: bytes) -> None:
        if channel != Channel.INPUT:
            send(pipes, channel, data)

    monkeypatch.setattr(SessionPipes, "send", drop)


def test_typing_that_the_host_found_too_old_is_a_failure() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, direct=False) as desktop:
                await desktop.type("before ")
                simulation.network.change(VIEWER, RELAY, loss=1.0)
                typing = asyncio.ensure_future(desktop.type("late"))
                await asyncio.sleep(2.6)
                simulation.network.change(VIEWER, RELAY, loss=0.0)
                with pytest.raises(Refused) as caught:
                    await typing
                assert caught.value.exit_status == 4 and "left it out" in str(caught.value)
                await until(lambda: desktop.client.session is not None and not desktop.client.session.stale)
                await desktop.type("after")
            assert host.sink.typed == "before after"

    run(main)


def test_what_the_host_does_not_allow_is_refused_and_not_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "EVERYTHING", Permission.VIEW | Permission.POINTER)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await desktop.click(3, 4)
                for action in (desktop.type("x"), desktop.press("enter")):
                    with pytest.raises(Refused) as caught:
                        await action
                    assert caught.value.code is CloseCode.NOT_PERMITTED and caught.value.exit_status == 3

    run(main)
