"""Capture from a real X server, compared with what the server itself says is on the screen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import xcffib
import xcffib.xproto
from numpy.typing import NDArray

from avl_host.capture.cells import grid, rectangles, touched
from avl_host.capture.mss_source import MssSource
from avl_host.capture.source import CaptureSource, SourceLost
from avl_host.capture.sources import open_source
from avl_host.capture.x11 import Unsupported, X11CaptureSource, straight_rgba
from avl_host.display.x11display import X11Display
from avl_protocol.media.frame import Rect
from avl_protocol.wire.registry import CELL
from tests.host.conftest import XServer
from tests.tools import need

pytestmark = pytest.mark.display


class Painter:
    """An X client that paints on the root window."""

    def __init__(self, display: str) -> None:
        x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        self.x = x
        self.root = x.get_setup().roots[0].root
        self.pen = x.generate_id()
        x.core.CreateGC(self.pen, self.root, 0, [])

    def fill(self, rect: Rect, colour: int) -> None:
        """Paint a rectangle, and wait until the server has."""
        self.x.core.ChangeGC(self.pen, xcffib.xproto.GC.Foreground, [colour])
        shape: Any = xcffib.xproto.RECTANGLE
        shapes = [shape.synthetic(rect.x, rect.y, rect.width, rect.height)]
        self.x.core.PolyFillRectangle(self.root, self.pen, 1, shapes)
        self.x.core.GetInputFocus().reply()

    def screen(self, width: int, height: int) -> NDArray[np.uint8]:
        """The screen by plain GetImage."""
        told = self.x.core.GetImage(2, self.root, 0, 0, width, height, 0xFFFFFFFF).reply()
        return np.frombuffer(bytes(told.data.buf()), np.uint8).reshape(height, width, 4)

    def warp(self, x: int, y: int) -> None:
        """Put the pointer somewhere, and wait until it is there."""
        self.x.core.WarpPointer(0, self.root, 0, 0, 0, 0, x, y)
        self.x.core.GetInputFocus().reply()

    def show_watch(self) -> None:
        """Make the pointer a watch over the root window, as long as this client lives."""
        font, cursor, name = self.x.generate_id(), self.x.generate_id(), "cursor"
        self.x.core.OpenFont(font, len(name), name)
        self.x.core.CreateGlyphCursor(cursor, font, font, 150, 151, 0, 0, 0, 65535, 65535, 65535)
        self.x.core.ChangeWindowAttributes(self.root, xcffib.xproto.CW.Cursor, [cursor])
        self.x.core.GetInputFocus().reply()

    def close(self) -> None:
        self.x.disconnect()


@pytest.fixture
def painter(xvfb: XServer) -> Iterator[Painter]:
    painter = Painter(xvfb.display)
    yield painter
    painter.fill(Rect(0, 0, 640, 480), 0)
    painter.close()


@pytest.fixture
def source(xvfb: XServer) -> Iterator[X11CaptureSource]:
    source = X11CaptureSource(xvfb.display, time.monotonic)
    yield source
    source.close()


def rest(source: CaptureSource) -> None:
    """Take what was drawn before."""
    while source.wait(0.02):
        source.grab()


def test_the_first_picture_is_the_whole_screen(painter: Painter, source: X11CaptureSource) -> None:
    painter.fill(Rect(10, 20, 100, 30), 0x123456)
    picture = source.grab()
    assert picture is not None
    assert picture.changed.shape == (30, 40) and picture.changed.all()
    assert (picture.pixels[25, 50, :3] == (0x56, 0x34, 0x12)).all()
    assert (picture.pixels == painter.screen(640, 480)).all()
    assert picture.grab_seconds > 0


def test_damage_is_what_changed_and_the_picture_stays_whole(painter: Painter, source: X11CaptureSource) -> None:
    source.grab()
    noise = np.random.default_rng(3)
    for _ in range(15):
        rest(source)
        x, y, width, height = (int(v) for v in noise.integers((0, 0, 1, 1), (600, 440, 40, 40)))
        rect = Rect(x, y, width, height)
        painter.fill(rect, int(noise.integers(1 << 24)))
        assert source.wait(2)
        picture = source.grab()
        assert picture is not None
        assert (picture.pixels == painter.screen(640, 480)).all()
        covered = np.zeros((480, 640), bool)
        for r in rectangles(picture.changed, 640, 480):
            covered[r.y : r.y + r.height, r.x : r.x + r.width] = True
        assert covered[y : y + height, x : x + width].all()
        assert covered.sum() <= (width + 2 * CELL) * (height + 2 * CELL)


def test_the_same_pixels_drawn_again_are_no_change(painter: Painter, source: X11CaptureSource) -> None:
    painter.fill(Rect(0, 0, 64, 64), 5)
    rest(source)
    painter.fill(Rect(0, 0, 64, 64), 5)
    assert source.wait(2)
    assert source.grab() is None
    whole = source.grab(whole=True)
    assert whole is not None
    assert not whole.changed.any()


def test_what_is_drawn_with_a_film_is_compared(painter: Painter, source: X11CaptureSource) -> None:
    film, beside = Rect(64, 64, 320, 192), Rect(64, 256, 320, 16)
    window = Rect(64, 64, 320, 208)
    painter.fill(window, 0x102030)
    rest(source)
    moving = np.zeros(grid(640, 480), np.bool_)
    moving[touched(film)] = True
    painter.fill(window, 0x102030)
    picture = source.grab(moving=moving)
    assert picture is not None
    assert (picture.changed == moving).all(), "the film is believed, and nothing beside it has changed"
    painter.fill(window, 0x102031)
    picture = source.grab(moving=moving)
    assert picture is not None
    assert picture.changed[touched(beside)].all() and picture.changed[touched(film)].all()
    painter.fill(window, 0x102031)
    assert source.grab() is None, "of all that was believed it is known what it was"


def test_waiting_ends_by_change_by_waking_and_by_time(painter: Painter, source: X11CaptureSource) -> None:
    rest(source)
    began = time.monotonic()
    assert not source.wait(0.05)
    assert time.monotonic() - began >= 0.045
    threading.Timer(0.03, source.wake).start()
    assert not source.wait(5)
    threading.Timer(0.03, painter.fill, (Rect(0, 0, 5, 5), 77)).start()
    assert source.wait(5)
    for _ in range(100_000):
        source.wake()  # More wake-ups than a pipe holds.
    assert not source.wait(5)


def test_the_pointer_shape_is_told_when_it_changes(painter: Painter, source: X11CaptureSource) -> None:
    source.cursor()
    assert source.cursor() is None
    painter.show_watch()
    shape = None
    end = time.monotonic() + 3
    while shape is None and time.monotonic() < end:
        source.wait(0.1)
        shape = source.cursor()
    assert shape is not None
    assert len(shape.rgba) == shape.width * shape.height * 4
    assert 0 <= shape.hot_x < shape.width
    assert any(shape.rgba[3::4])


def test_the_pointer_is_where_it_was_put(painter: Painter, source: X11CaptureSource) -> None:
    for place in ((10, 20), (300, 200)):
        painter.warp(*place)
        assert source.pointer() == place


def test_alpha_becomes_straight() -> None:
    words = np.array([0x80402000, 0xFF010203, 0x00000000, 0x01010101], np.uint32)
    assert list(straight_rgba(words)) == [128, 64, 0, 128, 1, 2, 3, 255, 0, 0, 0, 0, 255, 255, 255, 1]


def test_the_desktop_may_change_its_size(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb(640, 480)
    painter, source = Painter(server.display), X11CaptureSource(server.display, time.monotonic)
    assert source.grab() is not None
    assert source.monitors()[0].width == 640
    mode = ("small", "10", "512", "513", "514", "515", "300", "301", "302", "303")
    assert server.run(need("xrandr"), "--newmode", *mode).returncode == 0
    assert server.run("xrandr", "--addmode", "screen", "small").returncode == 0
    assert server.run("xrandr", "--output", "screen", "--mode", "small").returncode == 0
    assert source.wait(2)
    picture = source.grab()
    assert picture is not None
    assert picture.pixels.shape == (300, 512, 4)
    assert picture.changed.shape == grid(512, 300) and picture.changed.all()
    assert source.size == (512, 300)
    painter.fill(Rect(500, 290, 5, 5), 0xFFFFFF)
    assert source.wait(2)
    picture = source.grab()
    assert picture is not None
    assert (picture.pixels == painter.screen(512, 300)).all()
    source.close()
    source.close()
    painter.close()


def test_monitors_are_listed_and_followed(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb(640, 480)
    source = X11CaptureSource(server.display, time.monotonic)
    assert [(m.x, m.y, m.width, m.height) for m in source.monitors()] == [(0, 0, 640, 480)]
    assert server.run(need("xrandr"), "--setmonitor", "LEFT", "400/100x480/100+0+0", "screen").returncode == 0
    assert server.run("xrandr", "--setmonitor", "RIGHT", "240/100x480/100+400+0", "none").returncode == 0
    end = time.monotonic() + 3
    while len(source.monitors()) < 2 and time.monotonic() < end:
        source.wait(0.1)
    assert {(m.name, m.x, m.width) for m in source.monitors()} == {("LEFT", 0, 400), ("RIGHT", 400, 240)}
    source.close()


def test_a_display_that_dies_says_so(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb()
    source = X11CaptureSource(server.display, time.monotonic)
    source.grab()
    server.end()
    with pytest.raises(SourceLost, match="is gone"):
        for _ in range(10):
            source.wait(1)
    with pytest.raises(SourceLost):
        source.grab(whole=True)
    source.close()


def test_what_a_server_lacks_is_named(own_xvfb: Callable[..., XServer]) -> None:
    with pytest.raises(Unsupported, match="DAMAGE"):
        X11CaptureSource(own_xvfb(320, 240, 24, "-extension", "DAMAGE").display, time.monotonic)
    with pytest.raises(Unsupported, match="depth 16"):
        X11CaptureSource(own_xvfb(320, 240, 16).display, time.monotonic)


def test_the_fallback_sees_the_same(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb(320, 240, 24, "-extension", "DAMAGE")
    painter = Painter(server.display)
    source = open_source(server.display, time.monotonic)
    assert isinstance(source, MssSource)
    assert source.size == (320, 240)
    assert source.monitors()[0].width == 320
    first = source.grab()
    assert first is not None
    assert source.grab() is None
    painter.fill(Rect(70, 70, 10, 10), 0xABCDEF)
    assert source.wait(1)
    second = source.grab()
    assert second is not None
    assert rectangles(second.changed, 320, 240) == (Rect(64, 64, 16, 16),)
    assert (second.pixels[..., :3] == painter.screen(320, 240)[..., :3]).all()
    source.close()
    painter.close()


def divided(server: XServer) -> None:
    """Two monitors, of which one does not begin where cells do."""
    need("xrandr")
    for name, place, output in (("left", "301/80x480/120+0+0", "screen"), ("right", "339/90x401/106+301+37", "none")):
        assert server.run("xrandr", "--setmonitor", name, place, output).returncode == 0


def test_one_monitor_is_seen_by_itself_and_nothing_beside_it(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb()
    divided(server)
    painter = Painter(server.display)
    source = open_source(server.display, time.monotonic, "right")
    assert isinstance(source, X11CaptureSource) and source.size == (339, 401)

    def expected() -> NDArray[np.uint8]:
        return painter.screen(640, 480)[37 : 37 + 401, 301:640]

    noise = np.random.default_rng(5)
    first = source.grab()
    assert first is not None and (first.pixels == expected()).all()
    for _ in range(20):
        rest(source)
        x, y, width, height = (int(v) for v in noise.integers((0, 0, 1, 1), (640, 480, 200, 200)))
        width, height = min(width, 640 - x), min(height, 480 - y)
        painter.fill(Rect(x, y, width, height), int(noise.integers(1 << 24)))
        assert source.wait(2)
        picture = source.grab()
        beside = x + width <= 301 or y + height <= 37 or y >= 438
        assert (picture is None) == beside
        assert picture is None or (picture.pixels == expected()).all()
    painter.x.core.WarpPointer(0, painter.root, 0, 0, 0, 0, 311, 57)
    painter.x.core.GetInputFocus().reply()
    assert source.pointer() == (10, 20)
    source.close()
    painter.close()


async def test_a_monitor_that_changes_is_followed_and_one_that_vanishes_ends_with_a_sentence(
    own_xvfb: Callable[..., XServer],
) -> None:
    server = own_xvfb()
    painter = Painter(server.display)
    source = open_source(server.display, time.monotonic, "screen")
    source.grab()
    rest(source)
    await X11Display(server.display).resize(500, 300, 100)
    painter.fill(Rect(310, 0, 40, 20), 0xAABBCC)
    while source.size != (500, 300):
        assert source.wait(2)
    picture = source.grab()
    assert picture is not None and picture.changed.all()
    assert (picture.pixels == painter.screen(500, 300)).all()
    source.close()
    divided(server)
    source = open_source(server.display, time.monotonic, "right")
    source.grab()
    server.run("xrandr", "--delmonitor", "right")
    with pytest.raises(SourceLost, match=r"right .* is not there any more"):
        while source.wait(2):
            source.grab()
    source.close()
    painter.close()
    with pytest.raises(SourceLost, match="not there"):
        open_source(server.display, time.monotonic, "right")
    with pytest.raises(SourceLost, match="not there"):
        MssSource(server.display, time.monotonic, "screen 9")


def test_a_monitor_tells_how_fine_it_is(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb()
    need("xrandr")
    for name, measures, output in (("fine", "640/100x480/75+0+0", "screen"), ("usual", "640/170x480/127+0+0", "none")):
        assert server.run("xrandr", "--setmonitor", name, measures, output).returncode == 0
    source = X11CaptureSource(server.display, time.monotonic)
    told = {one.name: (one.scale, one.rotation) for one in source.monitors()}
    assert told == {"fine": (200, 0), "usual": (100, 0)}
    source.close()
