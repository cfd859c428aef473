"""What was measured, beside what was wanted: as a table on a terminal, and as one in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

#: The columns, each with its heading; `none` is the bench without any remoting, which is what its instruments add.
COLUMNS = {"native": "native window", "browser": "Chromium", "none": "no remoting"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row: where it is in the results, and the limit for each viewer; `least`: a figure must not be below it."""

    title: str
    measurement: str
    key: str
    limits: Mapping[str, float]
    least: bool = False
    scale: float = 1.0

    def value(self, result: Mapping[str, Any]) -> float | None:
        """The figure in one viewer's results; None where it was not measured or did not come about."""
        found: Any = result.get(self.measurement, {})
        for part in self.key.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return None if found is None else float(found) * self.scale

    def met(self, viewer: str, value: float | None) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        limit = self.limits.get(viewer)
        if limit is None:
            return None
        return value is not None and (value >= limit if self.least else value <= limit)

    def noisy(self, result: Mapping[str, Any]) -> bool:
        """Whether others were busy on the machine meanwhile."""
        return bool(result.get(self.measurement, {}).get("noisy", False))


def both(limit: float) -> dict[str, float]:
    """One limit for either viewer."""
    return {"native": limit, "browser": limit}


FIGURES = (
    Figure(title="idle click to photon p50, ms", measurement="click", key="p50", limits={"native": 18, "browser": 28}),
    Figure(title="idle click to photon p95, ms", measurement="click", key="p95", limits={"native": 28, "browser": 40}),
    Figure(title="… press to the host's program p50, ms", measurement="click", key="in_p50", limits={}),
    Figure(title="… its answer to the glass p50, ms", measurement="click", key="out_p50", limits={}),
    Figure(
        title="click under video p50, ms",
        measurement="click_under_film",
        key="p50",
        limits={"native": 35, "browser": 40},
    ),
    Figure(title="click under video p95, ms", measurement="click_under_film", key="p95", limits={}),
    Figure(title="video, frames per second", measurement="film", key="fps", limits=both(58), least=True),
    Figure(title="video glass to glass p50, ms", measurement="film", key="p50", limits={"native": 30, "browser": 35}),
    Figure(title="video glass to glass p95, ms", measurement="film", key="p95", limits={}),
    Figure(
        title="video, Mbit/s per hop", measurement="film", key="bytes_per_second", limits=both(8), scale=8 / 2 / 1e6
    ),
    Figure(title="video in motion, PSNR dB", measurement="film", key="psnr_db", limits=both(27), least=True),
    Figure(title="still screen, cores: host", measurement="still", key="cores.host", limits=both(0.02)),
    Figure(title="still screen, cores: relay", measurement="still", key="cores.relay", limits=both(0.02)),
    Figure(title="still screen, cores: viewer", measurement="still", key="cores.viewer", limits=both(0.02)),
    Figure(
        title="still screen, bytes/s per hop",
        measurement="still",
        key="bytes_per_second",
        limits=both(1000),
        scale=1 / 2,
    ),
    Figure(title="text settled at 40 dB after, s", measurement="page", key="settled_s", limits=both(4)),
    Figure(title="text after 4 s, PSNR dB", measurement="page", key="psnr_db", limits=both(40), least=True),
    Figure(title="video, cores: host", measurement="film", key="cores.host", limits={}),
    Figure(title="video, cores: relay", measurement="film", key="cores.relay", limits={}),
    Figure(title="video, cores: viewer", measurement="film", key="cores.viewer", limits={}),
    Figure(title="command to first picture, s", measurement="start", key="first_picture_s", limits={}),
    Figure(title="foreign, cores: idle click", measurement="click", key="cores.foreign", limits={}),
    Figure(title="foreign, cores: click under video", measurement="click_under_film", key="cores.foreign", limits={}),
    Figure(title="foreign, cores: video", measurement="film", key="cores.foreign", limits={}),
    Figure(title="foreign, cores: still screen", measurement="still", key="cores.foreign", limits={}),
    Figure(title="foreign, cores: text", measurement="page", key="cores.foreign", limits={}),
)


def cell(figure: Figure, viewer: str, result: Mapping[str, Any]) -> tuple[str, bool | None]:
    """A figure as text, with its goal and whether it was noisy; and whether the goal is met."""
    if figure.measurement not in result:
        return "", None
    value = figure.value(result)
    if value is None and viewer not in figure.limits:
        return "", None
    text = "none" if value is None else f"{value:.3f}" if abs(value) < 0.1 else f"{value:.4g}"
    met = figure.met(viewer, value)
    if met is not None:
        text += f" ({'≥' if figure.least else '≤'} {figure.limits[viewer]:g}: {'met' if met else 'missed'})"
    return text + (" noisy" if figure.noisy(result) and figure.key != "cores.foreign" else ""), met


def rows(report: Mapping[str, Any]) -> list[tuple[str, dict[str, tuple[str, bool | None]]]]:
    """Title and cells by column of every figure that somebody has."""
    viewers = {name: report["viewers"][name] for name in COLUMNS if name in report["viewers"]}
    table = []
    for figure in FIGURES:
        cells = {viewer: cell(figure, viewer, result) for viewer, result in viewers.items()}
        if any(text for text, _ in cells.values()):
            table.append((figure.title, cells))
    return table


def stages(report: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Rows of a stage's name and its p50/p95 in ms at idle clicks and under video, as the native window tells them."""
    native = report["viewers"].get("native", {})
    columns = [native.get(name, {}).get("stats", {}) for name in ("click", "film")]
    names = list(dict.fromkeys(name for stats in columns for name in stats.get("stages_ms", {})))
    return [(name, [_quantiles(stats, name) for stats in columns]) for name in names]


def _quantiles(stats: Mapping[str, Any], stage: str) -> str:
    values = [stats.get(key, {}).get(stage) for key in ("stages_ms", "stages_p95_ms")]
    return " / ".join("–" if value is None else f"{value:g}" for value in values)


def where(report: Mapping[str, Any]) -> str:
    """One line: when, what, on which machine."""
    machine = report["machine"]
    return (
        f"{report['date']}, commit {report['commit']}; {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gb']} GB, Linux {machine['kernel']}, Python {machine['python']}; "
        f"network: {report['network']}"
    )


def tables(report: Mapping[str, Any]) -> list[Table]:
    """For a terminal."""
    viewers = [name for name in COLUMNS if name in report["viewers"]]
    table = Table("figure", *(COLUMNS[name] for name in viewers), title="Latency bench", caption=where(report))
    colours = {True: "green", False: "red", None: ""}
    for title, cells in rows(report):
        shown = (cells[name] for name in viewers)
        table.add_row(title, *(f"[{colour}]{text}[/]" if (colour := colours[met]) else text for text, met in shown))
    pipeline = Table("stage, p50 / p95 ms", "idle clicks", "video", title="Pipeline at 1920x1080, native window")
    for name, columns in stages(report):
        pipeline.add_row(name, *columns)
    return [table, pipeline] if pipeline.row_count else [table]


def table_markdown(report: Mapping[str, Any]) -> str:
    """For a README: what the bench wrote as JSON, as tables in Markdown with a line that says where it was measured."""
    viewers = [name for name in COLUMNS if name in report["viewers"]]
    lines = [where(report) + ".", "", "| figure | " + " | ".join(COLUMNS[name] for name in viewers) + " |"]
    lines.append("| --- |" + " --- |" * len(viewers))
    for title, cells in rows(report):
        lines.append(f"| {title} | " + " | ".join(cells[name][0] for name in viewers) + " |")
    if pipeline := stages(report):
        lines += ["", "| stage, p50 / p95 ms | idle clicks | video |", "| --- | --- | --- |"]
        lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in pipeline]
    return "\n".join(lines) + "\n"
