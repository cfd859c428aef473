"""The figures of a relay while a session runs through it: whole programs in virtual time."""

from __future__ import annotations

import asyncio

from avl_protocol.session.snapshot import Snapshot
from tests.simulator.run import Simulation
from tests.simulator.world import RELAY, VIEWER, system
from tests.system.seen import number, online, run


def seen(slow: bool) -> tuple[Snapshot, Snapshot]:
    """A relay's snapshots with a viewer that watches for some seconds, and after it and its host have gone."""

    async def main(simulation: Simulation) -> tuple[Snapshot, Snapshot]:
        async with system(simulation) as s:
            relay = s.relay_instance
            assert relay is not None
            async with s.host() as host:
                await online(host)
                if slow:
                    simulation.network.change(RELAY, VIEWER, rate=25_000.0)
                async with s.viewer(host) as desktop:
                    await number(desktop)
                    await asyncio.sleep(4.0)
                    during = relay.snapshot()
            await asyncio.sleep(1.0)
            return during, relay.snapshot()

    return run(main)[0]


def test_a_session_is_seen_in_every_figure() -> None:
    during, after = seen(slow=False)
    assert during.total("connections") == {"quic": 2, "webtransport": 0, "websocket": 0}
    assert during.total("handshakes so far")["done"] == 2
    traffic = during.total("traffic so far")
    assert traffic["bytes in"] > 10_000 and traffic["bytes out"] > 10_000
    assert min(traffic["datagrams in"], traffic["datagrams out"]) > 100
    assert during.total("happened so far")["viewer milliseconds"] >= 4000
    delay = during.total("queue delay so far")
    assert delay["looks"] > 20 and delay["5"] == delay["looks"], "nothing waits where there is room"
    assert sum(after.total("connections").values()) == 0 and sum(after.total("ended so far").values()) == 2
    assert after.total("traffic so far")["bytes out"] > traffic["bytes out"]


def test_where_a_link_is_slow_it_is_seen_that_datagrams_wait() -> None:
    during, after = seen(slow=True)
    delay = during.total("queue delay so far")
    assert delay["5"] < delay["looks"] and delay["microseconds"] > 0
    assert after.total("queue delay so far")["looks"] >= delay["looks"], "what was counted stays counted"
