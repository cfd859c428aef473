"""Other codecs than H.264 from a real host to a real Chromium, which names them and shows what comes."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interop.cdp import Page, browser
from interop.programs import Programs
from tests.browser.desk import Desk
from tests.browser.page import ROOT
from tests.tools import need

pytestmark = [pytest.mark.browser, pytest.mark.asyncio]

RUNNING = "document.documentElement?.dataset.state == 'running'"


async def seen(page: Page) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """What the page shows."""
    return np.asarray(Image.open(io.BytesIO(await page.screenshot())).convert("RGB")).astype(np.int16)


@pytest.mark.parametrize(("codec", "name"), [("auto", "avc1."), ("vp9", "vp09.00."), ("av1", "av01.0.")])
async def test_a_page_shows_a_film_in_every_codec(
    codec: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coded = tmp_path / "coded"
    monkeypatch.setenv("AVL_TEST_CODED", str(coded))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    programs = Programs(tmp_path)
    try:
        source = ["--source", "pattern", "--codec", codec]
        filming: list[str | Path] = [sys.executable, "-m", "tests.browser.coding"]
        running = Desk(programs=programs, relay={}, host={}, source=source, host_program=filming)
        await running.start_relay()
        await running.start_host()
        async with browser(need("chromium"), size=(640, 360)) as chromium:
            page = await chromium.page()
            size = {"width": 640, "height": 360, "deviceScaleFactor": 1, "mobile": False}
            await page.send("Emulation.setDeviceMetricsOverride", **size)
            await page.send("Page.navigate", url=running.host["url"])
            assert await page.until(RUNNING)
            async with asyncio.timeout(60):
                while (first := await seen(page)).std() < 5 or not coded.exists():
                    pass
                before = len(coded.read_text("utf-8").splitlines())
                for _ in range(5):
                    while np.abs((later := await seen(page)) - first).mean() < 5:
                        pass
                    assert later.std() > 5
                    first = later
            codecs = coded.read_text("utf-8").splitlines()
            assert {one[: len(name)] for one in codecs} == {name}
            # One that can't be decoded is asked for again every 300 ms.
            assert len(codecs) - before < 5
            assert not [line for line in page.console if line.startswith("uncaught")], page.console
            await page.send("Page.navigate", url="about:blank")
    finally:
        programs.end()
