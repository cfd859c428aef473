"""A browser can be driven without a driver program."""

from __future__ import annotations

import pytest

from interop.cdp import BrowserError, browser
from tests.tools import need

FORM = "data:text/html,<title>form</title><input autofocus><script>console.log('loaded', 7)</script>"


@pytest.mark.browser
async def test_a_page_is_opened_typed_into_looked_at_and_listened_to() -> None:
    async with browser(need("chromium")) as running:
        page = await running.page(FORM)
        await page.until("document.querySelector('input')")
        await page.evaluate("document.querySelector('input').focus()")
        text = 'Hello, World\'s "2+2" = {4}; a/b\\c `x` [y] <z>?'
        await page.type(text)
        assert await page.evaluate("document.querySelector('input').value") == text
        assert "log: loaded 7" in page.console
        assert (await page.screenshot()).startswith(b"\x89PNG")
        assert await page.evaluate("Promise.resolve({a: [1, 2]})") == {"a": [1, 2]}
        with pytest.raises(BrowserError, match="no such thing"):
            await page.evaluate("Promise.reject(new Error('no such thing'))")
        with pytest.raises(BrowserError, match="still false"):
            await page.until("false", 0.05)
    assert running.process.returncode is not None
