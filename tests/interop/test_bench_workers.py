"""The bench of workers: its arithmetic, and one short measurement of a real relay."""

from __future__ import annotations

import asyncio

import pytest

from avl_protocol.endpoint.udp import steering
from interop.bench.workers import Figure, measure
from tests.tools import without


def test_how_uneven_workers_are_is_told_by_the_busiest() -> None:
    made = Figure(workers=2, viewers=4, cores=(0.3, 0.2), datagrams=100, us=5.0, foreign=0.0)
    assert made.uneven == pytest.approx(0.2)


def test_a_relay_of_two_workers_is_measured() -> None:
    if (why := steering.unable()) is not None:
        without(why)
    made = asyncio.run(measure(2, 2, mbit=0.1, rate=10, seconds=1.0))
    assert len(made.cores) == 2 and made.datagrams >= 16 and made.us > 0
