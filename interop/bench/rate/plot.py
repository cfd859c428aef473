"""Plots: one SVG for each case, rates over delays over time, with a line for each controller.

SVG is text that any browser shows, and four panels of lines need no library.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from interop.bench.rate.figures import Series

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 1100, 170, 64, 16, 44, 34
#: Colours that the colour-blind tell apart (Okabe and Ito).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#444444")

Curve = tuple[str, str, Sequence[float]]


def ceiling(value: float) -> float:
    """The next round number: 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if value <= step * power * 1.0001)


def panel(top: float, title: str, unit: str, curves: Sequence[Curve], step: float) -> str:
    """One panel whose upper edge is at `top`: axes, grid and `curves` of (name, style, values)."""
    most = ceiling(max((max(values, default=0.0) for _, _, values in curves), default=0.0))
    length = max(len(values) for _, _, values in curves) * step
    across, down = (WIDTH - LEFT - RIGHT) / length, PANEL / most
    lines = [f'<text x="{LEFT}" y="{top - 8}" class="t">{escape(title)}</text>']
    for part in range(5):
        y = top + PANEL * (1 - part / 4)
        lines.append(f'<path class="g" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="n">{most * part / 4:g}</text>')
    lines.append(f'<text x="{LEFT - 6}" y="{top - 8}" class="n">{unit}</text>')
    tick = ceiling(length / 12)
    for count in range(int(length / tick) + 1):
        x = LEFT + count * tick * across
        lines.append(f'<path class="g" d="M{x:.1f} {top}v{PANEL}"/>')
        lines.append(f'<text x="{x:.1f}" y="{top + PANEL + 14}" class="m">{count * tick:g}</text>')
    for name, style, values in curves:
        points = " ".join(
            f"{LEFT + place * step * across:.1f},{top + PANEL - value * down:.1f}" for place, value in enumerate(values)
        )
        lines.append(f'<polyline points="{points}" style="{style}"><title>{escape(name)}</title></polyline>')
    return "\n".join(lines)


def smooth(values: Sequence[float], count: int) -> list[float]:
    """Trailing means over `count` points."""
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    return [(sums[i + 1] - sums[max(0, i + 1 - count)]) / min(i + 1, count) for i in range(len(values))]


def svg(title: str, runs: Mapping[str, Series]) -> str:
    """A case's plot: `runs` by controller. Targets are of all flows together where there are several."""
    panels: list[tuple[str, str, list[Curve]]] = [
        ("capacity and target", "Mbit/s", []),
        ("capacity and displayed media, mean over 0.5 s", "Mbit/s", []),
        ("queue delay of the forward link, largest in 50 ms", "ms", []),
        ("frame delay, largest in 50 ms", "ms", []),
    ]
    first = next(iter(runs.values()))
    if first.capacity:
        for place in (0, 1):
            capacity = [rate / 1e6 for rate in first.capacity]
            panels[place][2].append(("capacity", "stroke:#bbb;stroke-width:2.5", capacity))
    legend = []
    for place, (name, series) in enumerate(runs.items()):
        colour = COLOURS[place % len(COLOURS)]
        style = f"stroke:{colour}"
        totals = [sum(rates) / 1e6 for rates in zip(*series.target, strict=True)]
        panels[0][2].append((name, style, totals))
        goodput = [rate / 1e6 for rate in series.goodput]
        panels[1][2].append((name, style, smooth(goodput, round(0.5 / series.step))))
        panels[2][2].append((name, style, series.queue))
        panels[3][2].append((name, style, series.frame))
        x = LEFT + 220 + 110 * place
        legend.append(f'<path d="M{x} 16h18" style="{style};stroke-width:3"/>')
        legend.append(f'<text x="{x + 24}" y="20">{escape(name)}</text>')
    height = TOP + len(panels) * (PANEL + GAP)
    body = [
        panel(TOP + place * (PANEL + GAP), name, unit, curves, first.step)
        for place, (name, unit, curves) in enumerate(panels)
    ]
    style = (
        "text{font:12px sans-serif;fill:#222}.t{font-weight:bold}.n{text-anchor:end}.m{text-anchor:middle}"
        "polyline{fill:none;stroke-width:1.2}.g{stroke:#e4e4e4;fill:none}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"><style>{style}</style>'
    back = f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    name = f'<text x="{LEFT}" y="20" class="t">{escape(title)}</text>'
    return "\n".join([head, back, name, *legend, *body, "</svg>"]) + "\n"
