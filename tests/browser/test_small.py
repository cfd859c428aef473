"""Small and odd desktops in a browser: Chromium's decoder and canvas take what a host makes of them."""

from __future__ import annotations

import select
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from interop.cdp import Browser, browser
from interop.programs import Programs
from tests.browser.desk import READY, Desk
from tests.tools import need

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SHOWN = "document.documentElement?.dataset.exact !== undefined && document.documentElement.dataset.state"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all sizes."""
    async with browser(need("chromium"), size=(800, 600)) as running:
        yield running


def display(programs: Programs, width: int, height: int) -> str:
    """A virtual display of this size and nothing on it."""
    command = [need("Xvfb"), "-displayfd", "1", "-noreset", "-nolisten", "tcp", "-screen", "0", f"{width}x{height}x24"]
    server = programs.start("desktop", command, stdout=subprocess.PIPE)
    assert server.process.stdout is not None
    assert select.select([server.process.stdout], [], [], READY)[0], server.last_words()
    return f":{server.process.stdout.readline().decode().strip()}"


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 64)])
async def test_a_small_desktop_is_shown(chromium: Browser, tmp_path: Path, width: int, height: int) -> None:
    programs = Programs(tmp_path)
    try:
        running = Desk(programs=programs, relay={}, host={}, source=["--display", display(programs, width, height)])
        await running.start_relay()
        await running.start_host()
        page = await chromium.page()
        await page.send("Page.navigate", url=running.host["url"])
        assert await page.until(SHOWN) == "running"
        await page.send("Page.navigate", url="about:blank")
        assert not [line for line in page.console if line.startswith("uncaught")], page.console
    finally:
        programs.end()
