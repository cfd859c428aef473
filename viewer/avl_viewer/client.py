"""DesktopClient: one desktop on an event loop, from dialling to decoded pictures; what API, CLI and window stand on.

It keeps the session: while this program runs it goes on over whatever path there is, and when the host has lost it,
another takes its place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from avl_protocol.endpoint.dial.dialler import Dialler, open_endpoint
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.alarm import Alarm
from avl_protocol.endpoint.loop.faults import told
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.headwatch import HeadWatch
from avl_protocol.endpoint.program.state import StateError
from avl_protocol.media.track import Track, desktops, sound_of
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.session.media.receiver import ReceivedFrame
from avl_protocol.session.pipes import Attachment, SessionPipes
from avl_protocol.session.services import Services
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewerevents import (
    Admitted,
    Adrift,
    Frames,
    InputDropped,
    LaneOpened,
    Moved,
    Received,
    RightsTold,
    Settled,
    Sounds,
    Stale,
    Stuck,
    Unmoved,
    ViewerEvent,
    Waiting,
)
from avl_protocol.session.viewing import ViewerSettings, ViewerState
from avl_protocol.wire.endtoend import Candidates, Grant
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.messages import HopMessage, HopRate, OperatorSays, Recover, Subscribe
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import (
    CLOSE_CODES,
    MAX_OPERATOR_TEXT,
    RETRYABLE,
    T_KEEPALIVE,
    CloseCode,
    ControlAct,
    Permission,
)
from avl_viewer.assembly import assemble
from avl_viewer.config import ClientSettings
from avl_viewer.decode.decoder import DECODES
from avl_viewer.decode.picturebook import PictureBook
from avl_viewer.decode.pipeline import MakeDecoder, PicturePipelines, Wishes
from avl_viewer.figures.report import ExactShare
from avl_viewer.paths.paths import Paths, PathsEvent, PathsFailed, PathsMessage, PathsReady
from avl_viewer.paths.sentences import status_of
from avl_viewer.present.presenter import Presenter, Status
from avl_viewer.sound.microphone import MicrophoneThread, SoundInput, open_input
from avl_viewer.sound.playback import Block
from avl_viewer.sound.player import LoopPlayer, SoundFigures, SoundPlayer
from avl_viewer.way import NoWay

#: Seconds that acknowledgements may wait: hardly longer than a report of what arrived (rate/collector.py), so that one
#: packet carries both; a relay of many viewers spends much of its time on these.
ACK_DELAY = 0.0125
#: Seconds between attempts after a loss: doubling from the first to the last.
FIRST_RETRY, LAST_RETRY = 0.25, 5.0
#: How a session ends that stood on a permission which was taken back.
TAKEN_BACK = frozenset((CloseCode.REVOKED, CloseCode.GRANT_REFUSED))
#: Seconds between two words about having no path.
TELL = 1.0


class DesktopClient:
    """A running session. All methods belong to the event loop's thread."""

    def __init__(self, world: World, settings: ClientSettings, presenter: Presenter, make_decoder: MakeDecoder) -> None:
        self._world = world
        self._settings = settings
        self._presenter = presenter
        self._loop = asyncio.get_running_loop()
        self._now = world.clock.monotonic
        self._alarm = Alarm(machine=self, loop=self._loop, now=self._now, faults=world.faults)
        self._unwatch: Callable[[], None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._endpoint: Endpoint | None = None
        self._paths: Paths | None = None
        self._session: ViewerSession | None = None
        #: The session that services were told of as admitted, and not yet as ended.
        self._served: ViewerSession | None = None
        self._session_id = b""
        self._outcome: asyncio.Future[None] | None = None
        self._lost: asyncio.Future[Refused] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closing = self._gave_up = self._ran = self._awake = False
        self._watched = settings.pictures
        self._said = ""
        #: Tracks that are not wanted, as the path in use has been told.
        self._unwanted: set[int] = set()
        self._pictures = PicturePipelines(
            presenter=presenter,
            make_decoder=make_decoder,
            loop=self._loop,
            wishes=Wishes(undecodable=self._recover, left_out=self._left_out, damaged=self._damaged),
            presented=self._presented,
            film=self._film,
            now=self._now,
        )
        #: Who takes the sound; None: it is not wanted.
        self._player: SoundPlayer | None = None
        #: What is said here, while the microphone is on, and what opens it.
        self._microphone: MicrophoneThread | None = None
        self._open_input: Callable[[], SoundInput] = open_input
        #: Whether every pixel of the first desktop is exact, and since when one thing or the other.
        self._exact = (False, self._now())
        self.permissions = Permission(0)
        self.services: Services[ViewerSession] = Services()
        #: What people and programs do with the session, each feature in its own service.
        self.features = assemble(
            self.services,
            presenter=presenter,
            book=self.book,
            tickets=settings.tickets,
            seek=self._seek,
            clock=self._now,
            sound_figures=lambda: self.sound_figures,
            speaks=self._speaks,
            arranged=self._arranged,
            entropy=world.entropy,
            workshop=world.open_workshop(),
            start=self._start,
            changed=self._happened,
        )
        self.features.monitors.prefer(settings.monitors)
        self._tasks: set[asyncio.Task[None]] = set()
        self._heads = None if settings.heads is None else HeadWatch(settings.heads, self._warn)
        self.ended: asyncio.Future[Refused] = self._loop.create_future()
        self.ended.add_done_callback(self._files_end)

    def _files_end(self, ended: asyncio.Future[Refused]) -> None:
        """No session follows in which files could go on."""
        if not ended.cancelled():
            self.features.files.give_up(ended.result())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what takes time in the background."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._world.faults.task_done)

    def _warn(self, text: str) -> None:
        """Something that a person has to know, and a program may not overlook."""
        logging.getLogger("avl").warning(text)
        self._presenter.remark(text)

    @property
    def book(self) -> PictureBook:
        """Figures of the desktop's pictures so far."""
        return self._pictures.book

    @property
    def books(self) -> dict[int, PictureBook]:
        """Figures of every track's pictures."""
        return self._pictures.books

    @property
    def tracks(self) -> tuple[Track, ...]:
        """What the host publishes; empty before we are in."""
        return self._session.tracks if self._session is not None else ()

    @property
    def session(self) -> ViewerSession | None:
        """The session there is now: another after one that was lost, None while there is none."""
        return self._session

    @property
    def paths(self) -> Paths | None:
        """The ways to the host, of the last attempt; None before the first."""
        return self._paths

    # connecting

    async def connect(self) -> None:
        """Come in, or raise Refused. Afterwards the session is kept in the background, whatever happens to its
        paths."""
        self._presenter.status(Status("connecting", "Connecting…"))
        # The loop may belong to a program of which we are a part: other errors on it are not ours.
        faults, tell = self._world.faults, logging.getLogger("avl").warning
        self._unwatch = faults.watch(tell, self._give_up, self._now, whole_loop=False)
        self._endpoint = await open_endpoint(self._world, ConnectionOptions(ack_delay=ACK_DELAY, keepalive=T_KEEPALIVE))
        try:
            await self._attempt()
        except Refused as refused:
            await self._end(refused)
            raise
        self._keeper = self._loop.create_task(self._keep())
        self._keeper.add_done_callback(self._kept)

    def _kept(self, keeper: asyncio.Future[None]) -> None:
        """Nobody keeps the session any more: where that was an error, it ends."""
        self._world.faults.task_done(keeper)
        if not keeper.cancelled() and (error := keeper.exception()) is not None:
            self._give_up(told(error))

    def _give_up(self, text: str) -> None:
        """Too much has failed here, on whichever thread: end with a sentence."""
        self._loop.call_soon_threadsafe(self._end_with, Refused(CloseCode.INTERNAL, f"An error in this viewer: {text}"))

    def _end_with(self, reason: Refused) -> None:
        self._ending = self._loop.create_task(self._end(reason))

    async def _attempt(self) -> None:
        """Begin a session, with the ticket of the last one where there is one."""
        assert self._endpoint is not None
        self._outcome = self._loop.create_future()
        self._lost = self._loop.create_future()
        self._session_id = self._world.entropy(16)
        self._session = None
        if self._paths is not None:
            self._paths.close()
        settings = self._settings
        self._paths = paths = Paths(
            world=self._world,
            endpoint=self._endpoint,
            target=settings.target,
            session_id=self._session_id,
            after=self._happened,
            direct=settings.direct,
            dialler=Dialler(self._world, self._endpoint, udp=settings.udp),
            access_pass=settings.access_pass,
            heads=self._heads,
        )
        try:
            async with asyncio.timeout(settings.timeout) as limit:
                self._limit = limit
                guard(paths).open()
                self._happened()
                await self._outcome
        except TimeoutError:
            paths.close()
            raise Refused(CloseCode.TIMEOUT, "The host did not answer in time.") from None

    async def _keep(self) -> None:
        """Wait for the end of the session and begin another where that helps, until that is refused."""
        while True:
            assert self._lost is not None
            reason = await self._lost
            pause = FIRST_RETRY
            since = self._now()
            anew = reason.code in TAKEN_BACK and await self._opened_anew(reason)
            while True:
                over = self._gave_up or self._now() - since > self._settings.patience
                if self._closing or over or not (anew or reason.code in RETRYABLE):
                    await self._end(reason)
                    return
                if not anew:
                    self._presenter.status(Status("lost", f"{reason} Connecting again…"))
                    await asyncio.sleep(pause)
                    pause = min(LAST_RETRY, pause * 2)
                anew = False
                try:
                    await self._attempt()
                    break
                except Refused as refused:
                    reason = refused

    async def _opened_anew(self, reason: Refused) -> bool:
        """Whether something opens the desktop now, where what opened it was taken back: a smaller permission, say."""
        if self._settings.again is None or self._closing:
            return False
        self._presenter.status(Status("lost", f"{reason} Asking what is permitted now…"))
        try:
            async with asyncio.timeout(self._settings.timeout):
                way = await self._settings.again(self._world)
        except (NoWay, Refused, StateError, OSError, TimeoutError):
            return False
        self._settings.tickets.forget()
        self._settings = replace(self._settings, chain=way.chain, access_pass=way.access_pass)
        return True

    async def close(self) -> None:
        """Leave."""
        self._closing = True
        if self._session is not None:
            self._session.end(self._now())
            self._apply(self._now())
            self._settings.tickets.forget()
        if self._keeper is not None and self._keeper is not asyncio.current_task():
            self._keeper.cancel()
        await self._end(Refused(CloseCode.ENDED))

    async def _end(self, reason: Refused) -> None:
        if self.ended.done():
            return
        self.ended.set_result(reason)
        if self._unwatch is not None:
            self._unwatch()
        self._alarm.stop()
        self._services_part(reason, self._now())
        if reason.code not in RETRYABLE:
            self._settings.tickets.forget()
        if self._paths is not None:
            self._paths.close()
        if self._endpoint is not None:
            await self._endpoint.close(CloseCode.NO_ERROR)
        self._pictures.close()
        if self._player is not None:
            self._player.close()
        # A session that ran and was ended in peace is no failure of who watched it; one that never began is.
        peace = self._ran or self._closing
        status = CLOSE_CODES[reason.code][1] if peace else reason.exit_status
        self._presenter.status(Status("ended", str(reason), status))

    # time

    def _happened(self) -> None:
        """Something arrived or was sent: apply what follows, and do the rest when all of it has arrived."""
        if not self.ended.done():
            self._apply(self._now())
            self._wake()

    def _apply(self, now: float) -> None:
        """Do what follows from what session and paths tell, until neither has more to say."""
        while True:
            if self._session is not None and (told := self._session.next_event()) is not None:
                self.session_event(told, now)
            elif self._paths is not None and (event := self._paths.next_event()) is not None:
                self.paths_event(event, now)
            else:
                return

    def _wake(self) -> None:
        """Look at paths and timers once in the loop's next turn, however much happens in this one."""
        if not self._awake:
            self._awake = True
            self._loop.call_soon(self._world.faults.run, self._settle)

    def _settle(self) -> None:
        self._awake = False
        if self.ended.done():
            return  # an alarm that is set again would keep all of this for ever
        now = self._now()
        if self._paths is not None and not self._closing:
            self._paths.happened(now)
            self._apply(now)
        self._alarm.reset()

    def next_timeout(self) -> float | None:
        """When paths or session want to be called."""
        machines = (self._paths, self._session, self.services)
        due = [machine.next_timeout() for machine in machines if machine is not None]
        if self._session is not None and self._paths is not None and self._paths.nowhere_since is not None:
            due.append(self._now() + TELL)
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        for machine in (self._paths, self._session, *self.services):
            if machine is not None:
                machine.handle_timer(now)
                self._apply(now)
        since = self._paths.nowhere_since if self._paths is not None else None
        if since is not None and self._session is not None and self._session.state is ViewerState.ADMITTED:
            if now - since > self._settings.patience:
                self._gave_up = True
                self._over(Refused(CloseCode.SESSION_LOST), now)
            else:
                self._say_status(now)

    # what the paths tell

    def paths_event(self, event: PathsEvent, now: float) -> None:
        """Do what follows from what the paths tell."""
        if isinstance(event, PathsReady):
            self._begin(event.attachment, now)
        elif isinstance(event, PathsFailed):
            self._paths_failed(event.reason, now)
        elif isinstance(event, PathsMessage):
            self._paths_message(event.message)
        else:
            self._paths_changed(now)

    def _begin(self, attachment: Attachment, now: float) -> None:
        """There is a place for the session: begin."""
        assert self._paths is not None
        settings = self._settings
        self._session = self._paths.session = ViewerSession(
            ViewerSettings(
                identity=settings.identity,
                device=settings.target.device,
                session_id=self._session_id,
                code=settings.code,
                name=settings.name,
                permissions=settings.permissions,
                decodes=DECODES if self._watched else None,
                ticket=settings.tickets.take(),
                chain=settings.chain,
            ),
            SessionPipes(attachment),
            entropy=self._world.entropy,
            wall=int(self._world.clock.wall()),
            now=now,
        )
        self._session.decode_queue = lambda: self._pictures.depth
        guard(self._session).start()

    def _paths_failed(self, reason: Refused, now: float) -> None:
        """No place could be had, or the host knows the session no more."""
        if reason.code is CloseCode.TIMEOUT and self._session is None:
            reason = Refused(CloseCode.TIMEOUT, f"The relay can't be reached: {reason}")
        self._over(reason, now)

    def _paths_message(self, message: HopMessage) -> None:
        """How the relay's hop is doing, or what who runs it says."""
        if isinstance(message, HopRate):
            self.features.statistics.hop_rate(message)
        elif isinstance(message, OperatorSays) and (text := for_dialog(message.text, MAX_OPERATOR_TEXT)):
            self._presenter.remark(f"The relay's operator says: {text}")

    def _paths_changed(self, now: float) -> None:
        """Another path is in use, or there is one again."""
        self.features.statistics.hops_changed()
        self._say_status(now)

    def _over(self, reason: Refused, now: float) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.lost(reason, now)
            while (told := session.next_event()) is not None:
                self.session_event(told, now)
            self._services_part(reason, now)
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_exception(reason)
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(reason)
        if self._paths is not None:
            self._paths.close()

    def _services_part(self, reason: Refused, now: float) -> None:
        """The session that the services use is over."""
        served, self._served = self._served, None
        if served is not None:
            self.services.ended(served, reason, now)

    def _say_status(self, now: float) -> None:
        """What a person should know now."""
        session, paths = self._session, self._paths
        if session is None or paths is None or session.state is not ViewerState.ADMITTED:
            return
        status = status_of(paths.nowhere(now), session.stale, self._settings.patience)
        if status.text != self._said:
            self._said = status.text
            self._presenter.status(status)

    # what the session tells

    def session_event(self, event: ViewerEvent, now: float) -> None:
        """Do what follows from what the session tells."""
        session, paths = self._session, self._paths
        if isinstance(event, InputDropped):
            self.features.input.dropped(event.dropped)
        elif session is None or paths is None:
            return
        elif isinstance(event, Frames):
            self._pictures.take(event.frames, session.clock)
            self._look_at_exact(now, any(isinstance(one, ReceivedFrame) for one in event.frames))
        elif isinstance(event, Sounds):
            self._sounds(event, session, now)
        elif isinstance(event, Received):
            self.services.receive(session, event.message, now, event.channel)
        elif isinstance(event, LaneOpened):
            self.services.opened(session, event.lane, now)
        elif isinstance(event, Settled):
            self._look_at_exact(now)
        elif isinstance(event, RightsTold):
            self.permissions = session.permissions
            self.features.rights.told(event.rights, now)
            self.services.allowed(session, now)
        elif isinstance(event, Stuck):
            self._recover(event.track, event.number)
        elif isinstance(event, Stale):
            self._say_status(now)
        elif isinstance(event, Moved):
            paths.moved(event.attachment, now)
            self._repeat_wishes()
            self.services.moved(session, now)
        elif isinstance(event, Unmoved):
            paths.unmoved(event.attachment, now)
        elif isinstance(event, Adrift):
            paths.adrift(now)
        elif isinstance(event, Waiting):
            self._asked(event.seconds)
        elif isinstance(event, Admitted):
            self._admitted(session, event.grant, now)
        else:
            self._over(event.reason, now)

    def _asked(self, seconds: int) -> None:
        """A person is asked: that may take longer than an attempt."""
        self._limit.reschedule(self._loop.time() + seconds + self._settings.timeout)
        self._presenter.status(Status("waiting", "The person at the host is being asked…"))

    def _admitted(self, session: ViewerSession, grant: Grant, now: float) -> None:
        """We are in."""
        self._ran = True
        self.permissions = Permission(grant.permissions & sum(Permission))
        self._pictures.begin(session.tracks)
        if self._player is not None:
            self._player.begin()
        elif (sound := sound_of(session.tracks)) is not None:
            self._unwanted.add(sound.id)
        assert self._paths is not None
        self._paths.admitted(now)
        self._repeat_wishes()
        self._served = session
        self.services.admitted(session, now)
        self._said = ""
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(None)
        self._presenter.status(Status("running"))

    # sound

    def listen(self, player: SoundPlayer | None) -> None:
        """Give the host's sound to a player from now on; None: to nobody, and it does not come."""
        before, self._player = self._player, player
        if before is not None:
            before.close()
        if player is not None and self._session is not None:
            player.begin()
        if (sound := sound_of(self.tracks)) is not None:
            self.subscribe(sound.id, player is not None)

    def loop_player(self, play: Callable[[Block], None]) -> LoopPlayer:
        """A player that hands each block to a program, on this loop."""
        return LoopPlayer(play, loop=self._loop, now=self._now, faults=self._world.faults)

    @property
    def sound_figures(self) -> SoundFigures | None:
        """How the sound goes; None where none is played."""
        return None if self._player is None else self._player.figures()

    def _sounds(self, event: Sounds, session: ViewerSession, now: float) -> None:
        player = self._player
        if player is None:
            return
        for one in event.sounds:
            player.put(one.sound, session.clock.from_host(one.sound.captured_us / 1e6), one.last)
        self.features.sound.came(now)

    def speak(self, on: bool, source: Callable[[], SoundInput] = open_input) -> None:
        """Turn the microphone on, or off; `source` opens it. Raises Refused where we may not speak."""
        self._open_input = source
        self.features.voice.turn(on)
        self._happened()

    def _speaks(self, on: bool) -> None:
        """The microphone is on, or no longer."""
        if self._microphone is not None:
            self._microphone.close()
            self._microphone = None
        if on:
            self._microphone = MicrophoneThread(
                self._open_input, say=self._spoken, failed=self._mute, faults=self._world.faults
            )
        self._presenter.microphone(on)

    def _spoken(self, passed: int, packet: bytes) -> None:
        """On the microphone's thread."""
        self._loop.call_soon_threadsafe(self._say, passed, packet)

    def _say(self, passed: int, packet: bytes) -> None:
        self.features.voice.say(passed, packet)
        self._happened()

    def _mute(self, why: str) -> None:
        """On the microphone's thread: there is none, or no longer."""

        def off() -> None:
            self._presenter.remark(why)
            self.speak(False)

        self._loop.call_soon_threadsafe(off)

    def _film(self, delay: float, at: float) -> None:
        """A picture of what moves was shown so long after its capture: sound is held as long (R-MEDIA-223)."""
        if (player := self._player) is not None:
            player.film(delay, at)

    def _arranged(self) -> None:
        """The host gives us other desktops of its own now."""
        if self._session is not None:
            self._exact = (False, self._now())
            self._pictures.arrange(self._session.tracks)

    def _recover(self, track: int, number: int) -> None:
        """Ask the host for a key object."""
        self._ask_hop(lambda handle: Recover(handle, track, number))

    def _ask_hop(self, question: Callable[[int], HopMessage]) -> None:
        """Send a message about the session to the hop it is on now, which knows it by a handle."""
        if self._session is not None and self._paths is not None and (path := self._paths.current) is not None:
            path.hop.send(question(self._session.attachment.handle))

    def _repeat_wishes(self) -> None:
        """A hop that has just got the session takes it for wanting every track."""
        for track in sorted(self._unwanted):
            self._ask_hop(partial(Subscribe, track=track, wish=0))

    def _seek(self, message: Candidates, now: float) -> None:
        """The host says where it might be reached."""
        if self._paths is not None:
            self._paths.candidates(message, now)

    def _left_out(self, track: int, number: int) -> None:
        if self._session is not None:
            self._session.left_out(track, number, self._now())

    def _damaged(self, track: int) -> None:
        if self._session is not None and self._session.media is not None:
            self._session.media.damaged += 1

    def _look_at_exact(self, now: float, pictures_came: bool = False) -> None:
        """Tell the presenter when the desktop became exact, or ceased to be: with the next picture."""
        session = self._session
        if session is None or session.media is None or not (shown := desktops(session.tracks)):
            return
        pictures, exact = shown[0]
        canvas = self._pictures.canvases.get(pictures.id)
        found = (
            not pictures_came
            and exact is not None
            and canvas is not None
            and session.media.settled(exact.id)
            and canvas.exact == 1.0
        )
        if found:
            session.media.rest(pictures.id)
        if found != self._exact[0]:
            self._exact = (found, now)
            self._presenter.exact(pictures.id, found)

    def _presented(self, track: int, number: int, at: float) -> None:
        if self._session is not None and not self.ended.done():
            self._session.presented(track, number, at, self._now())
            self._aim(track)
            self._wake()

    def _aim(self, track: int) -> None:
        """An object of a track is on the screen: the host is told in which size the first desktop is seen there. Input
        that a window made before has been sent by now, since both come here in order."""
        shown = desktops(self.tracks)[:1]
        if any(track in (pictures.id, exact and exact.id) for pictures, exact in shown):
            canvas = self._pictures.canvases.get(shown[0][0].id)
            if canvas is not None:
                monitor = self.features.monitors.watched.get(shown[0][0].id, 0)
                self.features.layout.shown(canvas.size, self._now(), monitor)

    # what people do

    def watch(self) -> None:
        """Pictures are wanted from now on."""
        if not self._watched:
            self._watched = True
            if self._session is not None:
                self._session.watch(DECODES)
                self._happened()

    def subscribe(self, track: int, wanted: bool) -> None:
        """Let a track of the host come, or not; all come until they are not wanted."""
        if wanted:
            self._unwanted.discard(track)
        else:
            self._unwanted.add(track)
        if self._session is not None and self._session.media is not None:
            self._session.media.want(track, wanted)
        self._ask_hop(partial(Subscribe, track=track, wish=int(wanted)))
        self._happened()

    def send_input(self, events: list[tuple[Any, ...]]) -> asyncio.Future[None]:
        """Send input; the future is done when the host has applied it, and fails when a part of it came to nothing.

        Raises Refused, of which nothing is sent.
        """
        applied = self.features.input.send(events, self._now())
        if self._endpoint is not None:
            self._endpoint.leave()
        self._happened()
        return applied

    def point(self, x: int, y: int, laser: bool = False) -> None:
        """Tell the others where our pointer is, in desktop pixels; nothing where that is not permitted."""
        self.features.pointing.point(x, y, laser, self._now())
        self._happened()

    def draw(self, points: list[tuple[int, int]], begins: bool = True) -> None:
        """Draw through these desktop pixels over the picture, as another stroke or going on with the last. Raises
        Refused."""
        self.features.annotations.draw(points, self._now(), begins=begins)
        self._happened()

    def wipe(self, everybody: bool = False) -> None:
        """Wipe away what we drew, or what all did. Raises Refused."""
        self.features.annotations.clear(everybody)
        self._happened()

    def control(self, act: ControlAct, to: int = 0) -> None:
        """Ask for control, let go of it, or give it to the person of a number. Raises Refused."""
        self.features.control.say(act, to)
        self._happened()

    def fit(self, width: int, height: int, scale: int = 100) -> None:
        """Have the desktop take the size of a window, in pixels of our screen of which `scale` hundredths make what is
        one elsewhere; 0 x 0: it need not any more. Raises Refused."""
        self.features.fit.want(width, height, scale)
        self._happened()

    def watch_monitors(self, names: tuple[str, ...]) -> None:
        """See these monitors of the host by themselves, the first of them first; without any the whole desktop. Raises
        LookupError for a name that none has."""
        self.features.monitors.choose(names)
        self._happened()

    def stats(self) -> dict[str, Any]:
        """How the session is doing now."""
        media = self._session.media if self._session is not None else None
        now = self._now()
        canvas = next(iter(self._pictures.canvases.values()), None)
        share = canvas.exact if canvas is not None else 0.0
        sound = self.sound_figures
        exact = ExactShare(share, now - self._exact[1] if self._exact[0] else None)
        return {
            **self.features.statistics.report(self._paths, media, self._pictures.depth, exact, now),
            "audio": None if sound is None else sound.report(),
        }
