"""Who sees the screen, as the person in front of it is shown and may end it."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xcffib
import xcffib.xproto

from avl_host.input.desktop import DesktopSink
from avl_host.input.ownwindows import OwnWindows
from avl_host.input.sink import StoppedLoop
from avl_host.presence.acts import HostActs
from avl_host.presence.indicator import MOST, IndicatorWindow, Plan, Tab
from avl_host.presence.scene import Onlooker, RememberingIndicator, Scene, gives, words
from avl_host.presence.surface import Box, Surface, Unavailable
from avl_host.presence.tray import TrayIcon
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


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, for a busy machine's sake longer than it takes."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


def centre(server: XServer, scene: Scene, part: str, number: int = 0, edge: int = 0) -> tuple[int, int]:
    probe = Surface(server.display, OwnWindows())
    plan = Plan(scene, probe.line)
    window = plan.on(probe.screen, edge)
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
        while not eyes.visible(window.window) and time.monotonic() - begun < 2:
            await asyncio.sleep(0.005)
        taken = time.monotonic() - begun
        print(f"indicator: seen {1000 * taken:.0f} ms after admission")
        assert taken < 0.3
        assert own
        session.end(CloseCode.ENDED, lobby.clock.now)
        lobby.settle()
        assert not own
        async with asyncio.timeout(2):
            while eyes.visible(window.window):
                await asyncio.sleep(0.005)
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
        taken = []
        for round_ in range(3):
            sessions = [lobby.admit(10 * round_ + number) for number in range(1, 6)]
            where = centre(xvfb, lobby.presence.scene, "end_all")
            for sink in (rude, polite):
                for _ in range(100):
                    sink.move(*where)
                    sink.button(1, True)
                    sink.button(1, False)
                sink.move(0, 0)
            await asyncio.sleep(0.2)
            assert all(session.state is HostState.ADMITTED for session in sessions)
            begun = time.monotonic()
            hand.click(*where)
            while lobby.sessions and time.monotonic() - begun < 5:
                await asyncio.sleep(0.005)
            taken.append(time.monotonic() - begun)
            assert all(session.over for session in sessions)
        print(f"end all: nobody is there after {', '.join(f'{1000 * one:.0f}' for one in taken)} ms")
        assert min(taken) < 0.3, "the machine may be busy, but not each time"
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
        await until(lambda: acts.done == [4, "take"])
        # A program has the keyboard, as a viewer might make one do: the hotkey works all the same.
        other: Any = xcffib.connect(xvfb.display)  # type: ignore[no-untyped-call]
        root = other.get_setup().roots[0].root
        other.core.GrabKeyboard(False, root, 0, 1, 1).reply()
        hand.key(*keys)
        await until(lambda: acts.done == [4, "take", "end all"])
        other.disconnect()
        for usage in (0xE0, 0xE2, 0xE1, 0x29):
            sink.key(usage, True, 0, "")
        sink.release_all()
        await asyncio.sleep(0.1)
        assert acts.done == [4, "take", "end all"], "a viewer can't press it"
        hand.click(*centre(xvfb, scene, "heading"))
        await asyncio.sleep(0.1)
        hand.click(*centre(xvfb, scene, "end_all", edge=1))
        await until(lambda: acts.done == [4, "take", "end all", "end all"])
    finally:
        for one in (hand, sink, window):
            one.close()


@pytest.mark.display
async def test_it_folds_to_a_tab_that_a_hand_unfolds_and_stays_while_somebody_asks(xvfb: XServer) -> None:
    acts, own = Acts(), OwnWindows()
    window = IndicatorWindow(xvfb.display, own, acts)
    hand = Hand(xvfb.display)
    scene = Scene((Onlooker(number=4, name="Ann" * 40, acts=True),))
    probe = Surface(xvfb.display, OwnWindows())
    tab, place = Tab(scene, probe.line, probe.advance), Plan(scene, probe.line).on(probe.screen, 0)
    folded = tab.on(probe.screen, 0)
    probe.close()
    assert tab.width < place.width and tab.height < place.height / 2 and tab.text.endswith("...")
    outside = (place.x + 4, place.y + place.height - 4)
    try:
        window.show(scene)
        assert own.at(*outside)
        window.fold()
        assert own and not own.at(*outside), "a viewer can act there"
        hand.click(folded.x + 5, folded.y + 5)
        await until(lambda: own.at(*outside) is not None)
        assert acts.done == []
        hand.click(*centre(xvfb, scene, "end_all"))
        await until(lambda: acts.done == ["end all"])
        window.show(Scene((replace(scene.people[0], asks=True),), ControlMode.ONE))
        assert not window.folds, "there is somebody to answer"
    finally:
        for one in (hand, window):
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


class Tray:
    """A desktop's tray: takes whatever wants to be docked, as the System Tray Protocol has it."""

    def __init__(self, display: str) -> None:
        x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        self._x = x
        self._root = x.get_setup().roots[0].root
        self.window = x.generate_id()
        visual = x.get_setup().roots[0].root_visual
        x.core.CreateWindow(0, self.window, self._root, 300, 300, 40, 40, 0, 1, visual, 2, [0xFFFFFF])
        x.core.MapWindow(self.window)
        self._atoms = {
            name: x.core.InternAtom(False, len(name), name).reply().atom for name in ("_NET_SYSTEM_TRAY_S0", "MANAGER")
        }
        x.core.SetSelectionOwner(self.window, self._atoms["_NET_SYSTEM_TRAY_S0"], 0)
        told = (33, 32, 0, self._root, self._atoms["MANAGER"], 0, self._atoms["_NET_SYSTEM_TRAY_S0"], self.window, 0, 0)
        x.core.SendEvent(False, self._root, 1 << 17, struct.pack("=BBHII5I", *told))
        x.flush()

    async def docked(self) -> int:
        """Take the next icon, and show it."""
        async with asyncio.timeout(5):
            while True:
                event = self._x.poll_for_event()
                if isinstance(event, xcffib.xproto.ClientMessageEvent):
                    icon = int(event.data.data32[2])
                    self._x.core.ReparentWindow(icon, self.window, 0, 0)
                    self._x.core.MapWindow(icon)
                    self._x.flush()
                    return icon
                await asyncio.sleep(0.01)

    def colours(self) -> set[bytes]:
        """Those of its pixels."""
        data = bytes(self._x.core.GetImage(2, self.window, 0, 0, 22, 22, 0xFFFFFFFF).reply().data)
        return {data[at : at + 3] for at in range(0, len(data), 4)}

    def close(self) -> None:
        self._x.disconnect()


@pytest.mark.display
@pytest.mark.parametrize("early", [True, False], ids=["a tray that is there", "a tray that begins later"])
async def test_an_eye_in_the_tray_turns_red_and_is_clicked_by_hand_alone(own_xvfb: Any, early: bool) -> None:
    server = own_xvfb()
    clicks: list[int] = []
    tray = Tray(server.display) if early else None
    icon = TrayIcon(server.display, lambda: clicks.append(1))
    tray = tray or Tray(server.display)
    hand, sink = Hand(server.display), DesktopSink(server.display, StoppedLoop())
    red = bytes.fromhex("1e26b3")
    try:
        assert await tray.docked() == icon.window
        await asyncio.sleep(0.1)
        assert red not in tray.colours() and len(tray.colours()) > 1
        icon.show(Scene((Onlooker(number=1, name="Ann"),)))
        await asyncio.sleep(0.1)
        assert red in tray.colours()
        icon.show(Scene())
        await asyncio.sleep(0.1)
        assert red not in tray.colours()
        sink.move(310, 310)
        sink.button(1, True)
        sink.button(1, False)
        await asyncio.sleep(0.1)
        assert clicks == []
        hand.click(310, 310)
        await asyncio.sleep(0.1)
        assert clicks == [1]
    finally:
        for one in (hand, sink, icon, tray):
            one.close()


@pytest.mark.display
async def test_without_a_tray_nothing_is_shown(own_xvfb: Any) -> None:
    server = own_xvfb()
    icon = TrayIcon(server.display, lambda: None)
    icon.show(Scene((Onlooker(number=1, name="Ann"),)))
    eyes = Eyes(server.display)
    assert not eyes.visible(icon.window)
    eyes.close()
    server.end()
    await asyncio.sleep(0.1)
    icon.show(Scene())
    icon.close()
    with pytest.raises(Unavailable):
        TrayIcon(server.display, lambda: None)
