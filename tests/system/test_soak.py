"""A few minutes of the endurance bench's virtual relay: what came has left nothing."""

from __future__ import annotations

import pytest

from interop.bench.soak import virtual


def test_a_round_in_virtual_time_leaves_nothing_at_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual, "STAYS", 60.0)
    rates: list[float] = []
    samples = virtual.soak(0.01, 3, lambda one, rate: rates.append(rate))
    assert len(samples) == 1 and 0 < rates[0] < 100
    counts = samples[0].counts
    assert counts["relay/endpoint/connections"] == 1 and counts["relay/router/fanout/subscriptions"] == 0
