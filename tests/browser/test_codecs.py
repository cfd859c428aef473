"""Other codecs than H.264 from a real host to a real Chromium, which names them and shows what comes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from interop.cdp import browser
from interop.programs import Programs
from tests.browser.desk import Desk
from tests.browser.test_tracks import rising
from tests.tools import need

pytestmark = [pytest.mark.browser, pytest.mark.asyncio]

RUNNING = "document.documentElement?.dataset.state == 'running'"


@pytest.mark.parametrize(("codec", "name"), [("vp9", "vp09.01."), ("av1", "av01.0.")])
async def test_a_page_shows_what_is_coded_in_another_codec(
    codec: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coded = tmp_path / "coded"
    monkeypatch.setenv("AVL_TEST_CODED", str(coded))
    programs = Programs(tmp_path)
    try:
        source = ["--source", "pattern", "--codec", codec]
        writing: list[str | Path] = [sys.executable, Path(__file__).with_name("coding.py")]
        running = Desk(programs=programs, relay={}, host={}, source=source, host_program=writing)
        await running.start_relay()
        await running.start_host()
        async with browser(need("chromium"), size=(640, 360)) as chromium:
            page = await chromium.page()
            size = {"width": 640, "height": 360, "deviceScaleFactor": 1, "mobile": False}
            await page.send("Emulation.setDeviceMetricsOverride", **size)
            await page.send("Page.navigate", url=running.host["url"])
            assert await page.until(RUNNING)
            first = await rising(page)
            assert await rising(page, first) > first
            assert not [line for line in page.console if line.startswith("uncaught")], page.console
            await page.send("Page.navigate", url="about:blank")
        assert coded.read_text("utf-8").splitlines()[-1].startswith(name), "4:4:4 where the codec has it"
    finally:
        programs.end()
