"""A host's own log: sessions, the grants that they came by, what a person has said; and what it keeps of relays'
logs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from avl_host.audit.journal import Journal, JournalService
from avl_host.cli import app
from avl_host.paths.registration import Registration
from avl_host.presence.question import Decision, Question
from avl_host.services.files import Moved
from avl_host.sessions.subscribers import Subscribers
from avl_protocol.audit.chain import Chain
from avl_protocol.audit.compare import session_name
from avl_protocol.audit.entry import to_line
from avl_protocol.audit.events import checked
from avl_protocol.audit.head import TreeHead
from avl_protocol.audit.limits import Limits
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.program.auditfiles import FOLDER, entries_of, verify_folder
from avl_protocol.endpoint.program.headwatch import KEPT, HeadWatch
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.files.job import Tally
from avl_protocol.rights.jws import encode, thumbprint
from avl_protocol.session.hop.clientevents import HopSaid, HopUp
from avl_protocol.session.hosting import Asks, HostState
from avl_protocol.wire.errors import GrantRefused
from avl_protocol.wire.messages import Head, HeadKnown
from avl_protocol.wire.registry import Channel, CloseCode, FileReason, Permission
from avl_protocol.wire.target import RelayAddress
from tests.host.hosting import RecordingHop
from tests.host.test_subscribers import Lobby, Nowhere, welcome
from tests.protocol.audit_log import NOW_MS, chain_of, chained, salts, written
from tests.protocol.handshakes import HOST, Seeded, identity

RELAY = Identity(b"r" * 32)


class Told:
    """Records what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def record(self, kind: str, **said: object) -> None:
        checked(kind, said, Seeded("salt"))
        self.events.append((kind, said))


def journal_at(subscribers: Subscribers) -> Told:
    told = Told()
    service = JournalService(told)
    subscribers.services.register(service, Channel.CONTROL)
    subscribers.decided = service.decided
    return told


def test_a_transfer_is_entered_by_its_counts_and_never_by_names(tmp_path: Path) -> None:
    lobby, told = Lobby(tmp_path), Told()
    session = lobby.admit(1)
    tally = Tally(files=3, size=10, done=2, left=1, moved=7)
    JournalService(told).files_moved(
        Moved(session=session, inward=True, reason=FileReason.CANCELLED, tally=tally, seconds=1.6)
    )
    name = session_name(session.session_id)
    counts: dict[str, object] = {"files": 2, "left": 1, "size": 7, "seconds": 2}
    assert told.events == [("file_moved", {"session": name, "direction": "in", "why": "cancelled", **counts})]


def test_a_session_is_recorded_as_it_begins_changes_and_ends(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    told = journal_at(lobby.subscribers)
    session = lobby.admit(1, name="Ada\u202e")
    lobby.subscribers.allow(session, Permission.VIEW, lobby.clock.now)
    lobby.wait(5.0)
    lobby.subscribers.end(session, CloseCode.ENDED, lobby.clock.now)
    kinds = [kind for kind, _ in told.events]
    assert kinds == ["session_began", "rights_changed", "session_ended"]
    (_, began), (_, changed), (_, ended) = told.events
    name = session_name(session.session_id)
    assert began["session"] == changed["session"] == ended["session"] == name
    assert (began["way"], began["verified"], began["name"]) == ("relay", False, session.name)
    assert changed["permissions"] == int(Permission.VIEW)
    assert (ended["why"], ended["seconds"]) == ("ended", 5)


def test_limits_that_are_hit_are_recorded_once_a_look(tmp_path: Path) -> None:
    lobby, told = Lobby(tmp_path), Told()
    limits = Limits(told)
    for handle in range(1, 60):
        lobby.incoming(handle, b"samesrc!")
    hit = lobby.subscribers.limits_hit["handshakes"]
    assert hit > 10
    limits.look(lobby.subscribers.limits_hit, {})
    limits.look(lobby.subscribers.limits_hit, {})
    assert told.events == [("limit_hit", {"limit": "handshakes", "count": hit})]


def test_a_grant_that_is_refused_is_recorded_with_its_reason(tmp_path: Path) -> None:
    told, viewer = Told(), identity("viewer").public
    lobby = Lobby(tmp_path)
    lobby.door.refused = JournalService(told).grant_refused
    claims = encode(json.dumps({"jti": "A" * 22, "aud": "x"}).encode())
    for chain in ((f"e30.{claims}.e30",), ("x",), (f"e30.{encode(b'[1]')}.x",), ()):
        with pytest.raises(GrantRefused):
            lobby.door.present(chain, b"", viewer, Permission.VIEW)
    assert [kind for kind, _ in told.events] == ["grant_refused"] * 4
    assert {said["why"] for _, said in told.events} == {"not_enrolled"}
    assert [said["grant"] for _, said in told.events] == ["A" * 22, "", "", ""]
    assert {said["holder"] for _, said in told.events} == {thumbprint(viewer)}


async def test_what_a_person_says_is_recorded(tmp_path: Path) -> None:
    answers: list[Decision | None] = [Decision(Permission.VIEW, 900.0), Decision(Permission(0)), None]

    async def ask(question: Question) -> Decision | None:
        return answers.pop(0)

    lobby = Lobby(tmp_path, ask=ask)
    told = journal_at(lobby.subscribers)
    for handle in (1, 2, 3):
        session = lobby.incoming(handle, handle.to_bytes(8, "big"))
        assert session is not None
        session.viewer, session.state = identity("viewer").public, HostState.PROVED
        session.asked = lambda now: None  # type: ignore[method-assign]
        session.admit = lambda grant, now: None  # type: ignore[method-assign]
        session.denied = lambda answered, now: None  # type: ignore[method-assign]
        lobby.happens(session, Asks("name", Permission.VIEW))
        await lobby.subscribers.settled()
    answered = [said for kind, said in told.events if kind == "consent_answered"]
    assert [said["answer"] for said in answered] == ["allowed", "denied", "none"]
    assert [said["seconds"] for said in answered] == [900, None, None]


def head_message(head: TreeHead, proof: tuple[bytes, ...] = (), **changed: Any) -> Head:
    message = Head(
        size=head.size,
        root=head.root,
        chain=head.chain,
        time_ms=head.time_ms,
        key=head.key,
        signature=head.signature,
        proof=proof,
    )
    return replace(message, **changed)


def test_a_relay_s_log_that_was_changed_is_told_loudly_and_kept_as_evidence(tmp_path: Path) -> None:
    _, entries = written(40)
    early, whole = chain_of(entries[:10]), chain_of(entries)
    other = chain_of(chained([*entries[:5], *entries[6:]], 5))
    said: list[str] = []
    alarms: list[object] = []
    watch = HeadWatch(StateFolder(tmp_path), said.append, alarms.append)
    assert watch.known(RELAY.public) == HeadKnown(0)
    watch.hear(RELAY.public, head_message(early.head(RELAY, NOW_MS)))
    watch = HeadWatch(StateFolder(tmp_path), said.append, alarms.append)  # after a restart
    assert watch.known(RELAY.public) == HeadKnown(10) and not said
    watch.hear(RELAY.public, head_message(whole.head(RELAY, NOW_MS), whole.tree.consistency(10, 40)))
    assert watch.known(RELAY.public) == HeadKnown(40) and not said
    for _ in range(3):  # it is told once, and not with every head
        watch.hear(RELAY.public, head_message(early.head(RELAY, NOW_MS)))
    assert len(said) == len(alarms) == 1 and "WARNING" in said[0] and str(tmp_path / KEPT) in said[0]
    kept = json.loads((tmp_path / KEPT).read_text())
    assert [head["size"] for head in kept["heads"]] == [40]
    assert [[head["size"] for head in pair] for pair in kept["evidence"]] == [[40, 10]]
    for message in (
        head_message(other.head(RELAY, NOW_MS)),
        head_message(whole.head(Identity(b"x" * 32), NOW_MS)),
        head_message(whole.head(RELAY, NOW_MS), signature=bytes(64)),
        head_message(whole.head(RELAY, NOW_MS), key=b""),
    ):
        fresh = HeadWatch(StateFolder(tmp_path), said.append, alarms.append)
        before = len(said)
        fresh.hear(RELAY.public, message)
        assert len(said) == before + 1 and fresh.known(RELAY.public) == HeadKnown(40)
    (tmp_path / KEPT).write_bytes(b"{")
    assert HeadWatch(StateFolder(tmp_path), said.append).known(RELAY.public) == HeadKnown(0)
    assert "begins anew" in said[-1]


def test_a_registration_says_what_it_keeps_and_hears_what_is_shown(tmp_path: Path) -> None:
    lobby, hop, nowhere = Lobby(tmp_path / "lobby"), RecordingHop(), cast(Any, Nowhere())
    said: list[str] = []
    told = Told()
    service = JournalService(told)
    relay = Registration(
        world=system_clockless(lobby),
        identity=HOST,
        relay=RelayAddress("relay.test", 4433),
        dialler=nowhere,
        subscribers=lobby.subscribers,
        publisher=lobby.publisher,
        whereabouts=nowhere,
        tell=said.append,
        changed=lambda: None,
        after=lambda: None,
        moved=lambda: None,
        heads=HeadWatch(StateFolder(tmp_path / "host"), said.append, service.head_refused),
    )
    relay.use(hop.as_link())
    relay.apply(HopUp(replace(welcome(), identity=RELAY.public)), 0.0)
    assert HeadKnown(0) in hop.sent
    chain, entries = written(10)
    relay.apply(HopSaid(head_message(chain.head(RELAY, NOW_MS))), 0.0)
    relay.apply(HopUp(replace(welcome(), identity=RELAY.public)), 0.0)
    assert HeadKnown(10) in hop.sent and not said
    relay.apply(HopSaid(head_message(chain_of(entries[:4]).head(RELAY, NOW_MS))), 0.0)
    assert "had 10" in said[0]
    ((kind, refused),) = told.events
    assert (kind, refused["size"], refused["kept"], refused["why"]) == ("head_refused", 4, 10, "older")


def system_clockless(lobby: Lobby) -> Any:
    """A world of the lobby's clock."""

    class World:
        clock = lobby.clock

    return World()


def audit(folder: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit", *arguments, "--state", str(folder)])
    return done.exit_code, done.output


def test_the_command_line_verifies_it_and_compares_it_with_a_relay_s(tmp_path: Path) -> None:
    folder = tmp_path / "host"
    state = StateFolder(folder)
    own = state.identity(lambda size: b"h" * size)

    async def write() -> None:
        said: list[str] = []
        journal = Journal(system_world(), state, own, software="test", tell=said.append)
        journal.start()
        journal.record("session_began", session="s1", way="relay", viewer="V", name="Ada")
        await journal.close()
        assert not said

    asyncio.run(write())
    assert verify_folder(folder / FOLDER, own.public).size == 2
    assert audit(folder, "verify")[1].startswith("2 entries are whole")
    assert "session_began" in audit(folder, "search")[1]
    text = audit(folder, "export", "--kind", "session_began")[1]
    assert json.loads(text)["opened"]["name"][1] == "Ada"
    began = next(entry for entry in entries_of(folder / FOLDER) if entry.kind == "session_began")
    relay, entropy = Chain(), salts()
    hour = 3_600_000
    device = own.device_id.replace("-", "")
    lines = [relay.append("log_begun", {}, now_ms=began.time_ms - hour, entropy=entropy)]
    lines.append(
        relay.append("session_began", {"session": "s2", "device": device}, now_ms=began.time_ms, entropy=entropy)
    )
    lines.append(relay.append("host_left", {}, now_ms=began.time_ms + hour, entropy=entropy))
    export = tmp_path / "relay.jsonl"
    export.write_text("".join(to_line(one) + "\n" for one in lines))
    assert audit(folder, "compare", str(export)) == (0, "every session is in both logs\n"), (
        "the host's log is too short"
    )
    export.write_text("".join(to_line(one) + "\n" for one in lines[:1] + lines[2:]))
    assert audit(folder, "compare", str(export))[0] == 1
    assert audit(tmp_path / "nowhere", "head")[0] == 1
