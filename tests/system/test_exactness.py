"""A viewer shows the host's screen as it is, pixel for pixel, and never an older state after a newer one, whatever the
links do; more seeds: `./dev bench exact`."""

from __future__ import annotations

import pytest

from tests.simulator.exactness import live

#: Seeds in which the desktop changes its size, viewers come, leave and sleep, paths are cut, and a film runs.
SEEDS = (1, 2, 8, 51)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_viewer_shows_is_what_the_host_shows(seed: int) -> None:
    verdict = live(seed)
    assert verdict.broken == (), verdict
    assert verdict.looks > 20 and verdict.seconds, "somebody looked, and stayed to the end"


def test_the_same_seed_is_the_same_run() -> None:
    assert live(1) == live(1)
