"""HTTP/1.1 of a program that asks where UDP is blocked: requests on one TLS connection, one after the other.

It has the surface of HTTP/3's client (quic/http3client.py): whoever asks does not see the difference.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import cast

import h11

from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.endpoint.tcp.websocket import connect_tcp
from avl_protocol.endpoint.tls import Trust, TrustPublic, client_context
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.quic.http3 import MAX_HEADERS, Headers
from avl_protocol.quic.http3client import AnswerReceiver
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.target import join

ENDED = "the connection ended"


@dataclass(slots=True)
class _Asked:
    number: int
    request: h11.Request
    body: bytes
    receiver: AnswerReceiver


class Http1Client(asyncio.Protocol):
    """One connection, and what is asked on it. `vouched`: TLS has shown that public authorities vouch for the name."""

    def __init__(self, clock: Clock, *, vouched: bool) -> None:
        self._clock, self._vouched = clock, vouched
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADERS)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[_Asked] = deque()
        self._current: _Asked | None = None
        self._number = 0
        self.certificate = b""
        self.ended = False

    def trusted_for(self, name: str) -> bool:
        """Whether public authorities vouch for the server under the name that it was dialled by."""
        return self._vouched

    def ask(self, headers: Headers, body: bytes | None, receiver: AnswerReceiver) -> int:
        """Send a request when it is its turn; the number by which it can be given up. Pseudo-headers as HTTP/3 has
        them. Raises LocalProtocolError where the connection is over."""
        if self.ended:
            raise LocalProtocolError("the connection is over")
        said = dict(headers)
        sent = [(b"host", said[b":authority"]), *(one for one in headers if not one[0].startswith(b":"))]
        request = h11.Request(method=said[b":method"], target=said[b":path"], headers=sent)
        self._number += 1
        self._waiting.append(_Asked(self._number, request, body or b"", receiver))
        self._next()
        return self._number

    def give_up(self, number: int) -> None:
        """Want an answer no more; its receiver is told nothing. One that has begun ends the connection."""
        if self._current is not None and self._current.number == number:
            self._current = None
            self.close()
        else:
            self._waiting = deque(one for one in self._waiting if one.number != number)

    def close(self) -> None:
        """End the connection."""
        self.ended = True
        if self._transport is not None:
            self._transport.abort()

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is there."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are transports by shape alone
        self.certificate = transport.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""

    def data_received(self, data: bytes) -> None:
        """Part of an answer."""
        self._receive(data)

    def eof_received(self) -> None:
        """The server writes no more."""
        self._receive(b"")

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing more comes."""
        self._over(ENDED)

    # ---- inside

    def _next(self) -> None:
        if self._current is None and self._waiting and self._transport is not None:
            self._current = asked = self._waiting.popleft()
            parts: list[h11.Event] = [asked.request, h11.EndOfMessage()]
            if asked.body:
                parts.insert(1, h11.Data(data=asked.body))
            for part in parts:
                self._transport.write(self._http.send(part) or b"")

    def _receive(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
            while self._current is not None:
                event = self._http.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                self._happened(event, self._current)
        except h11.RemoteProtocolError as error:
            self._over(f"the server's answer can't be read: {error}")
            self.close()

    def _happened(self, event: object, asked: _Asked) -> None:
        now = self._clock.monotonic()
        if isinstance(event, h11.Response):
            asked.receiver.answer_begun(event.status_code, list(event.headers), now)
        elif isinstance(event, h11.Data):
            asked.receiver.answer_data(bytes(event.data), False, now)
        elif isinstance(event, h11.EndOfMessage):
            self._current = None
            if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                self._http.start_next_cycle()
            else:
                self.ended = True
            asked.receiver.answer_data(b"", True, now)
            if self.ended:
                self._over(ENDED)
                self.close()
            else:
                self._next()
        elif isinstance(event, h11.ConnectionClosed):
            self._over(ENDED)

    def _over(self, text: str) -> None:
        self.ended = True
        waiting = [*([self._current] if self._current is not None else []), *self._waiting]
        self._current = None
        self._waiting.clear()
        now = self._clock.monotonic()
        for one in waiting:
            one.receiver.answer_failed(text, now)


async def connect_http1(address: Address, *, trust: Trust, clock: Clock, timeout: float = 5.0) -> Http1Client:
    """Open a connection for requests. A name with several addresses is tried on all of them. Raises Unreachable (an
    OSError)."""
    host, port = address
    name, loop = join(host, port), asyncio.get_running_loop()
    client = Http1Client(clock, vouched=isinstance(trust, TrustPublic))
    try:
        async with asyncio.timeout(timeout):
            opened = await connect_tcp(host, port, loop)
            try:
                await loop.create_connection(
                    lambda: client,
                    sock=opened,
                    ssl=client_context(trust),
                    server_hostname=trust.name if isinstance(trust, TrustPublic) else host,
                )
            except BaseException:
                opened.close()
                raise
    except TimeoutError:
        raise Unreachable(f"{name} did not answer within {timeout:g} seconds") from None
    except Unreachable:
        raise
    except OSError as error:  # ssl.SSLError is one
        raise Unreachable(f"{name} refused the connection: {error.strerror or error}") from error
    return client
