"""A viewer that vanishes: what is shown afterwards it can't open, until it is back (spec 06-security, 6.4)."""

from __future__ import annotations

import asyncio

import pytest

from avl_protocol.crypto.sframe import MediaKey, UnknownKey
from avl_protocol.wire.registry import T_KEY_SPACING
from tests.simulator.run import Simulation
from tests.simulator.world import VIEWER, system
from tests.system.seen import Sealed, number, online, run, sealed, until

STAYS = "10.0.0.8"


@pytest.mark.parametrize("direct", [False, True])
def test_a_viewer_that_vanished_opens_nothing_made_later_and_is_given_the_keys_when_it_is_back(direct: bool) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(direct=direct) as host:
            await online(host)
            async with (
                s.viewer(host, reconnect=True, direct=direct) as lost,
                s.viewer(host, address=STAYS, name="stays", direct=direct) as stays,
            ):
                await number(lost)
                await number(stays)
                await asyncio.sleep(2.0)  # a direct path is found
                publisher, clock = host.agent.publisher, simulation.clock
                made: list[tuple[float, Sealed]] = []
                renewals: list[float] = []
                renew = publisher.renew_keys
                sealed(host, lambda one: made.append((clock.monotonic(), one)))

                def renewed() -> MediaKey:
                    renewals.append(clock.monotonic())
                    return renew()

                publisher.renew_keys = renewed  # type: ignore[method-assign]
                session = lost.client.session
                assert session is not None and session.media is not None
                opener = session.media.opener
                host.source.set_still(True)  # nothing is encoded while we wait
                simulation.network.at(VIEWER).asleep = True
                await until(lambda: any(subscriber.lost for subscriber in host.agent.subscribers.subscribers()), 60)
                noticed = clock.monotonic()
                host.source.set_still(False)
                publisher.wake()
                await asyncio.sleep(2.0)
                await number(stays)
                later = [one for at, one in made if at >= noticed + T_KEY_SPACING]
                assert len(later) > 40
                for one in later:
                    with pytest.raises(UnknownKey):
                        opener.open(one.track.id, one.number, one.flags, one.data)
                simulation.network.at(VIEWER).asleep = False
                await until(lambda: not any(subscriber.lost for subscriber in host.agent.subscribers.subscribers()), 60)
                await asyncio.sleep(1.0)
                assert abs(await number(lost) - await number(stays)) <= 2
                assert len(renewals) == 1, "one for the loss; who is back is given the keys of the day"

    run(main)
