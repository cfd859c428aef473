"""Who of several viewers has control: asking, giving, idling, leaving, the person at the host; what all are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from avl_host.config import EVERYTHING
from avl_host.sessions.sessionlist import control_table
from avl_protocol.endpoint.program.localcontrol import ControlError
from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import Detached, Ended, Input, Message, Moved
from avl_protocol.wire.endtoend import Control, People
from avl_protocol.wire.registry import (
    MAX_PEOPLE,
    MAX_PERSON_NAME,
    T_CONTROL_IDLE,
    T_PEOPLE,
    CloseCode,
    ControlAct,
    ControlMode,
    InputKind,
    Permission,
)
from tests.host.test_console import console
from tests.host.test_subscribers import Lobby

ACTS = Permission.POINTER | Permission.KEYBOARD
DRAWS = Permission.VIEW | Permission.ANNOTATE


def one(folder: Path) -> Lobby:
    """A host where one viewer at a time acts."""
    lobby = Lobby(folder)
    lobby.features.control.set_mode(ControlMode.ONE, lobby.clock.now)
    return lobby


def say(lobby: Lobby, session: HostSession, act: int, to: int = 0) -> None:
    lobby.happens(session, Message(Control(act, to)))


def told(lobby: Lobby, handle: int) -> People:
    """What a viewer was told last of who is here."""
    lobby.wait(T_PEOPLE)
    last = lobby.of(handle, People)[-1]
    assert isinstance(last, People)
    return last


def acting(lobby: Lobby) -> list[int]:
    """Numbers of those whose input is let through."""
    return [one.number for one in lobby.subscribers.subscribers() if not one.session.withheld]


def test_where_control_is_shared_everybody_acts_and_all_see_who_they_are(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lobby.admit(1, name="Ada")
    lobby.admit(2, DRAWS, name="Bo")
    lobby.admit(3, Permission.VIEW, name="Cy")
    assert acting(lobby) == [1, 2, 3]
    rows = ((1, "Ada", int(EVERYTHING), 0), (2, "Bo", int(DRAWS), 0))
    for handle in (1, 2, 3):
        assert told(lobby, handle) == People(handle, ControlMode.SHARED, 0, 3, rows), "who only looks is counted"
    say(lobby, lobby.sessions[0], ControlAct.REQUEST)
    assert told(lobby, 1).holder == 0


def test_the_first_who_may_act_has_control_and_the_others_ask_for_it(tmp_path: Path) -> None:
    lobby = one(tmp_path)
    lobby.admit(1, DRAWS)
    first, second, third = (lobby.admit(handle) for handle in (2, 3, 4))
    assert acting(lobby) == [2] and told(lobby, 4).holder == 2
    say(lobby, third, ControlAct.REQUEST)
    say(lobby, second, ControlAct.REQUEST)
    say(lobby, second, ControlAct.REQUEST)
    assert [row[0] for row in told(lobby, 1).people] == [2, 4, 3, 1], "the holder, who waits in order, the others"
    assert [row[3] for row in told(lobby, 1).people] == [0, 1, 1, 0]
    say(lobby, first, ControlAct.RELEASE)
    assert acting(lobby) == [4] and told(lobby, 1).holder == 4
    say(lobby, second, ControlAct.RELEASE)
    say(lobby, third, ControlAct.RELEASE)
    assert acting(lobby) == [] and told(lobby, 1).holder == 0
    say(lobby, second, ControlAct.REQUEST)
    assert acting(lobby) == [3], "nobody held it"


def test_a_holder_gives_control_and_may_take_it_back(tmp_path: Path) -> None:
    lobby = one(tmp_path)
    first, second, third = (lobby.admit(handle) for handle in (1, 2, 3))
    lobby.admit(4, DRAWS)
    say(lobby, first, ControlAct.GIVE, 2)
    assert acting(lobby) == [2]
    say(lobby, third, ControlAct.REQUEST)
    assert acting(lobby) == [2]
    say(lobby, first, ControlAct.REQUEST)
    assert acting(lobby) == [1], "it was its own to give"
    for to in (0, 1, 4, 99, -1, 1 << 60):
        say(lobby, first, ControlAct.GIVE, to)
    say(lobby, second, ControlAct.GIVE, 2)
    say(lobby, second, ControlAct.RELEASE)
    say(lobby, first, 77)
    assert acting(lobby) == [1], "nobody of this number acts, and nobody else gives"
    say(lobby, first, ControlAct.GIVE, 2)
    say(lobby, second, ControlAct.GIVE, 3)
    say(lobby, first, ControlAct.REQUEST)
    assert acting(lobby) == [3], "it has passed on"


def test_an_idle_holder_loses_control_to_who_waits_and_a_busy_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lobby = one(tmp_path)
    first, second = lobby.admit(1), lobby.admit(2)
    lobby.wait(60.0)
    assert acting(lobby) == [1], "nobody waits"
    lobby.happens(first, Input(((int(InputKind.MOVE), 1, 2),), 1))
    say(lobby, second, ControlAct.REQUEST)
    lobby.wait(T_CONTROL_IDLE - 0.1)
    lobby.happens(first, Input(((int(InputKind.MOVE), 1, 3),), 2))
    lobby.wait(T_CONTROL_IDLE - 0.1)
    assert acting(lobby) == [1]
    with monkeypatch.context() as patched:
        patched.setattr(HostSession, "holding", property(lambda session: session is first))
        lobby.wait(T_CONTROL_IDLE)
        lobby.wait(T_CONTROL_IDLE)
        assert acting(lobby) == [1], "it holds a button"
    lobby.wait(T_CONTROL_IDLE)
    assert acting(lobby) == [2] and told(lobby, 1).holder == 2
    assert lobby.features.control.next_timeout() is None, "there is nothing to wait for"


def test_control_of_who_leaves_goes_to_who_waits_else_to_the_oldest_with_a_path(tmp_path: Path) -> None:
    lobby = one(tmp_path)
    first, second, third, fourth = (lobby.admit(handle) for handle in (1, 2, 3, 4))
    say(lobby, fourth, ControlAct.REQUEST)
    lobby.happens(first, Ended(CloseCode.ENDED))
    assert acting(lobby) == [4]
    lobby.happens(second, Detached())
    lobby.happens(fourth, Ended(CloseCode.ENDED))
    assert acting(lobby) == [3]
    lobby.happens(second, Moved())
    assert lobby.of(2, People)[-1].holder == 3, "it is told what it missed"
    lobby.happens(third, Ended(CloseCode.ENDED))
    assert acting(lobby) == [2]
    lobby.happens(second, Ended(CloseCode.ENDED))
    assert lobby.features.control.holder == 0


def test_what_the_former_holder_holds_is_let_go_of_before_the_next_one_acts(tmp_path: Path) -> None:
    lobby = one(tmp_path)
    first, second = lobby.admit(1), lobby.admit(2)
    order: list[tuple[int, bool]] = []
    for handle, session in ((1, first), (2, second)):
        withhold = session.withhold

        def noted(permissions: Permission, handle: int = handle, withhold: object = withhold) -> None:
            order.append((handle, bool(permissions)))
            withhold(permissions)  # type: ignore[operator]

        session.withhold = noted  # type: ignore[method-assign]
    say(lobby, first, ControlAct.GIVE, 2)
    assert order == [(1, True), (2, False)]
    say(lobby, second, ControlAct.GIVE, 1)
    assert order[2:] == [(2, True), (1, False)], "whoever came first"


def test_people_are_told_at_once_and_then_at_most_every_quarter_of_a_second(tmp_path: Path) -> None:
    lobby = one(tmp_path)
    first, second = lobby.admit(1), lobby.admit(2)
    lobby.wait(1.0)
    before = len(lobby.of(1, People))
    for _ in range(200):
        say(lobby, second, ControlAct.REQUEST)
        say(lobby, second, ControlAct.RELEASE)
        lobby.wait(0.01)
    assert len(lobby.of(1, People)) - before <= 2.0 / T_PEOPLE + 1
    lobby.wait(T_PEOPLE)
    before = len(lobby.of(1, People))
    for handle in range(3, 9):
        lobby.admit(handle, Permission.VIEW)
        lobby.wait(1.0)
    assert len(lobby.of(1, People)) == before, "who only looks is no news to the others"
    assert lobby.of(8, People)[0].viewers == 8
    del first


def test_names_are_bounded_text_and_so_is_their_number(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lobby.admit(1, name="\x1b[2J<b>me\u202e\n" + "x" * 80)
    for handle in range(2, MAX_PEOPLE + 8):
        lobby.wait(30.0)
        lobby.admit(handle, name="")
    people = told(lobby, 1).people
    assert len(people) == MAX_PEOPLE
    name = people[0][1]
    assert name.startswith("\\x1b[2J<b>me\\u202e x") and name.isprintable() and len(name) == MAX_PERSON_NAME


def test_the_person_at_the_host_takes_gives_and_shares_control(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    first, second = lobby.admit(1, name="Ada"), lobby.admit(2, name="Bo\x1b")
    lobby.admit(3, DRAWS)
    person = console(lobby)
    assert person.answer({"ask": "control"})["mode"] == "shared"
    assert person.answer({"ask": "control", "mode": "host"})["mode"] == "host"
    assert acting(lobby) == [] and told(lobby, 1).mode == ControlMode.HOST
    say(lobby, second, ControlAct.REQUEST)
    assert acting(lobby) == [], "it waits for the person"
    answer = person.answer({"ask": "control", "give": 1})
    assert answer["mode"] == "one" and acting(lobby) == [1]
    shown = control_table(answer)
    assert shown.splitlines()[1].endswith("has control") and shown.splitlines()[2].endswith("asks for control")
    assert shown.splitlines()[3].endswith("draws only") and "\x1b" not in shown
    say(lobby, first, ControlAct.RELEASE)
    assert acting(lobby) == [2]
    person.answer({"ask": "control", "mode": "shared"})
    assert acting(lobby) == [1, 2, 3] and told(lobby, 1).holder == 0
    person.answer({"ask": "control", "mode": "one"})
    assert acting(lobby) == [1]
    for wrong in ({"mode": "none"}, {"mode": 3}, {"give": 3}, {"give": 9}, {"give": "1"}, {"give": True}):
        with pytest.raises(ControlError, match=r"\w+ \w+"):
            person.answer({"ask": "control", **wrong})
    assert acting(lobby) == [1]
