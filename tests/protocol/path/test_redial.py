"""Redial: what its stories (spec/vectors/plan.json) are too short for."""

from __future__ import annotations

from itertools import pairwise

from avl_protocol.path.redial import Redial
from avl_protocol.wire.registry import T_PATH_URGENT_RETRY


def test_attempts_that_fail_for_hours_go_on_at_the_longest_pause() -> None:
    redial, now, dialled = Redial(), 10.0, []
    while now < 10.0 + 3 * 3600:
        if redial.look(at_hand=False, dialling=False, now=now):
            dialled.append(now)
            redial.failed(now + 0.001)
        now += 0.05
    assert len(dialled) > 10_000
    assert all(later - earlier > T_PATH_URGENT_RETRY for earlier, later in pairwise(dialled[2:]))
