"""The bench of exact pixels in Chromium: it measures everything that it tables."""

from __future__ import annotations

import pytest
from rich.console import Console

from interop.bench.unpack.__main__ import SIZES, STEPS, WAYS, measured, steps, ways
from tests.tools import need


@pytest.mark.browser
async def test_every_figure_is_measured() -> None:
    need("chromium")
    figures = await measured(1)
    sizes = [f"{width}x{height}" for width, height in SIZES]
    assert [name for name, of in figures.items() if set(of) == set(WAYS)] == sizes
    assert len([name for name, of in figures.items() if set(of) == set(STEPS)]) == 8
    assert all(0 <= value < 10_000 for of in figures.values() for value in of.values())
    console = Console(width=120, record=True, quiet=True)
    console.print(steps(figures), ways(figures))
