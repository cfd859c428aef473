"""The browser client where UDP leads nowhere: the desktop comes by WebSocket, from where the page came."""

from __future__ import annotations

from pathlib import Path

import pytest

from interop.cdp import browser
from tests.browser.desk import CODE, desk
from tests.tools import need

pytestmark = pytest.mark.browser

#: The page is told a port where nobody answers. (Port 9 is one that Chromium refuses at once.)
NOWHERE = """(() => {
    const real = fetch;
    window.fetch = async (...of) => {
        const told = await (await real(...of)).json();
        return new Response(JSON.stringify({...told, quic: "127.0.0.1:PORT"}));
    };
})()"""


@pytest.mark.parametrize("port", ["9", "49999"])
async def test_a_page_whose_udp_is_blocked_shows_the_desktop_all_the_same(port: str, tmp_path: Path) -> None:
    async with desk(tmp_path) as (running, _), browser(need("chromium"), size=(640, 360)) as chromium:
        page = await chromium.page()
        await page.send("Page.addScriptToEvaluateOnNewDocument", source=NOWHERE.replace("PORT", port))
        await page.send("Page.navigate", url=running.host["url"])
        await page.until("document.documentElement?.dataset.state == 'running'")
        await page.until("document.documentElement.dataset.settled")
        assert CODE not in await page.evaluate("location.href")
        assert not [line for line in page.console if line.startswith("uncaught")], page.console
