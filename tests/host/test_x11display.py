"""The size of a real X display: changed, put back, refused; and told to capture though nobody looks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from avl_host.capture.x11 import X11CaptureSource
from avl_host.display.display import SizeRefused
from avl_host.display.macdisplay import MacDisplay, Mode
from avl_host.display.windowsdisplay import DevMode, WindowsDisplay
from avl_host.display.x11display import X11Display
from tests.host.conftest import XServer
from tests.tools import need


@pytest.fixture
def server(own_xvfb: Callable[..., XServer]) -> XServer:
    return own_xvfb(1280, 800)


def size(server: XServer) -> tuple[int, int]:
    """What the server itself says."""
    source = X11CaptureSource(server.display, time.monotonic)
    try:
        return source.size
    finally:
        source.close()


def modes(server: XServer) -> str:
    need("xrandr")
    return server.run("xrandr").stdout


@pytest.mark.display
async def test_a_display_has_the_sizes_that_are_asked_for_and_then_its_own(server: XServer) -> None:
    display = X11Display(server.display)
    before = await display.state()
    for wanted in ((1000, 700), (640, 480), (1280, 500), (332, 500)):
        assert await display.resize(*wanted, 100) == wanted == size(server)
    assert await display.resize(5000, 400, 100) == (1280, 400), "the server makes no larger screen"
    assert modes(server).count("avl-") == 1, "modes of other sizes are not left behind"
    await display.restore(before)
    assert size(server) == (1280, 800) and "avl-" not in modes(server)


@pytest.mark.display
async def test_how_large_things_are_drawn_is_said_and_what_was_said_before_comes_back(server: XServer) -> None:
    need("xrdb")
    resources = "XTerm*faceSize:\t11\nXft.dpi:\t110\n"
    assert server.run("sh", "-c", f"printf '{resources}' | xrdb -load -nocpp -").returncode == 0

    def said() -> list[str]:
        return sorted(server.run("xrdb", "-query").stdout.split("\n"))

    display = X11Display(server.display)
    before = await display.state()
    await display.resize(640, 480, 200)
    assert "Xft.dpi:\t192" in said() and "XTerm*faceSize:\t11" in said()
    await display.resize(640, 480, 100)
    assert "Xft.dpi:\t110" in said(), "a usual screen changes nothing"
    await display.resize(640, 480, 150)
    await display.restore(before)
    assert "Xft.dpi:\t110" in said() and "XTerm*faceSize:\t11" in said()


@pytest.mark.display
async def test_a_display_of_two_monitors_keeps_its_size_and_so_does_one_that_is_gone(server: XServer) -> None:
    need("xrandr")
    for name, place, output in (("left", "640/100x800/100+0+0", "screen"), ("right", "640/100x800/100+640+0", "none")):
        assert server.run("xrandr", "--setmonitor", name, place, output).returncode == 0
    display = X11Display(server.display)
    with pytest.raises(SizeRefused, match="2 monitors"):
        await display.state()
    with pytest.raises(SizeRefused, match="damaged"):
        await display.restore("{")
    with pytest.raises(SizeRefused, match="can't be changed"):
        await display.restore(json.dumps({"mode": 1}))
    server.end()
    with pytest.raises(SizeRefused, match="does not answer"):
        await display.resize(640, 480, 100)


@pytest.mark.display
async def test_another_size_is_known_though_nobody_looks(server: XServer) -> None:
    source = X11CaptureSource(server.display, time.monotonic)
    try:
        await X11Display(server.display).resize(800, 600, 100)
        assert source.wait(5.0)
        assert source.size == (800, 600)
        assert [(one.width, one.height) for one in source.monitors()] == [(800, 600)]
    finally:
        source.close()


class User32:
    """Windows, as far as it is asked: a display of three modes."""

    def __init__(self) -> None:
        self.modes = [(1920, 1080), (1280, 720), (1920, 1080), (640, 480)]
        self.changes: list[object] = []
        self.answer = 0

    def EnumDisplaySettingsW(self, device: object, number: int, mode: object) -> int:
        at = 0 if number == 0xFFFFFFFF else number
        if at >= len(self.modes):
            return 0
        filled = mode._obj  # type: ignore[attr-defined]
        filled.width, filled.height = self.modes[at]
        return 1

    def ChangeDisplaySettingsExW(self, device: object, mode: object, *rest: object) -> int:
        self.changes.append(None if mode is None else (mode._obj.width, mode._obj.height, rest[1]))  # type: ignore[attr-defined]
        return self.answer


async def test_windows_takes_the_nearest_mode_for_the_time_being() -> None:
    system = User32()
    display = WindowsDisplay(system)
    before = await display.state()
    assert await display.resize(1300, 900, 200) == (1280, 720)
    await display.restore(before)
    assert system.changes == [(1280, 720, 4), None]
    system.answer = -1
    with pytest.raises(SizeRefused, match="640 x 480"):
        await display.resize(700, 500, 100)
    assert DevMode.fields.offset == 72 and DevMode.width.offset == 172, "as the SDK lays it out"


class QuartzDouble:
    """macOS, as far as it is asked."""

    def __init__(self) -> None:
        self.listed = [
            Mode((2880, 1800), (1440, 900), 1),
            Mode((1440, 900), (1440, 900), 2),
            Mode((1440, 900), (720, 450), 3),
        ]
        self.shown: list[object] = []

    def current(self) -> Mode:
        return self.listed[0]

    def modes(self) -> list[Mode]:
        return self.listed

    def show(self, mode: Mode) -> bool:
        self.shown.append(mode.reference)
        return True

    def back(self) -> None:
        self.shown.append("back")


async def test_macos_takes_the_nearest_mode_of_the_scale() -> None:
    system = QuartzDouble()
    display = MacDisplay(system)
    before = await display.state()
    assert await display.resize(1500, 1000, 100) == (1440, 900)
    assert await display.resize(1500, 1000, 200) == (1440, 900)
    await display.restore(before)
    assert system.shown == [2, 3, "back"]
