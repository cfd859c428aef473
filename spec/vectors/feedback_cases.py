"""Vectors of feedback: names of datagrams, reports and what no receiver would write, and what a collector says when."""

from __future__ import annotations

from functools import partial
from typing import Any

from avl_protocol.rate.collector import Collector
from avl_protocol.wire import datagram, feedback, varint
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.feedback import MOST_NAMED, ArrivalReport, Run
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD, MAX_FRAGMENT_PAYLOAD, DatagramType
from spec.vectors.notation import error_of

#: The largest integer that every implementation holds.
LARGEST = (1 << 53) - 1
#: Names as they stand in a report: MEDIA, PARITY and REPAIR of one object, PROBE, and one of a longer handle.
MEDIA = bytes.fromhex("00 07 01 0000004d")
PARITY = bytes.fromhex("01 07 01 0000004d")
REPAIR = bytes.fromhex("02 07 01 0000004d")
PROBE = bytes.fromhex("03 00 ff 00000001")
LONG = bytes.fromhex("00 c00000007fffffff ff ffffffff")

ONE = ArrivalReport(0, 0, 0, (Run(MEDIA, 0, (0,)),))
TIMES = ArrivalReport(5, 123_456_789, 3, (Run(MEDIA, 0, (0, 63, 64, 16_383)), Run(LONG, 70_000, (16_384, 1 << 30))))
SEVERAL = ArrivalReport(
    63, 1 << 14, 0, (Run(MEDIA, 0, (0, 1, 1, 2)), Run(PARITY, 128, (0, 0)), Run(REPAIR, 3, (40,)), Run(PROBE, 0, (9,)))
)
FULL = ArrivalReport(64, 1 << 30, 0, (Run(MEDIA, 0, (0, *range(MOST_NAMED - 1))),))
MOST_RUNS = ArrivalReport(16_384, 9, 0, tuple(Run(MEDIA, 2 * n, (min(n, 1),)) for n in range(MOST_NAMED)))
WIDEST = ArrivalReport(LARGEST, LARGEST, LARGEST, (Run(LONG, LARGEST, (0, LARGEST)),))


def feedbacks() -> dict[str, Any]:
    """Everything about feedback. `nameless` datagrams end before their fragment's number does, and are not reported.

    Times of the collector's script are milliseconds of the receiver's clock.
    """
    return {
        "names": [_named(header) for header in HEADERS],
        "nameless": ["0001" + "00" * 7 + fragment for fragment in ("", "40", "800000", "c0000000000000")],
        "valid": [
            _valid("one datagram", ONE),
            _valid("times of every length, and a long handle", TIMES),
            _valid("runs of all types that are reported", SEVERAL),
            _valid("as many datagrams as a report may name", FULL),
            _valid("as many runs as a report may have", MOST_RUNS),
            _valid("the report before is repeated", SEVERAL, ONE),
            _valid("both reports are full", FULL, FULL),
            _valid("the largest integers that all implementations hold", WIDEST),
        ],
        "read": [
            {"why": "integers longer than needed", "reports": [_fields(ONE)], "encoded": LONGER},
        ],
        "invalid": [
            {"why": why, "encoded": data.hex(), "error": error_of(partial(feedback.decode, data))}
            for why, data in BAD.items()
        ],
        "too_large": [[_fields(MOST_RUNS), _fields(MOST_RUNS)], [_fields(ONE)] * 3, []],
        "collected": _collected(),
    }


#: Datagrams whose names are looked for: every type that is reported, handles and fragments of every length.
HEADERS = [
    MediaHeader(handle=7, type=DatagramType.MEDIA, track=1, object=77, flags=0, fragment=0, length=10),
    MediaHeader(
        handle=64,
        type=DatagramType.PARITY,
        track=2,
        object=1 << 31,
        flags=1,
        fragment=64,
        length=70 * MAX_FRAGMENT_PAYLOAD,
    ),
    MediaHeader(
        handle=16_384,
        type=DatagramType.REPAIR,
        track=255,
        object=(1 << 32) - 1,
        flags=15,
        fragment=63,
        length=64 * MAX_FRAGMENT_PAYLOAD,
    ),
    MediaHeader(handle=0, type=DatagramType.PROBE, track=255, object=1, flags=0, fragment=16_384, length=0),
    MediaHeader(handle=1 << 31, type=DatagramType.PROBE, track=0, object=0, flags=0, fragment=1 << 31, length=0),
]

#: ONE with each integer in eight bytes.
LONGER = (
    "000004"
    + "c000000000000000" * 3
    + "c000000000000001"
    + MEDIA.hex()
    + ("c000000000000000" + "c000000000000001" + "c000000000000000")
)


def _named(header: MediaHeader) -> dict[str, Any]:
    data = datagram.encode(header, b"x" * 10)
    name, fragment = feedback.name_of(data)
    return {"datagram": data.hex(), "name": name.hex(), "fragment": fragment}


def _fields(report: ArrivalReport) -> dict[str, Any]:
    runs = [{"name": run.name.hex(), "fragment": run.fragment, "times": list(run.times)} for run in report.runs]
    return {"sequence": report.sequence, "base": report.base, "marked": report.marked, "runs": runs}


def _valid(why: str, *reports: ArrivalReport) -> dict[str, Any]:
    encoded = feedback.encode([feedback.encode_report(report) for report in reports])
    return {"why": why, "reports": [_fields(report) for report in reports], "encoded": encoded.hex()}


def _begun(*parts: bytes) -> bytes:
    """A datagram of parts, of which the first follows the Type."""
    return bytes((0, 0, DatagramType.FEEDBACK)) + b"".join(parts)


def _run(fragment: int, times: list[int], length: int | None = None) -> bytes:
    count = varint.encode(len(times) if length is None else length)
    return MEDIA + varint.encode(fragment) + count + b"".join(map(varint.encode, times))


_ONE = feedback.encode_report(ONE)
_HEAD = bytes((0, 0, 0))
BAD: dict[str, bytes] = {
    "empty": b"",
    "does not begin with zero": bytes((1, 0, DatagramType.FEEDBACK)) + _ONE,
    "a handle": bytes((0, 1, DatagramType.FEEDBACK)) + _ONE,
    "a handle longer than needed": bytes((0, 0x40, 0, DatagramType.FEEDBACK)) + _ONE,
    "another type": bytes((0, 0, DatagramType.PROBE)) + _ONE,
    "no report": _begun(),
    "three reports": _begun(_ONE, _ONE, _ONE),
    "no runs": _begun(_HEAD, b"\0"),
    "more runs than it may have": _begun(_HEAD, varint.encode(65), *[_run(n, [0]) for n in range(65)]),
    "a run of nothing": _begun(_HEAD, b"\1", _run(0, [])),
    "a second run of nothing": _begun(_HEAD, b"\2", _run(0, [0]), _run(1, [])),
    "a run longer than a report may name": _begun(_HEAD, b"\1", _run(0, [0] * 65)),
    "runs that together are": _begun(_HEAD, b"\2", _run(0, [0] * 60), _run(0, [0] * 5)),
    "a length that lies": _begun(_HEAD, b"\1", _run(0, [0] * 3, 4)),
    "a length beyond all bounds": _begun(_HEAD, b"\1", MEDIA, b"\0", varint.encode(LARGEST), b"\0" * 40),
    "a number of runs that lies": _begun(_HEAD, b"\2", _run(0, [0])),
    "a number of runs beyond all bounds": _begun(_HEAD, varint.encode(LARGEST), _run(0, [0])),
    "a first time that is not zero": _begun(_HEAD, b"\1", _run(0, [1])),
    "a byte left over": _begun(_ONE, b"\0"),
    "cut in a time": _begun(_HEAD, b"\1", _run(0, [0, 64]))[:-1],
    "cut in a fragment": _begun(_HEAD, b"\1", MEDIA, b"\x40"),
    "cut in a name": _begun(_HEAD, b"\1", MEDIA[:-1]),
    "cut in a name's handle": _begun(_HEAD, b"\1", LONG[:4]),
    "cut after a name's type": _begun(_HEAD, b"\1", MEDIA[:1]),
    "cut after the number of runs": _begun(_HEAD, b"\1"),
    "cut in the sequence": _begun(b"\x80\0"),
    "cut before the second report's runs": _begun(_ONE, _HEAD),
    "over the limit": _begun(*[_HEAD + b"\1" + _run(0, [0] * 64)] * 2).ljust(MAX_DATAGRAM_PAYLOAD + 1, b"\0"),
}


def _script() -> list[tuple[float, MediaHeader | None]]:
    """(ms, a datagram that arrives; None: somebody asks for feedback). No time is near the edge of a unit."""

    def picture(ms: float, number: int, fragments: range, kind: int = DatagramType.MEDIA, apart: float = 0.1) -> Any:
        size = 40 * MAX_FRAGMENT_PAYLOAD
        return [
            (
                round(ms + apart * place, 2),
                MediaHeader(handle=7, type=kind, track=1, object=number, flags=0, fragment=fragment, length=size),
            )
            for place, fragment in enumerate(fragments)
        ]

    return [
        (999.05, None),
        *picture(1000.05, 1, range(3)),
        (1009.95, None),  # 10 ms are gathered
        (1010.15, None),
        (1010.25, None),  # there is nothing new to say
        *picture(1011.05, 1, range(3, 5)),
        (1029.95, None),  # too soon after the report before, while little arrives
        *picture(1030.05, 2, range(2)),
        *picture(1030.35, 2, range(5, 8)),  # three are missing
        *picture(1030.65, 2, range(2), DatagramType.PARITY),
        *picture(1031.05, 2, range(3, 4), DatagramType.REPAIR),
        *picture(1031.25, 2, range(4, 1, -1)),  # in reverse
        *picture(1055.05, 2, range(9, 11), apart=3.0),
        (1058.45, None),
        *[
            step
            for frame in range(20)
            for step in (
                *picture(1070.05 + 16.7 * frame, 3 + frame, range(23)),
                (round(1083.05 + 16.7 * frame, 2), None),
            )
        ],
        *picture(1500.05, 40, range(23)),
        (1502.45, None),  # not yet, with 23
        *picture(1502.55, 40, range(23, 24)),
        (1502.65, None),  # at once, with 24
        *picture(1503.05, 41, range(1)),
        (1514.95, None),
        (1515.15, None),  # after 12 ms, since much arrived
        (1600.05, MediaHeader(handle=0, type=DatagramType.PROBE, track=255, object=5, flags=0, fragment=0, length=0)),
        (1699.95, None),  # whoever asks late gets all there is
        (
            9000.05,
            MediaHeader(handle=1 << 31, type=DatagramType.MEDIA, track=1, object=50, flags=0, fragment=0, length=10),
        ),
        (
            9005.05,
            MediaHeader(handle=1 << 31, type=DatagramType.MEDIA, track=1, object=50, flags=0, fragment=0, length=10),
        ),  # twice
        (
            9002.05,
            MediaHeader(handle=1 << 31, type=DatagramType.MEDIA, track=1, object=50, flags=0, fragment=1, length=10),
        ),  # a clock that stumbles
        (9030.05, None),
        *picture(9100.05, 51, range(70)),  # more than a report may name
        *[
            (
                9108.05,
                MediaHeader(
                    handle=7, type=DatagramType.MEDIA, track=1, object=60 + n, flags=0, fragment=2 * n, length=1 << 20
                ),
            )
            for n in range(70)
        ],
        *[
            (
                9109.05,
                MediaHeader(
                    handle=1 << 52, type=DatagramType.PROBE, track=1, object=n, flags=0, fragment=1 << 52, length=0
                ),
            )
            for n in range(30)
        ],
        *[(9109.15, None)] * 7,
        (9140.05, None),
        (9140.15, None),
    ]


def _collected() -> list[dict[str, Any]]:
    """Arrivals, and what is said whenever somebody asks: null where nothing is due."""
    collector, out = Collector(), []
    for ms, header in _script():
        now = ms / 1000
        if header is None:
            due = collector.due()
            taken = collector.take(now) if due is not None and due <= now else None
            out.append({"ms": ms, "feedback": None if taken is None else taken.hex()})
        else:
            media = header.type != DatagramType.PROBE and header.object < 50
            data = datagram.encode(header, b"x" * (MAX_FRAGMENT_PAYLOAD if media else 10))
            out.append({"ms": ms, "header": data.rstrip(b"x").hex(), "size": len(data)})
            collector.arrived(data, now)
    return out
