"""Hours of a week at a place, summer time included."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.rights.hours import Hours

BERLIN = ZoneInfo("Europe/Berlin")


def at(*moment: int) -> float:
    return datetime(*moment, tzinfo=BERLIN).timestamp()  # type: ignore[misc,arg-type]


OFFICE = Hours("Europe/Berlin", tuple((day, 9 * 60, 17 * 60) for day in range(5)))


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ((2026, 11, 27, 9, 0), True),
        ((2026, 11, 27, 8, 59), False),
        ((2026, 11, 27, 16, 59), True),
        ((2026, 11, 27, 17, 0), False),
        ((2026, 11, 28, 12, 0), False),
    ],
)
def test_hours_are_those_of_the_place(moment: tuple[int, ...], is_open: bool) -> None:
    assert OFFICE.open_at(at(*moment)) is is_open


def test_the_end_of_an_open_time_is_known_to_the_second() -> None:
    assert OFFICE.closes(at(2026, 11, 27, 16, 59, 59)) == at(2026, 11, 27, 17, 0)
    assert OFFICE.closes(at(2026, 11, 23, 9, 0)) == at(2026, 11, 23, 17, 0)


def test_times_that_touch_are_one() -> None:
    night = Hours("Europe/Berlin", ((4, 20 * 60, 1440), (5, 0, 6 * 60)))
    assert night.closes(at(2026, 11, 27, 23, 0)) == at(2026, 11, 28, 6, 0)


def test_always_never_closes() -> None:
    assert Hours("UTC", tuple((day, 0, 1440) for day in range(7))).closes(1_800_000_000) is None


def test_an_hour_that_summer_time_skips_ends_where_the_clocks_jump() -> None:
    early = Hours("Europe/Berlin", ((6, 0, 2 * 60 + 30),))  # on 28 March 2027 two o'clock is three
    assert early.closes(at(2027, 3, 28, 1, 0)) == at(2027, 3, 28, 3, 0)


def test_an_hour_that_comes_twice_ends_the_second_time_too() -> None:
    hours = Hours("Europe/Berlin", ((6, 0, 2 * 60 + 30),))  # on 25 October 2026 two o'clock comes twice
    first = at(2026, 10, 25, 2, 30)
    assert hours.closes(at(2026, 10, 25, 1, 0)) == first
    again = first + 1800
    assert hours.open_at(again)
    assert hours.closes(again) == first + 3600


@pytest.mark.parametrize(("zone", "rows"), [("UTC", ()), ("UTC", ((0, 5, 5),)), ("Mars/Base", ((0, 0, 1),))])
def test_what_are_no_hours(zone: str, rows: tuple[tuple[int, int, int], ...]) -> None:
    with pytest.raises(ValueError, match=r"hours|zone"):
        Hours(zone, rows)


rows = st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440)).map(
    lambda row: (row[0], min(row[1], row[2] - 1), row[2])
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(rows, min_size=1, max_size=5),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.integers(1_700_000_000, 1_900_000_000),
)
def test_it_stays_open_until_it_closes(given_rows: list[tuple[int, int, int]], zone: str, wall: int) -> None:
    hours = Hours(zone, tuple(given_rows))
    if not hours.open_at(wall):
        return
    end = hours.closes(wall)
    assert end is None or (end > wall and not hours.open_at(end))
    last = wall + 9 * 86_400 if end is None else end
    step = max(60.0, (last - wall) / 200)
    moment = float(wall)
    while moment < last:
        assert hours.open_at(moment)
        moment += step
    assert end is None or hours.open_at(end - 1)


@given(st.lists(rows, min_size=1, max_size=4), st.lists(rows, min_size=1, max_size=4))
def test_hours_within_others_are_never_open_alone(
    one: list[tuple[int, int, int]], other: list[tuple[int, int, int]]
) -> None:
    inner, outer = Hours("UTC", tuple(one)), Hours("UTC", tuple(one + other))
    assert inner.within(outer)
    assert outer.within(inner) == inner.within(outer) or not outer.within(inner)
    assert not inner.within(Hours("Europe/Berlin", tuple(one)))
