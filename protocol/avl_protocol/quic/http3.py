"""HTTP/3 on a Connection: requests for an HttpHandler, and the one that opens a WebTransport session.

aioquic's H3Connection parses; this adds the settings browsers want, bounds what it may buffer by receive credit,
and takes the session's streams out of its hands as soon as they are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import pylsqpack
from aioquic.h3.connection import ErrorCode, H3Connection, Setting
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived, WebTransportStreamDataReceived
from aioquic.quic import events

from avl_protocol.carrier.carrier import CarrierReceiver
from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.quic.connection import Connection
from avl_protocol.quic.webtransport import LINGER, SESSION, WebTransportSession
from avl_protocol.wire.registry import PATH

Headers = list[tuple[bytes, bytes]]

#: SETTINGS_WT_MAX_SESSIONS of newer drafts; Safari refuses a server without it.
WT_MAX_SESSIONS = 0x14E9CD29
MAX_HEADERS = 16384


class HttpRequest(Protocol):
    """One request, and the way to answer it, of whichever version of HTTP. Hashable by identity.

    `method`, `path` (with its query) and `authority` are as they came; `headers` has names in lower case, and neither
    pseudo-headers nor host.
    """

    version: str
    method: str
    path: str
    authority: str
    headers: Headers

    @property
    def peer_address(self) -> tuple[str, int]:
        """Who asks."""

    @property
    def backlog(self) -> int:
        """Bytes of the answer that have not left or, over QUIC, are not yet acknowledged."""

    @property
    def over(self) -> bool:
        """Whether nothing can be sent any more."""

    def send_headers(self, status: int, headers: Sequence[tuple[bytes, bytes]] = (), end: bool = False) -> None:
        """Begin the answer; names in lower case. Ignored once the request was given up."""

    def send_data(self, data: bytes, end: bool = False) -> None:
        """Continue the answer. Ignored once the request was given up."""

    def abandon(self) -> None:
        """Give the request up; nothing more can be sent."""

    def tell_room(self, backlog: int) -> None:
        """Have the handler told, once, when no more than so many bytes wait (`request_writable`)."""


class Http3Request:
    """A request on a stream of QUIC's. Satisfies HttpRequest."""

    version = "3"

    def __init__(
        self,
        *,
        http: Http3Connection,
        connection: Connection,
        stream: int,
        headers: Headers,
        on_answered: Callable[[int], None],
    ) -> None:
        self._http = http
        self._connection = connection
        self._on_answered = on_answered
        self._over = False
        self._room: int | None = None
        self.stream = stream
        pseudo = {name: value.decode("latin-1") for name, value in headers if name.startswith(b":")}
        self.method = pseudo.get(b":method", "")
        self.path = pseudo.get(b":path", "")
        self.authority = pseudo.get(b":authority", "")
        self.headers: Headers = [(name, value) for name, value in headers if not name.startswith(b":")]

    @property
    def peer_address(self) -> tuple[str, int]:
        """Who asks."""
        address = self._connection.get_peer_address()
        return (address[0], address[1]) if address else ("", 0)

    @property
    def backlog(self) -> int:
        """Bytes of the answer not yet acknowledged."""
        return self._connection.stream_backlog(self.stream)

    def send_headers(self, status: int, headers: Sequence[tuple[bytes, bytes]] = (), end: bool = False) -> None:
        """Begin the answer; names in lower case. Ignored once the request was reset."""
        if not self._over and not self._connection.ended:
            self._http.send_headers(self.stream, [(b":status", str(status).encode()), *headers], end)
            self._sent(end)

    def send_data(self, data: bytes, end: bool = False) -> None:
        """Continue the answer. Ignored once the request was reset."""
        if not self._over and not self._connection.ended:
            self._http.send_data(self.stream, data, end)
            self._sent(end)

    def abandon(self, code: int = ErrorCode.H3_REQUEST_CANCELLED) -> None:
        """Reset the request; nothing more can be sent."""
        self._connection.abandon_stream(self.stream, code)
        self._sent(True)

    @property
    def over(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._over or self._connection.ended

    def tell_room(self, backlog: int) -> None:
        """Have the handler told, once, when no more than so many bytes wait (`request_writable`)."""
        self._room = backlog

    def has_room(self) -> bool:
        """Whether the handler is to be told now."""
        if self._room is None or self.backlog > self._room:
            return False
        self._room = None
        return True

    def finish(self) -> None:
        """The client gave up: what is still sent is ignored."""
        self._over = True

    def _sent(self, end: bool) -> None:
        self._connection.on_wanted()
        if end:
            self._over = True
            self._on_answered(self.stream)


class HttpHandler(Protocol):
    """Who answers requests other than the WebTransport one. Times are seconds of the endpoint's monotonic clock."""

    def request_received(self, request: HttpRequest, end: bool, now: float) -> None:
        """Headers arrived; `end`: there is no body."""

    def body_received(self, request: HttpRequest, data: bytes, end: bool, now: float) -> None:
        """A piece of the body arrived."""

    def request_writable(self, request: HttpRequest, now: float) -> None:
        """The backlog has drained as far as `tell_room` asked for."""

    def request_reset(self, request: HttpRequest, now: float) -> None:
        """The client gave up, or the connection ended before the answer did."""


class Http3Connection(H3Connection):
    """H3Connection with our SETTINGS: WebTransport, no dynamic QPACK table, header lists of 16 KiB at most."""

    def _init_connection(self) -> None:
        self._max_table_capacity = self._blocked_streams = 0
        self._decoder = pylsqpack.Decoder(0, 0)
        super()._init_connection()

    def _get_local_settings(self) -> dict[int, int]:
        settings = super()._get_local_settings()
        settings[Setting.MAX_FIELD_SECTION_SIZE] = MAX_HEADERS
        settings[WT_MAX_SESSIONS] = 1
        return settings

    def buffered(self, stream: int) -> int:
        """Bytes of a stream that wait here for the rest of a frame."""
        known = self._stream.get(stream)
        return 0 if known is None else len(known.buffer)

    def release(self, stream: int) -> None:
        """Forget a stream whose bytes will no longer come here."""
        self._stream.pop(stream, None)


class Http3Application:
    """What lives on a connection of ALPN `h3`: requests, and at most one WebTransport session."""

    def __init__(
        self,
        connection: Connection,
        *,
        on_carrier: Callable[[QuicCarrier], CarrierReceiver],
        handler: HttpHandler | None,
        origin_allowed: Callable[[str, str], bool],
    ) -> None:
        self._connection = connection
        self._on_carrier = on_carrier
        self._handler = handler
        self._origin_allowed = origin_allowed
        self._http = Http3Connection(connection, enable_webtransport=True)
        self._requests: dict[int, Http3Request] = {}
        self._session: WebTransportSession | None = None
        self._now = 0.0

    def event_received(self, event: events.QuicEvent, now: float) -> None:
        """Take one event of the connection."""
        self._now = now
        session = self._session
        if isinstance(event, events.DatagramFrameReceived):
            # Quarter stream id 0 is the session's; HTTP datagrams of other requests are not ours to read.
            if session is not None and event.data[:1] == b"\0":
                session.carrier.datagram(event.data, now)
        elif isinstance(event, events.StreamDataReceived):
            if session is not None and session.owns(event.stream_id):
                session.carrier.received(event.stream_id, event.data, event.end_stream, now)
            else:
                self._http_data(event, now)
        elif isinstance(event, (events.StreamReset, events.StopSendingReceived)):
            if session is not None and session.owns(event.stream_id):
                session.carrier.reset(event.stream_id, event.error_code, now)
            else:
                self._http.handle_event(event)
                self._request_over(event.stream_id, now)

    def settle(self, now: float) -> None:
        """After a batch of events."""
        if self._session is not None:
            self._session.carrier.settle(now)
        if self._connection.ended:
            for stream in list(self._requests):
                self._request_over(stream, now)
        elif self._handler is not None:
            for request in [request for request in self._requests.values() if request.has_room()]:
                self._handler.request_writable(request, now)

    def shut(self, code: int, text: str) -> None:
        """Say the end to the peer; without a session there is only the connection to close."""
        if self._session is not None:
            self._session.carrier.close(code, text)
        else:
            self._connection.close(error_code=ErrorCode.H3_NO_ERROR)
            self._connection.on_wanted()

    def _http_data(self, event: events.StreamDataReceived, now: float) -> None:
        stream = event.stream_id
        waiting = self._http.buffered(stream)
        happened = self._http.handle_event(event)
        waiting -= self._http.buffered(stream)
        delivered = 0
        for item in happened:
            if isinstance(item, WebTransportStreamDataReceived):
                delivered += len(item.data)
            self._happened(item, now)
        # Credit goes back for what was parsed, not for what waits: a frame without end would be buffered whole.
        self._connection.consume(stream, len(event.data) + waiting - delivered)

    def _happened(self, event: H3Event, now: float) -> None:
        if isinstance(event, HeadersReceived):
            self._headers(event, now)
        elif isinstance(event, DataReceived):
            if self._session is not None and event.stream_id == SESSION:
                if self._session.connect_stream_data(event.data, event.stream_ended, now):
                    self._connection.close_at(now + LINGER)
            elif (request := self._requests.get(event.stream_id)) is not None and self._handler is not None:
                self._handler.body_received(request, event.data, event.stream_ended, now)
            elif event.data and not event.stream_ended and self._connection.has_stream(event.stream_id):
                self._connection.stop_stream(event.stream_id, ErrorCode.H3_NO_ERROR)  # answered: the rest is not read
        elif isinstance(event, WebTransportStreamDataReceived):
            session = self._session
            self._http.release(event.stream_id)
            if session is None or event.session_id != SESSION:
                self._connection.consume(event.stream_id, len(event.data))
                self._connection.abandon_stream(event.stream_id, ErrorCode.H3_REQUEST_REJECTED)
            elif event.stream_id & 2:
                self._connection.consume(event.stream_id, len(event.data))
            else:
                session.adopt(event.stream_id)
                session.carrier.received(event.stream_id, event.data, event.stream_ended, now)

    def _headers(self, event: HeadersReceived, now: float) -> None:
        if event.stream_id in self._requests or (self._session is not None and event.stream_id == SESSION):
            return  # trailers
        request = Http3Request(
            http=self._http,
            connection=self._connection,
            stream=event.stream_id,
            headers=event.headers,
            on_answered=self._answered,
        )
        # RFC 9114, section 4.2.2: the size of a field is its name, its value and 32 bytes.
        if sum(len(name) + len(value) + 32 for name, value in event.headers) > MAX_HEADERS:
            request.send_headers(431, end=True)
        elif request.method == "CONNECT":
            self._open_session(request, dict(event.headers), now)
        elif self._handler is None:
            request.send_headers(404, end=True)
        else:
            self._requests[event.stream_id] = request
            self._handler.request_received(request, event.stream_ended, now)

    def _open_session(self, request: Http3Request, headers: dict[bytes, bytes], now: float) -> None:
        origin = headers.get(b"origin", b"").decode("latin-1")
        if headers.get(b":protocol") not in (b"webtransport", b"webtransport-h3"):
            request.send_headers(501, end=True)
        elif request.path != PATH:
            request.send_headers(404, end=True)
        elif request.stream != SESSION or self._session is not None:
            request.send_headers(400, end=True)
        elif not self._origin_allowed(origin, request.authority):
            request.send_headers(403, end=True)
        else:
            request.send_headers(200, [(b"sec-webtransport-http3-draft", b"draft02")])
            session = WebTransportSession(self._connection, lambda capsule: self._end_session(request, capsule))
            self._session = session
            session.carrier.receiver = self._on_carrier(session.carrier)
            session.carrier.ready(now)

    def _end_session(self, request: Http3Request, capsule: bytes) -> None:
        request.send_data(capsule, end=True)
        self._connection.close_at(self._now + LINGER)

    def _answered(self, stream: int) -> None:
        self._requests.pop(stream, None)

    def _request_over(self, stream: int, now: float) -> None:
        request = self._requests.pop(stream, None)
        if request is not None and self._handler is not None:
            request.finish()
            self._handler.request_reset(request, now)
        if self._session is not None and stream == SESSION:
            self._session.carrier.lose(0, "", now)
