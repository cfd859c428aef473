"""A host's and a viewer's session face to face: in-memory pipes, owners that write down what they are told, a door."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from avl_protocol.carrier.carrier import Carrier
from avl_protocol.crypto.attempts import AttemptBudget, Code, Try
from avl_protocol.crypto.identity import endorse_signer
from avl_protocol.rights.chain import verify_chain
from avl_protocol.session import hosting
from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import Presented, Returned
from avl_protocol.session.input.ledger import Dropped
from avl_protocol.session.media.receiver import ReceivedObject, ReceivedSound
from avl_protocol.session.pipes import Attachment, SessionPipes
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewerevents import (
    Admitted,
    Adrift,
    Ended,
    Frames,
    InputDropped,
    LaneOpened,
    RightsTold,
    Settled,
    Sounds,
    Stale,
    Stuck,
    Unmoved,
    ViewerEvent,
    Waiting,
)
from avl_protocol.session.viewerevents import (
    Moved as SessionMoved,
)
from avl_protocol.session.viewing import ViewerSettings
from avl_protocol.wire.endtoend import ChannelMessage, Decoder, Echo, Grant, Rights
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import T_ECHO, CloseCode, Permission
from tests.protocol.handshakes import HOST, SESSION, VIEWER, WALL, Seeded, identity
from tests.protocol.rights_of import TRUST
from tests.protocol.sealed import EXACT, MEDIA_SESSION, SIGNER, Source

CODE, VIEW_CODE = "7K3P-9QX2", "VIEW-ONLY"
EVERYTHING = Permission(sum(Permission))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Something on its way on a stream."""

    stream: int
    data: bytes = b""
    end: bool = False
    reset: int | None = None
    opens: bool = False

    @property
    def channel(self) -> int:
        return self.stream % 100


class MemoryHop:
    """One side's end of a hop, and its carrier: what is sent waits in `out` until the meeting carries it. A channel's
    stream has the channel's number, its next ones 100 more each."""

    def __init__(self, certificate: bytes = b"certificate") -> None:
        self.server_certificate = certificate
        self.out: deque[Moved] = deque()
        self.refused: list[tuple[int, CloseCode]] = []
        self.sent = bytearray()
        self.opened: list[int] = []
        self.bulk: set[int] = set()
        #: Bytes that the hop claims not to have sent yet.
        self.waiting = 0

    @property
    def carrier(self) -> Carrier:
        return cast(Carrier, self)

    @property
    def streams(self) -> set[int]:
        return set(self.opened)

    def open_channel(self, handle: int, channel: int) -> int:
        stream = channel
        while stream in self.opened:
            stream += 100
        self.opened.append(stream)
        self.out.append(Moved(stream=stream, opens=True))
        return stream

    def send_stream(self, stream: int, data: bytes, end: bool = False) -> None:
        self.sent += data
        self.out.append(Moved(stream=stream, data=data, end=end))

    def set_stream_bulk(self, stream: int) -> None:
        self.bulk.add(stream)

    def reset_stream(self, stream: int, code: int) -> None:
        self.refused.append((stream % 100, CloseCode(code)))
        self.out.append(Moved(stream=stream, reset=int(code)))

    def consume(self, stream: int, size: int) -> None:
        return

    def stream_backlog(self, stream: int) -> int:
        return self.waiting


class MemoryPath:
    """Both ends of a hop, and the places that one session has there."""

    def __init__(self, handle: int, *, direct: bool = False, begun: bool = False) -> None:
        self.host_pipes, self.viewer_pipes = MemoryHop(), MemoryHop()
        self.host_attachment = Attachment(self.host_pipes, handle, direct=direct, begun=begun)
        self.viewer_attachment = Attachment(self.viewer_pipes, handle, direct=direct, begun=begun)
        #: Bytes that still get through, from the viewer (True) and from the host; None: all.
        self.room: dict[bool, int | None] = {True: None, False: None}

    def passes(self, from_viewer: bool, moved: Moved) -> Moved | None:
        """What arrives of it; nothing does once the room is used up."""
        room = self.room[from_viewer]
        if room is None:
            return moved
        self.room[from_viewer] = max(0, room - len(moved.data))
        if room >= len(moved.data) and (room or (not moved.data and moved.reset is None and not moved.end)):
            return moved
        return replace(moved, data=moved.data[:room], end=False) if room else None


class OneCodeAdmission:
    """A Door over an AttemptBudget; `replaced` counts new printed codes."""

    def __init__(self, control: Code | None = None, view: Code | None = None) -> None:
        self.budget = AttemptBudget(control or Code(CODE), view or Code(VIEW_CODE), Seeded("door"))
        self.replaced = 0
        self.failures = 0
        self.tickets: dict[tuple[bytes, bytes], Permission] = {}
        #: What chains are verified with, what policy leaves of everything, and whether a chain needs a person.
        self.trust = TRUST
        self.mask = EVERYTHING
        self.consent = False

    def begin(self, viewer: bytes, now: float) -> Try:
        return self.budget.begin(viewer, now)

    def confirmed(self, attempt: Try, which: int) -> Permission | None:
        if not self.budget.confirmed(attempt, which):
            return None
        return EVERYTHING if which == 0 else Permission.VIEW

    def failed(self, attempt: Try) -> None:
        self.failures += 1
        self.replaced += self.budget.failed(attempt)

    def redeem(self, ticket: bytes, viewer: bytes) -> Returned | None:
        permissions = self.tickets.pop((ticket, viewer), None)
        return None if permissions is None else Returned(permissions)

    def present(self, chain: tuple[str, ...], ticket: bytes, viewer: bytes, wish: Permission) -> Presented:
        rights = verify_chain(chain, self.trust, holder=viewer, wall=WALL)
        return Presented(permissions=rights.permissions & wish & self.mask, consent=self.consent, rights=rights)

    def left(self, permissions: Permission) -> Permission:
        return permissions & self.mask


@dataclass(kw_only=True)
class HostOwner:
    """What owns a host's session. `asks`: whether a person decides; `source` and `exact` are its tracks, under the same
    keys."""

    source: Source
    exact: Source
    asks: bool = False
    asked: list[tuple[str, Permission]] = field(default_factory=list)
    admitted: int = 0
    events: list[tuple[Any, ...]] = field(default_factory=list)
    messages: list[ChannelMessage] = field(default_factory=list)
    ended: CloseCode | None = None
    moved: int = 0
    detached: int = 0
    opened: list[int] = field(default_factory=list)
    allowed: list[Permission] = field(default_factory=list)

    def take(self, session: HostSession, now: float) -> None:
        """Write down what has happened, and answer what is asked."""
        while (event := session.next_event()) is not None:
            assert self.ended is None, "nothing follows the end"
            match event:
                case hosting.Asks(name, wish, consent) if self.asks or consent:
                    self.asked.append((name, wish))
                    session.asked(now)
                case hosting.Asks() | hosting.Returns():
                    session.admit(self.grant(session, now), now)
                case hosting.Admitted():
                    self.admitted += 1
                case hosting.Input(events):
                    self.events += events
                    session.applied(event, now)
                case hosting.Message(message):
                    self.messages.append(message)
                case hosting.ChannelOpened(channel):
                    self.opened.append(channel)
                case hosting.Allowed():
                    self.allowed.append(session.permissions)
                case hosting.Moved():
                    self.moved += 1
                case hosting.Detached():
                    self.detached += 1
                case hosting.Ended(code):
                    self.ended = code

    def grant(self, session: HostSession, now: float) -> Grant:
        """What a session is granted."""
        key = self.source.keys.join().to_bytes()
        endorsement = endorse_signer(HOST, MEDIA_SESSION, SIGNER.public)
        return Grant(
            permissions=int(session.permissions),
            media_session=MEDIA_SESSION,
            signer=SIGNER.public,
            endorsement=endorsement,
            keys=(key,),
            host_time_us=round(now * 1e6),
            name="desk",
            tracks=tuple(one.sender.track.row_from(one.sender.newest + 1) for one in (self.source, self.exact)),
        )


@dataclass
class ViewerTold:
    """What a ViewerSession has told."""

    grant: Grant | None = None
    waiting: int | None = None
    frames: list[ReceivedObject] = field(default_factory=list)
    sounds: list[ReceivedSound] = field(default_factory=list)
    recoveries: list[tuple[int, int]] = field(default_factory=list)
    messages: list[ChannelMessage] = field(default_factory=list)
    echoes: list[int] = field(default_factory=list)
    stale: bool = False
    ended: Refused | None = None
    dropped: list[Dropped] = field(default_factory=list)
    moved: list[Attachment] = field(default_factory=list)
    adrift: int = 0
    settled: int = 0
    rights: list[Rights] = field(default_factory=list)
    unmoved: list[Attachment] = field(default_factory=list)
    lanes: list[int] = field(default_factory=list)

    def take(self, session: ViewerSession) -> ViewerTold:
        """Take all events that wait."""
        while (event := session.next_event()) is not None:
            assert self.ended is None, f"{event} after the end"
            self._one(event)
        return self

    def _one(self, event: ViewerEvent) -> None:
        if isinstance(event, InputDropped):
            self.dropped += event.dropped
        elif isinstance(event, SessionMoved):
            self.moved.append(event.attachment)
        elif isinstance(event, Unmoved):
            self.unmoved.append(event.attachment)
        elif isinstance(event, LaneOpened):
            self.lanes.append(event.lane)
        elif isinstance(event, Adrift):
            self.adrift += 1
        elif isinstance(event, RightsTold):
            self.rights.append(event.rights)
        elif isinstance(event, Settled):
            self.settled += 1
        elif isinstance(event, Waiting):
            self.waiting = event.seconds
        elif isinstance(event, Admitted):
            self.grant = event.grant
        elif isinstance(event, Frames):
            self.frames += event.frames
        elif isinstance(event, Sounds):
            self.sounds += event.sounds
        elif isinstance(event, Stuck):
            self.recoveries.append((event.track, event.number))
        elif isinstance(event, Stale):
            self.stale = event.stale
        elif isinstance(event, Ended):
            self.ended = event.reason
        elif isinstance(event.message, Echo):
            self.echoes.append(event.message.sequence)
        else:
            self.messages.append(event.message)


Change = Callable[[bool, Moved], Moved | None]


class Meeting:
    """Both sessions at time `now`. `change(from_viewer, moved)` may alter or drop (None) whatever is carried."""

    def __init__(
        self,
        *,
        code: str = CODE,
        admission: OneCodeAdmission | None = None,
        asks: bool = False,
        wish: Permission = EVERYTHING,
        viewer: str = "viewer",
        device: int = HOST.number,
        host_session_id: bytes = SESSION,
        ticket: bytes = b"",
        chain: tuple[str, ...] = (),
    ) -> None:
        self.now = 100.0
        self.change: Change = lambda from_viewer, moved: moved
        self.admission = admission or OneCodeAdmission()
        self.source = Source()
        self.exact = Source(EXACT, self.source.keys)
        self._host_owner, self._told = HostOwner(source=self.source, exact=self.exact, asks=asks), ViewerTold()
        self.paths = [MemoryPath(5, begun=True)]
        first = self.paths[0]
        self.host_pipes, self.viewer_pipes = first.host_pipes, first.viewer_pipes
        self.host_attachment, self.viewer_attachment = first.host_attachment, first.viewer_attachment
        own = VIEWER if viewer == "viewer" else identity(viewer)
        self.host = HostSession(
            identity=HOST,
            session_id=host_session_id,
            pipes=SessionPipes(self.host_attachment),
            admission=self.admission,
            entropy=Seeded("host"),
            wall=WALL,
            now=self.now,
        )
        self.viewer = ViewerSession(
            ViewerSettings(
                identity=own,
                device=device,
                session_id=SESSION,
                code=code,
                name="someone",
                permissions=wish,
                decodes=Decoder((0, 1)),
                ticket=ticket,
                chain=chain,
            ),
            SessionPipes(self.viewer_attachment),
            entropy=Seeded(viewer),
            wall=WALL,
            now=self.now,
        )

    @property
    def viewer_owner(self) -> ViewerTold:
        """What the viewer's session has told so far."""
        return self._told.take(self.viewer)

    @property
    def host_owner(self) -> HostOwner:
        """The host's owner, who has taken all events by now."""
        self._host_owner.take(self.host, self.now)
        return self._host_owner

    def answer(self, allowed: bool, answered: bool) -> None:
        """What the person at the host says, or does not."""
        if allowed:
            self.host.admit(self.host_owner.grant(self.host, self.now), self.now)
        else:
            self.host.denied(answered, self.now)

    def carry(self) -> None:
        """Carry what waits, at this moment, until nothing more is said."""
        self._host_owner.take(self.host, self.now)
        while self._carry_waiting() or self._host_answers():
            pass

    def _carry_waiting(self) -> bool:
        carried = False
        while any(path.viewer_pipes.out or path.host_pipes.out for path in self.paths):
            carried = True
            for path in self.paths:
                for from_viewer, pipes in ((True, path.viewer_pipes), (False, path.host_pipes)):
                    while pipes.out:
                        self._carry_one(path, from_viewer, pipes.out.popleft())
        return carried

    def _host_answers(self) -> bool:
        """Input is answered a moment after it was applied."""
        at = self.host.next_timeout()
        if at is None or not self.now < at <= self.now + T_ECHO:
            return False
        self.host.handle_timer(at)
        return True

    def _carry_one(self, path: MemoryPath, from_viewer: bool, sent: Moved) -> None:
        moved = self.change(from_viewer, sent)
        if moved is not None and (moved := path.passes(from_viewer, moved)) is not None:
            self.hand(path, from_viewer, moved)

    def hand(self, path: MemoryPath, from_viewer: bool, moved: Moved) -> None:
        """Let one end get what the other said on a path, or what a third might have put there."""
        session, attachment = (
            (self.host, path.host_attachment) if from_viewer else (self.viewer, path.viewer_attachment)
        )
        if moved.reset is not None:
            session.channel_reset(attachment, moved.channel, moved.stream, moved.reset, self.now)
        elif moved.opens:
            session.channel_opened(attachment, moved.channel, moved.stream, self.now)
        else:
            session.channel_received(attachment, moved.channel, moved.stream, moved.data, moved.end, self.now)
        self._host_owner.take(self.host, self.now)

    def another_path(self, *, direct: bool = False) -> MemoryPath:
        """A place for the session on another hop."""
        path = MemoryPath(5 + len(self.paths), direct=direct)
        self.paths.append(path)
        return path

    def move(self, path: MemoryPath) -> None:
        """The viewer takes the session there, and all is said that follows."""
        self.viewer.move(path.viewer_attachment, self.now)
        self.carry()

    def lose(self, path: MemoryPath, *, viewer: bool = True, host: bool = True) -> None:
        """A way breaks, with what is on it, and who notices is told."""
        path.room = {True: 0, False: 0}
        path.viewer_pipes.out.clear()
        path.host_pipes.out.clear()
        if viewer:
            self.viewer.attachment_lost(path.viewer_attachment, Refused(CloseCode.TIMEOUT), self.now)
        if host:
            self.host.attachment_lost(path.host_attachment, self.now)
        self.carry()

    def start(self) -> Meeting:
        """The handshake, as far as it goes."""
        self.viewer.start()
        self.carry()
        return self

    def at(self, seconds: float, *, deaf: str = "") -> None:
        """Let time pass up to `seconds` from now, timers firing in order; the timers of a `deaf` side do not."""
        end = self.now + seconds
        sides = [side for name, side in (("host", self.host), ("viewer", self.viewer)) if name != deaf]
        while True:
            due = [at for side in sides if (at := side.next_timeout()) is not None]
            if not due or min(due) > end:
                break
            self.now = max(self.now, min(due))
            for side in sides:
                at = side.next_timeout()
                if at is not None and at <= self.now:
                    side.handle_timer(self.now)
            self.carry()
        self.now = end

    @property
    def reason(self) -> CloseCode | None:
        """Why the viewer's session ended."""
        return self.viewer_owner.ended.code if self.viewer_owner.ended else None

    def send_input(self, *events: tuple[Any, ...]) -> int:
        """Input that is applied to the desktop: keys and pointer, by XTEST or pynput."""
        sequence = self.viewer.send_input(list(events), self.now)
        self.carry()
        return sequence
