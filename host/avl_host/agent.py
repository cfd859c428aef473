"""The assembled host: every startup step, in order, in one place."""

from __future__ import annotations

import asyncio
import platform
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from avl_host.assembly import Served, assemble
from avl_host.audit.comparing import Comparing
from avl_host.audit.journal import HostLog, JournalService
from avl_host.capture.source import CaptureSource
from avl_host.config import HostSettings
from avl_host.desktop.clipboard import ClipboardPort
from avl_host.display.display import Display
from avl_host.encode.codecs.coders import Coders
from avl_host.encode.coding import Coding, InlineCoding
from avl_host.encode.encoder import Encoder, EncoderSettings
from avl_host.encode.pipeline import Pipeline, PipelineSettings
from avl_host.encode.worker import Listener, Worker
from avl_host.files.roots import Roots
from avl_host.input.sink import InputSink
from avl_host.lastpictures.lastpictures import LastPictures
from avl_host.paths.announce import Announcer
from avl_host.paths.directlistener import DirectListener
from avl_host.paths.reachability import Reachability
from avl_host.paths.registration import SOFTWARE, Registration
from avl_host.paths.relays import Relays
from avl_host.presence.acts import HostActs
from avl_host.presence.blank import Blanker, BlankWatch
from avl_host.presence.notices import Notices
from avl_host.presence.scene import Acts, Indicator
from avl_host.presence.watch import PresenceWatch
from avl_host.publish.publication import Publication
from avl_host.publish.publisher import FIRST_BITRATE, SOUND, Publisher, desktop
from avl_host.rights.door import GrantDoor
from avl_host.services.voice import Microphone
from avl_host.sessions.admission import CodeAdmission
from avl_host.sessions.console import Console
from avl_host.sessions.lock import LockPolicy, ScreenLocker
from avl_host.sessions.lockwatch import LockWatch
from avl_host.sessions.subscribers import Ask, Subscribers
from avl_host.sessions.tickets import TicketBook
from avl_host.sound.worker import SoundParts, SoundWorker
from avl_protocol.audit.entry import Entry
from avl_protocol.carrier.carrier import CarrierReceiver
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.accept.hits import BY_NETWORK, LIMITS
from avl_protocol.endpoint.addresses.whereabouts import Whereabouts
from avl_protocol.endpoint.dial.dialler import Dialler, open_endpoint
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.files.conveyor import Workshop
from avl_protocol.endpoint.loop.alarm import Alarm
from avl_protocol.endpoint.loop.driver import Driven
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.portmapping.portmap import PortMapper
from avl_protocol.endpoint.program.headwatch import HeadWatch
from avl_protocol.endpoint.program.localserver import AlreadyRunning, Answer, LocalServer
from avl_protocol.endpoint.program.state import StateError, StateFolder, write_ready
from avl_protocol.endpoint.tls import CertificateRoll, TlsServer, self_signed
from avl_protocol.files.memory import MemoryTree
from avl_protocol.files.tree import Tree
from avl_protocol.media.frame import EncodedFrame, Frame, Monitor
from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.rights.effective import OWNER
from avl_protocol.rights.jws import encode
from avl_protocol.wire import device_id
from avl_protocol.wire.messages import About
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import (
    MAX_SHOWN_NAME,
    T_KEEPALIVE,
    T_LAST_PICTURE,
    T_PATH_HOST_LAST_RETRY,
    Channel,
    CloseCode,
    MicrophoneState,
)
from avl_protocol.wire.target import RelayAddress, Target

#: Seconds after which the port and the announcement are tried anew when that failed in an unforeseen way.
PORT_RETRY = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What of the machine a host is made of; the command line opens the real ones, a simulation its doubles."""

    source: CaptureSource
    sink: InputSink
    clipboard: ClipboardPort
    open_encoder: Callable[[EncoderSettings], Encoder]
    make_worker: Callable[[CaptureSource, Pipeline, Listener, Callable[[], float]], Worker]
    #: Where a source's pictures are encoded; on the spot in virtual time.
    make_coding: Callable[[CaptureSource], Coding[EncodedFrame]] = lambda source: InlineCoding()
    #: What chooses codec and chroma, and the encoders that `open_encoder` opens.
    coders: Coders = field(default_factory=Coders)
    ask: Ask | None = None
    #: Asks a person about who comes by a grant that says so; None: as `ask`.
    ask_for_grants: Ask | None = None
    locker: ScreenLocker | None = None
    #: Where this machine's sound comes from; None: it is not shared.
    sound: SoundParts | None = None
    #: Opens where viewers' voices are played, which says on any thread whether it can; None: they are not taken.
    open_microphone: Callable[[Callable[[MicrophoneState, str], None]], Microphone] | None = None
    #: What shows the person at the host who is here, and where else that is told.
    open_indicators: Callable[[Acts], list[Indicator]] = lambda acts: []
    notices: Notices | None = None
    #: What darkens and locks the screen while nobody here has allowed a session; its hotkey does as the indicator's.
    open_blanker: Callable[[Acts], Blanker | None] = lambda acts: None
    mapper: PortMapper | None = None
    announcer: Announcer | None = None
    #: Where commands on this machine ask the host; None: nowhere.
    open_console: Callable[[Answer], LocalServer] | None = None
    #: Opens the host's own audit log, and keeps the heads of relays'; None: there is neither.
    open_journal: Callable[[World, StateFolder, Identity], HostLog] | None = None
    #: Opens a folder that is shared; the flag says that it may be made first.
    open_tree: Callable[[Path, bool], Tree] = lambda path, makes: MemoryTree()
    #: Makes a small picture of the desktop, on a thread; None: none is ever left. Raises Unpictured.
    photograph: Callable[[], bytes] | None = None
    #: What of the first source can have another size; None: nothing.
    display: Display | None = None
    #: Opens a source of one monitor of the first, by what that says of it; None: nothing does. Raises SourceLost.
    open_monitor: Callable[[Monitor], CaptureSource] | None = None
    #: Sources beside the first, each a desktop of its own. Layout, pointer and input are those of the first.
    more_sources: tuple[CaptureSource, ...] = ()


def _unheard(*told: object) -> None:
    """What a further source says of its layout and pointer."""


class Agent:
    """A host. `run` returns only when the display is lost or it is cancelled."""

    def __init__(self, world: World, settings: HostSettings, parts: Parts, tell: Callable[[str], None]) -> None:
        self._world = world
        self._settings = settings
        self._parts = parts
        self._tell = tell
        self._state = StateFolder(settings.state, tell)
        self.identity: Identity = self._state.identity(world.entropy)
        self.tickets = TicketBook(self._state, settings.resume, world.entropy, world.clock.wall)
        self.door = GrantDoor(
            state=self._state,
            identity=self.identity,
            tickets=self.tickets,
            allows=OWNER & ~settings.withheld,
            asks=settings.ask_consent,
            wall=world.clock.wall,
            tell=tell,
        )
        self.admission = CodeAdmission(
            settings=settings,
            state=self._state,
            tickets=self.tickets,
            door=self.door,
            entropy=world.entropy,
            replaced=self._codes_replaced,
        )
        self._ended: asyncio.Future[str] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._relays: Relays | None = None
        self._pictures: LastPictures | None = None
        self._endpoint: Endpoint | None = None
        self._address: tuple[str, int] | None = None

    @property
    def settings(self) -> HostSettings:
        """What holds now."""
        return self._settings

    @property
    def ending(self) -> str | None:
        """What `run` tells the person, from the moment that its end is certain; None before."""
        return self._ended.result() if self._ended is not None and self._ended.done() else None

    async def run(self) -> str:
        """Share until the display is lost; returns what to tell the person then."""
        world, parts, settings = self._world, self._parts, self._settings
        self._loop = loop = asyncio.get_running_loop()
        clock = world.clock.monotonic
        self._ended = loop.create_future()
        unwatch = world.faults.watch(self._tell, self._give_up, clock)
        console = self._open_console()
        options = ConnectionOptions(ack_delay=0.005, keepalive=T_KEEPALIVE)
        endpoint = self._endpoint = await open_endpoint(world, options, settings.listen or ("", 0))
        self._address = settings.listen and (settings.listen[0], endpoint.local_address[1])
        roll = self._certificates()
        whereabouts = Whereabouts(world.interfaces, lambda: endpoint.local_address[1])
        self.reachability = guard(
            Reachability(
                endpoint,
                whereabouts,
                world.entropy,
                lambda: (roll.current.sha256, roll.next.sha256),
                direct=settings.direct,
                anybody=settings.listen is not None,
            )
        )
        self.lock_watch = guard(LockWatch(LockPolicy(settings.lock_after), parts.locker))
        self.publisher = publisher = guard(
            Publisher(
                self.identity,
                world.entropy,
                clock=clock,
                max_bitrate=settings.max_bitrate,
                on_figures=lambda told, upload: self.features.statistics.measured(told, upload),
                ask=self._ask,
                desktops=tuple(desktop(at) for at in range(1 + len(parts.more_sources))),
                coders=parts.coders,
                sound=SOUND if parts.sound is not None else None,
            )
        )
        self.subscribers = guard(
            Subscribers(
                world,
                identity=self.identity,
                name=platform.node(),
                admission=self.admission,
                publisher=publisher,
                keep=self.tickets.lifetime,
                ask=parts.ask,
                tell=self._tell,
                after=self._after,
                ask_for_grants=parts.ask_for_grants,
            )
        )
        workshop = world.open_workshop()
        acts = HostActs(self.subscribers, lambda: self.features.control, clock, self._after)
        self.presence = PresenceWatch(parts.open_indicators(acts), parts.notices)
        self.blank = BlankWatch(parts.open_blanker(acts), self._tell)
        sound = self._open_sound(publisher)
        microphone = self._open_microphone()
        served = Served(
            publisher=publisher,
            sink=parts.sink,
            clipboard=parts.clipboard,
            tickets=self.tickets,
            door=self.door,
            reachability=self.reachability,
            lock_watch=self.lock_watch,
            presence=self.presence,
            blank=self.blank,
            open_monitor=None if parts.open_monitor is None else self._open_monitor,
            roots=Roots(settings.files, parts.open_tree),
            workshop=workshop,
            display=parts.display,
            folder=self._state,
            sound=sound,
            microphone=microphone,
            copies=settings.copies,
        )
        self.features = assemble(self.subscribers, served, self._tell, clock, settings.control)
        if microphone is not None:
            microphone.start()
        self._alarm = Alarm(machine=self, loop=loop, now=clock, faults=world.faults)
        journal, heads, comparing = self._open_journal()
        self._pictures = pictures = self._open_pictures(workshop, journal)
        admission = DirectListener(
            identity=self.identity,
            subscribers=self.subscribers,
            publisher=publisher,
            entropy=world.entropy,
            wall=world.clock.wall,
            strangers=settings.listen is not None,
        )
        self._listen(endpoint, roll, admission)
        dialler = Dialler(world, endpoint)
        self._relays = Relays(
            settings.relays,
            lambda relay: Registration(
                world=world,
                identity=self.identity,
                relay=relay,
                dialler=dialler,
                subscribers=self.subscribers,
                publisher=publisher,
                whereabouts=whereabouts,
                tell=self._tell,
                changed=self._announce,
                after=self._after,
                moved=self._moved,
                about=self._about,
                heard=self._heard,
                heads=heads,
                comparing=comparing,
                pictures=pictures,
            ),
            lambda work: world.faults.keep(work, T_PATH_HOST_LAST_RETRY),
        )
        await self.features.fit.begin()
        publisher.on_tracks = self._tell_tracks
        workers = self._start_workers(publisher)
        watch = world.interfaces.watch(lambda: self._network_changed(endpoint))
        faults, relays = world.faults, self._relays
        tasks = [
            loop.create_task(faults.keep(relays.run, T_PATH_HOST_LAST_RETRY)),
            loop.create_task(faults.keep(lambda: self._open_port(endpoint, whereabouts), PORT_RETRY)),
        ]
        if not settings.relays:
            self._announce()
        try:
            waiting: list[asyncio.Future[Any]] = [*tasks, self._ended]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            return await self._ended
        finally:
            watch.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.subscribers.end_all(CloseCode.ENDED, clock())
            self._alarm.stop()
            await self.features.monitors.close()
            await self.features.fit.close()
            self.presence.close()
            self.blank.close()
            parts.sink.close()
            parts.clipboard.close()
            if sound is not None:
                sound.close()
            if microphone is not None:
                microphone.close()
            if pictures is not None:
                pictures.close()
            workshop.close()
            for worker in workers:
                await worker.close()
            await endpoint.close()
            if console is not None:
                await console.close()
            if journal is not None:
                await journal.close()
            unwatch()

    def _open_sound(self, publisher: Publisher) -> SoundWorker | None:
        """What takes this machine's sound while somebody wants it."""
        if self._parts.sound is None:
            return None
        assert self._loop is not None
        worker = SoundWorker(
            self._parts.sound,
            call=self._loop.call_soon_threadsafe,
            frame=publisher.sound_frame,
            state=lambda state, text: self.features.sound.changed(state, text),
            faults=self._world.faults,
        )
        publisher.on_sound = worker.want
        return worker

    def _open_microphone(self) -> Microphone | None:
        """What plays viewers' voices; where it can't be said on the loop any more, nobody has to hear of it."""
        if self._parts.open_microphone is None:
            return None
        loop, faults = self._loop, self._world.faults
        assert loop is not None

        def told(state: MicrophoneState, text: str) -> None:
            loop.call_soon_threadsafe(faults.run, lambda: self.features.sound.microphone_changed(state, text))

        return self._parts.open_microphone(told)

    def _open_journal(self) -> tuple[HostLog | None, HeadWatch | None, Comparing | None]:
        """The host's own log, what it keeps of relays' logs, and what compares them."""
        if self._parts.open_journal is None:
            return None, None, None
        journal = self._parts.open_journal(self._world, self._state, self.identity)
        records = JournalService(journal)
        self.subscribers.services.register(records, Channel.CONTROL)
        self.subscribers.decided = records.decided
        self.door.refused = records.grant_refused
        comparing = Comparing(journal, self._world.clock, self._tell)
        self.subscribers.services.register(comparing, Channel.CONTROL)

        def known(entries: Sequence[Entry], since: int) -> None:
            comparing.know(entries, since)
            self._after()

        journal.start(known)
        self.features.files.finished = records.files_moved
        journal.watch_limits(self._limits_hit, lambda: self._counted(BY_NETWORK))
        return journal, HeadWatch(self._state, self._tell, records.head_refused), comparing

    def _open_pictures(self, workshop: Workshop, journal: HostLog | None) -> LastPictures | None:
        """What leaves pictures of this desktop for those who may look at it, where that is wanted."""
        take, interval = self._parts.photograph, self._settings.last_picture
        if take is None or interval is None:
            return None

        def began(person: str, key: bytes) -> None:
            if journal is not None:
                journal.record("pictures_left", holder=person, key=encode(key))

        return LastPictures(
            self._world,
            identity=self.identity,
            interval=max(interval, T_LAST_PICTURE),
            take=take,
            workshop=workshop,
            reads=self.door.reader,
            began=began,
            tell=self._tell,
            after=self._after,
        )

    def _limits_hit(self) -> Counter[str]:
        """How often each limit was hit so far."""
        return self._counted(LIMITS) + self.subscribers.limits_hit

    def _counted(self, part: str) -> Counter[str]:
        return Counter() if self._endpoint is None else self._endpoint.snapshot().total(part)

    def _open_console(self) -> LocalServer | None:
        """Answer commands of this machine. Raises StateError when another host runs with our state; where the socket
        can't be made, that costs the commands alone."""
        if self._parts.open_console is None:
            return None

        async def answer(request: dict[str, Any]) -> dict[str, Any]:
            features, clock = self.features, self._world.clock.monotonic
            delay = features.statistics.delay
            reply = Console(self.subscribers, features.control, delay, clock, self.owner_changed).answer(request)
            self._after()
            return reply

        server = self._parts.open_console(answer)
        try:
            server.listen()
        except AlreadyRunning:
            raise StateError(
                f"a host runs already with the state folder {self._settings.state}: stop it first, or give this one a "
                "folder of its own with --state, which makes it another device"
            ) from None
        except StateError as error:
            self._tell(f"'avl-host sessions' will not work: {error}")
            return None
        return server

    def _certificates(self) -> CertificateRoll:
        simulated = self._settings.simulated

        def make(wall: float) -> TlsServer:
            return self_signed(["avl-host"], now=wall, entropy=self._world.entropy, deterministic_size=simulated)

        return CertificateRoll(make, self._world.clock.wall())

    def _start_workers(self, publisher: Publisher) -> list[Worker]:
        """One worker a desktop. The first is the desktop whose layout and pointer viewers are told of."""
        parts = self._parts
        clock = self._world.clock.monotonic
        settings = PipelineSettings(bitrate=min(FIRST_BITRATE, self._settings.max_bitrate))
        workers: list[Worker] = []
        for source, publication in zip((parts.source, *parts.more_sources), publisher.publications, strict=True):
            first = not workers
            pipeline = Pipeline(
                source,
                parts.open_encoder,
                publication.permit,
                clock,
                settings,
                parts.make_coding(source),
                parts.make_coding(source),
            )
            listener = Listener(
                frame=partial(self._frame, publication),
                cursor=self.features.pointer.changed if first else _unheard,
                layout=self.features.layout.changed if first else _unheard,
                lost=self._display_lost,
                faults=self._world.faults,
            )
            workers.append(parts.make_worker(source, pipeline, listener, self._world.clock.monotonic))
        publisher.start(*workers)
        parts.sink.release_all()
        parts.clipboard.on_change = self.features.clipboard.changed
        for worker in workers:
            worker.start()
        return workers

    def _open_monitor(self, monitor: Monitor, publication: Publication, lost: Callable[[str], None]) -> Worker:
        """Capture one monitor by itself, where objects of its tracks go on. Raises SourceLost."""
        parts, clock = self._parts, self._world.clock.monotonic
        assert parts.open_monitor is not None
        source = parts.open_monitor(monitor)
        pipeline = Pipeline(
            source,
            parts.open_encoder,
            publication.permit,
            clock,
            PipelineSettings(bitrate=min(FIRST_BITRATE, self._settings.max_bitrate)),
            parts.make_coding(source),
            parts.make_coding(source),
            number=publication.exact.newest + 1,
        )
        listener = Listener(
            frame=partial(self._frame, publication),
            cursor=_unheard,
            layout=_unheard,
            lost=lost,
            faults=self._world.faults,
        )
        return parts.make_worker(source, pipeline, listener, clock)

    def _tell_tracks(self) -> None:
        for registration in self._relays.registrations if self._relays is not None else ():
            registration.tell_tracks()

    def _frame(self, publication: Publication, frame: Frame) -> None:
        """A worker has made a picture."""
        self.publisher.frame(publication, frame)
        self._after()

    def _ask(self) -> None:
        """Have the loop look, from a worker's thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        """A worker was refused a picture that may be in time by now."""
        self._world.faults.run(self.publisher.look)
        self._after()

    # the owner

    def _about(self) -> About | None:
        """What relays are told of a host that has an owner; of others they learn nothing."""
        owner = self.door.owner
        if owner is None:
            return None
        policy, revocation = self.door.newest
        return About(
            name=platform.node()[:MAX_SHOWN_NAME],
            system=f"{platform.system()} {platform.release()}"[:MAX_SHOWN_NAME],
            software=SOFTWARE,
            owner=owner.thumbprint,
            policy=policy,
            revocation=revocation,
            pictures=int(self._pictures is not None),
        )

    def _heard(self, tokens: tuple[str, ...]) -> None:
        """A relay hands on what the owner has signed."""
        if self.features.rights.heard(tokens):
            self._tell_about()

    def owner_changed(self) -> str:
        """Somebody at this machine has pinned another owner, or none."""
        self.features.rights.owner_changed()
        self._tell_about()
        if self._relays is not None:
            self._relays.again()  # one that did not take us may do so now
        return self.door.owner.thumbprint if self.door.owner is not None else ""

    def change(self, settings: HostSettings) -> None:
        """Take what changes while it runs: who acts, what nobody may, and the most that pictures may use."""
        before, self._settings = self._settings, settings
        self.door.allow(OWNER & ~settings.withheld)
        self.features.rights.decide()
        if settings.control is not before.control:
            self.features.control.set_mode(settings.control, self._world.clock.monotonic())
        self.publisher.use_at_most(settings.max_bitrate)
        self._after()

    def _tell_about(self) -> None:
        for registration in self._relays.registrations if self._relays is not None else ():
            registration.tell_about()

    # direct paths

    def _listen(self, endpoint: Endpoint, roll: CertificateRoll, admission: DirectListener) -> None:
        """Take direct connections of viewers that know a session, or of all viewers if this host listens."""
        clock, faults = self._world.clock, self._world.faults
        alarm = Alarm(machine=admission, loop=asyncio.get_running_loop(), now=clock.monotonic, faults=faults)

        def accept(carrier: QuicCarrier, alpn: str) -> CarrierReceiver:
            peer = admission.accept(carrier, clock.monotonic())

            def after() -> None:
                admission.take(peer, clock.monotonic())
                peer.look_at_address()
                alarm.reset()
                self._after()

            alarm.reset()
            return Driven(peer, after, faults, carrier.close)

        def raw(data: bytes, address: tuple[str, int]) -> None:
            faults.run(self.reachability.raw, data, address, clock.monotonic())
            self._after()

        if self._settings.direct or self._settings.listen is not None:
            endpoint.on_raw = raw
            endpoint.listen(
                roll.current,
                on_carrier=accept,
                admits=self.reachability.admits,
                origin_allowed=lambda _origin, _authority: True,  # no page's origin is a permission here (R-PATH-9)
            )
            self._roll(endpoint, roll)

    def _roll(self, endpoint: Endpoint, roll: CertificateRoll) -> None:
        """Move to the next certificate when it is time, and come back for the one after."""
        wall = self._world.clock.wall()
        if roll.advance(wall):
            endpoint.set_certificate(roll.current)
            self.reachability.moved()
        asyncio.get_running_loop().call_later(roll.pause(wall), self._roll, endpoint, roll)

    async def _open_port(self, endpoint: Endpoint, whereabouts: Whereabouts) -> None:
        """Ask the router for a port, and tell the local network about us, where that is wanted."""
        announcer, mapper = self._parts.announcer, self._parts.mapper
        port = endpoint.local_address[1]
        try:
            if announcer is not None:
                await announcer.start(self.identity.device_id, platform.node(), port, whereabouts.local())
            while mapper is not None:
                mapping = await mapper.map(port)
                if mapping is None:
                    self._tell(mapper.reason)
                    break
                whereabouts.mapped = (mapping.ip, mapping.port)
                self._moved()
                await asyncio.sleep(mapping.renew_after)
            await asyncio.Event().wait()
        finally:
            if announcer is not None:
                await announcer.close()

    def _network_changed(self, endpoint: Endpoint) -> None:
        endpoint.network_changed()
        assert self._relays is not None
        self._relays.again()
        self._moved()

    def _moved(self) -> None:
        self.reachability.moved()
        self.subscribers.settle(self._world.clock.monotonic())
        self._after()

    # time

    def _after(self) -> None:
        self._alarm.reset()

    def _machines(self) -> list[Any]:
        relays = self._relays.registrations if self._relays is not None else []
        pictures = [self._pictures] if self._pictures is not None else []
        return [*relays, self.subscribers, self.publisher, self.reachability, self.lock_watch, *pictures]

    def next_timeout(self) -> float | None:
        """When a link, a session or whatever else waits wants to be called."""
        return min((at for m in self._machines() if (at := m.next_timeout()) is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        for machine in self._machines():
            self._world.faults.run(machine.handle_timer, now)

    def _give_up(self, text: str) -> None:
        """Too much has failed: end, from whichever thread. Sessions are ended by `run`."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._end_with, text)

    def _end_with(self, text: str) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(text)

    def _display_lost(self, text: str) -> None:
        self.subscribers.end_all(CloseCode.DISPLAY_LOST, self._world.clock.monotonic())
        self._end_with(text)

    # what people and scripts are told

    def _codes_replaced(self, why: str) -> None:
        self._tell("the code was replaced")
        self._tell(f"  why     {why}")
        self._announce()

    def _announce(self) -> None:
        if self._paths():
            ready = self.ready()
            self._write_ready(ready)
            code = ready["code"]
            self._tell(f"desktop {ready['device_id']}")
            shown = code if self._settings.code else device_id.show_code(code)
            self._tell(f"  code    {shown or '(used; restart for another)'}")
            if ready.get("view_code"):
                self._tell(f"  view    {ready['view_code']} (viewing only)")
            if ready["url"]:
                self._tell(f"  browser {ready['url']}")
            self._tell(f"  window  avl view '{ready['target']}'")

    def _write_ready(self, ready: dict[str, Any]) -> None:
        """Scripts read this file and people read the output, so a failure to write it stops scripts alone."""
        try:
            write_ready(self._settings.ready_file, ready)
        except StateError as error:
            self._tell(f"{error}: scripts that wait for it are not told")

    def _paths(self) -> list[RelayAddress]:
        """Where we can be found now: at relays, the quickest first, or at our own address."""
        found = self._relays.names() if self._relays is not None else []
        if found or self._address is None:
            return found
        host, port = self._address
        if host in ("", "0.0.0.0", "::"):
            local = self._world.interfaces.addresses()
            host = local[0].ip if local else "127.0.0.1"
        return [RelayAddress(host, port)]

    def _codes(self) -> tuple[str | None, str | None]:
        """Codes as valid now, in the spelling in which they were given."""
        code, view_code = self.admission.codes
        return (self._settings.code or code) if code else None, (
            self._settings.view_code or view_code
        ) if view_code else None

    def ready(self) -> dict[str, Any]:
        """The ready file's content."""
        paths = self._paths()
        target = str(Target(paths[0], self.identity.number, tuple(paths[1:])))
        code, view_code = self._codes()
        base = self._relays.page() if self._relays is not None else ""
        page = f"{base}#d={self.identity.device_id}" if base else ""
        ready = {
            "device_id": self.identity.device_id,
            "code": code or "",
            "target": target,
            "url": page + "&c=" + quote(code, safe="") if code and page else page,
        }
        if view_code is not None:
            ready |= {"view_code": view_code, "view_url": page + "&c=" + quote(view_code, safe="") if page else ""}
        return ready
