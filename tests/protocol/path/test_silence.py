"""Silence: when a path is asked, when it counts as gone, and when as back."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.path.silence import Silence, Verdict
from avl_protocol.wire.registry import T_PATH_ANSWER_DELAY, T_PATH_IDLE_ASK, T_PATH_REPEAT, T_PATH_UNANSWERED, T_SILENCE

FINE, ASK, SILENT = Verdict.FINE, Verdict.ASK, Verdict.SILENT


def test_a_busy_way_is_asked_after_a_tenth_of_a_second_and_silent_after_another() -> None:
    watch = Silence()
    watch.busy(10.0)
    assert watch.look(10.09, 10.0, 10.0, True, 0.01) is FINE and not watch.silent
    assert watch.look(10.0 + T_SILENCE, 10.0, 10.0, True, 0.01) is ASK and not watch.silent
    assert watch.look(10.19, 10.0, 10.0, True, 0.01) is FINE and not watch.silent
    assert watch.look(10.1 + T_SILENCE, 10.0, 10.0, True, 0.01) is SILENT and watch.silent


def test_a_way_from_which_something_comes_but_no_answer_is_asked_and_silent_until_it_answers() -> None:
    watch = Silence()
    watch.busy(10.0)
    ask = 10.0 + T_PATH_UNANSWERED + T_SILENCE
    assert watch.look(ask - 0.01, ask - 0.02, 10.0, True, 0.01) is FINE
    assert watch.look(ask, ask - 0.01, 10.0, True, 0.01) is ASK
    assert watch.look(ask + 0.19, ask + 0.18, 10.0, True, 0.01) is FINE and not watch.silent
    assert watch.look(ask + 0.2, ask + 0.18, 10.0, True, 0.01) is SILENT
    assert watch.look(ask + 0.25, ask + 0.24, 10.0, True, 0.01) is FINE and watch.silent
    assert watch.look(ask + 0.31, ask + 0.3, 10.0, True, 0.01) is ASK and watch.silent, "something came: at once"
    assert watch.look(ask + 0.33, ask + 0.33, ask + 0.33, True, 0.01) is FINE and not watch.silent


def test_an_answer_that_was_lost_has_time_to_be_repeated_where_something_comes() -> None:
    watch = Silence()
    watch.busy(10.0)
    assert watch.look(10.1, 10.0, 10.0, True, 0.04) is ASK
    assert watch.look(10.21, 10.2, 10.0, True, 0.04) is FINE
    assert watch.look(10.29, 10.28, 10.27, True, 0.04) is FINE and not watch.silent
    assert watch.next_timeout(10.28, 10.27, 0.04) == pytest.approx(10.28 + T_SILENCE)


def test_an_idle_way_is_asked_now_and_then_and_given_as_long_to_answer() -> None:
    watch = Silence()
    assert watch.next_timeout(10.0, 10.0, 0.01) == 10.0 + T_PATH_IDLE_ASK
    assert watch.look(12.4, 10.0, 10.0, False, 0.01) is FINE
    assert watch.look(12.5, 10.0, 10.0, False, 0.01) is ASK
    assert watch.look(12.55, 10.0, 10.0, False, 0.01) is FINE
    assert watch.look(12.6, 10.0, 10.0, False, 0.01) is SILENT


def test_an_idle_way_from_which_something_comes_is_not_asked_until_it_is_busy() -> None:
    """A beacon comes each second: a still screen needs no further packets."""
    watch = Silence()
    for second in range(1, 60):
        assert watch.look(second + 0.99, float(second), 0.0, False, 0.01) is FINE
    watch.busy(60.0)
    assert watch.look(60.0 + T_SILENCE, 60.0, 0.0, True, 0.01) is ASK


@pytest.mark.parametrize(("rtt", "patience"), [(None, 0.1), (0.04, 0.1), (0.0466, 0.1), (0.1, 0.18), (0.4, 0.63)])
def test_a_long_way_is_given_one_and_a_half_round_trips_and_thirty_milliseconds(
    rtt: float | None, patience: float
) -> None:
    watch = Silence()
    watch.busy(0.0)
    assert watch.next_timeout(0.0, 0.0, rtt) == pytest.approx(patience)
    assert T_PATH_ANSWER_DELAY == 0.03
    assert watch.look(patience - 0.001, 0.0, 0.0, True, rtt) is FINE
    assert watch.look(patience + 0.001, 0.0, 0.0, True, rtt) is ASK
    assert watch.look(2 * patience, 0.0, 0.0, True, rtt) is FINE
    assert watch.look(2 * patience + 0.002, 0.0, 0.0, True, rtt) is SILENT


def test_a_way_that_becomes_busy_is_judged_from_then_on() -> None:
    watch = Silence()
    watch.busy(12.0)  # nothing came for two seconds, since there was nothing to come
    assert watch.next_timeout(10.0, 10.0, 0.01) == 12.0 + T_SILENCE
    assert watch.look(12.05, 10.0, 10.0, True, 0.01) is FINE
    assert watch.look(12.1, 10.0, 10.0, True, 0.01) is ASK


def test_a_way_that_is_no_longer_busy_waits_as_an_idle_one() -> None:
    watch = Silence()
    watch.busy(10.0)
    assert watch.look(10.05, 10.0, 10.0, False, 0.01) is FINE
    assert watch.next_timeout(10.0, 10.0, 0.01) == 10.0 + T_PATH_IDLE_ASK


def test_an_answer_in_time_is_all_that_was_asked_for() -> None:
    watch = Silence()
    watch.busy(10.0)
    assert watch.look(10.1, 10.0, 10.0, True, 0.01) is ASK
    assert watch.look(10.15, 10.12, 10.12, True, 0.01) is FINE
    assert watch.next_timeout(10.12, 10.12, 0.01) == pytest.approx(10.12 + T_SILENCE)
    assert watch.look(10.23, 10.12, 10.12, True, 0.01) is ASK and not watch.silent


def test_what_came_before_the_question_is_no_answer() -> None:
    watch = Silence()
    watch.busy(10.0)
    assert watch.look(10.1, 10.0, 10.0, True, 0.01) is ASK
    assert watch.look(10.2, 10.1, 10.1, True, 0.01) is SILENT


def test_a_silent_way_is_asked_four_times_a_second_until_it_answers() -> None:
    watch = Silence()
    watch.busy(0.0)
    asked = []
    now = 0.0
    while now < 5.0:
        now = watch.next_timeout(0.0, 0.0, 0.01)
        if watch.look(now, 0.0, 0.0, True, 0.01) is not FINE:
            asked.append(now)
    assert [round(b - a, 6) for a, b in pairwise(asked[1:])] == [T_PATH_REPEAT] * (len(asked) - 2)
    assert watch.silent
    assert watch.look(5.01, 5.005, 5.005, True, 0.01) is FINE and not watch.silent
    assert watch.next_timeout(5.005, 5.005, 0.01) == pytest.approx(5.005 + T_SILENCE)


def test_a_way_falls_silent_again_and_is_told_so_again() -> None:
    watch = Silence()
    watch.busy(0.0)
    assert [watch.look(at, 0.0, 0.0, True, None) for at in (0.1, 0.2)] == [ASK, SILENT]
    assert watch.look(0.3, 0.29, 0.29, True, None) is FINE
    assert [watch.look(at, 0.29, 0.29, True, None) for at in (0.39, 0.49)] == [ASK, SILENT]


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans(), st.booleans()), max_size=60), st.floats(0.0, 0.5))
def test_whatever_happens_the_next_look_is_never_put_off_for_ever(
    steps: list[tuple[float, bool, bool]], rtt: float
) -> None:
    watch, now, heard = Silence(), 0.0, 0.0
    for pause, hears, busy in steps:
        now += pause
        heard = now if hears else heard
        verdict = watch.look(now, heard, heard, busy, rtt)
        assert watch.next_timeout(heard, heard, rtt) <= now + max(
            T_PATH_IDLE_ASK, 2 * (1.5 * rtt + T_PATH_ANSWER_DELAY)
        )
        assert verdict is not SILENT or watch.silent
        assert not (hears and watch.silent), "it has just been heard"
