"""What a running host answers about its sessions, and what the command makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avl_host.sessions.console import Console
from avl_host.sessions.sessionlist import NAME, span, table, whose
from avl_protocol.endpoint.program.localcontrol import ControlError
from avl_protocol.rights.chain import ChainRights
from avl_protocol.session.hosting import HostState
from avl_protocol.wire import device_id
from avl_protocol.wire.endtoend import Ticket
from avl_protocol.wire.messages import Evict
from avl_protocol.wire.registry import CloseCode, Permission
from tests.host.test_subscribers import Lobby


def console(lobby: Lobby) -> Console:
    return Console(
        lobby.subscribers, lobby.features.control, lobby.features.statistics.delay, lobby.clock.monotonic, str
    )


def test_sessions_are_listed_with_what_a_person_needs_to_know_them_apart(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    assert console(lobby).answer({"ask": "sessions"}) == {"sessions": []}
    first = lobby.admit(1)
    lobby.clock.now += 90
    lobby.admit(2, Permission.VIEW, "watcher")
    lobby.incoming(3)  # not in yet
    first.attachment_lost(first.attachment, lobby.clock.now)
    lobby.settle()
    rows = console(lobby).answer({"ask": "sessions"})["sessions"]
    assert [row["number"] for row in rows] == [1, 2]
    assert [row["seconds"] for row in rows] == [90, 0]
    assert [row["way"] for row in rows] == ["none", "relay"]
    acts = ["view", "pointer", "keyboard", "clipboard_out", "clipboard_in", "annotate"]
    assert rows[0]["permissions"] == [*acts, "files_in", "files_out", "audio_out", "monitors"]
    assert rows[1]["permissions"] == ["view"] and rows[1]["name"] == "watcher"
    assert all(device_id.from_text(row["device"]) for row in rows)
    shown = table(rows).splitlines()
    assert shown[0].split() == ["SESSION", "DEVICE", "MAY", "FOR", "WAY", "DELAY", "WHO", "NAME"]
    assert all(row["who"] == "" for row in rows) and "unverified" in shown[2]
    assert "everything" in shown[1] and "1 min" in shown[1] and "lost, kept" in shown[1]
    assert shown[2].endswith("watcher") and table([]) == "nobody is here"


def test_one_session_ends_and_the_others_go_on(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    sessions = [lobby.admit(handle) for handle in (1, 2, 3)]
    with pytest.raises(ControlError, match="no session 7"):
        console(lobby).answer({"ask": "end", "sessions": [2, 7]})
    assert all(session.state is HostState.ADMITTED for session in sessions), "all or none"
    assert console(lobby).answer({"ask": "end", "sessions": [2, 2]}) == {"ended": [2]}
    assert [session.state is HostState.ENDED for session in sessions] == [False, True, False]
    assert lobby.client.of(Evict) == [Evict(2, CloseCode.EVICTED)]
    lobby.admit(4)
    assert console(lobby).answer({"ask": "end", "sessions": "all"}) == {"ended": [1, 3, 4]}, "no number comes twice"
    assert lobby.sessions == []


def test_a_session_that_is_lost_for_the_moment_ends_too_and_its_ticket_is_void(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1)
    ticket = lobby.of(1, Ticket)[-1].ticket
    session.attachment_lost(session.attachment, 100.0)
    lobby.settle()
    console(lobby).answer({"ask": "end", "sessions": [1]})
    assert lobby.sessions == [] and lobby.tickets.redeem(ticket, session.viewer) is None


@pytest.mark.parametrize("request_", [{}, {"ask": "what"}, {"ask": "end"}, {"ask": "end", "sessions": ["1"]}])
def test_a_request_that_is_not_understood_is_answered_with_a_sentence(tmp_path: Path, request_: dict[str, str]) -> None:
    with pytest.raises(ControlError, match=r"\w+ \w+"):
        console(Lobby(tmp_path)).answer(request_)


def test_who_is_here_is_told_as_the_chain_says_that_was_verified() -> None:
    rights = ChainRights(permissions=Permission.VIEW, expires=1)
    assert whose(replace(rights, owner=True, name="Chrome on Linux")) == "owner: Chrome on Linux"
    assert whose(replace(rights, name="Bo", role="Viewer")) == "Bo (Viewer)"
    assert whose(rights) == "somebody"
    row = {
        "number": 1,
        "device": "ID",
        "permissions": ["view"],
        "seconds": 1.0,
        "way": "relay",
        "name": "I am the boss",
    }
    assert "Bo (Viewer)" in table([{**row, "who": "Bo (Viewer)"}]) and "unverified" in table([{**row, "who": ""}])


def test_a_viewers_name_can_not_write_on_the_terminal() -> None:
    row = {"number": 1, "device": "ID", "permissions": ["view"], "seconds": 1.0, "way": "relay"}
    shown = table([{**row, "name": "\x1b[2Jme\nSESSION\u202e"}, {**row, "name": "x" * 500}])
    assert shown.count("\n") == 2 and shown.replace("\n", "").isprintable()
    assert "\\x1b[2Jme" in shown and "x" * NAME not in shown


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.9, "59 s"), (60, "1 min"), (7300, "2 h"), (200000, "2 d")]
)
def test_spans_are_told_in_their_largest_unit(seconds: float, text: str) -> None:
    assert span(seconds) == text
