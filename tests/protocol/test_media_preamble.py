"""What stands before the bitstream inside the seal, and the clock its times are read by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.media import preamble
from avl_protocol.media.clock import ClockOffset
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.media.preamble import Preamble
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import CELL, MAX_DIRTY_RECTS, CloseCode
from tests.protocol.messages import damaged

INTEGERS = st.integers(0, (1 << 62) - 1)
RECTS = st.lists(st.builds(Rect, INTEGERS, INTEGERS, INTEGERS, INTEGERS), max_size=MAX_DIRTY_RECTS).map(tuple)
SIDES = st.integers(1, 16384)
ALL: dict[str, st.SearchStrategy[Any]] = {
    "group": INTEGERS,
    "captured_us": INTEGERS,
    "input_echo_us": INTEGERS,
    "dirty": RECTS,
}


@st.composite
def places(draw: st.DrawFn) -> tuple[tuple[int, int], Rect]:
    """A desktop, and a part of it that begins and ends at cells or at its edge."""
    sides, starts, lengths = [], [], []
    for _ in range(2):
        side = draw(SIDES)
        edges = [*range(0, side, CELL), side]
        start = draw(st.integers(0, len(edges) - 2))
        sides.append(side)
        starts.append(edges[start])
        lengths.append(edges[draw(st.integers(start + 1, len(edges) - 1))] - edges[start])
    return (sides[0], sides[1]), Rect(*starts, *lengths)


@st.composite
def keys(draw: st.DrawFn) -> Preamble:
    """The preamble of a key object."""
    desktop, place = draw(places())
    return Preamble(
        **{name: draw(values) for name, values in ALL.items()},
        depends=None,
        codec=draw(st.text("abcdefABCDEF.0123456789", max_size=30)),
        width=draw(SIDES),
        height=draw(SIDES),
        chroma=draw(st.sampled_from(Chroma)),
        desktop=desktop,
        place=place,
    )


KEYS = keys()
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


#: A key object of a desktop whose right and lower cells are smaller, and of a part of it that ends there.
KEY = Preamble(
    group=1,
    captured_us=2,
    input_echo_us=0,
    depends=None,
    codec="avc1",
    width=50,
    height=40,
    desktop=(50, 40),
    place=Rect(16, 16, 34, 24),
)


@pytest.mark.parametrize(
    "place",
    [
        Rect(0, 0, 0, 16),
        Rect(0, 0, 16, 0),
        Rect(1, 0, 15, 16),
        Rect(0, 15, 16, 17),
        Rect(0, 0, 17, 16),
        Rect(0, 0, 16, 39),
        Rect(0, 0, 64, 16),
        Rect(0, 32, 16, 16),
        Rect(64, 0, 16, 16),
    ],
    ids=str,
)
def test_a_picture_of_what_is_no_part_of_the_desktop_is_refused(place: Rect) -> None:
    assert preamble.decode(preamble.encode(KEY, b""))[0] == KEY
    with pytest.raises(RemoteProtocolError) as refused:
        preamble.decode(preamble.encode(replace(KEY, place=place), b""))
    assert refused.value.code is CloseCode.SESSION_PROTOCOL


@pytest.mark.parametrize(
    ("rect", "within"),
    [
        (KEY.place, True),
        (Rect(16, 16, 16, 16), True),
        (Rect(48, 32, 2, 8), True),
        (Rect(0, 16, 16, 16), False),
        (Rect(16, 0, 16, 32), False),
        (Rect(17, 16, 15, 16), False),
        (Rect(16, 16, 15, 16), False),
        (Rect(16, 16, 0, 16), False),
        (Rect(32, 16, 32, 16), False),
    ],
    ids=str,
)
def test_what_is_shown_of_a_picture_are_cells_of_its_place(rect: Rect, within: bool) -> None:
    assert preamble.shows(replace(KEY, dirty=(KEY.place, rect)), KEY) == within
    later = Preamble(group=1, captured_us=3, input_echo_us=0, depends=0, dirty=(rect,))
    assert preamble.shows(later, KEY) == within, "as the key object of the group said"


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
