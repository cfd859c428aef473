"""`./dev bench paths`: NATs, interruptions and chaos, in virtual time. See README.md in the folder above."""

from __future__ import annotations

import itertools
import json
import logging
import os
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console
from rich.table import Table

from interop.bench.latency import commit, machine
from interop.bench.paths.chaos import live
from interop.bench.paths.gaps import CASES, Case, happen
from interop.bench.paths.nats import KINDS, LAYERED, meet

RESULTS = Path(__file__).resolve().parent.parent / "results" / "paths.json"
USUAL = ("restricted", "restricted")


def quiet() -> None:
    """Say nothing of what relays report, many times a second."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def ms(values: Sequence[float]) -> list[int]:
    """Smallest, median and largest of seconds, in milliseconds."""
    return [round(1000 * value) for value in (min(values), statistics.median(values), max(values))]


def spread(values: Sequence[int] | None) -> str:
    """Those three for a person."""
    return f"{values[0]}–{values[2]} ({values[1]})" if values else "–"


def pairs(pool: ProcessPoolExecutor, seeds: int) -> list[dict[str, Any]]:
    """Every kind of NAT before every other; the usual pair as often as there are seeds."""
    kinds = (*KINDS, LAYERED)
    rows = []
    for host, viewer in itertools.product(kinds, kinds):
        runs = range(seeds if (host, viewer) == USUAL else min(seeds, 4))
        met = list(pool.map(partial(meet, host, viewer), runs))
        direct = [one.direct for one in met if one.direct is not None]
        rows.append({
            "host": host, "viewer": viewer, "runs": len(met), "direct": len(direct),
            "first_ms": ms([one.first for one in met]), "after_ms": ms(direct) if direct else None,
            "lost": sum(one.lost for one in met), "twice": sum(one.twice for one in met),
        })  # fmt: skip
    return rows


def gaps(pool: ProcessPoolExecutor, seeds: int) -> list[dict[str, Any]]:
    """Every interruption."""
    rows = []
    for index, case in enumerate(CASES):
        came = list(pool.map(partial(_happen, index), range(seeds)))
        rows.append({
            "case": case.name, "runs": len(came), "gap_ms": ms([gap.seconds for gap in came]),
            "goal_ms": round(1000 * case.goal), "keys_missing": sum(gap.missing for gap in came),
            "keys_doubled": sum(gap.doubled for gap in came), "all_keys": case.keys,
        })  # fmt: skip
    return rows


def _happen(index: int, seed: int) -> Any:
    case: Case = CASES[index]
    return happen(case, seed)


def chaos(pool: ProcessPoolExecutor, seeds: int) -> dict[str, Any]:
    """Runs of random trouble, and what they broke."""
    verdicts = list(enumerate(pool.map(live, range(seeds))))
    broken = {seed: verdict.broken for seed, verdict in verdicts if verdict.broken}
    return {
        "runs": seeds, "events": sum(len(verdict.events) for _, verdict in verdicts),
        "keys": sum(verdict.arrived for _, verdict in verdicts), "broken": broken,
    }  # fmt: skip


def show(figures: dict[str, Any]) -> None:
    """The figures as tables."""
    console = Console()
    table = Table("host's NAT", "viewer's NAT", "runs", "direct", "first picture, ms", "direct after it, ms", "lost")
    for row in figures["pairs"]:
        table.add_row(
            row["host"], row["viewer"], str(row["runs"]), str(row["direct"]), spread(row["first_ms"]),
            spread(row["after_ms"]), str(row["lost"]),
        )  # fmt: skip
    console.print(table)
    table = Table("what happens", "runs", "longest gap, ms", "goal", "keys missing", "doubled")
    for row in figures["gaps"]:
        table.add_row(
            row["case"], str(row["runs"]), spread(row["gap_ms"]), str(row["goal_ms"]),
            str(row["keys_missing"]) if row["all_keys"] else "–", str(row["keys_doubled"]),
        )  # fmt: skip
    console.print(table)
    run = figures["chaos"]
    if run["runs"]:
        console.print(f"chaos: {run['runs']} runs, {run['events']} events, {run['keys']} keys arrived")
        for seed, sentences in run["broken"].items():
            console.print(f"  seed {seed}: {'; '.join(sentences)}")


def main(
    seeds: Annotated[int, typer.Option(help="Runs of the usual pair of NATs.", min=1)] = 50,
    repeats: Annotated[int, typer.Option(help="Runs of each interruption.", min=1)] = 10,
    trouble: Annotated[int, typer.Option(help="Runs of chaos: seeds from 0.", min=0)] = 50,
    workers: Annotated[int, typer.Option(help="Processes.")] = os.cpu_count() or 1,
    out: Annotated[Path, typer.Option(help="Where the figures go, as JSON.")] = RESULTS,
) -> None:
    """Measure how sessions find, change and survive their ways."""
    with ProcessPoolExecutor(workers, get_context("spawn"), quiet) as pool:
        figures: dict[str, Any] = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit(), "machine": machine(),
            "pairs": pairs(pool, seeds), "gaps": gaps(pool, repeats), "chaos": chaos(pool, trouble),
        }  # fmt: skip
    show(figures)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"bench: {out}", file=sys.stderr)
    if figures["chaos"]["broken"]:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
