"""A relay that drains: its sessions leave before it ends, and nobody at a desktop notices. Whole programs in virtual
time."""

from __future__ import annotations

import asyncio

import pytest

from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode
from avl_protocol.wire.target import RelayAddress
from avl_relay.relay import Relay
from avl_viewer.api import Desktop
from interop.bench.paths.watch import Watcher
from tests.simulator.run import Simulation
from tests.simulator.world import System, system
from tests.system.seen import number, online, run, until

OTHER = "10.0.0.7"
#: Seconds that the relay gives its sessions, and the longest that pictures may be missing.
PATIENCE, GAP = 10.0, 0.25


def used(desktop: Desktop) -> RelayAddress | None:
    """The relay that the session is on."""
    current = desktop.client.paths.current if desktop.client.paths is not None else None
    return current.relay if current is not None else None


def instance(s: System, relay: RelayAddress | None) -> Relay:
    found = s.relay_instance if relay == s.relay else s.other_instance
    assert found is not None
    return found


async def drained(simulation: Simulation, relay: Relay) -> float:
    """Drain a relay and end it; how long that took."""
    now = simulation.clock.monotonic
    begun = now()
    await relay.drain(PATIENCE)
    took = now() - begun
    await relay.close()
    return took


def test_sessions_go_to_the_other_relay_of_their_host_and_miss_neither_pictures_nor_keys() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.second_relay(OTHER) as second:
            async with s.host(relays=(s.relay, second)) as host:
                await online(host)
                await asyncio.sleep(1.0)
                async with s.viewer(host, reconnect=True, others=(second,)) as desktop:
                    await number(desktop)
                    watcher = Watcher(desktop, host, simulation.clock.monotonic)
                    await asyncio.sleep(1.0)
                    before, at = used(desktop), simulation.clock.monotonic()
                    assert await drained(simulation, instance(s, before)) < 2.0
                    await asyncio.sleep(1.0)
                    assert used(desktop) not in (None, before)
                    assert desktop.stats()["switch"]["reason"] == "the relay goes away"
                    await watcher.stop()
                    assert watcher.gap(at) < GAP and (watcher.missing(), watcher.doubled()) == (0, 0)

    run(main)


def test_a_viewer_that_knows_one_relay_is_told_of_another_at_which_its_host_is() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.second_relay(OTHER) as second:
            assert s.relay_instance is not None
            await s.relay_instance.close()
            await s.start_relay(elsewhere=("no address", str(second)))
            async with s.host(relays=(s.relay, second)) as host:
                await online(host)
                await asyncio.sleep(1.0)
                async with s.viewer(host, reconnect=True) as desktop:
                    await number(desktop)
                    assert await drained(simulation, instance(s, s.relay)) < 2.0
                    assert used(desktop) == second
                    await desktop.type("elsewhere")
                    assert host.sink.typed == "elsewhere"

    run(main)


def test_what_a_relay_names_that_refuses_the_session_does_not_end_it() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.second_relay(OTHER) as second:
            liar = RelayAddress(second.host, second.port, bytes(32))  # it is another one than is said there
            assert s.relay_instance is not None
            await s.relay_instance.close()
            await s.start_relay(elsewhere=(str(liar),))
            async with s.host() as host:
                await online(host)
                async with s.viewer(host, reconnect=True) as desktop:
                    await number(desktop)
                    took = await drained(simulation, instance(s, s.relay))
                    assert took == pytest.approx(PATIENCE, abs=0.1), "it has nowhere to go, and stays"
                    await s.start_relay()
                    await until(lambda: desktop.stats()["path"] == "relay", 10)
                    await desktop.type("the same session")
                    assert host.sink.typed == "the same session"

    run(main)


def test_a_session_without_another_place_stays_to_the_end_and_comes_back_to_this_address() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                await number(desktop)
                relay = instance(s, s.relay)
                assert relay.accepting
                draining = simulation.loop.create_task(drained(simulation, relay))
                await asyncio.sleep(PATIENCE / 2)
                assert not relay.accepting
                await desktop.type("still here, ")
                with pytest.raises(Refused) as refused:
                    async with s.viewer(host, address="10.0.0.9", name="late"):
                        pass
                assert refused.value.code is CloseCode.GOING_AWAY
                assert await draining == pytest.approx(PATIENCE, abs=0.1)
                await s.start_relay()
                await until(lambda: desktop.stats()["path"] == "relay", 10)
                await desktop.type("and again")
                assert host.sink.typed == "still here, and again"
                await number(desktop)

    run(main)


def test_a_relay_without_sessions_has_nothing_to_wait_for() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            relay = instance(s, s.relay)
            assert await drained(simulation, relay) == 0.0
            await relay.drain(PATIENCE)  # again, and after the end: nothing

    run(main)
