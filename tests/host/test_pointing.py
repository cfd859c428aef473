"""Where viewers point: told to the others, never more often than is good for them, and never to who may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import Ended, Message
from avl_protocol.wire.endtoend import Point, Points
from avl_protocol.wire.registry import MAX_PICTURE_SIDE, T_POINTING, CloseCode, Permission
from tests.host.test_subscribers import Lobby

ACTS = Permission.VIEW | Permission.POINTER
DRAWS = Permission.VIEW | Permission.ANNOTATE


def rows(lobby: Lobby, handle: int) -> list[tuple[tuple[int, ...], ...]]:
    return [message.rows for message in lobby.of(handle, Points)]


def test_a_pointer_is_told_to_the_others_and_not_to_whose_it_is(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    first = lobby.admit(1)
    second = lobby.admit(2, ACTS)
    lobby.admit(3, Permission.VIEW)
    lobby.happens(first, Message(Point(10, 20)))
    assert rows(lobby, 1) == [] and rows(lobby, 2) == rows(lobby, 3) == [((1, 10, 20, 0),)], "at once"
    lobby.happens(first, Message(Point(11, 20, True)))
    lobby.happens(second, Message(Point(5, 6, True)))
    assert len(rows(lobby, 3)) == 1
    lobby.wait(T_POINTING)
    assert rows(lobby, 3)[1:] == [((1, 11, 20, 1), (2, 5, 6, 0))], "a laser needs its permission"
    assert rows(lobby, 1) == [((2, 5, 6, 0),)] and rows(lobby, 2)[1:] == [((1, 11, 20, 1),)]
    lobby.wait(60.0)
    assert len(rows(lobby, 3)) == 2 and lobby.features.pointing.next_timeout() is None, "nothing while it is still"


def test_a_flood_of_pointers_costs_the_others_twenty_messages_a_second(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    first = lobby.admit(1)
    lobby.admit(2)
    for at in range(1000):
        lobby.happens(first, Message(Point(at, at)))
        lobby.wait(0.001)
    assert len(rows(lobby, 2)) <= 1.0 / T_POINTING + 1
    lobby.wait(T_POINTING)
    assert rows(lobby, 2)[-1] == ((1, 999, 999, 0),)


@pytest.mark.parametrize(
    "place", [(-1, 0), (0, -1), (MAX_PICTURE_SIDE, 0), (0, MAX_PICTURE_SIDE), (1 << 60, -(1 << 60))]
)
def test_absurd_places_are_ignored_and_counted(tmp_path: Path, place: tuple[int, int]) -> None:
    lobby = Lobby(tmp_path)
    first = lobby.admit(1)
    lobby.admit(2)
    lobby.happens(first, Message(Point(*place)))
    lobby.wait(1.0)
    assert rows(lobby, 2) == [] and lobby.features.pointing.ignored == 1


def test_who_may_neither_act_nor_draw_does_not_point(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lobby.admit(1)
    looks = lobby.admit(2, Permission.VIEW)
    draws = lobby.admit(3, DRAWS)
    lobby.happens(looks, Message(Point(1, 2)))
    lobby.happens(draws, Message(Point(3, 4, True)))
    assert rows(lobby, 1) == [((3, 3, 4, 1),)]


def test_who_has_no_room_and_who_has_left_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lobby = Lobby(tmp_path)
    first, second, slow = (lobby.admit(handle) for handle in (1, 2, 3))
    monkeypatch.setattr(HostSession, "keeps_up", property(lambda session: session is not slow))
    lobby.happens(first, Message(Point(1, 1)))
    assert rows(lobby, 2) == [((1, 1, 1, 0),)] and rows(lobby, 3) == []
    lobby.happens(first, Message(Point(2, 2)))
    lobby.happens(first, Ended(CloseCode.ENDED))
    lobby.wait(T_POINTING)
    assert len(rows(lobby, 2)) == 1, "it points no more"
    del second
