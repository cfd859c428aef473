"""HTTP/1.1 of a relay's TCP port: requests for the handler that HTTP/3 has too (quic/http3.py), one after the other.

Without I/O, between a Pump and the handler. What a client may send is bounded by the Pump, a head by h11, a body and
the time of an answer by the handler.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import h11

from avl_protocol.quic.http3 import MAX_HEADERS, Headers, HttpHandler

VERSION = "1.1"


class Http1Request:
    """One request, and the way to answer it. Satisfies HttpRequest."""

    version = VERSION

    def __init__(self, server: Http1Server, asked: h11.Request, peer_address: tuple[str, int]) -> None:
        self._server = server
        self._over = False
        self._room: int | None = None
        self.peer_address = peer_address
        self.method, self.path = asked.method.decode("latin-1"), asked.target.decode("latin-1")
        self.authority = dict(asked.headers).get(b"host", b"").decode("latin-1")
        self.headers: Headers = [(name, value) for name, value in asked.headers if name != b"host"]

    @property
    def backlog(self) -> int:
        """See HttpRequest."""
        return self._server.backlog

    @property
    def over(self) -> bool:
        """See HttpRequest."""
        return self._over

    def send_headers(self, status: int, headers: Sequence[tuple[bytes, bytes]] = (), end: bool = False) -> None:
        """See HttpRequest."""
        self._send([h11.Response(status_code=status, headers=list(headers))], end)

    def send_data(self, data: bytes, end: bool = False) -> None:
        """See HttpRequest."""
        self._send([h11.Data(data=data)] if data else [], end)

    def abandon(self) -> None:
        """See HttpRequest: the connection ends with it."""
        self._over = True
        self._server.give_up()

    def tell_room(self, backlog: int) -> None:
        """See HttpRequest."""
        self._room = backlog

    def has_room(self) -> bool:
        """Whether the handler is to be told now."""
        if self._room is None or self.backlog > self._room:
            return False
        self._room = None
        return True

    def finish(self) -> None:
        """The client is gone: what is still sent is ignored."""
        self._over = True

    def _send(self, events: list[h11.Event], end: bool) -> None:
        if self._over:
            return
        self._over = end
        self._server.send([*events, h11.EndOfMessage()] if end else events, end)


class Http1Server:
    """The requests of one connection. `unsent()`: bytes that wait for the system; `on_wanted()` is called when there is
    something to send, outside of `receive`."""

    def __init__(
        self,
        handler: HttpHandler,
        peer_address: tuple[str, int],
        *,
        unsent: Callable[[], int],
        on_wanted: Callable[[], None],
    ) -> None:
        self._handler, self._peer_address = handler, peer_address
        self._unsent, self._on_wanted = unsent, on_wanted
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADERS)
        self._request: Http1Request | None = None
        self._leaving = bytearray()
        #: Whether a request has come, and whether the connection is to be closed once all has been sent.
        self.begun = self.finished = False

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self._request is not None

    @property
    def backlog(self) -> int:
        """Bytes of answers that have not left."""
        return len(self._leaving) + self._unsent()

    def receive(self, data: bytes, now: float) -> None:
        """Take plain bytes of the client; b"" is their end."""
        if self.finished:
            return
        try:
            self._http.receive_data(data)
            self._take(now)
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint)

    def data_to_send(self) -> bytes:
        """Plain bytes for the client."""
        data, self._leaving = bytes(self._leaving), bytearray()
        return data

    def drained(self, now: float) -> None:
        """What was sent has left."""
        if self._request is not None and self._request.has_room():
            self._handler.request_writable(self._request, now)

    def lost(self, now: float) -> None:
        """The connection is no more."""
        request, self._request = self._request, None
        if request is not None:
            request.finish()
            self._handler.request_reset(request, now)

    # ---- what a request calls

    def send(self, events: Sequence[h11.Event], end: bool) -> None:
        """Part of the answer, or its end."""
        try:
            for event in events:
                self._leaving += self._http.send(event) or b""
        except h11.LocalProtocolError:  # the handler contradicts itself, or the connection is over
            self.give_up()
            return
        if end:
            self._request = None
            done = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
            if done and not self._http.trailing_data[0]:
                self._http.start_next_cycle()
            else:  # more of the request comes, or another one without having waited, or the client wants no more
                self.finished = True
        self._on_wanted()

    def give_up(self) -> None:
        """The answer will not be whole."""
        self._request = None
        self.finished = True
        self._on_wanted()

    # ---- inside

    def _take(self, now: float) -> None:
        while not self.finished:
            event = self._http.next_event()
            if isinstance(event, h11.Request) and any(name == b"upgrade" for name, _ in event.headers):
                self._refuse(404)  # our WebSocket has one path, which never comes here
            elif isinstance(event, h11.Request):
                self.begun = True
                self._request = request = Http1Request(self, event, self._peer_address)
                following = self._http.next_event()
                self._handler.request_received(request, isinstance(following, h11.EndOfMessage), now)
                if isinstance(following, h11.Data):
                    self._handler.body_received(request, bytes(following.data), False, now)
            elif isinstance(event, h11.Data):
                if self._request is not None:
                    self._handler.body_received(self._request, bytes(event.data), False, now)
            elif isinstance(event, h11.EndOfMessage):
                if self._request is not None:
                    self._handler.body_received(self._request, b"", True, now)
            elif isinstance(event, h11.ConnectionClosed):
                self.finished = self._request is None
                return
            else:  # more is needed, or the answer comes first
                return

    def _refuse(self, status: int) -> None:
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE) and self._request is None:
            headers = [(b"content-length", b"0"), (b"connection", b"close")]
            self._leaving += self._http.send(h11.Response(status_code=status, headers=headers)) or b""
        self.finished = True
