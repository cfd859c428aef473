"""One measurement: start a product, its host and its audience, wait until all is carried, and look for a while."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from interop.bench.relay.figures import IN_TIME, Measured, delays, settled
from interop.bench.relay.marks import Marks
from interop.bench.relay.part import PACE
from interop.bench.relay.processor import descendants, seconds_used
from interop.bench.relay.products import Command, Product
from interop.bench.rig.load import Load
from interop.programs import Program, Programs
from interop.stage import READY, ROOT

#: Seconds that hops may take to learn their rates before the clock starts all the same, and take at least.
SETTLES, BEGINS = 20.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long one measurement lasts, in seconds, how many of each kind there are, how nice its processes are to
    others of the machine (-20 to 19), and pictures a second."""

    seconds: float
    rounds: int = 1
    nice: int = 0
    pace: float = PACE


def be_nice(pid: int, nice: int) -> None:
    """Set the priority of a process that leads a session, and of that session where Linux weighs whole sessions.
    Raises PermissionError."""
    os.setpriority(os.PRIO_PROCESS, pid, nice)
    group = Path("/proc", str(pid), "autogroup")
    if group.exists():
        group.write_text(str(nice))


async def measure(product: Product, rate: float, viewers: int, effort: Effort, stacks: Path | None = None) -> Measured:
    """Measure a product with so many viewers at `rate` Mbit/s. `stacks` gets a profile of it. Raises ProgramFailed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        programs, here, load = Programs(folder), {"PYTHONPATH": str(ROOT)}, Load()
        marks = Marks(folder / "marks", viewers)

        def start(role: str, command: Command) -> Program:
            program = programs.start(role, command, here)
            if effort.nice:
                be_nice(program.process.pid, effort.nice)
            load.add(role, program.process.pid)
            return program

        ends: Command = ["--viewers", str(viewers), "--rate", str(rate), "--pace", str(effort.pace)]
        try:
            serving = start("relay", product.serve(folder, ends, stacks))
            await programs.ready_file(folder / "relay.json", READY)
            start("source", [*product.source, folder, *ends])
            await programs.ready_file(folder / "source.json", READY)
            start("audience", [*product.audience, folder, *ends])
            await programs.ready_file(folder / "audience.json", READY + viewers)
            patience = time.monotonic() + SETTLES
            await asyncio.sleep(BEGINS)
            while not settled(marks, time.monotonic()) and time.monotonic() < patience:
                await asyncio.sleep(0.1)
            if stacks is not None:
                serving.signal(signal.SIGUSR1)
            family = descendants(serving.process.pid)
            before, had = load.sample(), int(marks.datagrams.sum())
            begins, used = time.monotonic(), sum(map(seconds_used, family))
            await asyncio.sleep(effort.seconds)
            ends_at, used = time.monotonic(), sum(map(seconds_used, family)) - used
            got, usage = int(marks.datagrams.sum()) - had, load.since(before)
            programs.check()
            await asyncio.sleep(IN_TIME)
            if stacks is not None:
                serving.signal(signal.SIGUSR1)
                await programs.until("a profile", READY, stacks.exists)
            arrived, took = delays(marks, begins, ends_at)
            return Measured(
                product=product.name,
                rate=rate,
                viewers=viewers,
                seconds=ends_at - begins,
                cores=used / (ends_at - begins),
                source=usage.cores["source"],
                audience=usage.cores["audience"],
                others=usage.cores["foreign"],
                arrived=arrived,
                datagrams=got / (ends_at - begins),
                delays=took,
            )
        finally:
            programs.end()
