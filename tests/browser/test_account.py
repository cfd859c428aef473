"""The account pages in a real browser, with a real relay, host and commands: what a new user does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.accounts import AccountPage, premises, set_up, window

pytestmark = pytest.mark.browser


async def test_from_the_setup_code_to_a_host_of_ones_own(tmp_path: Path) -> None:
    async with premises(tmp_path) as here, window(tmp_path) as browser:
        tab = await AccountPage.opened(browser, here.address)
        await set_up(tab, here.setup)
        assert "No device yet" in await tab.text("#devices .empty")
        await tab.go("#you")
        await tab.view("you")
        owner = await tab.text("#my-fingerprint")
        assert await tab.page.evaluate("document.querySelectorAll('#copies li').length") == 2

        host = here.run(
            "enrol",
            "avl-host",
            "enroll",
            here.where,
            "--state",
            str(tmp_path / "host"),
            "--owner",
            owner,
            "--name",
            "lab",
        )
        code = (await here.said(host, r"code: ([A-Z-]+)"))[1]
        device = (await here.said(host, r"approve:\s+(\S+)"))[1]
        await tab.go(f"#code={code}")
        await tab.view("approve")
        assert await tab.text("#host-fingerprint") == device
        assert await tab.text("#owner-fingerprint") == owner
        await tab.fill(name="The lab")
        await tab.send("#approve")
        await tab.view("devices")
        assert "The lab" in await tab.text("#devices [data-device]")
        assert await here.ended(host) == 0, host.log.read_text()

        status = here.run("status", "avl-host", "status", "--state", str(tmp_path / "host"))
        assert await here.ended(status) == 0
        assert owner in status.log.read_text() and "The lab" in status.log.read_text()
        assert not [line for line in tab.page.console if "uncaught" in line or "Content Security" in line]
