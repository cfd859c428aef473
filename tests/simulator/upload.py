"""Upload: somebody's TCP transfer over one direction of the simulated network, beside what a test looks at.

The sender is the rate suite's CUBIC (interop/bench/rate/tcp.py), its link the network's own: what it has under way
waits in the same queue as everybody else's datagrams. That queue is one of bytes: a segment is dropped that does not
fit any more, where something small still does.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from interop.bench.rate.spec import TcpSpec
from interop.bench.rate.tcp import Cubic
from tests.simulator.network import Link, SimulatedNetwork

#: Bytes of a segment: with its own headers no more than a packet of 1,500 holds as the network counts it.
SEGMENT = 1400


class _Clock:
    """The loop's time as the suite's clock tells it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    @property
    def now(self) -> float:
        return self._loop.time()

    def call_at(self, when: float, call: Callable[[], object]) -> None:
        self._loop.call_at(when, call)


class Path:
    """A network's link as the suite's links are: what arrives is handed on. `passed`: bytes that did."""

    def __init__(self, loop: asyncio.AbstractEventLoop, link: Link, seed: int) -> None:
        self._loop, self._link = loop, link
        self._chance = random.Random(seed)
        self.passed = 0

    def send(
        self, packet: object, size: int, deliver: Callable[[object], None], flow: int = 0, delay: float = 0.0
    ) -> None:
        """Put a segment into the queue, where it fits."""
        now, shape = self._loop.time(), self._link.shape
        if shape.rate is not None and self._link.waits(now) + size * 8 / shape.rate > shape.queue:
            return
        for arrival in self._link.deliveries(now, size, self._chance)[:1]:
            self.passed += size
            self._loop.call_at(arrival, deliver, packet)


@contextmanager
def upload(network: SimulatedNetwork, source: str, target: str, seed: int = 1) -> Iterator[Path]:
    """Send without end from `source` to `target` until the block ends; acknowledgements meet no queue."""
    loop = asyncio.get_running_loop()
    link = network.link(source, target)
    way = Path(loop, link, seed)
    spec = TcpSpec(start=0.0, stop=float("inf"), delay=link.shape.delay, segment=SEGMENT)
    flow = Cubic(clock=_Clock(loop), link=way, number=0, spec=spec, total=None, done=lambda now: None)  # type: ignore[arg-type]
    flow.start()
    try:
        yield way
    finally:
        flow.stop()
