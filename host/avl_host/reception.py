"""Reception: the viewers of this host, from their coming in to their leaving, whichever way they come (spec 04-session,
4.4 to 4.6; 08-paths, 8.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from avl_host.capture.source import CursorImage
from avl_host.entrances import Entrance
from avl_host.input.sink import InputSink
from avl_host.limits import PromptLimit
from avl_host.outlets import Outlet
from avl_host.pictures import PicturePlan
from avl_host.pointer import as_travels
from avl_host.sharing import Sharing
from avl_host.tickets import TicketBook
from avl_host.visit import PLACES, Place, Visit
from avl_protocol.crypto.identity import Identity, device_number
from avl_protocol.endpoint.world import World
from avl_protocol.media.bounds import check_size
from avl_protocol.media.frame import Monitor
from avl_protocol.session.handshakelimits import HandshakeLimits
from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import Door, HostState
from avl_protocol.session.pipes import Route, SessionPipes
from avl_protocol.wire import device_id
from avl_protocol.wire.cliptext import Content, as_told, content_of
from avl_protocol.wire.endtoend import (
    BulkMessage,
    Candidates,
    Clipboard,
    ClipboardAsk,
    ClipboardSet,
    ControlMessage,
    Cursor,
    Decoder,
    Grant,
    Layout,
    MediaKeys,
    NeedKeys,
    Rate,
    Stages,
    Ticket,
)
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import (
    T_KEY_SPACING,
    Channel,
    ClipboardState,
    CloseCode,
    InputKind,
    Permission,
)

#: Handshakes under way at a time.
UNADMITTED = 256
#: The one host whose handshakes are counted here.
HERE = "here"
#: Seconds between two moments from which the tickets of running sessions count.
KEEP = 60.0
#: Seconds between two renewals of the keys because of viewers that were lost. One that comes and goes all the time does
#: not keep the others busy, nor make them forget the generation in use: a viewer holds three, and the next key object
#: follows within T_KEY_SPACING.
RENEWAL_SPACING = T_KEY_SPACING / 2
#: Bits per second that shapes of the pointer may take.
CURSOR_RATE = 200_000
#: Told a person: who asks (device ID), the name they give themselves, and what for.
Ask = Callable[[str, str, Permission], Awaitable[bool | None]]


@dataclass(frozen=True, slots=True)
class Desktop:
    """What sessions act on."""

    sharing: Sharing
    sink: InputSink
    set_clipboard: Callable[[str], bool]
    get_clipboard: Callable[[], Awaitable[Content]]


class Guests(Protocol):
    """Who else follows the coming and going of sessions."""

    def joined(self, session: HostSession, now: float) -> None:
        """It was admitted."""

    def candidates(self, session: HostSession, message: Candidates, now: float) -> None:
        """Its viewer says where it might be reached."""

    def lost(self, session: HostSession, now: float) -> None:
        """There is no way to its viewer now."""

    def back(self, session: HostSession, now: float) -> None:
        """It has moved, and is reached again."""

    def gone(self, session: HostSession, now: float) -> None:
        """It is over."""


class Reception:
    """The HostSessionOwner of all sessions."""

    def __init__(
        self, world: World, identity: Identity, name: str, door: Door, tickets: TicketBook, desktop: Desktop,
        ask: Ask | None, guests: Guests, tell: Callable[[str], None], after: Callable[[], None],
    ) -> None:  # fmt: skip
        self._tickets = tickets
        self._guests = guests
        self._world = world
        self._identity = identity
        self._name = name
        self._door = door
        self._desktop = desktop
        self._ask = ask
        self._tell = tell
        self._after = after
        self._visits: dict[bytes, Visit] = {}
        tickets.on_redeemed = self._taken_over
        self._pictures = PicturePlan(desktop.sharing)
        self._keep_at: float | None = None
        #: When those who remain are given keys that somebody who was lost has not, and when that was done last.
        self._renew_at: float | None = None
        self._renewed = float("-inf")
        self._last_number = 0
        self._limits = HandshakeLimits()
        self._prompts = PromptLimit()
        self._layout: Layout | None = None
        self._cursor: Cursor | None = None
        #: Since when a shape waits to be told, and when the next may be.
        self._cursor_at: float | None = None
        self._cursor_free = 0.0
        self._clipboard_serial = 0
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
        session = HostSession(
            self._identity, session_id, SessionPipes(route), self._door, self, self._world.entropy,
            int(self._world.clock.wall()), now, self._tickets.lifetime,
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
        self._desktop.sharing.close(entrance.outlet)

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

    def _everybody(self, call: Callable[[HostSession], object]) -> None:
        """Call something for each session that is admitted."""
        for visit in self.visits():
            self._guard(visit, self._world.clock.monotonic(), call, visit.session)

    # sessions

    def _taken_over(self, session_id: bytes) -> None:
        """A ticket of this session was taken: there is one session to a ticket, and this one's place is another's."""
        if (visit := self._visits.get(session_id)) is not None:
            visit.session.end(CloseCode.REPLACED, self._world.clock.monotonic())

    def session_asks(self, session: HostSession, name: str, wish: Permission, now: float) -> bool:
        """Ask the person, if that is how this host is run."""
        if self._ask is None:
            return False
        if not self._prompts.take(now):
            raise Refused(CloseCode.LIMIT)
        self._run(self._consent(session, self._ask, name, wish))
        return True

    async def _consent(self, session: HostSession, ask: Ask, name: str, wish: Permission) -> None:
        answer = await ask(device_id.to_text(device_number(session.viewer)), name, wish)
        session.consented(answer is True, answer is not None, self._world.clock.monotonic())
        self._after()

    def session_grant(self, session: HostSession, now: float) -> Grant:
        """Permissions, keys and clock."""
        sharing = self._desktop.sharing
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
        session.beacon_objects = self._desktop.sharing.beacon_objects
        self._describe(session)
        self._keep_at = self._keep_at or now + KEEP
        ticket = self._tickets.issue(session.viewer, session.session_id, session.permissions)
        if ticket is not None:
            session.send(Ticket(ticket, round(self._tickets.lifetime)))
        self._guests.joined(session, now)
        self._tell(f"viewer {_name(session)} is in ({_sentence(session.permissions)})")

    def _describe(self, session: HostSession) -> None:
        if self._layout is not None:
            session.send(self._layout)
        if self._cursor is not None:
            session.send(self._cursor)

    def session_moved(self, session: HostSession, now: float) -> None:
        """It has come to another place: pictures follow, and it learns what it has missed."""
        visit = self._visits[session.session_id]
        visit.lost = False
        here = visit.here
        if here is not None:
            here.entrance.admit(here.handle, session.channels(), visit.since_objects if visit.media is here else {})
        self._describe(session)
        session.send(MediaKeys((self._desktop.sharing.join_key().to_bytes(),)))
        self._pictures.follow(visit, self._visits.values(), now)
        self._guests.back(session, now)

    def session_opened(self, session: HostSession, channel: int, now: float) -> None:
        """What was copied before there was a way to tell is told now."""
        visit = self._visits[session.session_id]
        if channel == Channel.BULK and visit.missed_clipboard:
            visit.missed_clipboard = False
            self._run(self._tell_clipboard(session))

    def session_detached(self, session: HostSession, now: float) -> None:
        """There is no way to it now."""
        self._tickets.keep(session.session_id)
        visit = self._visits[session.session_id]
        visit.lost = True
        self._pictures.follow(visit, self._visits.values(), now)
        self._renew_at = max(now, self._renewed + RENEWAL_SPACING)  # once for all that are lost together
        self._guests.lost(session, now)
        self._tell(f"viewer {_name(session)} was lost; its session is kept")

    def session_input(self, session: HostSession, events: list[tuple[Any, ...]], now: float) -> None:
        """Apply input to the desktop."""
        sink = self._desktop.sink
        self._desktop.sharing.input_applied(now)
        for event in events:
            kind, *values = event
            if kind == InputKind.MOVE:
                sink.move(*values)
            elif kind == InputKind.BUTTON:
                sink.button(*values)
            elif kind == InputKind.WHEEL:
                sink.scroll(*values)
            elif kind == InputKind.KEY:
                sink.key(*values)
            elif kind == InputKind.TEXT:
                sink.text(*values)

    def session_message(self, session: HostSession, message: ControlMessage | BulkMessage, now: float) -> None:
        """Decoder, keys, clipboard."""
        if isinstance(message, Decoder):
            visit = self._visits[session.session_id]
            visit.chroma = message.chroma
            self._desktop.sharing.set_viewer(session, message.chroma)
            self._pictures.follow(visit, self._visits.values(), now)
        elif isinstance(message, NeedKeys):
            session.send(MediaKeys((self._desktop.sharing.join_key().to_bytes(),)))
            self._desktop.sharing.request_key(message.track)
        elif isinstance(message, Clipboard):
            self._set_clipboard(session, message)
        elif isinstance(message, Candidates):
            self._guests.candidates(session, message, now)
        elif isinstance(message, ClipboardAsk) and session.permissions & Permission.CLIPBOARD_OUT:
            self._run(self._tell_clipboard(session))

    async def _tell_clipboard(self, session: HostSession) -> None:
        content = await self._desktop.get_clipboard()
        self._send_clipboard(session, self._told(content))

    def _told(self, content: Content) -> Clipboard:
        self._clipboard_serial += 1
        state, text = as_told(content)
        return Clipboard(self._clipboard_serial, text, state)

    def _send_clipboard(self, session: HostSession, message: Clipboard) -> None:
        """Tell a session, or remember that it has to be told once there is a way."""
        visit = self._visits.get(session.session_id)
        if visit is not None:
            visit.missed_clipboard = not session.send_bulk(message)

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._world.faults.task_done)

    def _set_clipboard(self, session: HostSession, message: Clipboard) -> None:
        state, content = ClipboardState.TEXT, content_of(message.text)
        if not session.permissions & Permission.CLIPBOARD_IN:
            state = ClipboardState.NOT_PERMITTED
        elif content in (ClipboardState.TOO_LARGE, ClipboardState.NOT_TEXT):
            state = ClipboardState(content)
        elif not self._desktop.set_clipboard(content if isinstance(content, str) else ""):
            state = ClipboardState.NO_ANSWER
        taken = state is ClipboardState.TEXT
        session.send_bulk(ClipboardSet(message.serial, taken, state))
        if taken:
            self.clipboard(content, session)

    def session_ended(self, session: HostSession, code: CloseCode, now: float) -> None:
        """Cut it wherever it could come in, and give the others keys that it has not."""
        visit = self._visits.pop(session.session_id, None)
        if visit is None:
            return
        places = list(visit.places)
        self._pictures.leave(visit)
        for place in places:
            place.entrance.evict(place.handle, code, now)
        self._desktop.sharing.set_viewer(session, None)
        if visit.source is not None:
            return
        if code is not CloseCode.SESSION_LOST:
            self._tickets.revoke(session.session_id)
        self._guests.gone(session, now)
        if not visit.lost:
            self._renew_keys(now)
        self._tell(f"viewer {_name(session)} has left")

    def _renew_keys(self, now: float) -> None:
        """Give those who are here keys that nobody else has (spec 06-security, 6.4)."""
        self._renew_at, self._renewed = None, now
        key = self._desktop.sharing.renew_keys().to_bytes()
        self._everybody(lambda session: session.send(MediaKeys((key,))))

    def visits(self) -> list[Visit]:
        """The sessions that were admitted, those that are lost for the moment included, the oldest first."""
        return [visit for visit in self._visits.values() if visit.session.state is HostState.ADMITTED]

    def _admitted(self) -> list[HostSession]:
        return [visit.session for visit in self._visits.values() if visit.session.state is HostState.ADMITTED]

    # what the desktop says

    def layout(self, size: tuple[int, int], monitors: tuple[Monitor, ...]) -> None:
        """The desktop's size or monitors changed."""
        rows = tuple((m.x, m.y, m.width, m.height, int(m.primary)) for m in monitors)
        self._layout = layout = Layout(size[0], size[1], tuple(m.name for m in monitors), rows)
        try:
            check_size(*size)
        except Refused as reason:
            self._tell(f"viewers will refuse this desktop of {size[0]} x {size[1]} pixels: {reason}")
        self._everybody(lambda session: session.send(layout))

    def cursor(self, image: CursorImage) -> None:
        """The pointer's shape changed: tell it at once, unless the last one is still on its way."""
        self._cursor = as_travels(image)
        if self._cursor_at is None:
            self._cursor_at = self._world.clock.monotonic()
        self._tell_cursor(self._world.clock.monotonic())
        self._after()

    def _tell_cursor(self, now: float) -> None:
        """Tell the newest shape if it is time, and not again for as long as it takes at CURSOR_RATE: an animated
        pointer must not get ahead of pictures and input."""
        told = self._cursor
        if told is not None and self._cursor_at is not None and now >= max(self._cursor_at, self._cursor_free):
            self._cursor_at = None
            self._cursor_free = now + len(told.image) * 8 / CURSOR_RATE
            self._everybody(lambda session: session.send(told))

    def _cursor_due(self) -> float | None:
        return None if self._cursor_at is None else max(self._cursor_at, self._cursor_free)

    def figures(self, figures: Stages | Rate, outlet: Outlet | None) -> None:
        """Where the host's time went, or how its hop is doing: the latter for who gets pictures there."""
        for visit in list(self._visits.values()):
            if outlet is None or (visit.media is not None and visit.media.entrance.outlet is outlet):
                self._guard(visit, self._world.clock.monotonic(), visit.session.send, figures)

    def clipboard(self, content: Content, source: HostSession | None = None) -> None:
        """Something was copied: at the host, or by the viewer `source`."""
        message = self._told(content)

        def tell(session: HostSession) -> None:
            if session is not source and session.permissions & Permission.CLIPBOARD_OUT:
                self._send_clipboard(session, message)

        self._everybody(tell)

    # time and end

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        visits = list(self._visits.values())
        due = [visit.session.next_timeout() for visit in visits]
        due += [self._pictures.next_timeout(visits), self._keep_at if visits else None, self._renew_at]
        due.append(self._cursor_due())
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        faults = self._world.faults
        faults.run(self._pictures.handle_timer, list(self._visits.values()), now)
        self._tell_cursor(now)
        if self._renew_at is not None and now >= self._renew_at:
            faults.run(self._renew_keys, now)
        if self._keep_at is not None and now >= self._keep_at:
            self._keep_at = now + KEEP
            for session in self._admitted():
                if not session.detached:
                    faults.run(self._tickets.keep, session.session_id)
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
