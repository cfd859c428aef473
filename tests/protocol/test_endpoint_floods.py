"""Floods at an endpoint: strangers come after friends and within bounds, and who is honest comes in all the same."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.tls import TrustPinned
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.rate.limits import Limits, Places
from avl_protocol.wire.registry import CloseCode
from tests.protocol.carriers import RecordingReceiver
from tests.protocol.test_endpoint_acceptor import initial
from tests.simulator.run import Simulation, run

SERVER: Address = ("10.0.0.1", 1)


class Stand:
    """A server and whoever connects to it."""

    def __init__(self, sim: Simulation, limits: Limits) -> None:
        self.sim = sim
        self.server = sim.endpoint(SERVER[0], limits=limits)
        self.accepted: list[RecordingReceiver] = []
        self.clients: list[Endpoint] = []

    async def start(self) -> None:
        def on_carrier(carrier: QuicCarrier, alpn: str) -> RecordingReceiver:
            self.accepted.append(RecordingReceiver(carrier, echo=True))
            return self.accepted[-1]

        await self.server.bind(SERVER)
        self.server.listen(self.sim.certificate(), on_carrier=on_carrier)

    async def connect(self, host: str, trusted: bool = False) -> RecordingReceiver:
        """A connection from an address, once both sides have it."""
        endpoint = next((made for made in self.clients if made.local_address[0] == host), None)
        if endpoint is None:
            endpoint = self.sim.endpoint(host)
            await endpoint.bind((host, 0))
            self.clients.append(endpoint)
        made: list[RecordingReceiver] = []

        def on_carrier(carrier: QuicCarrier) -> RecordingReceiver:
            made.append(RecordingReceiver(carrier))
            return made[-1]

        await endpoint.connect(SERVER, trust=TrustPinned(), on_carrier=on_carrier)
        await asyncio.sleep(0.05)
        if trusted:
            self.accepted[-1].carrier.trust_peer()
            made[0].carrier.send_datagrams([b"\0once more"], 2, None)
            await made[0].until(lambda: bool(made[0].datagrams))
        return made[0]

    async def close(self) -> None:
        for endpoint in self.clients:
            await endpoint.close()
        await self.server.close()


def simulate(main: Any, limits: Limits | None = None) -> None:
    async def whole(sim: Simulation) -> None:
        stand = Stand(sim, limits or Limits())
        await stand.start()
        await main(stand)
        await stand.close()

    run(whole)


def watched(stand: Stand) -> list[str]:
    """In which order packets are read: "friend", "stranger" for one with a connection, or "new"."""
    order: list[str] = []
    server: Any = stand.server
    deliver, accept = server._deliver, server._accept

    def delivered(bound: Any, *rest: Any) -> None:
        order.append("friend" if bound.favoured else "stranger")
        deliver(bound, *rest)

    def accepted(*rest: Any) -> None:
        order.append("new")
        accept(*rest)

    server._deliver, server._accept = delivered, accepted
    return order


def packet(receiver: RecordingReceiver) -> tuple[bytes, Address]:
    """What the server takes for a packet of this client, as anybody on the way could repeat it."""
    assert isinstance(receiver.carrier, QuicCarrier)
    return b"\x40" + receiver.carrier.connection.peer_connection_id + bytes(40), (receiver.carrier.peer_address[0], 5)


def test_friends_are_read_before_strangers_whoever_came_first() -> None:
    async def main(stand: Stand) -> None:
        friend = await stand.connect("10.0.1.1", trusted=True)
        stranger = await stand.connect("10.0.2.1")
        order = watched(stand)
        chance = random.Random(1)
        batch = [(initial(1, chance.randbytes(8)), ("10.0.3.1", 7)), packet(stranger), packet(friend), packet(friend)]
        stand.server._received(batch)
        assert order == ["friend", "friend", "stranger", "new"]

    simulate(main)


def test_one_friend_gets_a_part_of_a_turn_and_the_rest_in_the_next_ones() -> None:
    async def main(stand: Stand) -> None:
        loud, quiet = await stand.connect("10.0.1.1", trusted=True), await stand.connect("10.0.2.1", trusted=True)
        seen: list[str] = []
        server: Any = stand.server
        deliver = server._deliver

        def delivered(bound: Any, *rest: Any) -> None:
            seen.append(bound.connection.get_peer_address()[0])
            deliver(bound, *rest)

        server._deliver = delivered
        server._received([packet(loud)] * 200 + [packet(quiet)])
        assert seen == ["10.0.1.1"] * 64 + ["10.0.2.1"]
        server._received([packet(quiet)])
        assert seen[65:] == ["10.0.1.1"] * 64 + ["10.0.2.1"]
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        assert seen.count("10.0.1.1") == 200, "nothing of a friend's is lost"

    simulate(main)


def test_a_stranger_s_packets_beyond_its_allowance_are_lost_and_nobody_else_s() -> None:
    async def main(stand: Stand) -> None:
        loud, other = await stand.connect("10.0.1.1"), await stand.connect("10.0.2.1")
        order = watched(stand)
        for _ in range(100):
            stand.server._received([packet(loud)] * 50)
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        assert 900 < len(order) <= 1001
        other.carrier.send_datagrams([b"\0still here"], 2, None)
        await other.until(lambda: other.datagrams == [b"\0still here"])
        loud.carrier.send_datagrams([b"\0again"], 2, None)
        await loud.until(lambda: loud.datagrams == [b"\0again"])

    simulate(main)


def test_a_friend_may_send_as_fast_as_any_film() -> None:
    async def main(stand: Stand) -> None:
        friend = await stand.connect("10.0.1.1", trusted=True)
        order = watched(stand)
        for _ in range(100):
            stand.server._received([packet(friend)] * 100)
            await asyncio.sleep(0.01)
        assert len(order) >= 10_000 and set(order) == {"friend"}

    simulate(main)


def test_a_flood_of_first_packets_takes_no_whole_turn_and_is_bounded() -> None:
    async def main(stand: Stand) -> None:
        order = watched(stand)
        chance = random.Random(1)
        flood = [(initial(1, chance.randbytes(8)), (f"10.9.{n % 250}.{n // 250}", 7)) for n in range(2000)]
        stand.server._received(flood)
        assert len(order) == Limits().turn_strangers
        await asyncio.sleep(0.001)
        assert len(order) == Limits().waiting_strangers
        await stand.connect("10.0.1.1")

    simulate(main)


def test_strangers_stop_when_their_time_in_a_turn_is_over() -> None:
    async def main(stand: Stand) -> None:
        order = watched(stand)
        server: Any = stand.server
        clock = stand.sim.clock

        class Slow:
            """Each look at the time takes a millisecond, as a handshake does."""

            now = clock.monotonic()

            def monotonic(self) -> float:
                self.now += 0.001
                return self.now

            wall = clock.wall

        server._clock = Slow()
        chance = random.Random(1)
        server._received([(initial(1, chance.randbytes(8)), ("10.9.0.1", 7)) for _ in range(40)])
        assert 1 <= len(order) <= 3
        server._clock = clock

    simulate(main)


SMALL = replace(Limits(), strangers=Places(2, 3, 4), connections=Places(3, 4, 6))


def test_a_source_that_has_all_its_places_is_told_so_and_others_come_in() -> None:
    async def main(stand: Stand) -> None:
        first, second = await stand.connect("10.0.1.1"), await stand.connect("10.0.1.1")
        third = await stand.connect("10.0.1.1")
        await third.until(lambda: bool(third.lost))
        assert third.lost[0][0] == CloseCode.LIMIT and not first.lost and not second.lost
        assert not (await stand.connect("10.0.2.1")).lost
        await asyncio.sleep(6)
        first.carrier.close(0, "")
        await asyncio.sleep(1)
        assert not (await stand.connect("10.0.1.1")).lost, "a place that was left is free"
        assert not (await stand.connect("10.0.1.1")).lost
        await second.until(lambda: bool(second.lost))
        assert second.lost[0][0] == CloseCode.LIMIT, "who has stayed a stranger for long gives way"

    simulate(main, SMALL)


def test_friends_keep_their_places_and_leave_those_of_strangers() -> None:
    async def main(stand: Stand) -> None:
        friends = [await stand.connect("10.0.1.1", trusted=True) for _ in range(2)]
        await asyncio.sleep(6)
        strangers = [await stand.connect("10.0.1.1") for _ in range(2)]
        await strangers[1].until(lambda: bool(strangers[1].lost))
        assert not any(friend.lost for friend in friends) and not strangers[0].lost
        assert stand.server._quota.size == 3

    simulate(main, SMALL)


def test_nothing_is_kept_of_connections_that_are_over() -> None:
    async def main(stand: Stand) -> None:
        for number in range(30):
            try:
                receiver = await stand.connect(f"10.0.{number % 3}.{1 + number % 7}")
            except Unreachable:
                continue
            receiver.carrier.close(0, "")
            await asyncio.sleep(1)
        await asyncio.sleep(5)
        assert stand.server.connections == 0 and stand.server._quota.sources == 0

    simulate(main)
