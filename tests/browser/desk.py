"""A desktop under test: an X server, one window that fills it and writes down what it is told, a relay and a host."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xcffib
import xcffib.xproto as xproto

from interop.programs import Program, Programs
from interop.stage import start_display
from tests.tools import need

BIN = Path(sys.executable).parent
#: Seconds until a program must be ready; two cores may be busy.
READY = 30.0
CODE = "D0WN70WN"
_EVENTS = (
    xproto.EventMask.KeyPress
    | xproto.EventMask.KeyRelease
    | xproto.EventMask.ButtonPress
    | xproto.EventMask.ButtonRelease
    | xproto.EventMask.PointerMotion
)


class Witness:
    """A window over the whole screen that has the keyboard, and remembers the events it got."""

    def __init__(self, display: str) -> None:
        connection: Any = xcffib.connect(display=display)  # type: ignore[no-untyped-call]
        self._connection = connection
        root = connection.get_setup().roots[0]
        self._window = self._connection.generate_id()
        self._context = self._connection.generate_id()
        self._root = root
        mask = xproto.CW.BackPixel | xproto.CW.OverrideRedirect | xproto.CW.EventMask
        size = (root.width_in_pixels, root.height_in_pixels)
        self._connection.core.CreateWindow(
            root.root_depth, self._window, root.root, 0, 0, *size, 0, 1, 0, mask, [0x305070, 1, _EVENTS]
        )
        self._connection.core.MapWindow(self._window)
        self._connection.core.SetInputFocus(xproto.InputFocus.PointerRoot, self._window, 0)
        self._connection.core.CreateGC(self._context, self._window, xproto.GC.Foreground, [0xF0F0F0])
        self._connection.flush()
        self.seen: list[tuple[str, int]] = []
        self.at = (0, 0)

    def look(self) -> list[tuple[str, int]]:
        """Everything so far: ("press"|"release"|"down"|"up", keycode or button); moves only say where."""
        while (event := self._connection.poll_for_event()) is not None:
            kind = type(event).__name__
            if kind == "MotionNotifyEvent":
                self.at = (event.root_x, event.root_y)
            elif kind in ("KeyPressEvent", "KeyReleaseEvent"):
                self.seen.append(("press" if kind == "KeyPressEvent" else "release", event.detail))
            elif kind in ("ButtonPressEvent", "ButtonReleaseEvent"):
                self.at = (event.root_x, event.root_y)
                self.seen.append(("down" if kind == "ButtonPressEvent" else "up", event.detail))
        return self.seen

    def forget(self) -> None:
        """Begin anew."""
        self.look()
        self.seen = []

    def saw(self, *wanted: tuple[str, int]) -> Callable[[], bool]:
        """Whether these came, in this order, perhaps with others between."""

        def ready() -> bool:
            seen = iter(self.look())
            return all(event in seen for event in wanted)

        return ready

    def text(self) -> str:
        """The characters of the keys pressed, as the keyboard map says now: of lower case letters and digits only."""
        names = {}
        setup = self._connection.get_setup()
        reply = self._connection.core.GetKeyboardMapping(
            setup.min_keycode, setup.max_keycode - setup.min_keycode + 1
        ).reply()
        for at in range(0, len(reply.keysyms), reply.keysyms_per_keycode):
            names[setup.min_keycode + at // reply.keysyms_per_keycode] = reply.keysyms[at]
        return "".join(
            chr(names[code]) for kind, code in self.look() if kind == "press" and 0x20 < names.get(code, 0) < 0x7F
        )

    @property
    def num_lock(self) -> bool:
        """Whether Num Lock (Mod2) is on at the host."""
        return bool(self._connection.core.QueryPointer(self._root.root).reply().mask & xproto.KeyButMask.Mod2)

    def draw(self, x: int, y: int, width: int, height: int) -> None:
        """Paint a light rectangle."""
        self._connection.core.PolyFillRectangle(self._window, self._context, 1, [_rectangle(x, y, width, height)])
        self._connection.flush()

    def close(self) -> None:
        """Leave the display."""
        self._connection.disconnect()


@dataclass(kw_only=True)
class Desk:
    """What is running, and how to end and begin parts of it again."""

    programs: Programs
    relay: dict[str, Any]
    host: dict[str, Any]
    source: list[str]
    started: dict[str, Program] = field(default_factory=dict)
    #: What is run as a host.
    host_program: list[str | Path] = field(default_factory=lambda: [BIN / "avl-host"])

    @property
    def page(self) -> str:
        """The page's address without target and code."""
        return str(self.host["url"]).partition("#")[0]

    async def start_host(self, *more: str) -> None:
        """Start (again) a host of the same identity and code."""
        ready = self.programs.folder / "host.json"
        ready.unlink(missing_ok=True)
        where = ["--relay", self.relay["quic"], "--pin", self.relay["pin"], "--code", CODE, *self.source, *more]
        kept = ["--state", str(self.programs.folder / "host"), "--ready-file", str(ready)]
        self.started["host"] = self.programs.start("host", [*self.host_program, "run", "--no-indicator", *where, *kept])
        self.host = await self.programs.ready_file(ready, READY)

    async def start_relay(self, quic: str = "127.0.0.1:0", http: str = "127.0.0.1:0", *more: str) -> None:
        """Start (again) a relay of the same identity; its sessions get no time to go elsewhere but by `more`."""
        ready = self.programs.folder / "relay.json"
        ready.unlink(missing_ok=True)
        kept = ["--state", str(self.programs.folder / "relay"), "--ready-file", str(ready), "--drain", "0"]
        self.started["relay"] = self.programs.start(
            "relay", [BIN / "avl-relay", "serve", "--listen", quic, "--http", http, *kept, *more]
        )
        self.relay = await self.programs.ready_file(ready, READY)

    def kill(self, name: str) -> None:
        """End a program as a crash would."""
        program = self.started.pop(name)
        program.signal(9)
        program.process.wait()
        self.programs.started.remove(program)

    def ask_to_end(self, name: str) -> Program:
        """Ask a program to end, once; that it does is no failure."""
        program = self.started.pop(name)
        program.signal(15)
        self.programs.started.remove(program)
        return program

    async def until(self, what: str, ready: Callable[[], Any]) -> Any:
        """Wait for something at the host."""
        return await self.programs.until(what, 10.0, ready)


@asynccontextmanager
async def desk(
    folder: Path, *host: str, display: bool = False, relay: tuple[str, ...] = ()
) -> AsyncIterator[tuple[Desk, Witness | None]]:
    """A relay and a host on free ports, with options; with a display, a window that fills it is the witness of what is
    typed."""
    programs = Programs(folder)
    witness = None
    try:
        source = ["--source", "pattern"]
        if display:
            need("Xvfb")
            need("openbox")
            name, screen = await start_display(programs, "desktop", (800, 600))
            screen.close()
            witness = Witness(name)
            source = ["--display", name]
        made = Desk(programs=programs, relay={}, host={}, source=source)
        await made.start_relay("127.0.0.1:0", "127.0.0.1:0", *relay)
        await made.start_host(*host)
        yield made, witness
    finally:
        if witness is not None:
            witness.close()
        programs.end()


def _rectangle(x: int, y: int, width: int, height: int) -> Any:
    return xproto.RECTANGLE.synthetic(x, y, width, height)  # type: ignore[no-untyped-call]
