"""What viewers draw: told to the others in pieces, kept for who comes later, bounded, and never done on the desktop."""

from __future__ import annotations

from pathlib import Path

import pytest

from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import Ended, Message, Moved
from avl_protocol.wire.endtoend import Clear, Cleared, Drawn, Point, Stroke
from avl_protocol.wire.registry import (
    MAX_DRAWN_POINTS,
    MAX_DRAWN_RATE,
    MAX_PICTURE_SIDE,
    MAX_STROKE_PART,
    MAX_STROKE_POINTS,
    T_POINTING,
    T_STROKE,
    CloseCode,
    Permission,
)
from tests.host.test_subscribers import Lobby

PART = tuple((at, at) for at in range(MAX_STROKE_PART))


def draw(lobby: Lobby, session: HostSession, stroke: int, *points: tuple[int, ...]) -> None:
    lobby.happens(session, Message(Stroke(stroke, points)))


def told(lobby: Lobby, handle: int) -> list[Drawn | Cleared]:
    """What a viewer is told of drawings, all that waits included; not again the next time."""
    lobby.wait(T_POINTING)
    news = [message for message in lobby.told[handle] if isinstance(message, Drawn | Cleared)]
    lobby.told[handle].clear()
    return news


def test_strokes_are_told_to_the_others_in_pieces_that_wait_together(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    first, second = lobby.admit(1), lobby.admit(2)
    draw(lobby, first, 1, (1, 1), (2, 2))
    assert lobby.of(2, Drawn) == [Drawn(1, 1, ((1, 1), (2, 2)))], "at once"
    for at in range(3, 40):
        draw(lobby, first, 1, (at, at))
        lobby.wait(0.001)
    draw(lobby, first, 2, (9, 9))
    draw(lobby, first, 1, (50, 50))
    draw(lobby, second, 1, (7, 7))
    lobby.told[2].clear()
    assert told(lobby, 2) == [Drawn(1, 1, tuple((at, at) for at in range(3, 40))), Drawn(1, 2, ((9, 9),))]
    assert told(lobby, 1) == [Drawn(2, 1, ((7, 7),))], "never one's own"
    assert lobby.features.annotations.ignored == 1, "a stroke that another has followed is finished"


def test_nothing_of_it_reaches_the_desktop_and_only_who_may_draws(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lobby.admit(1)
    draws = lobby.admit(2, Permission.VIEW | Permission.ANNOTATE)
    acts = lobby.admit(3, Permission.VIEW | Permission.POINTER | Permission.KEYBOARD)
    draw(lobby, draws, 1, (1, 2))
    draw(lobby, acts, 1, (3, 4))
    lobby.happens(acts, Message(Clear(True)))
    lobby.happens(draws, Message(Point(5, 5, True)))
    assert told(lobby, 1) == [Drawn(2, 1, ((1, 2),))]
    lobby.happens(draws, Message(Clear()))
    assert told(lobby, 1) == [Cleared(2)]
    assert lobby.sink.events == []


def test_who_comes_or_moves_learns_what_has_not_faded(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    first = lobby.admit(1)
    gone = lobby.admit(2)
    draw(lobby, first, 1, (1, 1))
    lobby.wait(T_STROKE / 2)
    draw(lobby, first, 2, (2, 2))
    draw(lobby, gone, 5, (3, 3))
    lobby.happens(gone, Ended(CloseCode.ENDED))
    lobby.wait(T_POINTING)
    third = lobby.admit(3, Permission.VIEW)
    everything = [Cleared(), Drawn(1, 1, ((1, 1),)), Drawn(1, 2, ((2, 2),)), Drawn(2, 5, ((3, 3),))]
    assert told(lobby, 3) == everything
    lobby.wait(T_STROKE / 2)
    lobby.happens(third, Moved())
    assert told(lobby, 3) == [everything[0], *everything[2:]], "the first one has faded"
    lobby.wait(T_STROKE)
    lobby.admit(4)
    assert told(lobby, 4) == []


def test_wiping_away_is_told_and_takes_what_waited_with_it(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    first, second = lobby.admit(1), lobby.admit(2)
    lobby.admit(3)
    draw(lobby, first, 1, (1, 1))
    draw(lobby, second, 1, (2, 2))
    told(lobby, 3)
    draw(lobby, first, 1, (3, 3))
    lobby.happens(first, Message(Clear()))
    draw(lobby, first, 1, (4, 4))
    assert told(lobby, 3) == [Cleared(1), Drawn(1, 1, ((4, 4),))]
    lobby.happens(second, Message(Clear(True)))
    assert told(lobby, 3) == [Cleared(1), Cleared(2)] and told(lobby, 1)[-2:] == [Cleared(1), Cleared(2)]
    for _ in range(10):
        lobby.happens(second, Message(Clear(True)))
    assert told(lobby, 3) == [], "there was nothing"


@pytest.mark.parametrize(
    "points",
    [(), ((1,),), ((1, 2, 3),), ((-1, 2),), ((1, MAX_PICTURE_SIDE),), ((1 << 60, 0),), ((1, 1), ()), (*PART, (0, 0))],
)
def test_strokes_that_are_none_are_ignored_and_counted(tmp_path: Path, points: tuple[tuple[int, ...], ...]) -> None:
    lobby = Lobby(tmp_path)
    first = lobby.admit(1)
    lobby.admit(2)
    draw(lobby, first, 1, *points)
    draw(lobby, first, -5, (1, 1))
    assert told(lobby, 2) == [] and lobby.features.annotations.ignored == 2


def test_a_stroke_and_a_viewer_have_only_so_many_points(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    first = lobby.admit(1)
    lobby.admit(2)

    def drawn() -> int:
        return sum(len(one.points) for one in told(lobby, 2) if isinstance(one, Drawn))

    for _ in range(2 * MAX_STROKE_POINTS // MAX_STROKE_PART):
        draw(lobby, first, 1, *PART)
    assert drawn() == MAX_STROKE_POINTS
    lobby.wait(60.0)
    for stroke in range(2, 200):
        draw(lobby, first, stroke, *PART)
    assert drawn() == MAX_DRAWN_POINTS
    before = drawn()
    for stroke in range(200, 1200):
        draw(lobby, first, stroke, *PART)
        lobby.happens(first, Message(Clear()))
        lobby.wait(0.01)
        before += drawn()
    passed = 1000 * (0.01 + T_POINTING)
    assert before <= passed * MAX_DRAWN_RATE + MAX_STROKE_PART
    assert lobby.features.annotations.ignored > 100 * MAX_STROKE_PART


def test_who_had_no_room_learns_everything_once_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lobby = Lobby(tmp_path)
    first, slow = lobby.admit(1), lobby.admit(2)
    lobby.admit(3)
    narrow = [True]
    monkeypatch.setattr(HostSession, "keeps_up", property(lambda session: not narrow[0] or session is not slow))
    for stroke in range(1, 4):
        draw(lobby, first, stroke, (stroke, 0))
        lobby.wait(T_POINTING)
    assert len(told(lobby, 3)) == 3 and told(lobby, 2) == []
    narrow[0] = False
    lobby.wait(0.5)
    assert told(lobby, 2) == [Cleared(), *(Drawn(1, stroke, ((stroke, 0),)) for stroke in range(1, 4))]
    assert lobby.features.annotations.next_timeout() is None
