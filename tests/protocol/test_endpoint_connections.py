"""Endpoints in virtual time: connections are made, carry, survive a bad network, and end with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from avl_protocol.carrier.carrier import Carrier, CarrierReceiver
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.tls import TrustPinned
from avl_protocol.quic.carrier import BACKLOG_LIMIT, ROOM, QuicCarrier
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import CloseCode
from tests.protocol.carriers import RecordingReceiver
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation, run

RELAY, VIEWER = "10.0.0.1", "10.0.0.2"


@dataclass(kw_only=True)
class Joined:
    """A listening endpoint and one that connected to it."""

    sim: Simulation
    server: Endpoint
    client: Endpoint
    accepted: list[RecordingReceiver] = field(default_factory=list)
    opened: list[RecordingReceiver] = field(default_factory=list)

    async def connect(self, timeout: float = 5.0) -> RecordingReceiver:
        def on_carrier(carrier: QuicCarrier) -> RecordingReceiver:
            self.opened.append(RecordingReceiver(carrier))
            return self.opened[-1]

        await self.client.connect(("relay.test", 4433), trust=TrustPinned(), on_carrier=on_carrier, timeout=timeout)
        while len(self.accepted) < len(self.opened):
            await asyncio.sleep(0.001)
        return self.opened[-1]


async def joined(
    sim: Simulation,
    *,
    receiver: Callable[[QuicCarrier], RecordingReceiver] = lambda carrier: RecordingReceiver(carrier, echo=True),
    options: ConnectionOptions | None = None,
    **more: Any,
) -> Joined:
    server = sim.endpoint(RELAY, name="relay.test", **more)
    client = sim.endpoint(VIEWER, options=options)
    both = Joined(sim=sim, server=server, client=client)

    def on_carrier(carrier: QuicCarrier, alpn: str) -> RecordingReceiver:
        assert alpn == "avl/1"
        both.accepted.append(receiver(carrier))
        return both.accepted[-1]

    await server.bind(("0.0.0.0", 4433))
    server.listen(sim.certificate(), on_carrier=on_carrier)
    await client.bind(("0.0.0.0", 0))
    return both


def simulate(
    main: Callable[[Joined], Coroutine[Any, Any, None]], *, seed: int = 1, shape: LinkShape | None = None, **more: Any
) -> str:
    async def whole(sim: Simulation) -> None:
        both = await joined(sim, **more)
        await main(both)
        await both.client.close()
        await both.server.close()
        assert both.client.connections == both.server.connections == 0

    return run(whole, seed, shape)[1]


def is_carrier(carrier: QuicCarrier, receiver: RecordingReceiver) -> tuple[Carrier, CarrierReceiver]:
    """The type checker sees here that our classes are what a session asks for."""
    return carrier, receiver


def test_a_carrier_has_everything_that_a_session_asks_for() -> None:
    wanted = [name for name in vars(Carrier) if not name.startswith("_")]
    assert "send_datagrams" in wanted
    assert [name for name in wanted if not hasattr(QuicCarrier, name)] == []


def test_streams_and_datagrams_are_echoed() -> None:
    async def main(both: Joined) -> None:
        receiver = await both.connect()
        carrier = receiver.carrier
        assert receiver.ready and both.accepted[0].ready
        assert carrier.peer_address == (RELAY, 4433)
        assert both.accepted[0].carrier.peer_address[0] == VIEWER
        stream = carrier.open_stream()
        assert carrier.open_stream() != stream
        carrier.send_stream(stream, b"hello ")
        carrier.send_stream(stream, b"there", end=True)
        await receiver.until(lambda: stream in receiver.ended)
        assert bytes(receiver.streams[stream]) == b"hello there"
        carrier.send_datagrams([b"\0one", b"\0two"], 2, None, [1, 2])
        await receiver.until(lambda: len(receiver.datagrams) == 2 and len(receiver.fates) == 2)
        assert receiver.datagrams == [b"\0one", b"\0two"]
        assert sorted(receiver.fates) == [(1, True), (2, True)]
        assert carrier.rtt == pytest.approx(0.02, abs=0.006)
        with pytest.raises(LocalProtocolError):
            carrier.send_datagrams([bytes(carrier.max_datagram + 1)], 2, None)

    simulate(main)


def test_an_echo_leaves_in_the_wake_up_in_which_the_question_arrived() -> None:
    async def main(both: Joined) -> None:
        receiver = await both.connect()
        asked = both.sim.clock.monotonic()
        receiver.carrier.send_datagrams([b"\0?"], 0, None)
        await receiver.until(lambda: bool(receiver.datagrams))
        assert receiver.times[-1] - asked == pytest.approx(0.02, abs=1e-6)

    simulate(main)


@pytest.mark.parametrize(
    "shape",
    [
        LinkShape(loss=0.05),
        LinkShape(jitter=0.02),
        LinkShape(reorder=0.2, duplicate=0.2),
        LinkShape(rate=5e6, loss=0.02, duplicate=0.05, jitter=0.01),
    ],
)
def test_a_stream_arrives_whole_over_a_bad_network(shape: LinkShape) -> None:
    payload = bytes(range(251)) * 1200

    async def main(both: Joined) -> None:
        receiver = await both.connect()
        stream = receiver.carrier.open_stream()
        receiver.carrier.send_stream(stream, payload, end=True)
        await receiver.until(lambda: stream in receiver.ended, 60)
        assert bytes(receiver.streams[stream]) == payload

    simulate(main, shape=shape)


def test_every_datagram_is_told_acknowledged_or_lost() -> None:
    async def main(both: Joined) -> None:
        receiver = await both.connect()
        for number in range(200):
            receiver.carrier.send_datagrams([b"\0\0\0\1" + number.to_bytes(4, "big") + bytes(800)], 2, None, [number])
            await asyncio.sleep(0.005)
        await asyncio.sleep(1)
        fates = dict(receiver.fates)
        arrived = len(both.accepted[0].datagrams)
        assert set(fates) == set(range(200))
        assert 150 < arrived < 190
        assert sum(fates.values()) <= arrived
        assert sum(fates.values()) > arrived - 10

    simulate(main, shape=LinkShape(loss=0.1))


def test_back_pressure_reaches_the_sender_and_its_relief_is_told() -> None:
    async def main(both: Joined) -> None:
        receiver = await both.connect()
        carrier, reader = receiver.carrier, both.accepted[0]
        stream = carrier.open_stream()
        carrier.send_stream(stream, bytes(1 << 20))
        await asyncio.sleep(2)
        read = len(reader.streams[stream])
        assert 60_000 < read <= 64 << 10
        assert carrier.stream_backlog(stream) == (1 << 20) - read
        assert receiver.writable == []
        reader.carrier.trust_peer()
        while carrier.stream_backlog(stream) > BACKLOG_LIMIT // 2:
            reader.carrier.consume(stream, 64 << 10)
            await asyncio.sleep(0.02)
        await receiver.until(lambda: receiver.writable == [stream])

    simulate(main, receiver=lambda carrier: RecordingReceiver(carrier, consume_at_once=False))


def test_a_small_backlog_is_told_when_it_is_acknowledged() -> None:
    """Whoever sends no more than so much at a time, as input does, waits for nothing else."""

    async def main(both: Joined) -> None:
        receiver = await both.connect()
        stream = receiver.carrier.open_stream()
        receiver.carrier.send_stream(stream, bytes(ROOM + 1))
        await receiver.until(lambda: receiver.writable == [stream])
        assert receiver.carrier.stream_backlog(stream) <= ROOM
        receiver.carrier.send_stream(stream, bytes(ROOM // 2))
        await asyncio.sleep(1)
        assert receiver.writable == [stream]

    simulate(main)


def test_both_sides_learn_the_code_and_the_text() -> None:
    async def main(both: Joined) -> None:
        receiver = await both.connect()
        receiver.carrier.close(CloseCode.REPLACED, "another took its place")
        await both.accepted[0].until(lambda: bool(both.accepted[0].lost))
        assert both.accepted[0].lost == receiver.lost == [(CloseCode.REPLACED, "another took its place")]
        receiver.carrier.send_datagrams([b"\0"], 2, None)
        receiver.carrier.close(CloseCode.NO_ERROR, "again")
        second = await both.connect()
        both.accepted[1].carrier.close(CloseCode.LIMIT, "é" * 400)
        await second.until(lambda: bool(second.lost))
        assert second.lost == [(CloseCode.LIMIT, "é" * 128)]

    simulate(main)


def test_what_was_written_before_the_end_is_read() -> None:
    async def main(both: Joined) -> None:
        receiver = await both.connect()
        stream = receiver.carrier.open_stream()
        receiver.carrier.send_stream(stream, b"last words")
        receiver.carrier.close(CloseCode.REFUSED, "no")
        await both.accepted[0].until(lambda: bool(both.accepted[0].lost))
        assert bytes(both.accepted[0].streams[stream]) == b"last words"

    simulate(main)


def test_a_stream_is_abandoned_in_both_directions_with_its_code() -> None:
    async def main(both: Joined) -> None:
        receiver = await both.connect()
        stream = receiver.carrier.open_stream()
        receiver.carrier.send_stream(stream, b"x")
        await receiver.until(lambda: stream in receiver.streams)
        both.accepted[0].carrier.reset_stream(stream, 42)
        await receiver.until(lambda: bool(receiver.resets))
        receiver.carrier.send_stream(stream, b"into the void")
        await asyncio.sleep(1)
        assert receiver.resets == [(stream, 42)]
        assert both.accepted[0].resets == [], "who abandons a stream is told nothing more of it"
        assert receiver.carrier.stream_backlog(stream) == 0

    simulate(main)


def test_an_owner_that_finds_the_peer_at_fault_closes_with_its_code() -> None:
    class Strict(RecordingReceiver):
        def datagrams_received(self, datagrams: Sequence[bytes], now: float) -> None:
            raise RemoteProtocolError(CloseCode.FORBIDDEN, "no datagrams here")

    async def main(both: Joined) -> None:
        receiver = await both.connect()
        receiver.carrier.send_datagrams([b"\0"], 2, None)
        await receiver.until(lambda: bool(receiver.lost))
        assert receiver.lost == both.accepted[0].lost == [(CloseCode.FORBIDDEN, "no datagrams here")]

    simulate(main, receiver=Strict)


def test_a_peer_that_vanishes_is_noticed_and_one_that_is_quiet_is_kept() -> None:
    async def main(both: Joined) -> None:
        receiver = await both.connect()
        await asyncio.sleep(120)
        assert receiver.lost == []
        both.sim.network.change(RELAY, VIEWER, loss=1.0)
        await asyncio.sleep(60)
        assert receiver.lost[0][0] == both.accepted[0].lost[0][0] == CloseCode.TIMEOUT

    simulate(main, options=ConnectionOptions(keepalive=10.0))


def test_nobody_there_is_said_in_time() -> None:
    async def main(both: Joined) -> None:
        await both.server.close()
        began = both.sim.clock.monotonic()
        with pytest.raises(Unreachable, match="did not answer within 3 seconds"):
            await both.connect(timeout=3.0)
        assert both.sim.clock.monotonic() - began == pytest.approx(3.0)
        assert both.client.connections == 0
        with pytest.raises(Unreachable, match="has no address"):
            await both.client.connect(("nowhere", 1), trust=TrustPinned(), on_carrier=RecordingReceiver)

    simulate(main)


def test_a_restarted_relay_is_noticed_with_the_next_packet() -> None:
    async def main(both: Joined) -> None:
        receiver = await both.connect()
        both.sim.network.at(RELAY).unbind((RELAY, 4433))  # the system takes a crashed program's socket
        fresh = both.sim.endpoint(RELAY, reset_key=bytes(32))
        await fresh.bind(("0.0.0.0", 4433))
        fresh.listen(both.sim.certificate(), on_carrier=lambda carrier, _alpn: RecordingReceiver(carrier))
        asked = both.sim.clock.monotonic()
        receiver.carrier.send_datagrams([b"\0are you there?"], 2, None)
        await receiver.until(lambda: bool(receiver.lost))
        assert receiver.lost == [(CloseCode.GOING_AWAY, "the other side restarted")]
        assert both.sim.clock.monotonic() - asked < 0.03
        await fresh.close()

    simulate(main, reset_key=bytes(32))


def test_a_flood_of_handshakes_turns_retry_on_and_honest_clients_still_connect() -> None:
    async def main(both: Joined) -> None:
        strangers = [both.sim.endpoint(f"10.1.{index}.1") for index in range(70)]
        for stranger in strangers:
            await stranger.bind(("0.0.0.0", 0))
            both.sim.network.change(stranger.local_address[0], RELAY, delay=0.01)
            both.sim.network.link(RELAY, stranger.local_address[0]).shape = LinkShape(loss=1.0)
        attempts = [
            asyncio.create_task(
                stranger.connect(("relay.test", 4433), trust=TrustPinned(), on_carrier=RecordingReceiver)
            )
            for stranger in strangers
        ]
        await asyncio.sleep(0.1)
        assert both.server.snapshot()["half open"] == 64
        began = both.sim.clock.monotonic()
        await both.connect()
        assert both.sim.clock.monotonic() - began == pytest.approx(0.05, abs=0.005), "a round trip more than 0.03"
        failures = await asyncio.gather(*attempts, return_exceptions=True)
        assert all(isinstance(failure, Unreachable) for failure in failures)
        await asyncio.sleep(1)
        assert both.server.snapshot()["half open"] == 0
        assert both.server.connections == 1
        for stranger in strangers:
            await stranger.close()

    simulate(main)


def test_a_new_certificate_is_shown_to_the_next_connection_only() -> None:
    async def main(both: Joined) -> None:
        first = await both.connect()
        renewed = both.sim.certificate()
        both.server.set_certificate(renewed)
        second = await both.connect()
        assert second.carrier.peer_certificate == renewed.der
        assert first.carrier.peer_certificate != renewed.der
        for client, server in zip(both.opened, both.accepted, strict=True):
            assert client.carrier.peer_certificate == server.carrier.server_certificate
            assert server.carrier.peer_certificate is None

    simulate(main)


def test_closing_an_endpoint_tells_everybody_at_once() -> None:
    async def main(both: Joined) -> None:
        one, two = await both.connect(), await both.connect()
        stopped = both.sim.clock.monotonic()
        await both.server.close(CloseCode.GOING_AWAY, "restarting")
        assert both.sim.clock.monotonic() == stopped
        assert [receiver.lost for receiver in both.accepted] == [[(CloseCode.GOING_AWAY, "restarting")]] * 2
        await asyncio.sleep(0.02)
        assert one.lost == two.lost == [(CloseCode.GOING_AWAY, "restarting")]

    simulate(main)


def test_two_runs_of_one_seed_are_one_and_another_seed_is_another() -> None:
    async def main(both: Joined) -> None:
        receiver = await both.connect()
        stream = receiver.carrier.open_stream()
        receiver.carrier.send_stream(stream, bytes(50_000), end=True)
        await receiver.until(lambda: stream in receiver.ended)

    shape = LinkShape(loss=0.05, jitter=0.005)
    assert simulate(main, seed=5, shape=shape) == simulate(main, seed=5, shape=shape)
    assert simulate(main, seed=5, shape=shape) != simulate(main, seed=6, shape=shape)
