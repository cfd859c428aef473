"""The rate suite's figures, on logs made by hand with values computed by hand, and what reports make of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from rich.console import Console

from interop.bench.rate.clock import Clock
from interop.bench.rate.figures import Material, figures, series
from interop.bench.rate.goals import Goal, judge
from interop.bench.rate.link import Link, Passage
from interop.bench.rate.log import FlowLog
from interop.bench.rate.metrics import (
    Figures,
    Frames,
    active_spans,
    allowance,
    frozen,
    jain,
    ramp,
    recovery,
    score,
)
from interop.bench.rate.plot import ceiling, smooth, svg
from interop.bench.rate.report import as_json, extras, print_cases, print_goals, print_means, summarise
from interop.bench.rate.run import Job, Result
from interop.bench.rate.spec import Case, FlowSpec, LinkSpec, SourceProfile, Steps, TcpSpec

FLOW = FlowSpec(delay=0.020, rmax=8e6)


def log(frames: list[tuple[float, float | None, int]]) -> FlowLog:
    """A log of (captured, shown or None, size)."""
    made = FlowLog()
    for number, (when, shown, size) in enumerate(frames, start=7):
        made.captured(number, when, size)
        if shown is not None:
            made.shown(number, shown)
    return made


def passage(packets: list[tuple[float, float]]) -> Passage:
    """Packets of (entered, waited), without time of their own."""
    made = Passage()
    for entered, waited in packets:
        made.entered.append(entered)
        made.left.append(entered + waited)
        made.waited.append(waited)
    return made


def test_frames_are_matched_by_number_and_those_never_shown_have_no_delay() -> None:
    frames = Frames(log([(0.0, 0.1, 100), (0.2, None, 200), (0.4, 0.45, 300)]))
    assert list(frames.delay) == pytest.approx([0.1, 0.05]) and list(frames.size) == [100, 300]
    assert frames.goodput(0.0, 0.45) == 800 and frames.goodput(0.0, 0.46) == 3200


def test_freezes_are_whole_gaps_while_there_was_something_to_show() -> None:
    shown = np.array([0.10, 0.20, 0.50, 0.64, 1.00])
    assert frozen(shown, ((0.0, 1.1),)) == pytest.approx(0.30 + 0.36)
    assert frozen(shown, ((0.0, 1.4),)) == pytest.approx(0.30 + 0.36 + 0.40)  # nothing more until the end
    assert frozen(shown, ((0.3, 1.1),)) == pytest.approx(0.20 + 0.36)  # what moves from 0.3 on is seen at 0.5
    assert frozen(shown, ((0.45, 0.55), (0.7, 0.8))) == 0.0
    assert frozen(np.zeros(0), ((2.0, 5.0),)) == 3.0


def test_a_flow_is_active_outside_of_pauses_and_still_screens() -> None:
    flow = replace(
        FLOW, start=1.0, stop=20.0, pauses=((5.0, 6.0),), profile=SourceProfile(idle=((0.0, 2.0), (18.0, 30.0)))
    )
    assert active_spans(flow, 25.0) == ((2.0, 5.0), (6.0, 18.0))
    assert active_spans(flow, 10.0) == ((2.0, 5.0), (6.0, 10.0))
    assert active_spans(FLOW, 10.0) == ((0.0, 10.0),)


def test_recovery_is_when_the_queue_stays_short_for_half_a_second() -> None:
    short = [(when / 10, 0.01) for when in range(100)]
    assert recovery([passage(short)], 2.0, 10.0) == 0.0
    # 0.30 s of delay at 2.1: a packet entering before 2.35 would wait more than 50 ms.
    assert recovery([passage([*short, (2.1, 0.30)])], 2.0, 10.0) == pytest.approx(0.35)
    # Short again at 2.35, but not for 0.5 s; the second time counts, whichever flow it is of.
    assert recovery([passage([*short, (2.1, 0.30)]), passage([(2.8, 0.06)])], 2.0, 10.0) == pytest.approx(0.81)
    assert recovery([passage([*short, (2.1, 0.30), (3.0, 0.06)])], 2.0, 10.0) == pytest.approx(0.35)
    assert recovery([passage([(1.9, 1.5)])], 2.0, 10.0) == pytest.approx(1.35)  # entered before the drop, still there
    assert recovery([passage([(when / 10, 0.2) for when in range(100)])], 2.0, 3.0) == math.inf


def test_a_ramp_ends_when_half_a_second_has_eighty_per_cent() -> None:
    before = [(n / 100, n / 100, 1250) for n in range(100)]  # 1 Mbit/s for 1 s
    after = [(n / 100, n / 100, 12_500) for n in range(100, 300)]  # 10 Mbit/s from 1 s
    flow = Frames(log([*before, *after]))
    assert ramp([flow], 0.0, 1.0, 1.0e6) == pytest.approx(0.5)
    assert ramp([flow], 0.8, 3.0, 10e6) == pytest.approx(0.6, abs=0.021)  # 0.9 a + 0.1 of it from 1 s: 0.389 s of 0.5
    assert ramp([flow], 1.0, 3.0, 13e6) == math.inf
    assert ramp([flow, flow], 1.0, 3.0, 20e6) == pytest.approx(0.5)


def test_jain_and_score() -> None:
    assert jain([2.0, 2.0, 2.0]) == pytest.approx(1.0)
    assert jain([1.0, 0.0, 0.0, 0.0]) == 0.25
    assert jain([1.0, 3.0]) == pytest.approx(16 / 20)
    assert jain([0.0, 0.0]) == 0.0
    assert score(0.9, 0.035, 0.0, None) == pytest.approx(90.0)
    assert score(1.3, 0.020, 0.0, None) == pytest.approx(100.0)
    assert score(0.9, 0.185, 0.0, None) == pytest.approx(90 / math.e)
    assert score(0.9, 0.0, 0.05, 0.5) == pytest.approx(90 * 0.6 * 0.5)
    assert score(0.9, 0.0, 0.2, None) == 0.0
    assert score(0.0, math.inf, 0.0, None) == 0.0


def world(case: Case, steps: Steps) -> Link:
    return Link(clock=Clock(), spec=replace(case.forward, capacity=steps), rng=Random(1))


def test_what_flows_may_use_is_cut_by_their_largest_rate_pauses_and_long_tcp() -> None:
    steps: Steps = ((0.0, 10e6), (5.0, 20e6))
    case = Case(name="made", group="Q", duration=10, forward=LinkSpec(capacity=steps), flows=(FLOW,))
    link = world(case, steps)
    assert allowance([link], case, (0.0, 10.0)) == pytest.approx(80e6)  # 8 Mbit/s is all it asks for
    two = replace(case, flows=(FLOW, replace(FLOW, start=4.0, pauses=((6.0, 9.0),))))
    # 0-4: 8; 4-5: 10; 5-6: 16; 6-9: 8; 9-10: 16 Mbit/s
    assert allowance([link, link], two, (0.0, 10.0)) == pytest.approx((32 + 10 + 16 + 24 + 16) * 1e6)
    rival = replace(case, tcp=(TcpSpec(start=2.0, stop=6.0), TcpSpec(start=0.0, stop=10.0, short=(1, 2))))
    # 0-2: 8 of 10; 2-5: half of 10; 5-6: 8 of half of 20; 6-10: 8
    assert allowance([link], rival, (0.0, 10.0)) == pytest.approx((16 + 15 + 8 + 32) * 1e6)
    assert allowance([link], rival, (3.0, 4.0)) == pytest.approx(5e6)


def material() -> Material:
    """Ten seconds at 10 Mbit/s: 100-ms frames of 50 kB, 30 ms late, one of them, a scene change, 200 ms late."""
    case = Case(
        name="made",
        group="Q",
        duration=10,
        forward=LinkSpec(capacity=((0.0, 10e6),)),
        flows=(replace(FLOW, profile=SourceProfile(idle=((4.0, 6.0),))),),
        outages=(7.0,),
        share=(0.0, 10.0),
        tcp=(TcpSpec(start=0.0, stop=10.0),),
    )
    clock = Clock()
    link = Link(clock=clock, spec=case.forward, rng=Random(1))
    moving = [n / 10 for n in range(100) if not 40 <= n < 60]
    made = log([(when, when + (0.2 if when == 6.0 else 0.03), 50_000) for when in moving])
    for kind, size in (("media", 1000), ("parity", 100), ("probe", 20)):
        made.sent(kind, size)
    made.target(0.0, 4e6)
    made.target(5.0, 6e6)
    made.skipped(1.0)
    link.send(None, 1000, lambda packet: None, flow=0)
    link.send(None, 3000, lambda packet: None, flow=100)
    return Material(
        case=case,
        forward=link,
        links=[link],
        logs=[made],
        scenes=[[6.0]],
        tcp=[100],
        completions=[2.0, 4.0],
        alone=[2.0, 2.0],
    )


def test_all_figures_of_a_run_made_by_hand() -> None:
    found = figures(material())
    assert found.util == pytest.approx(80 * 400_000 / (8 * 5e6))  # 8 s of half of 10 Mbit/s
    assert found.frame[0] == pytest.approx(0.03) and found.excess == pytest.approx(0.01)
    assert found.freeze == pytest.approx(0.18)  # after the still screen, seen at 6.02 at best: the next one at 6.20
    assert found.freeze_share == pytest.approx(0.18 / 8) and found.fps == pytest.approx(10.0)
    assert found.wake == pytest.approx(0.2) and found.scene == pytest.approx(0.2)
    assert found.fresh[0] == pytest.approx(0.03)
    assert found.share == pytest.approx(0.25) and found.short == pytest.approx(1.5) and found.jain is None
    assert found.overhead == {"parity": 0.1, "repair": 0.0, "probe": 0.02, "feedback": 0.0} and found.skipped == 1
    assert found.score == pytest.approx(100 * 0.8 * (1 - 8 * 0.18 / 8))
    curves = series(material())
    assert len(curves.goodput) == len(curves.capacity) == len(curves.queue) == 200
    assert curves.target[0][0] == 4_000_000 and curves.target[0][-1] == 6_000_000
    assert max(curves.frame) == 200.0 and sum(curves.goodput) * curves.step == pytest.approx(80 * 400_000)


def result(case: str, controller: str, seed: int, points: float, util: float = 0.8) -> Result:
    made = replace(figures(material()), score=points, util=util, recovery=())
    return Result(Job(case, controller, seed), made, series(material()), "00")


def test_reports_average_over_seeds_and_say_who_leads_and_what_is_missed() -> None:
    results = [
        result("D2-drop", "avl", 1, 80.0, util=0.9),
        result("D2-drop", "avl", 2, 70.0, util=0.8),
        result("D2-drop", "gcc", 1, 79.0, util=0.5),
        result("D13-js", "avl", 1, 71.0),
    ]
    results[0] = replace(results[0], figures=replace(results[0].figures, recovery=(0.5, math.inf)))
    results[1] = replace(results[1], figures=replace(results[1].figures, recovery=(0.5, 0.7)))
    summaries = summarise(results)
    ours = summaries["D2-drop"]["avl"]
    assert ours["score"] == 75.0 and ours["spread"] == 5.0 and ours["seeds"] == 2 and ours["recovery"] == math.inf
    assert summaries["D13-js"]["avl"]["behind"] == 4.0
    data = json.loads(json.dumps(as_json(results, {"commit": "x"}), allow_nan=False))
    assert data["wins"] == {"gcc": 1, "avl": 1} and data["means"]["avl"] == {"D": 73.0, "all": 73.0}
    assert data["behind"] == [["D2-drop", 75.0, "gcc", 79.0]] and data["cases"]["D2-drop"]["avl"]["recovery"] is None
    by_goal = {(goal["case"], goal["goal"]): goal["met"] for goal in data["goals"]}
    assert by_goal["D2-drop", "recovery <= 0.6"] is False and by_goal["D13-js", "behind <= 3"] is False
    assert by_goal["D2-drop", "frame95 <= 0.048"] is True and by_goal["D2-drop", "util >= 0.88"] is False
    assert "rec never" in extras(ours)
    console = Console(record=True, width=160)
    for show in (print_cases, print_means, print_goals):
        show(console, summaries)
    text = console.export_text()
    assert "avl 75.0 is below gcc 79.0" in text and "75.0 ±5.0" in text and "recovery <= 0.6 (inf)" in text


def test_goals_are_met_to_the_precision_they_are_stated_in() -> None:
    assert Goal("util", least=0.88).met(0.8796) and not Goal("util", least=0.88).met(0.879)
    assert Goal("share", 0.4, 0.6).met(0.5) and not Goal("share", 0.4, 0.6).met(0.7)
    assert not Goal("ramp", most=1.0).met(math.inf)
    lte = {
        f"T-lte-{letter}": {"util": u, "frame95": 0.1, "freeze": 1.0, "queue95": 0.05}
        for letter, u in zip("ab", (0.6, 0.8), strict=True)
    }
    assert [(v.place, v.goal.figure, v.met) for v in judge(lte)] == [
        ("T-lte-*", "util", True),
        ("T-lte-*", "frame95", False),
        ("T-lte-*", "freeze", True),
        ("T-lte-*", "queue95", True),
    ]


def test_plots_are_drawn_with_a_line_for_each_controller() -> None:
    assert [ceiling(value) for value in (0.0, 0.7, 1.0, 3.0, 21.0)] == [1.0, 1.0, 1.0, 5.0, 50.0]
    assert smooth([1.0, 3.0, 5.0], 2) == [1.0, 2.0, 4.0]
    text = svg("D4 <2%>", {"avl": series(material()), "gcc": series(material())})
    assert text.count("<polyline") == 2 * 4 + 2 and "&lt;2%&gt;" in text and text.count("<title>gcc</title>") == 4


def test_figures_survive_a_run_in_which_nothing_arrives() -> None:
    base = material()
    empty = replace(base, logs=[log([(0.0, None, 100)])], scenes=[[]])
    found = figures(empty)
    assert isinstance(found, Figures) and found.score == 0.0 and found.util == 0.0 and found.frame[1] == math.inf
    assert found.freeze == pytest.approx(8.0)
    assert json.dumps(as_json([Result(Job("Q-loss", "avl", 1), found, series(empty), "")], {}), allow_nan=False)
