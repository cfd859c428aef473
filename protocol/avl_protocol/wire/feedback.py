"""The feedback datagram: which datagrams a neighbour received, and when (spec 07-rate, 7.1).

Everything is named by (handle, track, object, fragment), so that a relay forwards media unchanged and a browser, which
sees no packet numbers, can answer too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from avl_protocol.wire import varint
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD, CloseCode, DatagramType

#: Seconds of one unit of time in a report.
UNIT = 1e-4
#: Bytes of the shortest datagram of an object.
SHORTEST = 12
#: Datagrams that one report may name, and reports in one datagram.
MOST_NAMED = 64
MOST_REPORTS = 2
#: Bytes of a report's runs, so that two reports always fit a datagram.
MOST_BYTES = 540


@dataclass(frozen=True, slots=True)
class Run:
    """Datagrams of one object that arrived one after the other.

    `name`: Type, handle, track and object as they stood in their headers; `fragment`: the first one's; `times`: their
    arrivals in units since the datagram before, in this run or an earlier one.
    """

    name: bytes
    fragment: int
    times: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArrivalReport:
    """What arrived since the report before. `base` is the first arrival, in units of the receiver's clock; the first
    run's first time is 0. `marked` counts datagrams that carried ECN-CE so far, 0 where that can't be seen."""

    sequence: int
    base: int
    marked: int
    runs: tuple[Run, ...]


def name_of(payload: bytes) -> tuple[bytes, int]:
    """(Type, handle, track and object as one run's name; fragment) of an encoded media datagram; one too
    short to have a header is its own name."""
    if len(payload) < SHORTEST:
        return payload, 0
    kind = 1 + (1 << (payload[1] >> 6))
    name = payload[kind : kind + 1] + payload[1:kind] + payload[kind + 1 : kind + 6]
    if len(payload) > kind + 7 and (first := payload[kind + 7]) < 0x40:
        return name, first
    fragment = varint.decode(payload, kind + 7)
    return (payload, 0) if fragment is None else (name, fragment[0])


def encode_report(report: ArrivalReport) -> bytes:
    """One report, to stand in a datagram or two."""
    parts = [
        varint.encode(report.sequence),
        varint.encode(report.base),
        varint.encode(report.marked),
        varint.encode(len(report.runs)),
    ]
    for run in report.runs:
        parts += (run.name, varint.encode(run.fragment), varint.encode(len(run.times)))
        parts += map(varint.encode, run.times)
    return b"".join(parts)


def encode(reports: Sequence[bytes]) -> bytes:
    """The datagram payload of encoded reports, the newest first."""
    out = bytes((0, 0, DatagramType.FEEDBACK)) + b"".join(reports)
    if len(out) > MAX_DATAGRAM_PAYLOAD or not 0 < len(reports) <= MOST_REPORTS:
        raise LocalProtocolError(f"{len(reports)} reports of {len(out)} bytes don't fit a datagram")
    return out


def decode(payload: bytes) -> list[ArrivalReport]:
    """The reports of a datagram. Raises RemoteProtocolError(PROTOCOL_ERROR) for what no receiver would write."""
    if payload[:3] != bytes((0, 0, DatagramType.FEEDBACK)) or len(payload) > MAX_DATAGRAM_PAYLOAD:
        raise _malformed()
    at, out = 3, []
    try:
        while at < len(payload):
            report, at = _report(payload, at)
            out.append(report)
    except IndexError:
        raise _malformed() from None
    if not 0 < len(out) <= MOST_REPORTS:
        raise _malformed()
    return out


def _report(data: bytes, at: int) -> tuple[ArrivalReport, int]:
    sequence, at = _integer(data, at)
    base, at = _integer(data, at)
    marked, at = _integer(data, at)
    count, at = _integer(data, at)
    runs, named = [], 0
    if not 0 < count <= MOST_NAMED:
        raise _malformed()
    for _ in range(count):
        stop = at + 6 + (1 << (data[at + 1] >> 6))
        name = data[at:stop]
        fragment, at = _integer(data, stop)
        length, at = _integer(data, at)
        named += length
        if not length or named > MOST_NAMED:
            raise _malformed()
        times = tuple(data[at : at + length])
        if len(times) == length and max(times) < 0x40:  # a byte each, as nearly all are
            at += length
        else:
            times, at = _times(data, at, length)
        runs.append(Run(name, fragment, times))
    if runs[0].times[0]:
        raise _malformed()
    return ArrivalReport(sequence, base, marked, tuple(runs)), at


def _times(data: bytes, at: int, count: int) -> tuple[tuple[int, ...], int]:
    times = []
    for _ in range(count):
        time, at = _integer(data, at)
        times.append(time)
    return tuple(times), at


def _integer(data: bytes, at: int) -> tuple[int, int]:
    first = data[at]
    size = 1 << (first >> 6)
    if at + size > len(data):
        raise _malformed()
    return int.from_bytes(data[at : at + size], "big") & ((1 << (8 * size - 2)) - 1), at + size


def _malformed() -> RemoteProtocolError:
    return RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "malformed feedback")
