"""The desktop takes the size of a viewer's window: whose, when, within which bounds, and its own again."""

from __future__ import annotations

from pathlib import Path

import pytest

from avl_host.config import EVERYTHING
from avl_host.display.display import MemoryDisplay, bounded, nearest
from avl_host.display.timing import timing
from avl_host.services.fit import KEPT
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.media.bounds import fits
from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import Detached, Ended, Message, Moved
from avl_protocol.wire.endtoend import Aim, Batch, Fit, Fitted
from avl_protocol.wire.registry import T_FIT, CloseCode, ControlMode, FitState, InputKind, Permission
from tests.host.test_subscribers import Lobby

OWN = (1920, 1080)


def desk(folder: Path) -> tuple[Lobby, MemoryDisplay]:
    """A host whose display can have other sizes."""
    display = MemoryDisplay(OWN)
    return Lobby(folder, display=display), display


async def passes(lobby: Lobby, seconds: float = T_FIT) -> None:
    """Time passes, and what takes time is done."""
    lobby.wait(seconds)
    await lobby.subscribers.settled()


def say(lobby: Lobby, session: HostSession, width: int, height: int, scale: int = 100) -> None:
    lobby.happens(session, Message(Fit(width, height, scale)))


async def test_the_desktop_takes_the_last_size_of_a_window_that_is_dragged_and_its_own_at_the_end(
    tmp_path: Path,
) -> None:
    lobby, display = desk(tmp_path)
    session = lobby.admit(1)
    for width in range(900, 1001, 20):
        say(lobby, session, width, 701, 200)
        await passes(lobby, T_FIT / 2)
    assert display.sizes == [], "the window does not rest"
    await passes(lobby)
    assert display.sizes == [(1000, 700)] and display.scale == 200
    assert lobby.of(1, Fitted) == [Fitted(FitState.TAKEN, 1000, 700, 200)]
    say(lobby, session, 1000, 701, 200)
    await passes(lobby)
    assert display.sizes == [(1000, 700)], "it has this size"
    lobby.happens(session, Ended(CloseCode.ENDED))
    await passes(lobby)
    assert display.size == OWN and display.scale == 100


async def test_a_window_that_wants_nothing_any_more_gives_the_display_back(tmp_path: Path) -> None:
    lobby, display = desk(tmp_path)
    session = lobby.admit(1)
    say(lobby, session, 800, 600)
    await passes(lobby)
    say(lobby, session, 0, 0)
    await passes(lobby)
    assert display.sizes == [(800, 600), OWN]


async def test_what_the_display_has_not_is_the_nearest_and_what_it_refuses_is_said(tmp_path: Path) -> None:
    lobby, display = desk(tmp_path)
    display.most = (1024, 768)
    session = lobby.admit(1)
    say(lobby, session, 2000, 600)
    await passes(lobby)
    assert lobby.of(1, Fitted) == [Fitted(FitState.NEAREST, 1024, 600)]
    display.refuses = "The size of this display can't be changed: it has 2 monitors."
    say(lobby, session, 900, 600)
    await passes(lobby)
    assert lobby.of(1, Fitted)[-1].state == FitState.UNABLE
    assert any("2 monitors" in line for line in lobby.said)


async def test_who_may_not_choose_is_told_so_and_nothing_changes(tmp_path: Path) -> None:
    lobby, display = desk(tmp_path)
    session = lobby.admit(1, EVERYTHING & ~Permission.MONITORS)
    say(lobby, session, 800, 600)
    await passes(lobby)
    assert lobby.of(1, Fitted)[0].state == FitState.NOT_PERMITTED and display.sizes == []
    other = lobby.admit(2)
    say(lobby, other, 800, 600)
    await passes(lobby)
    lobby.subscribers.allow(other, EVERYTHING & ~Permission.MONITORS, lobby.clock.now)
    lobby.settle()
    await passes(lobby)
    assert display.size == OWN, "what was permitted is permitted no more"


async def test_of_several_who_asked_last_counts_and_who_has_control_before_them(tmp_path: Path) -> None:
    lobby, display = desk(tmp_path)
    first, second = lobby.admit(1), lobby.admit(2)
    say(lobby, first, 800, 600)
    say(lobby, second, 1000, 700)
    await passes(lobby)
    assert display.size == (1000, 700)
    assert [lobby.of(handle, Fitted)[-1].state for handle in (1, 2)] == [FitState.OTHER, FitState.TAKEN]
    lobby.features.control.give(1, lobby.clock.now)
    await passes(lobby)
    assert display.size == (800, 600), "the first has control now"
    lobby.features.control.set_mode(ControlMode.SHARED, lobby.clock.now)
    await passes(lobby)
    assert display.size == (1000, 700)
    lobby.happens(second, Detached())
    say(lobby, first, 640, 480)
    await passes(lobby)
    assert display.size == (640, 480)
    lobby.happens(second, Moved(), Ended(CloseCode.ENDED))
    lobby.happens(first, Ended(CloseCode.ENDED))
    await passes(lobby)
    assert display.size == OWN


async def test_a_host_that_was_killed_puts_the_display_back_when_it_starts_again(tmp_path: Path) -> None:
    lobby, display = desk(tmp_path)
    say(lobby, lobby.admit(1), 800, 600, 150)
    await passes(lobby)
    assert StateFolder(tmp_path).read(KEPT)
    again = Lobby(tmp_path, display=display)
    await again.features.fit.begin()
    assert display.size == OWN and display.scale == 100
    assert not StateFolder(tmp_path).read(KEPT)


async def test_what_was_kept_and_is_damaged_or_of_another_display_changes_nothing(tmp_path: Path) -> None:
    lobby, display = desk(tmp_path)
    for kept in (b"\xff{", b"[]", b'{"display": ":99", "state": "1 1 100"}'):
        StateFolder(tmp_path).write(KEPT, kept)
        await lobby.features.fit.begin()
    assert display.sizes == [] and sum("damaged" in line for line in lobby.said) == 2


async def test_a_host_that_ends_puts_the_display_back(tmp_path: Path) -> None:
    lobby, display = desk(tmp_path)
    session = lobby.admit(1)
    say(lobby, session, 800, 600)
    await passes(lobby)
    await lobby.features.fit.close()
    assert display.size == OWN
    say(lobby, session, 900, 600)
    await passes(lobby)
    assert display.size == OWN, "it follows nobody any more"


async def test_a_desktop_without_a_display_says_that_it_is_unable(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    say(lobby, lobby.admit(1), 800, 600)
    await passes(lobby)
    assert lobby.of(1, Fitted)[-1].state == FitState.UNABLE


@pytest.mark.parametrize("wanted", [(1, 1), (-5, 3), (801, 603), (10**9, 10**9), (8192, 8192), (20_000, 300)])
def test_no_window_makes_a_desktop_that_viewers_refuse(wanted: tuple[int, int]) -> None:
    width, height = bounded(*wanted)
    assert fits(width, height) and width % 2 == height % 2 == 0 and min(width, height) >= 200


def test_the_nearest_mode_is_the_largest_that_is_seen_whole() -> None:
    modes = [(1920, 1080), (1280, 1024), (1280, 720), (640, 480)]
    assert nearest(modes, 1300, 900) == (1280, 720)
    assert nearest(modes, 320, 200) == (640, 480)
    assert nearest([], 320, 200) is None


def test_the_timing_of_a_mode_is_that_of_the_standard() -> None:
    # VESA CVT 1.2, reduced blanking: 1920 x 1080 at 60 Hz takes 138.50 MHz, 2080 pixels a line and 1111 lines.
    made = timing(1920, 1080)
    assert (made.clock, made.line, made.picture) == (138_500_000, 2080, 1111)
    assert (made.line_pulse, made.picture_pulse) == ((1968, 2000), (1083, 1088))


def test_input_that_means_another_size_is_not_applied_and_is_counted(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1)
    layout = lobby.features.layout
    layout.changed((1000, 800), ())
    move, press, key = (int(InputKind.MOVE), 900, 700), (int(InputKind.BUTTON), 1, True), (int(InputKind.TEXT), "a")
    release = (int(InputKind.BUTTON), 1, False)
    sequence = iter(range(1, 99))

    def acts(*events: tuple[object, ...], at: float = 0.0) -> list[object]:
        """What of these is applied that were made so many seconds ago."""
        before = len(lobby.sink.events)
        made = round((lobby.clock.now - at) * 1e6)
        session._input(Batch(next(sequence), made, events), lobby.clock.now)
        lobby.settle()
        return [event[0] for event in lobby.sink.events[before:]]

    assert acts(move, press, release) == ["move", "button", "button"], "it never said what it sees"
    lobby.happens(session, Message(Aim(1000, 800, round(lobby.clock.now * 1e6))))
    assert acts(move, press) == ["move", "button"]
    layout.changed((800, 600), ())
    assert acts(move, press, release, key) == ["button", "text"], "a release and keys have no place"
    assert session.discarded == 2
    lobby.clock.now += 0.1
    lobby.happens(session, Message(Aim(800, 600, round(lobby.clock.now * 1e6))))
    assert acts(move, press, release, at=0.05) == [], "made before it saw the new size"
    assert acts(move, press, release) == ["move", "button", "button"]
