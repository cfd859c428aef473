"""RelayHttp: HTTP to the very relay that is meant, which its pin or a public certificate shows before anything is
asked (spec 06-security, 6.1): HTTP/3, or, where UDP is blocked, HTTP/1.1 by TLS on TCP of the same port.

A pinned relay says who it is at IDENTITY_PATH: its key, and what that signed of the certificate that TLS has just
shown. Cookies, redirects and caches are for browsers, and not here.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from avl_protocol.crypto.identity import check_certificate_time, check_relay
from avl_protocol.endpoint.dial.dialler import open_endpoint
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.dial.racing import race
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.tls import TrustLater, TrustPinned, TrustPublic
from avl_protocol.quic.http3 import Headers
from avl_protocol.quic.http3client import AnswerReceiver
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.wire.errors import LocalProtocolError, Refused
from avl_protocol.wire.registry import CloseCode
from avl_protocol.wire.target import RelayAddress, join

IDENTITY_PATH = "/.well-known/avl-identity"
#: Bytes of an answer that are kept; an honest one has a page of a list.
MOST_BODY = 4 << 20
#: Certificates that a relay may vouch for at once: the one in use, the next, and some that are about to go.
MOST_ENDORSEMENTS = 8


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer: its status, its headers by their names in lower case, and its whole body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Http(Protocol):
    """Whoever takes questions to a relay."""

    async def ask(
        self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes | None = None
    ) -> HttpAnswer:
        """Ask, and wait for the whole answer. Raises OSError where there is none."""


class HttpConnection(Protocol):
    """One connection for requests, by UDP (quic/http3client.py) or TCP (endpoint/tcp/http1client.py)."""

    @property
    def certificate(self) -> bytes:
        """DER of the server's certificate."""

    @property
    def ended(self) -> bool:
        """Whether nothing can be asked any more."""

    def trusted_for(self, name: str) -> bool:
        """Whether public authorities vouch for the server under this name."""

    def ask(self, headers: Headers, body: bytes | None, receiver: AnswerReceiver) -> int:
        """Send a request; the number by which it can be given up. Raises LocalProtocolError."""

    def give_up(self, number: int, /) -> None:
        """Want an answer no more."""


@dataclass(frozen=True, slots=True)
class RelayFacts:
    """What a relay says of itself: the page that people use, or "" where there is none."""

    page: str = ""


class _Collecting:
    """Receives one answer."""

    def __init__(self, future: asyncio.Future[HttpAnswer]) -> None:
        self._future = future
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def answer_begun(self, status: int, headers: Headers, now: float) -> None:
        """See AnswerReceiver."""
        self._status = status
        self._headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}

    def answer_data(self, data: bytes, end: bool, now: float) -> None:
        """See AnswerReceiver."""
        if self._future.done():
            return
        self._body += data
        if len(self._body) > MOST_BODY:
            self._future.set_exception(Unreachable(f"the relay's answer is longer than {MOST_BODY >> 20} MiB"))
        elif end:
            self._future.set_result(HttpAnswer(self._status, self._headers, bytes(self._body)))

    def answer_failed(self, text: str, now: float) -> None:
        """See AnswerReceiver."""
        if not self._future.done():
            self._future.set_exception(Unreachable(f"the relay did not answer: {text}"))


class RelayHttp:
    """Satisfies Http on one connection at a time: where that has ended, or was silent, the next question opens another.
    `facts` is what the relay said of itself."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[HttpConnection]],
        relay: RelayAddress,
        *,
        timeout: float,
        wall: Callable[[], float],
    ) -> None:
        """`connect()` opens a connection to whoever answers at the relay's address; raises OSError."""
        self._connect = connect
        self._relay = relay
        self._timeout = timeout
        self._wall = wall
        self._client: HttpConnection | None = None
        self._opening = asyncio.Lock()
        self.facts = RelayFacts()

    async def open(self) -> None:
        """Connect, and be sure of the relay. Raises Refused (WRONG_RELAY, CLOCK) and OSError."""
        self._client = None
        client = await self._connect()
        await self._check(client)
        self._client = client

    async def ask(
        self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes | None = None
    ) -> HttpAnswer:
        """See Http. Raises Refused, too, where another relay has taken the place of the one that was asked before."""
        async with self._opening:
            if self._client is None or self._client.ended:
                await self.open()
            client = self._client
        assert client is not None
        return await self._ask(client, method, path, headers, body)

    async def _ask(
        self,
        client: HttpConnection,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
    ) -> HttpAnswer:
        sent = [
            (b":method", method.encode()),
            (b":scheme", b"https"),
            (b":authority", join(self._relay.host, self._relay.port).encode()),
            (b":path", path.encode()),
            *((name.lower().encode(), value.encode()) for name, value in headers),
        ]
        if body is not None:
            sent.append((b"content-length", str(len(body)).encode()))
        future: asyncio.Future[HttpAnswer] = asyncio.get_running_loop().create_future()
        try:
            stream = client.ask(sent, body, _Collecting(future))
        except LocalProtocolError:
            raise Unreachable("the connection to the relay ended") from None
        try:
            async with asyncio.timeout(self._timeout):
                return await future
        except TimeoutError:
            self._client = None  # a relay that has started again may never say that it knows the connection no more
            raise Unreachable(f"the relay did not answer within {self._timeout:g} seconds") from None
        finally:
            client.give_up(stream)

    async def _check(self, client: HttpConnection) -> None:
        certificate, wall = client.certificate, self._wall()
        if self._relay.pin is None and not client.trusted_for(self._relay.host):
            check_certificate_time(certificate, wall)
            raise Refused(CloseCode.WRONG_RELAY, "Nobody vouches for this relay. Add its pin to the address: ?pin=FP.")
        answer = await self._ask(client, "GET", IDENTITY_PATH)
        if answer.status != 200:
            raise Unreachable(f"the relay does not say who it is (status {answer.status}): it is of an older version")
        public, endorsements, self.facts = _identity(answer.body)
        if self._relay.pin is not None:
            _check_pin(self._relay.pin, public, endorsements, certificate)
            check_certificate_time(certificate, wall)


def _check_pin(pinned: bytes, public: bytes, endorsements: Sequence[bytes], certificate: bytes) -> None:
    """R-SEC-2 for one of several endorsements: the certificate may be the one before or after. Raises Refused."""
    refused = Refused(CloseCode.WRONG_RELAY)
    for endorsement in endorsements:
        try:
            return check_relay(pinned, public, endorsement, certificate)
        except Refused as error:
            refused = error
    raise refused


def _identity(body: bytes) -> tuple[bytes, list[bytes], RelayFacts]:
    """Key, endorsements and facts of what a relay says at IDENTITY_PATH. Raises Unreachable."""
    try:
        said = json.loads(body)
        public, endorsements = _bytes(said["identity"]), [_bytes(one) for one in said["endorsements"]]
        page = said.get("page", "")
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error, RecursionError):
        raise Unreachable("what the relay says of itself can't be read") from None
    return public, endorsements[:MOST_ENDORSEMENTS], RelayFacts(page if isinstance(page, str) else "")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class _Ways:
    """Opens connections to a relay's address: by UDP or, where that does not answer soon, by TCP."""

    def __init__(self, world: World, endpoint: Endpoint, relay: RelayAddress, timeout: float) -> None:
        self._world, self._endpoint, self._relay, self._timeout = world, endpoint, relay, timeout
        self._place = (relay.host, relay.port)
        #: Those by TCP: those by UDP end with the endpoint.
        self._opened: list[Any] = []

    async def connect(self) -> HttpConnection:
        """Whichever is ready first. Raises Unreachable."""
        return await race([self._by_udp] if self._world.dial_http is None else [self._by_udp, self._by_tcp])

    async def _by_udp(self) -> HttpConnection:
        trust = TrustPinned() if self._relay.pin is not None else TrustLater(self._relay.host)
        return await self._endpoint.connect_http(self._place, trust=trust, timeout=self._timeout)

    async def _by_tcp(self) -> HttpConnection:
        assert self._world.dial_http is not None
        trust = TrustPinned() if self._relay.pin is not None else TrustPublic(self._relay.host)
        opened = await self._world.dial_http(self._place, trust=trust, clock=self._world.clock, timeout=self._timeout)
        self._opened.append(opened)
        made: HttpConnection = opened
        return made

    def close(self) -> None:
        """End those that were opened."""
        for one in self._opened:
            one.close()


@asynccontextmanager
async def relay_http(world: World, relay: RelayAddress, timeout: float = 10.0) -> AsyncIterator[RelayHttp]:
    """A way to a relay that has shown who it is. Raises Refused for another one, and OSError."""
    endpoint = await open_endpoint(world, ConnectionOptions())
    ways = _Ways(world, endpoint, relay, timeout)
    try:
        http = RelayHttp(ways.connect, relay, timeout=timeout, wall=world.clock.wall)
        await http.open()
        yield http
    finally:
        ways.close()
        await endpoint.close()
