"""The choice of a path: better by enough, for long enough, and never to and fro."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.path.selector import PathFigures, PathKind, Selector
from avl_protocol.wire.registry import T_PATH_FORGIVEN, T_PATH_LAST_PROOF, T_PATH_PATIENCE

LAN, DIRECT, RELAY, TCP = PathKind.LAN, PathKind.DIRECT, PathKind.RELAY, PathKind.TCP
RTTS = st.floats(0.0005, 0.6)


def path(name: str, kind: PathKind, rtt: float | None, *, loss: float = 0.0, silent: bool = False) -> PathFigures:
    return PathFigures(name=name, kind=kind, rtt=rtt, loss=loss, silent=silent)


def chosen(selector: Selector, current: str | None, now: float, *paths: PathFigures) -> str:
    return str(selector.choose(current, paths, now))


def since(
    selector: Selector, current: str, start: float, seconds: float, *paths: PathFigures
) -> list[tuple[float, str]]:
    """Changes of path while the figures stand, as (seconds since the start, name)."""
    out, step = [], 0
    while step * 0.05 <= seconds:
        name = chosen(selector, current, start + step * 0.05, *paths)
        if name != current:
            out.append((round(step * 0.05, 3), name))
            current = name
        step += 1
    return out


def test_a_direct_way_is_taken_at_once_if_it_is_not_much_slower() -> None:
    relay = path("relay", RELAY, 0.04)
    assert chosen(Selector(), "relay", 0.0, relay, path("direct", DIRECT, 0.03)) == "direct"
    assert chosen(Selector(), "relay", 0.0, relay, path("direct", DIRECT, 0.055)) == "direct"
    assert chosen(Selector(), "relay", 0.0, relay, path("direct", DIRECT, 0.07)) == "relay"


def test_tcp_is_left_for_a_relay_that_works() -> None:
    tcp = path("tcp", TCP, 0.04)
    assert chosen(Selector(), "tcp", 0.0, tcp, path("relay", RELAY, 0.05)) == "relay"
    assert chosen(Selector(), "relay", 0.0, tcp, path("relay", RELAY, 0.05)) == "relay"


def test_a_quicker_way_of_no_better_kind_needs_two_seconds() -> None:
    paths = path("slow", RELAY, 0.2), path("quick", RELAY, 0.05)
    assert since(Selector(), "slow", 0.0, 10.0, *paths) == [(T_PATH_PATIENCE, "quick")]


@pytest.mark.parametrize("rtt", [0.1, 0.08, 0.066])
def test_a_little_quicker_is_not_worth_a_change(rtt: float) -> None:
    assert since(Selector(), "one", 0.0, 30.0, path("one", RELAY, 0.1), path("other", RELAY, rtt)) == []


def test_a_lead_that_breaks_off_begins_anew() -> None:
    selector = Selector()
    slow, quick, even = path("slow", RELAY, 0.2), path("quick", RELAY, 0.05), path("quick", RELAY, 0.19)
    assert since(selector, "slow", 0.0, 1.9, slow, quick) == []
    assert chosen(selector, "slow", 1.95, slow, even) == "slow"
    assert since(selector, "slow", 2.0, 1.9, slow, quick) == []


def test_two_better_ways_that_take_turns_at_being_best_do_not_keep_us_on_a_bad_one() -> None:
    selector, current = Selector(), "bad"
    for step in range(100):
        a, b = (0.03, 0.04) if step % 2 else (0.04, 0.03)
        current = chosen(
            selector, current, step * 0.1, path("bad", RELAY, 0.3), path("a", RELAY, a), path("b", RELAY, b)
        )
    assert current in ("a", "b")


def test_a_silent_way_is_left_at_once_for_the_best_of_the_others() -> None:
    gone = path("direct", DIRECT, 0.02, silent=True)
    assert chosen(Selector(), "direct", 0.0, gone, path("tcp", TCP, 0.05), path("relay", RELAY, 0.06)) == "relay"


def test_where_all_are_silent_there_is_nowhere_to_go() -> None:
    both = path("direct", DIRECT, 0.02, silent=True), path("relay", RELAY, 0.02, silent=True)
    assert chosen(Selector(), "direct", 0.0, *both) == "direct"
    assert Selector().choose(None, both, 0.0) is None and Selector().choose(None, (), 0.0) is None


def test_a_lossy_way_counts_as_slower() -> None:
    paths = path("lossy", DIRECT, 0.03, loss=0.1), path("clean", RELAY, 0.03)
    assert since(Selector(), "lossy", 0.0, 10.0, *paths) == [(T_PATH_PATIENCE, "clean")]


def test_a_way_that_was_never_measured_is_not_thought_quick() -> None:
    assert chosen(Selector(), "relay", 0.0, path("relay", RELAY, 0.05), path("direct", DIRECT, None)) == "relay"


# -- failures ----------------------------------------------------------------------------------------------------------


def test_each_failure_doubles_how_long_the_next_has_to_prove_itself() -> None:
    selector, proofs = Selector(), []
    for at in range(9):
        selector.failed(DIRECT, float(at))
        proofs.append(selector.proof(DIRECT, float(at)))
    assert proofs == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, T_PATH_LAST_PROOF, T_PATH_LAST_PROOF, T_PATH_LAST_PROOF]
    assert selector.proof(RELAY, 8.0) == selector.proof(LAN, 8.0) == 0.0


def test_failures_are_forgotten_after_two_minutes_without_one() -> None:
    selector = Selector()
    selector.failed(DIRECT, 0.0)
    selector.failed(DIRECT, T_PATH_FORGIVEN)
    assert selector.proof(DIRECT, T_PATH_FORGIVEN) == 2.0
    assert selector.proof(DIRECT, 2 * T_PATH_FORGIVEN + 1.0) == 0.0
    selector.failed(DIRECT, 2 * T_PATH_FORGIVEN + 1.0)
    assert selector.proof(DIRECT, 2 * T_PATH_FORGIVEN + 1.0) == 1.0


def test_a_way_that_has_failed_is_taken_again_when_it_has_answered_for_long_enough() -> None:
    selector = Selector()
    paths = path("direct", DIRECT, 0.02), path("relay", RELAY, 0.03)
    selector.failed(DIRECT, 0.0)
    assert chosen(selector, "relay", 0.0, path("direct", DIRECT, 0.02, silent=True), paths[1]) == "relay"
    assert since(selector, "relay", 0.5, 5.0, *paths) == [(1.0, "direct")]
    selector.failed(DIRECT, 6.0)
    assert chosen(selector, "direct", 6.0, path("direct", DIRECT, 0.02, silent=True), paths[1]) == "relay"
    assert since(selector, "relay", 6.5, 5.0, *paths) == [(2.0, "direct")]


def test_silence_while_it_proves_itself_begins_the_proof_anew() -> None:
    selector = Selector()
    relay, direct = path("relay", RELAY, 0.03), path("direct", DIRECT, 0.02)
    selector.failed(DIRECT, 0.0)
    assert since(selector, "relay", 0.0, 0.9, relay, direct) == []
    assert chosen(selector, "relay", 0.95, relay, path("direct", DIRECT, 0.02, silent=True)) == "relay"
    assert since(selector, "relay", 1.0, 2.0, relay, direct) == [(1.0, "direct")]


def test_in_need_a_proven_way_goes_before_one_that_has_just_failed_and_that_one_before_none() -> None:
    selector = Selector()
    relay, direct, tcp = path("relay", RELAY, 0.03), path("direct", DIRECT, 0.02), path("tcp", TCP, 0.03)
    gone = path("relay", RELAY, 0.03, silent=True)
    selector.failed(DIRECT, 0.0)
    assert chosen(selector, "relay", 0.0, relay, direct, tcp) == "relay"
    assert chosen(selector, "relay", 0.1, gone, direct, tcp) == "tcp"
    assert chosen(selector, "relay", 0.1, gone, direct) == "direct"


# -- never to and fro --------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from(PathKind), RTTS), min_size=1, max_size=5), st.integers(0, 4))
def test_while_nothing_changes_the_choice_comes_to_rest(rows: list[tuple[PathKind, float]], first: int) -> None:
    paths = [path(str(at), kind, rtt) for at, (kind, rtt) in enumerate(rows)]
    start = str(first % len(rows))
    changes = since(Selector(), start, 0.0, 30.0, *paths)
    names = [name for _, name in changes]
    assert len(set(names)) == len(names) and start not in names, "no way is taken twice"


@given(st.lists(st.tuples(RTTS, RTTS, RTTS), min_size=20, max_size=200))
def test_however_round_trips_jump_a_session_is_not_thrown_to_and_fro(
    trace: list[tuple[float, float, float]],
) -> None:
    selector, current, changes = Selector(), "relay", []
    for step, (direct, relay, tcp) in enumerate(trace):
        now = step * 0.1
        paths = path("direct", DIRECT, direct), path("relay", RELAY, relay), path("tcp", TCP, tcp)
        name = chosen(selector, current, now, *paths)
        if name != current:
            changes.append((now, current, name))
            current = name
    kinds = {"direct": DIRECT, "relay": RELAY, "tcp": TCP}
    downward = [at for at, before, after in changes if kinds[after] > kinds[before]]
    assert all(later - at >= T_PATH_PATIENCE - 1e-9 for at, later in pairwise(downward))
    assert len(changes) <= 2 * (len(downward) + 1)


@given(st.lists(st.booleans(), min_size=50, max_size=600))
def test_a_way_that_comes_and_goes_is_taken_less_and_less_often(there: list[bool]) -> None:
    selector, current, taken = Selector(), "relay", []
    for step, answers in enumerate(there):
        now = step * 0.25
        paths = path("direct", DIRECT, 0.02, silent=not answers), path("relay", RELAY, 0.03)
        name = chosen(selector, current, now, *paths)
        if name == "direct" != current:
            taken.append(now)
        elif name == "relay" != current:
            selector.failed(DIRECT, now)
        current = name
    proof = 1.0
    for before, after in pairwise(taken):
        assert after - before >= proof
        proof = min(T_PATH_LAST_PROOF, proof * 2)
