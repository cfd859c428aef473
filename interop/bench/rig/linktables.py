"""What came of sessions over links as tables, for a terminal and for a README, beside what was predicted of them.

Times are milliseconds where a heading does not say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from interop.bench.rig.figures import where

Report = Mapping[str, Any]
#: Whose prediction it is, and what a scenario's case is called in the suite of rate controllers.
PREDICTED, CASE = "avl", "link-{}"


@dataclass(slots=True)
class Grid:
    """A table as text: rows are as long as the heading."""

    title: str
    heading: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def rich(self) -> Table:
        """For a terminal."""
        table = Table(title=self.title)
        for place, name in enumerate(self.heading):
            table.add_column(name, justify="right" if place else "left", no_wrap=not place)
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """For a README."""
        rule = ("---", *("---:" for _ in self.heading[1:]))
        lines = ["| " + " | ".join(cells) + " |" for cells in (self.heading, rule, *self.rows)]
        return "\n".join((f"{self.title}:", "", *lines, ""))


def number(value: Any) -> str:
    """A figure in three or four digits; a dash for what did not happen."""
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def figures(result: Mapping[str, Any], *keys: str) -> str:
    """Several figures in one cell."""
    return " / ".join(number(result.get(key)) for key in keys)


def stretches(scenarios: Mapping[str, Report]) -> Grid:
    """A row for each time at one rate."""
    grid = Grid(
        "At each rate",
        (
            "scenario",
            "Mbit/s",
            "fps",
            "of the film %",
            "glass to glass p50 / p95 / p99",
            "freezes > 150",
            "frozen s",
            "longest gap",
            "typing p50 / p95 / max",
            "queue p95 / max",
            "link used %",
            "dropped",
            "media Mbit/s",
        ),
    )
    for name, result in scenarios.items():
        for row in result.get("stretches", ()):
            use = None if row["use"] is None else 100 * row["use"]
            grid.rows.append(
                (
                    name,
                    number(row["rate_mbps"]),
                    number(row["fps"]),
                    number(row["source_percent"]),
                    figures(row, "glass_p50", "glass_p95", "glass_p99"),
                    number(row["freezes"]),
                    number(row["freeze_s"]),
                    number(row["longest_gap"]),
                    figures(row, "typing_p50", "typing_p95", "typing_max"),
                    figures(row, "queue_p95", "queue_max"),
                    number(use),
                    number(row["dropped"]),
                    number(row["media_mbps"]),
                )
            )
    return grid


def steps(scenarios: Mapping[str, Report]) -> Grid:
    """A row for each change of the rate."""
    grid = Grid(
        "The worst within 3 s of a change of the rate, and until its queue stays below 50 ms",
        ("scenario", "Mbit/s", "longest gap", "glass to glass max", "typing max", "queue max", "recovered after s"),
    )
    for name, result in scenarios.items():
        for row in result.get("steps", ()):
            change = f"{number(row['from_mbps'])} to {number(row['rate_mbps'])}"
            worst = (row[key] for key in ("longest_gap", "glass_max", "typing_max", "queue_max", "recovery_s"))
            grid.rows.append((name, change, *(number(value) for value in worst)))
    return grid


def wholeness(scenarios: Mapping[str, Report]) -> Grid:
    """A row for each scenario: what was repaired, what was damaged, what it looked like, what it cost."""
    grid = Grid(
        "Whole and unharmed",
        (
            "scenario",
            "datagrams media / repair / parity",
            "mended by parity",
            "objects lost %",
            "damaged / decoder errors",
            "recoveries asked",
            "key frames moving / still",
            "keys unanswered",
            "still: 40 dB after s",
            "still PSNR dB",
            "moving PSNR dB p50 / min",
            "cores host / relay / viewer",
            "foreign",
            "forwarder late p99 µs",
        ),
    )
    for name, result in scenarios.items():
        if "stretches" not in result:
            continue
        sent, cores = result["datagrams"], result["cores"]
        unanswered = result["whole"]["keys_unanswered"] + result["keys_refused"]
        late = [line["late_p99_us"] for peer in result["forwarder"]["peers"] for line in peer.values()]
        known = [value for value in late if value is not None]
        grid.rows.append(
            (
                name,
                " / ".join(str(sent.get(kind, 0)) for kind in ("MEDIA", "REPAIR", "PARITY")),
                figures(result, "repaired"),
                number(100 * result["lost_share"]),
                figures(result, "damaged", "decoder_errors"),
                figures(result, "recoveries"),
                figures(result, "key_frames", "still_key_frames"),
                number(unanswered),
                number(result["settled_s"]),
                number(result["still_psnr_db"]),
                figures(result["moving_psnr_db"], "p50", "min"),
                figures(cores, "host", "relay", "viewer"),
                number(cores["foreign"]) + (" noisy" if result["noisy"] else ""),
                number(max(known, default=None)),
            )
        )
    return grid


#: Heading, ours in milliseconds or plain, and the suite's name for it, with what makes its seconds ours.
_COMPARED: tuple[tuple[str, Callable[[Report], Any], str, float], ...] = (
    ("fps", lambda result: result["whole"]["fps"], "fps", 1),
    ("glass to glass p50", lambda result: result["whole"]["glass_p50"], "frame50", 1000),
    ("p95", lambda result: result["whole"]["glass_p95"], "frame95", 1000),
    ("p99", lambda result: result["whole"]["glass_p99"], "frame99", 1000),
    ("frozen s", lambda result: result["whole"]["freeze_s"], "freeze", 1),
    ("queue p95", lambda result: result["whole"]["queue_p95"], "queue95", 1000),
    ("recovered after s", lambda result: slowest(result), "recovery", 1),
)


def slowest(result: Report) -> float | None:
    """Seconds of the slowest recovery after a fall of the rate; None without one, or where one never came."""
    found = [step["recovery_s"] for step in result["steps"] if step["rate_mbps"] < step["from_mbps"]]
    return None if not found or None in found else max(found)


def compared(scenarios: Mapping[str, Report], prediction: Report) -> Grid:
    """A row for each scenario that the simulated link of the same name was run for; `prediction` is the report of
    `./dev bench rate` (its `cases`)."""
    grid = Grid("Measured (simulated)", ("scenario", *(heading for heading, *_ in _COMPARED)))
    for name, result in scenarios.items():
        foretold = prediction.get("cases", {}).get(CASE.format(name), {}).get(PREDICTED)
        if foretold is None or "whole" not in result:
            continue
        cells = []
        for _, ours, theirs, scale in _COMPARED:
            value = foretold.get(theirs)
            cells.append(f"{number(ours(result))} ({number(None if value is None else value * scale)})")
        grid.rows.append((name, *cells))
    return grid


def grids(report: Report) -> list[Grid]:
    """All tables that have something to say."""
    scenarios = report["scenarios"]
    found = [stretches(scenarios), steps(scenarios), wholeness(scenarios)]
    if report.get("prediction"):
        found.append(compared(scenarios, report["prediction"]))
    return [grid for grid in found if grid.rows]


def headline(report: Report) -> str:
    """One line: when, what, on which machine, over which links."""
    settings = report["settings"]
    between = "host and relay" if settings["upload"] else "relay and viewer"
    return (
        f"{where(report)}; a link between {between}, {number(settings['delay'])} ms each way, "
        f"{number(settings['seconds'])} s at each rate"
    )


def table_markdown(report: Report) -> str:
    """Everything, for a README."""
    return "\n".join((headline(report) + ".", "", *(grid.markdown() for grid in grids(report))))
