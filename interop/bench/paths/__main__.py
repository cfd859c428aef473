"""`./dev bench paths`: NATs, interruptions and chaos, in virtual time. See README.md in the folder above."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from interop.bench.latency import commit, machine
from interop.bench.paths.measure import chaos, copying, gaps, pairs, quiet

RESULTS = Path(__file__).resolve().parent.parent / "results" / "paths.json"


def spread(values: Sequence[int] | None) -> str:
    """Those three for a person."""
    return f"{values[0]}–{values[2]} ({values[1]})" if values else "–"


def show(figures: dict[str, Any]) -> None:
    """The figures as tables."""
    console = Console()
    table = Table("host's NAT", "viewer's NAT", "runs", "direct", "first picture, ms", "direct after it, ms", "lost")
    for row in figures["pairs"]:
        table.add_row(
            row["host"],
            row["viewer"],
            str(row["runs"]),
            str(row["direct"]),
            spread(row["first_ms"]),
            spread(row["after_ms"]),
            str(row["lost"]),
        )
    console.print(table)
    table = Table("what happens", "runs", "longest gap, ms", "goal", "keys missing", "doubled")
    for row in figures["gaps"]:
        table.add_row(
            row["case"],
            str(row["runs"]),
            spread(row["gap_ms"]),
            str(row["goal_ms"]),
            str(row["keys_missing"]) if row["all_keys"] else "–",
            str(row["keys_doubled"]),
        )
    console.print(table)
    run = figures["chaos"]
    if run["runs"]:
        console.print(f"chaos: {run['runs']} runs, {run['events']} events, {run['keys']} keys arrived")
    pastes = figures["copies"]
    if pastes["runs"]:
        console.print(f"copies: {pastes['runs']} runs, {pastes['events']} events, {pastes['pasted']} pasted")
    for seed, sentences in [*run["broken"].items(), *pastes["broken"].items()]:
        console.print(f"  seed {seed}: {'; '.join(sentences)}")


def main(
    seeds: Annotated[int, typer.Option(help="Runs of the usual pair of NATs.", min=1)] = 50,
    repeats: Annotated[int, typer.Option(help="Runs of each interruption.", min=1)] = 10,
    trouble: Annotated[int, typer.Option(help="Runs of chaos: seeds from 0.", min=0)] = 1000,
    copies: Annotated[int, typer.Option(help="Runs of chaos while people copy and paste: seeds from 0.", min=0)] = 200,
    workers: Annotated[int, typer.Option(help="Processes.")] = os.cpu_count() or 1,
    out: Annotated[Path, typer.Option(help="Where the figures go, as JSON.")] = RESULTS,
) -> None:
    """Measure how sessions find, change and survive their ways."""
    with ProcessPoolExecutor(workers, get_context("spawn"), quiet) as pool:
        figures: dict[str, Any] = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit(),
            "machine": machine(),
            "pairs": pairs(pool, seeds),
            "gaps": gaps(pool, repeats),
            "chaos": chaos(pool, trouble),
            "copies": copying(pool, copies),
        }
    show(figures)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"bench: {out}", file=sys.stderr)
    if figures["chaos"]["broken"] or figures["copies"]["broken"]:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
