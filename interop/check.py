"""`./dev demo --check`: a browser, a window and the commands watch one desktop; what they saw and typed is measured."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from interop import stage
from interop.cdp import BrowserError, Page, browser
from interop.programs import ProgramFailed, Programs
from interop.screen import Picture, Screen, load, psnr, save

#: What a settled picture has to reach over all its pixels, and what shows that a viewer has the picture at all.
SETTLED_DB, SEEN_DB = 40.0, 20.0
#: A point inside the terminal.
TERMINAL = (420, 360)
#: Seconds a typed line, a first picture and a settled picture may take.
TYPED, FIRST, SETTLES = 10.0, 25.0, 10.0
LINES = {
    "browser": "Typed in the browser: 2+2=4, isn't it?",
    "native": "Typed in the window: {a|b} ~ 50% <ok>",
    "cli": 'Typed by command: "done" & $5 #1',
}
#: The page's largest canvas as a PNG in base64, pixel by pixel as the viewer painted it, before the browser scales it.
CANVAS = """[...document.querySelectorAll("canvas")].sort(
    (a, b) => b.clientWidth * b.clientHeight - a.clientWidth * a.clientHeight)[0]"""
READ_CANVAS = f"""(() => {{
    const shown = {CANVAS};
    if (!shown || !shown.clientWidth) return "";
    const copy = document.createElement("canvas");
    copy.width = {stage.SIZE[0]};
    copy.height = {stage.SIZE[1]};
    copy.getContext("2d").drawImage(shown, 0, 0);
    return copy.toDataURL("image/png").split(",")[1];
}})()"""
FIND_CANVAS = f"""(() => {{
    const box = {CANVAS}.getBoundingClientRect();
    return {{x: box.x, y: box.y, scale: box.width / {stage.SIZE[0]}}};
}})()"""


@dataclass(slots=True, kw_only=True)
class Figures:
    """What figures.json holds."""

    size: tuple[int, int]
    seconds: dict[str, float] = field(default_factory=dict)
    typed: dict[str, bool] = field(default_factory=dict)
    psnr_db: dict[str, float] = field(default_factory=dict)
    stats: dict[str, Any] = field(default_factory=dict)

    def passed(self) -> bool:
        """Whether every line came back and every picture matches."""
        pictures = [self.psnr_db.get(name, 0.0) >= SETTLED_DB for name in LINES]
        return all(pictures) and all(self.typed.get(name, False) for name in LINES)


class Check:
    """One run: the stage, what watches it, and what was found."""

    def __init__(self, programs: Programs, out: Path) -> None:
        self.programs = programs
        self.out = out
        self.typed = programs.folder / "typed"
        self.figures = Figures(size=stage.SIZE)
        self.host: dict[str, Any] = {}

    async def run(self) -> None:
        """All steps, in order; ProgramFailed or BrowserError at the first that cannot go on."""
        began = time.monotonic()
        running = await stage.start(self.programs, self.typed)
        self.host = running.host
        self.figures.seconds["start"] = time.monotonic() - began
        async with AsyncExitStack() as leaving:
            desktop = running.screen
            second, watching = await stage.start_display(self.programs, "second", stage.SIZE)
            self.programs.start(
                "native",
                [
                    stage.BIN / "avl",
                    "view",
                    self.host["target"],
                    "--fullscreen",
                    "--state",
                    self.programs.folder / "me",
                ],
                {"DISPLAY": second, "AVL_CODE": self.host["code"], "LANG": "C.UTF-8"},
            )
            await self.first_picture("native", desktop, self.grabbing(watching))
            await self.programs.until("a native window that has the keyboard", FIRST, watching.focused)
            log = self.programs.folder / "chromium.log"
            page = await (await leaving.enter_async_context(browser(size=(1400, 900), log=log))).page(self.host["url"])
            try:
                await self.first_picture("browser", desktop, lambda: self.canvas(page))
                await self.type_everywhere(page, watching)
                await self.compare(running.scenery.signal, desktop, watching, page)
            finally:
                (self.out / "page.png").write_bytes(await page.screenshot())
                (self.programs.folder / "page.log").write_text("\n".join(page.console) + "\n")

    async def first_picture(self, name: str, desktop: Screen, look: Callable[[], Awaitable[Picture]]) -> None:
        """Wait until a viewer shows the desktop."""
        began = time.monotonic()
        while psnr(desktop.grab(), await look()) < SEEN_DB:
            await self.pause(f"{name} shows the desktop", began, FIRST)
        self.figures.seconds[f"first_picture_{name}"] = time.monotonic() - began

    async def type_everywhere(self, page: Page, watching: Screen) -> None:
        """One line through each viewer, each read back from the terminal's file."""
        canvas = await page.evaluate(FIND_CANVAS)
        began = time.monotonic()
        await page.click(canvas["x"] + TERMINAL[0] * canvas["scale"], canvas["y"] + TERMINAL[1] * canvas["scale"])
        await page.type(LINES["browser"] + "\r")
        await self.read_back("browser", began)
        began = time.monotonic()
        watching.click(*TERMINAL)
        watching.type_line(LINES["native"])
        await self.read_back("native", began)
        began = time.monotonic()
        await self.avl("type", self.host["target"], LINES["cli"])
        await self.avl("press", self.host["target"], "enter")
        await self.read_back("cli", began)

    async def read_back(self, name: str, began: float) -> None:
        """Wait until the terminal has written the line; what it wrote instead is in the error."""
        asked = time.monotonic()
        while True:
            written = self.typed.read_text("utf-8").splitlines() if self.typed.exists() else []
            if LINES[name] in written:
                self.figures.typed[name] = True
                self.figures.seconds[f"typed_{name}"] = time.monotonic() - began
                return
            await self.pause(f"{name}'s line read back (the terminal wrote {written[-2:]})", asked, TYPED)

    async def compare(self, scenery: Callable[[int], None], desktop: Screen, watching: Screen, page: Page) -> None:
        """Stop what moves, let the pictures settle, and measure each against the host's screen."""
        stats = await self.avl("stats", self.host["target"], "--seconds", "2", "--json")
        self.figures.stats = json.loads(stats)
        scenery(signal.SIGSTOP)
        for screen in (watching, desktop):
            screen.move(stage.SIZE[0] - 2, 2)  # no button or menu under the pointer
        began = time.monotonic()
        shot = self.out / "cli.png"
        await self.avl("screenshot", self.host["target"], "-o", shot, "--settle", "5")
        looks: dict[str, Callable[[], Awaitable[Picture]]] = {
            "browser": lambda: self.canvas(page),
            "native": self.grabbing(watching),
        }
        for look in looks.values():
            while psnr(desktop.grab(), await look()) < SETTLED_DB and time.monotonic() - began < SETTLES:
                await asyncio.sleep(0.1)
        self.figures.seconds["settled"] = time.monotonic() - began
        truth = desktop.grab()
        pictures = {"host": truth, "cli": load(shot)} | {name: await look() for name, look in looks.items()}
        for name, picture in pictures.items():
            save(picture, self.out / f"{name}.png")
            if name != "host":
                self.figures.psnr_db[name] = psnr(truth, picture)

    async def canvas(self, page: Page) -> Picture:
        """What the page shows; an empty picture before there is a canvas."""
        data = await page.evaluate(READ_CANVAS)
        if not data:
            return np.zeros((0, 0, 3), np.uint8)
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            return np.asarray(image.convert("RGB"))

    def grabbing(self, screen: Screen) -> Callable[[], Awaitable[Picture]]:
        """Looking at a screen, as something that can be awaited."""

        async def look() -> Picture:
            return screen.grab()

        return look

    async def avl(self, *arguments: str | Path) -> str:
        """One `avl` command; its stdout, or ProgramFailed with what it said."""
        state = ("--state", str(self.programs.folder / "me"))
        process = await asyncio.create_subprocess_exec(
            str(stage.BIN / "avl"),
            *map(str, arguments),
            *state,
            env={**os.environ, "AVL_CODE": self.host["code"]},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate()
        if process.returncode:
            said = errors.decode(errors="replace").strip()
            raise ProgramFailed(f"avl {arguments[0]} ended with status {process.returncode}: {said}")
        return out.decode()

    async def pause(self, what: str, began: float, seconds: float) -> None:
        """One step of a wait: ProgramFailed if a program died meanwhile or `seconds` have passed since `began`."""
        self.programs.check()
        if time.monotonic() - began > seconds:
            raise self.programs.late(what, seconds)
        await asyncio.sleep(0.05)


async def check(programs: Programs, out: Path) -> int:
    """Run it all and write the figures; 0 when everything holds, else 1 with the logs kept beside the pictures."""
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("*.png"), *out.glob("*.log"), out / "figures.json"):
        old.unlink(missing_ok=True)
    run = Check(programs, out)
    failure = ""
    try:
        await run.run()
    except (ProgramFailed, BrowserError) as error:
        failure = str(error)
    figures = run.figures
    passed = figures.passed() and not failure
    report = {
        "passed": passed,
        "size": figures.size,
        "psnr_db": {name: round(value, 2) for name, value in figures.psnr_db.items()},
        "typed": figures.typed,
        "seconds": {name: round(value, 3) for name, value in figures.seconds.items()},
        "stats": figures.stats,
    }
    (out / "figures.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2), flush=True)
    if not passed:
        for log in programs.folder.glob("*.log"):
            shutil.copy(log, out / log.name)
        print(f"demo: failed; pictures and logs are in {out}{': ' if failure else ''}{failure}", flush=True)
    return 0 if passed else 1
