"""`./dev bench rate`: how well rate controllers do in the suite's cases, in virtual time. See README.md beside this
file."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from interop.bench.latency import commit, machine
from interop.bench.rate import baselines
from interop.bench.rate.cases import CASES, QUICK, SUITE
from interop.bench.rate.figures import Series
from interop.bench.rate.plot import svg
from interop.bench.rate.report import OURS, as_json, print_cases, print_goals, print_means, summarise
from interop.bench.rate.run import Job, Result, run_all

RESULTS = Path(__file__).resolve().parent.parent / "results" / "rate"
CONTROLLERS = (OURS, *baselines.NAMES)


class Transport(StrEnum):
    """What carries the media of a flow."""

    MODEL = "model"
    QUIC = "quic"


def say(text: str) -> None:
    """Progress, on stderr: results go to stdout."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def chosen(patterns: Sequence[str], names: Sequence[str], what: str) -> list[str]:
    """The names that match one of the patterns (`*` and `?` as in file names); typer.BadParameter for one without
    any."""
    found = []
    for pattern in patterns:
        matches = [name for name in names if fnmatchcase(name, pattern)]
        if not matches:
            raise typer.BadParameter(f"no {what} is called {pattern}; there are {', '.join(names)}")
        found += matches
    return list(dict.fromkeys(found))


def measure(jobs: Sequence[Job], workers: int | None) -> list[Result]:
    """All of them, with a line of progress a minute."""
    results = []
    began = said = time.monotonic()
    for result in run_all(jobs, workers):
        results.append(result)
        if time.monotonic() - said > 60:
            said = time.monotonic()
            say(f"{len(results)} of {len(jobs)} runs after {said - began:.0f} s")
    say(f"{len(jobs)} runs took {time.monotonic() - began:.0f} s")
    return results


def draw(results: Sequence[Result], folder: Path) -> None:
    """A plot for each case, of the first seed."""
    first = min(result.job.seed for result in results)
    runs: dict[str, dict[str, Series]] = {}
    for result in results:
        if result.job.seed == first:
            runs.setdefault(result.job.case, {})[result.job.controller] = result.series
    for case, series in runs.items():
        path = folder / f"{case.replace('%', 'pc')}.svg"
        path.write_text(svg(f"{case}, seed {first}", series), "utf-8")


def main(
    case: Annotated[list[str] | None, typer.Option(help="Cases by name, * for any letters. All of the suite.")] = None,
    controller: Annotated[list[str] | None, typer.Option(help="Controllers by name. All.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 1 to N.")] = 5,
    quick: Annotated[bool, typer.Option("--quick", help="Short cases, one seed, our controller.")] = False,
    transport: Annotated[Transport, typer.Option(help="Packets without QUIC, or QUIC itself.")] = Transport.MODEL,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one for each core.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for rate.json and plots.")] = RESULTS,
    plots: Annotated[bool, typer.Option(help="One SVG for each case.")] = True,
) -> None:
    """Run rate controllers through the suite and print what came of it. Missed goals do not fail the command."""
    cases = chosen(case, list(CASES), "case") if case else [c.name for c in QUICK] if quick else list(SUITE)
    names = chosen(controller, CONTROLLERS, "controller") if controller else [OURS] if quick else list(CONTROLLERS)
    last = 1 if quick else seeds
    jobs = [Job(c, n, seed, transport.value) for c in cases for n in names for seed in range(1, last + 1)]
    results = measure(jobs, workers)
    summaries = summarise(results)
    console = Console(width=None if sys.stdout.isatty() else 160)
    print_cases(console, summaries)
    print_means(console, summaries)
    print_goals(console, summaries)
    out.mkdir(parents=True, exist_ok=True)
    head = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "transport": transport.value,
        "seeds": last,
    }
    report = out / "rate.json"
    report.write_text(json.dumps(as_json(results, head), indent=1, allow_nan=False) + "\n", "utf-8")
    if plots:
        draw(results, out)
    say(f"figures{' and plots' if plots else ''} are in {out}")


if __name__ == "__main__":
    typer.run(main)
