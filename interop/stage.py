"""The demo's stage: a desktop on a virtual display, a relay and a host, started in that order."""

from __future__ import annotations

import select
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interop.programs import Program, ProgramFailed, Programs
from interop.screen import Screen

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
SIZE = (1280, 720)
#: Seconds until a program must be ready; generous, since two cores may be busy.
READY = 30.0
TERMINAL = ["-geometry", "96x34+32+32", "-fa", "DejaVu Sans Mono", "-fs", "10", "-bg", "#10151d", "-fg", "#d8dee9"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is running."""

    display: str
    screen: Screen
    scenery: Program
    relay: dict[str, Any]
    host: dict[str, Any]


def lacking() -> list[str]:
    """Programs of the desktop that this machine does not have."""
    return [tool for tool in ("Xvfb", "openbox", "xterm") if shutil.which(tool) is None]


async def start_display(programs: Programs, name: str, size: tuple[int, int]) -> tuple[str, Screen]:
    """Start a virtual X server with a window manager on a free display; its name, and its screen once managed."""
    # -noreset: the server would otherwise forget everything whenever its last client leaves.
    command = ["Xvfb", "-displayfd", "1", "-noreset", "-nolisten", "tcp", "-screen", "0", f"{size[0]}x{size[1]}x24"]
    server = programs.start(name, command, stdout=subprocess.PIPE)
    assert server.process.stdout is not None
    if not select.select([server.process.stdout], [], [], READY)[0]:
        raise ProgramFailed(f"Xvfb did not start\n{server.last_words()}")
    number = server.process.stdout.readline().decode().strip()
    if not number:
        raise ProgramFailed(f"Xvfb ended\n{server.last_words()}")
    programs.start(f"{name}-openbox", ["openbox", "--sm-disable"], environment={"DISPLAY": f":{number}"})
    screen = Screen(f":{number}")
    await programs.until("a window manager on the screen", READY, screen.managed)
    return f":{number}", screen


async def start(programs: Programs, typed: Path | None) -> Stage:
    """Start it all on free ports. The terminal appends each line to `typed`; without, it has a shell."""
    display, screen = await start_display(programs, "desktop", SIZE)
    here = {"DISPLAY": display, "LANG": "C.UTF-8"}
    scenery = programs.start("scenery", [sys.executable, "-m", "interop.scenery", "--display", display], here)
    script = ["sh", str(ROOT / "interop" / "terminal.sh"), *([str(typed)] if typed else [])]
    programs.start("terminal", ["xterm", "-title", "Terminal", *TERMINAL, "-e", *script], here)
    await programs.until("a terminal that has the keyboard", READY, screen.focused)
    if typed:
        await programs.until("the terminal reads lines", READY, typed.exists)

    folder = programs.folder
    ports = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    programs.start("relay", [BIN / "avl-relay", "serve", *ports, *kept(folder, "relay")])
    relay = await programs.ready_file(folder / "relay.json", READY)
    where = ["--relay", relay["quic"], "--pin", relay["pin"], "--display", display, "--no-indicator"]
    programs.start("host", [BIN / "avl-host", "run", *where, *kept(folder, "host")], here)
    return Stage(
        display=display,
        screen=screen,
        scenery=scenery,
        relay=relay,
        host=await programs.ready_file(folder / "host.json", READY),
    )


def kept(folder: Path, name: str) -> list[str | Path]:
    """Where a program keeps its state and says that it is ready."""
    return ["--state", folder / name, "--ready-file", folder / f"{name}.json"]
