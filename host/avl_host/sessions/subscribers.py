"""Subscribers: the viewers of this host, from handshake to leaving, on whichever path (spec 04-session,
4.4 to 4.6; 08-paths, 8.5)."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from avl_host.encode.codecs.coders import Formats
from avl_host.paths.hops import HostHop
from avl_host.presence.promptlimit import PromptLimit
from avl_host.presence.question import NONE, Decision, Question, verified
from avl_host.publish.pictureplan import PicturePlan
from avl_host.publish.publisher import Publisher
from avl_host.publish.upload import Upload
from avl_host.sessions.subscriber import PATHS, Subscriber, SubscriberPath
from avl_protocol.crypto.identity import Identity, device_number
from avl_protocol.endpoint.loop.world import World
from avl_protocol.media.track import Track
from avl_protocol.session.deadlines import Deadlines
from avl_protocol.session.handshakelimits import HandshakeLimits
from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import (
    Admission,
    Admitted,
    Allowed,
    Asks,
    ChannelOpened,
    Detached,
    Ended,
    Event,
    HostState,
    Input,
    Message,
    Moved,
    Returns,
)
from avl_protocol.session.pipes import Attachment, SessionPipes
from avl_protocol.session.services import Services
from avl_protocol.wire import device_id
from avl_protocol.wire.channels import permits
from avl_protocol.wire.endtoend import Batch, Grant, MediaKeys
from avl_protocol.wire.errors import GrantRefused, Refused, RemoteProtocolError
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import RETRYABLE, T_KEY_SPACING, CloseCode, Permission

#: Handshakes under way at a time.
UNADMITTED = 256
#: The one host whose handshakes are counted here.
HERE = "here"
#: Of how many sessions that were ended it is remembered why.
ENDS = 64
#: Seconds between two renewals of the keys because of viewers that were lost. One that comes and goes all the time does
#: not keep the others busy, nor make them forget the generation in use: a viewer holds three, and the next key object
#: follows within T_KEY_SPACING.
RENEWAL_SPACING = T_KEY_SPACING / 2
#: What a person decides about what a viewer wishes for; None: nobody could be asked.
Ask = Callable[[Question], Awaitable[Decision | None]]


class Subscribers:
    """The owner of all sessions, and the Audience of the services. `keep`: seconds for which a session that was lost is
    kept; `after`: called after what took time, so that timers are looked at again. `ask`: a person about whoever comes
    by a code, None: nobody is asked; `ask_for_grants`: about who comes by a grant that says so.

    Whatever calls a session goes through `_call`; what the session then has to say is handled in `_settle`.
    """

    def __init__(
        self,
        world: World,
        *,
        identity: Identity,
        name: str,
        admission: Admission,
        publisher: Publisher,
        keep: float,
        ask: Ask | None,
        tell: Callable[[str], None],
        after: Callable[[], None],
        ask_for_grants: Ask | None = None,
    ) -> None:
        self._world = world
        self._identity = identity
        self._name = name
        self._admission = admission
        self._publisher = publisher
        self._keep = keep
        self._ask = ask
        self._ask_for_grants = ask_for_grants or ask
        #: Called before a session is admitted. Raises Refused where it can't be any more.
        self.begins: Callable[[HostSession], None] = lambda session: None
        #: Seconds that a session that comes may last; None where nothing limits it.
        self.lasts: Callable[[HostSession], float | None] = lambda session: None
        #: Told of what a person decided about a session; None: they could not be asked.
        self.decided: Callable[[HostSession, Question, Decision | None], None] = lambda *decision: None
        #: Unix seconds by which sessions end.
        self.wall: Callable[[], float] = world.clock.wall
        self._tell = tell
        self._after = after
        #: What is done for sessions; the file that assembles the host fills it.
        self.services: Services[HostSession] = Services()
        self._subscribers: dict[bytes, Subscriber] = {}
        #: Why the last sessions were ended that nobody may begin again: their viewers may be on another path when the
        #: word is still on its way.
        self._ends: OrderedDict[bytes, CloseCode] = OrderedDict()
        #: Where each session can be reached, by hop and handle.
        self._paths: dict[tuple[HostHop, int], tuple[Subscriber, SubscriberPath]] = {}
        self._deadlines: Deadlines[Subscriber] = Deadlines()
        #: Those whose events are still to be handled.
        self._speaking: deque[Subscriber] = deque()
        self._settling = False
        self._pictures = PicturePlan(publisher)
        #: When the remaining viewers get new keys that a lost viewer lacks, and when that was done last.
        self._renew_at: float | None = None
        self._renewed = float("-inf")
        self._last_number = 0
        self._limits = HandshakeLimits()
        self._prompts = PromptLimit()
        #: How often each limit was hit.
        self.limits_hit: Counter[str] = Counter()
        #: What a person is being asked about each session.
        self._asking: dict[bytes, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def entropy(self, size: int) -> bytes:
        """Random bytes, for services."""
        return self._world.entropy(size)

    # where viewers come in

    def incoming(
        self,
        hop: HostHop,
        handle: int,
        session_id: bytes,
        source: bytes,
        moves: bool,
        now: float,
        near: bool = False,
    ) -> None:
        """Somebody asks for this host at an hop, or brings a running session there.

        `near`: a relay sees it at our own address.
        """
        if moves:
            self._moving(hop, handle, session_id, near, now)
            return
        if session_id in self._subscribers or not self._limits.take(HERE, source, now) or not self._make_room(now):
            self.limits_hit["handshakes"] += 1
            hop.reject(handle, CloseCode.LIMIT, now)
            return
        attachment = Attachment(hop.hop, handle, direct=hop.direct, begun=True, near=near)
        session = guard(
            HostSession(
                identity=self._identity,
                session_id=session_id,
                pipes=SessionPipes(attachment),
                admission=self._admission,
                entropy=self._world.entropy,
                wall=int(self._world.clock.wall()),
                now=now,
                keep=self._keep,
            )
        )
        subscriber = Subscriber(session=session, source=source)
        self._subscribers[session_id] = subscriber
        self._reach(subscriber, SubscriberPath(hop, handle, attachment))
        self._settle(subscriber, now)
        hop.accept(handle, session_id)

    def _make_room(self, now: float) -> bool:
        """Whether there is room for one more handshake, at the expense of another if need be.

        Who waits for a person has shown a code, and keeps its place.
        """
        shaking = [
            (subscriber.source or b"", subscriber)
            for subscriber in self._subscribers.values()
            if subscriber.session.state is HostState.HANDSHAKE
        ]
        if len(shaking) < UNADMITTED:
            return True
        crowded_out = self._limits.crowded_out(HERE, shaking)
        if crowded_out is not None:
            self._call(crowded_out, now, crowded_out.session.end, CloseCode.LIMIT, now)
        return crowded_out is not None

    def _moving(self, hop: HostHop, handle: int, session_id: bytes, near: bool, now: float) -> None:
        subscriber = self._subscribers.get(session_id)
        if subscriber is None or subscriber.session.state is not HostState.ADMITTED:
            hop.reject(handle, self._ends.get(session_id, CloseCode.SESSION_UNKNOWN), now)
            return
        self._reach(subscriber, SubscriberPath(hop, handle, Attachment(hop.hop, handle, direct=hop.direct, near=near)))
        if len(subscriber.paths) > PATHS:
            idle = next(path for path in subscriber.paths if path not in (subscriber.here, subscriber.media))
            self._forget(subscriber, idle)
            idle.hop.evict(idle.handle, CloseCode.NO_ERROR, now)
        hop.accept(handle, session_id)

    @property
    def waiting(self) -> bool:
        """Whether a viewer may be looking for its way back."""
        return any(subscriber.session.detached for subscriber in self._subscribers.values())

    def _reach(self, subscriber: Subscriber, path: SubscriberPath) -> None:
        subscriber.paths.append(path)
        self._paths[path.hop, path.handle] = subscriber, path

    def _forget(self, subscriber: Subscriber, path: SubscriberPath) -> None:
        if path in subscriber.paths:
            subscriber.paths.remove(path)
        if self._paths.get((path.hop, path.handle)) == (subscriber, path):
            del self._paths[path.hop, path.handle]

    def left(self, hop: HostHop, handle: int, now: float) -> None:
        """A relay, or the viewer, says that a session is over there."""
        if (found := self._paths.get((hop, handle))) is not None:
            subscriber, path = found
            if subscriber.session.state is HostState.ADMITTED and path is not subscriber.here:
                self._forget(subscriber, path)
                self._pictures.follow(subscriber, self._subscribers.values(), now)
            self._call(subscriber, now, subscriber.session.left, path.attachment, now)

    def ended_there(self, hop: HostHop, handle: int, code: CloseCode, now: float) -> None:
        """A relay says who has ended a session there (ENDED_AT_RELAY): it is over, by whichever path it runs (4.3)."""
        if (found := self._paths.get((hop, handle))) is not None:
            subscriber, _ = found
            self._call(subscriber, now, subscriber.session.end, code, now)

    def hop_lost(self, hop: HostHop, now: float) -> None:
        """An hop is gone, with every place there."""
        for subscriber in list(self._subscribers.values()):
            for path in [path for path in subscriber.paths if path.hop is hop]:
                self._call(subscriber, now, subscriber.session.attachment_lost, path.attachment, now)
                if subscriber.session.session_id in self._subscribers:
                    self._forget(subscriber, path)
                    self._pictures.follow(subscriber, self._subscribers.values(), now)
        self._publisher.close(hop.upload)

    def channel_opened(self, hop: HostHop, handle: int, channel: int, stream: int, now: float) -> None:
        """A viewer opened a stream for a session's channel."""
        if (found := self._paths.get((hop, handle))) is not None:
            subscriber, path = found
            self._call(subscriber, now, subscriber.session.channel_opened, path.attachment, channel, stream, now)
        else:
            hop.hop.carrier.reset_stream(stream, CloseCode.FORBIDDEN)

    def channel_received(
        self, hop: HostHop, handle: int, channel: int, stream: int, data: bytes, end: bool, now: float
    ) -> None:
        """Bytes of a session's channel."""
        if (found := self._paths.get((hop, handle))) is not None:
            subscriber, path = found
            self._call(
                subscriber, now, subscriber.session.channel_received, path.attachment, channel, stream, data, end, now
            )
        else:  # of a session that has just ended: resetting the stream would take back what it says of the end
            hop.hop.carrier.consume(stream, len(data))

    def channel_reset(self, hop: HostHop, handle: int, channel: int, stream: int, code: int, now: float) -> None:
        """A session's channel was abandoned."""
        if (found := self._paths.get((hop, handle))) is not None:
            subscriber, path = found
            self._call(subscriber, now, subscriber.session.channel_reset, path.attachment, channel, stream, code, now)

    def _call(self, subscriber: Subscriber, now: float, call: Callable[..., object], *arguments: object) -> None:
        """Call something of one session, and handle what follows."""
        self._world.faults.run(call, *arguments, broken=partial(self._break, subscriber, now))
        self._settle(subscriber, now)

    def settle(self, now: float) -> None:
        """Handle what sessions have to say whom somebody else has called."""
        for subscriber in list(self._subscribers.values()):
            self._settle(subscriber, now)

    def _settle(self, subscriber: Subscriber, now: float) -> None:
        """Handle a session's events, and note when it wants to be called. What these make other sessions say comes
        after them, so that no handler is entered from another.

        An error that nobody foresaw ends this session, and no other.
        """
        self._speaking.append(subscriber)
        if self._settling:
            return
        self._settling = True
        try:
            while self._speaking:
                subscriber = self._speaking.popleft()
                while (event := subscriber.session.next_event()) is not None:
                    broken = partial(self._break, subscriber, now)
                    self._world.faults.run(self._handle, subscriber, event, now, broken=broken)
                self._deadlines.set(subscriber, subscriber.session.next_timeout())
        finally:
            self._settling = False
            self._speaking.clear()

    def _break(self, subscriber: Subscriber, now: float) -> None:
        session = subscriber.session
        try:
            session.end(CloseCode.HOST_FAILED, now)
        finally:
            if not any(isinstance(event, Ended) for event in session.events):
                session.state = HostState.ENDED
                self._cut(subscriber, CloseCode.HOST_FAILED, now)

    def _cut(self, subscriber: Subscriber, code: CloseCode, now: float) -> bool:
        """Cut a session off wherever it could come in; whether that was still to be done."""
        if self._subscribers.pop(subscriber.session.session_id, None) is None:
            return False
        if code not in RETRYABLE:
            self._ends[subscriber.session.session_id] = code
            if len(self._ends) > ENDS:
                self._ends.popitem(last=False)
        if (asking := self._asking.pop(subscriber.session.session_id, None)) is not None:
            asking.cancel()
        paths = list(subscriber.paths)
        self._pictures.leave(subscriber)
        for path in paths:
            self._forget(subscriber, path)
            path.hop.evict(path.handle, code, now)
        return True

    # Audience

    def everybody(self, call: Callable[[HostSession], object], upload: Upload | None = None) -> None:
        """See Audience."""
        for subscriber in self.subscribers():
            if upload is None or (subscriber.media is not None and subscriber.media.hop.upload is upload):
                self._call(subscriber, self._world.clock.monotonic(), call, subscriber.session)

    def end(self, session: HostSession, code: CloseCode, now: float) -> None:
        """See Audience."""
        if (subscriber := self._subscribers.get(session.session_id)) is not None:
            self._call(subscriber, now, session.end, code, now)

    def allow(self, session: HostSession, permissions: Permission, now: float) -> None:
        """See Audience."""
        if (subscriber := self._subscribers.get(session.session_id)) is not None:
            self._call(subscriber, now, session.allow, permissions)

    def shows(
        self, session: HostSession, desktops: Sequence[Sequence[Track]], tell: Callable[[dict[int, int]], None]
    ) -> None:
        """See Audience."""
        subscriber = self._subscribers[session.session_id]
        newest, before = self._publisher.next_objects, subscriber.since_objects
        desktops_now = {track.id for one in self._publisher.publications for track in one.tracks}
        others = {track: first for track, first in before.items() if track not in desktops_now}
        given = {track.id: before.get(track.id, newest[track.id]) for desktop in desktops for track in desktop}
        subscriber.since_objects = {**given, **others}
        tell(given)
        pictured = {subscriber.media, subscriber.leaving[0] if subscriber.leaving is not None else None}
        for path in subscriber.paths:
            if path in pictured:
                path.hop.admit(path.handle, session.channels(), subscriber.since_objects)
        self._publisher.changed()

    def number(self, session: HostSession) -> int:
        """See Audience."""
        return self._subscribers[session.session_id].number

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

    def _handle(self, subscriber: Subscriber, event: Event, now: float) -> None:
        """What a session has to say. An error that is the viewer's ends its session."""
        try:
            self._answer(subscriber, event, now)
        except GrantRefused as error:
            subscriber.session.refuse(error, now)
        except (RemoteProtocolError, Refused) as error:
            subscriber.session.end(error.code, now)

    def _answer(self, subscriber: Subscriber, event: Event, now: float) -> None:
        session = subscriber.session
        match event:
            case Asks(name, wish, None) if self._ask is not None:
                self._ask_person(subscriber, self._ask, name, wish, now)
            case Asks(name, wish, True):
                if self._ask_for_grants is None:
                    raise Refused(CloseCode.NO_CONSENT)
                self._ask_person(subscriber, self._ask_for_grants, name, wish, now)
            case Asks() | Returns():
                self._admit(subscriber, now)
            case Admitted():
                self._admitted(subscriber, now)
            case Allowed():
                self._allowed(subscriber, now)
            case Input():
                if event.events:
                    self.services.receive(session, Batch(0, round(now * 1e6), event.events), now)
                session.applied(event, now)
            case Message(message, channel):
                if session.session_id in self._subscribers:
                    self.services.receive(session, message, now, channel)
            case ChannelOpened(channel):
                self.services.opened(session, channel, now)
            case Moved():
                self._moved(subscriber, now)
            case Detached():
                self._detached(subscriber, now)
            case Ended(code):
                self._ended(subscriber, code, now)

    def _ask_person(self, subscriber: Subscriber, ask: Ask, name: str, wish: Permission, now: float) -> None:
        """Ask the person at the host, unless who wants to know is gone by now."""
        if not subscriber.session.admissible:
            return
        if not self._prompts.take(subscriber.session.viewer, now):
            self.limits_hit["questions to a person"] += 1
            raise Refused(CloseCode.LIMIT)
        self.start(self._consent(subscriber, ask, self._question(subscriber.session, name, wish)))
        subscriber.session.asked(now)

    def _question(self, session: HostSession, name: str, wish: Permission, has: Permission = NONE) -> Question:
        rights = session.presented.rights if session.presented is not None else None
        return Question(
            device=_name(session),
            claimed=name,
            wish=wish,
            verified=verified(rights),
            delegated=rights is not None and len(rights.grants) > 1,
            has=has,
            seconds=self.lasts(session),
        )

    async def _consent(self, subscriber: Subscriber, ask: Ask, question: Question) -> None:
        answer = await self._asked(subscriber, ask, question)
        now = self._world.clock.monotonic()
        if answer is not None and answer.allowed:
            self._call(subscriber, now, self._allowed_by_person, subscriber, question.wish, answer, now)
        else:
            self._call(subscriber, now, subscriber.session.denied, answer is not None, now)

    async def _asked(self, subscriber: Subscriber, ask: Ask, question: Question) -> Decision | None:
        """The answer; nobody is asked any longer once the viewer is gone."""
        session_id, task = subscriber.session.session_id, asyncio.current_task()
        assert task is not None
        self._asking[session_id] = task
        try:
            answer = await ask(question)
            self.decided(subscriber.session, question, answer)
            return answer
        finally:
            if self._asking.get(session_id) is task:
                del self._asking[session_id]

    def ask_more(self, session: HostSession, more: Permission, decided: Callable[[Permission | None], None]) -> None:
        """A session that a person let in may gain this: ask them. `decided` is told what they allow; None where nobody
        can be asked, or was asked too often."""
        subscriber = self._subscribers.get(session.session_id)
        ask = self._ask if session.presented is None else self._ask_for_grants
        if subscriber is None or ask is None or not self._prompts.take(session.viewer, self._world.clock.monotonic()):
            decided(None)
            return
        question = self._question(session, session.name, more, session.permissions)

        async def answered() -> None:
            answer = await self._asked(subscriber, ask, question)
            allowed = None if answer is None else answer.allowed
            self._call(subscriber, self._world.clock.monotonic(), decided, allowed)

        self.start(answered())

    def _allowed_by_person(self, subscriber: Subscriber, asked: Permission, answer: Decision, now: float) -> None:
        if not subscriber.session.admissible:
            return
        self._prompts.allowed(subscriber.session.viewer)
        until = 0 if answer.seconds is None else max(1, round(self.wall() + answer.seconds))
        subscriber.session.agree(asked, answer.allowed, until)
        try:
            self._admit(subscriber, now)
        except GrantRefused as error:
            subscriber.session.refuse(error, now)

    def _admit(self, subscriber: Subscriber, now: float) -> None:
        """Let it in, unless it is gone by now. Raises GrantRefused where its grant is no longer good."""
        if subscriber.session.admissible:
            self.begins(subscriber.session)
            subscriber.session.admit(self._grant(subscriber, now), now)

    def _grant(self, subscriber: Subscriber, now: float) -> Grant:
        """Permissions, keys and clock."""
        session = subscriber.session
        publisher = self._publisher
        next_objects = publisher.next_objects
        offered = {track.id: next_objects[track.id] for track in publisher.offered}
        subscriber.since_objects = self._permitted_tracks(session, offered)
        key = publisher.join_key().to_bytes()
        return Grant(
            permissions=int(session.permissions),
            media_session=publisher.media_session,
            signer=publisher.signer,
            endorsement=publisher.endorsement,
            keys=(key,),
            host_time_us=round(now * 1e6),
            name=self._name,
            tracks=tuple(track.row_from(offered[track.id]) for track in publisher.offered),
        )

    def _permitted_tracks(self, session: HostSession, objects: dict[int, int]) -> dict[int, int]:
        """Those of the tracks, each with an object, that a session may have (R-SESS-310)."""
        sound = self._publisher.sound
        if sound is None or permits(session.permissions, Permission.AUDIO_OUT):
            return objects
        return {track: first for track, first in objects.items() if track != sound.track.id}

    def _admitted(self, subscriber: Subscriber, now: float) -> None:
        """Open the session's channels on the hop it came by, and describe the desktop."""
        session = subscriber.session
        self._limits.admitted(HERE, subscriber.source or b"", now)
        subscriber.source = None
        self._last_number += 1
        subscriber.number, subscriber.since = self._last_number, now
        for path in subscriber.paths:
            path.hop.admit(path.handle, session.channels(), {})
        session.beacon_objects = self._publisher.beacon_objects
        self.services.admitted(session, now)
        self._tell(f"viewer {_name(session)} is in ({_sentence(session.permissions)})")

    def _allowed(self, subscriber: Subscriber, now: float) -> None:
        """It may something else now: its relays learn which channels, then everybody concerned."""
        session = subscriber.session
        sound, since = self._publisher.sound, subscriber.since_objects
        if sound is not None:
            since = {sound.track.id: sound.newest + 1, **since}
        subscriber.since_objects = self._permitted_tracks(session, since)
        pictured = {subscriber.media, subscriber.leaving[0] if subscriber.leaving is not None else None}
        for path in subscriber.paths:
            since = subscriber.since_objects if path in pictured else {}
            path.hop.admit(path.handle, session.channels(), since)
        self.services.allowed(session, now)
        self._tell(f"viewer {_name(session)} may something else now ({_sentence(session.permissions)})")

    def _moved(self, subscriber: Subscriber, now: float) -> None:
        """It has come to another place: pictures follow, and it learns what it has missed."""
        session = subscriber.session
        subscriber.lost = False
        here = subscriber.here
        if here is not None:
            here.hop.admit(
                here.handle, session.channels(), subscriber.since_objects if subscriber.media is here else {}
            )
        self.services.moved(session, now)
        self._pictures.follow(subscriber, self._subscribers.values(), now)

    def _detached(self, subscriber: Subscriber, now: float) -> None:
        """There is no path to it now."""
        session = subscriber.session
        subscriber.lost = True
        self._pictures.follow(subscriber, self._subscribers.values(), now)
        self._renew_at = max(now, self._renewed + RENEWAL_SPACING)  # once for all that are lost together
        self.services.lost(session, now)
        self._tell(f"viewer {_name(session)} was lost; its session is kept")

    def watches(self, session: HostSession, able: Formats, now: float) -> None:
        """A session wants pictures of these codecs and chroma samplings from now on."""
        subscriber = self._subscribers[session.session_id]
        subscriber.able = able
        self._publisher.set_viewer(session, able)
        self._pictures.follow(subscriber, self._subscribers.values(), now)

    def _ended(self, subscriber: Subscriber, code: CloseCode, now: float) -> None:
        """Cut it wherever it could come in, and give the others keys that it has not."""
        session = subscriber.session
        if not self._cut(subscriber, code, now):
            return
        self._publisher.set_viewer(session, None)
        if subscriber.source is not None:
            return
        self.services.ended(session, Refused(code), now)
        if not subscriber.lost:
            self._renew_keys(now)
        self._tell(f"viewer {_name(session)} has left")

    def _renew_keys(self, now: float) -> None:
        """Give those who are here keys that nobody else has (spec 06-security, 6.4)."""
        self._renew_at, self._renewed = None, now
        key = self._publisher.renew_keys().to_bytes()
        self.everybody(lambda session: session.send(MediaKeys((key,))))

    @property
    def sessions(self) -> list[HostSession]:
        """All that is kept, those that are not in yet included, the oldest first."""
        return [subscriber.session for subscriber in self._subscribers.values()]

    def subscribers(self) -> list[Subscriber]:
        """The sessions that were admitted, those that are lost for the moment included, the oldest first."""
        return [
            subscriber for subscriber in self._subscribers.values() if subscriber.session.state is HostState.ADMITTED
        ]

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
        for subscriber, _ in self._deadlines.expired(now):
            self._call(subscriber, now, subscriber.session.handle_timer, now)

    def end_all(self, code: CloseCode, now: float) -> None:
        """End every session and say why."""
        for subscriber in list(self._subscribers.values()):
            self._call(subscriber, now, subscriber.session.end, code, now)


def _name(session: HostSession) -> str:
    return device_id.to_text(device_number(session.viewer))


def _sentence(permissions: Permission) -> str:
    if permissions & (Permission.POINTER | Permission.KEYBOARD):
        return "full control"
    return "viewing and drawing" if permissions & Permission.ANNOTATE else "viewing only"
