"""HTTP/3 of a program that asks: requests on a Connection that it opened, and the answers to them (RFC 9114).

Credit goes back for what was handed over, so that an answer holds no more memory than the window and what its receiver
keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from aioquic.h3.connection import ErrorCode
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic import events

from avl_protocol.quic.connection import Connection
from avl_protocol.quic.http3 import Headers, Http3Connection
from avl_protocol.wire.errors import LocalProtocolError


class AnswerReceiver(Protocol):
    """Who is told of one answer. Times are seconds of the endpoint's monotonic clock."""

    def answer_begun(self, status: int, headers: Headers, now: float) -> None:
        """Status and headers arrived, those of interim answers left out."""

    def answer_data(self, data: bytes, end: bool, now: float) -> None:
        """A piece of the body arrived; `end`: it is whole."""

    def answer_failed(self, text: str, now: float) -> None:
        """The answer will not be whole, and nothing more is said of it."""


class Http3Client:
    """The Application of a connection that asks. `on_ready` is called once requests can be sent."""

    def __init__(self, connection: Connection, on_ready: Callable[[Http3Client], object]) -> None:
        self._connection = connection
        self._on_ready = on_ready
        self._http = Http3Connection(connection, enable_webtransport=False)
        self._waiting: dict[int, AnswerReceiver] = {}
        self._begun: set[int] = set()

    @property
    def certificate(self) -> bytes:
        """DER of the server's certificate."""
        return self._connection.certificate or b""

    @property
    def ended(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._connection.ended

    def trusted_for(self, name: str) -> bool:
        """Whether public authorities vouch for the server under this name."""
        return self._connection.trusted_for(name)

    def ask(self, headers: Headers, body: bytes | None, receiver: AnswerReceiver) -> int:
        """Send a request; the number by which it can be given up. Names in lower case, pseudo-headers first.

        Raises LocalProtocolError where the connection is over.
        """
        if self.ended:
            raise LocalProtocolError("the connection is over")
        stream = self._connection.open_stream()
        self._waiting[stream] = receiver
        self._http.send_headers(stream, headers, end_stream=body is None)
        if body is not None:
            self._http.send_data(stream, body, end_stream=True)
        self._connection.on_wanted()
        return stream

    def give_up(self, stream: int) -> None:
        """Want an answer no more; its receiver is told nothing."""
        if self._waiting.pop(stream, None) is not None:
            self._begun.discard(stream)
            self._connection.abandon_stream(stream, ErrorCode.H3_REQUEST_CANCELLED)

    # ---- see Application

    def event_received(self, event: events.QuicEvent, now: float) -> None:
        """Take one event of the connection."""
        if isinstance(event, events.HandshakeCompleted):
            self._on_ready(self)
        elif isinstance(event, events.StreamDataReceived):
            stream, waiting = event.stream_id, self._http.buffered(event.stream_id)
            for item in self._http.handle_event(event):
                self._happened(item, now)
            self._connection.consume(stream, len(event.data) + waiting - self._http.buffered(stream))
        elif isinstance(event, (events.StreamReset, events.StopSendingReceived)):
            self._http.handle_event(event)
            if isinstance(event, events.StreamReset):
                self._failed(event.stream_id, "the server broke off its answer", now)

    def settle(self, now: float) -> None:
        """After a batch of events."""
        if self._connection.ended:
            for stream in list(self._waiting):
                self._failed(stream, "the connection ended", now)

    def shut(self, code: int, text: str) -> None:
        """Say the end to the server."""
        self._connection.close(error_code=ErrorCode.H3_NO_ERROR)
        self._connection.on_wanted()

    # ---- inside

    def _happened(self, event: H3Event, now: float) -> None:
        receiver = self._waiting.get(getattr(event, "stream_id", -1))
        if receiver is None:
            return
        if isinstance(event, HeadersReceived):
            self._headers(event, receiver, now)
        elif isinstance(event, DataReceived):
            self._data(event.stream_id, receiver, event.data, event.stream_ended, now)

    def _headers(self, event: HeadersReceived, receiver: AnswerReceiver, now: float) -> None:
        stream = event.stream_id
        if stream not in self._begun:
            status = dict(event.headers).get(b":status", b"")
            if not status.isdigit():
                self._connection.abandon_stream(stream, ErrorCode.H3_MESSAGE_ERROR)
                self._failed(stream, "the server's answer has no status", now)
                return
            if int(status) < 200:
                return
            self._begun.add(stream)
            receiver.answer_begun(int(status), [one for one in event.headers if one[0][:1] != b":"], now)
        if event.stream_ended:
            self._data(stream, receiver, b"", True, now)

    def _data(self, stream: int, receiver: AnswerReceiver, data: bytes, end: bool, now: float) -> None:
        if end:
            self._waiting.pop(stream, None)
            self._begun.discard(stream)
        if data or end:
            receiver.answer_data(data, end, now)

    def _failed(self, stream: int, text: str, now: float) -> None:
        self._begun.discard(stream)
        receiver = self._waiting.pop(stream, None)
        if receiver is not None:
            receiver.answer_failed(text, now)
