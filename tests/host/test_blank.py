"""The screen is dark and locked while a session runs that nobody in front of it allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import xcffib
import xcffib.randr

from avl_host.input.desktop import DesktopSink
from avl_host.input.ownwindows import OwnWindows
from avl_host.input.sink import StoppedLoop
from avl_host.presence.blank import CHECK, BlankWatch, RememberingBlanker
from avl_host.presence.surface import Box, Pressed, Surface, Unavailable
from avl_host.presence.x11blank import X11Blanker
from avl_protocol.session.hosting import HostState, Returns
from avl_protocol.wire.messages import Evict
from avl_protocol.wire.registry import CloseCode, Permission
from tests.host.conftest import XServer
from tests.host.hand import Hand
from tests.host.test_subscribers import Lobby


def lobby_with(folder: Path, blanker: RememberingBlanker) -> Lobby:
    said: list[str] = []
    return Lobby(folder, blank=BlankWatch(blanker, said.append))


def test_it_is_dark_before_anybody_is_in_and_until_the_last_is_gone(tmp_path: Path) -> None:
    blanker = RememberingBlanker()
    lobby = lobby_with(tmp_path, blanker)
    lobby.incoming(3)
    assert not blanker.dark
    first, second = lobby.admit(1), lobby.admit(2, Permission.VIEW)
    assert blanker.dark
    first.end(CloseCode.ENDED, lobby.clock.now)
    lobby.settle()
    second.attachment_lost(second.attachment, lobby.clock.now)
    lobby.settle()
    assert blanker.dark, "it may come back"
    second.end(CloseCode.ENDED, lobby.clock.now)
    lobby.settle()
    assert not blanker.dark


def test_a_session_that_a_person_allowed_is_seen(tmp_path: Path) -> None:
    blanker = RememberingBlanker()
    lobby = lobby_with(tmp_path, blanker)
    session = lobby.incoming(1)
    assert session is not None
    session.agree(Permission.VIEW, Permission.VIEW)
    lobby.blank.begins(session)
    assert not blanker.dark


def test_what_can_not_be_dark_does_not_begin(tmp_path: Path) -> None:
    blanker = RememberingBlanker()
    blanker.fails = "a monitor stays lit"
    lobby = lobby_with(tmp_path, blanker)
    session = lobby.incoming(1)
    assert session is not None
    session.state = HostState.PROVED
    lobby.happens(session, Returns())
    assert session.over and lobby.sessions == []
    assert lobby.client.of(Evict) == [Evict(1, CloseCode.HOST_FAILED)]


def test_what_does_not_stay_dark_ends_and_nothing_else_does(tmp_path: Path) -> None:
    blanker = RememberingBlanker()
    lobby = lobby_with(tmp_path, blanker)
    session = lobby.admit(1)
    lobby.wait(CHECK)
    assert session.state is HostState.ADMITTED
    blanker.fails = "somebody has plugged in a monitor"
    lobby.wait(CHECK)
    assert session.over and lobby.sessions == []
    assert lobby.blank.next_timeout() is None


# -- on a real server --------------------------------------------------------------------------------------------------

pytest_display = pytest.mark.display


class Monitor:
    """What the monitors would show of the picture."""

    def __init__(self, display: str) -> None:
        self._x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        self._randr: Any = self._x(xcffib.randr.key)
        self._randr.QueryVersion(1, 3).reply()
        self._root = self._x.get_setup().roots[0].root
        self.crtc = self._randr.GetScreenResourcesCurrent(self._root).reply().crtcs[0]

    def ramp(self) -> list[int]:
        return list(self._randr.GetCrtcGamma(self.crtc).reply().red)

    def captured(self) -> bytes:
        """Nine pixels of the desktop, as programs have them."""
        data = bytes(self._x.core.GetImage(2, self._root, 50, 50, 3, 3, 0xFFFFFFFF).reply().data)
        return b"".join(data[at : at + 3] for at in range(0, len(data), 4))

    def set(self, ramp: list[int]) -> None:
        self._randr.SetCrtcGamma(self.crtc, len(ramp), ramp, ramp, ramp, is_checked=True).check()

    def close(self) -> None:
        self._x.disconnect()


@pytest.fixture
def server(own_xvfb: Callable[..., XServer]) -> Iterator[XServer]:
    yield own_xvfb()


@pytest_display
async def test_monitors_are_dark_and_captures_are_not(server: XServer) -> None:
    monitor = Monitor(server.display)
    before = [min(65535, at * 200) for at in range(256)]
    monitor.set(before)
    before = monitor.ramp()
    blanker = X11Blanker(server.display, lambda: None)
    other = Surface(server.display, OwnWindows())
    other.place(Box(10, 10, 300, 200))
    other.fill(Box(0, 0, 300, 200), 0xB3261E)
    other.show()
    try:
        assert blanker.darken() == ""
        assert not any(monitor.ramp())
        assert monitor.captured() == bytes.fromhex("1e26b3") * 9
        monitor.set(before)  # as a program that warms the colours at night does
        assert blanker.darken() == "" and not any(monitor.ramp())
        blanker.lighten()
        assert monitor.ramp() == before
        blanker.lighten()
    finally:
        blanker.close()
        other.close()
        monitor.close()


@pytest_display
async def test_a_screen_that_was_left_dark_is_lit_again(server: XServer) -> None:
    monitor = Monitor(server.display)
    monitor.set([0] * 256)
    blanker = X11Blanker(server.display, lambda: None)
    lit = monitor.ramp()
    assert lit[-1] > 60000 and lit == sorted(lit)
    assert blanker.darken() == "" and not any(monitor.ramp())
    blanker.close()
    assert monitor.ramp() == lit
    monitor.close()


@pytest_display
async def test_hands_reach_nothing_viewers_do_and_the_hotkey_ends_it(server: XServer) -> None:
    pressed: list[str] = []
    blanker = X11Blanker(server.display, lambda: pressed.append("hotkey"))
    hand, sink = Hand(server.display), DesktopSink(server.display, StoppedLoop())
    program = Surface(server.display, OwnWindows())
    program.place(Box(100, 100, 300, 200))

    def clicks() -> list[bool]:
        return [event.by_hand for event in program.events(lambda: None) if isinstance(event, Pressed)]

    try:
        hand.click(200, 200)
        await asyncio.sleep(0.1)
        assert clicks() == [True]
        assert blanker.darken() == ""
        hand.click(200, 200)
        sink.move(210, 210)
        sink.button(1, True)
        sink.button(1, False)
        await asyncio.sleep(0.1)
        assert clicks() == [False], "the viewer's alone"
        for keysym in (0xFFE3, 0xFFE9, 0xFF1B):
            hand.key(hand.keycode(keysym))
        await asyncio.sleep(0.1)
        assert pressed == []
        hand.key(*(hand.keycode(keysym) for keysym in (0xFFE3, 0xFFE9, 0xFFE1, 0xFF1B)))
        await asyncio.sleep(0.1)
        assert pressed == ["hotkey"]
        blanker.lighten()
        hand.click(200, 200)
        await asyncio.sleep(0.1)
        assert clicks() == [True]
    finally:
        for one in (hand, sink, program, blanker):
            one.close()


@pytest_display
async def test_a_display_that_goes_away_is_said_not_to_be_dark(server: XServer) -> None:
    blanker = X11Blanker(server.display, lambda: None)
    server.end()
    assert "does not answer" in blanker.darken()
    blanker.lighten()
    blanker.close()
    with pytest.raises(Unavailable):
        X11Blanker(server.display, lambda: None)
