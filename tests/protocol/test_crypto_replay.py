"""The sliding window accepts each number once, against a model that remembers everything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.crypto.replay import ReplayWindow


@given(st.lists(st.integers(0, 60), max_size=200), st.integers(1, 20))
def test_each_number_is_accepted_once_and_old_ones_never(numbers: list[int], size: int) -> None:
    window, seen, top = ReplayWindow(size), set[int](), -1
    for number in numbers:
        expected = number not in seen and number > top - size
        assert window.fresh(number) == expected
        assert window.accept(number) == expected
        if expected:
            seen.add(number)
            top = max(top, number)


def test_a_leap_forgets_all_that_was_before() -> None:
    window = ReplayWindow(512)
    assert all(window.accept(number) for number in range(600))
    assert window.accept(4_000_000_000)
    assert not window.accept(599)
    assert not window.accept(4_000_000_000 - 512)
    assert window.accept(4_000_000_000 - 511)
