"""Reception: the viewers of this host, from their coming in to their leaving, whichever way they come (spec 04-session,
4.4 to 4.6; 08-paths, 8.5)."""

from __future__ import annotations

import asyncio
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
from avl_protocol.session.handshakelimits import HandshakeLimits
from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import Door, HostState
from avl_protocol.session.pipes import Route, SessionPipes
from avl_protocol.session.services import Services
from avl_protocol.wire import device_id
from avl_protocol.wire.endtoend import Batch, ChannelMessage, Grant, MediaKeys
from avl_protocol.wire.errors import Refused
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
    """The HostSessionOwner of all sessions, and the Audience of the services. `keep`: seconds for which a session that
    was lost is kept."""

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
                self._identity, session_id, SessionPipes(route), self._door, self, self._world.entropy,
                int(self._world.clock.wall()), now, self._keep,
            )
        )  # fmt: skip
        visit = Visit(session, source)
        visit.places.append(Place(entrance, handle, route))
        self._visits[session_id] = visit
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
            crowded_out.session.end(CloseCode.LIMIT, now)
        return crowded_out is not None

    def _moving(self, entrance: Entrance, handle: int, session_id: bytes, near: bool, now: float) -> None:
        visit = self._visits.get(session_id)
        if visit is None or visit.session.state is not HostState.ADMITTED:
            entrance.reject(handle, CloseCode.SESSION_UNKNOWN, now)
            return
        visit.places.append(Place(entrance, handle, Route(entrance.hop, handle, direct=entrance.direct, near=near)))
        if len(visit.places) > PLACES:
            idle = next(place for place in visit.places if place not in (visit.here, visit.media))
            visit.places.remove(idle)
            idle.entrance.evict(idle.handle, CloseCode.NO_ERROR, now)
        entrance.accept(handle, session_id)

    @property
    def waiting(self) -> bool:
        """Whether a viewer may be looking for its way back."""
        return any(visit.session.detached for visit in self._visits.values())

    def _find(self, entrance: Entrance, handle: int) -> tuple[Visit, Place] | None:
        for visit in self._visits.values():
            if (place := visit.at(entrance, handle)) is not None:
                return visit, place
        return None

    def left(self, entrance: Entrance, handle: int, now: float) -> None:
        """A relay, or the viewer, says that a session is over there."""
        if (found := self._find(entrance, handle)) is not None:
            visit, place = found
            if visit.session.state is HostState.ADMITTED and place is not visit.here:
                visit.places.remove(place)
                self._pictures.follow(visit, self._visits.values(), now)
            self._guard(visit, now, visit.session.left, place.route, now)

    def entrance_lost(self, entrance: Entrance, now: float) -> None:
        """An entrance is gone, with every place there."""
        for visit in list(self._visits.values()):
            for place in [place for place in visit.places if place.entrance is entrance]:
                self._guard(visit, now, visit.session.route_lost, place.route, now)
                if visit.session.session_id in self._visits:
                    visit.places.remove(place)
                    self._pictures.follow(visit, self._visits.values(), now)
        self._sharing.close(entrance.outlet)

    def channel_opened(self, entrance: Entrance, handle: int, channel: int, stream: int, now: float) -> None:
        """A viewer opened a stream for a session's channel."""
        if (found := self._find(entrance, handle)) is not None:
            found[0].session.channel_opened(found[1].route, channel, stream, now)
        else:
            entrance.hop.carrier.reset_stream(stream, CloseCode.FORBIDDEN)

    def channel_received(
        self, entrance: Entrance, handle: int, channel: int, stream: int, data: bytes, end: bool, now: float
    ) -> None:
        """Bytes of a session's channel."""
        if (found := self._find(entrance, handle)) is not None:
            visit, place = found
            self._guard(visit, now, visit.session.channel_received, place.route, channel, stream, data, end, now)
        else:
            entrance.hop.carrier.reset_stream(stream, CloseCode.FORBIDDEN)

    def channel_reset(self, entrance: Entrance, handle: int, channel: int, stream: int, code: int, now: float) -> None:
        """A session's channel was abandoned."""
        if (found := self._find(entrance, handle)) is not None:
            visit, place = found
            self._guard(visit, now, visit.session.channel_reset, place.route, channel, stream, code, now)

    def _guard(self, visit: Visit, now: float, call: Callable[..., object], *arguments: object) -> None:
        """Call something of one session. An error that nobody foresaw ends this session, and no other."""
        self._world.faults.run(call, *arguments, broken=partial(self._break, visit, now))

    def _break(self, visit: Visit, now: float) -> None:
        try:
            visit.session.end(CloseCode.HOST_FAILED, now)
        finally:
            if self._visits.pop(visit.session.session_id, None) is not None:
                visit.session.state = HostState.ENDED
                for place in visit.places:
                    place.entrance.evict(place.handle, CloseCode.HOST_FAILED, now)

    # Audience

    def everybody(self, call: Callable[[HostSession], object], outlet: Outlet | None = None) -> None:
        """See Audience."""
        for visit in self.visits():
            if outlet is None or (visit.media is not None and visit.media.entrance.outlet is outlet):
                self._guard(visit, self._world.clock.monotonic(), call, visit.session)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """See Audience."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._world.faults.task_done)

    async def settled(self) -> None:
        """Wait until nothing is done in the background."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def changed(self) -> None:
        """See Audience."""
        self._after()

    # sessions

    def session_asks(self, session: HostSession, name: str, wish: Permission, now: float) -> bool:
        """Ask the person, if that is how this host is run."""
        if self._ask is None:
            return False
        if not self._prompts.take(now):
            raise Refused(CloseCode.LIMIT)
        self.start(self._consent(session, self._ask, name, wish))
        return True

    async def _consent(self, session: HostSession, ask: Ask, name: str, wish: Permission) -> None:
        answer = await ask(device_id.to_text(device_number(session.viewer)), name, wish)
        session.consented(answer is True, answer is not None, self._world.clock.monotonic())
        self._after()

    def session_grant(self, session: HostSession, now: float) -> Grant:
        """Permissions, keys and clock."""
        sharing = self._sharing
        self._visits[session.session_id].since_objects = sharing.next_objects
        key = sharing.join_key().to_bytes()
        return Grant(
            int(session.permissions), sharing.media_session, sharing.signer, sharing.endorsement, (key,),
            round(now * 1e6), self._name, tuple(track.row for track in sharing.tracks),
        )  # fmt: skip

    def session_admitted(self, session: HostSession, now: float) -> None:
        """Open its channels where it came in and tell it what the desktop looks like."""
        visit = self._visits[session.session_id]
        self._limits.admitted(HERE, visit.source or b"", now)
        visit.source = None
        self._last_number += 1
        visit.number, visit.since = self._last_number, now
        for place in visit.places:
            place.entrance.admit(place.handle, session.channels(), {})
        session.beacon_objects = self._sharing.beacon_objects
        self.services.admitted(session, now)
        self._tell(f"viewer {_name(session)} is in ({_sentence(session.permissions)})")

    def session_moved(self, session: HostSession, now: float) -> None:
        """It has come to another place: pictures follow, and it learns what it has missed."""
        visit = self._visits[session.session_id]
        visit.lost = False
        here = visit.here
        if here is not None:
            here.entrance.admit(here.handle, session.channels(), visit.since_objects if visit.media is here else {})
        self.services.moved(session, now)
        self._pictures.follow(visit, self._visits.values(), now)

    def session_opened(self, session: HostSession, channel: int, now: float) -> None:
        """What was missed on this channel may be told now."""
        self.services.opened(session, channel, now)

    def session_detached(self, session: HostSession, now: float) -> None:
        """There is no way to it now."""
        visit = self._visits[session.session_id]
        visit.lost = True
        self._pictures.follow(visit, self._visits.values(), now)
        self._renew_at = max(now, self._renewed + RENEWAL_SPACING)  # once for all that are lost together
        self.services.lost(session, now)
        self._tell(f"viewer {_name(session)} was lost; its session is kept")

    def session_input(self, session: HostSession, events: list[tuple[Any, ...]], now: float) -> None:
        """Input that has passed the session's gate."""
        self.services.receive(session, Batch(0, round(now * 1e6), tuple(events)), now)

    def session_message(self, session: HostSession, message: ChannelMessage, now: float) -> None:
        """A message for one of the services."""
        self.services.receive(session, message, now)

    def watches(self, session: HostSession, chroma: tuple[int, ...], now: float) -> None:
        """A session wants pictures of these chroma samplings from now on."""
        visit = self._visits[session.session_id]
        visit.chroma = chroma
        self._sharing.set_viewer(session, chroma)
        self._pictures.follow(visit, self._visits.values(), now)

    def session_ended(self, session: HostSession, code: CloseCode, now: float) -> None:
        """Cut it wherever it could come in, and give the others keys that it has not."""
        visit = self._visits.pop(session.session_id, None)
        if visit is None:
            return
        places = list(visit.places)
        self._pictures.leave(visit)
        for place in places:
            place.entrance.evict(place.handle, code, now)
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
        visits = list(self._visits.values())
        due = [visit.session.next_timeout() for visit in visits]
        due += [self._pictures.next_timeout(visits), self._renew_at, self.services.next_timeout()]
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        faults = self._world.faults
        faults.run(self._pictures.handle_timer, list(self._visits.values()), now)
        for service in self.services:
            faults.run(service.handle_timer, now)
        if self._renew_at is not None and now >= self._renew_at:
            faults.run(self._renew_keys, now)
        for visit in list(self._visits.values()):
            session = visit.session
            at = session.next_timeout()
            if at is not None and at <= now:
                self._guard(visit, now, session.handle_timer, now)

    def end_all(self, code: CloseCode, now: float) -> None:
        """End every session and say why."""
        for visit in list(self._visits.values()):
            self._guard(visit, now, visit.session.end, code, now)


def _name(session: HostSession) -> str:
    return device_id.to_text(device_number(session.viewer))


def _sentence(permissions: Permission) -> str:
    return "viewing only" if permissions == Permission.VIEW else "full control"
