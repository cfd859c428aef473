"""HTTP/3 and WebTransport against aioquic's own client: what browsers rely on, and what a hostile one may try."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aioquic.h3.connection import FrameType, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic import events
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.quic.http3 import MAX_HEADERS, WT_MAX_SESSIONS, Http3Application, Http3Request, HttpRequest
from avl_protocol.quic.webtransport import CapsuleReader, close_capsule, incoming_code, outgoing_code
from avl_protocol.wire import varint
from tests.protocol.carriers import RecordingReceiver
from tests.protocol.pair import Pair

CONNECT = [
    (b":method", b"CONNECT"),
    (b":protocol", b"webtransport"),
    (b":scheme", b"https"),
    (b":authority", b"relay.test:4433"),
    (b":path", b"/avl/1"),
    (b"origin", b"https://relay.test"),
]
GET = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"relay.test"), (b":path", b"/index.html")]


def stream_of(request: HttpRequest) -> int:
    assert isinstance(request, Http3Request)
    return request.stream


class Handler:
    """Answers with what it was asked; keeps bodies and resets."""

    def __init__(self) -> None:
        self.bodies: dict[int, bytes] = {}
        self.reset: list[int] = []
        #: Stream and backlog of each request that was told to have room.
        self.writable: list[tuple[int, int]] = []

    def request_received(self, request: HttpRequest, end: bool, now: float) -> None:
        self.bodies[stream_of(request)] = b""
        request.send_headers(200, [(b"content-type", b"text/plain")])
        if end:
            request.send_data(f"{request.method} {request.path}".encode(), end=True)

    def body_received(self, request: HttpRequest, data: bytes, end: bool, now: float) -> None:
        self.bodies[stream_of(request)] += data
        if end:
            request.send_data(self.bodies[stream_of(request)], end=True)

    def request_writable(self, request: HttpRequest, now: float) -> None:
        self.writable.append((stream_of(request), request.backlog))

    def request_reset(self, request: HttpRequest, now: float) -> None:
        self.reset.append(stream_of(request))


class Site:
    """A server application and a stock HTTP/3 client over a pair in memory."""

    def __init__(
        self,
        *,
        consume_at_once: bool = True,
        origin_allowed: Callable[[str, str], bool] | None = None,
        handler: Handler | None = None,
    ) -> None:
        self.pair = Pair(alpn="h3")
        self.handler = handler or Handler()
        self.carriers: list[RecordingReceiver] = []

        def on_carrier(carrier: QuicCarrier) -> RecordingReceiver:
            self.carriers.append(RecordingReceiver(carrier, consume_at_once=consume_at_once))
            return self.carriers[-1]

        self.server = Http3Application(
            self.pair.server,
            on_carrier=on_carrier,
            handler=self.handler,
            origin_allowed=origin_allowed or (lambda origin, _authority: origin == "https://relay.test"),
        )
        self.client = H3Connection(self.pair.client, enable_webtransport=True)
        self.status: dict[int, bytes] = {}
        self.bodies: dict[int, bytes] = {}
        self.raw: dict[int, bytes] = {}
        self.go(0.05)

    def go(self, seconds: float = 0.05) -> None:
        """Let both sides work."""
        end = self.pair.now + seconds
        while self.pair.now < end:
            self.pair.run(0.002)
            kept = self.pair.events[self.pair.server]
            while kept:
                self.server.event_received(kept.pop(0), self.pair.now)
            self.server.settle(self.pair.now)
            kept = self.pair.events[self.pair.client]
            while kept:
                self._client_event(kept.pop(0))

    def _client_event(self, event: events.QuicEvent) -> None:
        if isinstance(event, events.StreamDataReceived):
            self.pair.client.consume(event.stream_id, len(event.data))
            if event.stream_id % 4 == 1:
                self.raw[event.stream_id] = self.raw.get(event.stream_id, b"") + event.data
                return
        for happened in self.client.handle_event(event):
            if isinstance(happened, HeadersReceived):
                self.status[happened.stream_id] = dict(happened.headers)[b":status"]
            elif isinstance(happened, DataReceived):
                self.bodies[happened.stream_id] = self.bodies.get(happened.stream_id, b"") + happened.data

    def ask(self, headers: list[tuple[bytes, bytes]], body: bytes | None = None) -> int:
        """Send a request and let it be answered."""
        stream = self.pair.client.get_next_available_stream_id()
        self.client.send_headers(stream, headers, end_stream=body is None and headers is not CONNECT)
        if body is not None:
            self.client.send_data(stream, body, end_stream=True)
        self.go()
        return stream


def test_the_settings_are_those_that_browsers_want() -> None:
    settings = Site().client.received_settings
    assert settings is not None
    assert settings[0x08] == 1, "extended CONNECT"
    assert settings[0x33] == 1, "HTTP datagrams"
    assert settings[0x2B603742] == 1, "WebTransport, draft 02"
    assert settings[WT_MAX_SESSIONS] == 1, "WebTransport, newer drafts"
    assert settings[0x06] == MAX_HEADERS
    assert settings[0x01] == settings[0x07] == 0, "no dynamic table"


def test_requests_are_answered_and_bodies_echoed() -> None:
    site = Site()
    stream = site.ask(GET)
    assert (site.status[stream], site.bodies[stream]) == (b"200", b"GET /index.html")
    body = bytes(range(256)) * 800
    post = [(b":method", b"POST"), *GET[1:]]
    stream = site.ask(post, body)
    site.go(0.3)
    assert site.bodies[stream] == body


def test_a_request_given_up_is_told() -> None:
    site = Site()
    stream = site.pair.client.get_next_available_stream_id()
    site.client.send_headers(stream, [(b":method", b"POST"), *GET[1:]])
    site.go()
    site.pair.client.abandon_stream(stream, 0x10C)
    site.go()
    assert site.handler.reset == [stream]


def test_an_answer_to_a_client_that_stopped_listening_is_ignored() -> None:
    kept: list[HttpRequest] = []

    class Slow(Handler):
        def request_received(self, request: HttpRequest, end: bool, now: float) -> None:
            kept.append(request)
            request.send_headers(200)

    slow = Slow()
    site = Site(handler=slow)
    stream = site.ask(GET)
    site.pair.client.stop_stream(stream, 0x10C)
    site.go()
    assert slow.reset == [stream]
    kept[0].send_data(b"too late", end=True)
    kept[0].abandon()
    site.go()
    assert not site.pair.server.ended
    assert site.ask(GET) != stream


def test_a_handler_is_told_once_when_a_large_answer_has_drained() -> None:
    site = Site()
    kept: list[HttpRequest] = []

    class Large(Handler):
        def request_received(self, request: HttpRequest, end: bool, now: float) -> None:
            kept.append(request)
            request.send_headers(200)
            request.send_data(bytes(400_000))
            request.tell_room(100_000)

    site.server._handler = large = Large()
    stream = site.ask(GET)
    site.go(2.0)
    ((told, backlog),) = large.writable
    assert told == stream and 0 < backlog <= 100_000 and not kept[0].over
    kept[0].send_data(b"the end", end=True)
    site.go(2.0)
    assert len(site.bodies[stream]) == 400_007 and len(large.writable) == 1


def test_too_many_headers_are_refused() -> None:
    site = Site()
    stream = site.ask([*GET, (b"cookie", b"c" * MAX_HEADERS)])
    assert site.status[stream] == b"431"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"origin", b"https://evil.test"), b"403"),
        ((b":path", b"/other"), b"404"),
        ((b":protocol", b"websocket"), b"501"),
    ],
)
def test_a_session_that_is_not_ours_is_refused(change: tuple[bytes, bytes], status: bytes) -> None:
    site = Site()
    name, value = change
    stream = site.pair.client.get_next_available_stream_id()
    site.client.send_headers(stream, [(key, value if key == name else old) for key, old in CONNECT])
    site.go()
    assert site.status[stream] == status
    assert site.carriers == []


def test_a_session_must_be_the_first_request_so_that_its_datagrams_begin_with_zero() -> None:
    site = Site()
    site.ask(GET)
    stream = site.ask(CONNECT)
    assert site.status[stream] == b"400"
    assert site.carriers == []


def opened(**more: bool) -> tuple[Site, RecordingReceiver]:
    site = Site(**more)  # type: ignore[arg-type]
    assert site.ask(CONNECT) == 0
    assert site.status[0] == b"200"
    return site, site.carriers[0]


def test_datagrams_are_the_same_bytes_as_on_raw_quic() -> None:
    site, carrier = opened()
    site.pair.client.send_datagrams([b"\0hello", b"\x01not this session"], 2, None, None)
    site.go()
    assert carrier.datagrams == [b"\0hello"]
    carrier.carrier.send_datagrams([b"\0back"], 2, None, ["it"])
    site.go()
    assert carrier.fates == [("it", True)]


def test_streams_of_both_sides_carry_bytes_without_the_prefix() -> None:
    site, carrier = opened()
    mine = site.client.create_webtransport_stream(0)
    site.pair.client.write_stream(mine, b"from the client", end=True)
    site.go()
    assert bytes(carrier.streams[mine]) == b"from the client"
    assert mine in carrier.ended
    theirs = carrier.carrier.open_stream()
    carrier.carrier.send_stream(theirs, b"from the server", end=True)
    site.go()
    assert site.raw[theirs] == b"\x40\x41\x00from the server"
    site.pair.client.write_stream(theirs, b"\x00\x04any bytes, not frames")
    site.go()
    assert bytes(carrier.streams[theirs]) == b"\x00\x04any bytes, not frames"


def test_a_prefix_that_arrives_byte_by_byte_is_no_data_and_no_leak() -> None:
    site, carrier = opened()
    stream = site.pair.client.open_stream()
    for value in b"\x40\x41\x00abc":
        site.pair.client.write_stream(stream, bytes([value]))
        site.go(0.01)
    assert bytes(carrier.streams[stream]) == b"abc"
    assert site.pair.server.stream_credit(stream).held == 0


def test_an_unread_stream_stops_the_browser_and_reading_lets_it_go_on() -> None:
    site, carrier = opened(consume_at_once=False)
    stream = site.client.create_webtransport_stream(0)
    site.pair.client.write_stream(stream, bytes(300_000), end=True)
    site.go(0.2)
    stopped = len(carrier.streams[stream])
    assert 60_000 < stopped <= 64 << 10
    read = 0
    for _ in range(50):
        carrier.carrier.consume(stream, len(carrier.streams[stream]) - read)
        read = len(carrier.streams[stream])
        site.go(0.01)
    assert read == 300_000


def test_a_frame_that_never_ends_is_not_buffered_without_bound() -> None:
    site = Site()
    stream = site.pair.client.open_stream()
    site.pair.client.write_stream(stream, varint.encode(FrameType.HEADERS) + varint.encode(1 << 30) + bytes(1 << 20))
    site.go(0.3)
    assert site.pair.client.stream_backlog(stream) > (1 << 20) - (65 << 10)


def test_stream_codes_travel_as_webtransport_maps_them() -> None:
    site, carrier = opened()
    stream = site.client.create_webtransport_stream(0)
    site.pair.client.write_stream(stream, b"x")
    site.go()
    site.pair.client.abandon_stream(stream, outgoing_code(77))
    site.go()
    assert carrier.resets == [(stream, 77)]
    stream = carrier.carrier.open_stream()
    site.go()
    carrier.carrier.reset_stream(stream, 78)
    site.go()
    resets = [event for event in site.pair.events[site.pair.client] if isinstance(event, events.StreamReset)]
    assert resets == []  # consumed by the client above; its stream is gone
    assert not site.pair.client.receives(stream)


def test_the_session_is_closed_by_either_side_with_code_and_reason() -> None:
    site, carrier = opened()
    site.client.send_data(0, close_capsule(11, "page left"), end_stream=True)
    site.go()
    assert carrier.lost == [(11, "page left")]
    site, carrier = opened()
    carrier.carrier.close(4, "going away")
    site.go()
    assert site.bodies[0] == close_capsule(4, "going away")
    assert carrier.lost == [(4, "going away")]
    site.go(4.0)
    assert site.pair.server.ended, "a browser that does not hang up is hung up on"


def test_a_session_whose_connection_ends_is_lost() -> None:
    site, carrier = opened()
    site.pair.client.close(error_code=0x100)
    site.go()
    assert len(carrier.lost) == 1


def test_streams_of_a_session_that_is_not_there_are_refused() -> None:
    site = Site()
    site.ask(GET)
    stream = site.pair.client.open_stream()
    site.pair.client.write_stream(stream, b"\x40\x41\x04data")
    site.go()
    assert not site.pair.client.has_stream(stream) or site.pair.client.stream_backlog(stream) == 0
    assert site.carriers == []


@given(st.integers(0, 0xFFFFFFFF))
def test_codes_survive_the_mapping(code: int) -> None:
    assert incoming_code(outgoing_code(code)) == code
    assert (outgoing_code(code) - 0x21) % 0x1F != 0, "never one of HTTP/3's reserved codes"


@given(st.integers(0, 2**62 - 1))
def test_any_code_has_a_meaning(code: int) -> None:
    assert 0 <= incoming_code(code) <= 0xFFFFFFFF


@given(
    st.lists(st.tuples(st.integers(0x2844, 0x4000), st.binary(max_size=50)), max_size=3),
    st.integers(0, 0xFFFFFFFF),
    st.text(max_size=100),
    st.integers(1, 20),
)
def test_capsules_are_read_in_any_slices(others: list[tuple[int, bytes]], code: int, text: str, step: int) -> None:
    data = b"".join(varint.encode(kind) + varint.encode(len(value)) + value for kind, value in others)
    data += close_capsule(code, text)
    reader = CapsuleReader()
    results = [reader.feed(data[start : start + step]) for start in range(0, len(data), step)]
    assert results[-1] == (code, text)
    assert results[:-1] == [None] * (len(results) - 1)


@given(st.binary(max_size=300))
def test_a_capsule_reader_keeps_little_of_what_it_does_not_want(data: bytes) -> None:
    reader = CapsuleReader()
    reader.feed(data)
    assert reader.buffered <= 1028 + 16
