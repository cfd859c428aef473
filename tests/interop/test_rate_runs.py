"""Whole runs of the rate suite: cases, determinism, all cores, the command; with a flow whose fate arithmetic can
tell."""

from __future__ import annotations

import json
import math
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer import Typer
from typer.testing import CliRunner

from interop.bench.rate.__main__ import main
from interop.bench.rate.cases import CASES, LINKS, QUICK, SUITE
from interop.bench.rate.clock import Clock
from interop.bench.rate.goals import GOALS, GROUP_GOALS
from interop.bench.rate.link import Link
from interop.bench.rate.log import FlowLog
from interop.bench.rate.run import Job, Result, run, run_all
from interop.bench.rate.source import Source
from interop.bench.rate.spec import FlowSpec


class Constant:
    """A flow that sends at the rate its controller's name says, whatever happens, and repairs nothing."""

    def __init__(
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
    ) -> None:
        self.clock, self.number, self.spec, self.forward, self.source, self.log = (
            clock,
            number,
            spec,
            forward,
            source,
            log,
        )
        self.rate = float(controller)
        self.missing: list[int] = []
        self.newest = -1
        self.on = True

    def start(self) -> None:
        self.log.target(self.clock.now, self.rate)
        self.tick()

    def stop(self) -> None:
        self.on = False

    def tick(self) -> None:
        now = self.clock.now
        size = self.source.tick(now, self.rate, False, None) if self.on else None
        if size is not None:
            number = len(self.missing)
            self.log.captured(number, now, size)
            sizes = [min(1200, size - at) + 40 for at in range(0, size, 1200)]
            self.missing.append(len(sizes))
            for packet in sizes:
                self.log.sent("media", packet)
                self.forward.send(number, packet, self.arrived, flow=self.number, delay=self.spec.delay)
        self.clock.call_at(now + 1 / 60, self.tick)

    def arrived(self, packet: object) -> None:
        assert isinstance(packet, int)
        self.missing[packet] -= 1
        if self.missing[packet] == 0 and packet > self.newest:
            self.newest = packet
            self.log.shown(packet, self.clock.now)


def constant(case: str, rate: float, seed: int = 1) -> Result:
    return run(Job(case, str(rate), seed), Constant)


def test_every_case_can_be_set_up_and_has_what_its_goals_speak_of() -> None:
    assert len(SUITE) == 41 and set(GOALS) <= set(SUITE) and len(CASES) == 41 + len(QUICK) + len(LINKS)
    for prefix in GROUP_GOALS:
        assert any(name.startswith(prefix) for name in SUITE)
    for case in CASES.values():
        assert bool(case.forward.capacity) != bool(case.forward.trace), case.name
        assert all(0 <= when < case.duration for when in (*case.drops, *case.rises, *case.outages)), case.name
        capacity = dict(case.forward.capacity)
        before = {when: rate for (_, rate), (when, _) in pairwise(case.forward.capacity)}
        assert all(capacity[when] < before[when] for when in case.drops), case.name
        assert all(capacity[when] > before[when] for when in case.rises), case.name


@settings(deadline=None, max_examples=5)
@given(st.sampled_from(["Q-loss", "Q-2own", "Q-cubic"]))
def test_the_same_seed_gives_the_same_packets_and_another_seed_others(case: str) -> None:
    first, second, other = constant(case, 3e6), constant(case, 3e6), constant(case, 3e6, seed=2)
    assert first.digest == second.digest and first.figures == second.figures
    assert first.digest != other.digest


def test_a_sender_that_never_reacts_gets_what_arithmetic_says() -> None:
    steady = constant("Q-loss", 5e6).figures
    assert steady.util == pytest.approx(0.5 * 0.98**9, abs=0.04)  # nine packets a frame, each lost with 2 %, no repair
    assert steady.loss == pytest.approx(0.02, abs=0.006)
    # 6.2 Mbit/s with headers into 4 from 6 s on, and into 20 from 11 s on: who enters at 9.23 s waits longest, 1.77 s.
    drop = constant("Q-drop", 6e6).figures
    assert drop.peak == pytest.approx(1.77, abs=0.08)
    assert drop.recovery == (math.inf,)


def test_all_cores_give_what_one_gives_in_the_order_asked_for() -> None:
    jobs = [Job(case, "3e6", seed) for case in ("Q-loss", "Q-cubic") for seed in (1, 2)]
    work = partial(run, make=Constant)
    spread = list(run_all(jobs, workers=2, work=work))
    assert [result.job for result in spread] == jobs
    assert spread == list(run_all(jobs, workers=1, work=work))


def test_the_fixed_controller_takes_sixty_per_cent_of_a_flows_share() -> None:
    rates = []

    def listener(
        clock: Clock,
        number: int,
        spec: FlowSpec,
        forward: Link,
        backward: Link,
        source: Source,
        log: FlowLog,
        *rest: object,
    ) -> Constant:
        rates.append(spec.rstart)
        return Constant(clock, number, spec, forward, backward, source, log, "1e6", "model", 0)

    run(Job("Q-2own", "fixed", 1), listener)
    assert rates == [pytest.approx(3e6)] * 2


def test_the_command_reports_a_case_and_draws_it(tmp_path: Path) -> None:
    app = Typer()
    app.command()(main)
    arguments = ["--case", "Q-l*", "--controller", "avl", "--seeds", "1", "--workers", "1", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "rate.json").read_text())
    assert report["cases"]["Q-loss"]["avl"]["util"] > 0.3 and report["runs"][0]["digest"] and report["commit"]
    assert "<polyline" in (tmp_path / "Q-loss.svg").read_text()
    wrong = CliRunner().invoke(app, ["--case", "nothing"])
    assert wrong.exit_code == 2
