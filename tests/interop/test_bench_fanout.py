"""The fan-out bench: its arithmetic, and one short measurement of a real relay."""

from __future__ import annotations

import asyncio

import pytest

from interop.bench.fanout import RATE, Figure, cost, measure, report
from interop.stage import BIN


def test_a_viewer_costs_the_difference_and_the_host_the_rest() -> None:
    figures = [Figure("a", 1, 0.10 + noise, 0.0) for noise in (-0.05, 0.0, 0.09)]
    figures += [Figure("a", 9, 0.26, 0.0), Figure("b", 1, 0.5, 0.0), Figure("b", 9, 0.9, 0.0)]
    made = cost(figures, "a", 9)
    assert made.viewer == pytest.approx(0.02) and made.host == pytest.approx(0.08)
    assert made.milliseconds == pytest.approx(1000 * 0.02 / RATE)
    assert cost(figures, "b", 9).viewer == pytest.approx(0.05)
    assert report(figures, [made])["costs"][0]["relay"] == "a"


def test_a_relay_with_viewers_is_measured() -> None:
    made = asyncio.run(measure(BIN / "avl-relay", 2, 1.0))
    assert made.viewers == 2 and 0 < made.cores < 1.5
