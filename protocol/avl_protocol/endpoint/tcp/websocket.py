"""The WebSocket carrier on TLS and TCP: opened by hosts and viewers whose UDP is blocked, accepted by a relay."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from websockets.client import ClientProtocol
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from avl_protocol.carrier.carrier import CarrierReceiver
from avl_protocol.endpoint.accept.admission import ConnectionAdmission, Decision
from avl_protocol.endpoint.accept.hits import Hits, limits_hit, network
from avl_protocol.endpoint.accept.quota import Claim, Quota
from avl_protocol.endpoint.dial.dialling import STAGGER, Unreachable
from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.endpoint.tcp.pump import OnCarrier, Pump
from avl_protocol.endpoint.tcp.tlsrecords import TlsRecords
from avl_protocol.endpoint.tls import TlsServer, Trust, TrustPublic, client_context, server_context
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.quic.http3 import HttpHandler
from avl_protocol.rate.limits import DEFAULT, Limits
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.websocket.carrier import WebSocketCarrier
from avl_protocol.websocket.frames import MAX_MESSAGE
from avl_protocol.wire.registry import PATH, CloseCode
from avl_protocol.wire.target import join

SUBPROTOCOL = Subprotocol("avl.1")
#: Connections that the system may keep for us before we have taken them.
QUEUE = 128
UNKNOWN = "This relay is not known by that name.\n"


async def connect_websocket(
    address: Address,
    *,
    trust: Trust,
    on_carrier: OnCarrier,
    clock: Clock,
    loop: asyncio.AbstractEventLoop,
    server_name: str | None = None,
    timeout: float = 5.0,
) -> WebSocketCarrier:
    """Open a WebSocket; returns its carrier once `on_carrier(carrier)` has given it a receiver.

    A name with several addresses is tried on all of them, a quarter second apart. Raises Unreachable (an OSError).
    """
    host, port = address
    name = join(host, port)
    try:
        async with asyncio.timeout(timeout):
            opened = await connect_tcp(host, port, loop)
            return await _upgrade(opened, address, trust, on_carrier, clock, loop, server_name or host)
    except TimeoutError:
        raise Unreachable(f"{name} did not answer within {timeout:g} seconds") from None
    except Unreachable:
        raise
    except OSError as error:  # ssl.SSLError is one
        raise Unreachable(f"{name} refused the connection: {error.strerror or error}") from error


async def _upgrade(
    opened: socket.socket,
    address: Address,
    trust: Trust,
    on_carrier: OnCarrier,
    clock: Clock,
    loop: asyncio.AbstractEventLoop,
    server_name: str,
) -> WebSocketCarrier:
    settled: asyncio.Future[str | None] = loop.create_future()

    def told(failure: str | None) -> None:
        if not settled.done():
            settled.set_result(failure)

    http = ClientProtocol(parse_uri(f"wss://{join(*address)}{PATH}"), subprotocols=[SUBPROTOCOL], max_size=MAX_MESSAGE)
    tls = TlsRecords(client_context(trust), trust.name if isinstance(trust, TrustPublic) else server_name)
    pump = Pump(http, loop=loop, clock=clock, on_carrier=on_carrier, on_settled=told, tls=tls)
    try:
        await loop.create_connection(lambda: pump, sock=opened)
        failure = await settled
    except BaseException:
        pump.abort()
        opened.close()
        raise
    if failure is not None or pump.carrier is None:
        raise Unreachable(f"{join(*address)} refused the connection: {failure}")
    return pump.carrier


async def connect_tcp(host: str, port: int, loop: asyncio.AbstractEventLoop) -> socket.socket:
    """The first of a name's addresses that answers. Raises OSError."""
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"{host} has no address: {error.strerror or error}") from error
    waiting: set[asyncio.Task[socket.socket]] = set()
    failure: OSError | None = None
    try:
        while found or waiting:
            if found:
                family, kind, protocol, _, place = found.pop(0)
                waiting.add(loop.create_task(_dial(socket.socket(family, kind, protocol), place, loop)))
            done, waiting = await asyncio.wait(
                waiting, timeout=STAGGER if found else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                wrong = task.exception()
                if wrong is None:
                    waiting |= done - {task}
                    return task.result()
                if not isinstance(wrong, OSError):
                    raise wrong
                failure = wrong
    finally:
        for task in waiting:
            task.cancel()
            task.add_done_callback(_close_late)
    raise failure or OSError("no address")


async def _dial(attempt: socket.socket, place: object, loop: asyncio.AbstractEventLoop) -> socket.socket:
    attempt.setblocking(False)
    try:
        await loop.sock_connect(attempt, place)  # type: ignore[arg-type]
    except BaseException:
        attempt.close()
        raise
    return attempt


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    """A second address answered in the same moment as the first."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def bind_tcp(address: Address, *, shared: bool = False) -> socket.socket:
    """A TCP socket bound to an IP literal, or to "" or "::" for every address of both families; `shared`: with others
    that are bound so, among which the system spreads connections. Raises OSError."""
    host, port = address
    both = host in ("", "::")
    bound = socket.socket(socket.AF_INET6 if both or ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if bound.family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
        bound.bind((host, port))
        return bound
    except OSError:
        bound.close()
        raise


def same_origin(origin: str, authority: str) -> bool:
    """Whether a page's Origin is that of a request's Host, ports included: another port is another origin."""
    scheme, _, page = origin.lower().partition("://")
    default = {"http": ":80", "https": ":443"}.get(scheme)
    return default is not None and page.removesuffix(default) == authority.lower().removesuffix(default)


def _traffic(pump: Pump) -> Counter[str]:
    late = 0 if pump.carrier is None else pump.carrier.dropped
    return Counter({"TCP bytes in": pump.bytes_in, "TCP bytes out": pump.bytes_out, "sent too late": late})


class WebSocketServer:
    """Accepts WebSockets: on a TCP socket of its own with TLS, and as `pump` for a web server that has the transport.

    `on_carrier(carrier, subprotocol)` returns the receiver of a carrier that is ready. `origin_allowed(origin)`
    judges requests of pages; programs send no Origin.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        entropy: Callable[[int], bytes],
        loop: asyncio.AbstractEventLoop,
        on_carrier: Callable[[WebSocketCarrier, str], CarrierReceiver],
        origin_allowed: Callable[[str], bool],
        limits: Limits = DEFAULT,
        most: int | None = None,
    ) -> None:
        """`most`: connections that there are descriptors for."""
        self._clock, self._entropy, self._loop = clock, entropy, loop
        self._on_carrier, self._origin_allowed = on_carrier, origin_allowed
        self._admission = ConnectionAdmission(limits)
        self._limits = limits
        total = limits.connections.total if most is None else min(most, limits.connections.total)
        self._quota = Quota(replace(limits.connections, total=total), limits.strangers, limits.stranger_grace)
        self._pumps: dict[Pump, None] = {}
        #: Since the start, of connections that are over or for which there was no place.
        self._before: Counter[str] = Counter()
        self._refused = Hits()
        self._handshakes = Counter(done=0, failed=0)
        self._on_http: HttpHandler | None = None
        self._listening: asyncio.Server | None = None
        self._context: ssl.SSLContext | None = None
        self._certificate: bytes | None = None

    async def listen(self, bound: socket.socket, tls: TlsServer, on_http: HttpHandler | None = None) -> None:
        """Accept TLS connections on a TCP socket that is bound; `on_http` answers those that want no WebSocket."""
        self._on_http = on_http
        self.set_certificate(tls)
        self._listening = await self._loop.create_server(self._arrival, sock=bound, backlog=QUEUE)

    def set_certificate(self, tls: TlsServer) -> None:
        """Present another certificate, beginning with the next connection."""
        self._context, self._certificate = server_context(tls, self._entropy), tls.der

    @property
    def connections(self) -> int:
        """WebSockets in any state."""
        return len(self._pumps)

    def snapshot(self) -> Snapshot:
        """What is kept of connections, by number."""
        counts = {
            "connections": len(self._pumps),
            "places": self._quota.size,
            "sources": self._quota.sources,
            "held back": sum(pump.held_back for pump in self._pumps),
            "bytes that wait": sum(pump.unread for pump in self._pumps),
        }
        traffic = Counter(self._before)
        for pump in self._pumps:
            traffic.update(_traffic(pump))
        late = traffic.pop("sent too late", 0)
        limits = {"connections": self._quota.hits, "handshakes": self._refused}
        limits["half-open handshakes"] = self._admission.hits
        so_far = (
            Snapshot("traffic so far", dict(traffic)),
            Snapshot("dropped so far", {"sent too late": late}),
            Snapshot("handshakes so far", dict(self._handshakes)),
            *limits_hit(limits),
        )
        return Snapshot("WebSockets", counts, so_far)

    def shed_strangers(self, share: float) -> int:
        """Memory runs short: the newest strangers go, this share of them; how many there were."""
        return self._quota.shed(share)

    def pump(
        self,
        certificate: bytes | None,
        *,
        tls: TlsRecords | None = None,
        settled: Callable[[], None] | None = None,
        admit: Callable[[str, Callable[[], None]], bool] | None = None,
        host_allowed: Callable[[str], bool] | None = None,
        on_http: HttpHandler | None = None,
    ) -> Pump:
        """What speaks for us on a transport; without `tls`, from the upgrade's request on.

        `host_allowed(authority)` judges the Host of a page's request; programs may call us what they like. `on_http`:
        who answers requests for anything else.
        """

        def place(host: str, end: Callable[[], None]) -> Claim | None:
            if admit is not None and not admit(host, end):
                self._refused.add(network(host))
                return None
            return self._quota.claim(host, self._clock.monotonic(), end)

        def on_settled(failure: str | None) -> None:
            if settled is not None:
                settled()
            self._handshakes["done" if failure is None else "failed"] += 1
            if failure is not None:
                self._forget(made)

        def gone() -> None:
            self._forget(made)
            if made.to_blame is not None:
                self._admission.blame(made.to_blame, self._clock.monotonic())

        made = Pump(
            ServerProtocol(subprotocols=[SUBPROTOCOL], max_size=MAX_MESSAGE),
            loop=self._loop,
            clock=self._clock,
            on_carrier=lambda carrier: self._on_carrier(carrier, SUBPROTOCOL),
            on_settled=on_settled,
            tls=tls,
            judge=partial(self._judge, host_allowed),
            admit=place,
            limits=self._limits,
            certificate=certificate,
            on_gone=gone,
            on_http=on_http,
        )
        self._pumps[made] = None
        return made

    def _forget(self, pump: Pump) -> None:
        if self._pumps.pop(pump, pump) is None:
            self._before.update(_traffic(pump))

    async def close(self, code: int = CloseCode.GOING_AWAY, text: str = "") -> None:
        """Say the end on every connection and accept no more. Waits a second at most for what was said to leave."""
        if self._listening is not None:
            self._listening.close()
        pumps = list(self._pumps)
        for pump in pumps:
            if pump.carrier is None:
                pump.abort()
            else:
                pump.carrier.close(code, text)
        for pump in pumps:
            await pump.gone.wait()

    def _judge(self, host_allowed: Callable[[str], bool] | None, request: Request) -> tuple[int, str] | None:
        if request.path != PATH:
            return 404, f"Only {PATH} is a WebSocket.\n"
        hosts, origins = request.headers.get_all("Host"), request.headers.get_all("Origin")
        if host_allowed is not None and (len(hosts) != 1 or not host_allowed(hosts[0])):
            return 421, UNKNOWN
        if any(not self._origin_allowed(origin) for origin in origins):
            return 403, UNKNOWN
        if host_allowed is not None and any(not same_origin(origin, hosts[0]) for origin in origins):
            return 403, UNKNOWN
        return None

    def _arrival(self) -> Pump:
        """A TCP connection is being accepted: it has five seconds for TLS and upgrade."""
        assert self._context is not None
        half_open: list[Claim] = []

        def admit(host: str, end: Callable[[], None]) -> bool:
            now = self._clock.monotonic()
            if self._admission.decide(host, proved=True, now=now) is not Decision.ACCEPT:
                return False
            claim = self._admission.open(host, now, end)
            if claim is None:
                return False
            half_open.append(claim)
            return True

        def settled() -> None:
            for claim in half_open:
                claim.release()

        tls = TlsRecords(self._context)
        return self.pump(self._certificate, tls=tls, settled=settled, admit=admit, on_http=self._on_http)
