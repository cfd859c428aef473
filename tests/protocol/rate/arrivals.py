"""Datagrams, reports and a credulous controller for tests of a hop's bookkeeping, and how much memory is kept."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from avl_protocol.rate.control import Arrival, Probe
from avl_protocol.wire import datagram, feedback, varint
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.feedback import MOST_NAMED, ArrivalReport, Run
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, DatagramType
from tests.protocol.fixedrate import FixedRate

REPORTED = (DatagramType.MEDIA, DatagramType.PARITY, DatagramType.REPAIR, DatagramType.PROBE)


class Credulous(FixedRate):
    """Remembers what it is told, believes that the path is faster with every arrival, and always wants to know more."""

    def __init__(self, probes: bool = True) -> None:
        super().__init__(1e6)
        self.told: list[tuple[list[Arrival], list[tuple[float, int]]]] = []
        self.asked: list[float] = []
        self._probes = probes

    def on_feedback(self, now: float, arrivals: Sequence[Arrival], lost: Sequence[tuple[float, int]]) -> None:
        self.told.append((list(arrivals), list(lost)))
        self.target_bitrate = (self.target_bitrate or 0.0) * 1.1 ** len(arrivals)

    def probe(self, now: float) -> Probe | None:
        self.asked.append(now)
        return Probe(3, 2e6) if self._probes else None


def media(number: int, fragment: int = 0, kind: int = DatagramType.MEDIA, handle: int = 7) -> bytes:
    """One datagram of a large object."""
    return datagram.encode(
        MediaHeader(handle=handle, type=kind, track=1, object=number, flags=0, fragment=fragment, length=1 << 20),
        b"x" * MAX_FRAGMENT_PAYLOAD,
    )


def worded(kind: int, handle: int, track: int, number: int, fragment: int, rest: bytes = b"x") -> bytes:
    """A datagram with any numbers in its header."""
    parts = (b"\0", varint.encode(handle), bytes((kind, track)), number.to_bytes(4, "big"), b"\0")
    return b"".join(parts) + varint.encode(fragment) + varint.encode(0) + rest


def answer(sequence: int, base: int, *payloads: bytes, apart: int = 10) -> ArrivalReport:
    """The report that these arrived `apart` units after each other."""
    found = [feedback.name_of(payload) for payload in payloads]
    runs = tuple(Run(name, fragment, (apart if place else 0,)) for place, (name, fragment) in enumerate(found))
    return ArrivalReport(sequence, base, 0, runs)


def fed(*reports: ArrivalReport) -> bytes:
    """A feedback datagram."""
    return feedback.encode([feedback.encode_report(report) for report in reports])


def kept(work: Callable[[], object]) -> int:
    """Bytes that are in use after `work` and were not before, while its result is held."""
    gc.collect()
    tracemalloc.start()
    try:
        result = work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] if result is not None else 0
    finally:
        tracemalloc.stop()


integers = st.one_of(st.integers(0, 70), st.integers(0, varint.MAX))


def names() -> st.SearchStrategy[bytes]:
    """Names as they may stand in a report: any type, handle, track and object."""
    return st.builds(
        lambda kind, handle, rest: bytes((kind,)) + varint.encode(handle) + rest,
        st.integers(0, 255),
        integers,
        st.binary(min_size=5, max_size=5),
    )


@st.composite
def reports(draw: st.DrawFn, named: st.SearchStrategy[tuple[bytes, int]] | None = None) -> ArrivalReport:
    """A well-formed report; `named`: the names and fragments that it is about, any by default."""
    pairs = st.tuples(names(), integers) if named is None else named
    runs: list[Run] = []
    left = draw(st.sampled_from([3, 10, MOST_NAMED]))
    while left and (not runs or draw(st.booleans())):
        times = draw(st.lists(st.one_of(st.integers(0, 200), integers), min_size=1, max_size=left))
        if not runs:
            times[0] = 0
        name, fragment = draw(pairs)
        runs.append(Run(name, fragment, tuple(times)))
        left -= len(times)
    return ArrivalReport(draw(integers), draw(integers), draw(integers), tuple(runs))
