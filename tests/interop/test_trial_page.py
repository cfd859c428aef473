"""A page behind a real NAT whose networks come and go: it goes on by itself, and no key is lost or doubled."""

from __future__ import annotations

import asyncio
import itertools
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


class Typist:
    """Types numbered lines into a page, and sees when they reach the terminal."""

    def __init__(self, page: Page, t: Trial) -> None:
        self._page = page
        self._trial = t
        self._arrivals = [time.monotonic()]
        self._stopped = False
        self.typed = 0
        self._tasks = [asyncio.create_task(self._type()), asyncio.create_task(self._watch())]

    async def _type(self) -> None:
        while not self._stopped:
            await self._page.type(f"{self.typed}\r")
            self.typed += 1
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

    async def stop(self) -> None:
        """Type no more, and wait for what is under way."""
        self._stopped = True
        await self._tasks[0]
        self._tasks[1].cancel()
        async with asyncio.timeout(10.0):
            while len(self._trial.lines()) < self.typed:
                await asyncio.sleep(0.01)


async def test_a_page_goes_on_by_whatever_network_there_is(tmp_path: Path) -> None:
    need("chromium")
    async with trial(tmp_path) as t:
        await t.start(relayed=True, viewer=False)
        viewer = t.net.viewer
        async with browser(need("chromium"), size=(900, 700), flags=[FLAG], within=viewer.command) as chromium:
            page = await chromium.page(t.url)
            await page.until("location.protocol == 'http:'")
            await page.until(f"{STATE} == 'running'")
            typist = Typist(page, t)
            assert await typist.gap(viewer.uplinks[0].gateway.rebind) < SOON
            assert await typist.gap(lambda: viewer.prefer(1)) < 1.0 + SOON  # what is sent by the first leads nowhere
            assert await typist.gap(lambda: viewer.take_down(0)) < SOON
            assert await typist.gap(lambda: viewer.uplinks[1].gateway.drop_udp(True), 5.0) < 1.0 + SOON
            assert await typist.gap(lambda: viewer.uplinks[1].gateway.drop_udp(False), 8.0) < SOON
            await typist.stop()
            assert t.lines() == list(range(typist.typed)), (typist.typed, t.lines())
