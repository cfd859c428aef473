"""Chapters 4.7, 5.5 and 6.6 at the host: whom it tells its clipboard, what media it makes, what strangers may cost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, cast

import pytest

from avl_host.assembly import Served, assemble
from avl_host.desktop.clipboard import MemoryClipboard
from avl_host.encode.budget import Budget, Slow
from avl_host.encode.codecs.coders import decodable
from avl_host.encode.pipeline import Row
from avl_host.input.recorder import InputRecorder
from avl_host.paths.hops import RelayHop
from avl_host.presence.promptlimit import PromptLimit
from avl_host.publish.publisher import GATHER
from avl_host.rights.door import GrantDoor
from avl_host.sessions.subscriber import Subscriber, SubscriberPath
from avl_host.sessions.subscribers import Subscribers
from avl_host.sessions.tickets import TicketBook
from avl_protocol.crypto.sframe import MediaKey
from avl_protocol.endpoint.loop.clock import SystemClock
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.media.frame import Chroma
from avl_protocol.media.track import video
from avl_protocol.rights.effective import OWNER
from avl_protocol.session.handshakelimits import HandshakeLimits
from avl_protocol.session.hop.client import HopClient, HopClientState
from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import Ended, Event, HostState, Message
from avl_protocol.session.media.keys import MediaKeyring
from avl_protocol.session.media.sender import MediaSender
from avl_protocol.session.pipes import Attachment
from avl_protocol.wire.channels import channel_of
from avl_protocol.wire.endtoend import (
    BulkMessage,
    ChannelMessage,
    Clipboard,
    ClipboardAsk,
    ClipboardSet,
    Decoder,
    MediaKeys,
    Missing,
    Replaced,
)
from avl_protocol.wire.messages import Evict, HopMessage
from avl_protocol.wire.registry import (
    MAX_CLIPBOARD_TEXT,
    MAX_MISSING_ROWS,
    Channel,
    ClipboardState,
    CloseCode,
    Permission,
)
from tests.host.hosting import RecordingService, Unreachable, sharing_of
from tests.protocol.handshakes import HOST, VIEWER, Seeded
from tests.protocol.memory import MemoryCarrier
from tests.protocol.sealed import exact_frame, exact_pixels, frame

EVERYTHING = Permission(sum(Permission))
LARGEST = "x" * MAX_CLIPBOARD_TEXT


class Session:
    """A session as Subscribers sees it; `told`: bulk messages that went to its viewer."""

    state = HostState.ADMITTED
    detached = False
    name = ""
    keeps_up = True
    presented = None
    agreed = None

    def __init__(self, handle: int, permissions: Permission) -> None:
        self.handle = handle
        self.session_id = handle.to_bytes(16, "big")
        self.permissions = permissions
        self.viewer = VIEWER.public
        self.events: deque[Event] = deque()
        self.told: list[ChannelMessage] = []
        self.controls: list[ChannelMessage] = []
        self.refused: list[CloseCode] = []

    def end(self, code: CloseCode, now: float) -> None:
        self.refused.append(code)

    def withhold(self, permissions: Permission) -> None:
        return

    def next_event(self) -> Event | None:
        return self.events.popleft() if self.events else None

    def next_timeout(self) -> float | None:
        return None

    def send(self, message: ChannelMessage) -> bool:
        (self.told if channel_of(type(message)) == Channel.BULK else self.controls).append(message)
        return True


class Coder:
    """A Worker that writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.missing: list[tuple[tuple[Row, ...], Callable[[tuple[Row, ...], int], None]]] = []

    def request_missing(self, rows: tuple[Row, ...], tell: Callable[[tuple[Row, ...], int], None]) -> None:
        self.missing.append((rows, tell))

    def request_key(self) -> None:
        self.asked.append("key")

    def request_lower_key(self) -> None:
        return

    def set_slow(self, slow: Slow | None) -> None:
        return

    def request_everything(self) -> None:
        self.asked.append("everything")

    def set_chroma(self, chroma: Chroma) -> None:
        self.asked.append(chroma.name)

    def set_budget(self, budget: Budget) -> None:
        self.asked.append(str(budget.bitrate))

    def input_applied(self, when: float) -> None:
        return

    def wake(self) -> None:
        return


class Hop:
    """The link to a relay: what is said on it."""

    state = HopClientState.UP
    media_handle = 9

    def __init__(self) -> None:
        self.carrier = MemoryCarrier(("10.0.0.1", 1), 0)
        self.said: list[HopMessage] = []
        self.hop = RelayHop(cast(HopClient, self))

    def send(self, message: HopMessage) -> None:
        self.said.append(message)


class Forgetful:
    """A StateFolder that keeps nothing."""

    def read(self, name: str) -> bytes | None:
        return None

    def keep(self, name: str, data: bytes, costs: str) -> bool:
        return True


class Lobby:
    """A host's reception with sessions of the test's choice."""

    def __init__(self, *permissions: Permission) -> None:
        self.clipboard = MemoryClipboard()
        self.publisher = publisher = sharing_of(lambda: 0.0)
        world = World(clock=SystemClock(), entropy=Seeded("world"), network=cast(Any, None))
        self.subscribers = Subscribers(
            world,
            identity=HOST,
            name="host",
            admission=cast(Any, None),
            publisher=publisher,
            keep=0.0,
            ask=None,
            tell=lambda _text: None,
            after=lambda: None,
        )
        tickets = TicketBook(cast(StateFolder, Forgetful()), 0.0, Seeded("tickets"), lambda: 0.0)
        served = Served(
            publisher=publisher,
            sink=InputRecorder(),
            clipboard=self.clipboard,
            tickets=tickets,
            door=GrantDoor(
                state=cast(StateFolder, Forgetful()),
                identity=HOST,
                tickets=tickets,
                allows=OWNER,
                asks=False,
                wall=lambda: 0.0,
                tell=lambda _text: None,
            ),
            reachability=cast(Any, Unreachable()),
            lock_watch=cast(Any, RecordingService()),
        )
        features = assemble(self.subscribers, served, lambda _text: None, lambda: 0.0)
        self.coder, self.client = Coder(), Hop()
        publisher.start(cast(Any, self.coder))
        self.clipboard.on_change = features.clipboard.changed
        self.sessions = [Session(at, each) for at, each in enumerate(permissions)]
        for session in self.sessions:
            subscriber = Subscriber(session=cast(HostSession, session), source=None)
            subscriber.paths.append(
                SubscriberPath(self.client.hop, session.handle, Attachment(self.client.hop.hop, session.handle))
            )
            self.subscribers._subscribers[session.session_id] = subscriber
            self.subscribers.services.admitted(cast(HostSession, session), 0.0)
            session.told.clear()
            session.controls.clear()

    def say(self, session: Session, message: BulkMessage | Missing) -> None:
        self.happens(session, Message(message))

    def happens(self, session: Session, event: Event) -> None:
        """A session has this to say."""
        session.events.append(event)
        self.subscribers.settle(0.0)


def texts(session: Session) -> list[str]:
    return [message.text for message in session.told if isinstance(message, Clipboard)]


def answers(session: Session) -> list[tuple[int, bool, int]]:
    told = [message for message in session.told if isinstance(message, ClipboardSet)]
    return [(message.serial, message.taken, message.state) for message in told]


# -- clipboard ---------------------------------------------------------------------------------------------------------


async def test_the_clipboard_is_told_to_those_who_may_read_it_and_not_to_who_set_it() -> None:
    lobby = Lobby(EVERYTHING, EVERYTHING, EVERYTHING & ~Permission.CLIPBOARD_OUT, Permission.VIEW)
    setter, reader, *others = lobby.sessions
    lobby.clipboard.copy("by hand")
    assert [texts(session) for session in lobby.sessions] == [["by hand"], ["by hand"], [], []]
    lobby.say(setter, Clipboard(1, "from a viewer"))
    assert await lobby.clipboard.get() == "from a viewer"
    assert texts(setter) == ["by hand"]
    assert texts(reader) == ["by hand", "from a viewer"]
    for session in (reader, *others):
        lobby.say(session, ClipboardAsk())
    await lobby.subscribers.settled()
    assert texts(reader)[2:] == ["from a viewer"]
    assert [texts(session) for session in others] == [[], []]
    for without in (LARGEST + "x", "\0", ClipboardState.NO_ANSWER):
        lobby.clipboard.copy(without)
    told = [message for message in reader.told if isinstance(message, Clipboard)][3:]
    assert [(message.text, message.state) for message in told] == [
        ("", ClipboardState.TOO_LARGE),
        ("", ClipboardState.NOT_TEXT),
        ("", ClipboardState.NO_ANSWER),
    ], "why there is no text is told"


@pytest.mark.parametrize(
    ("permissions", "text", "state"),
    [
        (EVERYTHING, "short", ClipboardState.TEXT),
        (EVERYTHING, LARGEST, ClipboardState.TEXT),
        (EVERYTHING, LARGEST + "x", ClipboardState.TOO_LARGE),
        (EVERYTHING, "ä" * (MAX_CLIPBOARD_TEXT // 2 + 1), ClipboardState.TOO_LARGE),
        (EVERYTHING, "a\0b", ClipboardState.NOT_TEXT),
        (EVERYTHING & ~Permission.CLIPBOARD_IN, "short", ClipboardState.NOT_PERMITTED),
    ],
    ids=["short", "largest", "too long", "too long in UTF-8", "with a NUL", "not permitted"],
)
async def test_setting_the_clipboard_is_always_answered(
    permissions: Permission, text: str, state: ClipboardState
) -> None:
    taken = state is ClipboardState.TEXT
    lobby = Lobby(permissions)
    lobby.clipboard.copy("before")
    lobby.say(lobby.sessions[0], Clipboard(17, text))
    assert answers(lobby.sessions[0]) == [(17, taken, state)]
    assert await lobby.clipboard.get() == (text if taken else "before")


async def test_a_desktop_that_does_not_take_the_text_is_reported() -> None:
    lobby = Lobby(EVERYTHING, EVERYTHING)
    lobby.clipboard.takes = False
    lobby.say(lobby.sessions[0], Clipboard(3, "text"))
    assert answers(lobby.sessions[0]) == [(3, False, ClipboardState.NO_ANSWER)]
    assert texts(lobby.sessions[1]) == []


# -- media -------------------------------------------------------------------------------------------------------------


def test_chroma_is_what_every_viewer_decodes() -> None:
    publisher = sharing_of(lambda: 0.0)
    coder = Coder()
    publisher.start(cast(Any, coder))
    publisher.set_viewer(1, decodable(Decoder((0, 1))))
    for viewer in (2, 3):
        publisher.set_viewer(viewer, decodable(Decoder((0,))))
        publisher.handle_timer(GATHER)
    publisher.set_viewer(2, None)
    publisher.set_viewer(3, None)
    assert [each for each in coder.asked if each != "everything"] == ["YUV420", "YUV444"]
    assert coder.asked.count("everything") == 3, "who comes has nothing yet"


def test_no_picture_is_taken_while_one_waits_or_nobody_watches() -> None:
    publisher = sharing_of(lambda: 0.0)
    client = Hop()
    carrier = client.carrier
    upload = client.hop.upload
    publisher.open(upload)
    upload.sessions = 1
    assert not publisher.ready(), "nobody is there"
    publisher.set_viewer(1, decodable(Decoder((0, 1))))
    assert publisher.ready()
    carrier.held = True
    publisher.look()
    assert not publisher.ready()
    carrier.held = False
    publisher.look()
    assert publisher.ready()
    upload.audience((), 0, 0.0, 0.0)
    publisher.changed()
    assert not publisher.ready(), "nobody looks"
    upload.audience((1,), 0, 0.0, 0.0)
    publisher.changed()
    assert publisher.ready()
    publisher.close(upload)
    assert not publisher.ready()


def test_who_remains_after_an_eviction_is_given_a_generation_of_its_own() -> None:
    keys = MediaKeyring(Seeded("media"))
    sender = MediaSender(bytes(16), video(1), lambda _data: bytes(64), keys)
    joined = keys.join()
    renewed = keys.renew()
    assert renewed.generation > joined.generation
    assert renewed.base not in (joined.base, joined.ratchet().base, sender.current_key.base)
    assert keys.join() == renewed, "who comes in before the next key object shares it"


def test_each_wish_for_what_is_missing_is_answered_to_who_asked() -> None:
    lobby = Lobby(Permission.VIEW, EVERYTHING)
    first, second = lobby.sessions
    lobby.say(first, Missing(2, ((3, 5), (9, 9))))
    lobby.say(second, Missing(2, ((5, 6),)))
    assert first.controls == second.controls == [], "as soon as it is certain what answers it"
    assert [rows for rows, _ in lobby.coder.missing] == [((3, 5), (9, 9)), ((5, 6),)]
    for newest, (rows, tell) in enumerate(lobby.coder.missing, 17):
        tell(rows, newest)
    assert first.controls == [Replaced(2, ((3, 5), (9, 9)), 17)]
    assert second.controls == [Replaced(2, ((5, 6),), 18)]


def test_a_wish_for_what_is_missing_of_no_track_of_exact_pixels_comes_to_nothing() -> None:
    lobby = Lobby(EVERYTHING)
    for track in (1, 3, -1, 1 << 40):
        lobby.say(lobby.sessions[0], Missing(track, ((0, 0),)))
    assert lobby.coder.missing == [] and lobby.sessions[0].controls == []
    assert not lobby.sessions[0].refused


@pytest.mark.parametrize(
    "rows", [((0,),), ((0, 1, 2),), ((5, 4),), ((-1, 4),), ((0, 0),) * (MAX_MISSING_ROWS + 1)], ids=repr
)
def test_rows_that_are_none_end_the_session(rows: tuple[tuple[int, ...], ...]) -> None:
    lobby = Lobby(EVERYTHING)
    lobby.say(lobby.sessions[0], Missing(2, rows))
    assert lobby.coder.missing == []
    assert lobby.sessions[0].refused == [CloseCode.SESSION_PROTOCOL]


def test_a_beacon_says_that_all_was_sent_whatever_one_viewer_misses() -> None:
    lobby = Lobby(EVERYTHING)
    (publication,) = lobby.publisher.publications
    lobby.publisher.frame(publication, frame(True))
    lobby.publisher.frame(publication, exact_frame(exact_pixels(settled=True)))
    assert lobby.publisher.beacon_objects() == ((1, 0, 0), (2, 0, 1))
    lobby.publisher.frame(publication, frame(False))
    assert lobby.publisher.beacon_objects() == ((1, 1, 0), (2, 0, 0)), "something moves"
    lobby.publisher.frame(publication, exact_frame(exact_pixels(settled=True)))
    assert lobby.publisher.beacon_objects() == ((1, 1, 0), (2, 1, 1))
    lobby.say(lobby.sessions[0], Missing(2, ((0, 0),)))
    assert lobby.publisher.beacon_objects() == ((1, 1, 0), (2, 1, 1)), "who asked heeds it from the next object on"
    lobby.publisher.frame(publication, exact_frame(exact_pixels(settled=True)))
    assert lobby.publisher.beacon_objects() == ((1, 1, 0), (2, 2, 1))


def test_when_a_session_ends_the_others_are_given_new_keys() -> None:
    lobby = Lobby(EVERYTHING, EVERYTHING, Permission.VIEW)
    gone, *rest = lobby.sessions
    before = lobby.publisher.join_key()
    lobby.happens(gone, Ended(CloseCode.ENDED))
    assert lobby.client.said == [Evict(gone.handle, CloseCode.ENDED)]
    assert gone.controls == []
    for session in rest:
        (keys,) = session.controls
        assert isinstance(keys, MediaKeys)
        (key,) = (MediaKey.from_bytes(each) for each in keys.keys)
        assert key.generation > before.generation
    assert rest[0].controls == rest[1].controls
    assert lobby.coder.asked[-1] == "key", "a key object is asked for at once"


# -- strangers ---------------------------------------------------------------------------------------------------------


def test_the_host_bounds_handshakes_whatever_its_relay_lets_through() -> None:
    limits = HandshakeLimits()
    assert [limits.take("here", b"one", at) for at in range(7)] == [True] * 5 + [False] * 2
    assert limits.take("here", b"one", 61.0), "a minute later"
    assert all(limits.take("here", bytes([at] * 8), 61.0) for at in range(100)), "others are not hurt"
    for _ in range(50):
        assert limits.take("here", b"another", 61.0), "what ended in admission does not count"
        limits.admitted("here", b"another", 61.0)


def test_a_person_is_asked_ten_times_an_hour_at_most() -> None:
    limits = PromptLimit()
    assert [limits.take(bytes([at]), at) for at in range(12)] == [True] * 10 + [False] * 2
    assert not limits.take(b"another", 3599.0)
    assert limits.take(b"another", 3600.0)
    assert not limits.take(b"another", 3600.5)
    of_one = PromptLimit()
    assert [of_one.take(b"one", at) for at in range(5)] == [True] * 3 + [False] * 2
    assert of_one.take(b"another", 5)
