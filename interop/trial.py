"""Trial: one session through two real NATs, to which everything happens that happens to laptops.

A relay in the middle, a host with a terminal behind one gateway, a viewer that types behind two others, all real
programs in network namespaces. What the terminal wrote is compared with what was typed.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interop.natnet import RELAY, Kind, Natnet
from interop.programs import Program, ProgramFailed, Programs
from interop.stage import BIN, READY, SIZE, kept, start_display

CODE = "TRIAL-CODE"
PORT, PAGE = 4433, 8080


@dataclass(slots=True)
class Typist:
    """The viewer, and what it has said so far."""

    process: subprocess.Popen[bytes]
    said: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> dict[str, Any]:
        """Take what it has said since; the newest."""
        out = self.process.stdout
        assert out is not None
        while select.select([out], [], [], 0)[0] and (line := out.readline()):
            self.said.append(json.loads(line))
        return self.said[-1] if self.said else {}


@dataclass(frozen=True, slots=True)
class Account:
    """What became of lines that were typed while the network did what it liked.

    `lines`: when each was typed, in seconds since 1970, and what the viewer says of its number and of its Enter
    ("applied", "dropped" or "unknown"); `text`: what the terminal read; `times`: when it read each line.
    """

    lines: tuple[tuple[float, str, str], ...]
    text: str
    times: tuple[float, ...]

    @property
    def dropped(self) -> int:
        """Lines of which the viewer says that a part was dropped."""
        return sum("dropped" in fates for _, *fates in self.lines)

    @property
    def unknown(self) -> int:
        """Lines of which the viewer says that it does not know whether all of them arrived."""
        return sum("unknown" in fates for _, *fates in self.lines)

    def fault(self) -> str:
        """What does not agree, empty where all does: what arrived is in order, once, and all but what was dropped."""
        parts = [
            {"applied": part, "dropped": "", "unknown": f"(?:{part})?"}[fate]
            for number, (_, *fates) in enumerate(self.lines)
            for part, fate in zip((str(number), "\n"), fates, strict=True)
        ]
        if re.fullmatch("".join(parts), self.text):
            return ""
        return f"the terminal read {self.text.split()}, and of {len(self.lines)} lines the viewer says {self.lines}"

    def latest(self) -> float:
        """The longest time, in seconds, from the typing of a line to the terminal's reading it."""
        made = {str(number): at for number, (at, *_) in enumerate(self.lines)}
        read = zip(self.text.split("\n"), self.times, strict=False)
        return max(at - made[line] for line, at in read if line in made)


class Trial:
    """The programs, and the network they run in."""

    def __init__(self, programs: Programs, net: Natnet) -> None:
        self.programs = programs
        self.net = net
        self.typed = programs.folder / "typed.txt"
        self.times = programs.folder / "typed.txt.times"
        self._relay: Program | None = None
        self._pin = ""
        self.typist: Typist
        self.target = self.url = ""

    async def start(self, *, relayed: bool = False, viewer: bool = True) -> None:
        """Start relay, desktop, host and viewer."""
        programs, net = self.programs, self.net
        await self.start_relay()
        display, screen = await start_display(programs, "desktop", SIZE)
        here = {"DISPLAY": display, "LANG": "C.UTF-8", "AVL_CODE": CODE}
        root = Path(__file__).resolve().parent
        programs.start(
            "terminal", ["xterm", "-geometry", "90x30+20+20", "-e", "sh", root / "terminal.sh", self.typed], here
        )
        await programs.until("a terminal that has the keyboard", READY, screen.focused)
        await programs.until("the terminal reads lines", READY, self.typed.exists)
        where = ["--relay", f"{RELAY}:{PORT}?pin={self._pin}", "--display", display, "--no-indicator"]
        if relayed:
            where.append("--no-direct")
        command: list[str | Path] = [BIN / "avl-host", "run", *where, *kept(programs.folder, "host")]
        programs.start("host", net.host.command(command), here)
        told = await programs.ready_file(programs.folder / "host.json", READY)
        self.target, self.url = told["target"], told["url"]
        if viewer:
            await self.start_typist()

    async def start_typist(self) -> None:
        """Start the viewer that types."""
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "interop.typist",
            self.target,
            "--state",
            self.programs.folder / "viewer",
        ]
        log = (self.programs.folder / "typist.log").open("ab")
        process = subprocess.Popen(
            [str(part) for part in self.net.viewer.command(command)],
            env={**os.environ, "AVL_CODE": CODE},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        log.close()
        self.typist = Typist(process)
        await self.until("the viewer is in", lambda said: bool(said))

    async def start_relay(self) -> None:
        """Start the relay, again with its identity."""
        folder = self.programs.folder
        (folder / "relay.json").unlink(missing_ok=True)
        listen = ["--listen", f"0.0.0.0:{PORT}", "--public", RELAY, "--http", f"{RELAY}:{PAGE}"]
        command: list[str | Path] = [BIN / "avl-relay", "serve", *listen, *kept(folder, "relay")]
        self._relay = self.programs.start("relay", self.net.relay.command(command))
        self._pin = (await self.programs.ready_file(folder / "relay.json", READY))["pin"]

    def kill_relay(self) -> None:
        """End the relay as a power cut does."""
        assert self._relay is not None
        self._relay.signal(9)
        self._relay.process.wait()
        self.programs.started.remove(self._relay)

    async def until(self, what: str, ready: Callable[[dict[str, Any]], Any], seconds: float = READY) -> dict[str, Any]:
        """Wait until what the viewer says fulfils a condition. Raises ProgramFailed."""
        end = time.monotonic() + seconds
        while True:
            said = self.typist.read()
            if said and ready(said):
                return said
            self.programs.check()
            if self.typist.process.poll() is not None:
                raise ProgramFailed(f"the viewer ended: {(self.programs.folder / 'typist.log').read_text()[-600:]}")
            if time.monotonic() > end:
                raise ProgramFailed(f"after {seconds:.0f} s still not: {what}; {said}")
            await asyncio.sleep(0.02)

    async def on(self, *paths: str, seconds: float = READY) -> dict[str, Any]:
        """Wait until the session is on one of these paths and pictures come."""
        return await self.until(
            f"the session is on {' or '.join(paths)}", lambda s: s.get("path") in paths and s["age"] < 0.3, seconds
        )

    async def watch(self, seconds: float) -> float:
        """Watch for so long; the longest time without a picture meanwhile."""
        self.typist.read()
        first = len(self.typist.said)
        await asyncio.sleep(seconds)
        self.typist.read()
        return max((said["gap"] for said in self.typist.said[first:]), default=float("inf"))

    async def finish(self) -> Account:
        """Let the viewer leave; what it says of the lines it typed, and what the terminal has."""
        process = self.typist.process
        assert process.stdin is not None
        process.stdin.close()
        end = time.monotonic() + READY
        while process.poll() is None and time.monotonic() < end:
            self.typist.read()
            await asyncio.sleep(0.05)
        said = self.typist.read()
        if "lines" not in said:
            raise ProgramFailed(f"the viewer did not leave in {READY:.0f} s: {said}")
        times = [int(line) / 1000 for line in self.times.read_text().split()]
        lines = tuple((made, *fates) for made, fates in said["lines"])
        return Account(lines, self.typed.read_text(), tuple(times))

    def lines(self) -> list[int]:
        """What the terminal has read so far; -1 is no number."""
        return [int(line) if line.isdigit() else -1 for line in self.typed.read_text().splitlines()]

    def end(self) -> None:
        """End the viewer; the programs are ended by their owner."""
        typist: Typist | None = getattr(self, "typist", None)
        if typist is not None:
            typist.process.kill()
            typist.process.wait()
            for pipe in (typist.process.stdin, typist.process.stdout):
                if pipe is not None:
                    pipe.close()


def network(host: Kind = "endpoint-independent") -> Natnet:
    """A small internet for one trial."""
    return Natnet(host)
