"""Child processes: started each in a group of its own with a log, watched, and ended to the last grandchild."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Seconds between two looks at what another program writes; programs offer no event for it.
LOOK = 0.02
#: Seconds a program has for its own clean-up before it is killed.
GRACE = 5.0


class ProgramFailed(Exception):
    """A program ended, or did not do in time what was awaited of it; the text ends with the last lines of its log."""


@dataclass(slots=True)
class Program:
    """One child process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        text = self.log.read_text("utf-8", errors="replace").splitlines()[-lines:]
        return "\n".join(f"  {self.name}: {line}" for line in text)

    def signal(self, number: int) -> None:
        """Send a signal to the program and all it started."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return


@dataclass(slots=True)
class Programs:
    """Everything that was started; `end` leaves nothing behind."""

    folder: Path
    started: list[Program] = field(default_factory=list)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str] | None = None,
        stdout: int | None = None,
    ) -> Program:
        """Start `command` with `environment` added to ours; its output goes to `<name>.log` (stdout unless given)."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(part) for part in command],
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output if stdout is None else stdout,
                stderr=output,
                start_new_session=True,
            )
        program = Program(name, process, log)
        self.started.append(program)
        return program

    def check(self) -> None:
        """ProgramFailed if one has ended although nobody asked it to."""
        for program in self.started:
            status = program.process.poll()
            if status is not None:
                raise ProgramFailed(f"{program.name} ended with status {status}\n{program.last_words()}")

    def late(self, what: str, seconds: float) -> ProgramFailed:
        """The error for something that did not happen in time."""
        words = "\n".join(words for program in self.started if (words := program.last_words(4)))
        return ProgramFailed(f"after {seconds:.0f} s still not: {what}\n{words}")

    async def stay(self) -> None:
        """Wait until one of them ends, which is a ProgramFailed."""
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, ended.set)
        while True:
            self.check()
            await ended.wait()
            ended.clear()

    async def until(self, what: str, seconds: float, ready: Callable[[], Any]) -> Any:
        """Wait until `ready()` returns something true and return it; ProgramFailed after `seconds` or when one dies."""
        end = time.monotonic() + seconds
        while True:
            value = ready()
            if value:
                return value
            self.check()
            if time.monotonic() > end:
                raise self.late(what, seconds)
            await asyncio.sleep(LOOK)

    async def ready_file(self, path: Path, seconds: float) -> dict[str, Any]:
        """The object in a ready file, once it is there; it appears whole, since it is renamed into place."""
        loaded = await self.until(
            f"{path.name} written", seconds, lambda: path.exists() and json.loads(path.read_text())
        )
        return dict(loaded)

    def end(self) -> None:
        """End everything, the latest first: asked, then killed."""
        for program in reversed(self.started):
            program.signal(signal.SIGCONT)
            program.signal(signal.SIGTERM)
            try:
                program.process.wait(GRACE)
            except subprocess.TimeoutExpired:
                program.signal(signal.SIGKILL)
                program.process.wait()
            program.signal(signal.SIGKILL)
            if program.process.stdout is not None:
                program.process.stdout.close()
        self.started.clear()
