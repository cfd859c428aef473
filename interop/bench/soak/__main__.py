"""`./dev bench soak`: hours in virtual time, or minutes for real; what is still there when everybody has gone must not
become more."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from interop.bench.latency import commit, machine
from interop.bench.soak import real, virtual
from interop.bench.soak.growth import Sample, grown
from interop.programs import ProgramFailed


def say(text: str) -> None:
    """Progress, on stderr: results go to stdout."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def tell(sample: Sample, rate: float) -> None:
    """One sample, as it comes."""
    say(
        f"{sample.at:,.0f} s: {sample.resident / 1e6:.1f} MB resident, {sample.blocks:,} blocks, {sample.tasks} tasks, "
        f"{sample.descriptors} descriptors; {rate:.0f} datagrams/s"
    )


def summary(samples: Sequence[Sample]) -> str:
    """Samples from the first to the last, a third of the time apart, as a table."""
    head = ("after s", "MB resident", "blocks", "tasks", "descriptors", "connections")
    rows = [head, ("---:",) * len(head)]
    for one in (samples[0], samples[len(samples) // 3], samples[2 * len(samples) // 3], samples[-1]):
        numbers = (one.blocks, one.tasks, one.descriptors, one.counts.get("relay/endpoint/connections", 0))
        rows.append((f"{one.at:,.0f}", f"{one.resident / 1e6:.1f}", *(f"{number:,}" for number in numbers)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(
    hours: Annotated[float, typer.Option(help="Of virtual time.", min=0.1)] = 8.0,
    minutes: Annotated[float, typer.Option(help="For real, instead: a relay in a process of its own.", min=0)] = 0.0,
    seed: Annotated[int, typer.Option(help="What happens, and when.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Where the samples go, as JSON.")] = None,
) -> None:
    """Let viewers come and go for long, and see what stays."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    report: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "load": os.getloadavg()[0],
        "hours": 0 if minutes else hours,
        "minutes": minutes,
    }
    samples: list[Sample] = []

    def keep(one: Sample, rate: float) -> None:
        tell(one, rate)
        samples.append(one)
        report["samples"] = [asdict(known) for known in samples]
        if out is not None:
            out.write_text(json.dumps(report, indent=1) + "\n")

    try:
        if minutes:
            asyncio.run(real.soak(minutes, seed, keep))
        else:
            virtual.soak(hours, seed, keep)
    except ProgramFailed as error:
        say(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        say("ended early: what follows is of the time until then")
    try:
        report["grown"] = found = grown(samples)
    except ValueError as error:
        say(str(error))
        raise typer.Exit(1) from None
    print(summary(samples))
    print("\n".join(found) if found else "nothing has grown")
    if out is not None:
        out.write_text(json.dumps(report, indent=1) + "\n")
    if found:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
