"""WebSockets on TLS and TCP over loopback, on both event loops: they carry, drop what is late, refuse and end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import uvloop
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.loop.clock import SystemClock, entropy
from avl_protocol.endpoint.tcp.pump import PARSED
from avl_protocol.endpoint.tcp.websocket import SUBPROTOCOL, WebSocketServer, connect_websocket
from avl_protocol.endpoint.tls import TlsServer, TrustPinned, TrustPublic, client_context, self_signed
from avl_protocol.rate.limits import DEFAULT, Limits, Places
from avl_protocol.websocket.carrier import WebSocketCarrier
from avl_protocol.wire.registry import CloseCode, Priority
from tests.protocol.carriers import RecordingReceiver

Test = Callable[["Stand"], Coroutine[Any, Any, None]]


def certificate() -> TlsServer:
    return self_signed(["localhost", "127.0.0.1"], now=SystemClock().wall(), entropy=entropy)


@dataclass(kw_only=True)
class Stand:
    """A server on a free port, and what was accepted there."""

    server: WebSocketServer
    tls: TlsServer
    port: int
    echo: bool = True
    accepted: list[RecordingReceiver] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def connect(self, echo: bool = False, **more: Any) -> tuple[WebSocketCarrier, RecordingReceiver]:
        """A client's carrier and its receiver, accepted at the other end."""
        made: list[RecordingReceiver] = []

        def on_carrier(carrier: WebSocketCarrier) -> RecordingReceiver:
            made.append(RecordingReceiver(carrier, echo=echo))
            return made[-1]

        settings = {"trust": TrustPinned(), "clock": SystemClock(), "loop": asyncio.get_running_loop(), **more}
        carrier = await connect_websocket(("127.0.0.1", self.port), on_carrier=on_carrier, **settings)
        return carrier, made[0]

    async def until(self, count: int) -> RecordingReceiver:
        """The receiver of the latest connection, once so many were accepted."""
        async with asyncio.timeout(10):
            while len(self.accepted) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.accepted[-1]


@asynccontextmanager
async def stand(limits: Limits = DEFAULT) -> AsyncIterator[Stand]:
    tls = certificate()
    bound = socket.create_server(("127.0.0.1", 0))

    def on_carrier(carrier: WebSocketCarrier, subprotocol: str) -> RecordingReceiver:
        assert subprotocol == SUBPROTOCOL
        running.accepted.append(RecordingReceiver(carrier, echo=running.echo))
        running.arrived.set()
        return running.accepted[-1]

    server = WebSocketServer(
        clock=SystemClock(),
        entropy=entropy,
        loop=asyncio.get_running_loop(),
        on_carrier=on_carrier,
        origin_allowed=lambda origin: origin == "https://relay.test",
        limits=limits,
    )
    running = Stand(server=server, tls=tls, port=bound.getsockname()[1])
    await server.listen(bound, tls)
    try:
        yield running
    finally:
        await server.close()
    assert server.connections == 0


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Test], None]:
    """Runs a test on a fresh loop of each kind."""

    def runner(test: Test) -> None:
        async def whole() -> None:
            async with asyncio.timeout(30), stand() as running:
                await test(running)

        factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=factory) as loop:
            loop.run(whole())

    return runner


def test_streams_and_datagrams_are_echoed(run: Callable[[Test], None]) -> None:
    async def test(running: Stand) -> None:
        carrier, receiver = await running.connect()
        accepted = await running.until(1)
        assert receiver.ready and accepted.ready
        assert carrier.peer_certificate == running.tls.der
        assert accepted.carrier.peer_address[0] == "127.0.0.1" and carrier.peer_address[1] == running.port
        stream = carrier.open_stream()
        carrier.send_stream(stream, b"hello ")
        carrier.send_stream(stream, bytes(500_000), end=True)
        carrier.send_datagrams([b"\0one", b"\0two"], Priority.VIDEO, None, [1, 2])
        await receiver.until(lambda: stream in receiver.ended and len(receiver.datagrams) == 2)
        assert bytes(receiver.streams[stream]) == b"hello " + bytes(500_000)
        assert receiver.fates == [(1, True), (2, True)]
        assert carrier.rtt is not None and carrier.rtt < 5

    run(test)


def test_a_certificate_that_changed_is_that_of_the_next_connection(run: Callable[[Test], None]) -> None:
    async def test(running: Stand) -> None:
        before, _ = await running.connect()
        following = certificate()
        running.server.set_certificate(following)
        after, _ = await running.connect()
        await running.until(2)
        assert before.peer_certificate == running.tls.der and after.peer_certificate == following.der
        seen = [receiver.carrier for receiver in running.accepted]
        assert [carrier.server_certificate for carrier in seen] == [running.tls.der, following.der]

    run(test)


def test_the_end_is_told_on_both_sides_with_its_code(run: Callable[[Test], None]) -> None:
    async def test(running: Stand) -> None:
        carrier, receiver = await running.connect()
        accepted = await running.until(1)
        carrier.close(CloseCode.ENDED, "enough")
        await accepted.until(lambda: bool(accepted.lost))
        await receiver.until(lambda: bool(receiver.lost))
        assert accepted.lost == receiver.lost == [(CloseCode.ENDED, "enough")]
        _, second = await running.connect()
        await running.until(2)
        await running.server.close(CloseCode.GOING_AWAY, "maintenance")
        await second.until(lambda: bool(second.lost))
        assert second.lost == [(CloseCode.GOING_AWAY, "maintenance")]
        with pytest.raises(Unreachable):
            await running.connect()

    run(test)


def test_a_frame_that_is_late_is_never_sent_while_nobody_reads(run: Callable[[Test], None]) -> None:
    async def test(running: Stand) -> None:
        running.echo = False
        loop = asyncio.get_running_loop()
        reader, received = _Stopped(), b""
        transport, _ = await loop.create_connection(
            lambda: reader, "127.0.0.1", running.port, ssl=client_context(TrustPinned()), server_hostname="localhost"
        )
        http = ClientProtocol(parse_uri("wss://localhost/avl/1"), subprotocols=[SUBPROTOCOL])
        http.send_request(http.connect())
        transport.write(b"".join(http.data_to_send()))
        accepted = await running.until(1)
        transport.pause_reading()
        now = SystemClock().monotonic()
        payloads = [b"\0old" + bytes(1000)] * 60
        for number in range(200):  # 12 MB: more than any socket takes of what nobody reads
            accepted.carrier.send_datagrams(payloads, Priority.VIDEO, now + 1.5, [number] * len(payloads))
            await asyncio.sleep(0)
        assert accepted.carrier.datagram_backlog > 0 and accepted.carrier.hold(SystemClock().monotonic() + 0.1)
        stream = accepted.carrier.open_stream()
        accepted.carrier.send_stream(stream, b"input")
        await asyncio.sleep(1.6)
        transport.resume_reading()
        await accepted.until(lambda: len(accepted.fates) == 200 * len(payloads))
        assert {written for _, written in accepted.fates} == {True, False}
        assert accepted.carrier.datagram_backlog == 0
        transport.abort()
        await accepted.until(lambda: bool(accepted.lost))
        assert received == b"" and accepted.lost[0][0] == CloseCode.GOING_AWAY

    run(test)


class _Stopped(asyncio.Protocol):
    """A client that does not understand what it reads."""


@pytest.mark.parametrize(
    ("path", "origin", "subprotocol", "status"),
    [
        ("/avl/1", None, SUBPROTOCOL, b"101"),
        ("/avl/1", "https://relay.test", SUBPROTOCOL, b"101"),
        ("/avl/1", "https://elsewhere.test", SUBPROTOCOL, b"403"),
        ("/avl/1", "null", SUBPROTOCOL, b"403"),
        ("/avl/2", None, SUBPROTOCOL, b"404"),
        ("/avl/1", None, "other", b"400"),
        ("/avl/1", None, None, b"400"),
    ],
)
async def test_a_request_that_is_not_ours_is_refused(
    path: str, origin: str | None, subprotocol: str | None, status: bytes
) -> None:
    async with stand() as running:
        answer = await _ask(running, path, origin, subprotocol)
        assert answer.split()[1] == status
        assert len(running.accepted) == (status == b"101")


async def _ask(running: Stand, path: str, origin: str | None, subprotocol: str | None) -> bytes:
    http = ClientProtocol(
        parse_uri(f"wss://localhost{path}"),
        origin=origin,  # type: ignore[arg-type]
        subprotocols=None if subprotocol is None else [subprotocol],  # type: ignore[list-item]
    )
    http.send_request(http.connect())
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", running.port, ssl=client_context(TrustPinned()), server_hostname="localhost"
    )
    writer.write(b"".join(http.data_to_send()))
    answer = await reader.readline()
    writer.transport.abort()
    return answer


async def test_a_certificate_that_nobody_vouches_for_is_refused_unless_pinned() -> None:
    async with stand() as running:
        with pytest.raises(Unreachable, match="certificate"):
            await running.connect(trust=TrustPublic("localhost"))


async def test_whoever_does_not_speak_tls_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avl_protocol.endpoint.tcp.pump.OPENING", 1.5)
    async with stand() as running:
        mute = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(DEFAULT.half_open.source)]
        with pytest.raises(Unreachable):
            await running.connect(timeout=0.7)
        for reader, writer in mute:
            try:
                assert await reader.read() == b""
            except ConnectionResetError:
                pass
            writer.transport.abort()
        await running.connect()
        await running.until(1)


async def test_a_port_where_nobody_listens_is_unreachable() -> None:
    async with stand() as running:
        running.port = 9
        with pytest.raises(Unreachable, match="refused"):
            await running.connect()


def upgraded(patch: pytest.MonkeyPatch) -> list[ServerProtocol]:
    """The server's halves of the WebSockets from now on, in the order of their upgrades."""
    made: list[ServerProtocol] = []
    accept = ServerProtocol.accept

    def accepted(http: ServerProtocol, request: Request) -> Response:
        made.append(http)
        return accept(http, request)

    patch.setattr(ServerProtocol, "accept", accepted)
    return made


async def test_a_text_message_is_a_protocol_error(monkeypatch: pytest.MonkeyPatch) -> None:
    halves = upgraded(monkeypatch)
    async with stand() as running:
        _, receiver = await running.connect()
        accepted = await running.until(1)
        halves[0].send_text(b"hello")
        accepted.carrier.send_datagrams([b"\0takes it along"], Priority.VIDEO, None)
        await accepted.until(lambda: bool(accepted.lost))
        assert receiver.lost[0][0] == accepted.lost[0][0] == CloseCode.PROTOCOL_ERROR


# -- what one connection may cost --------------------------------------------------------------------------------------


class _Raw(asyncio.Protocol):
    """A client that has upgraded and writes what the test says."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set()


#: RFC 6455, 5.2: a binary message that is not over, a continuation, a whole message of one byte; a PING. All masked.
BEGIN, MORE, NOTHING = b"\x02\x80" + bytes(4), b"\x00\x80" + bytes(4), b"\x82\x89" + bytes(4) + b"\6" + bytes(8)
WEBSOCKET_PING = b"\x89\x80" + bytes(4)


async def _raw(running: Stand) -> _Raw:
    http = ClientProtocol(parse_uri("wss://localhost/avl/1"), subprotocols=[SUBPROTOCOL])
    http.send_request(http.connect())
    raw = _Raw()
    await asyncio.get_running_loop().create_connection(
        lambda: raw, "127.0.0.1", running.port, ssl=client_context(TrustPinned()), server_hostname="localhost"
    )
    raw.transport.write(b"".join(http.data_to_send()))
    return raw


def _counted(patch: pytest.MonkeyPatch, loop: asyncio.AbstractEventLoop) -> list[int]:
    """Frames read of the first WebSocket from now on in each turn of the loop."""
    turns: list[int] = []
    halves = upgraded(patch)
    events_received = ServerProtocol.events_received
    begun = [False]

    def counted(http: ServerProtocol) -> list[Any]:
        events = events_received(http)
        frames = sum(isinstance(event, Frame) for event in events)
        if frames and http is halves[0]:
            if not begun[0]:
                begun[0] = True
                turns.append(0)
                loop.call_soon(over)  # before whatever is asked for behind this
            turns[-1] += frames
        return events

    def over() -> None:
        begun[0] = False

    patch.setattr(ServerProtocol, "events_received", counted)
    return turns


def test_a_message_in_endless_fragments_ends_the_connection(run: Callable[[Test], None]) -> None:
    async def test(running: Stand) -> None:
        raw = await _raw(running)
        accepted = await running.until(1)
        raw.transport.write(BEGIN + MORE * 5000)
        await accepted.until(lambda: bool(accepted.lost))
        assert accepted.lost[0][0] == CloseCode.PROTOCOL_ERROR
        await raw.closed.wait()

    run(test)


@pytest.mark.parametrize("frame", [NOTHING, WEBSOCKET_PING], ids=["messages", "pings"])
def test_a_flood_of_frames_gets_its_allowance_in_small_turns_and_nobody_else_waits(
    frame: bytes, run: Callable[[Test], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(running: Stand) -> None:
        turns = _counted(monkeypatch, asyncio.get_running_loop())
        raw = await _raw(running)
        await running.until(1)
        carrier, receiver = await running.connect()
        await running.until(2)
        raw.transport.write(frame * 20_000)
        for _ in range(20):
            receiver.datagrams.clear()
            carrier.send_datagrams([b"\0in time"], Priority.VIDEO, None)
            await receiver.until(lambda: bool(receiver.datagrams))
        async with asyncio.timeout(5):
            while not running.server.snapshot()["held back"] or sum(turns) < 400:
                await asyncio.sleep(0.02)
        limits = DEFAULT
        piece = PARSED // len(frame) + 1
        assert max(turns) < limits.turn_frames + piece
        assert sum(turns) < limits.stranger_frames.burst + 5 * limits.stranger_frames.per_second + piece
        assert running.server.snapshot()["bytes that wait"] < 1 << 20
        raw.transport.abort()

    run(test)


def test_who_is_trusted_may_send_a_film_and_a_file_at_once(run: Callable[[Test], None]) -> None:
    async def test(running: Stand) -> None:
        running.echo = False
        carrier, _ = await running.connect()
        accepted = await running.until(1)
        accepted.carrier.trust_peer()
        stream = carrier.open_stream()
        carrier.send_stream(stream, bytes(4_000_000), end=True)
        for _ in range(100):
            carrier.send_datagrams([b"\0" + bytes(1100)] * 40, Priority.VIDEO, None)
            await asyncio.sleep(0.002)
        await accepted.until(lambda: stream in accepted.ended and len(accepted.datagrams) == 4000)
        assert running.server.snapshot()["held back"] == 0

    run(test)


def test_a_stranger_s_bytes_have_an_allowance_too(run: Callable[[Test], None]) -> None:
    async def test(running: Stand) -> None:
        running.echo = False
        carrier, _ = await running.connect()
        accepted = await running.until(1)
        stream, allowed = carrier.open_stream(), DEFAULT.stranger_bytes
        begun = asyncio.get_running_loop().time()
        carrier.send_stream(stream, bytes(8_000_000))
        async with asyncio.timeout(20):
            while not running.server.snapshot()["held back"] or len(accepted.streams[stream]) < 0.9 * allowed.burst:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        spent = asyncio.get_running_loop().time() - begun
        slack = 500_000  # what one turn reads beyond it
        assert len(accepted.streams[stream]) < allowed.burst + allowed.per_second * spent + slack

    run(test)


def test_what_was_said_before_the_end_is_read_though_it_had_to_wait(run: Callable[[Test], None]) -> None:
    async def test(running: Stand) -> None:
        running.echo = False
        raw = await _raw(running)
        accepted = await running.until(1)
        # CLOSE with code 71 and no text, behind more than one turn may read (spec 2.10)
        raw.transport.write(NOTHING * 300 + b"\x82\x83" + bytes(4) + b"\x04\x40\x47")
        await accepted.until(lambda: bool(accepted.lost))
        assert accepted.lost[0][0] == 71

    run(test)


async def test_a_source_has_so_many_places_and_leaves_them_free() -> None:
    few = replace(DEFAULT, connections=Places(3, 9, 9), strangers=Places(2, 9, 9), stranger_grace=60.0)
    async with stand(few) as running:
        first, _ = await running.connect()
        await running.connect()
        await running.until(2)
        with pytest.raises(Unreachable):
            await running.connect()
        running.accepted[0].carrier.trust_peer()
        first.send_datagrams([b"\0a friend's"], Priority.VIDEO, None)
        await running.accepted[0].until(lambda: bool(running.accepted[0].datagrams))
        await running.connect()
        await running.until(3)
        with pytest.raises(Unreachable):
            await running.connect()
        assert running.server.snapshot()["places"] == 3
    assert running.server.snapshot()["places"] == 0
