"""`./dev bench latency`: how long it takes from a press until its answer is seen, and what keys, a film, a dragged
window, scrolling text, a page of code and a still screen cost and look like; through a real relay, in the native window
and in Chromium, and in other products beside them.

Two displays on one machine, so that one clock times both ends. See README.md beside this file for the method.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xcffib
from rich.console import Console

from interop import stage
from interop.bench.rig import network, scenes
from interop.bench.rig.cast import NONE, Cast
from interop.bench.rig.figures import COLUMNS, table_markdown, tables
from interop.bench.rig.load import NOISY, Load
from interop.bench.rig.measure import Bench, Result
from interop.bench.rig.netns import LinkImpossible
from interop.bench.rig.peers import PEERS
from interop.bench.rig.scenes import SCENES, Effort
from interop.bench.rig.wire import Link, Loopback, Wire
from interop.programs import ProgramFailed, Programs

VIEWERS = ("native", "browser")
RESULTS = Path(__file__).resolve().parent / "results"
#: Of a run as it is, of a short one, and of the bench without remoting: enough to see what the instruments add.
USUAL, SHORT, FLOOR = Effort(clicks=50, seconds=8.0), Effort(clicks=15, seconds=4.0), Effort(clicks=10, seconds=3.0)
#: Seconds to wait for others on the machine to become quiet before each measurement.
PATIENCE = 15.0
#: Seconds until the native window has written figures of what has just been measured.
WRITES = 1.2
#: The failure of a run that a person ended.
INTERRUPTED = "interrupted"
#: Exit status where the machine allows no such link: neither measured nor failed.
IMPOSSIBLE = 77


def say(text: str) -> None:
    """Progress, on stderr: results go to stdout."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be measured: scenes and products by name, how long, how often, and what lies between."""

    scenes: tuple[str, ...]
    viewers: tuple[str, ...]
    effort: Effort
    rounds: int
    wire: Wire
    patience: float = PATIENCE


@dataclass(slots=True, kw_only=True)
class Run:
    """One run: the cast, the measurements, and the results as they grow."""

    programs: Programs
    plan: Plan
    #: Of each product and scene, one for each round; and of each product, how long it took to show a picture.
    results: dict[str, dict[str, list[Result]]] = field(default_factory=dict)
    starts: dict[str, list[Result]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    load: Load = field(init=False)
    cast: Cast = field(init=False)

    def __post_init__(self) -> None:
        self.load = Load(carried=self.plan.wire.carried)
        if isinstance(self.plan.wire, Link) and self.plan.wire.distance is not None:
            self.load.add("wire", self.plan.wire.distance)
        self.cast = Cast(programs=self.programs, load=self.load, wire=self.plan.wire)

    async def run(self) -> None:
        """All of it, scene by scene and in each scene product by product, so that noise of the machine hits all alike;
        ProgramFailed or ConnectionError when something that all need has ended."""
        bench = await self.cast.open()
        try:
            await self.cast.serve()
            for number in range(self.plan.rounds):
                for scene in self.plan.scenes:
                    turn = number % len(self.plan.viewers)
                    for viewer in (*self.plan.viewers[turn:], *self.plan.viewers[:turn]):
                        if viewer != NONE or (SCENES[scene].floor and not number):
                            await self.one(scene, viewer, bench)
        finally:
            for glass in (bench.host, bench.viewer):
                glass.close()
            bench.content.close()

    async def one(self, scene: str, viewer: str, bench: Bench) -> None:
        """One scene with one product."""
        bench.content.show("desk")
        measured = SCENES[scene]
        try:
            async with self.cast.guest(measured.guest):
                if viewer == NONE:
                    self.begin(scene, viewer)
                    floor = Bench(bench.host, bench.host, bench.content, self.load)
                    self.keep(scene, viewer, measured.run(floor, FLOOR))
                    return
                async with self.cast.watched(viewer, bench) as seconds:
                    self.starts.setdefault(viewer, []).append({"first_picture_s": seconds})
                    self.begin(scene, viewer)
                    result = measured.run(bench, self.plan.effort)
                    if viewer == "native":
                        time.sleep(WRITES)
                        result["stats"] = self.cast.stats()
                    self.keep(scene, viewer, result)
        except ProgramFailed as failed:
            self.failures.append(f"{COLUMNS[viewer]}, {scene}: {failed}")
            say(self.failures[-1])
            self.keep(scene, viewer, {"failure": str(failed)})
            self.programs.check()

    def keep(self, scene: str, viewer: str, result: Result) -> None:
        """Put a result where it belongs."""
        self.results.setdefault(viewer, {}).setdefault(scene, []).append(result)

    def begin(self, scene: str, viewer: str) -> None:
        """Say what comes next, and let the machine calm down."""
        say(f"{SCENES[scene].title}: {COLUMNS[viewer]}")
        end = time.monotonic() + self.plan.patience
        while time.monotonic() < end:
            before = self.load.sample()
            time.sleep(1)
            if self.load.since(before).cores["foreign"] < NOISY / 2:
                return

    def viewers(self) -> dict[str, Result]:
        """The report's part by product: of each scene the median of its rounds."""
        found: dict[str, Result] = {}
        for viewer, results in self.results.items():
            found[viewer] = {scene: scenes.merged(rounds) for scene, rounds in results.items()}
            if viewer in self.starts:
                ready = self.cast.ready if viewer in VIEWERS else {}
                found[viewer]["start"] = {**ready, **scenes.merged(self.starts[viewer])}
        return found


def machine() -> dict[str, Any]:
    """What it was measured on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def commit() -> str:
    """The commit that is checked out, `-dirty` when files differ from it; "unknown" outside a repository."""
    asked = [["git", "rev-parse", "--short=12", "HEAD"], ["git", "status", "--porcelain", "--untracked-files=no"]]
    answers = []
    for command in asked:
        try:
            settings = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
            done = subprocess.run(command, cwd=stage.ROOT, env=settings, capture_output=True, text=True)
        except FileNotFoundError:
            return "unknown"
        answers.append(done.stdout.strip() if done.returncode == 0 else "")
    return (answers[0] or "unknown") + ("-dirty" if answers[1] else "")


def bench(plan: Plan, link: Result | None, skipped: Result, out: Path) -> int:
    """Measure, print the tables and write the report, as JSON and as text, with whatever was measured before a failure;
    the exit status."""
    failure = ""
    with tempfile.TemporaryDirectory(prefix="avl-bench-", ignore_cleanup_errors=True) as folder:
        programs = Programs(Path(folder))
        run = Run(programs=programs, plan=plan)
        try:
            asyncio.run(run.run())
        except (ProgramFailed, ConnectionError, xcffib.ConnectionException) as error:
            failure = str(error) or type(error).__name__
        except KeyboardInterrupt:
            failure = INTERRUPTED
        finally:
            programs.end()
            plan.wire.close()
    failure = "\n".join([*run.failures, *([failure] if failure else [])])
    report = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "network": "its own" if network.own() else "shared with the machine",
        "link": link,
        "effort": {"clicks": plan.effort.clicks, "seconds": plan.effort.seconds, "rounds": plan.rounds},
        "skipped": skipped,
        "failure": failure or None,
        "viewers": run.viewers(),
        "rounds": run.results,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    out.with_suffix(".md").write_text(table_markdown(report), "utf-8")
    console = Console(width=None if sys.stdout.isatty() else 200)
    for table in tables(report):
        console.print(table)
    say(f"figures are in {out}")
    if failure:
        say(f"failed: {failure}")
    return (130 if failure == INTERRUPTED else 1) if failure else 0


def interrupt(*_: object) -> None:
    """SIGTERM is taken as Ctrl-C is."""
    raise KeyboardInterrupt


def wire(rate: float, delay: float) -> Wire:
    """A link of its own; loopback where the machine allows none and nothing is to be shaped, else LinkImpossible."""
    try:
        return Link(rate, delay)
    except LinkImpossible as impossible:
        if rate or delay:
            raise
        say(f"no link of its own, so everything is on loopback: {impossible}")
        return Loopback()


def beside(names: str, between: Wire) -> tuple[list[str], dict[str, str]]:
    """Which peers can be measured here, and why others can't. Raises ValueError for one that is not known."""
    found, skipped = [], {}
    for name in (name for name in names.split(",") if name):
        if name not in PEERS:
            raise ValueError(f"no peer is called {name}; there are {', '.join(PEERS)}")
        missing = PEERS[name].missing()
        if missing:
            skipped[name] = f"not on this machine: {', '.join(missing)}"
        elif isinstance(between, Loopback):
            skipped[name] = "its ports need a network of its own, which this machine does not allow"
        else:
            found.append(name)
    return found, skipped


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="./dev bench latency", description="Measure presses, keys, film, dragging, scrolling, text, stillness."
    )
    made.add_argument("--native", action="store_true", help="of ours only the native window")
    made.add_argument("--browser", action="store_true", help="of ours only Chromium")
    made.add_argument("--peers", default="", metavar="NAMES", help=f"measured beside ours: {','.join(PEERS)}")
    made.add_argument("--scenes", default=",".join(SCENES), metavar="NAMES", help=f"some of {','.join(SCENES)}")
    made.add_argument("--short", action="store_true", help=f"{SHORT.clicks} presses and {SHORT.seconds:g} s of each")
    made.add_argument("--seconds", type=float, help=f"length of what goes on (default {USUAL.seconds:g})")
    made.add_argument("--clicks", type=int, help=f"presses of each kind (default {USUAL.clicks})")
    made.add_argument("--rounds", type=int, default=1, help="how often all is measured; figures are the medians")
    made.add_argument("--rate", type=float, default=0.0, help="Mbit/s each way between relay and viewer")
    made.add_argument("--delay", type=float, default=0.0, help="milliseconds each way between relay and viewer")
    made.add_argument("--patience", type=float, default=PATIENCE, help="seconds to wait for a quiet machine, each time")
    made.add_argument("--out", type=Path, help="where the JSON goes (default: interop/bench/results); a .md beside it")
    made.add_argument(
        "--markdown", type=Path, metavar="JSON", help="only print the tables of an earlier run for a README"
    )
    return made


def main() -> int:
    """Read the command line and do it; 0 measured, 1 failed, 2 misused, 130 interrupted (what was measured until then
    is told); 77 where the machine allows no such link. A missed goal is a figure, no failure, and a peer that is not
    here is named and left out."""
    reader = parser()
    chosen = reader.parse_args()
    if chosen.markdown:
        print(table_markdown(json.loads(chosen.markdown.read_text("utf-8"))), end="")
        return 0
    asked = tuple(viewer for viewer in VIEWERS if getattr(chosen, viewer)) or VIEWERS
    missing = stage.lacking() + (["chromium"] if "browser" in asked and not shutil.which("chromium") else [])
    if missing:
        say(f"not on this machine: {', '.join(missing)}")
        return 1
    network.enter("interop.bench.latency", sys.argv[1:])
    signal.signal(signal.SIGTERM, interrupt)
    try:
        between = wire(chosen.rate, chosen.delay)
    except LinkImpossible as impossible:
        say(f"skipped: this machine allows no such link: {impossible}")
        return IMPOSSIBLE
    try:
        names = scenes.chosen(chosen.scenes)
        peers, skipped = beside(chosen.peers, between)
    except ValueError as error:
        between.close()
        reader.error(str(error))
    for name, reason in skipped.items():
        say(f"{name} is skipped: {reason}")
    usual = SHORT if chosen.short else USUAL
    plan = Plan(
        scenes=tuple(names),
        viewers=(NONE, *asked, *peers),
        effort=Effort(clicks=chosen.clicks or usual.clicks, seconds=chosen.seconds or usual.seconds),
        rounds=chosen.rounds,
        wire=between,
        patience=chosen.patience,
    )
    link = None if isinstance(between, Loopback) else {"rate_mbps": chosen.rate, "delay_ms": chosen.delay}
    out = chosen.out or RESULTS / f"latency-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    return bench(plan, link, skipped, out)


if __name__ == "__main__":
    sys.exit(main())
