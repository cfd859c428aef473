"""Who sees the screen, as the person in front of it is shown and may end it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
import xcffib
import xcffib.xproto

from avl_host.input.desktop import DesktopSink
from avl_host.input.ownwindows import OwnWindows
from avl_host.input.sink import StoppedLoop
from avl_host.presence.acts import HostActs
from avl_host.presence.indicator import MOST, IndicatorWindow, Plan
from avl_host.presence.scene import Onlooker, RememberingIndicator, Scene, gives, words
from avl_host.presence.surface import Box, Surface
from avl_protocol.session.hosting import HostState
from avl_protocol.wire.registry import CloseCode, ControlMode, Permission
from tests.host.conftest import XServer
from tests.host.hand import Hand
from tests.host.test_subscribers import Lobby

ESCAPE, CONTROL, ALT, SHIFT = 0xFF1B, 0xFFE3, 0xFFE9, 0xFFE1


def lobby_with(folder: Path, *indicators: Any) -> Lobby:
    lobby = Lobby(folder)
    lobby.presence.show_on(*indicators)
    return lobby


def acts_of(lobby: Lobby) -> HostActs:
    return HostActs(lobby.subscribers, lambda: lobby.features.control, lobby.clock.monotonic, lambda: None)


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_who_comes_is_shown_at_once_and_who_goes_no_more(tmp_path: Path) -> None:
    indicator = RememberingIndicator()
    lobby = lobby_with(tmp_path, indicator)
    lobby.incoming(3)
    assert indicator.scenes == [], "not in yet"
    lobby.admit(1, name="Ann's laptop")
    assert indicator.scenes[-1] == Scene((Onlooker(number=1, name="Ann's laptop", acts=True),))
    looks = lobby.admit(2, Permission.VIEW, "Bo\n\u202e\x1b[2J")
    assert [one.acts for one in indicator.scenes[-1].people] == [True, False]
    assert indicator.scenes[-1].people[1].name.isprintable()
    looks.attachment_lost(looks.attachment, lobby.clock.now)
    lobby.settle()
    assert [one.here for one in indicator.scenes[-1].people] == [True, False]
    acts_of(lobby).end_all()
    lobby.settle()
    assert indicator.scenes[-1] == Scene()
    assert lobby.sessions == [], "nobody is kept, nor let in: not even who was about to come"


def test_control_is_handed_over_before_the_eyes_of_the_person(tmp_path: Path) -> None:
    indicator = RememberingIndicator()
    lobby = lobby_with(tmp_path, indicator)
    acts = acts_of(lobby)
    for number in (1, 2):
        lobby.admit(number)
    acts.give(2)
    scene = indicator.scenes[-1]
    assert scene.mode is ControlMode.ONE and [one.holds for one in scene.people] == [False, True]
    assert [words(one, scene.mode) for one in scene.people] == ["waits", "has control"]
    acts.take()
    scene = indicator.scenes[-1]
    assert scene.mode is ControlMode.HOST and not any(one.holds for one in scene.people)
    acts.take()
    assert indicator.scenes[-1].mode is ControlMode.ONE, "as it was before"
    acts.give(99)
    assert indicator.scenes[-1].mode is ControlMode.ONE


def test_each_viewer_is_described_by_what_it_may_do_now() -> None:
    one = Onlooker(number=1, name="x")
    assert words(one, ControlMode.SHARED) == "only looks" and not gives(one, ControlMode.ONE)
    acts = Onlooker(number=1, name="x", acts=True)
    assert words(acts, ControlMode.SHARED) == "types and clicks" and not gives(acts, ControlMode.SHARED)
    assert words(acts, ControlMode.HOST) == "only looks now" and gives(acts, ControlMode.HOST)
    asks = Onlooker(number=1, name="x", acts=True, asks=True)
    assert words(asks, ControlMode.ONE) == "asks for control" and gives(asks, ControlMode.ONE)
    assert "lost" in words(Onlooker(number=1, name="x", here=False), ControlMode.SHARED)


@pytest.mark.parametrize("count", [1, 2, MOST, MOST + 1, 100])
@pytest.mark.parametrize("mode", ControlMode)
def test_the_window_has_room_for_all_it_shows(count: int, mode: ControlMode) -> None:
    scene = Scene(tuple(Onlooker(number=at, name="x", acts=True) for at in range(count)), mode)
    plan = Plan(scene, 24)
    assert len(plan.rows) == min(count, MOST) and plan.more == count - MOST
    for box in (plan.end_all, plan.take, *plan.give.values()):
        assert box.x >= 0 and box.x + box.width <= 520 and box.y + box.height <= plan.height
    places = {(box.x, box.y) for box in (plan.on((1920, 1080), edge) for edge in range(6))}
    assert len(places) == 6
    tiny = plan.on((300, 100), 3)
    assert tiny.x >= 0 and tiny.y >= 0, "on a desktop that is too small its beginning is seen"


# -- on a real server --------------------------------------------------------------------------------------------------


class Acts:
    """Writes down what was pressed."""

    def __init__(self) -> None:
        self.done: list[object] = []

    def end_all(self) -> None:
        self.done.append("end all")

    def give(self, number: int) -> None:
        self.done.append(number)

    def take(self) -> None:
        self.done.append("take")


class Eyes:
    """Sees the window as the X server has it."""

    def __init__(self, display: str) -> None:
        self._x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]

    def visible(self, window: int) -> bool:
        state = self._x.core.GetWindowAttributes(window).reply().map_state
        return bool(state == xcffib.xproto.MapState.Viewable)

    def close(self) -> None:
        self._x.disconnect()


def centre(server: XServer, scene: Scene, part: str, number: int = 0) -> tuple[int, int]:
    probe = Surface(server.display, OwnWindows())
    plan = Plan(scene, probe.line)
    window = plan.on(probe.screen, 0)
    probe.close()
    box: Box = plan.give[number] if part == "give" else getattr(plan, part)
    return window.x + box.x + box.width // 2, window.y + box.y + box.height // 2


@pytest.mark.display
async def test_it_is_seen_within_the_time_after_admission_and_gone_with_the_last(xvfb: XServer, tmp_path: Path) -> None:
    own = OwnWindows()
    window = IndicatorWindow(xvfb.display, own, Acts())
    eyes = Eyes(xvfb.display)
    try:
        lobby = lobby_with(tmp_path, window)
        begun = time.monotonic()
        session = lobby.admit(1)
        assert eyes.visible(window.window)
        assert time.monotonic() - begun < 0.3
        assert own
        session.end(CloseCode.ENDED, lobby.clock.now)
        lobby.settle()
        assert not eyes.visible(window.window) and not own
    finally:
        eyes.close()
        window.close()


@pytest.mark.display
async def test_end_all_ends_all_within_the_time_and_only_by_hand(xvfb: XServer, tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    own = OwnWindows()
    window = IndicatorWindow(xvfb.display, own, acts_of(lobby))
    lobby.presence.show_on(window)
    hand, rude = Hand(xvfb.display), DesktopSink(xvfb.display, StoppedLoop())
    polite = DesktopSink(xvfb.display, StoppedLoop(), own)
    try:
        sessions = [lobby.admit(number) for number in range(1, 6)]
        where = centre(xvfb, lobby.presence.scene, "end_all")
        for sink in (rude, polite):
            for _ in range(200):
                sink.move(*where)
                sink.button(1, True)
                sink.button(1, False)
            sink.move(0, 0)
        await asyncio.sleep(0.2)
        assert all(session.state is HostState.ADMITTED for session in sessions)
        begun = time.monotonic()
        hand.click(*where)
        while lobby.sessions and time.monotonic() - begun < 2:
            await asyncio.sleep(0.005)
        assert time.monotonic() - begun < 0.3
        assert all(session.over for session in sessions)
    finally:
        for one in (hand, rude, polite, window):
            one.close()


@pytest.mark.display
async def test_the_buttons_and_the_hotkey_are_the_persons_alone(xvfb: XServer) -> None:
    acts, own = Acts(), OwnWindows()
    window = IndicatorWindow(xvfb.display, own, acts)
    hand, sink = Hand(xvfb.display), DesktopSink(xvfb.display, StoppedLoop(), own)
    scene = Scene((Onlooker(number=4, name="Ann", acts=True, asks=True),), ControlMode.ONE)
    keys = [hand.keycode(keysym) for keysym in (CONTROL, ALT, SHIFT, ESCAPE)]
    try:
        hand.key(*keys)
        await asyncio.sleep(0.1)
        assert acts.done == [], "nobody is here"
        window.show(scene)
        hand.click(*centre(xvfb, scene, "give", 4))
        hand.click(*centre(xvfb, scene, "take"))
        await asyncio.sleep(0.1)
        assert acts.done == [4, "take"]
        # A program has the keyboard, as a viewer might make one do: the hotkey works all the same.
        other: Any = xcffib.connect(xvfb.display)  # type: ignore[no-untyped-call]
        root = other.get_setup().roots[0].root
        other.core.GrabKeyboard(False, root, 0, 1, 1).reply()
        hand.key(*keys)
        await asyncio.sleep(0.1)
        other.disconnect()
        assert acts.done == [4, "take", "end all"]
        for usage in (0xE0, 0xE2, 0xE1, 0x29):
            sink.key(usage, True, 0, "")
        sink.release_all()
        await asyncio.sleep(0.1)
        assert acts.done == [4, "take", "end all"], "a viewer can't press it"
        hand.click(*centre(xvfb, scene, "heading"))
        await asyncio.sleep(0.1)
        hand.click(*centre(xvfb, scene, "end_all"))
        await asyncio.sleep(0.1)
        assert acts.done == [4, "take", "end all"], "it has moved to another edge"
    finally:
        for one in (hand, sink, window):
            one.close()


@pytest.mark.display
async def test_a_display_that_goes_away_takes_the_indicator_and_nothing_else(own_xvfb: Any) -> None:
    server = own_xvfb()
    window = IndicatorWindow(server.display, OwnWindows(), Acts())
    scene = Scene((Onlooker(number=1, name="Ann"),))
    window.show(scene)
    server.end()
    await asyncio.sleep(0.1)
    window.show(scene)
    window.show(Scene())
    window.close()
