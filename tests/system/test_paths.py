"""Direct ways through NATs, and what happens to a session when its ways come and go: whole programs in virtual time."""

from __future__ import annotations

import pytest

from interop.bench.paths.gaps import CASES, FRAME, Case, happen
from interop.bench.paths.nats import KINDS, LAYERED, meet, opens

#: Runs of the pair that the internet is made of.
SEEDS = 50
ALL_KINDS = (*KINDS, LAYERED)


def expected(kind: str) -> str:
    """How a kind behaves towards the other side."""
    return "restricted" if kind == LAYERED else kind


@pytest.mark.parametrize("viewer", ALL_KINDS)
@pytest.mark.parametrize("host", ALL_KINDS)
def test_a_direct_way_opens_between_nats_wherever_one_can_be_had(host: str, viewer: str) -> None:
    met = meet(host, viewer, seed=1)
    assert (met.direct is not None) == opens(expected(host), expected(viewer))
    assert met.way == ("relay" if met.direct is None else met.way) and (met.twice, met.lost) == (0, 0)


@pytest.mark.parametrize("part", range(5))
def test_between_two_usual_routers_the_way_is_direct_soon_after_the_first_picture(part: int) -> None:
    for seed in range(part, SEEDS, 5):
        met = meet("restricted", "restricted", seed)
        assert met.direct is not None and met.direct <= 0.3, seed
        assert (met.twice, met.lost) == (0, 0), seed


@pytest.mark.parametrize("pair", [("symmetric", "restricted"), ("restricted", "symmetric"), ("symmetric", "symmetric")])
def test_where_no_direct_way_opens_looking_for_it_costs_no_time(pair: tuple[str, str]) -> None:
    for seed in range(4):
        tried, not_tried = meet(*pair, seed), meet(*pair, seed, attempt=False)
        assert tried.way == not_tried.way == "relay"
        assert tried.first <= not_tried.first + 0.005, seed


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_picture_moves_again_soon_and_no_key_is_lost_or_doubled(case: Case) -> None:
    for seed in (1, 2):
        gap = happen(case, seed)
        assert gap.seconds <= case.goal + FRAME, seed
        assert (gap.doubled, gap.twice) == (0, 0), seed
        if case.keys:
            assert gap.missing == 0, seed


def test_make_before_break_loses_nothing() -> None:
    case = next(case for case in CASES if case.name.startswith("second address"))
    for seed in range(4):
        gap = happen(case, seed)
        assert (gap.lost, gap.missing, gap.doubled) == (0, 0, 0), seed
