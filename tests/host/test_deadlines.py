"""The earliest of many deadlines is known without asking everybody."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from avl_host.deadlines import SLACK, Deadlines


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 20))), max_size=60))
def test_the_earliest_is_that_of_a_table_whatever_was_set_before(calls: list[tuple[int, int | None]]) -> None:
    deadlines: Deadlines[int] = Deadlines()
    table: dict[int, int] = {}
    for who, at in calls:
        deadlines.set(who, at)
        if at is None:
            table.pop(who, None)
        else:
            table[who] = at
        assert deadlines.next_timeout() == min(table.values(), default=None)
    due = deadlines.expired(10)
    assert sorted(due) == sorted(who for who, at in table.items() if at <= 10)
    assert [table[who] for who in due] == sorted(table[who] for who in due)
    assert deadlines.next_timeout() == min((at for at in table.values() if at > 10), default=None)


def test_deadlines_that_move_all_the_time_take_no_more_and_more_room() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for at in range(10_000):
        deadlines.set("beacon", 1.0)
        deadlines.set("hand", at + 2.0)
        assert deadlines.next_timeout() == 1.0
        assert len(deadlines) <= 2 * 2 + SLACK
    assert deadlines.expired(20_000.0) == ["beacon", "hand"]
