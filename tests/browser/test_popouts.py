"""A monitor in a window of its own beside the page: what it shows, where clicks land, and that it comes and goes."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interop.cdp import Browser, Page, browser
from tests.browser.desk import desk
from tests.browser.test_client import STATE, opened, visit
from tests.tools import need

pytestmark = [pytest.mark.browser, pytest.mark.asyncio]

#: RandR's words for the monitors of a display of 800x600: a rectangle, and what it is of.
LEFT, RIGHT = ("left", "480/100x600/100+0+0", "screen"), ("right", "320/80x400/100+480+100", "none")
#: The sign beside a monitor's name in the menu.
SIGN = "[...document.querySelectorAll('#monitor-list button')].find((one) => one.title.startsWith('right in'))"


def divide(display: str, *monitors: tuple[str, str, str]) -> None:
    """The display has these monitors."""
    for monitor in monitors:
        subprocess.run([need("xrandr"), "--display", display, "--setmonitor", *monitor], check=True)


async def window_of(chromium: Browser, size: tuple[int, int]) -> Page:
    """The window that the page has opened, of this size."""
    async with asyncio.timeout(20):
        while True:
            targets = (await chromium.send("Target.getTargets"))["targetInfos"]
            found = [one["targetId"] for one in targets if one["url"].endswith("/monitor.html")]
            if found:
                break
    page = await chromium.attach(found[0])
    width, height = size
    await page.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    return page


async def picture(page: Page, name: str) -> Any:
    """The window as RGB; kept as `name` where AVL_PICTURES names a folder."""
    shown = await page.screenshot()
    if folder := os.environ.get("AVL_PICTURES"):
        Path(folder, f"{name}.png").write_bytes(shown)
    return np.asarray(Image.open(io.BytesIO(shown)).convert("RGB"))


async def test_a_monitor_has_a_window_of_its_own_whose_clicks_land_there(tmp_path: Path) -> None:
    need("xrandr")
    async with desk(tmp_path, display=True) as (running, witness), browser(need("chromium")) as chromium:
        assert witness is not None
        display = running.source[1]
        divide(display, LEFT, RIGHT)
        async with opened(chromium) as page:
            await visit(page, running.host["url"], "running")
            await page.until(SIGN)
            await page.send("Runtime.evaluate", expression=f"{SIGN}.click()", userGesture=True)
            window = await window_of(chromium, (640, 800))
            await window.until(f"{STATE} == 'running' && document.title.startsWith('right - ')")
            witness.draw(500, 120, 40, 30)
            async with asyncio.timeout(20):
                while (await picture(window, "window"))[70, 70].tolist() != [240, 240, 240]:
                    pass
            shown = await picture(window, "window")
            assert shown[30, 30].tolist() == shown[110, 110].tolist() == [48, 80, 112], "twice as large, and sharp"
            assert (await picture(page, "page"))[130, 510].tolist() == [240, 240, 240], "the page shows it all still"

            witness.forget()
            await window.click(640 * 3 // 4, 800 // 2)
            await running.until("a click in the monitor", witness.saw(("down", 1), ("up", 1)))
            assert witness.at == (480 + 240, 100 + 200)
            await window.key("a", True)
            await window.key("a", False)
            await running.until("a key", lambda: witness.text() == "a")

            subprocess.run(["xrandr", "--display", display, "--delmonitor", "right"], check=True)
            await window.until("document.body.innerText.includes('The monitor right is gone')")
            await picture(window, "gone")
            divide(display, RIGHT)
            await window.until(f"{STATE} == 'running' && document.getElementById('notice').hidden")
            witness.draw(500, 220, 40, 30)
            async with asyncio.timeout(20):
                while (await picture(window, "again"))[270, 70].tolist() != [240, 240, 240]:
                    pass

            assert not [line for line in window.console if line.startswith("uncaught")], window.console
            await window.send("Page.close")
