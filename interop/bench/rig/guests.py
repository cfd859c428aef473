"""What a scene has on the host's screen beside the bench's own program: a terminal, or a window to be dragged."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from interop import stage
from interop.bench.rig.layout import TERMINAL
from interop.bench.rig.load import Load
from interop.programs import Programs
from interop.screen import Screen

#: A terminal's letters fill its window; it shows each key at once, whatever line discipline there is.
_FACE = ["-fa", "DejaVu Sans Mono", "-fs", "10", "-bg", "#10151d", "-fg", "#d8dee9", "+sb", "-b", "0"]
_GEOMETRY = f"56x26+{TERMINAL.x}+{TERMINAL.y}"


@asynccontextmanager
async def guest(kind: str, screen: Screen, display: str, folder: Path, load: Load) -> AsyncIterator[None]:
    """`terminal`, `carried` or `nothing` on the host's screen, for as long as this is open; `folder` is for it alone.

    Raises ProgramFailed.
    """
    programs = Programs(folder)
    ready = folder / "ready.json"
    here = {"DISPLAY": display, "LANG": "C.UTF-8"}
    try:
        if kind == "terminal":
            script = 'stty -icanon && : >"$0" && exec cat >/dev/null'
            command: list[str | Path] = ["xterm", "-geometry", _GEOMETRY, *_FACE, "-e", "sh", "-c", script, ready]
            load.add("content", programs.start(kind, command, here).process.pid)
            await programs.until("a terminal that reads keys", stage.READY, ready.exists)
            await programs.until("a terminal that has the keyboard", stage.READY, screen.focused)
        elif kind == "carried":
            command = [sys.executable, "-m", "interop.bench.rig.carried", "--display", display, "--ready-file", ready]
            load.add("content", programs.start(kind, command, {"PYTHONPATH": str(stage.ROOT), **here}).process.pid)
            await programs.ready_file(ready, stage.READY)
            await programs.until("a framed window", stage.READY, screen.focused)
        yield
    finally:
        programs.end()
