"""Deadlines: the earliest of many, whatever was set anew or dropped meanwhile."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.session.deadlines import SPARE, Deadlines

KEYS = st.integers(0, 5)
STEPS = st.lists(st.tuples(KEYS, st.one_of(st.none(), st.integers(0, 20).map(float))), max_size=200)


@given(STEPS, st.integers(0, 20).map(float))
def test_the_earliest_is_that_of_a_plain_table(steps: list[tuple[int, float | None]], now: float) -> None:
    deadlines: Deadlines[int] = Deadlines()
    table: dict[int, float] = {}
    for key, at in steps:
        deadlines.set(key, at)
        if at is None:
            table.pop(key, None)
        else:
            table[key] = at
        assert deadlines.next_timeout() == min(table.values(), default=None)
    due = deadlines.expired(now)
    assert sorted(due) == sorted((key, at) for key, at in table.items() if at <= now)
    assert [at for _, at in due] == sorted(at for _, at in due)
    assert len(deadlines) == len(table) - len(due) and deadlines.expired(now) == []


def test_equal_deadlines_come_in_the_order_in_which_they_were_set() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for key in ("first", "second", "third"):
        deadlines.set(key, 1.0)
    deadlines.set("second", 2.0)
    deadlines.set("second", 1.0)
    assert deadlines.expired(1.0) == [("first", 1.0), ("third", 1.0), ("second", 1.0)]


def test_a_deadline_that_is_moved_all_the_time_keeps_nothing_behind() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("kept", 5e9)
    for at in range(10_000):
        deadlines.set("moving", 1e9 + at)
        assert deadlines.entries <= 2 * 2 + SPARE + 1
    deadlines.drop("moving")
    assert deadlines.next_timeout() == 5e9
