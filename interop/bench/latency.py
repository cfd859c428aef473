"""`./dev bench latency`: how long it takes from a press until its answer is seen, and what a film, a still screen and a
page of text cost; through a real relay, in the native window and in Chromium.

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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xcffib
from rich.console import Console

from interop import stage
from interop.bench.rig import measure, network
from interop.bench.rig.cast import Cast
from interop.bench.rig.figures import COLUMNS, table_markdown, tables
from interop.bench.rig.load import NOISY, Load
from interop.bench.rig.measure import Bench
from interop.programs import ProgramFailed, Programs

VIEWERS = ("native", "browser")
RESULTS = Path(__file__).resolve().parent / "results"
#: Of the bench without remoting: enough to see what the instruments add.
FLOOR_CLICKS, FLOOR_SECONDS = 10, 3.0
#: Seconds to wait for others on the machine to become quiet before each measurement.
PATIENCE = 15.0
#: Seconds until the native window has written figures of what has just been measured.
WRITES = 1.2


def say(text: str) -> None:
    """Progress, on stderr: results go to stdout."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Run:
    """One run: the cast, the measurements, and the report as it grows."""

    def __init__(self, programs: Programs, clicks: int, seconds: float) -> None:
        self.load = Load()
        self.cast = Cast(programs=programs, load=self.load)
        self.clicks = clicks
        self.seconds = seconds
        self.viewers: dict[str, dict[str, measure.Result]] = {}

    async def run(self, viewers: tuple[str, ...]) -> None:
        """All of it; ProgramFailed or ConnectionError when something that is needed has ended."""
        bench = await self.cast.open()
        try:
            floor = Bench(bench.host, bench.host, bench.content, self.load)
            self.moving("none", floor, FLOOR_CLICKS, FLOOR_SECONDS)
            await self.cast.serve()
            for viewer in viewers:
                bench.content.show("desk")
                with self.cast.watched(viewer, bench) as seconds:
                    self.viewers[viewer] = {"start": {**self.cast.ready, "first_picture_s": seconds}}
                    self.moving(viewer, bench, self.clicks, self.seconds)
                    self.still(viewer, bench)
        finally:
            for glass in (bench.host, bench.viewer):
                glass.close()
            bench.content.close()

    def moving(self, viewer: str, bench: Bench, clicks: int, seconds: float) -> None:
        """What moves: presses, a film, presses under the film."""
        results = self.viewers.setdefault(viewer, {})
        self.begin(viewer, "click")
        results["click"] = measure.clicks(bench, clicks, "desk")
        self.add_stats(viewer, "click")
        self.begin(viewer, "film")
        results["film"] = measure.film(bench, seconds)
        self.add_stats(viewer, "film")
        self.begin(viewer, "click_under_film")
        results["click_under_film"] = measure.clicks(bench, clicks, "film")
        bench.content.show("desk")

    def still(self, viewer: str, bench: Bench) -> None:
        """What stands still."""
        results = self.viewers[viewer]
        self.begin(viewer, "still")
        results["still"] = measure.still(bench, self.seconds)
        self.begin(viewer, "page")
        results["page"] = measure.page(bench)

    def begin(self, viewer: str, what: str) -> None:
        """Say what comes next, and let the machine calm down."""
        say(f"{COLUMNS[viewer]}: {what}")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            before = self.load.sample()
            time.sleep(1)
            if self.load.since(before).cores["foreign"] < NOISY / 2:
                return

    def add_stats(self, viewer: str, what: str) -> None:
        """What the viewer itself says about the seconds just measured."""
        if viewer == "native":
            time.sleep(WRITES)
            self.viewers[viewer][what]["stats"] = self.cast.stats(viewer)


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


def bench(viewers: tuple[str, ...], clicks: int, seconds: float, out: Path) -> int:
    """Measure, print the tables and write the report, with whatever was measured before a failure; the exit status."""
    failure = ""
    with tempfile.TemporaryDirectory(prefix="avl-bench-", ignore_cleanup_errors=True) as folder:
        programs = Programs(Path(folder))
        run = Run(programs, clicks, seconds)
        try:
            asyncio.run(run.run(viewers))
        except (ProgramFailed, ConnectionError, xcffib.ConnectionException) as error:
            failure = str(error) or type(error).__name__
        finally:
            programs.end()
    report = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "network": "its own" if network.own() else "shared with the machine",
        "failure": failure or None,
        "viewers": run.viewers,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    console = Console(width=None if sys.stdout.isatty() else 140)
    for table in tables(report):
        console.print(table)
    say(f"figures are in {out}")
    if failure:
        say(f"failed: {failure}")
    return 1 if failure else 0


def interrupt(*_: object) -> None:
    """SIGTERM is taken as Ctrl-C is."""
    raise KeyboardInterrupt


def main() -> int:
    """Read the command line and do it; 0 measured, 1 failed, 130 interrupted. A missed goal is a figure, no failure."""
    parser = argparse.ArgumentParser(
        prog="./dev bench latency", description="Measure click-to-photon, film, stillness, text."
    )
    parser.add_argument("--native", action="store_true", help="only the native window")
    parser.add_argument("--browser", action="store_true", help="only Chromium")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of film and stillness (default 8)")
    parser.add_argument("--clicks", type=int, default=50, help="presses of each kind (default 50)")
    parser.add_argument("--out", type=Path, help="where the JSON goes (default: interop/bench/results)")
    parser.add_argument(
        "--markdown", type=Path, metavar="JSON", help="only print the tables of an earlier run for a README"
    )
    chosen = parser.parse_args()
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
    out = chosen.out or RESULTS / f"latency-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    try:
        return bench(asked, chosen.clicks, chosen.seconds, out)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
