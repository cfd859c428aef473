"""What a controller must get out of again: a path that became longer, and a neighbour that fills the queue."""

from __future__ import annotations

import pytest

from tests.protocol.rate.path import Greedy
from tests.protocol.rate.test_requirements_rate import LINK, alone, slowest


@pytest.mark.parametrize("longer", [0.02, 0.06, 0.15])
def test_a_path_that_became_longer_is_not_taken_for_a_queue_for_ever(longer: float) -> None:
    clock, _, hop = alone()
    hop.delay += longer
    clock.run(20)
    assert hop.rate(clock.now - 5) > 0.6 * LINK
    assert slowest(hop.delays(clock.now - 5)) < 0.05


@pytest.mark.parametrize("limit", [100_000, 150_000, 300_000])
def test_beside_a_flow_that_fills_the_queue_a_share_is_kept(limit: int) -> None:
    clock, link, hop = alone(limit=limit)
    clock.run(9)
    other = Greedy(clock, link)
    clock.run(40)
    assert hop.rate(clock.now - 20) > LINK / 10
    assert other.rate(clock.now - 20) > LINK / 10
