"""Floods at an endpoint: strangers come after friends and within bounds, and who is honest comes in all the same."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from avl_protocol.endpoint.accept.acceptor import Acceptor
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.tls import TrustPinned
from avl_protocol.endpoint.udp.network import Address, Batch
from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.quic.connection import Connection
from avl_protocol.rate.limits import Limits, Places
from avl_protocol.wire.registry import CloseCode
from tests.protocol.carriers import RecordingReceiver
from tests.protocol.test_endpoint_acceptor import initial
from tests.simulator.loop import VirtualClock
from tests.simulator.run import Simulation, run

SERVER: Address = ("10.0.0.1", 1)


class SlowableClock:
    """The simulation's; while it is `slow`, each look at the time takes a millisecond, as a handshake does."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._spent = 0.0
        self.slow = False

    def monotonic(self) -> float:
        self._spent = self._spent + 0.001 if self.slow else 0.0
        return self._clock.monotonic() + self._spent

    def wall(self) -> float:
        return self._clock.wall()


class Stand:
    """A server and whoever connects to it."""

    def __init__(self, sim: Simulation, limits: Limits) -> None:
        self.sim = sim
        self.clock = SlowableClock(sim.clock)
        self.server = Endpoint(
            network=sim.network.at(SERVER[0]), clock=self.clock, entropy=sim.entropy, loop=sim.loop, limits=limits
        )
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

    def receive(self, batch: Batch) -> None:
        """The server's socket hands over what came in one wake-up."""
        self.sim.network.at(SERVER[0]).receive(SERVER, batch)

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


def watched(patch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """In which order the server reads packets: "friend", "stranger" for one with a connection, or "new"; and whose."""
    order: list[tuple[str, str]] = []
    receive, judge = Connection.receive_datagram, Acceptor.judge
    judged: list[bytes] = []

    def received(connection: Connection, data: bytes, address: Any, now: float) -> None:
        peer = connection.get_peer_address()
        if peer is not None and not connection.is_client and not any(data is first for first in judged):
            order.append(("friend" if connection.trusted else "stranger", peer[0]))
        receive(connection, data, address, now)

    def accepted(acceptor: Acceptor, first: Any, data: bytes, address: Address, now: float) -> Any:
        order.append(("new", address[0]))
        judged.append(data)
        return judge(acceptor, first, data, address, now)

    patch.setattr(Connection, "receive_datagram", received)
    patch.setattr(Acceptor, "judge", accepted)
    return order


def packet(receiver: RecordingReceiver) -> tuple[bytes, Address]:
    """What the server takes for a packet of this client, as anybody on the way could repeat it."""
    assert isinstance(receiver.carrier, QuicCarrier)
    return b"\x40" + receiver.carrier.connection.peer_connection_id + bytes(40), (receiver.carrier.peer_address[0], 5)


def test_friends_are_read_before_strangers_whoever_came_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(stand: Stand) -> None:
        friend = await stand.connect("10.0.1.1", trusted=True)
        stranger = await stand.connect("10.0.2.1")
        order = watched(monkeypatch)
        chance = random.Random(1)
        batch = [(initial(1, chance.randbytes(8)), ("10.0.3.1", 7)), packet(stranger), packet(friend), packet(friend)]
        stand.receive(batch)
        assert [what for what, _ in order] == ["friend", "friend", "stranger", "new"]

    simulate(main)


def test_one_friend_gets_a_part_of_a_turn_and_the_rest_in_the_next_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(stand: Stand) -> None:
        loud, quiet = await stand.connect("10.0.1.1", trusted=True), await stand.connect("10.0.2.1", trusted=True)
        order = watched(monkeypatch)
        stand.receive([packet(loud)] * 200 + [packet(quiet)])
        assert [whose for _, whose in order] == ["10.0.1.1"] * 64 + ["10.0.2.1"]
        stand.receive([packet(quiet)])
        assert [whose for _, whose in order[65:]] == ["10.0.1.1"] * 64 + ["10.0.2.1"]
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        assert [whose for _, whose in order].count("10.0.1.1") == 200, "nothing of a friend's is lost"

    simulate(main)


def test_a_friend_whose_packets_take_long_gets_a_part_of_a_turn_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(stand: Stand) -> None:
        loud, quiet = await stand.connect("10.0.1.1", trusted=True), await stand.connect("10.0.2.1", trusted=True)
        order = watched(monkeypatch)
        stand.clock.slow = True  # each takes a millisecond
        stand.receive([packet(loud)] * 100 + [packet(quiet)] * 3)
        stand.clock.slow = False
        assert 1 <= [whose for _, whose in order].index("10.0.2.1") <= 5
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        assert [whose for _, whose in order].count("10.0.1.1") == 100, "nothing of a friend's is lost"

    simulate(main)


def test_strangers_who_are_connected_do_not_keep_newcomers_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(stand: Stand) -> None:
        stranger = await stand.connect("10.0.2.1")
        order = watched(monkeypatch)
        batch = [packet(stranger)] * 100 + [(initial(1, bytes([n]) * 8), ("10.0.3.1", 7)) for n in range(10)]
        stand.receive(batch)
        assert [what for what, _ in order[:8]] == (["stranger"] * 3 + ["new"]) * 2

    simulate(main)


def test_a_stranger_s_packets_beyond_its_allowance_are_lost_and_nobody_else_s(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(stand: Stand) -> None:
        loud, other = await stand.connect("10.0.1.1"), await stand.connect("10.0.2.1")
        order = watched(monkeypatch)
        for _ in range(100):
            stand.receive([packet(loud)] * 50)
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        assert 900 < len(order) <= 1001
        other.carrier.send_datagrams([b"\0still here"], 2, None)
        await other.until(lambda: other.datagrams == [b"\0still here"])
        loud.carrier.send_datagrams([b"\0again"], 2, None)
        await loud.until(lambda: loud.datagrams == [b"\0again"])

    simulate(main)


def test_a_friend_may_send_as_fast_as_any_film(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(stand: Stand) -> None:
        friend = await stand.connect("10.0.1.1", trusted=True)
        order = watched(monkeypatch)
        for _ in range(100):
            stand.receive([packet(friend)] * 100)
            await asyncio.sleep(0.01)
        assert len(order) >= 10_000 and {what for what, _ in order} == {"friend"}

    simulate(main)


def test_a_flood_of_first_packets_takes_no_whole_turn_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(stand: Stand) -> None:
        order = watched(monkeypatch)
        chance = random.Random(1)
        flood = [(initial(1, chance.randbytes(8)), (f"10.9.{n % 250}.{n // 250}", 7)) for n in range(2000)]
        stand.receive(flood)
        assert len(order) == Limits().turn_strangers
        await asyncio.sleep(0.001)
        assert len(order) == Limits().waiting_strangers
        await stand.connect("10.0.1.1")

    simulate(main)


def test_who_floods_from_some_addresses_leaves_room_for_those_at_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(stand: Stand) -> None:
        order = watched(monkeypatch)
        chance = random.Random(1)
        flood = [(initial(1, chance.randbytes(8)), (f"10.9.0.{n % 50}", 7)) for n in range(2000)]
        stand.receive([*flood, (initial(1, b"honest.."), ("10.0.1.1", 7))])
        await asyncio.sleep(0.001)
        assert ("new", "10.0.1.1") in order
        assert len(order) < Limits().waiting_strangers
        order.clear()
        stand.receive([(initial(1, chance.randbytes(8)), ("10.9.0.1", 7)) for _ in range(3)])
        assert len(order) == 3, "nobody is remembered"

    simulate(main)


def test_strangers_stop_when_their_time_in_a_turn_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(stand: Stand) -> None:
        order = watched(monkeypatch)
        stand.clock.slow = True
        chance = random.Random(1)
        stand.receive([(initial(1, chance.randbytes(8)), ("10.9.0.1", 7)) for _ in range(40)])
        assert 1 <= len(order) <= 3
        stand.clock.slow = False

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
        assert stand.server.snapshot()["places"] == 3

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
        assert stand.server.connections == 0 and stand.server.snapshot()["sources"] == 0

    simulate(main)
