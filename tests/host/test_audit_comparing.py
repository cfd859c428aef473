"""A host compares its log with those of the relays by which its viewers come."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from avl_host.audit.comparing import MOST_NAMED, MOST_RELAYS, Comparing
from avl_host.audit.journal import Journal
from avl_protocol.audit.compare import session_name
from avl_protocol.audit.entry import Entry
from avl_protocol.audit.exchange import ALARM, known, messages, rows
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.program.auditfiles import FOLDER, entries_of, recent
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.session.host import HostSession
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import Logged
from avl_protocol.wire.registry import T_LOGGED, Channel, CloseCode
from tests.host.test_audit import Told
from tests.host.test_subscribers import Lobby

RELAY, OTHER = b"r" * 32, b"o" * 32
A = session_name(b"a" * 16)


class Hop:
    """To a relay: what it was told."""

    def __init__(self) -> None:
        self.said: list[list[str]] = []

    def send(self, message: Logged) -> None:
        self.said.append([name for name, _ in rows(message)])


class Desk:
    """A Comparing of a host with sessions."""

    def __init__(self, folder: Path) -> None:
        self.lobby = Lobby(folder)
        self.told, self.said = Told(), list[str]()
        self.comparing = Comparing(self.told, self.lobby.clock, self.said.append)
        self.lobby.subscribers.services.register(self.comparing, Channel.CONTROL)

    def up(self, relay: bytes = RELAY) -> Any:
        hop: Any = Hop()
        self.comparing.up(hop, relay)
        return hop

    def knows(self) -> None:
        self.comparing.know((), self.now_ms - 24 * 3_600_000)

    @property
    def now_ms(self) -> int:
        return int(self.lobby.clock.wall() * 1000)

    def admit(self, handle: int, hop: Any) -> str:
        """A session comes by this hop; its name."""
        session = self.lobby.incoming(handle, handle.to_bytes(8, "big"))
        assert session is not None
        self.comparing.admitted(_At(session, hop), self.lobby.clock.now)  # type: ignore[arg-type]
        return session_name(session.session_id)

    def hears(self, hop: Any, *names: str) -> None:
        for message in messages([(name, self.now_ms) for name in names], self.now_ms - 24 * 3_600_000, self.now_ms):
            self.comparing.hear(hop, message)


class _At:
    """A session, as if it had come by a hop."""

    def __init__(self, session: HostSession, hop: Any) -> None:
        self.session_id = session.session_id
        self.attachment = type("Place", (), {"hop": hop})()


def test_a_relay_is_told_of_what_comes_by_it_alone_and_of_no_more_when_it_is_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hop, other = desk.up(), desk.up(OTHER)
    early = desk.admit(1, hop)
    assert hop.said == [], "the log is not read yet"
    desk.knows()
    assert hop.said == [[]] and other.said == [[]]
    first, second = desk.admit(2, hop), desk.admit(3, other)
    assert hop.said == [[], [first]] and other.said == [[], [second]]
    desk.hears(hop, early, first)
    assert hop.said == [[], [first], [early]], "what it names and was told already is not said again"
    desk.admit(4, hop)
    desk.comparing.down(hop)
    back = desk.up()
    assert back.said == [[early, first]], "the relay may not have heard of the last one"
    desk.hears(hop, A)
    desk.hears(back, second)
    assert back.said[1:] == [[second]], "sessions move"


@pytest.mark.parametrize("lacks", ["host", "relay"])
def test_what_is_missing_is_told_a_person_and_logged_once(tmp_path: Path, lacks: str) -> None:
    desk = Desk(tmp_path)
    desk.knows()
    hop = desk.up()
    desk.hears(hop)
    if lacks == "host":
        desk.hears(hop, A)
        name = A
    else:
        name = desk.admit(1, hop)
    for _ in range(2):
        desk.lobby.wait(T_LOGGED)
        assert [said["session"] for kind, said in desk.told.events if kind == "alarm"] == [name]
        desk.comparing.down(hop)
        hop = desk.up()
        desk.hears(hop, *([A] if lacks == "host" else []))
    ((_, said),) = desk.told.events
    assert said["alarm"] == ALARM and f"not in the {lacks}'s" in str(said["why"])
    assert len(desk.said) == 1 and desk.said[0].startswith(f"WARNING: session {name} is in the")


def test_a_relay_that_keeps_no_log_is_held_to_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.knows()
    desk.admit(1, desk.up())
    desk.lobby.wait(2 * T_LOGGED)
    assert desk.told.events == [] and desk.comparing.next_timeout() is None


def test_what_is_remembered_of_relays_is_bounded(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.knows()
    for number in range(MOST_RELAYS + 4):
        desk.comparing._note(number.to_bytes(32, "big"), A, 0)
    for number in range(MOST_NAMED + 4):
        desk.comparing._note(RELAY, str(number), 0)
    assert len(desk.comparing._named) == MOST_RELAYS
    assert max(map(len, desk.comparing._named.values())) == MOST_NAMED


def test_a_session_is_named_once_it_is_admitted(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.knows()
    session = desk.lobby.admit(1)
    assert list(desk.comparing._sessions.of("")) == [(session_name(session.session_id), desk.now_ms)]
    desk.lobby.subscribers.services.ended(session, Refused(CloseCode.ENDED), desk.lobby.clock.now)


def test_after_a_restart_the_log_says_what_it_has(tmp_path: Path) -> None:
    folder = tmp_path / "host"
    state = StateFolder(folder)
    own = Identity(b"h" * 32)
    heard: list[tuple[list[Entry], int]] = []

    async def once(write: bool) -> None:
        journal = Journal(system_world(), state, own, software="test", tell=lambda text: None)
        journal.start(lambda entries, since: heard.append((list(entries), since)))
        if write:
            journal.record("session_began", session=A, way="relay")
            journal.record("session_ended", session=A, why="ended")
        await journal.close()

    asyncio.run(once(write=True))
    asyncio.run(once(write=False))
    (before, _), (entries, since) = heard
    assert before == [] and [entry.kind for entry in entries] == ["session_began"]
    first = next(iter(entries_of(folder / FOLDER)))
    assert since == first.time_ms and dict(known(entries, since, device=False)[0].of("")) == {A: entries[0].time_ms}
    late = first.time_ms + 1
    assert recent(folder / FOLDER, late, {"session_began"}) == ([], late)
