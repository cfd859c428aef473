"""`./dev bench relay`: measure a relay with one viewer and with many, at several rates; see README.md above."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from interop.bench.latency import commit, machine
from interop.bench.relay import profile
from interop.bench.relay.figures import Cost, Measured, cost, markdown
from interop.bench.relay.measuring import Effort, measure
from interop.bench.relay.part import PACE
from interop.bench.relay.products import PEERS, Product, avl, chromium
from interop.programs import ProgramFailed
from interop.stage import BIN

#: Functions that a profile names, and the share from which on one is only what all the rest runs in.
NAMED, FRAME = 25, 0.995


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


#: Peers of a short run.
BRIEFLY = ("aioquic", "coturn")
#: What is measured, and how many viewers its large audience has.
Plan = Sequence[tuple[Product, int]]


async def measure_all(plan: Plan, rates: Sequence[float], effort: Effort) -> tuple[list[Measured], list[str]]:
    """Every product at every rate, with one viewer and with all of them, by turns, so that noise of the machine hits
    all alike; and what could not be measured."""
    found, failures = [], []
    for turn in range(effort.rounds):
        for rate in rates:
            for many in (False, True):
                for product, viewers in plan if turn % 2 == 0 else reversed(plan):
                    count = viewers if many else 1
                    try:
                        found.append(one := await measure(product, rate, count, effort))
                    except ProgramFailed as error:
                        failures.append(f"{product.name}, {rate:g} Mbit/s, {count} viewers: {error}")
                        say(failures[-1])
                    else:
                        say_measured(one)
    return found, failures


def costs_of(measured: Sequence[Measured], plan: Plan, rates: Sequence[float]) -> list[Cost]:
    """What there are measurements for, rate by rate."""
    known = {(one.product, one.rate, one.viewers > 1) for one in measured}
    return [
        cost(measured, product.name, rate)
        for rate in rates
        for product, _ in plan
        if {(product.name, rate, False), (product.name, rate, True)} <= known
    ]


async def looked_at(product: Product, rate: float, viewers: int, effort: Effort) -> tuple[Measured, profile.Profile]:
    """Measure a relay of ours that looks at its own stack. Raises ProgramFailed."""
    with tempfile.TemporaryDirectory() as folder:
        stacks = Path(folder) / "stacks"
        one = await measure(product, rate, viewers, effort, stacks)
        say_measured(one)
        return one, profile.read(stacks.read_text())


async def split(product: Product, rate: float, viewers: int, effort: Effort) -> dict[str, float]:
    """What a datagram of one more viewer costs by kind of work. Raises ProgramFailed."""
    few = await looked_at(product, rate, 1, effort)
    return profile.split(*few, *await looked_at(product, rate, viewers, effort))


def show_profile(found: profile.Profile, one: Measured) -> None:
    """Where the time went: by kind of work, in microseconds for each datagram that a viewer got, and by function."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    each = 1e6 * one.cores / one.datagrams if one.datagrams else 0.0
    kinds = ", ".join(f"{kind} {share:.1%} ({share * each:.1f} µs)" for kind, share in found.kinds.items())
    console.print(f"{found.looks} looks, {each:.1f} µs a datagram, the host's share included: {kinds}")
    within = {name: share for name, share in found.within.items() if share < FRAME}
    for title, functions in (("own time", found.own), ("with what it calls", within)):
        made = Table(title, "share")
        for name, share in list(functions.items())[:NAMED]:
            made.add_row(name, f"{share:.1%}")
        console.print(made)


def chosen(relays: Sequence[Path], peers: str) -> list[Product]:
    """What is to be measured. Raises ValueError for a peer that nobody knows."""
    found = [avl(relays[0]), *(replace(avl(one), name=str(one)) for one in relays[1:])]
    for name in filter(None, peers.split(",")):
        if name not in PEERS:
            raise ValueError(f"no peer is called {name}; there are: {', '.join(PEERS)}")
        product, possible = PEERS[name]
        if possible():
            found.append(product)
        else:
            say(f"{name} is left out: it is not on this machine")
    return found


def main(
    rates: Annotated[str, typer.Option("--rate", help="Mbit/s of the film; several with commas.")] = "2,8,20",
    viewers: Annotated[int, typer.Option(help="Viewers of the large audience.", min=2)] = 12,
    pace: Annotated[float, typer.Option(help="Pictures a second.", min=1)] = PACE,
    seconds: Annotated[float, typer.Option(help="How long each measurement lasts.", min=1)] = 10.0,
    rounds: Annotated[int, typer.Option(help="Measurements of each kind.", min=1)] = 3,
    peers: Annotated[str, typer.Option(help="What is measured beside; several with commas.")] = ",".join(PEERS),
    nice: Annotated[
        int, typer.Option(help="Of all processes of a measurement; below 0 they go before others of the machine.")
    ] = 0,
    browsers: Annotated[int, typer.Option(help="Viewers in Chromium, measured beside; 0: none, or 2 and more.")] = 0,
    short: Annotated[bool, typer.Option("--short", help="8 Mbit/s only, once, about a minute.")] = False,
    profiled: Annotated[
        bool, typer.Option("--profile", help="Only where the relay's time goes, at the first rate.")
    ] = False,
    relay: Annotated[
        list[Path] | None, typer.Option(help="An avl-relay to measure; more are compared with it.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the figures go, as JSON.")] = None,
) -> None:
    """Measure what a relay's viewers cost."""
    wanted = [float(rate) for rate in rates.split(",")]
    effort = Effort(seconds=seconds, rounds=rounds, nice=nice, pace=pace)
    relays = relay or [BIN / "avl-relay"]
    if short:
        peers = ",".join(name for name in peers.split(",") if name in BRIEFLY)
        wanted, effort = [8.0], Effort(seconds=min(seconds, 3.0), nice=nice, pace=pace)
    try:
        products = chosen(relays, peers)
    except ValueError as error:
        say(str(error))
        raise typer.Exit(2) from None
    report: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "load": os.getloadavg()[0],
    }
    failures: list[str] = []
    try:
        if profiled:
            one, found = asyncio.run(looked_at(products[0], wanted[0], viewers, effort))
            show_profile(found, one)
            report.update(measured=asdict(one), profile=asdict(found))
        else:
            plan = [(product, viewers) for product in products]
            if browsers > 1:
                plan.append((chromium(relays[0]), browsers))
            measured, failures = asyncio.run(measure_all(plan, wanted, effort))
            costs = costs_of(measured, plan, wanted)
            print(markdown(costs))
            report.update(costs=[asdict(one) for one in costs], measured=[asdict(one) for one in measured])
            if not short:
                rate = sorted(wanted)[len(wanted) // 2]
                parts = asyncio.run(split(products[0], rate, viewers, effort))
                report["microseconds"] = parts
                said = ", ".join(f"{kind} {value:.1f} µs" for kind, value in parts.items())
                print(f"A datagram of one more viewer at {rate:g} Mbit/s: {said}.")
            print(", ".join(f"{key}: {report[key]}" for key in ("date", "commit", "machine")))
    except ProgramFailed as error:
        failures.append(str(error))
        say(failures[-1])
    report["failures"] = failures
    if out is not None:
        out.write_text(json.dumps(report, indent=1) + "\n")
    if failures:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
