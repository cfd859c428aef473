"""A real desktop in a real Chromium: once it rests the canvas equals the host's screen, pixel for pixel."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import xcffib
import xcffib.xproto as xproto
from numpy.typing import NDArray
from PIL import Image

from interop.bench.rig.pictures import text
from interop.cdp import Page, browser
from interop.screen import Screen
from tests.browser.desk import Desk, desk
from tests.tools import need

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

EXACT = "document.documentElement?.dataset.exact"
#: The page's canvas as a PNG.
READ = """(() => {
    const [canvas, copy] = [document.getElementById('picture'), document.createElement('canvas')];
    [copy.width, copy.height] = [canvas.width, canvas.height];
    copy.getContext('2d').drawImage(canvas, 0, 0);
    return copy.toDataURL('image/png').split(',')[1];
})()"""
SIZE = (800, 600)
#: Seconds until a change has become exact; two cores may be busy.
SETTLES = 12.0


class Drawing:
    """A window over the whole screen, drawn on as programs do."""

    def __init__(self, display: str) -> None:
        connection: Any = xcffib.connect(display=display)  # type: ignore[no-untyped-call]
        self._connection = connection
        root = connection.get_setup().roots[0]
        self._depth = root.root_depth
        self._window, self._pen = connection.generate_id(), connection.generate_id()
        mask = xproto.CW.BackPixel | xproto.CW.OverrideRedirect
        connection.core.CreateWindow(self._depth, self._window, root.root, 0, 0, *SIZE, 0, 1, 0, mask, [0x305070, 1])
        connection.core.CreateGC(self._pen, self._window, 0, [])
        connection.core.MapWindow(self._window)
        connection.flush()

    def put(self, pixels: NDArray[np.uint8], x: int, y: int) -> None:
        """Draw BGRX pixels, shape (height, width, 4)."""
        height, width = pixels.shape[:2]
        for top in range(0, height, 64):  # a request has a largest size
            part = np.ascontiguousarray(pixels[top : top + 64])
            self._connection.core.PutImage(
                2, self._window, self._pen, width, len(part), x, y + top, 0, self._depth, part.size, part.tobytes()
            )
        self._connection.flush()

    def scroll(self, left: int, top: int, width: int, height: int, up: int) -> None:
        """Move a part upwards within itself, as a terminal does."""
        self._connection.core.CopyArea(
            self._window, self._window, self._pen, left, top + up, left, top, width, height - up
        )
        self._connection.flush()

    def window(self, pixels: NDArray[np.uint8]) -> Callable[[int, int], None]:
        """A window that shows these above all; what moves it."""
        core, root = self._connection.core, self._connection.get_setup().roots[0]
        height, width = pixels.shape[:2]
        pixmap, window = self._connection.generate_id(), self._connection.generate_id()
        core.CreatePixmap(self._depth, pixmap, root.root, width, height)
        core.PutImage(2, pixmap, self._pen, width, height, 0, 0, 0, self._depth, pixels.size, pixels.tobytes())
        mask = xproto.CW.BackPixmap | xproto.CW.OverrideRedirect
        core.CreateWindow(self._depth, window, root.root, 0, 0, width, height, 0, 1, 0, mask, [pixmap, 1])
        core.MapWindow(window)

        def move(x: int, y: int) -> None:
            core.ConfigureWindow(window, xproto.ConfigWindow.X | xproto.ConfigWindow.Y, [x, y])
            self._connection.flush()

        return move

    def close(self) -> None:
        """Leave the display."""
        self._connection.disconnect()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Desk, Drawing, Screen, Page]]:
    """A display that is drawn on, a host of it, and a page that shows it."""
    async with desk(tmp_path_factory.mktemp("exact"), display=True) as (running, _):
        drawing, screen = Drawing(running.source[1]), Screen(running.source[1])
        async with browser(need("chromium"), size=SIZE) as chromium:
            page = await chromium.page()
            size = {"width": SIZE[0], "height": SIZE[1], "deviceScaleFactor": 1, "mobile": False}
            await page.send("Emulation.setDeviceMetricsOverride", **size)
            await page.send("Page.navigate", url=running.host["url"])
            await page.until(EXACT)
            yield running, drawing, screen, page
            await page.send("Page.navigate", url="about:blank")
            assert not [line for line in page.console if line.startswith("uncaught")], page.console
        drawing.close()
        screen.close()


async def canvas(page: Page) -> NDArray[np.uint8]:
    """What the page's canvas shows: RGB."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(await page.evaluate(READ)))).convert("RGB"))


async def becomes_exact(page: Page, screen: Screen) -> None:
    """The page says that it is exact, and its canvas is the screen."""
    end = time.monotonic() + SETTLES
    while True:
        if await page.evaluate(EXACT):
            shown, wanted = await canvas(page), screen.grab()
            if shown.shape == wanted.shape and (shown == wanted).all():
                return
        assert time.monotonic() < end, "the canvas does not become the screen"
        await asyncio.sleep(0)


async def test_a_page_of_code_becomes_exact(stand: tuple[Desk, Drawing, Screen, Page]) -> None:
    _, drawing, screen, page = stand
    drawing.put(text(*SIZE, seed=5), 0, 0)
    await becomes_exact(page, screen)
    source = np.random.default_rng(1)
    for _ in range(40):  # a word here, a caret there
        width, height = int(source.integers(1, 120)), int(source.integers(1, 40))
        x, y = int(source.integers(SIZE[0] - width)), int(source.integers(SIZE[1] - height))
        drawing.put(text(width, height, seed=int(source.integers(1000))), x, y)
        await asyncio.sleep(0.005)
    await becomes_exact(page, screen)


async def test_what_scrolls_is_exact_when_it_stops(stand: tuple[Desk, Drawing, Screen, Page]) -> None:
    _, drawing, screen, page = stand
    drawing.put(text(*SIZE, seed=6), 0, 0)
    await becomes_exact(page, screen)
    for line in range(60):
        drawing.scroll(40, 20, 640, 480, 16)
        drawing.put(text(640, 16, seed=100 + line), 40, 484)
        await asyncio.sleep(1 / 40)
    await becomes_exact(page, screen)


async def test_what_moved_like_a_film_is_exact_when_it_stops(
    stand: tuple[Desk, Drawing, Screen, Page], tmp_path: Path
) -> None:
    _, drawing, screen, page = stand
    drawing.put(text(*SIZE, seed=7), 0, 0)
    await becomes_exact(page, screen)
    source = np.random.default_rng(2)
    slope = np.add.outer(np.arange(240), np.arange(400)) % 256
    moving = 0
    for number in range(120):
        frame = np.stack([(slope * part + 5 * number) % 256 for part in (1, 2, 3, 0)], axis=2).astype(np.uint8)
        frame[100:140, number : number + 60] = source.integers(0, 256, (40, 60, 4), np.uint8)
        drawing.put(frame, 200, 160)
        await asyncio.sleep(1 / 40)
        if number % 40 == 39:
            moving += not await page.evaluate(EXACT)
            shown, still = await canvas(page), screen.grab()
            assert (shown[:128] == still[:128]).all(), "what stands still beside it stays exact"
    assert moving == 3
    await becomes_exact(page, screen)


async def test_a_window_that_is_dragged_leaves_nothing_behind(stand: tuple[Desk, Drawing, Screen, Page]) -> None:
    _, drawing, screen, page = stand
    drawing.put(text(*SIZE, seed=9), 0, 0)
    move = drawing.window(text(240, 160, seed=10))
    await becomes_exact(page, screen)
    for step in range(60):
        move(7 * step, 4 * step)
        await asyncio.sleep(1 / 40)
    await becomes_exact(page, screen)
    move(0, 400)
    await becomes_exact(page, screen)


#: Have the page take itself for hidden, or seen.
HIDE = """(() => {
    Object.defineProperty(document, 'hidden', { value: %s, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
})()"""


async def test_what_changed_while_nobody_looked_is_exact_afterwards(
    stand: tuple[Desk, Drawing, Screen, Page],
) -> None:
    _, drawing, screen, page = stand
    drawing.put(text(*SIZE, seed=8), 0, 0)
    await becomes_exact(page, screen)
    await page.evaluate(HIDE % "true")
    await asyncio.sleep(0.5)
    for line in range(20):
        drawing.scroll(0, 0, *SIZE, 16)
        drawing.put(text(SIZE[0], 16, seed=200 + line), 0, SIZE[1] - 16)
        await asyncio.sleep(1 / 40)
    await asyncio.sleep(0.5)
    assert not (await canvas(page) == screen.grab()).all(), "what nobody sees is not sent"
    await page.evaluate(HIDE % "false")
    await becomes_exact(page, screen)


async def test_figures_say_how_much_is_exact(stand: tuple[Desk, Drawing, Screen, Page]) -> None:
    _, _, screen, page = stand
    await becomes_exact(page, screen)
    await page.evaluate("document.querySelector('[data-action=statistics]').click()")
    await page.until("document.getElementById('figures-list').innerText.includes('all, for ')")
    await page.evaluate("document.querySelector('[data-action=statistics]').click()")
