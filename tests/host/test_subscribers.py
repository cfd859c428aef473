"""The viewers of a host, from the relay's INCOMING on: limits, consent, clipboard, keys, ends."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any, cast

import pytest

from avl_host.assembly import Served, assemble
from avl_host.capture.source import CursorImage
from avl_host.config import EVERYTHING
from avl_host.desktop.clipboard import MemoryClipboard
from avl_host.display.display import Display
from avl_host.input.recorder import InputRecorder
from avl_host.paths.registration import Registration
from avl_host.presence.blank import BlankWatch
from avl_host.presence.question import Decision, Question
from avl_host.presence.watch import PresenceWatch
from avl_host.rights.door import GrantDoor
from avl_host.services.monitors import OpenMonitor
from avl_host.services.pointer import CURSOR_RATE
from avl_host.sessions.subscribers import RENEWAL_SPACING, UNADMITTED, Subscribers
from avl_host.sessions.tickets import TICKET_BYTES, TicketBook
from avl_protocol.crypto.sframe import MediaKey
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.media.frame import Monitor
from avl_protocol.rights.effective import OWNER
from avl_protocol.session.hop import clientevents
from avl_protocol.session.hop.clientevents import ChannelReceived, HopLost, HopSaid, HopUp
from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import (
    Asks,
    ChannelOpened,
    Detached,
    Ended,
    Event,
    HostState,
    Input,
    Message,
    Returned,
)
from avl_protocol.session.pipes import Attachment, SessionPipes
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import ViewerSettings
from avl_protocol.wire.channels import channel_of
from avl_protocol.wire.clipformats import Copy
from avl_protocol.wire.endtoend import (
    Clipboard,
    ClipboardAsk,
    ClipboardSet,
    Cursor,
    Decoder,
    Grant,
    Layout,
    MediaKeys,
    NeedKeys,
    Ticket,
)
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import Accept, Admit, Detach, Evict, Incoming, Recover, Reject, Viewers, Welcome
from avl_protocol.wire.registry import (
    LANES,
    MAX_CLIPBOARD_TEXT,
    T_RESUME,
    Channel,
    ClipboardState,
    CloseCode,
    InputKind,
    Permission,
)
from avl_protocol.wire.target import RelayAddress
from tests.host.hosting import RecordingHop, RecordingService, RecordingWorker, Unreachable, sharing_of
from tests.protocol.handshakes import HOST, WALL, Seeded, identity
from tests.protocol.meeting import OneCodeAdmission


class Nowhere:
    """Whereabouts and a dialler for a host that asks nobody where it is."""

    def observed(self, who: object, text: str) -> bool:
        return False

    def forget(self, who: object) -> None:
        return

    def locate(self, *about: object) -> None:
        return


def welcome(name: str = "relay.test:4433", page: str = "") -> Welcome:
    """What a relay says of itself when a host registers."""
    return Welcome(
        version=1, nonce=bytes(16), observed="", identity=b"", endorsement=b"", time_ms=0, name=name, page=page
    )


class Clock:
    """Stands where it is put."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return float(WALL)


class Visitor:
    """A viewer's own session at a lobby; what it says waits until the lobby is given it, `step` by step."""

    def __init__(self, lobby: Lobby, handle: int, permissions: Permission, name: str) -> None:
        own, ticket = identity(f"viewer {handle}"), handle.to_bytes(TICKET_BYTES, "big")
        lobby.admission.tickets[ticket, own.public] = permissions
        self._lobby, self._handle, self._hop = lobby, handle, RecordingHop()
        self._place = Attachment(self._hop.as_link(), handle, begun=True)
        settings = ViewerSettings(
            identity=own,
            device=HOST.number,
            session_id=handle.to_bytes(16, "big"),
            code="",
            name=name,
            permissions=permissions,
            decodes=None,
            ticket=ticket,
        )
        self._session = ViewerSession(
            settings, SessionPipes(self._place), entropy=Seeded(name), wall=WALL, now=lobby.clock.now
        )
        self._own = 0
        self._session.start()
        self._opened()

    @property
    def stream(self) -> int:
        """The stream of its channel 0, as the host knows it."""
        return 100_000 * self._handle + self._own

    def _opened(self) -> None:
        """Channel 0 has another stream, opened before those of the other channels."""
        self._own = min(self._hop.carrier.sent)

    def step(self) -> None:
        """The host hears what is said on channel 0, and its answer is heard."""
        said = bytes(self._hop.carrier.sent.pop(self._own))
        lobby, now = self._lobby, self._lobby.clock.now
        heard = ChannelReceived(handle=self._handle, channel=Channel.CONTROL, stream=self.stream, data=said, end=False)
        lobby.relay.apply(
            clientevents.ChannelOpened(handle=self._handle, channel=Channel.CONTROL, stream=self.stream), now
        )
        lobby.relay.apply(heard, now)
        answer = bytes(lobby.client.carrier.sent.pop(self.stream, b""))
        self._session.channel_received(self._place, Channel.CONTROL, self._own, answer, False, now)

    def come_back(self) -> None:
        """Take the session to streams of its own, where it is."""
        self._hop.carrier.sent.clear()
        self._session.move(self._place, self._lobby.clock.now)
        self._opened()
        self.step()


class Lobby:
    """A reception with one relay, on a recording link; `admit` makes sessions that are in, each with its visitor."""

    def __init__(
        self,
        folder: Path,
        ask: Any = None,
        presence: PresenceWatch | None = None,
        blank: BlankWatch | None = None,
        display: Display | None = None,
        open_monitor: OpenMonitor | None = None,
    ) -> None:
        self.clock = Clock()
        self.admission = OneCodeAdmission()
        self.visitors: dict[int, Visitor] = {}
        self.said: list[str] = []
        self.sink, self.client, self.worker = InputRecorder(), RecordingHop(), RecordingWorker()
        self.watcher = RecordingService()
        self.presence = presence or PresenceWatch()
        self.blank = blank or BlankWatch(None, self.said.append)
        self.clipboard = MemoryClipboard()
        self.publisher = sharing_of(self.clock.monotonic)
        self.publisher.start(self.worker)
        world = World(clock=self.clock, entropy=Seeded("world"), network=cast(Any, None))
        self.tickets = TicketBook(StateFolder(folder), T_RESUME, Seeded("tickets"), self.clock.wall)
        self.door = GrantDoor(
            state=StateFolder(folder),
            identity=HOST,
            tickets=self.tickets,
            allows=OWNER,
            asks=False,
            wall=self.clock.wall,
            tell=self.said.append,
        )
        self.subscribers = Subscribers(
            world,
            identity=HOST,
            name="desk",
            admission=self.admission,
            publisher=self.publisher,
            keep=T_RESUME,
            ask=ask,
            tell=self.said.append,
            after=lambda: None,
        )
        served = Served(
            publisher=self.publisher,
            sink=self.sink,
            clipboard=self.clipboard,
            tickets=self.tickets,
            door=self.door,
            reachability=cast(Any, Unreachable()),
            lock_watch=cast(Any, self.watcher),
            presence=self.presence,
            blank=self.blank,
            display=display,
            open_monitor=open_monitor,
            folder=StateFolder(folder),
        )
        self.features = assemble(self.subscribers, served, self.said.append, self.clock.monotonic)
        nowhere = cast(Any, Nowhere())
        self.relay = Registration(
            world=world,
            identity=HOST,
            relay=RelayAddress("relay.test", 4433),
            dialler=nowhere,
            subscribers=self.subscribers,
            publisher=self.publisher,
            whereabouts=nowhere,
            tell=self.said.append,
            changed=lambda: None,
            after=lambda: None,
            moved=lambda: None,
        )
        self.relay.use(self.client.as_link())
        self.relay.apply(HopUp(welcome()), self.clock.now)
        self.client.sent.clear()
        self.told: dict[int, list[Any]] = {}

    @property
    def sessions(self) -> list[HostSession]:
        return self.subscribers.sessions

    def say(self, message: Any) -> None:
        """The relay says something."""
        self.relay.apply(HopSaid(message), self.clock.now)

    def wait(self, seconds: float) -> None:
        """Time passes, and timers fire."""
        self.clock.now += seconds
        self.subscribers.handle_timer(self.clock.now)

    def incoming(self, handle: int, source: bytes = b"source") -> HostSession | None:
        name = handle.to_bytes(16, "big")
        self.say(Incoming(session=name, handle=handle, source=source))
        return next((session for session in self.sessions if session.session_id == name), None)

    def admit(self, handle: int, permissions: Permission = EVERYTHING, name: str = "") -> HostSession:
        session = self.incoming(handle, handle.to_bytes(8, "big"))
        assert session is not None
        self.told[handle] = []
        self.hears(session, handle)
        visitor = self.visitors[handle] = Visitor(self, handle, permissions, name)
        while session.state is not HostState.ADMITTED:
            visitor.step()
        return session

    def happens(self, session: HostSession, *events: Event) -> None:
        """A session has this to say."""
        session.events.extend(events)
        self.settle()

    def settle(self) -> None:
        """What sessions have to say is heard."""
        self.subscribers.settle(self.clock.now)

    def hears(self, session: HostSession, handle: int, ways: list[bool] | None = None) -> None:
        """Write down what a session is sent, on its clipboard channel where that has a way (default: it has)."""

        says = session.send

        def send(message: Any, lane: int | None = None) -> bool:
            if isinstance(message, Grant):
                return says(message)
            if ways is not None and not ways[0] and channel_of(type(message), lane) == Channel.BULK:
                return False
            self.told[handle].append(message)
            return True

        session.send = send  # type: ignore[method-assign]

    def of(self, handle: int, kind: type) -> list[Any]:
        return [message for message in self.told[handle] if isinstance(message, kind)]


def test_an_incoming_viewer_is_accepted_within_the_limits_and_rejected_beyond(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    for handle in range(1, 8):
        lobby.incoming(handle)
    assert lobby.client.of(Accept) == [Accept(handle) for handle in range(1, 6)]
    assert lobby.client.of(Reject) == [Reject(6, CloseCode.LIMIT), Reject(7, CloseCode.LIMIT)]


@pytest.mark.parametrize("addresses", [10, 100, 1000])
def test_no_crowd_keeps_a_viewer_out_however_many_addresses_it_has(tmp_path: Path, addresses: int) -> None:
    lobby = Lobby(tmp_path)
    lobby.happens(lobby.admit(1), Ended(CloseCode.SESSION_LOST))
    handles = itertools.count(2)

    def strike() -> None:
        for number in range(addresses):
            lobby.clock.now += 3.0 / addresses
            lobby.incoming(next(handles), number.to_bytes(4, "big") * 2)

    for at in range(3):
        strike()
        newcomer = lobby.incoming(10_000 + at, b"home" + at.to_bytes(4, "big"))
        assert newcomer is not None and newcomer.state is HostState.HANDSHAKE
        known = [lobby.incoming(20_000 + at * 10 + more, (1).to_bytes(8, "big")) for more in range(3)]
        assert all(known)
        strike()
        assert newcomer.state is HostState.HANDSHAKE, "nobody has taken its place"
        for session in (newcomer, *known):
            assert session is not None
            session.end(CloseCode.ENDED, lobby.clock.now)
            lobby.settle()
    assert len(lobby.sessions) <= UNADMITTED


def test_who_waits_for_a_person_keeps_its_place(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    asked = lobby.incoming(1)
    assert asked is not None
    asked.state = HostState.CONSENT
    for number in range(UNADMITTED + 5):
        lobby.incoming(2 + number, number.to_bytes(4, "big") * 2)
    assert asked.state is HostState.CONSENT and len(lobby.sessions) == UNADMITTED + 1
    assert [session.session_id[-1] for session in lobby.sessions[:2]] == [1, 2 + 5], "the oldest of the others are gone"


def test_admission_opens_the_channels_and_pictures_follow_the_decoder(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1)
    assert lobby.client.of(Admit) == [Admit(1, (), (0, 1, 2, *LANES))]
    lobby.happens(session, Message(Decoder((0, 1))))
    lobby.happens(session, Message(Decoder((0,))))
    assert lobby.client.of(Admit)[1:] == [Admit(1, (1, 2, 129), (0, 1, 2, *LANES), (0, 0, 0))]
    viewing = lobby.admit(2, Permission.VIEW)
    assert viewing.channels() == (0,)
    assert Admit(2, (), (0,)) in lobby.client.sent
    assert any("viewing only" in line for line in lobby.said)


def test_a_newcomer_is_told_layout_and_cursor(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lobby.features.layout.changed((800, 600), (Monitor("one", 0, 0, 800, 600, True),))
    lobby.features.pointer.changed(CursorImage(serial=3, width=2, height=2, hot_x=0, hot_y=0, rgba=bytes(16)))
    lobby.admit(1)
    assert lobby.of(1, Layout) == [Layout(800, 600, ("one",), ((0, 0, 800, 600, 1),), ((1, 100, 0),))]
    assert lobby.of(1, Cursor)[0].serial == 3
    lobby.features.layout.changed((640, 480), ())
    assert lobby.of(1, Layout)[1].width == 640


def test_a_pointer_too_detailed_for_a_control_record_replaces_the_old_one_all_the_same(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lobby.admit(1)
    lobby.features.pointer.changed(
        CursorImage(serial=1, width=16, height=16, hot_x=0, hot_y=0, rgba=b"\xff" * (16 * 16 * 4))
    )
    lobby.wait(1)
    lobby.features.pointer.changed(
        CursorImage(serial=2, width=128, height=128, hot_x=64, hot_y=5, rgba=Seeded("noise")(128 * 128 * 4))
    )
    assert [(c.serial, c.width, c.hot_x, c.hot_y) for c in lobby.of(1, Cursor)] == [(1, 16, 0, 0), (2, 128, 64, 5)]


def test_an_animated_pointer_takes_a_bounded_share_and_ends_with_its_last_shape(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lobby.admit(1)
    noise = Seeded("noise")
    for serial in range(1, 201):  # 96 x 96, 50 times a second, for 4 s
        lobby.features.pointer.changed(
            CursorImage(serial=serial, width=96, height=96, hot_x=0, hot_y=0, rgba=noise(96 * 96 * 4))
        )
        lobby.wait(0.02)
    told = lobby.of(1, Cursor)
    assert told[0].serial == 1 and 5 <= len(told) <= 20
    assert sum(len(cursor.image) for cursor in told[:-1]) * 8 / 4 <= CURSOR_RATE * 1.1
    due = lobby.subscribers.next_timeout()
    assert due is not None and due <= lobby.clock.now + 1
    lobby.wait(1)
    assert lobby.of(1, Cursor)[-1].serial == 200
    lobby.wait(5)
    assert [cursor.serial for cursor in lobby.of(1, Cursor)].count(200) == 1


def test_input_reaches_the_desktop(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1)
    events: list[tuple[Any, ...]] = [
        (InputKind.MOVE, 1, 2),
        (InputKind.BUTTON, 1, True),
        (InputKind.WHEEL, 0, 120),
        (InputKind.KEY, 4, True, 0, "a"),
        (InputKind.TEXT, "ü"),
    ]
    lobby.clock.now = 101.0
    lobby.happens(session, Input(tuple(events)))
    assert [event[0] for event in lobby.sink.events] == ["move", "button", "scroll", "key", "text"]
    assert lobby.worker.inputs == [101.0]


# -- clipboard ---------------------------------------------------------------------------------------------------------


def test_a_viewers_clipboard_is_set_answered_and_told_to_the_others_only(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    source = lobby.admit(1)
    lobby.admit(2)
    lobby.admit(3, Permission.VIEW)
    lobby.happens(source, Message(Clipboard(7, "text")))
    assert lobby.clipboard.content == "text"
    assert lobby.of(1, ClipboardSet) == [ClipboardSet(7, True)] and lobby.of(1, Clipboard) == []
    assert [m.text for m in lobby.of(2, Clipboard)] == ["text"]
    assert lobby.of(3, Clipboard) == []


@pytest.mark.parametrize(
    ("why", "state"),
    [
        ("permission", ClipboardState.NOT_PERMITTED),
        ("size", ClipboardState.TOO_LARGE),
        ("NUL", ClipboardState.NOT_TEXT),
        ("desktop", ClipboardState.NO_ANSWER),
    ],
)
def test_a_clipboard_that_is_not_taken_is_answered_so(tmp_path: Path, why: str, state: ClipboardState) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1, EVERYTHING & ~Permission.CLIPBOARD_IN if why == "permission" else EVERYTHING)
    lobby.admit(2)
    lobby.clipboard.takes = why != "desktop"
    text = "x" * (MAX_CLIPBOARD_TEXT + 1) if why == "size" else "te\0xt" if why == "NUL" else "text"
    lobby.happens(session, Message(Clipboard(7, text)))
    assert lobby.of(1, ClipboardSet) == [ClipboardSet(7, False, state)]
    assert lobby.clipboard.content is ClipboardState.EMPTY and lobby.of(2, Clipboard) == []


async def test_the_hosts_clipboard_is_told_to_who_may_read_it(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    reads, not_reads = lobby.admit(1), lobby.admit(2, EVERYTHING & ~Permission.CLIPBOARD_OUT)
    lobby.features.clipboard.changed(Copy("copied", stamp=1))
    lobby.features.clipboard.changed(Copy(ClipboardState.NOT_TEXT, stamp=2))
    assert [(m.text, m.state) for m in lobby.of(1, Clipboard)] == [("copied", 0), ("", ClipboardState.NOT_TEXT)]
    lobby.clipboard.content = "asked for"
    for session in (reads, not_reads):
        lobby.happens(session, Message(ClipboardAsk()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert lobby.of(1, Clipboard)[-1].text == "asked for"
    assert lobby.of(2, Clipboard) == []


async def test_what_was_copied_before_the_viewer_had_its_clipboard_channel_is_told_once_it_has(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1)
    ways = [False]
    lobby.hears(session, 1, ways)
    lobby.clipboard.content = "newest"
    lobby.features.clipboard.changed(Copy("older", stamp=1))
    lobby.features.clipboard.changed(Copy("newest", stamp=2))
    lobby.happens(session, Message(ClipboardAsk()))
    await asyncio.sleep(0)
    assert lobby.of(1, Clipboard) == []
    ways[0] = True
    for channel in (Channel.INPUT, Channel.BULK, Channel.BULK):
        lobby.happens(session, ChannelOpened(channel))
    await asyncio.sleep(0)
    assert [message.text for message in lobby.of(1, Clipboard)] == ["newest"], "once, and the newest"


# -- consent -----------------------------------------------------------------------------------------------------------


async def test_a_person_is_asked_at_most_ten_times_an_hour(tmp_path: Path) -> None:
    asked: list[str] = []

    async def ask(question: Question) -> Decision | None:
        asked.append(question.claimed)
        return Decision(Permission(0))

    lobby = Lobby(tmp_path, ask)
    session = lobby.incoming(1)
    assert session is not None
    session.viewer = identity("viewer").public
    session.state = HostState.PROVED
    waits: list[float] = []
    ends: list[CloseCode] = []
    session.end = lambda code, now: ends.append(code)  # type: ignore[method-assign]
    session.asked = waits.append  # type: ignore[method-assign, assignment]
    for at in range(10):
        session.viewer = identity(f"viewer {at}").public
        lobby.happens(session, Asks("name", EVERYTHING))
    assert len(waits) == 10 and not ends
    lobby.happens(session, Asks("name", EVERYTHING))
    assert ends == [CloseCode.LIMIT]
    await asyncio.sleep(0)
    assert len(asked) == 10 == len(waits)
    lobby.clock.now += 3600
    another = lobby.incoming(2)
    assert another is not None
    another.viewer, another.state = identity("viewer").public, HostState.PROVED
    another.asked = waits.append  # type: ignore[method-assign, assignment]
    lobby.happens(another, Asks("name", EVERYTHING))
    assert len(waits) == 11
    await asyncio.sleep(0)


# -- keys and ends -----------------------------------------------------------------------------------------------------


def test_who_leaves_is_evicted_and_the_others_get_new_keys(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    goes = lobby.admit(1)
    lobby.admit(2)
    goes.end(CloseCode.ENDED, 100.0)
    lobby.settle()
    assert lobby.client.of(Evict) == [Evict(1, CloseCode.ENDED)]
    assert len(lobby.of(2, MediaKeys)) == 1 and lobby.of(1, MediaKeys) == []
    assert any("has left" in line for line in lobby.said)
    goes.end(CloseCode.ENDED, 100.0)
    lobby.settle()
    assert len(lobby.client.of(Evict)) == 1


def test_who_never_came_in_leaves_without_new_keys_or_a_word(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    friend = lobby.admit(2)
    stranger = lobby.incoming(1)
    assert stranger is not None and stranger in lobby.sessions
    stranger.permissions = EVERYTHING  # the code was right, and then the person said no
    stranger.attachment_lost(stranger.attachment, 100.0)
    lobby.settle()
    assert lobby.sessions == [friend]
    assert lobby.of(2, MediaKeys) == []
    assert not any("has left" in line for line in lobby.said)


def test_a_session_that_the_relay_detached_is_kept_for_a_while_and_then_over(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1)
    lobby.say(Detach(1, CloseCode.ENDED))
    lobby.say(Detach(77, CloseCode.ENDED))
    lobby.wait(T_RESUME - 1)
    assert lobby.sessions == [session]
    lobby.wait(1)
    assert lobby.sessions == [] and lobby.client.of(Evict) == [Evict(1, CloseCode.SESSION_LOST)]


def test_when_the_relay_is_lost_sessions_that_are_in_are_kept_and_others_end(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1)
    lobby.happens(session, Message(Decoder((0, 1))))
    lobby.incoming(2)
    assert lobby.publisher.ready() and not lobby.subscribers.waiting
    lobby.relay.apply(HopLost(Refused(CloseCode.GOING_AWAY)), 100.0)
    assert lobby.sessions == [session] and session.detached and lobby.subscribers.waiting
    assert not lobby.publisher.ready(), "no picture goes into the void"
    assert [what for what, _ in lobby.watcher.seen] == ["admitted", "lost"]
    lobby.wait(T_RESUME)
    assert lobby.sessions == [] and lobby.subscribers.next_timeout() is None
    assert lobby.publisher.audience == 0
    assert [what for what, _ in lobby.watcher.seen] == ["admitted", "lost", "ended"]


def _generations(lobby: Lobby, handle: int) -> list[int]:
    return [MediaKey.from_bytes(key).generation for message in lobby.of(handle, MediaKeys) for key in message.keys]


def test_who_is_lost_misses_the_keys_that_the_others_are_given(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lost = lobby.admit(1)
    lobby.admit(2)
    before = lobby.publisher.join_key().generation
    lost.attachment_lost(Attachment(lobby.client.hop.hop, 9), 100.0)
    lobby.settle()
    lobby.wait(0)
    assert lobby.of(2, MediaKeys) == [], "the way that is gone was not the one in use"
    asked = lobby.worker.keys
    lost.attachment_lost(lost.attachment, 100.0)
    lobby.settle()
    assert lobby.subscribers.next_timeout() == 100.0
    lobby.wait(0)
    assert _generations(lobby, 2) == [before + 1]
    assert lobby.worker.keys == asked + 1, "a key object is asked for at once"
    lobby.wait(T_RESUME)
    assert lost.state is HostState.ENDED
    assert _generations(lobby, 2) == [before + 1], "it has had no key since, so that nobody needs another"


def test_all_who_are_lost_with_one_relay_cost_one_renewal(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    for handle in range(1, 5):
        lobby.admit(handle)
    before = lobby.publisher.join_key().generation
    lobby.relay.apply(HopLost(Refused(CloseCode.GOING_AWAY)), 100.0)
    lobby.wait(0)
    assert lobby.publisher.join_key().generation == before + 1


def test_who_comes_and_goes_all_the_time_does_not_keep_the_others_busy(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    flaps = lobby.admit(1)
    lobby.admit(2)
    for _ in range(1000):
        flaps.channel_reset(flaps.attachment, 0, lobby.visitors[1].stream, CloseCode.SESSION_LOST, lobby.clock.now)
        lobby.settle()
        assert flaps.detached
        lobby.wait(0.001)
        lobby.visitors[1].come_back()
        assert not flaps.detached
    assert len(lobby.of(1, MediaKeys)) >= 1000, "it was given them whenever it was back"
    assert 2 <= len(lobby.of(2, MediaKeys)) <= 2 + 1.0 / RENEWAL_SPACING


def test_a_session_that_is_not_known_is_not_moved_here(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lobby.incoming(2)
    for name in (1, 2):  # never heard of, and not admitted
        lobby.say(Incoming(session=name.to_bytes(16, "big"), handle=7, source=b"source", moves=1))
    assert lobby.client.of(Reject) == [Reject(7, CloseCode.SESSION_UNKNOWN)] * 2
    assert len(lobby.sessions) == 1


def test_a_running_session_gets_another_place_and_stays_where_it_is(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1)
    before = session.attachment
    for handle in range(2, 40):
        lobby.say(Incoming(session=(1).to_bytes(16, "big"), handle=handle, source=b"source", moves=1))
        assert Accept(handle) in lobby.client.sent
    assert session.attachment is before and not session.detached and len(lobby.sessions) == 1
    (subscriber,) = lobby.subscribers.subscribers()
    assert len(subscriber.paths) <= 8 and subscriber.here is not None
    assert all(isinstance(m, Evict) and m.handle not in (1, 39) for m in lobby.client.of(Evict))


def test_who_is_admitted_is_given_a_ticket_and_the_end_voids_it(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    ended, lost = lobby.admit(1), lobby.admit(2)
    tickets = {handle: lobby.of(handle, Ticket)[0] for handle in (1, 2)}
    assert tickets[1].ticket != tickets[2].ticket and tickets[1].seconds == T_RESUME
    ended.end(CloseCode.EVICTED, 100.0)
    lobby.settle()
    assert lobby.tickets.redeem(tickets[1].ticket, ended.viewer) is None
    lost.attachment_lost(lost.attachment, 100.0)
    lobby.settle()
    assert lobby.tickets.redeem(tickets[2].ticket, lost.viewer) == Returned(EVERYTHING)


def test_of_a_session_that_is_not_there_channels_are_refused_and_bytes_dropped(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lobby.relay.apply(ChannelReceived(handle=55, channel=0, stream=4, data=b"x", end=False), 100.0)
    assert lobby.client.carrier.resets == [], "what was said of its end may still be on its way"
    lobby.relay.apply(clientevents.ChannelOpened(handle=55, channel=0, stream=8), 100.0)
    assert lobby.client.carrier.resets == [(8, CloseCode.FORBIDDEN)]


def test_a_viewer_without_a_key_is_given_one_and_a_key_object(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1)
    before = lobby.worker.keys
    lobby.happens(session, Message(NeedKeys(1, 0)))
    assert len(lobby.of(1, MediaKeys)) == 1 and lobby.worker.keys == before + 1
    lobby.say(Recover(0, 1, 5))
    assert lobby.worker.keys == before + 2


def test_the_relays_count_of_viewers_reaches_the_sharing(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1)
    lobby.happens(session, Message(Decoder((0, 1))))
    assert lobby.publisher.ready()
    lobby.say(Viewers(0))
    assert not lobby.publisher.ready()


def test_a_thousand_strangers_leave_nothing_behind(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    for handle in range(1, 1000):
        lobby.clock.now += 20
        session = lobby.incoming(handle, handle.to_bytes(8, "big"))
        assert session is not None
        lobby.clock.now += 11
        lobby.subscribers.handle_timer(lobby.clock.now)
    assert lobby.sessions == [] and lobby.subscribers.next_timeout() is None


def test_a_page_that_is_not_the_relay_s_own_is_not_shown_and_told_of_once(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)

    def welcomed(page: str) -> None:
        lobby.relay.apply(HopUp(welcome(page=page)), lobby.clock.now)

    for _ in range(2):
        welcomed("https://evil.example/\x1b[2J")
        assert lobby.relay.page == ""
    (warning,) = lobby.said
    assert warning.isprintable() and "evil.example/\\x1b[2J" in warning and "relay.test" in warning
    welcomed("https://relay.test:8443/")
    assert lobby.relay.page == "https://relay.test:8443/"


def test_a_relay_s_name_for_itself_runs_nothing_in_a_shell(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    for name in ("x'; reboot; ':4433", "x\x1b[2J:4433", "$(id):4433"):
        lobby.relay.apply(HopUp(welcome(name=name)), lobby.clock.now)
        assert lobby.relay.name == RelayAddress("relay.test", 4433)


def test_a_desktop_that_viewers_refuse_is_told_of_at_the_host(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lobby.features.layout.changed((1366, 768), ())
    assert lobby.said == []
    lobby.features.layout.changed((8192, 8192), ())
    (warning,) = lobby.said
    assert "8192 x 8192" in warning and "Lower its resolution" in warning


@pytest.mark.parametrize("lost", [False, True])
def test_a_ticket_brings_one_session_back_and_never_makes_two_of_it(tmp_path: Path, lost: bool) -> None:
    lobby = Lobby(tmp_path)
    first, other = lobby.admit(1), lobby.admit(2)
    (ticket,) = lobby.of(1, Ticket)
    if lost:
        lobby.happens(first, Detached())
    assert lobby.tickets.redeem(ticket.ticket, other.viewer) is None and first in lobby.sessions, "a thief ends nothing"
    third = lobby.admit(3)
    (ticket,) = lobby.of(3, Ticket)
    assert lobby.tickets.redeem(ticket.ticket, third.viewer) == Returned(EVERYTHING)
    assert third.state is HostState.ENDED and Evict(3, CloseCode.REPLACED) in lobby.client.of(Evict)
    assert lobby.sessions == [first, other], "the place is free before the next is admitted"
