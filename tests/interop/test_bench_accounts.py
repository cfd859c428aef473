"""The bench of the API: it asks for every page on every database that is there, and finds the goals met at a tenth of
the size."""

from __future__ import annotations

from interop.bench.accounts import GOALS, Figures, run, summed


async def test_every_database_is_measured() -> None:
    figures = await run(1000, 1)
    assert set(figures) <= set(GOALS) and "sqlite" in figures
    for one in figures.values():
        assert one.pages == 10 and 0 < one.median <= one.p95 <= one.longest < 5000
        assert 0 < one.cpu < 200


def test_figures_are_those_of_the_answers() -> None:
    took = [at / 1000 for at in range(1, 102)]
    assert summed(took, 1.01) == Figures(median=51.0, p95=96.0, longest=101.0, cpu=10.0, pages=101)
