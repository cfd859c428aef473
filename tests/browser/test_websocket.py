"""The browser client where UDP leads nowhere: the desktop comes by WebSocket, from where the page came."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avl_host.capture.pattern import read_number
from interop.cdp import browser
from tests.browser.desk import CODE, desk
from tests.tools import need

pytestmark = pytest.mark.browser

#: The page is told a port where nobody answers.
NOWHERE = """(() => {
    const real = fetch;
    window.fetch = async (...of) => {
        const told = await (await real(...of)).json();
        return new Response(JSON.stringify({...told, quic: "127.0.0.1:49999"}));
    };
})()"""


async def test_a_page_whose_udp_is_blocked_shows_the_desktop_all_the_same(tmp_path: Path) -> None:
    async with desk(tmp_path) as (running, _), browser(need("chromium"), size=(640, 360)) as chromium:
        page = await chromium.page()
        size = {"width": 640, "height": 360, "deviceScaleFactor": 1, "mobile": False}
        await page.send("Emulation.setDeviceMetricsOverride", **size)
        await page.send("Page.addScriptToEvaluateOnNewDocument", source=NOWHERE)
        await page.send("Page.navigate", url=running.host["url"])
        await page.until("document.documentElement?.dataset.state == 'running'")

        async def number() -> int:
            """The number on the picture that is shown."""
            while True:
                shown = np.asarray(Image.open(io.BytesIO(await page.screenshot())).convert("RGB"))
                bgra = np.dstack([shown[:, :, ::-1], np.zeros(shown.shape[:2], np.uint8)])
                if (found := read_number(np.ascontiguousarray(bgra))) is not None:
                    return found

        async with asyncio.timeout(20):
            first = await number()
            while await number() < first + 30:
                pass
        assert CODE not in await page.evaluate("location.href")
        assert not [line for line in page.console if line.startswith("uncaught")], page.console
