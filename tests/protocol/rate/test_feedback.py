"""The feedback datagram: what is written is read, whatever comes is feedback or refused, and the vectors hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.rate.collector import Collector
from avl_protocol.rate.hop import HopRate
from avl_protocol.wire import feedback
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.feedback import MOST_NAMED, MOST_REPORTS, ArrivalReport, Run
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD, CloseCode, DatagramType
from spec.vectors import feedback_cases
from tests.protocol.rate.arrivals import Credulous, fed, integers, media, reports, worded

BEGINNING = bytes((0, 0, DatagramType.FEEDBACK))
VECTORS: Any = json.loads((Path(feedback_cases.__file__).parent / "feedback.json").read_text("utf-8"))


def read(payload: bytes) -> list[ArrivalReport] | None:
    """The reports, None where they are refused; nothing else may happen."""
    try:
        found = feedback.decode(payload)
    except RemoteProtocolError as error:
        assert error.code is CloseCode.PROTOCOL_ERROR
        return None
    assert 0 < len(found) <= MOST_REPORTS
    for report in found:
        assert 0 < sum(len(run.times) for run in report.runs) <= MOST_NAMED
        assert all(run.times for run in report.runs)
        assert report.runs[0].times[0] == 0
    return found


@given(st.lists(reports(), min_size=1, max_size=MOST_REPORTS))
def test_reports_that_fit_a_datagram_are_read_as_they_were_written(made: list[ArrivalReport]) -> None:
    encoded = [feedback.encode_report(report) for report in made]
    if len(BEGINNING) + sum(map(len, encoded)) > MAX_DATAGRAM_PAYLOAD:
        with pytest.raises(LocalProtocolError):
            feedback.encode(encoded)
    else:
        assert feedback.decode(feedback.encode(encoded)) == made


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=1200)), st.booleans())
def test_any_bytes_are_feedback_or_refused(data: bytes, begun: bool) -> None:
    read(BEGINNING + data if begun else data)


@given(reports(), st.data())
def test_damaged_feedback_is_feedback_or_refused(report: ArrivalReport, data: st.DataObject) -> None:
    whole = bytearray(BEGINNING + feedback.encode_report(report))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(whole))


@given(reports())
def test_feedback_cut_anywhere_is_refused(report: ArrivalReport) -> None:
    whole = BEGINNING + feedback.encode_report(report)
    assert len(whole) > MAX_DATAGRAM_PAYLOAD or read(whole) == [report]
    assert all(read(whole[:size]) is None for size in range(len(whole)))


@pytest.mark.parametrize("count", [0, 3])
def test_no_more_reports_are_written_than_are_read(count: int) -> None:
    with pytest.raises(LocalProtocolError):
        fed(*[feedback_cases.ONE] * count)


@given(
    st.integers(0, 255),
    integers,
    st.integers(0, 255),
    st.integers(0, (1 << 32) - 1),
    integers,
    st.binary(min_size=1, max_size=20),
)
def test_a_datagram_is_named_by_its_header_and_not_by_what_it_carries(
    kind: int, handle: int, track: int, number: int, fragment: int, rest: bytes
) -> None:
    name, found = feedback.name_of(worded(kind, handle, track, number, fragment, rest))
    assert found == fragment
    assert (name, found) == feedback.name_of(worded(kind, handle, track, number, fragment))
    assert feedback.decode(fed(ArrivalReport(0, 0, 0, (Run(name, found, (0,)),))))[0].runs[0].name == name
    others = [
        worded(kind ^ 1, handle, track, number, fragment),
        worded(kind, handle ^ 1, track, number, fragment),
        worded(kind, handle, track ^ 1, number, fragment),
        worded(kind, handle, track, number ^ 1, fragment),
    ]
    assert name not in [feedback.name_of(other)[0] for other in others]
    assert feedback.name_of(worded(kind, handle, track, number, fragment ^ 1)) == (name, fragment ^ 1)


# -- vectors


def report_of(fields: dict[str, Any]) -> ArrivalReport:
    runs = tuple(Run(bytes.fromhex(run["name"]), run["fragment"], tuple(run["times"])) for run in fields["runs"])
    return ArrivalReport(fields["sequence"], fields["base"], fields["marked"], runs)


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(RemoteProtocolError) as raised:
        call()
    return raised.value.code.name


def test_the_vectors_of_reports() -> None:
    for case in (*VECTORS["valid"], *VECTORS["read"]):
        assert feedback.decode(bytes.fromhex(case["encoded"])) == list(map(report_of, case["reports"])), case["why"]
    for case in VECTORS["valid"]:
        assert fed(*map(report_of, case["reports"])).hex() == case["encoded"], case["why"]
    for case in VECTORS["invalid"]:
        data = bytes.fromhex(case["encoded"])
        assert refusal(lambda data=data: feedback.decode(data)) == case["error"], case["why"]  # type: ignore[misc]
    for many in VECTORS["too_large"]:
        with pytest.raises(LocalProtocolError):
            fed(*map(report_of, many))


def test_the_vectors_of_names() -> None:
    for case in VECTORS["names"]:
        found = feedback.name_of(bytes.fromhex(case["datagram"]))
        assert found == (bytes.fromhex(case["name"]), case["fragment"])


def test_the_vectors_of_what_has_no_name() -> None:
    hop = HopRate(Credulous())
    for text in VECTORS["nameless"]:
        hop.datagram_received(bytes.fromhex(text), 1.0)
        assert hop.wakes_at() is None, text
    hop.datagram_received(media(1), 1.0)
    assert hop.wakes_at() is not None


def test_the_vectors_of_a_collector() -> None:
    collector = Collector()
    for step in VECTORS["collected"]:
        now = step["ms"] / 1000
        if "feedback" in step:
            due = collector.due()
            taken = collector.take(now) if due is not None and due <= now else None
            assert (taken.hex() if taken else None) == step["feedback"], step["ms"]
        else:
            collector.arrived(bytes.fromhex(step["header"]).ljust(step["size"], b"x"), now)
