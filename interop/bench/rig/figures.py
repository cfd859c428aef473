"""What was measured, beside what was wanted: as tables on a terminal, and as some in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rich.table import Table

#: The columns, each with its heading; `none` is the bench without any remoting, which is what its instruments add.
COLUMNS = {
    "native": "native window",
    "browser": "Chromium",
    "tigervnc": "TigerVNC x0",
    "novnc": "noVNC",
    "none": "no remoting",
}
#: Those of ours, which have goals.
OURS = ("native", "browser")
#: Roles whose cores are told for every scene.
ROLES = ("host", "relay", "viewer", "screens")
Report = Mapping[str, Any]


class Limit(Protocol):
    """A goal."""

    def of(self, figure: Figure, report: Report) -> float | None:
        """The limit that holds in this run; None where the run has nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same in every run."""

    value: float

    def of(self, figure: Figure, report: Report) -> float | None:
        """See Limit."""
        return self.value


@dataclass(frozen=True, slots=True)
class Times:
    """`factor` times the best of some products in the same run, but no more than `most`."""

    factor: float
    products: tuple[str, ...]
    most: float = float("inf")

    def of(self, figure: Figure, report: Report) -> float | None:
        """See Limit."""
        results = [report["viewers"][name] for name in self.products if name in report["viewers"]]
        values = [value for result in results if (value := figure.value(result)) is not None]
        if not values:
            return None
        return min(self.most, round(self.factor * (max if figure.least else min)(values), 1))


@dataclass(frozen=True, slots=True)
class AtRate:
    """One for each rate of the link in Mbit/s, the slowest first; 0: a link that is not shaped."""

    limits: Mapping[float, float]

    def of(self, figure: Figure, report: Report) -> float | None:
        """See Limit."""
        return self.limits.get((report.get("link") or {}).get("rate_mbps", 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row: where it is in the results, and the limit for each viewer; `least`: a figure must not be below it."""

    title: str
    measurement: str
    key: str
    limits: Mapping[str, Limit]
    least: bool = False
    scale: float = 1.0

    def value(self, result: Mapping[str, Any]) -> float | None:
        """The figure in one viewer's results; None where it was not measured or did not come about."""
        found: Any = result.get(self.measurement, {})
        for part in self.key.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return None if found is None else float(found) * self.scale

    def met(self, limit: float | None, value: float | None) -> bool | None:
        """Whether a goal is reached; None where there is none."""
        if limit is None:
            return None
        return value is not None and (value >= limit if self.least else value <= limit)

    def noisy(self, result: Mapping[str, Any]) -> bool:
        """Whether others were busy on the machine meanwhile."""
        return bool(result.get(self.measurement, {}).get("noisy", False))


def both(limit: float) -> dict[str, Limit]:
    """One limit for either viewer."""
    return {"native": Fixed(limit), "browser": Fixed(limit)}


def beside(native: float, browser: float) -> dict[str, Limit]:
    """Shares of what TigerVNC needs, for the native window, and of what noVNC needs, for Chromium."""
    return {"native": Times(native, ("tigervnc",)), "browser": Times(browser, ("novnc",))}


_PEERS = ("tigervnc", "novnc")
_SETTLES: dict[str, Limit] = {viewer: AtRate({2: 4.0, 8: 1.0, 0: 0.5}) for viewer in OURS}
_MBITS = 8 / 1e6

FIGURES = (
    Figure(title="idle click to photon p50, ms", measurement="click", key="p50", limits=beside(0.65, 0.75)),
    Figure(title="idle click to photon p95, ms", measurement="click", key="p95", limits=beside(0.9, 0.9)),
    Figure(title="… press to the host's program p50, ms", measurement="click", key="in_p50", limits={}),
    Figure(title="… its answer to the glass p50, ms", measurement="click", key="out_p50", limits={}),
    Figure(title="key to glyph p50, ms", measurement="key", key="p50", limits=beside(0.65, 0.8)),
    Figure(title="key to glyph p95, ms", measurement="key", key="p95", limits={}),
    Figure(title="… press to the terminal's glyph at the host p50, ms", measurement="key", key="in_p50", limits={}),
    Figure(title="key to exact glyph p50, ms", measurement="key", key="exact_p50", limits={}),
    Figure(title="keys whose glyph became exact, %", measurement="key", key="exact_percent", limits={}),
    Figure(
        title="click under film p50, ms",
        measurement="click_under_film",
        key="p50",
        limits={"native": Times(0.4, ("tigervnc",)), "browser": Fixed(38)},
    ),
    Figure(title="click under film p95, ms", measurement="click_under_film", key="p95", limits={}),
    Figure(title="key beside film p50, ms", measurement="mixed", key="p50", limits={}),
    Figure(title="key beside film p95, ms", measurement="mixed", key="p95", limits={}),
    Figure(title="key beside film to exact glyph p50, ms", measurement="mixed", key="exact_p50", limits={}),
    Figure(
        title="film, frames per second",
        measurement="film",
        key="fps",
        limits={"native": Times(1.3, _PEERS, 58), "browser": Fixed(58)},
        least=True,
    ),
    Figure(
        title="film glass to glass p50, ms",
        measurement="film",
        key="p50",
        limits={"native": Times(0.8, ("tigervnc",)), "browser": Fixed(35)},
    ),
    Figure(title="film glass to glass p95, ms", measurement="film", key="p95", limits={}),
    Figure(title="film, Mbit/s", measurement="film", key="bytes_per_second", limits=both(7), scale=_MBITS),
    Figure(title="film in motion, PSNR dB", measurement="film", key="psnr_db", limits=both(28), least=True),
    Figure(title="dragged window, places per second", measurement="drag", key="fps", limits={}),
    Figure(title="dragged window, hand to glass p50, ms", measurement="drag", key="p50", limits={}),
    Figure(title="dragged window, hand to glass p95, ms", measurement="drag", key="p95", limits={}),
    Figure(title="dragged window, exact pixels meanwhile, %", measurement="drag", key="exact_percent", limits={}),
    Figure(title="dragged window, Mbit/s", measurement="drag", key="bytes_per_second", limits={}, scale=_MBITS),
    Figure(
        title="scrolling text (30 fps), frames per second",
        measurement="scroll",
        key="fps",
        limits=both(29),
        least=True,
    ),
    Figure(title="scrolling text, glass to glass p50, ms", measurement="scroll", key="p50", limits={}),
    Figure(title="scrolling text, glass to glass p95, ms", measurement="scroll", key="p95", limits={}),
    Figure(
        title="scrolling text, exact pixels meanwhile, %",
        measurement="scroll",
        key="exact_percent",
        limits=both(100),
        least=True,
    ),
    Figure(title="… of the worst frame, %", measurement="scroll", key="exact_least", limits={}),
    Figure(title="scrolling text, Mbit/s", measurement="scroll", key="bytes_per_second", limits={}, scale=_MBITS),
    Figure(title="page of code, 100 % exact after, s", measurement="page", key="exact_s", limits=_SETTLES),
    Figure(title="page of code, kB until then (or 8 s)", measurement="page", key="kilobytes", limits={}),
    Figure(title="page of code, exact after 0.5 s, %", measurement="page", key="exact_500ms", limits={}),
    Figure(title="page of code, exact after 1 s, %", measurement="page", key="exact_1000ms", limits={}),
    Figure(title="page of code, exact after 2 s, %", measurement="page", key="exact_2000ms", limits={}),
    Figure(title="page of code, exact at the end, %", measurement="page", key="exact_end", limits={}),
    Figure(title="page of code, 40 dB after, s", measurement="page", key="settled_s", limits={}),
    Figure(title="page of code after 4 s, PSNR dB", measurement="page", key="psnr_db", limits={}),
    Figure(title="still screen, cores: host", measurement="still", key="cores.host", limits=both(0.005)),
    Figure(title="still screen, cores: relay", measurement="still", key="cores.relay", limits=both(0.005)),
    Figure(title="still screen, cores: viewer", measurement="still", key="cores.viewer", limits=both(0.005)),
    Figure(title="still screen, bytes/s", measurement="still", key="bytes_per_second", limits=both(250)),
    Figure(title="command to first picture, s", measurement="start", key="first_picture_s", limits={}),
)
#: What the table of cores calls its rows.
CORES = {
    "click": "idle click",
    "key": "key",
    "click_under_film": "click under film",
    "mixed": "key beside film",
    "film": "film",
    "drag": "dragged window",
    "scroll": "scrolling text",
    "page": "page of code",
    "still": "still screen",
}


def written(value: float) -> str:
    """A figure as text."""
    return f"{value:.3f}" if abs(value) < 0.1 else f"{value:.4g}"


def cell(figure: Figure, viewer: str, report: Report) -> tuple[str, bool | None]:
    """A figure as text, with its goal and whether it was noisy; and whether the goal is met."""
    result = report["viewers"][viewer]
    if figure.measurement not in result:
        return "", None
    value = figure.value(result)
    limit = figure.limits[viewer].of(figure, report) if viewer in figure.limits else None
    if value is None and limit is None:
        return "", None
    text = "none" if value is None else written(value)
    met = figure.met(limit, value)
    if limit is not None:
        text += f" ({'≥' if figure.least else '≤'} {limit:g}: {'met' if met else 'missed'})"
    return text + (" noisy" if figure.noisy(result) else ""), met


def rows(report: Report) -> list[tuple[str, dict[str, tuple[str, bool | None]]]]:
    """Title and cells by column of every figure that somebody has."""
    table = []
    for figure in FIGURES:
        cells = {viewer: cell(figure, viewer, report) for viewer in shown(report)}
        if any(text for text, _ in cells.values()):
            table.append((figure.title, cells))
    return table


def shown(report: Report) -> list[str]:
    """The columns of a report."""
    return [name for name in COLUMNS if name in report["viewers"]]


def cores(report: Report) -> list[tuple[str, list[str]]]:
    """A scene, and for every column the cores that host (or server), relay (or proxy), viewer and the two X servers
    used in it, and those that the rest of the machine did."""
    table = []
    for scene, title in CORES.items():
        used = [report["viewers"][name].get(scene, {}).get("cores") for name in shown(report)]
        if any(used):
            table.append((title, [_cores(each) if each else "" for each in used]))
    return table


def _cores(used: Mapping[str, float]) -> str:
    roles = " / ".join("–" if role not in used else f"{used[role]:.3g}" for role in ROLES)
    return f"{roles} ({used.get('foreign', 0.0):.2g})"


def stages(report: Report) -> list[tuple[str, list[str]]]:
    """Rows of a stage's name and its p50/p95 in ms at idle clicks and under film, as the native window tells them."""
    native = report["viewers"].get("native", {})
    columns = [native.get(name, {}).get("stats") or {} for name in ("click", "film")]
    names = list(dict.fromkeys(name for stats in columns for name in stats.get("stages_ms", {})))
    return [(name, [_quantiles(stats, name) for stats in columns]) for name in names]


def _quantiles(stats: Mapping[str, Any], stage: str) -> str:
    values = [stats.get(key, {}).get(stage) for key in ("stages_ms", "stages_p95_ms")]
    return " / ".join("–" if value is None else f"{value:g}" for value in values)


def where(report: Report) -> str:
    """One line: when, what, on which machine, over which link."""
    machine = report["machine"]
    link = report.get("link")
    if link is None:
        network = report["network"]
    else:
        rate = f"{link['rate_mbps']:g} Mbit/s" if link["rate_mbps"] else "unshaped"
        network = f"two namespaces, {rate}, {link['delay_ms']:g} ms each way"
    return (
        f"{report['date']}, commit {report['commit']}; {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gb']} GB, Linux {machine['kernel']}, Python {machine['python']}; "
        f"network: {network}"
    )


#: How the tables of cores and of stages are headed.
_CORES = "cores: host / relay / viewer / X servers (foreign)"
_STAGES = ("stage, p50 / p95 ms", "idle clicks", "film")


def tables(report: Report) -> list[Table]:
    """For a terminal."""
    headings = [COLUMNS[name] for name in shown(report)]
    table = Table("figure", *headings, title="Latency bench", caption=where(report))
    colours = {True: "green", False: "red", None: ""}
    for title, cells in rows(report):
        judged = (cells[name] for name in shown(report))
        table.add_row(title, *(f"[{colour}]{text}[/]" if (colour := colours[met]) else text for text, met in judged))
    made = [table]
    if used := cores(report):
        load = Table(_CORES, *headings, title="CPU")
        for title, texts in used:
            load.add_row(title, *texts)
        made.append(load)
    if found := stages(report):
        pipeline = Table(*_STAGES, title="Pipeline at 1920x1080, native window")
        for title, texts in found:
            pipeline.add_row(title, *texts)
        made.append(pipeline)
    return made


def table_markdown(report: Report) -> str:
    """For a README: what the bench wrote as JSON, as tables in Markdown with a line that says where it was measured."""
    headings = [COLUMNS[name] for name in shown(report)]
    lines = [where(report) + "."]
    figures = [(title, [cells[name][0] for name in shown(report)]) for title, cells in rows(report)]
    for heading, body in (
        (("figure", *headings), figures),
        ((_CORES, *headings), cores(report)),
        (_STAGES, stages(report)),
    ):
        if body:
            lines += ["", f"| {' | '.join(heading)} |", "|" + " --- |" * len(heading)]
            lines += [f"| {title} | {' | '.join(texts)} |" for title, texts in body]
    return "\n".join(lines) + "\n"
