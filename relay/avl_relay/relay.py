"""The assembled relay: every startup step, in the right order, in one place."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from avl_protocol.carrier.carrier import CarrierReceiver
from avl_protocol.crypto.identity import Identity, endorse_certificate
from avl_protocol.endpoint.accept.hits import BY_NETWORK, LIMITS, Hits, limits_hit, network
from avl_protocol.endpoint.accept.sources import source
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.alarm import Alarm
from avl_protocol.endpoint.loop.driver import Driven
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.state import StateFolder, write_ready
from avl_protocol.endpoint.tcp.websocket import WebSocketServer, bind_tcp
from avl_protocol.endpoint.tls import CertificateRoll, TlsServer, load, self_signed, server_context
from avl_protocol.endpoint.udp.network import Address, Network
from avl_protocol.endpoint.udp.sockets import UdpSocket
from avl_protocol.endpoint.udp.steering import OnePort, SteeredSocket, names_for
from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.rate.settings import RateSettings
from avl_protocol.session.hop.server import HopServer, HopServerState, RelayIdentity
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.websocket.carrier import WebSocketCarrier
from avl_protocol.wire.messages import About, LastPicture, Logged
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import CloseCode
from avl_protocol.wire.target import join, show_pin
from avl_relay import descriptors
from avl_relay.access import Access, Decision, MayAttach, MayRegister, OpenAccess
from avl_relay.audit.auditor import RelayLog
from avl_relay.audit.events import Recording, Strict
from avl_relay.audit.reading import Several
from avl_relay.config import RelaySettings
from avl_relay.directory import Directory, Place, WhereIs
from avl_relay.figures import Figures
from avl_relay.forward.limits import Buckets
from avl_relay.forward.router import Router
from avl_relay.forward.table import Session
from avl_relay.http.app import PageInfo, build, host_allowed, names_allowed, origin_allowed, page_lacks
from avl_relay.http.h3 import AsgiHandler
from avl_relay.http.tcp import TcpServer
from avl_relay.live import number_text
from avl_relay.locator import Locator
from avl_relay.memory import NAMES, Step, Use, Watermarks, available, resident
from avl_relay.neighbours import Neighbours, kind_of
from avl_relay.onlooker import Blind, Onlooker
from avl_relay.traffic import CountedNetwork, Traffic
from avl_relay.workers.siblings import Readers, Siblings
from avl_relay.workers.worker import Worker, certificate_key, derived

if TYPE_CHECKING:
    from avl_relay.control.plane import ControlPlane

#: Pages on this machine are secure contexts by this name.
LOOPBACK = {"127.0.0.1": "localhost", "::1": "localhost"}
#: Seconds that acknowledgements may wait: as long as feedback of little traffic is gathered (rate/collector.py), so
#: that one packet carries both.
ACK_DELAY = 0.010
#: Seconds of sending that leave at once: a whole picture of an even film, since to wake up for each viewer's rest of it
#: costs more than all its packets, and makes it late.
BURST = 0.006
#: Seconds between two looks at memory in use.
LOOK_AT_MEMORY = 1.0
#: How often another port is looked for when any will do and TCP has no twin of UDP's.
TRIES = 8


class Relay:
    """A relay; `simulated`: without TCP. `access` and `directory` are asked who may come in and where devices are, and
    answer at once or later, by `decided` and `located`: of themselves, everybody may, and devices are here. `worker`:
    which of several processes of one relay this is; they know among themselves where devices are. `about(device, what)`
    is told what a host says of itself, once it is registered and whenever that changes; `pictured(device, picture)`
    which picture it leaves. `control`: what knows people,
    decides for them, and answers the API; None: nobody is known. `audit`: the log of what concerns security; None:
    there is none."""

    def __init__(
        self,
        world: World,
        settings: RelaySettings,
        *,
        simulated: bool = False,
        access: Access | None = None,
        directory: Directory | None = None,
        worker: Worker | None = None,
        control: ControlPlane | None = None,
        about: Callable[[int, About], None] = lambda device, about: None,
        pictured: Callable[[int, LastPicture], None] = lambda device, picture: None,
        audit: RelayLog | None = None,
        in_memory: Callable[[], int] = resident,
    ) -> None:
        self._world = world
        self._worker = worker
        self._control = control
        #: The audit log, if there is one.
        self.audit = audit
        self._settings = settings
        self._simulated = simulated
        self._state = StateFolder(settings.state)
        self.identity: Identity = self._state.identity(world.entropy)
        self._log = structlog.get_logger("relay")
        self._locator: Locator | None = None
        self._neighbours = Neighbours()
        self._traffic = Traffic()
        self._refused_requests, self._memory_steps = Hits(), Hits()
        self._listening = self._going = False
        self._left = asyncio.Event()
        self._siblings: Siblings | None = None
        self._port_of_worker: SteeredSocket | None = None
        readers: Readers | None = None if control is None else control.live
        onlooker: Onlooker | None = control
        access = access if control is None else control.access
        if audit is not None:
            readers = Several(audit, readers)
            whose = (lambda session: ("", "")) if control is None else control.whose
            onlooker = Recording(audit, onlooker or Blind(), self._address_of, whose)
            access = Strict(access or OpenAccess(), lambda: audit.refuses)
        secret, self._names, handles = world.entropy(32), world.entropy, (1, 1)
        if worker is not None:
            self._log = self._log.bind(worker=worker.number)
            secret = derived(worker.secret, "sources", 32)
            self._names = names_for(world.entropy, worker.number, worker.of)
            handles = (worker.number + 1, worker.of)
            directory = self._siblings = Siblings(
                worker,
                clock=world.clock,
                faults=world.faults,
                packet=lambda data, source: self._take_over(data, source),
                settled=self._settled,
                readers=readers,
            )
        self._router = guard(
            Router(
                secret=secret,
                log=lambda event, about: self._log.info(event, **about),
                nat_test=self._nat_test,
                access=access,
                directory=directory,
                onlooker=onlooker,
                limits=settings.limits,
                handles=handles,
                about=about if control is None else control.host_said,
                head_known=(lambda peer, size: None) if audit is None else audit.known,
                logged=self._has_logged,
                pictured=pictured if control is None else control.host_shows,
            )
        )
        allowed = settings.limits.requests
        self._requests = Buckets(allowed.per_second, int(allowed.burst))
        self._roll: CertificateRoll | None = None
        self._certificate: TlsServer | None = None
        self._endpoint: Endpoint | None = None
        self._sockets: WebSocketServer | None = None
        self._http: Any = None
        self._renewal: asyncio.TimerHandle | None = None
        #: What memory in use asks for, looked at again and again.
        self._in_memory = in_memory
        self._watermarks: Watermarks | None = None
        self._memory_look: asyncio.TimerHandle | None = None
        self._unwatch: Callable[[], None] | None = None
        #: Done when the relay fails again and again: the sentence to end with. Once started.
        self.failed: asyncio.Future[str] | None = None

    # certificates

    def _make(self, wall: float) -> TlsServer:
        called = [self._settings.public, *sorted({"localhost", "127.0.0.1", "::1"} - {self._settings.public})]
        if self._worker is not None:
            key, drawn = certificate_key(self._worker.secret, wall)
            return self_signed(called, now=wall, entropy=drawn, key=key)
        return self_signed(called, now=wall, entropy=self._world.entropy, deterministic_size=self._simulated)

    def _certificates(self) -> tuple[TlsServer, ...]:
        """The one in use, and the next where it is our own."""
        if self._certificate is not None:
            return (self._certificate,)
        assert self._roll is not None
        return (self._roll.current, self._roll.next)

    def _renew(self) -> None:
        """Move to the next certificate when it is time, and come back for the one after."""
        assert self._roll is not None and self._endpoint is not None
        wall = self._world.clock.wall()
        changed = False
        while self._roll.renew_at <= wall:  # workers take every step at its own time, so that all of them arrive at one
            changed = self._roll.advance(wall if self._worker is None else self._roll.renew_at)
        if changed:
            self._endpoint.set_certificate(self._roll.current)
            if self._sockets is not None:
                self._sockets.set_certificate(self._roll.current)
            self._log.info("certificate renewed")
        self._renewal = asyncio.get_running_loop().call_later(self._roll.pause(wall), self._renew)

    # running

    async def start(self) -> None:
        """Bind both ports and accept connections. Raises OSError, StateError, ValueError."""
        settings, world = self._settings, self._world
        self.failed = asyncio.get_running_loop().create_future()
        self._unwatch = world.faults.watch(self._log.error, self._give_up, world.clock.monotonic)
        if settings.tls_cert is not None and settings.tls_key is not None:
            self._certificate = load(settings.tls_cert, settings.tls_key)
        else:
            self._roll = CertificateRoll(self._make, world.clock.wall() if self._worker is None else self._worker.begun)
        self._endpoint = Endpoint(
            network=CountedNetwork(self._network(), self._traffic),
            clock=world.clock,
            entropy=world.entropy,
            loop=asyncio.get_running_loop(),
            options=ConnectionOptions(ack_delay=ACK_DELAY, rate=RateSettings(burst=BURST)),
            reset_key=reset_key(self._state, world.entropy),
            limits=settings.limits,
            names=self._names,
        )
        bound = await self._bind(self._endpoint)
        self._locator = locator = Locator(world.network, asyncio.get_running_loop())
        self._endpoint.on_raw = locator.raw
        self._alarm = Alarm(
            machine=self._router, loop=asyncio.get_running_loop(), now=world.clock.monotonic, faults=world.faults
        )
        if self._siblings is not None:
            await self._siblings.start(self._router)
        handler: Any = None
        names: frozenset[str] = frozenset()
        if not self._simulated:
            handler, names = await self._start_http(bound)
            if (lacking := page_lacks()) is not None:
                self._log.warning("no page", reason=lacking)
        self._endpoint.listen(
            self._certificates()[0],
            on_carrier=self._accept,
            on_http=handler,
            origin_allowed=lambda origin, _authority: origin_allowed(origin, names),
        )
        self._listening = True
        most = settings.limits.memory or (0 if self._simulated else available())
        most //= 1 if self._worker is None else self._worker.of
        if most:
            self._watermarks = Watermarks(most, settings.limits)
            self._look_at_memory()
        if self._roll is not None:
            self._renew()
        self._log.info("relay ready", quic=self.quic, pin=show_pin(self.identity.pin), page=self.page)
        if self._worker is None:
            write_ready(settings.ready_file, self.announced)
        tell = (lambda news: None) if self._siblings is None else self._siblings.tell_all
        if self.audit is not None:
            self.audit.start(tell, lambda: self.snapshot().total(LIMITS), lambda: self.snapshot().total(BY_NETWORK))
        if self._control is not None:
            self._control.begin(self, tell)

    async def _bind(self, endpoint: Endpoint) -> socket.socket | None:
        """Bind UDP, and TCP of the same number for those who have no UDP; without it the relay runs all the same."""
        listen, twin = self._settings.listen, self._settings.http
        if self._worker is not None:
            await endpoint.bind(listen)
            return self._worker.twin
        for tries in range(TRIES):
            await endpoint.bind(listen)
            address = endpoint.local_address
            if self._simulated or twin[1] == address[1]:  # the page's port takes WebSockets too
                return None
            try:
                return bind_tcp(address)
            except OSError as error:
                if listen[1] or tries == TRIES - 1:
                    self._log.warning("no WebSockets for programs", port=address[1], why=error.strerror)
                    return None
                await endpoint.close()
        return None

    def _network(self) -> Network:
        """The world's; to a worker its port is bound already, and shared."""
        worker = self._worker
        if worker is None or self._siblings is None:
            return self._world.network
        bound = UdpSocket(asyncio.get_running_loop(), worker.udp)
        self._port_of_worker = SteeredSocket(bound, worker.number, worker.of, self._siblings.hand_over)
        return OnePort(self._world.network, self._port_of_worker)

    def _settled(self) -> None:
        """Something has changed because of another worker."""
        self._alarm.reset()
        if self._going:
            self._look_who_stays()

    def _take_over(self, data: bytes, source: Address) -> None:
        if self._port_of_worker is not None:
            self._port_of_worker.take(data, source)

    async def _start_http(self, bound: socket.socket | None) -> tuple[Any, frozenset[str]]:
        settings = self._settings
        names = names_allowed(settings.public, settings.listen[0])

        def info() -> PageInfo:
            public = self._certificate is not None
            own = self._certificates()
            return PageInfo(
                self.quic,
                self.identity.pin,
                hashes=() if public else tuple(c.sha256 for c in own),
                public=public,
                identity=self.identity.public,
                endorsements=tuple(endorse_certificate(self.identity, c.der) for c in own),
                page=self.page,
            )

        app = build(
            info,
            names,
            lambda: f'h3=":{self._port()}"' if self._certificate is not None else "clear",
            self._pays,
            None if self._control is None else self._control.api,
        )
        most = max(1, (descriptors.of_system() - settings.limits.descriptors) // 2)
        sockets = WebSocketServer(
            clock=self._world.clock,
            entropy=self._world.entropy,
            loop=asyncio.get_running_loop(),
            on_carrier=self._accept,
            origin_allowed=lambda origin: origin_allowed(origin, names),
            limits=settings.limits,
            most=most,
        )
        self._sockets = sockets
        handler = AsgiHandler(app, self._log, settings.limits)
        if bound is not None:
            await sockets.listen(bound, self._certificates()[0], handler)

        def upgraded() -> asyncio.Protocol:
            own = None if self._certificate is None else self._certificate.der
            return sockets.pump(own, host_allowed=lambda authority: host_allowed(authority, names))

        self._http = TcpServer(
            app=app,
            address=settings.http,
            certificate=settings.tls_cert,
            key=settings.tls_key,
            upgraded=upgraded,
            limits=settings.limits,
            most=most,
            bound=None if self._worker is None else self._worker.page,
        )
        await self._http.start()
        return handler, names

    def _port(self) -> int:
        assert self._endpoint is not None
        return self._endpoint.local_address[1]

    @property
    def quic(self) -> str:
        """The QUIC address as others should write it."""
        return join(self._settings.public, self._port())

    @property
    def announced(self) -> dict[str, str]:
        """What a ready file says."""
        return {"quic": self.quic, "http": self._http_name(), "pin": show_pin(self.identity.pin)}

    def _http_name(self) -> str:
        return (
            join(LOOPBACK.get(self._settings.public, self._settings.public), self._http.address[1])
            if self._http
            else ""
        )

    @property
    def page(self) -> str:
        """The page's URL; empty where none is served."""
        scheme = "https" if self._certificate is not None else "http"
        return f"{scheme}://{self._http_name()}/" if self._http else ""

    def _pays(self, host: str) -> bool:
        """Whether a source may ask for one more file of the page."""
        pays = self._requests.take(source(host), self._world.clock.monotonic())
        if not pays:
            self._refused_requests.add(network(host))
        return pays

    def _accept(self, carrier: QuicCarrier | WebSocketCarrier, protocol: str) -> CarrierReceiver:
        now = self._world.clock.monotonic()
        certificate = carrier.server_certificate or self._certificates()[0].der
        own = RelayIdentity(
            public=self.identity.public,
            certificate=certificate,
            endorsement=endorse_certificate(self.identity, certificate),
            name=self.quic,
            page=self.page,
        )
        peer = HopServer(
            own,
            nonce=self._names(16),
            wall_ms=int(self._world.clock.wall() * 1000),
            now=now,
            limits=self._settings.limits,
        )
        guard(peer).attach_carrier(carrier)
        if self._locator is not None:
            self._locator.know(peer)
        self._neighbours.came(peer, kind_of(protocol))
        if self._going:
            peer.go_away()

        def after() -> None:
            if peer.nothing_new():
                return
            self._router.take(peer, self._world.clock.monotonic())
            if peer.state is not HopServerState.GONE:
                peer.look_at_address()
            else:
                self._neighbours.look(peer)
            self._alarm.reset()
            if self._going:
                self._look_who_stays()

        after()
        return Driven(peer, after, self._world.faults, carrier.close)

    def decided(self, question: MayRegister | MayAttach, decision: Decision) -> None:
        """A late answer of `access`."""
        self._router.decided(question, decision, self._world.clock.monotonic())
        self._alarm.reset()

    def hand_on(self, device: int, tokens: Sequence[str]) -> bool:
        """Hand what its owner has signed on to a host that is registered here; False where it is not."""
        handed_on = self._router.hand_on(device, tokens)
        self._alarm.reset()
        return handed_on

    def tell_readers(self, device: int, readers: Sequence[str]) -> None:
        """Tell a host that is registered here for whom it may leave pictures of itself."""
        self._router.tell_readers(device, readers)
        self._alarm.reset()

    def located(self, question: WhereIs, place: Place) -> None:
        """A late answer of `directory`."""
        self._router.located(question, place, self._world.clock.monotonic())
        self._alarm.reset()

    def end_session(self, handle: int, code: CloseCode) -> None:
        """Somebody who may has ended a session: it ends, if its viewer is here."""
        self._router.end_session(handle, code, self._world.clock.monotonic())
        self._alarm.reset()

    def tell_session(self, handle: int, text: str) -> None:
        """Somebody who may says something to a session: it is told, if its viewer is here."""
        self._router.tell_session(handle, text)

    def figures(self) -> dict[int, Figures]:
        """How each session of a viewer that is here is carried now, by its handle."""
        now = self._world.clock.monotonic()
        return {session.handle: self._figures(session, now) for session in self._router.carried()}

    def _figures(self, session: Session, now: float) -> Figures:
        viewer, host = session.viewer, session.host
        state = viewer.carrier.rate_state(now)
        return Figures(
            way=self._neighbours.kind(viewer),
            host_way=self._neighbours.kind(host.peer),
            rtt_ms=_ms(viewer.carrier.rtt),
            host_rtt_ms=None if host.borrowed else _ms(host.peer.carrier.rtt),
            target_bps=round(state.target),
            delivered_bps=round(state.delivered),
            queue_ms=round(1000 * state.queue_delay, 1),
            loss=round(state.loss, 4),
            skipped=host.fanout.skipped(session.handle),
            channels=tuple(sorted(session.channels)),
        )

    def send_away(self, device: int) -> None:
        """A host may not be registered any more: it ends with its sessions, if it is here."""
        self._router.send_away(device, self._world.clock.monotonic())
        self._alarm.reset()

    @property
    def pin(self) -> str:
        """What shows that this relay is the one."""
        return show_pin(self.identity.pin)

    @property
    def of_operators(self) -> Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None:
        """What answers who runs this machine about people (control/locally.py); None: nobody is known."""
        return None if self._control is None else self._control.of_operators

    def snapshot(self) -> Snapshot:
        """What the relay holds, by number."""
        web = 0 if self._sockets is None else self._sockets.connections
        parts = (self._endpoint, self._sockets, self._siblings, self.audit, self._control)
        below = tuple(part.snapshot() for part in parts if part is not None)
        seconds = self._router.viewer_seconds(self._world.clock.monotonic())
        limits = {"requests to the page": self._refused_requests, "memory": self._memory_steps}
        if self._http is not None:
            limits["connections to the page"] = self._http.hits
        own = (
            self._router.snapshot(),
            self._neighbours.snapshot(),
            self._traffic.snapshot(),
            Snapshot("happened so far", {"viewer milliseconds": round(1000 * seconds)}),
            *limits_hit(limits),
        )
        return Snapshot("relay", {"WebSockets": web, "memory steps": int(self.short_of_memory)}, (*own, *below))

    def _has_logged(self, peer: HopServer, device: int, message: Logged) -> None:
        if self.audit is not None:
            self.audit.logged(peer, number_text(device), message)

    def _address_of(self, device: int) -> str:
        return self._router.address_of(device)

    def _nat_test(self, peer: HopServer, token: bytes) -> None:
        if self._locator is not None:
            self._locator.test(peer, token)

    def _give_up(self, text: str) -> None:
        if self.failed is not None and not self.failed.done():
            self.failed.set_result(text)

    @property
    def accepting(self) -> bool:
        """Whether newcomers are taken."""
        return self._listening and not self._going

    async def drain(self, seconds: float) -> None:
        """Send everybody elsewhere (spec 04-session, 4.3): newcomers are refused, who is here is told, and sessions go
        on until they have left. Returns when none is left, after `seconds` at most."""
        if not self._listening or self._going:
            return
        self._going = True
        now, sessions = self._world.clock.monotonic(), self._router.sessions
        self._log.info("draining", sessions=sessions, seconds=seconds)
        for peer in self._neighbours:
            peer.go_away(self._settings.elsewhere)
            self._router.take(peer, now)
            self._neighbours.look(peer)
        self._alarm.reset()
        self._look_who_stays()
        try:
            async with asyncio.timeout(seconds):
                await self._left.wait()
        except TimeoutError:
            pass  # who has no other place comes back to this address
        took = round(self._world.clock.monotonic() - now, 3)
        self._log.info("drained", left=sessions - self._router.sessions, stayed=self._router.sessions, seconds=took)

    def change(self, settings: RelaySettings) -> None:
        """Take what changes while it runs: where sessions go when it drains, and of the limits those of hop control,
        of requests to the page and of memory; connections that are there keep theirs."""
        before, self._settings = self._settings.limits, settings
        allowed = settings.limits.requests
        if allowed != before.requests:
            self._requests = Buckets(allowed.per_second, int(allowed.burst))
        if self._watermarks is not None:
            self._watermarks.set(settings.limits)

    def renew_certificate(self) -> None:
        """Look whether the files of the certificate hold another one, and present that from the next connection on. One
        that can't be used changes nothing, and is told."""
        certificate, key = self._settings.tls_cert, self._settings.tls_key
        if self._certificate is None or self._endpoint is None or certificate is None or key is None:
            return
        try:
            fresh = load(certificate, key)
            if fresh.der == self._certificate.der:
                return
            server_context(fresh, self._world.entropy)  # which finds out whether they belong together
            if self._http is not None:
                self._http.renew(certificate, key)
        except (OSError, ValueError, TypeError) as error:
            self._log.error("certificate stays as it is", why=str(error))
            return
        self._certificate = fresh
        self._endpoint.set_certificate(fresh)
        if self._sockets is not None:
            self._sockets.set_certificate(fresh)
        self._log.info("certificate renewed")

    def _look_who_stays(self) -> None:
        if not self._router.sessions and not self._router.lent:
            self._left.set()

    @property
    def short_of_memory(self) -> Step:
        """What is given up now because too much memory is in use."""
        return Step.NOTHING if self._watermarks is None else self._watermarks.step

    def _look_at_memory(self) -> None:
        """Give up what the watermarks say, and come back in a second."""
        watermarks, shed = self._watermarks, self._settings.limits.memory_shed
        assert watermarks is not None and self._endpoint is not None
        use, before = Use(self._in_memory(), self._router.waiting), watermarks.step
        for entered in watermarks.look(use):
            self._memory_steps.add("")
            self._log.warning(
                "memory is short",
                gives_up=NAMES[entered],
                resident=use.resident,
                waiting=use.waiting,
                step=int(entered),
            )
        step = watermarks.step
        if before is not step is Step.NOTHING:
            self._log.info("memory suffices again", resident=use.resident, waiting=use.waiting)
        if step >= Step.STRANGERS:
            self._endpoint.shed_strangers(shed)
            if self._sockets is not None:
                self._sockets.shed_strangers(shed)
        self._router.be_lean(step >= Step.SPARES)
        if step >= Step.QUEUES:
            self._router.drop_slowest(shed)
        self._router.take_newcomers(step < Step.NEWCOMERS)
        self._memory_look = asyncio.get_running_loop().call_later(LOOK_AT_MEMORY, self._look_at_memory)

    async def close(self) -> None:
        """Say goodbye to all and stop."""
        if self._memory_look is not None:
            self._memory_look.cancel()
        if self._unwatch is not None:
            self._unwatch()
        if self._renewal is not None:
            self._renewal.cancel()
        self._alarm.stop()
        if self._locator is not None:
            self._locator.close()
        if self._siblings is not None:
            await self._siblings.close()
        if self._endpoint is not None:
            await self._endpoint.close()
        if self._sockets is not None:
            await self._sockets.close()
        if self._control is not None:
            self._control.end_events()
        if self._http is not None:
            await self._http.close()
        if self._control is not None:
            await self._control.close()
        if self.audit is not None:
            await self.audit.close()


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)


def reset_key(state: StateFolder, entropy: Callable[[int], bytes]) -> bytes:
    """The key of stateless resets, made at the first start. Raises StateError."""
    key = state.read("reset.key")
    if key is None:
        key = entropy(32)
        state.write("reset.key", key)
    return key
