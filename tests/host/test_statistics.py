"""What viewers report of the pictures that they have shown: how late those are there, told the person at the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from avl_host.sessions.console import Console
from avl_host.sessions.sessionlist import table
from avl_protocol.media.frame import Chroma, EncodedFrame, Rect
from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import Detached, Message
from avl_protocol.session.media.sender import REMEMBERED
from avl_protocol.wire.endtoend import Report
from avl_protocol.wire.registry import CloseCode
from tests.host.test_subscribers import Lobby

TRACK = 1


def shown(lobby: Lobby, session: HostSession, *rows: tuple[int, ...], track: int = TRACK) -> None:
    lobby.happens(session, Message(Report(track=track, objects=rows)))


def publish(lobby: Lobby, count: int) -> None:
    """So many pictures, captured at 0, 1, 2 ... milliseconds after second 100."""
    publication = lobby.publisher.publications[0]
    for number in range(count):
        captured = 100.0 + number / 1000
        frame = EncodedFrame(
            key=not number,
            data=b"x",
            captured=captured,
            input_echo=0.0,
            codec="avc1.42001f",
            width=64,
            height=48,
            chroma=Chroma.YUV420,
            desktop=(64, 48),
            place=Rect(0, 0, 64, 48),
        )
        publication.pictures.seal(frame)


def delay(lobby: Lobby, session: HostSession) -> float | None:
    return lobby.features.statistics.delay(session)


def test_the_delay_is_that_of_the_last_picture_shown(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session, other = lobby.admit(1), lobby.admit(2)
    publish(lobby, 3)
    assert delay(lobby, session) is None
    shown(lobby, session, (0, 100_050_000), (2, 100_082_000))
    assert delay(lobby, session) == pytest.approx(0.08)
    assert delay(lobby, other) is None, "each viewer has its own"
    rows = Console(
        lobby.subscribers, lobby.features.control, lobby.features.statistics.delay, lobby.clock.monotonic, str
    ).answer({"ask": "sessions"})
    assert [row["delay_ms"] for row in rows["sessions"]] == [80, None]
    assert "80 ms" in table(rows["sessions"]).splitlines()[1]


def test_what_can_not_be_true_is_not_believed(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1)
    publish(lobby, REMEMBERED + 2)
    shown(lobby, session, (9, 100_100_000))
    before = delay(lobby, session)
    assert before == pytest.approx(0.091)
    for rows in [
        (),
        ((10,),),
        ((10, 1, 2),),
        ((10, 99_000_000),),
        ((10, 2**60),),
        ((10**9, 100_100_000),),
        ((1, 100_100_000),),
    ]:
        shown(lobby, session, *rows)
    shown(lobby, session, (10, 100_500_000), track=9)
    assert delay(lobby, session) == before
    shown(lobby, session, (10, 100_110_000), (11, 1))
    assert delay(lobby, session) == pytest.approx(0.1), "the last row that can be true"


def test_a_session_that_is_lost_or_over_leaves_no_delay(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    lost, over = lobby.admit(1), lobby.admit(2)
    publish(lobby, 1)
    for session in (lost, over):
        shown(lobby, session, (0, 100_020_000))
    lobby.happens(lost, Detached())
    over.end(CloseCode.ENDED, lobby.clock.now)
    lobby.settle()
    assert delay(lobby, lost) is None and delay(lobby, over) is None
