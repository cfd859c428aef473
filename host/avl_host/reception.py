"""Reception: the viewers of this host, from their coming in to their leaving, whichever way they come (spec 04-session,
4.4 to 4.6; 08-paths, 8.5)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from avl_host.entrances import Entrance
from avl_host.limits import PromptLimit
from avl_host.outlets import Outlet
from avl_host.pictures import PicturePlan
from avl_host.sharing import Sharing
from avl_host.visit import PLACES, Place, Visit
from avl_protocol.crypto.identity import Identity, device_number
from avl_protocol.endpoint.world import World
from avl_protocol.session.deadlines import Deadlines
from avl_protocol.session.handshakelimits import HandshakeLimits
from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import (
    Admitted,
    Asks,
    ChannelOpened,
    Detached,
    Door,
    Ended,
    Event,
    HostState,
    Input,
    Message,
    Moved,
    Returns,
)
from avl_protocol.session.pipes import Route, SessionPipes
from avl_protocol.session.services import Services
from avl_protocol.wire import device_id
from avl_protocol.wire.endtoend import Batch, Grant, MediaKeys
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import T_KEY_SPACING, CloseCode, Permission

#: Handshakes under way at a time.
UNADMITTED = 256
#: The one host whose handshakes are counted here.
HERE = "here"
#: Seconds between two renewals of the keys because of viewers that were lost. One that comes and goes all the time does
#: not keep the others busy, nor make them forget the generation in use: a viewer holds three, and the next key object
#: follows within T_KEY_SPACING.
RENEWAL_SPACING = T_KEY_SPACING / 2
#: Told a person: who asks (device ID), the name they give themselves, and what for.
Ask = Callable[[str, str, Permission], Awaitable[bool | None]]


class Reception:
    """The owner of all sessions, and the Audience of the services. `keep`: seconds for which a session that was lost is
    kept; `after`: called after what took time, so that timers are looked at again.

    Whatever calls a session goes through `_call`; what the session then has to say is handled in `_settle`.
    """

    def __init__(
        self, world: World, *, identity: Identity, name: str, door: Door, sharing: Sharing, keep: float,
        ask: Ask | None, tell: Callable[[str], None], after: Callable[[], None],
    ) -> None:  # fmt: skip
        self._world = world
        self._identity = identity
        self._name = name
        self._door = door
        self._sharing = sharing
        self._keep = keep
        self._ask = ask
        self._tell = tell
        self._after = after
        #: What is done for sessions; the file that assembles the host fills it.
        self.services: Services[HostSession] = Services()
        self._visits: dict[bytes, Visit] = {}
        #: Where each session can be reached, by entrance and handle.
        self._places: dict[tuple[Entrance, int], tuple[Visit, Place]] = {}
        self._deadlines: Deadlines[Visit] = Deadlines()
        #: Those whose events are still to be handled.
        self._speaking: deque[Visit] = deque()
        self._settling = False
        self._pictures = PicturePlan(sharing)
        #: When those who remain are given keys that somebody who was lost has not, and when that was done last.
        self._renew_at: float | None = None
        self._renewed = float("-inf")
        self._last_number = 0
        self._limits = HandshakeLimits()
        self._prompts = PromptLimit()
        self._tasks: set[asyncio.Task[None]] = set()

    # where viewers come in

    def incoming(
        self, entrance: Entrance, handle: int, session_id: bytes, source: bytes, moves: bool, now: float,
        near: bool = False,
    ) -> None:  # fmt: skip
        """Somebody asks for this host at an entrance, or brings a running session there.

        `near`: a relay sees it at our own address.
        """
        if moves:
            self._moving(entrance, handle, session_id, near, now)
            return
        if session_id in self._visits or not self._limits.take(HERE, source, now) or not self._make_room(now):
            entrance.reject(handle, CloseCode.LIMIT, now)
            return
        route = Route(entrance.hop, handle, direct=entrance.direct, begun=True, near=near)
        session = guard(
            HostSession(
                identity=self._identity,
                session_id=session_id,
                pipes=SessionPipes(route),
                door=self._door,
                entropy=self._world.entropy,
                wall=int(self._world.clock.wall()),
                now=now,
                keep=self._keep,
            )
        )
        visit = Visit(session, source)
        self._visits[session_id] = visit
        self._reach(visit, Place(entrance, handle, route))
        self._settle(visit, now)
        entrance.accept(handle, session_id)

    def _make_room(self, now: float) -> bool:
        """Whether there is room for one more handshake, at the expense of another if need be.

        Who waits for a person has shown a code, and keeps its place.
        """
        shaking = [
            (visit.source or b"", visit)
            for visit in self._visits.values()
            if visit.session.state is HostState.HANDSHAKE
        ]
        if len(shaking) < UNADMITTED:
            return True
        crowded_out = self._limits.crowded_out(HERE, shaking)
        if crowded_out is not None:
            self._call(crowded_out, now, crowded_out.session.end, CloseCode.LIMIT, now)
        return crowded_out is not None

    def _moving(self, entrance: Entrance, handle: int, session_id: bytes, near: bool, now: float) -> None:
        visit = self._visits.get(session_id)
        if visit is None or visit.session.state is not HostState.ADMITTED:
            entrance.reject(handle, CloseCode.SESSION_UNKNOWN, now)
            return
        self._reach(visit, Place(entrance, handle, Route(entrance.hop, handle, direct=entrance.direct, near=near)))
        if len(visit.places) > PLACES:
            idle = next(place for place in visit.places if place not in (visit.here, visit.media))
            self._forget(visit, idle)
            idle.entrance.evict(idle.handle, CloseCode.NO_ERROR, now)
        entrance.accept(handle, session_id)

    @property
    def waiting(self) -> bool:
        """Whether a viewer may be looking for its way back."""
        return any(visit.session.detached for visit in self._visits.values())

    def _reach(self, visit: Visit, place: Place) -> None:
        visit.places.append(place)
        self._places[place.entrance, place.handle] = visit, place

    def _forget(self, visit: Visit, place: Place) -> None:
        if place in visit.places:
            visit.places.remove(place)
        if self._places.get((place.entrance, place.handle)) == (visit, place):
            del self._places[place.entrance, place.handle]

    def left(self, entrance: Entrance, handle: int, now: float) -> None:
        """A relay, or the viewer, says that a session is over there."""
        if (found := self._places.get((entrance, handle))) is not None:
            visit, place = found
            if visit.session.state is HostState.ADMITTED and place is not visit.here:
                self._forget(visit, place)
                self._pictures.follow(visit, self._visits.values(), now)
            self._call(visit, now, visit.session.left, place.route, now)

    def entrance_lost(self, entrance: Entrance, now: float) -> None:
        """An entrance is gone, with every place there."""
        for visit in list(self._visits.values()):
            for place in [place for place in visit.places if place.entrance is entrance]:
                self._call(visit, now, visit.session.route_lost, place.route, now)
                if visit.session.session_id in self._visits:
                    self._forget(visit, place)
                    self._pictures.follow(visit, self._visits.values(), now)
        self._sharing.close(entrance.outlet)

    def channel_opened(self, entrance: Entrance, handle: int, channel: int, stream: int, now: float) -> None:
        """A viewer opened a stream for a session's channel."""
        if (found := self._places.get((entrance, handle))) is not None:
            visit, place = found
            self._call(visit, now, visit.session.channel_opened, place.route, channel, stream, now)
        else:
            entrance.hop.carrier.reset_stream(stream, CloseCode.FORBIDDEN)

    def channel_received(
        self, entrance: Entrance, handle: int, channel: int, stream: int, data: bytes, end: bool, now: float
    ) -> None:
        """Bytes of a session's channel."""
        if (found := self._places.get((entrance, handle))) is not None:
            visit, place = found
            self._call(visit, now, visit.session.channel_received, place.route, channel, stream, data, end, now)
        else:
            entrance.hop.carrier.reset_stream(stream, CloseCode.FORBIDDEN)

    def channel_reset(self, entrance: Entrance, handle: int, channel: int, stream: int, code: int, now: float) -> None:
        """A session's channel was abandoned."""
        if (found := self._places.get((entrance, handle))) is not None:
            visit, place = found
            self._call(visit, now, visit.session.channel_reset, place.route, channel, stream, code, now)

    def _call(self, visit: Visit, now: float, call: Callable[..., object], *arguments: object) -> None:
        """Call something of one session, and handle what follows."""
        self._world.faults.run(call, *arguments, broken=partial(self._break, visit, now))
        self._settle(visit, now)

    def settle(self, now: float) -> None:
        """Handle what sessions have to say whom somebody else has called."""
        for visit in list(self._visits.values()):
            self._settle(visit, now)

    def _settle(self, visit: Visit, now: float) -> None:
        """Handle a session's events, and note when it wants to be called. What these make other sessions say comes
        after them, so that no handler is entered from another.

        An error that nobody foresaw ends this session, and no other.
        """
        self._speaking.append(visit)
        if self._settling:
            return
        self._settling = True
        try:
            while self._speaking:
                visit = self._speaking.popleft()
                while (event := visit.session.next_event()) is not None:
                    broken = partial(self._break, visit, now)
                    self._world.faults.run(self._handle, visit, event, now, broken=broken)
                self._deadlines.set(visit, visit.session.next_timeout())
        finally:
            self._settling = False
            self._speaking.clear()

    def _break(self, visit: Visit, now: float) -> None:
        session = visit.session
        try:
            session.end(CloseCode.HOST_FAILED, now)
        finally:
            if not any(isinstance(event, Ended) for event in session.events):
                session.state = HostState.ENDED
                self._cut(visit, CloseCode.HOST_FAILED, now)

    def _cut(self, visit: Visit, code: CloseCode, now: float) -> bool:
        """Cut a session off wherever it could come in; whether that was still to be done."""
        if self._visits.pop(visit.session.session_id, None) is None:
            return False
        places = list(visit.places)
        self._pictures.leave(visit)
        for place in places:
            self._forget(visit, place)
            place.entrance.evict(place.handle, code, now)
        return True

    # Audience

    def everybody(self, call: Callable[[HostSession], object], outlet: Outlet | None = None) -> None:
        """See Audience."""
        for visit in self.visits():
            if outlet is None or (visit.media is not None and visit.media.entrance.outlet is outlet):
                self._call(visit, self._world.clock.monotonic(), call, visit.session)

    def end(self, session: HostSession, code: CloseCode, now: float) -> None:
        """See Audience."""
        if (visit := self._visits.get(session.session_id)) is not None:
            self._call(visit, now, session.end, code, now)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """See Audience."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._world.faults.task_done)
        task.add_done_callback(lambda _: self._after())

    async def settled(self) -> None:
        """Wait until nothing is done in the background."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def changed(self) -> None:
        """See Audience."""
        self._after()

    # sessions

    def _handle(self, visit: Visit, event: Event, now: float) -> None:
        """What a session has to say. An error that is the viewer's ends its session."""
        try:
            self._answer(visit, event, now)
        except (RemoteProtocolError, Refused) as error:
            visit.session.end(error.code, now)

    def _answer(self, visit: Visit, event: Event, now: float) -> None:
        session = visit.session
        match event:
            case Asks(name, wish) if self._ask is not None:
                self._ask_person(visit, self._ask, name, wish, now)
            case Asks() | Returns():
                self._admit(visit, now)
            case Admitted():
                self._admitted(visit, now)
            case Input():
                if event.events:
                    self.services.receive(session, Batch(0, round(now * 1e6), event.events), now)
                session.applied(event, now)
            case Message(message):
                if session.session_id in self._visits:
                    self.services.receive(session, message, now)
            case ChannelOpened(channel):
                self.services.opened(session, channel, now)
            case Moved():
                self._moved(visit, now)
            case Detached():
                self._detached(visit, now)
            case Ended(code):
                self._ended(visit, code, now)

    def _ask_person(self, visit: Visit, ask: Ask, name: str, wish: Permission, now: float) -> None:
        """Ask the person at the host, unless who wants to know is gone by now."""
        if not visit.session.admissible:
            return
        if not self._prompts.take(now):
            raise Refused(CloseCode.LIMIT)
        self.start(self._consent(visit, ask, name, wish))
        visit.session.asked(now)

    async def _consent(self, visit: Visit, ask: Ask, name: str, wish: Permission) -> None:
        answer = await ask(device_id.to_text(device_number(visit.session.viewer)), name, wish)
        now = self._world.clock.monotonic()
        if answer:
            self._call(visit, now, self._admit, visit, now)
        else:
            self._call(visit, now, visit.session.denied, answer is not None, now)

    def _admit(self, visit: Visit, now: float) -> None:
        """Let it in, unless it is gone by now."""
        if visit.session.admissible:
            visit.session.admit(self._grant(visit, now), now)

    def _grant(self, visit: Visit, now: float) -> Grant:
        """Permissions, keys and clock."""
        session = visit.session
        sharing = self._sharing
        visit.since_objects = sharing.next_objects
        key = sharing.join_key().to_bytes()
        return Grant(
            int(session.permissions), sharing.media_session, sharing.signer, sharing.endorsement, (key,),
            round(now * 1e6), self._name, tuple(track.row for track in sharing.tracks),
        )  # fmt: skip

    def _admitted(self, visit: Visit, now: float) -> None:
        """Open its channels where it came in and tell it what the desktop looks like."""
        session = visit.session
        self._limits.admitted(HERE, visit.source or b"", now)
        visit.source = None
        self._last_number += 1
        visit.number, visit.since = self._last_number, now
        for place in visit.places:
            place.entrance.admit(place.handle, session.channels(), {})
        session.beacon_objects = self._sharing.beacon_objects
        self.services.admitted(session, now)
        self._tell(f"viewer {_name(session)} is in ({_sentence(session.permissions)})")

    def _moved(self, visit: Visit, now: float) -> None:
        """It has come to another place: pictures follow, and it learns what it has missed."""
        session = visit.session
        visit.lost = False
        here = visit.here
        if here is not None:
            here.entrance.admit(here.handle, session.channels(), visit.since_objects if visit.media is here else {})
        self.services.moved(session, now)
        self._pictures.follow(visit, self._visits.values(), now)

    def _detached(self, visit: Visit, now: float) -> None:
        """There is no way to it now."""
        session = visit.session
        visit.lost = True
        self._pictures.follow(visit, self._visits.values(), now)
        self._renew_at = max(now, self._renewed + RENEWAL_SPACING)  # once for all that are lost together
        self.services.lost(session, now)
        self._tell(f"viewer {_name(session)} was lost; its session is kept")

    def watches(self, session: HostSession, chroma: tuple[int, ...], now: float) -> None:
        """A session wants pictures of these chroma samplings from now on."""
        visit = self._visits[session.session_id]
        visit.chroma = chroma
        self._sharing.set_viewer(session, chroma)
        self._pictures.follow(visit, self._visits.values(), now)

    def _ended(self, visit: Visit, code: CloseCode, now: float) -> None:
        """Cut it wherever it could come in, and give the others keys that it has not."""
        session = visit.session
        if not self._cut(visit, code, now):
            return
        self._sharing.set_viewer(session, None)
        if visit.source is not None:
            return
        self.services.ended(session, Refused(code), now)
        if not visit.lost:
            self._renew_keys(now)
        self._tell(f"viewer {_name(session)} has left")

    def _renew_keys(self, now: float) -> None:
        """Give those who are here keys that nobody else has (spec 06-security, 6.4)."""
        self._renew_at, self._renewed = None, now
        key = self._sharing.renew_keys().to_bytes()
        self.everybody(lambda session: session.send(MediaKeys((key,))))

    def visits(self) -> list[Visit]:
        """The sessions that were admitted, those that are lost for the moment included, the oldest first."""
        return [visit for visit in self._visits.values() if visit.session.state is HostState.ADMITTED]

    # time and end

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        due = [
            self._deadlines.next_timeout(),
            self._pictures.next_timeout(),
            self._renew_at,
            self.services.next_timeout(),
        ]
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        faults = self._world.faults
        faults.run(self._pictures.handle_timer, now)
        for service in self.services:
            faults.run(service.handle_timer, now)
        if self._renew_at is not None and now >= self._renew_at:
            faults.run(self._renew_keys, now)
        for visit, _ in self._deadlines.expired(now):
            self._call(visit, now, visit.session.handle_timer, now)

    def end_all(self, code: CloseCode, now: float) -> None:
        """End every session and say why."""
        for visit in list(self._visits.values()):
            self._call(visit, now, visit.session.end, code, now)


def _name(session: HostSession) -> str:
    return device_id.to_text(device_number(session.viewer))


def _sentence(permissions: Permission) -> str:
    return "viewing only" if permissions == Permission.VIEW else "full control"
