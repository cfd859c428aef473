"""A page behind a real NAT whose networks come and go: it goes on by itself; no key is doubled, and none lost untold.

A key that waited for longer than two seconds is dropped, and the page says so (spec 04-session, R-SESS-19): on a busy
machine a gap may be as long as that.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable
from pathlib import Path

from interop.cdp import Page, browser
from interop.natnet import RELAY
from interop.trial import PAGE, Trial
from tests.interop.trials import SOON, trial
from tests.tools import need

#: A page that came by plain HTTP from elsewhere than its own machine must not use WebTransport, unless told so.
FLAG = f"--unsafely-treat-insecure-origin-as-secure=http://{RELAY}:{PAGE}"
STATE = "document.documentElement?.dataset.state"
#: Keeps every line at the bottom of the page, and an empty one whenever there is none.
LISTEN = """(() => {
  window.told = [];
  const panel = document.getElementById("toast");
  new MutationObserver(() => window.told.push(panel.innerText)).observe(panel, { childList: true });
})()"""
LOST = re.compile(r"(\d+) keys? did not reach")


def lost(told: list[str]) -> int:
    """How many keys the page said were dropped: a line counts all since the last time that there was none."""
    counts = [int(found[1]) if (found := LOST.search(line)) else 0 for line in told]
    return sum(now for now, later in itertools.pairwise([*counts, 0]) if not later)


def missing(typed: str, read: str) -> int | None:
    """How many characters of what was typed were not read; None where something was read twice or out of its order."""
    rest = iter(typed)
    return len(typed) - len(read) if all(character in rest for character in read) else None


class Typist:
    """Types numbered lines into a page, and sees when they reach the terminal."""

    def __init__(self, page: Page, t: Trial) -> None:
        self._page = page
        self._trial = t
        self._arrivals = [time.monotonic()]
        self._stopped = False
        self._typed = ""
        self._tasks = [asyncio.create_task(self._type()), asyncio.create_task(self._watch())]

    async def _type(self) -> None:
        for number in itertools.count():
            if self._stopped:
                break
            await self._page.type(f"{number}\r")
            self._typed += f"{number}\n"
            await asyncio.sleep(0.03)

    async def _watch(self) -> None:
        seen = 0
        while True:
            if len(self._trial.lines()) > seen:
                seen = len(self._trial.lines())
                self._arrivals.append(time.monotonic())
            await asyncio.sleep(0.01)

    async def gap(self, happen: Callable[[], None], seconds: float = 3.0) -> float:
        """The longest time for which nothing typed arrived, in the seconds after something has happened."""
        first = len(self._arrivals) - 1
        happen()
        await asyncio.sleep(seconds)
        times = [*self._arrivals[first:], time.monotonic()]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    async def account(self) -> None:
        """Type no more: what was typed arrives once and in order, but for as many keys as the page says it dropped."""
        self._stopped = True
        await self._tasks[0]
        self._tasks[1].cancel()
        end = time.monotonic() + 10.0
        while True:
            read = self._trial.typed.read_text()
            told: list[str] = await self._page.evaluate("window.told")
            if missing(self._typed, read) == lost(told):
                return
            assert time.monotonic() < end, (missing(self._typed, read), told, self._typed.split(), read.split())
            await asyncio.sleep(0.05)


def test_what_is_missing_is_counted_and_what_is_doubled_is_seen() -> None:
    assert missing("0\n1\n2\n", "0\n1\n2\n") == 0
    assert missing("0\n1\n2\n", "0\n12\n") == 1
    assert missing("0\n1\n2\n", "0\n1\n1\n2\n") is None
    assert lost(["", "1 key did not reach", "3 keys did not reach", "", "", "2 keys did not reach\nA remark"]) == 5
    assert lost([]) == 0


async def test_a_page_goes_on_by_whatever_network_there_is(tmp_path: Path) -> None:
    need("chromium")
    async with trial(tmp_path) as t:
        await t.start(relayed=True, viewer=False)
        viewer = t.net.viewer
        async with browser(need("chromium"), size=(900, 700), flags=[FLAG], within=viewer.command) as chromium:
            page = await chromium.page(t.url)
            await page.until("location.protocol == 'http:'")
            await page.until(f"{STATE} == 'running'")
            await page.evaluate(LISTEN)
            typist = Typist(page, t)
            assert await typist.gap(viewer.uplinks[0].gateway.rebind) < SOON
            assert await typist.gap(lambda: viewer.prefer(1)) < 1.0 + SOON  # what is sent by the first leads nowhere
            assert await typist.gap(lambda: viewer.take_down(0)) < SOON
            assert await typist.gap(lambda: viewer.uplinks[1].gateway.drop_udp(True), 5.0) < 1.0 + SOON
            assert await typist.gap(lambda: viewer.uplinks[1].gateway.drop_udp(False), 8.0) < SOON
            await typist.account()
