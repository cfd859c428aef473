"""The bench of a restart: hosts come back, and persons come in meanwhile."""

from __future__ import annotations

from interop.bench.comeback import run


async def test_all_hosts_are_back_and_persons_were_let_in() -> None:
    found = await run(20, 2)
    assert 0 < found["ready"] < 30 and 0 < found["back"] < 30
    assert found["persons"] >= 1 and found["person_p95"] < 10
