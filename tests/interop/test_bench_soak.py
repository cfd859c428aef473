"""The soak bench: what counts as growth, and a short life of each kind."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from avl_protocol.session.snapshot import Snapshot
from interop.bench.soak import real
from interop.bench.soak.growth import Sample, counts_of, grown

ONE = Sample(at=0.0, resident=100 << 20, blocks=100_000, tasks=3, descriptors=8, counts={"relay/x": 1})


def test_what_fills_at_first_has_not_grown_and_what_goes_on_has() -> None:
    filled = [replace(ONE, resident=ONE.resident + min(turn, 3) * (10 << 20)) for turn in range(12)]
    assert grown(filled) == []
    more = [replace(ONE, resident=ONE.resident + turn * (2 << 20), tasks=3 + turn // 4) for turn in range(12)]
    assert [text.partition(":")[0] for text in grown(more)] == ["resident", "tasks"]
    counted = [replace(ONE, counts={"relay/x": turn}) for turn in range(12)]
    assert grown(counted) == ["relay/x: 6, later 10"]
    with pytest.raises(ValueError, match="say nothing"):
        grown([ONE] * 5)


def test_counters_that_only_go_up_are_left_out() -> None:
    snapshot = Snapshot(
        "relay", {"WebSockets": 2}, (Snapshot("fanout", {"tracks": 1, "strays": 9}), Snapshot("sent so far", {"a": 1}))
    )
    assert counts_of(snapshot) == {"relay/WebSockets": 2, "relay/fanout/tracks": 1}


def test_a_round_for_real_leaves_only_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ROUND", 4.0), ("STAYS", 3.0), ("SILENT", 0.0), ("FORGOTTEN", 2.0)):
        monkeypatch.setattr(real, name, value)
    samples = asyncio.run(real.soak(0.01, 3, lambda one, rate: None))
    assert len(samples) == 1 and samples[0].tasks >= 1
    assert samples[0].counts["relay/endpoint/connections"] == 1
