"""What doctor finds out about a network together with a relay, and what a relay tells to whom: in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from avl_protocol.endpoint.diagnosis.netcheck import NatKind, classify
from avl_protocol.endpoint.diagnosis.survey import survey
from avl_protocol.endpoint.udp.network import Batch
from avl_protocol.wire.messages import NatTest, NatTested, Observed
from avl_protocol.wire.registry import RawType
from avl_relay.locator import OPEN, Locator
from interop.bench.paths.nats import RELAY, SHAPE, surround
from tests.relay.stand import Stand
from tests.simulator.run import Simulation, run
from tests.simulator.world import system

LOCATE, FILTER = bytes((RawType.LOCATE,)), bytes((RawType.FILTER,))
CLIENT, STRANGER, PLACE = ("203.0.113.2", 5000), ("203.0.113.9", 6000), "198.51.100.7"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("none", NatKind.NONE),
        ("cone", NatKind.OPEN),
        ("restricted", NatKind.RESTRICTED),
        ("symmetric", NatKind.SYMMETRIC),
    ],
)
def test_doctor_names_the_nat_that_is_there(kind: str, expected: NatKind) -> None:
    async def main(simulation: Simulation) -> None:
        ip = surround(simulation.network, "192.168.2.2", "203.0.113.2", kind)
        async with system(simulation, RELAY) as parts:
            facts = await survey(parts.world(ip, "doctor"), parts.relay)
            assert classify(facts) is expected and facts.udp.ok
            assert facts.filtering is (kind in ("none", "cone"))
            assert {address[0] for address in facts.observed} == {"203.0.113.2"}

    run(main, 1, SHAPE)


def test_a_client_is_told_on_its_hop_where_it_was_seen_and_nothing_is_sent_to_who_asked() -> None:
    """R-PATH-2."""

    async def main(simulation: Simulation) -> None:
        stand = Stand()
        viewer = stand.viewer()
        locator = Locator(simulation.network.at(PLACE), simulation.loop)
        locator.know(viewer.peer)
        locator.raw(LOCATE + viewer.peer.nonce, STRANGER)
        stand.settle()
        assert [message.address for message in viewer.heard if isinstance(message, Observed)] == ["203.0.113.9 6000"]
        before = len(viewer.heard)
        for junk in (LOCATE + bytes(16), LOCATE + viewer.peer.nonce[:-1], FILTER + viewer.peer.nonce, b""):
            locator.raw(junk, STRANGER)
        stand.settle()
        assert len(viewer.heard) == before
        assert simulation.network.link(PLACE, STRANGER[0]).sent == 0
        viewer.lost()
        locator.raw(LOCATE + viewer.peer.nonce, STRANGER)  # nobody is there any more

    run(main, 1, SHAPE)


def test_a_nat_is_tested_at_the_address_of_the_hop_from_a_port_that_is_open_for_a_moment() -> None:
    """R-PATH-3."""

    async def main(simulation: Simulation) -> None:
        stand = Stand()
        viewer = stand.viewer()
        viewer.connection.server.peer_address = CLIENT
        heard: list[tuple[bytes, str]] = []

        def hear(batch: Batch) -> None:
            heard.extend((bytes(data), address[0]) for data, address in batch)

        client = simulation.network.at(CLIENT[0]).bind(("", CLIENT[1]))
        client.set_receiver(hear)
        locator = Locator(simulation.network.at(PLACE), simulation.loop)
        locator.know(viewer.peer)
        token = b"t" * 16
        viewer.say(NatTest(token))
        locator.test(viewer.peer, token[:-1])
        locator.test(viewer.peer, token)
        stand.settle()
        await asyncio.sleep(0.1)
        assert heard == [(FILTER + token, PLACE)]
        ports = [message.port for message in viewer.heard if isinstance(message, NatTested)]
        assert len(ports) == 1

        async def answered() -> int:
            client.send_batch([(LOCATE + viewer.peer.nonce, (PLACE, ports[0]))])
            await asyncio.sleep(0.1)
            stand.settle()
            return sum(isinstance(message, Observed) for message in viewer.heard)

        assert await answered() == 1
        await asyncio.sleep(OPEN)
        assert await answered() == 1, "the port is closed"
        assert len(heard) == 1

    run(main, 1, SHAPE)
