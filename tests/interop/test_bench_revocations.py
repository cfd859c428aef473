"""The bench of revocations: sessions whose grant was taken back end, each for that reason."""

from __future__ import annotations

from interop.bench.revocations import quantile, run


async def test_sessions_end_whose_grant_was_taken_back() -> None:
    times = await run(3)
    assert len(times) == 3 and 0 < times[0] <= times[-1] < 10


def test_the_quantile_is_one_of_the_times() -> None:
    times = [float(at) for at in range(1, 101)]
    assert [quantile(times, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 51.0, 100.0, 100.0]
