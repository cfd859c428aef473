"""What stands before the bitstream inside the seal, and the clock its times are read by."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.media import preamble
from avl_protocol.media.clock import ClockOffset
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.media.preamble import Preamble
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_DIRTY_RECTS, CloseCode
from tests.protocol.messages import damaged

INTEGERS = st.integers(0, (1 << 62) - 1)
RECTS = st.lists(st.builds(Rect, INTEGERS, INTEGERS, INTEGERS, INTEGERS), max_size=MAX_DIRTY_RECTS).map(tuple)
SIDES = st.integers(1, 16384)
ALL: dict[str, st.SearchStrategy[Any]] = {
    "group": INTEGERS,
    "captured_us": INTEGERS,
    "input_echo_us": INTEGERS,
    "settled": st.booleans(),
    "dirty": RECTS,
}
KEYS = st.builds(
    Preamble,
    **ALL,
    depends=st.none(),
    codec=st.text("abcdefABCDEF.0123456789", max_size=30),
    width=SIDES,
    height=SIDES,
    chroma=st.sampled_from(Chroma),
)
DELTAS = st.builds(Preamble, **ALL, depends=INTEGERS)


@given(st.one_of(KEYS, DELTAS), st.binary(max_size=50))
def test_a_preamble_reads_back_and_leaves_the_bitstream(value: Preamble, bitstream: bytes) -> None:
    read, rest = preamble.decode(preamble.encode(value, bitstream))
    assert read == value
    assert bytes(rest) == bitstream
    assert read.key == (value.depends is None)


@given(st.one_of(KEYS, DELTAS), st.data())
def test_a_damaged_preamble_is_another_one_or_the_peers_error(value: Preamble, data: st.DataObject) -> None:
    raw = data.draw(damaged(preamble.encode(value, b"")))
    try:
        preamble.decode(raw)
    except RemoteProtocolError as error:
        assert error.code is CloseCode.SESSION_PROTOCOL


@given(st.binary(max_size=120))
def test_any_plaintext_is_read_or_refused(raw: bytes) -> None:
    try:
        preamble.decode(raw)
    except RemoteProtocolError as error:
        assert error.code is CloseCode.SESSION_PROTOCOL


def test_too_many_rectangles_are_refused_on_both_sides() -> None:
    rects = (Rect(1, 1, 1, 1),) * (MAX_DIRTY_RECTS + 1)
    with pytest.raises(LocalProtocolError):
        preamble.encode(Preamble(group=1, captured_us=1, input_echo_us=1, depends=0, dirty=rects), b"")
    raw = bytearray(preamble.encode(Preamble(group=1, captured_us=1, input_echo_us=1, depends=0, dirty=rects[:1]), b""))
    raw[5] = MAX_DIRTY_RECTS + 1
    with pytest.raises(RemoteProtocolError):
        preamble.decode(bytes(raw))


# -- the clock ---------------------------------------------------------------------------------------------------------


@given(
    st.floats(-1e6, 1e6),
    st.lists(st.tuples(st.floats(0.0005, 0.5), st.floats(0.0005, 0.5)), min_size=1, max_size=40),
)
def test_the_offset_is_within_half_the_best_round_trip(offset: float, delays: list[tuple[float, float]]) -> None:
    clock = ClockOffset()
    now = 100.0
    for there, back in delays:
        clock.sample(now, now + there + offset, now + there + back)
        now += 1.0
    assert clock.offset is not None and clock.error is not None
    best = min(there + back for there, back in delays[-16:])
    assert clock.error <= best / 2 + 1e-6
    assert abs(clock.offset - offset) <= best / 2 + 1e-6
    assert clock.from_host(clock.to_host(5.0)) == pytest.approx(5.0, abs=1e-6)


def test_before_any_sample_times_are_taken_as_they_are() -> None:
    clock = ClockOffset()
    assert clock.offset is None and clock.error is None
    assert clock.to_host(7.0) == 7.0


def test_a_one_way_guess_gives_way_to_the_first_exchange() -> None:
    clock = ClockOffset()
    clock.seed(110.0, 10.0)
    assert clock.to_host(10.0) == 110.0
    clock.sample(20.0, 120.5, 20.2)
    assert clock.offset == pytest.approx(100.4)
    clock.seed(0.0, 50.0)
    assert clock.offset == pytest.approx(100.4)


def test_an_answer_from_before_the_question_is_no_sample() -> None:
    clock = ClockOffset()
    clock.sample(20.0, 100.0, 19.0)
    assert clock.offset is None


def test_old_exchanges_are_forgotten_so_that_drift_is_followed() -> None:
    clock = ClockOffset(window=4)
    clock.sample(0.0, 100.0, 0.001)
    for at in range(1, 5):
        clock.sample(float(at), at + 101.0, at + 0.1)
    assert clock.offset == pytest.approx(100.95)
