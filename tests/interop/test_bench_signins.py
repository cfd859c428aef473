"""The bench of signing in: a session is measured with and without people who sign in."""

from __future__ import annotations

from interop.bench.signins import Round, run


def test_a_session_is_measured_alone_and_beside_sign_ins() -> None:
    alone, beside = run(1, 1.0, 20.0)
    assert alone.delays and beside.delays and not alone.answers
    assert set(beside.answers) <= {401, 503} and sum(beside.answers.values()) == 20


def test_quantiles_are_of_the_ordered_delays() -> None:
    seen = Round(delays=[0.003, 0.001, 0.002])
    assert seen.quantile(0.0) == 0.001 and seen.quantile(0.5) == 0.002 and seen.quantile(1.0) == 0.003
