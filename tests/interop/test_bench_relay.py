"""The relay bench: its arithmetic, its profile, and one short measurement of a real relay."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from interop.bench.relay import profile
from interop.bench.relay.figures import Delays, Measured, cost, delays, markdown, settled
from interop.bench.relay.marks import Marks
from interop.bench.relay.measuring import Effort, measure
from interop.bench.relay.products import avl
from interop.stage import BIN


def measured(viewers: int, cores: float, rate: float = 8.0, arrived: float = 1.0) -> Measured:
    return Measured(
        product="a",
        rate=rate,
        viewers=viewers,
        seconds=1.0,
        cores=cores,
        source=0.1,
        audience=0.1,
        others=0.0,
        arrived=arrived,
        datagrams=900.0 * viewers,
        delays=Delays(p50=0.001, p95=0.002, p99=0.003),
    )


def test_a_viewer_costs_the_difference_and_the_host_the_rest() -> None:
    figures = [measured(1, 0.10 + noise) for noise in (0.05, 0.0, 0.09)] + [measured(9, 0.26), measured(9, 0.3)]
    made = cost(figures, "a", 8.0)
    assert made.viewer == pytest.approx(0.02) and made.host == pytest.approx(0.08)
    assert made.viewers_per_core == pytest.approx(50) and made.gigabits_per_core == pytest.approx(0.4)
    assert made.share == pytest.approx(0.26 / 9) and made.microseconds == pytest.approx(0.02 / 900 * 1e6)
    assert made.served and cost([*figures, measured(9, 0.2, arrived=0.9)], "a", 8.0) == made
    starved = cost([measured(1, 0.1), measured(9, 0.2, arrived=0.9)], "a", 8.0)
    assert starved.viewer == pytest.approx(0.0125) and not starved.served
    assert "(80.0)" in markdown([made, starved]) and markdown([made, starved]).endswith("1.60 |")


def test_marks_of_several_processes_say_what_came_and_how_late(tmp_path: Path) -> None:
    host, viewers = Marks(tmp_path / "marks", 2), Marks(tmp_path / "marks", 2)
    host.due[:4] = 10.0, 10.1, 10.2, 10.3
    host.leave(0, 4, 10.31)
    host.left[:3] = 10.01, 10.11, 10.21
    viewers.came[0, :3] = 10.012, 10.112, 10.212
    viewers.came[1, :2] = 10.014, 10.9
    arrived, took = delays(Marks(tmp_path / "marks", 2), 10.0, 10.25)
    assert arrived == pytest.approx(4 / 6) and took.p50 == pytest.approx(0.002)
    assert not settled(host, 11.0)
    viewers.came[1, 2] = 10.9
    viewers.came[:, 3] = 10.9
    assert settled(host, 11.0)


def test_a_profile_adds_up_by_function_and_by_what_the_work_was_for() -> None:
    raw = "main;receive_datagram;forward/fanout.py:Fanout._pass 6\nmain;receive_datagram;decode 3\nmain;idle 1\n"
    found = profile.read(raw)
    assert found.looks == 10 and found.kinds == {"send": 0.6, "ACKs": 0.3, "rest": 0.1}
    assert found.own["decode"] == 0.3 and found.within["main"] == 1.0
    alone = replace(found, kinds={"send": 0.0, "ACKs": 1.0})
    parts = profile.split(measured(1, 0.1), alone, measured(11, 1.1), found)
    assert parts == pytest.approx({"send": 73.333, "ACKs": 25.556, "rest": 12.222}, abs=0.01)


def test_a_relay_is_measured_and_looked_at(tmp_path: Path) -> None:
    made = asyncio.run(measure(avl(BIN / "avl-relay"), 2.0, 2, Effort(seconds=1.0), tmp_path / "stacks"))
    assert made.viewers == 2 and 0 < made.cores < 1.5 and made.datagrams > 200 and made.arrived > 0
    assert profile.read((tmp_path / "stacks").read_text()).kinds.get("send", 0) > 0
