"""Runs one case with one controller and one seed, or many of them on all cores."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

import numpy as np

from interop.bench.rate.cases import CASES
from interop.bench.rate.clock import Clock
from interop.bench.rate.figures import Material, Series, figures, series
from interop.bench.rate.flow import MediaFlow
from interop.bench.rate.link import Link
from interop.bench.rate.log import FlowLog
from interop.bench.rate.metrics import Figures
from interop.bench.rate.source import Source
from interop.bench.rate.spec import Case, FlowSpec
from interop.bench.rate.tcp import LongTcp, ShortTcp
from interop.bench.rate.traces import trace

#: Flow numbers of TCP begin here; media flows are counted from 0.
TCP = 100
#: The controller `fixed` begins, and stays, at this part of a flow's mean share of the capacity: what nobody can know.
OBLIVIOUS = 0.6


class Flow(Protocol):
    """A media flow under test."""

    def start(self) -> None:
        """Capture from now on."""

    def stop(self) -> None:
        """Capture no more."""


class MakeFlow(Protocol):
    """What makes a flow: flow.py's MediaFlow."""

    def __call__(
        self,
        clock: Clock,
        number: int,
        spec: FlowSpec,
        forward: Link,
        backward: Link,
        source: Source,
        log: FlowLog,
        controller: str,
        transport: str,
        seed: int,
        /,
    ) -> Flow:
        """A flow that sends media over `forward` and hears over `backward`."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: a case of CASES by name, a controller, a transport, a seed."""

    case: str
    controller: str
    seed: int
    transport: str = "model"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a job. `digest` is the same for the same packets."""

    job: Job
    figures: Figures
    series: Series
    digest: str


class World:
    """A case set up in virtual time: links and TCP flows, and media flows unless there is nothing to `make` them."""

    def __init__(self, case: Case, job: Job, make: MakeFlow | None) -> None:
        self.clock = Clock()
        self.case = case
        name = f"{case.name}/{job.seed}"
        steps = trace(case.forward.trace, case.duration, job.seed) if case.forward.trace else ()
        self.forward = Link(clock=self.clock, spec=case.forward, rng=Random(f"{name}/forward"), number=0, steps=steps)
        self.backward = Link(clock=self.clock, spec=case.backward, rng=Random(f"{name}/backward"), number=1)
        self.tcp: list[LongTcp | ShortTcp] = []
        for place, spec in enumerate(case.tcp):
            link = self.backward if spec.reverse else self.forward
            if spec.short is None:
                self.tcp.append(LongTcp(self.clock, link, TCP + place, spec))
            else:
                rng = Random(f"{name}/tcp/{place}")
                self.tcp.append(ShortTcp(clock=self.clock, link=link, number=TCP + place, spec=spec, rng=rng))
        self.logs: list[FlowLog] = []
        self.sources: list[Source] = []
        self.links: list[Link] = []
        for number, flow in enumerate(case.flows if make else ()):
            assert make is not None
            source = Source(
                rng=Random(f"{name}/source/{number}"),
                profile=flow.profile,
                rmin=flow.rmin,
                rmax=flow.rmax,
                pauses=flow.pauses,
            )
            log = FlowLog()
            there, back = (self.backward, self.forward) if flow.reverse else (self.forward, self.backward)
            seed = int.from_bytes(hashlib.blake2b(f"{name}/{number}".encode(), digest_size=4).digest())
            if job.controller == "fixed":
                flow = replace(flow, rstart=min(max(flow.rmin, OBLIVIOUS * self._fair_rate()), flow.rmax))
            made = make(self.clock, number, flow, there, back, source, log, job.controller, job.transport, seed)
            self.clock.call_at(flow.start, made.start)
            self.clock.call_at(flow.stop, made.stop)
            self.logs.append(log)
            self.sources.append(source)
            self.links.append(there)

    def _fair_rate(self) -> float:
        """Mean capacity of the forward link for each flow on it, in bit/s."""
        assert self.forward.capacity is not None
        carried = float(self.forward.capacity.carried(np.array([self.case.duration]))[0])
        return carried / self.case.duration / sum(not flow.reverse for flow in self.case.flows)

    def run(self) -> None:
        """To the end of the case."""
        self.clock.run_until(self.case.duration)

    def completions(self) -> list[float]:
        """Seconds that each short transfer took."""
        return [seconds for flow in self.tcp for seconds in flow.completions]


def run(job: Job, make: MakeFlow | None = None, case: Case | None = None) -> Result:
    """One run. `make` and `case` replace the flow under test and the case of that name."""
    chosen = case or CASES[job.case]
    world = World(chosen, job, make or MediaFlow)
    world.run()
    alone: list[float] = []
    if world.completions():
        quiet = World(chosen, job, None)
        quiet.run()
        alone = quiet.completions()
    material = Material(
        case=chosen,
        forward=world.forward,
        links=world.links,
        logs=world.logs,
        scenes=[source.scenes for source in world.sources],
        tcp=[TCP + place for place, spec in enumerate(chosen.tcp) if not spec.reverse],
        completions=world.completions(),
        alone=alone,
    )
    return Result(job, figures(material), series(material), f"{world.forward.digest}{world.backward.digest}")


def run_all(jobs: Sequence[Job], workers: int | None = None, work: Callable[[Job], Result] = run) -> Iterator[Result]:
    """Every job, in the order given, on `workers` processes (by default one for each core)."""
    count = min(workers or os.cpu_count() or 1, len(jobs))
    if count <= 1:
        yield from map(work, jobs)
        return
    with ProcessPoolExecutor(count) as pool:
        yield from pool.map(work, jobs)
