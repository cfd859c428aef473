"""Two hosts with one identity: the one that came last is kept, the other says so once and waits (spec 4.3)."""

from __future__ import annotations

import asyncio
import shutil

import structlog

from avl_host.paths.registration import DOUBLE
from avl_protocol.wire.registry import T_PATH_FIRST_YIELD
from tests.simulator.run import Simulation
from tests.simulator.world import HOST, System, system
from tests.system.seen import number, online, run, until

ELSEWHERE = "10.0.0.5"


def copy(s: System, simulation: Simulation) -> System:
    """A system with the same relay whose host is a clone of the first one's machine, at another address."""
    made = System(
        simulation=simulation, folder=s.folder / "clone", relay="", host=ELSEWHERE, via=s.via, relay_address=s.relay
    )
    made.folder.mkdir()
    shutil.copytree(s.folder / "host", made.folder / "host")
    return made


def test_two_hosts_with_one_identity_the_older_waits_and_comes_back() -> None:
    def came() -> int:
        return sum(entry["event"] == "host online" for entry in log)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as first:
            await online(first)
            log.clear()
            clone = copy(s, simulation)
            async with clone.host() as second:
                await online(second)
                async with s.viewer(second) as desktop:
                    await number(desktop)
                    for host in (first, second):
                        host.source.set_still(True)
                    await asyncio.sleep(200.0)
                    await desktop.type("undisturbed")
                    assert second.sink.typed == "undisturbed"
                assert came() == 1, "the newer one, and nothing since"
                assert [DOUBLE in line for line in first.said].count(True) == 1 and "identity new" in DOUBLE
                assert not any(DOUBLE in line for line in second.said)
                assert sum(line.startswith("desktop") for line in (*first.said, *second.said)) == 2
            await until(lambda: came() == 2, 130)
            async with s.viewer(first) as desktop:
                await number(desktop)

    with structlog.testing.capture_logs() as log:
        run(main)


def test_a_host_that_starts_again_takes_its_place_at_once_though_the_relay_knows_of_no_end() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            first = s.host()
            await online(await first.__aenter__())
            simulation.network.at(HOST).asleep = True  # nobody hears how it ends
            await first.__aexit__(None, None, None)
            simulation.network.at(HOST).asleep = False
            started = simulation.clock.monotonic()
            async with s.host() as again:
                await online(again)
                assert simulation.clock.monotonic() - started < min(2.0, T_PATH_FIRST_YIELD)
                async with s.viewer(again) as desktop:
                    await number(desktop)

    run(main)
