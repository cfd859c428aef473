"""Viewers in Chromium, a browser each: film.js with the page's own transport, hop and reassembler.

They say when each object was whole by their own clock, which is the wall's; it is turned into the one of the marks.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.request
from typing import Any

from avl_protocol.wire.target import parse_pin
from interop.bench.relay.audience import REPORT
from interop.bench.relay.marks import Marks
from interop.bench.relay.part import part
from tests.browser.page import Page

#: Seconds that a browser may stay, and between two looks whether all are there.
STAYS, LOOK = 600.0, 0.1


class Window:
    """One browser: row `place` of the marks. `where` is what its page has to know."""

    def __init__(self, marks: Marks, place: int, where: dict[str, Any]) -> None:
        self._marks, self._place = marks, place
        self.came = False
        self.lost = ""
        answers = {
            "/where": lambda body: json.dumps({**where, "place": place}).encode(),
            "/came": self._came,
            "/lost": self._lost,
        }
        self._page = Page("interop/bench/relay/film.html", answers)

    def open(self) -> None:
        """Start the browser, in a thread of its own."""
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with self._page as page:
            page.run(STAYS)

    def _came(self, body: bytes) -> bytes:
        told = json.loads(body)
        ahead = time.time() - time.monotonic()
        for number, wall in told["whole"]:
            self._marks.came[self._place, number] = wall / 1000 - ahead
        self._marks.datagrams[self._place] = told["datagrams"]
        self.came = self.came or bool(told["whole"])
        return b""

    def _lost(self, body: bytes) -> bytes:
        self.lost = body.decode()
        return b""


async def main() -> None:
    """Until the process is ended."""
    _, mine = part(__doc__)
    relay, source, marks = await mine.told("relay"), await mine.told("source"), mine.marks()
    with urllib.request.urlopen(f"http://{relay['http']}/.well-known/avl.json") as answer:
        told = json.load(answer)
    where = {
        "url": f"https://{told['quic']}/avl/1",
        "hash": parse_pin(told["hashes"][0]).hex(),
        "pin": parse_pin(told["pin"]).hex(),
        "device": source["device"].to_bytes(17, "big").hex(),
        "report": REPORT,
    }
    windows = [Window(marks, place, where) for place in range(mine.viewers)]
    for window in windows:
        window.open()
    while not all(window.came for window in windows):
        await asyncio.sleep(LOOK)
        if lost := [window.lost for window in windows if window.lost]:
            raise ConnectionError(f"a page was not let in: {lost[0]}")
    mine.tell("audience", viewers=len(windows))
    while not any(window.lost for window in windows):
        await asyncio.sleep(LOOK)


if __name__ == "__main__":
    asyncio.run(main())
