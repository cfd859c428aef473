"""Who is on the two displays: the programs under test and those around them, started as a person would start them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interop import stage
from interop.bench.rig.content import Remote
from interop.bench.rig.glass import Glass
from interop.bench.rig.layout import PARKED, SIZE
from interop.bench.rig.load import Load
from interop.bench.rig.measure import Bench, first_picture
from interop.cdp import FLAGS
from interop.programs import Program, Programs

#: Seconds until a viewer has to show the desktop.
FIRST = 40.0
#: A browser that fills the screen, in place of one that nobody sees.
KIOSK = [
    *(flag for flag in FLAGS if flag not in ("--headless", "--remote-debugging-pipe")),
    "--kiosk",
    "--window-position=0,0",
    f"--window-size={SIZE[0]},{SIZE[1]}",
    "--test-type",
    "--deny-permission-prompts",
    "--password-store=basic",
    "--disable-features=Translate,MediaRouter,OptimizationHints",
]


@dataclass(slots=True, kw_only=True)
class Cast:
    """What runs, on the displays of host and viewer; `ready` has the seconds that each start took."""

    programs: Programs
    load: Load
    displays: tuple[str, str] = ("", "")
    host: dict[str, Any] = field(default_factory=dict)
    ready: dict[str, float] = field(default_factory=dict)

    async def open(self) -> Bench:
        """Two displays, and the content on the first. Raises ProgramFailed."""
        names = []
        for name in ("host-screen", "viewer-screen"):
            names.append((await stage.start_display(self.programs, name, SIZE))[0])
        self.displays = (names[0], names[1])
        for program in self.programs.started:
            self.load.add("screens", program.process.pid)
        control = self.programs.folder / "content.socket"
        module = "interop.bench.rig.content"
        command: list[str | Path] = [sys.executable, "-m", module, "--display", self.displays[0], "--control", control]
        self._start("content", command, {"PYTHONPATH": str(stage.ROOT)})
        await self.programs.until("the content is ready", stage.READY, control.exists)
        host, viewer = (Glass(display) for display in self.displays)
        for glass in (host, viewer):
            glass.move(*PARKED)
        return Bench(host, viewer, Remote(control), self.load)

    async def serve(self) -> None:
        """A relay and a host of the first display. Raises ProgramFailed."""
        folder = self.programs.folder
        ports = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        began = time.monotonic()
        self._start("relay", [stage.BIN / "avl-relay", "serve", *ports, *stage.kept(folder, "relay")])
        relay = await self.programs.ready_file(folder / "relay.json", stage.READY)
        self.ready["relay"] = round(time.monotonic() - began, 3)
        began = time.monotonic()
        where = ["--relay", relay["quic"], "--pin", relay["pin"], "--display", self.displays[0]]
        here = {"DISPLAY": self.displays[0], "LANG": "C.UTF-8"}
        self._start("host", [stage.BIN / "avl-host", "run", *where, *stage.kept(folder, "host")], here)
        self.host = await self.programs.ready_file(folder / "host.json", stage.READY)
        self.ready["host"] = round(time.monotonic() - began, 3)

    @contextmanager
    def watched(self, viewer: str, bench: Bench) -> Iterator[float]:
        """A viewer, `native` or `browser`, on the second display; yields the seconds from its start to the first
        picture. Raises ProgramFailed when there is none, or one that is not pixel for pixel."""
        folder = self.programs.folder / viewer
        folder.mkdir()
        watching = Programs(folder)
        try:
            began = time.monotonic()
            self.load.add("viewer", self._start_viewer(viewer, watching).process.pid)
            seconds = first_picture(bench, began, FIRST)
            self.programs.check()
            watching.check()
            if seconds is None:
                raise watching.late(f"the {viewer} viewer shows the desktop, pixel for pixel", FIRST)
            yield seconds
        finally:
            watching.end()

    def stats(self, viewer: str) -> dict[str, Any]:
        """The native viewer's latest figures; empty for a browser, which writes none."""
        path = self.programs.folder / viewer / "stats.json"
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}

    def _start(self, role: str, command: list[str | Path], environment: dict[str, str] | None = None) -> None:
        self.load.add(role, self.programs.start(role, command, environment).process.pid)

    def _start_viewer(self, viewer: str, watching: Programs) -> Program:
        here = {"DISPLAY": self.displays[1], "LANG": "C.UTF-8"}
        folder = watching.folder
        if viewer == "browser":
            command = ["chromium", *KIOSK, f"--user-data-dir={folder / 'profile'}", self.host["url"]]
            return watching.start(viewer, command, here | {"DBUS_SESSION_BUS_ADDRESS": "disabled:"})
        kept = ["--state", folder / "state", "--stats-file", folder / "stats.json"]
        command = [stage.BIN / "avl", "view", self.host["target"], "--fullscreen", *kept]
        return watching.start(viewer, command, here | {"AVL_CODE": self.host["code"]})
