"""A page onto which a file is dropped and which fetches it back: how fast that goes, and what becomes of the film that
it shows meanwhile.

The page is in Chromium without a window. The film is the pattern of a host without a display; its figures are what the
page tells, of the last ten seconds where they are quantiles.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from interop.cdp import Page, browser
from interop.programs import Programs
from interop.stage import BIN, READY

CODE = "7K3P-9QX2"
#: Seconds that a transfer may take.
PATIENCE = 300.0
#: Keeps what the worker tells of its figures, each with the time of the page's clock.
WATCHED = """(() => {
    const Before = Worker;
    window.figuresSeen = [];
    window.Worker = class extends Before {
        constructor(...how) {
            super(...how);
            this.addEventListener("message", ({ data }) => {
                if (data.say === "statistics") window.figuresSeen.push({ at: performance.now(), ...data.figures });
            });
        }
    };
})()"""
STATE = "document.documentElement?.dataset.state"
STATES = "[...document.querySelectorAll('#transfers-list > li')].map((line) => line.dataset.state).join()"
#: A folder of the page's own storage in place of one that a person chooses.
PICKED = """window.showDirectoryPicker = async () =>
    (await navigator.storage.getDirectory()).getDirectoryHandle('picked', { create: true })"""


async def drop(page: Page, *paths: Path) -> None:
    """Let a person drop these onto the desktop."""
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        await page.send("Input.dispatchDragEvent", type=kind, x=200, y=300, data=data)


async def choose(page: Page, *names: str) -> None:
    """Browse to the first root and choose these there."""
    await page.evaluate("document.querySelector('[data-action=remote]').click()")
    await page.until("document.querySelector('#remote-list button.file:enabled')")
    await page.evaluate("document.querySelector('#remote-list button.file').click()")
    for name in names:
        box = f"[...document.querySelectorAll('#remote-list input')].find((box) => box.value.endsWith('/{name}'))"
        await page.until(box)
        await page.evaluate(f"{box}.click()")


async def save(page: Page, *names: str) -> None:
    """Fetch these into the folder of PICKED."""
    await choose(page, *names)
    await page.evaluate("document.getElementById('remote-save').click()")


async def film(page: Page, since: float) -> dict[str, Any]:
    """Frames a second and the delay's 95th percentile since a time of the page's clock, and the path."""
    seen = [one for one in await page.evaluate("window.figuresSeen") if one["at"] > since]
    if not seen:
        return {"fps": None, "p95_ms": None, "path": None}
    return {
        "fps": round(statistics.fmean(one["fps"] for one in seen), 1),
        "p95_ms": seen[-1]["glass_to_glass_ms"]["p95"],
        "path": seen[-1]["path"],
    }


async def measure(folder: Path, file: Path, seconds: float, flags: Sequence[str] = ()) -> dict[str, Any]:
    """The film alone for so long, then with the file on its way to the host, then back. Mbit/s. `flags`: the host's."""
    shared = folder / "page-shared"
    shared.mkdir()
    programs = Programs(folder)
    size = file.stat().st_size
    try:
        kept = ["--state", folder / "page-relay", "--ready-file", folder / "page-relay.json"]
        ports = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        programs.start("page-relay", [BIN / "avl-relay", "serve", *ports, *kept])
        relay = await programs.ready_file(folder / "page-relay.json", READY)
        where = ["--relay", relay["quic"], "--pin", relay["pin"], "--code", CODE, "--source", "pattern"]
        kept = ["--state", folder / "page-host", "--ready-file", folder / "page-host.json", "--files", f"{shared}:rw"]
        programs.start("page-host", [BIN / "avl-host", "run", "--no-indicator", *where, *kept, *flags])
        host = await programs.ready_file(folder / "page-host.json", READY)
        async with browser(size=(1000, 700)) as chromium:
            page = await chromium.page()
            await page.send("Page.addScriptToEvaluateOnNewDocument", source=WATCHED)
            await page.send("Page.navigate", url=host["url"])
            await page.until(f"{STATE} === 'running' && !document.getElementById('files-menu').hidden")
            await page.evaluate("document.querySelector('[data-action=statistics]').click()")  # told while it is seen
            alone = await page.evaluate("performance.now()")
            await asyncio.sleep(seconds)
            figures: dict[str, Any] = {"film": await film(page, alone)}
            await page.evaluate(PICKED)
            for name, work, states in (
                ("put", drop(page, file), "done"),
                ("get", save(page, file.name), "done,done"),
            ):
                at = await page.evaluate("performance.now()")
                began = monotonic()
                await work
                await page.until(f"{STATES} === '{states}'", PATIENCE)
                figures[f"{name}_mbit"] = round(size * 8 / (monotonic() - began) / 1e6, 1)
                figures[name] = await film(page, at)
        if (shared / file.name).read_bytes() != file.read_bytes():
            raise AssertionError("what came is not what was dropped")
        return figures
    finally:
        programs.end()
