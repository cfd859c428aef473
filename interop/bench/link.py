"""`./dev bench link`: a session over a slow, distant, lossy link whose rate changes while it runs.

Real programs in two network namespaces with a bottleneck of the kernel between them, so that what a rate controller
promises in simulation is held to account. See README.md beside this file for the method.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xcffib
from rich.console import Console

from interop import stage
from interop.bench.latency import commit, machine
from interop.bench.rig.linktables import grids, headline, table_markdown
from interop.bench.rig.load import NOISY, Load
from interop.bench.rig.netns import LinkImpossible, lacking
from interop.bench.rig.scenario import SCENARIOS, Desk, Scenario, Settings, play
from interop.programs import ProgramFailed, Programs

RESULTS = Path(__file__).resolve().parent / "results"
#: Exit status where the machine allows no such link: neither measured nor failed.
IMPOSSIBLE = 77
#: Seconds to wait for others on the machine to become quiet before each scenario.
PATIENCE = 15.0
#: Milliseconds of queue at the first rate of a link that falls (RFC 8867 has 300, and home routers more).
DEEP = 500.0


def say(text: str) -> None:
    """Progress, on stderr: results go to stdout."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


async def calm(load: Load) -> None:
    """Let the machine become quiet, within PATIENCE."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while loop.time() < end:
        before = load.sample()
        await asyncio.sleep(1)
        if load.since(before).cores["foreign"] < NOISY / 2:
            return


async def run(programs: Programs, scenarios: Sequence[Scenario], settings: Settings, results: dict[str, Any]) -> str:
    """All scenarios into `results`, each with its failure if it has one; the failures as one text."""
    failures = []
    desk = Desk(programs, Load())
    try:
        await desk.open()
        for scenario in scenarios:
            await calm(desk.load)
            say(scenario.name)
            folder = programs.folder / scenario.name
            folder.mkdir()
            result: dict[str, Any] = {}
            results[scenario.name] = result
            try:
                result |= await play(desk, scenario, settings, folder)
            except (ProgramFailed, ConnectionError, LinkImpossible) as error:
                result["failure"] = str(error) or type(error).__name__
                failures.append(f"{scenario.name}: {result['failure']}")
                desk.programs.check()
    finally:
        desk.close()
    return "\n".join(failures)


def bench(scenarios: Sequence[Scenario], settings: Settings, out: Path, prediction: dict[str, Any]) -> int:
    """Measure, print the tables and write the report, with whatever was measured before a failure; the exit status."""
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="avl-link-", ignore_cleanup_errors=True) as folder:
        programs = Programs(Path(folder))
        try:
            failure = asyncio.run(run(programs, scenarios, settings, results))
        except (ProgramFailed, ConnectionError, xcffib.ConnectionException) as error:
            failure = str(error) or type(error).__name__
        finally:
            programs.end()
    report: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "network": "two namespaces",
        "settings": asdict(settings),
        "failure": failure or None,
        "scenarios": results,
        "prediction": {"cases": prediction.get("cases", {})},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(headline(report))
    for grid in grids(report):
        console.print(grid.rich())
    say(f"figures are in {out}")
    if failure:
        say(f"failed: {failure}")
    return 1 if failure else 0


def asked(chosen: argparse.Namespace) -> list[Scenario]:
    """The scenarios that a command line means. Raises ValueError for one that does not exist."""
    found: list[Scenario] = []
    for name in chosen.scenario:
        if name != "all" and name not in SCENARIOS:
            raise ValueError(f"no scenario is called {name}; there are {', '.join(SCENARIOS)} and all")
        found += SCENARIOS.values() if name == "all" else [SCENARIOS[name]]
    loss = f"-loss{chosen.loss:g}" if chosen.loss else ""
    for rate in chosen.rates:
        found.append(Scenario(name=f"steady{rate:g}{loss}", rates=(rate,), loss=chosen.loss))
    for rates in chosen.step:
        found.append(
            Scenario(
                name=f"drop{'-'.join(f'{rate:g}' for rate in rates)}{loss}", rates=rates, loss=chosen.loss, queue=DEEP
            )
        )
    if not found:
        lossy = Scenario(name=f"loss{chosen.loss:g}", rates=SCENARIOS["loss3"].rates, loss=chosen.loss)
        found = [lossy] if chosen.loss else list(SCENARIOS.values())
    if chosen.queue is not None:
        found = [replace(each, queue=chosen.queue) for each in found]
    return list({scenario.name: scenario for scenario in found}.values())


def rates(separator: str) -> Any:
    """A reader of rates in Mbit/s with a separator between them."""

    def read(text: str) -> tuple[float, ...]:
        values = tuple(float(part) for part in text.split(separator))
        if not all(0.05 <= value <= 1000 for value in values):
            raise ValueError("rates are between 0.05 and 1000 Mbit/s")
        return values

    return read


def interrupt(*_: object) -> None:
    """SIGTERM is taken as Ctrl-C is."""
    raise KeyboardInterrupt


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="./dev bench link", description="Put a session through slow and lossy links.")
    names = ", ".join(SCENARIOS)
    made.add_argument("--scenario", action="append", default=[], help=f"one of {names}, or all (default)")
    made.add_argument("--rates", type=rates(","), default=(), metavar="20,5,2", help="one steady link each, Mbit/s")
    made.add_argument(
        "--step", type=rates(":"), action="append", default=[], metavar="20:2", help="a link whose rate changes"
    )
    made.add_argument("--loss", type=float, default=0.0, help="percent of datagrams lost, each way")
    made.add_argument("--delay", type=float, default=20.0, help="milliseconds, each way (default 20)")
    made.add_argument("--queue", type=float, help="milliseconds of queue at the first rate (default 200, steps 500)")
    made.add_argument("--seconds", type=float, default=20.0, help="time at each rate (default 20)")
    made.add_argument("--upload", action="store_true", help="the link is between host and relay")
    made.add_argument("--max-bitrate", type=float, help="passed on to avl-host, Mbit/s")
    made.add_argument("--prediction", type=Path, metavar="JSON", help="report of ./dev bench rate, to compare with")
    made.add_argument("--out", type=Path, help="where the JSON goes (default: interop/bench/results)")
    made.add_argument("--markdown", type=Path, metavar="JSON", help="only print the tables of an earlier run")
    return made


def main() -> int:
    """Read the command line and do it; 0 measured, 1 failed, 2 misused, 130 interrupted; 77 where the
    machine allows no such link, which is a failure where CI=true: there it was supposed to."""
    reader = parser()
    chosen = reader.parse_args()
    if chosen.markdown:
        print(table_markdown(json.loads(chosen.markdown.read_text("utf-8"))), end="")
        return 0
    try:
        scenarios = asked(chosen)
        prediction = json.loads(chosen.prediction.read_text("utf-8")) if chosen.prediction else {}
    except (OSError, ValueError) as error:
        reader.error(str(error))
    if missing := stage.lacking():
        say(f"not on this machine: {', '.join(missing)}")
        return 1
    if reason := lacking():
        say(f"skipped: this machine allows no link of its own: {reason}")
        return 1 if os.environ.get("CI") == "true" else IMPOSSIBLE
    signal.signal(signal.SIGTERM, interrupt)
    out = chosen.out or RESULTS / f"link-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    settings = Settings(chosen.delay, chosen.seconds, chosen.upload, chosen.max_bitrate)
    try:
        return bench(scenarios, settings, out, prediction)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
