"""The page with others at the same desktop: a real host, a viewer of the API, and a page that sees and draws."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from avl_viewer.api import connect
from interop.cdp import Browser, browser
from tests.browser.desk import CODE, desk
from tests.browser.test_client import ALT, CONTROL, SHIFT, STATE, key, opened, visit
from tests.tools import need

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

HOSTILE = "<img src=x onerror=alert(1)>\x1b"
#: The page's colours of persons 1 and 2.
BLUE, GREEN = (0x1F, 0x78, 0xFF), (0x2C, 0xA0, 0x2C)
TITLE = "document.title"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chromium() -> Any:
    """One browser for all tests."""
    async with browser(need("chromium"), size=(800, 600)) as running:
        yield running


async def painted(page: Any, colour: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    """Where a colour is on the page, as (y, x)."""
    shown = np.asarray(Image.open(io.BytesIO(await page.screenshot())).convert("RGB")).astype(int)
    return np.argwhere((np.abs(shown - colour) < 8).all(axis=2))


async def test_a_page_and_a_program_see_each_other_and_pass_control(chromium: Browser, tmp_path: Path) -> None:
    async with desk(tmp_path, "--control", "one", display=True) as (running, witness), opened(chromium) as page:
        assert witness is not None
        await visit(page, running.host["url"], "running")
        await page.until(f"{TITLE}.includes('You have control')")
        target = running.host["target"]
        async with connect(target, code=CODE, state=tmp_path / "other", name=HOSTILE, direct=False) as other:
            await page.until("document.querySelectorAll('#people-list .quiet').length == 2")
            names = await page.evaluate("document.getElementById('people-list').innerText")
            assert not other.control.mine and "onerror" in await page.evaluate(
                "document.getElementById('people-list').textContent"
            )
            assert await page.evaluate("document.querySelectorAll('#people-list img').length") == 0, names
            number = other.control.company.you
            colour = {1: BLUE, 2: GREEN}[number]
            before = len(await painted(page, colour))
            other.annotate([(100, 500), (400, 500)])
            other.client.point(300, 200)
            while len(await painted(page, colour)) < before + 1000:
                other.client.point(300, 200 + len(names) % 2)
            assert [500, 250] in (await painted(page, colour)).tolist()
            # The page draws in turn, and its mouse is no mouse of the desktop meanwhile.
            await key(page, "KeyD", "d", CONTROL | ALT | SHIFT)
            await page.until("document.documentElement.hasAttribute('data-drawing')")
            witness.forget()
            await page.send("Input.dispatchMouseEvent", type="mousePressed", x=50, y=50, button="left", buttons=1)
            for x in (60, 90, 120):
                await page.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=50, button="left", buttons=1)
            await page.send("Input.dispatchMouseEvent", type="mouseReleased", x=120, y=50, button="left")

            def drawn() -> bool:
                strokes = other.presenter.marks.strokes(0.0)
                return any(one.person != number and one.points[-1] == (120, 50) for one in strokes)

            await running.until("the page's stroke", drawn)
            assert ("down", 1) not in witness.look(), "nothing of it reached the desktop"
            await key(page, "KeyD", "d", CONTROL | ALT | SHIFT)
            # Control goes to the other, and what is typed on the page goes nowhere then.
            await key(page, "KeyC", "c", CONTROL | ALT | SHIFT)
            assert await other.control.request(10.0)
            await page.until(f"{TITLE}.includes('onerror')")
            witness.forget()
            await page.type("x")
            await page.until("document.getElementById('toast').textContent.includes('has control')")
            await other.type("y")
            await running.until("what the other types", lambda: "y" in witness.text())
            assert "x" not in witness.text()
        await page.until(f"{TITLE}.includes('You have control')")
        assert await page.evaluate(STATE) == "running"
