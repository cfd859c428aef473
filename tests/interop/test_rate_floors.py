"""The short cases of the suite: where a controller became clearly worse, or a run is no number, it is noticed here."""

from __future__ import annotations

import pytest

from interop.bench.rate.run import Job, Result, run

#: Score of each quick case, well below what it is (interop/bench/README.md), and above every baseline's.
FLOORS = {"Q-drop": 70.0, "Q-loss": 60.0, "Q-desk": 68.0, "Q-2own": 70.0}


@pytest.fixture(scope="module")
def drop() -> Result:
    return run(Job("Q-drop", "avl", 1))


def test_a_drop_is_handled_and_one_seed_is_one_run(drop: Result) -> None:
    assert drop.figures.score >= FLOORS["Q-drop"], drop.figures
    assert drop.figures.freeze < 0.5 and drop.figures.recovery[0] < 1.0
    again = run(Job("Q-drop", "avl", 1))
    assert again.digest == drop.digest and again.figures == drop.figures


@pytest.mark.parametrize("case", [case for case in FLOORS if case != "Q-drop"])
def test_no_quick_case_falls_below_its_floor(case: str) -> None:
    figures = run(Job(case, "avl", 1)).figures
    assert figures.score >= FLOORS[case], figures
    assert figures.freeze == 0.0


def test_a_share_is_kept_beside_cubic() -> None:
    share = run(Job("Q-cubic", "avl", 1)).figures.share
    assert share is not None and 0.25 < share < 0.75


@pytest.mark.parametrize("transport", ["model", "quic"])
def test_an_upload_beside_the_reports_takes_no_pictures(transport: str) -> None:
    figures = run(Job("Q-upload", "avl", 1, transport)).figures
    assert figures.fps > 45, figures
    assert figures.freeze < 2.0, figures
    assert figures.frame[1] < 0.1, figures


def test_real_connections_do_as_the_model_does() -> None:
    model, real = (run(Job("Q-loss", "avl", 2, transport)).figures for transport in ("model", "quic"))
    assert abs(model.score - real.score) < 12, (model, real)
    assert real.freeze < 0.5
