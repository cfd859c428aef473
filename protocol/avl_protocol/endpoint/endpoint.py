"""Endpoint: one UDP socket for every connection of a program, accepted and opened ones alike.

Each wake-up does the same: take what arrived or do what is due, let every touched connection tell its owner, then send
once for all of them and set the one timer. What an owner sends from within a callback leaves in that wake-up; what it
sends from elsewhere leaves in the loop's next turn. Strangers come after friends, and neither gets a whole turn
(rate/limits.py).
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable

from aioquic.quic.packet import QuicErrorCode

from avl_protocol.carrier.carrier import CarrierReceiver
from avl_protocol.endpoint.accept.acceptor import Acceptor, other_versions
from avl_protocol.endpoint.accept.admission import BLAMED
from avl_protocol.endpoint.accept.hits import limits_hit
from avl_protocol.endpoint.accept.quota import Quota
from avl_protocol.endpoint.boundconnection import Application, BoundConnection
from avl_protocol.endpoint.dial.dialling import Dialling, Opened, Told, Unreachable
from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.endpoint.tls import TlsServer, Trust
from avl_protocol.endpoint.udp.demux import (
    Demultiplexer,
    Known,
    NewConnection,
    NotQuic,
    ResetOf,
    Stray,
    UnknownVersion,
)
from avl_protocol.endpoint.udp.network import Address, Batch, DatagramSocket, Network, Pinned
from avl_protocol.quic.carrier import STATELESS_RESET, QuicCarrier, RawApplication
from avl_protocol.quic.connection import Connection
from avl_protocol.quic.http3 import Http3Application, HttpHandler
from avl_protocol.quic.http3client import Http3Client
from avl_protocol.quic.options import CID_LENGTH, ConnectionOptions, configuration
from avl_protocol.rate.limits import DEFAULT, Limits
from avl_protocol.session.deadlines import Deadlines
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import ALPN, T_IDLE, CloseCode

ALPN_HTTP = "h3"
#: An event loop's timers may fire this much early, in seconds; what is due then is done then.
EARLY = 0.0005
#: aioquic computes a time by a sum and compares it with a difference: what is due is handed over this much later, so
#: that rounding cannot make it due for ever.
TICK = 0.000001
#: The timer moves to a later time where that is so many seconds later: below that, to look again costs less.
LATER = 0.002
#: One packet in so many of strangers is that of a newcomer, however many wait of those who are connected.
TURNS = 4
#: Packets of one address in one wake-up that are served before those of others who sent more.
FEW = 2
#: Why packets are not read: their peer has spent its allowance, or too many wait for their turn.
UNREAD = (BEYOND, FRIENDS, STRANGERS) = ("beyond an allowance", "too many of friends", "too many of strangers")
OnCarrier = Callable[[QuicCarrier, str], CarrierReceiver]


class Endpoint:
    """Accepts and opens connections on one socket. Everything happens on the event loop's thread."""

    def __init__(
        self,
        *,
        network: Network,
        clock: Clock,
        entropy: Callable[[int], bytes],
        loop: asyncio.AbstractEventLoop,
        options: ConnectionOptions | None = None,
        reset_key: bytes | None = None,
        idle_timeout: float = T_IDLE,
        on_raw: Callable[[bytes, Address], None] | None = None,
        local: Callable[[], Iterable[str]] = tuple,
        limits: Limits = DEFAULT,
        names: Callable[[int], bytes] | None = None,
    ) -> None:
        """`reset_key`: kept over restarts, it lets peers notice one at once. `on_raw`, which may be set later, is given
        what is not QUIC; `local` says which addresses this machine has; `limits` bound who connects to us; `names`
        makes connection IDs where they have to say something (udp/steering.py)."""
        self._limits = limits
        self._quota = Quota(limits.connections, limits.strangers, limits.stranger_grace)
        self._late: list[tuple[bytes, Address | Pinned]] = []
        self._lobby: tuple[deque[tuple[bytes, Address | Pinned]], deque[tuple[bytes, Address | Pinned]]]
        self._lobby = (deque(), deque())
        self._lobby_waits = False
        #: Newcomers' packets that wait, by address.
        self._knocking: Counter[str] = Counter()
        #: Since the start: packets that were not read, and handshakes, by what became of them; and what was never sent.
        self._unread = Counter(dict.fromkeys(UNREAD, 0))
        self._handshakes = Counter(done=0, failed=0)
        self._unsent = 0
        self._local = local
        self._network, self._clock, self._loop = network, clock, loop
        self._names = names or entropy
        self._options = options or ConnectionOptions()
        self._reset_key = reset_key or entropy(32)
        self._idle_timeout = idle_timeout
        self.on_raw = on_raw
        self._admits: Callable[[bytes, Address], bool] = _anybody
        self._socket: DatagramSocket | None = None
        self._routes: Demultiplexer[BoundConnection] = Demultiplexer()
        self._connections: dict[BoundConnection, None] = {}
        self._touched: dict[BoundConnection, None] = {}
        #: Those whose owner has something to send, and those that may have something to acknowledge.
        self._outgoing: dict[BoundConnection, None] = {}
        self._answering: dict[BoundConnection, None] = {}
        self._deadlines: Deadlines[BoundConnection] = Deadlines()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._serving = self._scheduled = self._everywhere = False
        self._tls: TlsServer | None = None
        self._on_carrier: OnCarrier | None = None
        self._on_http: HttpHandler | None = None
        self._origin_allowed: Callable[[str, str], bool] = _no_origin
        self._acceptor = Acceptor(self._reset_key, entropy, clock.monotonic(), limits, names=self._names)

    # ---- what programs call

    @property
    def local_address(self) -> Address:
        """Where the socket is bound."""
        return self._bound().local_address

    @property
    def connections(self) -> int:
        """Connections in any state."""
        return len(self._connections)

    def snapshot(self) -> Snapshot:
        """What is kept of connections and of those who ask for one, by number."""
        known, new = self._lobby
        counts = {
            "connections": len(self._connections),
            "timers": len(self._deadlines),
            "half open": self._acceptor.admission.half_open,
            "places": self._quota.size,
            "sources": self._quota.sources,
            "packets of friends that wait": len(self._late),
            "packets of strangers that wait": len(known) + len(new),
        }
        unsent = self._unsent + sum(bound.connection.queue.dropped for bound in self._connections)
        acceptor = self._acceptor
        limits = {"connections": self._quota.hits, "handshakes": acceptor.refused}
        limits["half-open handshakes"] = acceptor.admission.hits
        so_far = (
            Snapshot("dropped so far", {**self._unread, "sent too late": unsent}),
            Snapshot("handshakes so far", {**self._handshakes, "asked again": acceptor.retried}),
            *limits_hit(limits),
        )
        return Snapshot("endpoint", counts, so_far)

    async def bind(self, address: Address) -> None:
        """Bind the socket; "" as host means every address of both families. Raises OSError."""
        host, port = address
        if host:
            host = (await self._network.resolve(host, port))[0][0]
        self._everywhere = host in ("", "0.0.0.0", "::")
        self._socket = self._network.bind((host, port))
        self._socket.set_receiver(self._received)

    def listen(
        self,
        tls: TlsServer,
        *,
        on_carrier: OnCarrier,
        on_http: HttpHandler | None = None,
        origin_allowed: Callable[[str, str], bool] | None = None,
        admits: Callable[[bytes, Address], bool] | None = None,
    ) -> None:
        """Accept connections from now on, if `admits` knows the first destination connection ID or the address.

        `on_carrier(carrier, alpn)` returns the receiver of a carrier that is ready, raw (`avl/1`) or WebTransport
        (`h3`).
        `origin_allowed(origin, authority)` judges a WebTransport request; without it none is accepted.
        """
        self._tls, self._on_carrier, self._on_http = tls, on_carrier, on_http
        self._origin_allowed = origin_allowed or _no_origin
        self._admits = admits or _anybody
        if self._everywhere:
            self._bound().tell_local()  # an answer has to come from the address that was asked

    def set_certificate(self, tls: TlsServer) -> None:
        """Present another certificate, beginning with the next connection."""
        self._tls = tls

    async def connect(
        self,
        address: Address,
        *,
        trust: Trust,
        on_carrier: Callable[[QuicCarrier], CarrierReceiver],
        server_name: str | None = None,
        timeout: float = 5.0,
        options: ConnectionOptions | None = None,
        destination: bytes | None = None,
    ) -> QuicCarrier:
        """Open a raw connection; returns its carrier once `on_carrier(carrier)` has given it a receiver.

        `destination`: the first destination connection ID, where the other side expects a certain one. A name with
        several addresses is tried on all of them, a quarter second apart. Raises Unreachable (an OSError).
        """

        def make(made: Connection, won: Callable[[QuicCarrier], CarrierReceiver]) -> Application:
            return RawApplication(made, won)

        return await self._open(
            address,
            alpn=ALPN,
            trust=trust,
            server_name=server_name,
            options=options,
            destination=destination,
            timeout=timeout,
            make=make,
            on_opened=on_carrier,
        )

    async def connect_http(self, address: Address, *, trust: Trust, timeout: float = 5.0) -> Http3Client:
        """Open a connection for requests, as `connect` does. Raises Unreachable (an OSError)."""

        def make(made: Connection, won: Callable[[Http3Client], None]) -> Application:
            return Http3Client(made, won)

        return await self._open(
            address, alpn=ALPN_HTTP, trust=trust, timeout=timeout, make=make, on_opened=lambda client: None
        )

    async def _open(
        self,
        address: Address,
        *,
        alpn: str,
        trust: Trust,
        timeout: float,
        make: Callable[[Connection, Callable[[Opened], Told]], Application],
        on_opened: Callable[[Opened], Told],
        server_name: str | None = None,
        options: ConnectionOptions | None = None,
        destination: bytes | None = None,
    ) -> Opened:
        """Open a connection on which lives what `make` makes; what of it is ready first, on any address."""
        host, port = address
        try:
            candidates = await self._network.resolve(host, port)
        except OSError as error:
            raise Unreachable(f"{host} has no address: {error.strerror or error}") from error
        chosen = options or self._options

        def start(candidate: Address, dialling: Dialling[Opened, Told]) -> BoundConnection:
            settings = configuration(is_client=True, alpn=[alpn], idle_timeout=self._idle_timeout)
            settings.server_name = server_name or host
            trust.apply(settings)
            now = self._clock.monotonic()
            connection = Connection(
                configuration=settings,
                options=chosen,
                new_connection_id=self._new_connection_id,
                reset_key=self._reset_key,
                now=now,
                destination=destination,
            )

            def choose(made: Connection, _alpn: str) -> Application:
                return make(made, lambda opened: dialling.won(bound, opened))

            bound = self._add(connection, choose, dialling.settled)
            bound.source = self._network.source_for(candidate)
            connection.connect(candidate, now)
            self._wake(bound)
            return bound

        dialling = Dialling(self._loop, candidates, start=start, abort=self._abort, on_opened=on_opened)
        return await dialling.run(f"{host}:{port}", timeout)

    def network_changed(self) -> None:
        """Our addresses or routes have changed: connections that we opened go on from where we are now.

        One whose old address is still ours stays there until the new one has been seen to work (RFC 9000, section 9).
        """
        now = self._clock.monotonic()
        local = set(self._local())
        for bound in list(self._connections):
            connection = bound.connection
            target = connection.get_peer_address()
            if not connection.is_client or not connection.handshake_complete or connection.ended or target is None:
                continue
            source = self._network.source_for((target[0], target[1]))
            before, bound.source = bound.source, source or bound.source
            if source is None or source == before:
                continue
            if before not in local or not self._bound().tell_local() or not connection.try_from(before, source):
                connection.follow(now)

    def shed_strangers(self, share: float) -> int:
        """Memory runs short: the newest strangers go, this share of them; how many there were."""
        return self._acceptor.admission.shed(share) + self._quota.shed(share)

    def send_raw(self, data: bytes, address: Address) -> None:
        """Send a datagram that is not QUIC; its first byte must leave both top bits clear."""
        if not data or data[0] & 0xC0:
            raise LocalProtocolError("a raw datagram must not look like QUIC")
        self._bound().send_batch([(data, address)])

    def leave(self) -> None:
        """Have what was written leave now, and not in the loop's next turn, which may be long in coming while much
        arrives. For what a person waits for."""
        if self._outgoing:
            self._serve(self._clock.monotonic())

    async def close(self, code: int = CloseCode.GOING_AWAY, text: str = "") -> None:
        """Say the end on every connection, tell every receiver, free the socket. Returns without waiting for peers."""
        self._tls = None
        now = self._clock.monotonic()
        for bound in list(self._connections):
            if bound.application is not None:
                bound.application.shut(code, text)
            self._outgoing[bound] = None
        self._serve(now)
        for bound in list(self._connections):
            bound.connection.close()
            self._outgoing[bound] = None
        self._serve(now)
        for bound in list(self._connections):
            self._drop(bound)
        self._arm(now)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # ---- one wake-up

    def _received(self, batch: Batch) -> None:
        """Friends first, those before others who sent little: that is what a person does, and not the film that came at
        the same moment. Then strangers, for as long as nobody notices."""
        now = self._clock.monotonic()
        if self._late:
            batch, self._late = [*self._late, *batch], []
        quiet, batch = _apart(batch)
        if quiet:
            self._take(quiet, now)
            self._serve(now)
        self._take(batch, now)
        self._serve(now)
        if self._late:
            self._loop.call_soon(self._received, ())
        if not self._lobby_waits:
            self._receive_strangers()

    def _take(self, batch: Batch, now: float) -> None:
        """Read packets of friends, no more than so many of each; those of strangers wait."""
        limits = self._limits
        crowded = len(batch) > limits.turn_packets
        taken: dict[BoundConnection, int] = {}
        spent: dict[BoundConnection, float] = {}
        for data, arrival in batch:
            bound = self._routes.known(data)
            if bound is None:
                if data[0] & 0x80 and self._no_room_for(arrival[0]):
                    self._unread[STRANGERS] += 1
                    continue
                route = self._routes.route(data)
                if isinstance(route, Known):
                    bound = route.bound
                elif isinstance(route, (NewConnection, UnknownVersion)):
                    self._lobby[1].append((data, arrival))
                    self._knocking[arrival[0]] += 1
                elif route is not None:
                    self._answer(route, data, arrival, now)
            if bound is None:
                continue
            if not bound.favoured:
                self._queue(self._lobby[0], data, arrival)
                continue
            if crowded:
                count = taken.get(bound, 0)
                if count >= limits.turn_packets or spent.get(bound, 0.0) >= limits.turn_friend_seconds:
                    if len(self._late) < limits.waiting_friends:
                        self._late.append((data, arrival))
                    else:
                        self._unread[FRIENDS] += 1
                    continue
                taken[bound] = count + 1
            if bound.takes(now):
                began = self._clock.monotonic() if crowded else now
                self._deliver(bound, data, arrival, now)
                if crowded:
                    spent[bound] = spent.get(bound, 0.0) + self._clock.monotonic() - began
            else:
                self._unread[BEYOND] += 1

    def _no_room_for(self, host: str) -> bool:
        """Whether no further newcomer may wait, or, where many do, none of this address: who floods from some addresses
        leaves room for those at others."""
        waiting, most = len(self._lobby[1]), self._limits.waiting_strangers
        return waiting >= most or (waiting >= most // 2 and host in self._knocking)

    def _queue(self, queue: deque[tuple[bytes, Address | Pinned]], data: bytes, arrival: Address | Pinned) -> None:
        if len(queue) < self._limits.waiting_strangers:
            queue.append((data, arrival))
        else:
            self._unread[STRANGERS] += 1

    def _receive_strangers(self) -> None:
        """Packets of strangers; those of connections that have begun come first."""
        self._lobby_waits = False
        known, new = self._lobby
        if not known and not new:
            return
        now = self._clock.monotonic()
        ends = now + self._limits.turn_seconds
        for count in range(self._limits.turn_strangers):
            if not known and not new:
                break
            if count and self._clock.monotonic() >= ends:
                break
            newcomer = bool(new) and (not known or count % TURNS == TURNS - 1)
            data, arrival = new.popleft() if newcomer else known.popleft()
            if newcomer:
                self._knocking[arrival[0]] -= 1
                if not self._knocking[arrival[0]]:
                    del self._knocking[arrival[0]]
            self._receive(data, arrival, now)
        self._serve(now)
        if known or new:
            self._lobby_waits = True
            self._loop.call_soon(self._receive_strangers)

    def _too_large(self, refused: Batch, flushed: Iterable[BoundConnection], now: float) -> None:
        """What was refused did not leave; all who were about to send there know now how large a packet may not be."""
        for data, address in refused:
            for bound in flushed:
                bound.connection.refused(len(data), address, now)

    def _wake(self, bound: BoundConnection) -> None:
        """A link has something to send."""
        self._outgoing[bound] = None
        if not self._serving and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._serve(self._clock.monotonic())

    def _serve(self, now: float) -> None:
        """Tell owners what happened, then send for every link that was touched on the way."""
        if self._serving:
            return
        self._serving = True
        try:
            served: dict[BoundConnection, None] = {}
            while self._touched or self._outgoing or self._answering:
                while self._touched:
                    bound = next(iter(self._touched))
                    del self._touched[bound]
                    self._answering[bound] = None
                    bound.process(now)
                flushing, self._outgoing = self._outgoing, {}
                if not flushing:  # what is passed on goes before what is merely acknowledged
                    flushing, self._answering = self._answering, {}
                outgoing: list[tuple[bytes, Address | Pinned]] = []
                for bound in flushing:
                    outgoing += bound.flush(now)
                    served[bound] = None
                    self._answering.pop(bound, None)
                    if bound.connection.ended:
                        bound.process(now)
                if outgoing and self._socket is not None and (refused := self._socket.send_batch(outgoing)):
                    self._too_large([outgoing[index] for index in refused], flushing, now)
            for bound in served:
                if bound.forgotten:
                    self._drop(bound)
                else:
                    self._deadlines.set(bound, bound.connection.get_timer())
            self._arm(now)
        finally:
            self._serving = False
            if (self._touched or self._outgoing or self._answering) and not self._scheduled:
                self._scheduled = True
                self._loop.call_soon(self._turn)

    def next_timeout(self) -> float | None:
        """When the earliest of all connections has something to do, in seconds of the clock."""
        return self._deadlines.next_timeout()

    def _arm(self, now: float) -> None:
        """Set the one timer of all connections; one that is hardly too early stays."""
        at = self._deadlines.next_timeout()
        if self._timer is not None:
            if at is not None and self._timer_at <= at < self._timer_at + LATER:
                return
            self._timer.cancel()
            self._timer = None
        if at is not None:
            self._timer_at = at
            self._timer = self._loop.call_later(max(0.0, at - now), self._due)

    def _due(self) -> None:
        """Do what is due, for all connections at once."""
        self._timer = None
        now = self._clock.monotonic()
        due = self._deadlines.expired(now + EARLY)
        now = max([now, *(at for _, at in due)]) + TICK if due else now
        for bound, _ in due:
            bound.connection.handle_timer(now)
            self._touched[bound] = None
        self._serve(now)
        if not due:
            self._arm(now)

    # ---- one datagram

    def _deliver(self, bound: BoundConnection, data: bytes, arrival: Address | Pinned, now: float) -> None:
        connection = bound.connection
        if len(arrival) > 2:
            arrival = connection.arriving_as((arrival[0], arrival[1]), arrival[2:])
        connection.receive_datagram(data, arrival, now)
        self._touched[bound] = None

    def _receive(self, data: bytes, arrival: Address | Pinned, now: float) -> None:
        """A stranger's; what it belongs to may have changed while it waited."""
        route = self._routes.route(data)
        if isinstance(route, Known):
            if route.bound.takes(now):
                self._deliver(route.bound, data, arrival, now)
            else:
                self._unread[BEYOND] += 1
        elif isinstance(route, NewConnection):
            self._accept(route, data, arrival, now)
        elif isinstance(route, UnknownVersion):
            if self._tls is None or not self._admits(route.destination, (arrival[0], arrival[1])):
                return
            self._bound().send_batch([(other_versions(route), arrival)])

    def _answer(self, route: object, data: bytes, arrival: Address | Pinned, now: float) -> None:
        """What belongs to no connection and costs little."""
        if isinstance(route, ResetOf):
            route.bound.connection.terminate(QuicErrorCode.NO_ERROR, STATELESS_RESET)
            self._touched[route.bound] = None
        elif isinstance(route, Stray):
            answer = self._acceptor.reset(route.destination, len(data), now)
            if answer is not None:
                self._bound().send_batch([(answer, arrival)])
        elif isinstance(route, NotQuic) and self.on_raw is not None:
            self.on_raw(data, (arrival[0], arrival[1]))

    def _accept(self, first: NewConnection, data: bytes, arrival: Address | Pinned, now: float) -> None:
        tls = self._tls
        if tls is None:
            return
        address = (arrival[0], arrival[1])
        verdict = self._acceptor.judge(first, data, address, now)
        if isinstance(verdict, bytes):
            if self._admits(first.destination, address):  # nobody else learns that there is somebody
                self._bound().send_batch([(verdict, arrival)])
        elif verdict is not None and self._admits(verdict.original, address):
            host = address[0]
            half_open = self._acceptor.admission.open(host, now, lambda: self._abort(bound))
            if half_open is None:
                return
            settings = configuration(is_client=False, alpn=[ALPN, ALPN_HTTP], idle_timeout=self._idle_timeout)
            tls.apply(settings)
            connection = Connection(
                configuration=settings,
                options=self._options,
                new_connection_id=self._new_connection_id,
                reset_key=self._reset_key,
                now=now,
                original_destination_connection_id=verdict.original,
                retry_source_connection_id=verdict.retried,
            )

            def settled(made: BoundConnection, failure: str | None) -> None:
                half_open.release()
                self._handshakes["done" if failure is None else "failed"] += 1
                if failure is None:
                    self._place(made, host)

            bound = self._add(connection, self._choose, settled)
            bound.register(first.destination)
            connection.receive_datagram(data, arrival, now)
            self._touched[bound] = None

    def _place(self, bound: BoundConnection, host: str) -> None:
        """A client has proved its address: it gets a place, or is told why not."""

        def end() -> None:
            if bound.application is not None:
                bound.application.shut(CloseCode.LIMIT, "too many connections")
                self._wake(bound)

        bound.claim = self._quota.claim(host, self._clock.monotonic(), end)
        if bound.claim is None:
            end()

    # ---- links

    def _choose(self, connection: Connection, alpn: str) -> Application:
        on_carrier = self._on_carrier
        assert on_carrier is not None
        if alpn == ALPN:
            return RawApplication(connection, lambda carrier: on_carrier(carrier, alpn))
        return Http3Application(
            connection,
            on_carrier=lambda carrier: on_carrier(carrier, alpn),
            handler=self._on_http,
            origin_allowed=self._origin_allowed,
        )

    def _add(
        self,
        connection: Connection,
        choose: Callable[[Connection, str], Application],
        on_settled: Callable[[BoundConnection, str | None], None],
    ) -> BoundConnection:
        bound = BoundConnection(
            connection,
            routes=self._routes,
            choose=choose,
            on_settled=on_settled,
            limits=self._limits,
        )
        connection.on_wanted = lambda: self._wake(bound)
        if self._bound().undivided:
            connection.discover_mtu()
        self._connections[bound] = None
        return bound

    def _abort(self, bound: BoundConnection) -> None:
        """Give up on a link whose handshake is not done, without a word."""
        bound.connection.terminate(QuicErrorCode.NO_ERROR, "given up")
        self._drop(bound)

    def _drop(self, bound: BoundConnection) -> None:
        bound.forget()
        self._blame(bound)
        bound.connection.end_log()
        if self._connections.pop(bound, bound) is None:
            self._unsent += bound.connection.queue.dropped
        self._deadlines.drop(bound)
        self._touched.pop(bound, None)
        self._outgoing.pop(bound, None)
        self._answering.pop(bound, None)

    def _blame(self, bound: BoundConnection) -> None:
        """Whoever broke the protocol or a limit finds it harder to come again."""
        event, address = bound.connection.close_event, bound.connection.get_peer_address()
        if event is None or event.frame_type is not None or bound.connection.is_client or address is None:
            return
        if event.error_code in BLAMED and not bound.favoured:
            self._acceptor.admission.blame(address[0], self._clock.monotonic())

    def _new_connection_id(self) -> bytes:
        return self._names(CID_LENGTH)

    def _bound(self) -> DatagramSocket:
        if self._socket is None:
            raise LocalProtocolError("the endpoint is not bound")
        return self._socket


def _apart(batch: Batch) -> tuple[Batch, Batch]:
    """What came from those who sent no more than FEW, where others sent more; and the rest."""
    if len(batch) <= FEW + 1:
        return (), batch
    counts = Counter(arrival for _, arrival in batch)
    if len(counts) == 1 or max(counts.values()) <= FEW:
        return (), batch
    quiet = [one for one in batch if counts[one[1]] <= FEW]
    return quiet, [one for one in batch if counts[one[1]] > FEW]


def _anybody(_destination: bytes, _address: Address) -> bool:
    return True


def _no_origin(_origin: str, _authority: str) -> bool:
    return False
