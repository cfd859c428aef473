"""`./dev bench relay`: measure a relay with one viewer and with many, at several rates; see README.md above."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from interop.bench.latency import commit, machine
from interop.bench.relay import profile
from interop.bench.relay.figures import IN_TIME, Cost, Measured, cost, delays, settled
from interop.bench.relay.marks import Marks
from interop.bench.relay.processor import descendants, seconds_used
from interop.bench.rig.load import Load
from interop.programs import ProgramFailed, Programs
from interop.stage import BIN, READY, ROOT, kept

HERE = "127.0.0.1"
#: Seconds that hops may take to learn their rates before the clock starts all the same.
SETTLES = 20.0
#: Functions that a profile names, and the share from which on one is only what all the rest runs in.
NAMED, FRAME = 25, 0.995


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long one measurement lasts, in seconds, and how many of each kind there are."""

    seconds: float
    rounds: int


def say(text: str) -> None:
    """Progress, on stderr: results go to stdout."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def say_measured(one: Measured) -> None:
    """One measurement, as it comes."""
    say(
        f"{one.product}, {one.rate:g} Mbit/s, {one.viewers} viewers: {one.cores:.4f} cores, "
        f"{one.datagrams / one.viewers:.0f} datagrams/s each, {100 * one.arrived:.2f} % in time, "
        f"p95 {1000 * one.delays.p95:.2f} ms, others {one.others:.2f} cores"
    )


async def measure(program: Path, rate: float, viewers: int, seconds: float, stacks: Path | None = None) -> Measured:
    """Start a relay, a host and so many viewers, and look at them for a while. `stacks` gets a profile of the relay.
    Raises ProgramFailed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        programs, here = Programs(folder), {"PYTHONPATH": str(ROOT)}
        marks = Marks(folder / "marks", viewers)
        try:
            ports = ["--listen", f"{HERE}:0", "--http", f"{HERE}:0", "--public", HERE, "--per-address", "4096"]
            relay = [program] if stacks is None else [sys.executable, "-m", "interop.bench.relay.sampler", stacks]
            serving = programs.start("relay", [*relay, "serve", *ports, *kept(folder, "relay")], here)
            ready = await programs.ready_file(folder / "relay.json", READY)
            pid = serving.process.pid
            module = [sys.executable, "-m"]
            common = [ready["quic"], ready["pin"], folder / "marks", "--viewers", str(viewers)]
            load = Load()
            load.add("relay", pid)
            command = [*module, "interop.bench.relay.source", *common, "--rate", str(rate)]
            source = programs.start("source", [*command, "--ready-file", folder / "source.json"], here)
            load.add("source", source.process.pid)
            device = (await programs.ready_file(folder / "source.json", READY))["device"]
            command = [*module, "interop.bench.relay.audience", *common, "--device", str(device)]
            audience = programs.start("audience", [*command, "--ready-file", folder / "audience.json"], here)
            load.add("audience", audience.process.pid)
            await programs.ready_file(folder / "audience.json", READY + viewers)
            patience = time.monotonic() + SETTLES
            await asyncio.sleep(2.0)
            while not settled(marks, time.monotonic()) and time.monotonic() < patience:
                await asyncio.sleep(0.1)
            if stacks is not None:
                serving.signal(signal.SIGUSR1)
            before, had = load.sample(), int(marks.datagrams.sum())
            begins, used = time.monotonic(), sum(seconds_used(one) for one in descendants(pid))
            await asyncio.sleep(seconds)
            used = sum(seconds_used(one) for one in descendants(pid)) - used
            ends, got = time.monotonic(), int(marks.datagrams.sum())
            usage = load.since(before)
            programs.check()
            await asyncio.sleep(IN_TIME)
            if stacks is not None:
                serving.signal(signal.SIGUSR1)
                await programs.until("a profile", READY, stacks.exists)
            arrived, took = delays(marks, begins, ends)
            return Measured(
                product="avl",
                rate=rate,
                viewers=viewers,
                seconds=ends - begins,
                cores=used / (ends - begins),
                others=usage.cores["foreign"],
                arrived=arrived,
                datagrams=(got - had) / (ends - begins),
                delays=took,
            )
        finally:
            programs.end()


async def measure_all(program: Path, rates: Sequence[float], viewers: int, effort: Effort) -> list[Measured]:
    """Every rate with one viewer and with all of them, by turns."""
    found = []
    for _ in range(effort.rounds):
        for rate in rates:
            for count in (1, viewers):
                found.append(one := await measure(program, rate, count, effort.seconds))
                say_measured(one)
    return found


def table(costs: Sequence[Cost]) -> Table:
    """Costs, a row each."""
    made = Table(
        "relay",
        "Mbit/s",
        "viewers",
        "a core serves",
        "all/N",
        "Gbit/s a core",
        "µs a datagram",
        "host, cores",
        "in time",
        "p50 ms",
        "p95 ms",
        "p99 ms",
    )
    for one in costs:
        made.add_row(
            one.product,
            f"{one.rate:g}",
            str(one.viewers),
            f"{one.viewers_per_core:.1f}",
            f"{1 / one.share:.1f}",
            f"{one.gigabits_per_core:.3f}",
            f"{one.microseconds:.1f}",
            f"{one.host:.4f}",
            f"{100 * one.arrived:.2f} %",
            *(f"{1000 * value:.2f}" for value in (one.delays.p50, one.delays.p95, one.delays.p99)),
        )
    return made


def show_profile(found: profile.Profile, console: Console) -> None:
    """Where the time went, by kind of work and by function."""
    console.print(f"{found.looks} looks: " + ", ".join(f"{kind} {share:.1%}" for kind, share in found.kinds.items()))
    within = {name: share for name, share in found.within.items() if share < FRAME}
    for title, functions in (("own time", found.own), ("with what it calls", within)):
        made = Table(title, "share")
        for name, share in list(functions.items())[:NAMED]:
            made.add_row(name, f"{share:.1%}")
        console.print(made)


def main(
    rates: Annotated[str, typer.Option("--rate", help="Mbit/s of the film; several with commas.")] = "2,8,20",
    viewers: Annotated[int, typer.Option(help="Viewers of the large audience.", min=2)] = 12,
    seconds: Annotated[float, typer.Option(help="How long each measurement lasts.", min=1)] = 10.0,
    rounds: Annotated[int, typer.Option(help="Measurements of each kind.", min=1)] = 3,
    short: Annotated[bool, typer.Option("--short", help="8 Mbit/s only, less than a minute.")] = False,
    profiled: Annotated[
        bool, typer.Option("--profile", help="Only where the relay's time goes, at the first rate.")
    ] = False,
    relay: Annotated[Path, typer.Option(help="The avl-relay that is measured.")] = BIN / "avl-relay",
    out: Annotated[Path | None, typer.Option(help="Where the figures go, as JSON.")] = None,
) -> None:
    """Measure what a relay's viewers cost."""
    wanted = [float(rate) for rate in rates.split(",")]
    effort = Effort(seconds=seconds, rounds=rounds)
    if short:
        wanted, effort = [8.0], Effort(seconds=min(seconds, 6.0), rounds=1)
    console = Console(width=None if sys.stdout.isatty() else 160)
    report: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "load": os.getloadavg()[0],
    }
    try:
        if profiled:
            with tempfile.TemporaryDirectory() as folder:
                stacks = Path(folder) / "stacks"
                one = asyncio.run(measure(relay, wanted[0], viewers, effort.seconds, stacks))
                found = profile.read(stacks.read_text())
            say_measured(one)
            show_profile(found, console)
            report.update(measured=asdict(one), profile=asdict(found))
        else:
            measured = asyncio.run(measure_all(relay, wanted, viewers, effort))
            costs = [cost(measured, "avl", rate) for rate in wanted]
            console.print(table(costs))
            report.update(costs=[asdict(one) for one in costs], measured=[asdict(one) for one in measured])
    except ProgramFailed as error:
        say(str(error))
        raise typer.Exit(1) from None
    if out is not None:
        out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
