"""Report: figures of many runs as tables for a terminal and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from interop.bench.rate.cases import CASES
from interop.bench.rate.goals import BEHIND, judge, mean
from interop.bench.rate.run import Result

#: The controller whose goals are judged.
OURS = "avl"
#: A case's figures, averaged over seeds: names to numbers, times in seconds.
Summaries = dict[str, dict[str, dict[str, float]]]


def flat(result: Result) -> dict[str, float]:
    """One run's figures as numbers; the slowest of several drops, rises and outages. What does not apply is left
    out."""
    figures = result.figures
    numbers: dict[str, float | None] = {
        "util": figures.util,
        "queue50": figures.queue[0],
        "queue95": figures.queue[1],
        "queue99": figures.queue[2],
        "peak": figures.peak,
        "frame50": figures.frame[0],
        "frame95": figures.frame[1],
        "frame99": figures.frame[2],
        "excess": figures.excess,
        "freeze": figures.freeze,
        "fps": figures.fps,
        "loss": figures.loss,
        "skipped": float(figures.skipped),
        "overhead": sum(figures.overhead.get(kind, 0.0) for kind in ("parity", "repair", "probe")),
        **figures.overhead,
        "recovery": max(figures.recovery, default=None),
        "ramp": max(figures.ramp, default=None),
        "fresh": max(figures.fresh, default=None),
        "wake": figures.wake,
        "scene": figures.scene,
        "resume": figures.resume,
        "jain": figures.jain,
        "share": figures.share,
        "short": figures.short,
        "score": figures.score,
    }
    return {name: value for name, value in numbers.items() if value is not None}


def summarise(results: Sequence[Result]) -> Summaries:
    """case -> controller -> figures, means over seeds, with `seeds` and the scores' standard deviation `spread`."""
    grouped: dict[str, dict[str, list[dict[str, float]]]] = {}
    for result in results:
        grouped.setdefault(result.job.case, {}).setdefault(result.job.controller, []).append(flat(result))
    summaries: Summaries = {}
    for case, controllers in grouped.items():
        for controller, rows in controllers.items():
            summary = {name: mean(rows, name) for name in rows[0]}
            summary["seeds"] = len(rows)
            summary["spread"] = math.sqrt(sum((row["score"] - summary["score"]) ** 2 for row in rows) / len(rows))
            summaries.setdefault(case, {})[controller] = summary
    for controller, summary in summaries.get("D13-js", {}).items():
        if controller in summaries.get("D2-drop", {}):
            summary["behind"] = summaries["D2-drop"][controller]["score"] - summary["score"]
    return summaries


def milliseconds(seconds: float) -> str:
    """A time for a table."""
    return f"{1000 * seconds:.0f}" if math.isfinite(seconds) else "never"


def extras(summary: Mapping[str, float]) -> str:
    """The figures that only some cases have."""
    parts = []
    for name, label in (("recovery", "rec"), ("ramp", "up"), ("resume", "resume")):
        if name in summary:
            parts.append(f"{label} {summary[name]:.1f}" if math.isfinite(summary[name]) else f"{label} never")
    for name in ("fresh", "wake", "scene"):
        if name in summary:
            parts.append(f"{name} {milliseconds(summary[name])}")
    for name, label in (("jain", "J"), ("share", "share"), ("short", "short x")):
        if name in summary:
            parts.append(f"{label} {summary[name]:.2f}")
    for name, least in (("loss", 0.003), ("parity", 0.005), ("repair", 0.005), ("probe", 0.005)):
        if summary.get(name, 0.0) >= least:
            parts.append(f"{name} {100 * summary[name]:.1f}%")
    return ", ".join(parts)


def best_baseline(controllers: Mapping[str, Mapping[str, float]]) -> tuple[str, float] | None:
    """The highest score of a controller that is not ours."""
    others = [(name, summary["score"]) for name, summary in controllers.items() if name != OURS]
    return max(others, key=lambda item: item[1], default=None)


def print_cases(console: Console, summaries: Summaries) -> None:
    """The large table: one row for each case and controller."""
    table = Table(title="times in ms but for freeze and extras (s); means over seeds")
    table.add_column("case")
    table.add_column("controller")
    for name in ("util", "queue p95", "frame p95·p99", "freeze", "fps"):
        table.add_column(name, justify="right")
    table.add_column("extras")
    table.add_column("score", justify="right")
    for case, controllers in summaries.items():
        top = max(summary["score"] for summary in controllers.values())
        for place, (controller, summary) in enumerate(controllers.items()):
            score = f"{summary['score']:.1f} ±{summary['spread']:.1f}"
            table.add_row(
                case if place == 0 else "",
                controller,
                f"{summary['util']:.2f}",
                milliseconds(summary["queue95"]),
                f"{milliseconds(summary['frame95'])}·{milliseconds(summary['frame99'])}",
                f"{summary['freeze']:.1f}",
                f"{summary['fps']:.0f}",
                extras(summary),
                f"[bold]{score}[/bold]" if summary["score"] == top else score,
                end_section=place == len(controllers) - 1,
            )
    console.print(table)


def means(summaries: Summaries) -> dict[str, dict[str, float]]:
    """controller -> group, and `all` of them, -> mean score."""
    scores: dict[str, dict[str, list[float]]] = {}
    for case, controllers in summaries.items():
        for controller, summary in controllers.items():
            for group in (CASES[case].group, "all"):
                scores.setdefault(controller, {}).setdefault(group, []).append(summary["score"])
    return {
        controller: {group: sum(values) / len(values) for group, values in groups.items()}
        for controller, groups in scores.items()
    }


def wins(summaries: Summaries) -> dict[str, int]:
    """How many cases each controller leads."""
    counts: dict[str, int] = {}
    for controllers in summaries.values():
        first = max(controllers, key=lambda name: controllers[name]["score"])
        counts[first] = counts.get(first, 0) + 1
    return counts


def behind(summaries: Summaries) -> list[tuple[str, float, str, float]]:
    """(case, our score, best baseline, its score) where we are more than BEHIND below it."""
    found = []
    for case, controllers in summaries.items():
        best = best_baseline(controllers)
        if OURS in controllers and best and best[1] - controllers[OURS]["score"] > BEHIND:
            found.append((case, controllers[OURS]["score"], *best))
    return found


def print_means(console: Console, summaries: Summaries) -> None:
    """Mean scores by group, and who leads how often."""
    by_controller, first = means(summaries), wins(summaries)
    groups = list(dict.fromkeys(group for values in by_controller.values() for group in values if group != "all"))
    table = Table(title="mean score")
    table.add_column("controller")
    for name in (*groups, "all", "wins"):
        table.add_column(name, justify="right")
    for controller, values in by_controller.items():
        cells = [f"{values[group]:.1f}" if group in values else "" for group in (*groups, "all")]
        table.add_row(controller, *cells, str(first.get(controller, 0)))
    console.print(table)
    for case, ours, best, theirs in behind(summaries):
        console.print(f"[red]{case}: {OURS} {ours:.1f} is below {best} {theirs:.1f}[/red]")


def print_goals(console: Console, summaries: Summaries) -> None:
    """Met and missed goals of our controller."""
    verdicts = judge(own(summaries))
    if not verdicts:
        return
    table = Table(title=f"goals of {OURS}: {sum(v.met for v in verdicts)} of {len(verdicts)} met")
    for name in ("case", "met", "missed"):
        table.add_column(name)
    for place in dict.fromkeys(verdict.place for verdict in verdicts):
        here = [verdict for verdict in verdicts if verdict.place == place]
        met = ", ".join(f"{v.goal} ({v.value:.3g})" for v in here if v.met)
        missed = ", ".join(f"{v.goal} ({v.value:.3g})" for v in here if not v.met)
        table.add_row(place, f"[green]{met}[/green]" if met else "", f"[red]{missed}[/red]" if missed else "")
    console.print(table)


def own(summaries: Summaries) -> dict[str, dict[str, float]]:
    """Our controller's figures by case."""
    return {case: controllers[OURS] for case, controllers in summaries.items() if OURS in controllers}


def finite(value: Any) -> Any:
    """The same for JSON, which knows no infinity: null."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


def as_json(results: Sequence[Result], head: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the curves. `null` stands for what was never reached."""
    summaries = summarise(results)
    runs = [{**asdict(result.job), "digest": result.digest, **asdict(result.figures)} for result in results]
    verdicts = judge(own(summaries))
    goals = [{"case": v.place, "goal": str(v.goal), "value": v.value, "met": v.met} for v in verdicts]
    data = {**head, "means": means(summaries), "wins": wins(summaries), "goals": goals}
    data |= {"behind": behind(summaries), "cases": summaries, "runs": runs}
    cleaned: dict[str, Any] = finite(data)
    return cleaned
