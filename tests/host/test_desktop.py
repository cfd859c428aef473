"""Input on a real X server: what is typed arrives in a real terminal, and nothing stays pressed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import xcffib
import xcffib.xproto

from avl_host.input.desktop import DesktopSink
from avl_host.input.keymap import KEYCODES
from avl_host.input.sink import SinkLost, StoppedLoop
from avl_protocol.wire.keys import KEYS, parse_chord
from avl_protocol.wire.registry import Modifier
from tests.host.conftest import Typist, XServer
from tests.host.keyboards import Program
from tests.tools import need

pytestmark = pytest.mark.display
ENTER = KEYS["enter"]


class Watcher:
    """What the server says is down, and where the pointer is."""

    def __init__(self, display: str) -> None:
        self._x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        self._root = self._x.get_setup().roots[0].root

    def keys(self) -> set[int]:
        """Keycodes that are down."""
        told = bytes(self._x.core.QueryKeymap().reply().keys)
        return {at * 8 + bit for at, byte in enumerate(told) for bit in range(8) if byte >> bit & 1}

    def pointer(self) -> tuple[int, int, int]:
        """Pointer position and modifier mask."""
        told = self._x.core.QueryPointer(self._root).reply()
        return told.root_x, told.root_y, told.mask

    def close(self) -> None:
        """Disconnect."""
        self._x.disconnect()


@pytest.fixture
def watcher(xvfb: XServer) -> Iterator[Watcher]:
    watcher = Watcher(xvfb.display)
    yield watcher
    watcher.close()


@pytest.fixture
def sink(xvfb: XServer) -> Iterator[DesktopSink]:
    sink = DesktopSink(xvfb.display, StoppedLoop())
    sink.move(100, 100)
    yield sink
    sink.close()


@pytest.fixture
def program(xvfb: XServer) -> Iterator[Program]:
    program = Program(xvfb.display)
    yield program
    program.close()


def eventually(holds: Callable[[], bool], seconds: float = 3.0) -> bool:
    """Whether something becomes true soon: the server takes its clients' requests in no particular order."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def press(sink: DesktopSink, usage: int, text: str = "", modifiers: int = 0) -> None:
    """A key down and up."""
    sink.key(usage, True, modifiers, text)
    sink.key(usage, False, modifiers, text)


async def test_text_of_any_script_arrives(xvfb: XServer, typist: Typist) -> None:
    sink = DesktopSink(xvfb.display, asyncio.get_running_loop())
    sink.move(100, 100)
    words = ["plain text", "aA1!@#{}", "жЖ Привет", "漢字かな", "😀 ok", "€ é ß ñ", "żółć ‘quoted’"]
    for word in words:
        sink.text(word + "\n")
    found = await asyncio.to_thread(typist.lines, len(words))
    sink.close()
    assert found == words


def test_keys_with_text_give_that_text_whatever_the_layouts(sink: DesktopSink, typist: Typist) -> None:
    # A German viewer on an American host: Z and Y are swapped, Shift+7 is a slash, AltGr+Q an at sign, ö its own key.
    press(sink, KEYS["z"], "y")
    press(sink, KEYS["y"], "z")
    shift = KEYS["shift"]
    sink.key(shift, True, Modifier.SHIFT, "")
    press(sink, KEYS["7"], "/", Modifier.SHIFT)
    press(sink, KEYS["a"], "A", Modifier.SHIFT)
    sink.key(shift, False, 0, "")
    altgr = KEYS["altgr"]
    sink.key(altgr, True, Modifier.ALTGR, "")
    press(sink, KEYS["q"], "@", Modifier.ALTGR)
    press(sink, KEYS["e"], "€", Modifier.ALTGR)
    sink.key(altgr, False, 0, "")
    press(sink, KEYS[";"], "ö")
    press(sink, KEYS["d"], "漢")
    press(sink, KEYS["e"], "e")
    press(sink, ENTER)
    assert typist.lines(1) == ["yz/A@€ö漢e"]


def test_caps_lock_follows_the_viewer(sink: DesktopSink, typist: Typist, watcher: Watcher) -> None:
    press(sink, KEYS["a"], "A", Modifier.CAPS_LOCK)
    press(sink, KEYS["b"], "b", Modifier.CAPS_LOCK | Modifier.SHIFT)
    sink.text("Mixed")
    press(sink, KEYS["c"], "c", 0)
    press(sink, ENTER)
    assert typist.lines(1) == ["AbMixedc"]
    assert eventually(lambda: watcher.pointer()[2] & 2 == 0), "Caps Lock was left on"


def test_a_shortcut_reaches_a_program(sink: DesktopSink, typist: Typist) -> None:
    sink.text("one\n")
    chord = parse_chord("ctrl+d")
    assert typist.lines(1) == ["one"]
    for held in chord.held:
        sink.key(held, True, Modifier.CONTROL, "")
    press(sink, chord.usage, "d", Modifier.CONTROL)
    for held in chord.held:
        sink.key(held, False, 0, "")
    typist.process.wait(8)  # Ctrl+D ended cat, and with it the terminal.


def test_held_keys_are_down_until_released(sink: DesktopSink, watcher: Watcher) -> None:
    assert eventually(lambda: watcher.keys() == set())
    sink.key(KEYS["shift"], True, Modifier.SHIFT, "")
    sink.key(KEYS["f9"], True, Modifier.SHIFT, "")
    sink.key(KEYS["f9"], True, Modifier.SHIFT, "")
    assert eventually(lambda: watcher.keys() == {KEYCODES[KEYS["shift"]], KEYCODES[KEYS["f9"]]})
    sink.key(KEYS["f9"], False, Modifier.SHIFT, "")
    assert eventually(lambda: watcher.keys() == {KEYCODES[KEYS["shift"]]})
    sink.button(1, True)
    assert eventually(lambda: bool(watcher.pointer()[2] & 0x100))
    sink.release_all()
    sink.release_all()
    assert eventually(lambda: watcher.keys() == set())
    assert eventually(lambda: not watcher.pointer()[2] & 0x100)


def test_closing_releases(xvfb: XServer, watcher: Watcher) -> None:
    sink = DesktopSink(xvfb.display, StoppedLoop())
    sink.key(KEYS["ctrl"], True, Modifier.CONTROL, "")
    sink.close()
    sink.close()
    assert eventually(lambda: watcher.keys() == set())
    with pytest.raises(SinkLost):
        sink.move(1, 1)


def test_what_a_crashed_host_left_pressed_is_released(xvfb: XServer, watcher: Watcher, connections: list[Any]) -> None:
    crashed = DesktopSink(xvfb.display, StoppedLoop())
    x = connections[-1]
    crashed.key(KEYS["alt"], True, Modifier.ALT, "")
    crashed.button(3, True)
    x.core.GetInputFocus().reply()
    x.disconnect()  # Gone without a word: the server keeps both down.
    assert eventually(lambda: watcher.keys() != set())
    again = DesktopSink(xvfb.display, StoppedLoop())
    assert eventually(lambda: watcher.keys() == set())
    assert eventually(lambda: not watcher.pointer()[2] & 0x1F00)
    again.close()


def test_spare_keycodes_are_given_back(xvfb: XServer) -> None:
    before = xvfb.run(need("xmodmap"), "-pke").stdout
    sink = DesktopSink(xvfb.display, StoppedLoop())
    sink.text("漢字")
    assert eventually(lambda: xvfb.run("xmodmap", "-pke").stdout != before)
    sink.close()
    assert eventually(lambda: xvfb.run("xmodmap", "-pke").stdout.split() == before.split())


def test_another_layout_on_the_host(sink: DesktopSink, typist: Typist, xvfb: XServer) -> None:
    try:
        assert xvfb.run(need("setxkbmap"), "de").returncode == 0
        sink.text("zy@{ß?\n")
        press(sink, KEYS["y"], "y")
        press(sink, KEYS["q"], "@")
        press(sink, ENTER)
        assert typist.lines(2) == ["zy@{ß?", "y@"]
        assert xvfb.run("setxkbmap", "us,ru", "-option", "").returncode == 0
        sink.text("жук bug\n")
        assert typist.lines(3)[2:] == ["жук bug"]
    finally:
        xvfb.run("setxkbmap", "us")


async def test_more_new_characters_than_spare_keycodes(xvfb: XServer, typist: Typist) -> None:
    sink = DesktopSink(xvfb.display, asyncio.get_running_loop())
    text = "".join(chr(0x4E00 + at) for at in range(60))
    sink.text(text + "\n")
    press(sink, KEYS["k"], "k")
    press(sink, ENTER)
    found = await asyncio.to_thread(typist.lines, 2)
    sink.close()
    assert found == [text, "k"]


def test_pointer_and_wheel(sink: DesktopSink, watcher: Watcher, program: Program) -> None:
    sink.move(320, 200)
    assert eventually(lambda: watcher.pointer()[:2] == (320, 200))
    sink.move(99999, -5)
    assert eventually(lambda: watcher.pointer()[:2] == (639, 0))
    sink.move(50, 50)

    def turn() -> None:
        sink.scroll(0, 60)  # Half a notch: nothing yet.
        sink.scroll(0, 60)
        sink.scroll(-240, 0)
        sink.scroll(0, 119)
        sink.scroll(0, -120)  # Turned round: the rest of the other way is forgotten.
        sink.button(2, True)
        sink.button(2, False)
        sink.button(77, True)

    assert program.buttons(turn, 5) == [5, 6, 6, 4, 2]


def test_a_display_that_is_not_there() -> None:
    with pytest.raises(SinkLost, match=":998"):
        DesktopSink(":998", StoppedLoop())


def test_a_display_without_xtest_says_so(own_xvfb: Callable[..., XServer]) -> None:
    with pytest.raises(SinkLost, match="XTEST"):
        DesktopSink(own_xvfb(320, 240, 24, "-extension", "XTEST").display, StoppedLoop())


def test_a_display_that_dies(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb()
    sink = DesktopSink(server.display, StoppedLoop())
    sink.key(KEYS["a"], True, 0, "a")
    server.end()
    with pytest.raises(SinkLost):
        for _ in range(100):
            sink.move(1, 1)
    sink.close()
