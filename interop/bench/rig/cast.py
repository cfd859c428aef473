"""Who is on the two displays: the programs under test and those around them, started as a person would start them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interop import stage
from interop.bench.rig.browser import kiosk
from interop.bench.rig.content import Remote
from interop.bench.rig.glass import Glass
from interop.bench.rig.guests import guest
from interop.bench.rig.layout import PARKED, SIZE
from interop.bench.rig.load import Load
from interop.bench.rig.measure import Bench, first_picture
from interop.bench.rig.peers import PEERS, Place, listening
from interop.bench.rig.wire import Loopback, Wire
from interop.programs import Program, Programs
from interop.screen import Screen

#: Seconds until a viewer has to show the desktop.
FIRST = 40.0
#: What is measured without any remoting: the host's screen itself.
NONE = "none"


@dataclass(slots=True, kw_only=True)
class Cast:
    """What runs, on the displays of host and viewer; `ready` has the seconds that each start took."""

    programs: Programs
    load: Load
    wire: Wire = field(default_factory=Loopback)
    displays: tuple[str, str] = ("", "")
    host: dict[str, Any] = field(default_factory=dict)
    ready: dict[str, float] = field(default_factory=dict)
    _screens: list[Screen] = field(default_factory=list)
    _places: int = 0

    async def open(self) -> Bench:
        """Two displays, and the content on the first. Raises ProgramFailed."""
        names = []
        for name in ("host-screen", "viewer-screen"):
            display, screen = await stage.start_display(self.programs, name, SIZE)
            names.append(display)
            self._screens.append(screen)
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
        ports = ["--listen", f"{self.wire.address}:0", "--http", f"{self.wire.address}:0"]
        began = time.monotonic()
        relays = [stage.BIN / "avl-relay", "serve", *ports, *stage.kept(folder, "relay")]
        self._start("relay", self.wire.host_side(relays))
        relay = await self.programs.ready_file(folder / "relay.json", stage.READY)
        self.ready["relay"] = round(time.monotonic() - began, 3)
        began = time.monotonic()
        where = ["--relay", relay["quic"], "--pin", relay["pin"], "--display", self.displays[0], "--no-direct"]
        here = {"DISPLAY": self.displays[0], "LANG": "C.UTF-8"}
        hosts = [stage.BIN / "avl-host", "run", "--no-indicator", "--no-sound", *where, *stage.kept(folder, "host")]
        self._start("host", self.wire.host_side(hosts), here)
        self.host = await self.programs.ready_file(folder / "host.json", stage.READY)
        self.ready["host"] = round(time.monotonic() - began, 3)

    @asynccontextmanager
    async def watched(self, viewer: str, bench: Bench) -> AsyncIterator[float]:
        """A viewer on the second display, `native` or `browser` or a peer's with its server, for as long as this is
        open; yields the seconds from its start to the first picture. Raises ProgramFailed when there is none, or one
        that is not pixel for pixel."""
        folder = self._folder(viewer)
        watching = Programs(folder)

        def start(role: str, name: str, command: list[str | Path], environment: Mapping[str, str]) -> Program:
            program = watching.start(name, command, {"LANG": "C.UTF-8", **environment})
            self.load.add(role, program.process.pid)
            return program

        place = Place(displays=self.displays, wire=self.wire, folder=folder, start=start)
        try:
            if viewer in PEERS:
                port = PEERS[viewer].serve(place)
                server = watching.started[-1].process.pid
                await watching.until(f"{viewer} listens", stage.READY, lambda: listening(server, port))
                began = time.monotonic()
                PEERS[viewer].view(place)
            else:
                began = time.monotonic()
                self._view(viewer, place)
            seconds = first_picture(bench, began, FIRST)
            self.programs.check()
            watching.check()
            if seconds is None:
                raise watching.late(f"the {viewer} viewer shows the desktop, pixel for pixel", FIRST)
            yield seconds
        finally:
            watching.end()
            if viewer not in PEERS:
                self._send_away()

    def guest(self, kind: str) -> AbstractAsyncContextManager[None]:
        """What a scene has on the host's screen beside the content; see `guests`."""
        return guest(kind, self._screens[0], self.displays[0], self._folder(f"guest-{kind}"), self.load)

    def stats(self) -> dict[str, Any]:
        """The latest native viewer's latest figures; empty where it has written none."""
        path = self.programs.folder / "stats.json"
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}

    def _send_away(self) -> None:
        """End the sessions of viewers that have gone without a word, as a browser does: the host would go on serving
        them for a while, and work for nobody while another product is measured."""
        command: list[str | Path] = [
            stage.BIN / "avl-host",
            "sessions",
            "end",
            "--all",
            "--state",
            self.programs.folder / "host",
        ]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=stage.READY)

    def _folder(self, name: str) -> Path:
        """A new one."""
        self._places += 1
        folder = self.programs.folder / f"{self._places}-{name}"
        folder.mkdir()
        return folder

    def _start(self, role: str, command: list[str | Path], environment: dict[str, str] | None = None) -> None:
        self.load.add(role, self.programs.start(role, command, environment).process.pid)

    def _view(self, viewer: str, place: Place) -> None:
        here = {"DISPLAY": self.displays[1]}
        if viewer == "browser":
            command = kiosk(self.host["url"], place.folder / "profile")
            here["DBUS_SESSION_BUS_ADDRESS"] = "disabled:"
        else:
            kept: list[str | Path] = [
                "--state",
                place.folder / "state",
                "--stats-file",
                self.programs.folder / "stats.json",
            ]
            command = [stage.BIN / "avl", "view", self.host["target"], "--fullscreen", *kept]
            here["AVL_CODE"] = self.host["code"]
        place.start("viewer", viewer, self.wire.viewer_side(command), here)
