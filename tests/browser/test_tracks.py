"""Two desktops of a real host in a real Chromium: the page shows the first, composes both, and can show the second."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avl_host.capture.pattern import read_number
from interop.cdp import Page, browser
from interop.programs import Programs
from tests.browser.desk import Desk
from tests.tools import need

pytestmark = [pytest.mark.browser, pytest.mark.asyncio]

#: The pictures, without what is drawn over them.
CANVASES = "document.querySelectorAll('canvas:not(#overlay)')"
RUNNING = f"document.documentElement?.dataset.state == 'running' && {CANVASES}.length == 2"
#: Let one canvas alone be seen, at the upper left.
SHOW = """
document.querySelectorAll('canvas:not(#overlay)').forEach((canvas) => {
  const shown = canvas.dataset.track == '%d';
  canvas.hidden = !shown;
  Object.assign(canvas.style, { position: 'absolute', left: 0, top: 0, visibility: shown ? 'visible' : 'hidden' });
})
"""


async def number(page: Page) -> int | None:
    """The number on the card that the page shows."""
    shown = np.asarray(Image.open(io.BytesIO(await page.screenshot())).convert("RGB"))
    return read_number(np.ascontiguousarray(np.dstack([shown[:, :, ::-1], np.zeros(shown.shape[:2], np.uint8)])))


async def rising(page: Page, after: int = -1, times: int = 3) -> int:
    """Wait until the card has shown so many higher numbers; the last."""
    for _ in range(times):
        seen: int | None = None
        while seen is None or seen <= after:
            seen = await number(page)
        after = seen
    return after


async def test_a_page_composes_both_desktops_and_can_show_each(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    try:
        two_cards: list[str | Path] = [sys.executable, Path(__file__).with_name("two_cards.py")]
        running = Desk(programs=programs, relay={}, host={}, source=["--source", "pattern"], host_program=two_cards)
        await running.start_relay()
        await running.start_host()
        async with browser(need("chromium"), size=(640, 360)) as chromium:
            page = await chromium.page()
            size = {"width": 640, "height": 360, "deviceScaleFactor": 1, "mobile": False}
            await page.send("Emulation.setDeviceMetricsOverride", **size)
            await page.send("Page.navigate", url=running.host["url"])
            assert await page.until(RUNNING)
            sizes = f"[...{CANVASES}].map((canvas) => [canvas.dataset.track, canvas.hidden])"
            assert await page.evaluate(sizes) == [["1", False], ["3", True]]
            first = await rising(page)
            await page.evaluate(SHOW % 3)
            second = await rising(page)
            assert abs(second - first) < 30 * 30, "both cards move by one clock"
            widths = f"[...{CANVASES}].map((canvas) => canvas.width)"
            assert await page.until(f"JSON.stringify({widths}) == '[640,320]'")
            await page.evaluate(SHOW % 1)
            assert await rising(page, second) > second
            assert not [line for line in page.console if line.startswith("uncaught")], page.console
            await page.send("Page.navigate", url="about:blank")
    finally:
        programs.end()
