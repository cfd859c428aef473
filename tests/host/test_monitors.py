"""Monitors that are seen by themselves: captured while somebody watches, told, given back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avl_host.capture.source import SourceLost
from avl_host.encode.worker import Worker
from avl_host.publish.publication import Publication
from avl_protocol.media.frame import Monitor
from avl_protocol.media.track import tracks_of
from avl_protocol.session.host import HostSession
from avl_protocol.session.hosting import Ended, Message, Moved
from avl_protocol.wire.endtoend import Layout, Watch, Watched
from avl_protocol.wire.messages import Admit
from avl_protocol.wire.registry import MAX_TRACKS, MAX_WATCHED, CloseCode
from tests.host.hosting import RecordingWorker
from tests.host.test_subscribers import Lobby

SIZE = (3000, 1000)
WALL = tuple(Monitor(f"m{at}", at * 500, 0, 500, 1000, at == 0) for at in range(6))


class Captures:
    """What captures monitors: workers by the names of their monitors, as long as they run."""

    def __init__(self) -> None:
        self.running: dict[str, RecordingWorker] = {}
        self.lost: dict[str, Callable[[str], None]] = {}
        self.began: list[str] = []
        self.broken: set[str] = set()

    def open(self, monitor: Monitor, publication: Publication, lost: Callable[[str], None]) -> Worker:
        if monitor.name in self.broken:
            raise SourceLost("it is dark.")
        worker = Ending(self, monitor.name)
        self.running[monitor.name], self.lost[monitor.name] = worker, lost
        self.began.append(monitor.name)
        return worker


class Ending(RecordingWorker):
    """A worker that says when it has ended."""

    def __init__(self, captures: Captures, name: str) -> None:
        super().__init__()
        self._captures, self._name = captures, name

    async def close(self) -> None:
        self._captures.running.pop(self._name, None)


def desk(folder: Path) -> tuple[Lobby, Captures]:
    """A host with six monitors."""
    captures = Captures()
    lobby = Lobby(folder, open_monitor=captures.open)
    lobby.features.layout.changed(SIZE, WALL)
    return lobby, captures


def watch(lobby: Lobby, session: HostSession, *numbers: int) -> None:
    lobby.happens(session, Message(Watch(numbers)))


def given(lobby: Lobby, handle: int) -> dict[int, int]:
    """What a viewer was told last that it has: monitor -> its track of pictures."""
    told = lobby.of(handle, Watched)[-1]
    assert [row[0] for row in told.tracks][::3] == [row[1] for row in told.monitors]
    return dict(told.monitors)


def admitted(lobby: Lobby, handle: int) -> tuple[int, ...]:
    """The tracks that the relay was told last to give it."""
    last = [message for message in lobby.client.of(Admit) if isinstance(message, Admit) and message.handle == handle]
    return last[-1].tracks


async def test_a_monitor_is_captured_while_somebody_watches_it(tmp_path: Path) -> None:
    lobby, captures = desk(tmp_path)
    numbers = [row[0] for row in lobby.of(1, Layout)[-1].more] if lobby.told else [1, 2, 3, 4, 5, 6]
    first, second = lobby.admit(1), lobby.admit(2)
    assert captures.began == [] and lobby.of(1, Watched) == []
    watch(lobby, first, numbers[1])
    assert list(captures.running) == ["m1"] and captures.running["m1"].everything == 1
    assert given(lobby, 1) == {2: 3}
    watch(lobby, second, 2, 0)
    assert captures.began == ["m1"] and given(lobby, 2) == {2: 3, 0: 1}
    lobby.happens(first, Ended(CloseCode.ENDED))
    await lobby.subscribers.settled()
    assert list(captures.running) == ["m1"], "the second still watches it"
    watch(lobby, second, 0)
    await lobby.subscribers.settled()
    assert captures.running == {} and given(lobby, 2) == {0: 1}
    assert lobby.publisher.publications[1].stopped


async def test_tracks_of_a_monitor_go_to_another_and_no_number_is_used_twice(tmp_path: Path) -> None:
    lobby, _captures = desk(tmp_path)
    session = lobby.admit(1)
    watch(lobby, session, 2)
    lobby.publisher.publications[1].exact.newest = 41
    watch(lobby, session, 3)
    assert given(lobby, 1) == {3: 5}, "what captured the first has not ended"
    await lobby.subscribers.settled()
    watch(lobby, session, 4)
    await lobby.subscribers.settled()
    told = lobby.of(1, Watched)[-1]
    assert dict(told.monitors) == {4: 3}
    exact = next(track for track in tracks_of(told.tracks, CloseCode.SESSION_PROTOCOL) if track.id == 4)
    assert exact.first == 42


async def test_no_more_are_watched_than_there_are_tracks_for(tmp_path: Path) -> None:
    lobby, captures = desk(tmp_path)
    first, second = lobby.admit(1), lobby.admit(2)
    watch(lobby, first, 1, 2, 2, 3, 99, 4, 5)
    assert len(captures.running) <= MAX_WATCHED
    watch(lobby, second, 5, 6)
    assert len(captures.running) == MAX_WATCHED and len(lobby.publisher.tracks) < MAX_TRACKS
    assert set(given(lobby, 2)) <= {0, 5}, "the whole desktop where there is nothing else"


async def test_a_monitor_that_vanishes_is_replaced_by_the_whole_desktop_and_one_that_comes_back_is_seen(
    tmp_path: Path,
) -> None:
    lobby, captures = desk(tmp_path)
    session = lobby.admit(1)
    watch(lobby, session, 2)
    lobby.features.layout.changed(SIZE, WALL[:1])
    await lobby.subscribers.settled()
    assert captures.running == {} and given(lobby, 1) == {0: 1}
    lobby.features.layout.changed(SIZE, WALL)
    assert given(lobby, 1) == {2: 3} and lobby.of(1, Layout)[-1].more[1][0] == 2, "it keeps its number"
    captures.lost["m1"]("it is gone")
    await lobby.subscribers.settled()
    assert captures.running == {} and given(lobby, 1) == {0: 1}
    captures.broken.add("m3")
    watch(lobby, session, 4)
    assert given(lobby, 1) == {0: 1} and any("it is dark" in line for line in lobby.said)


async def test_who_comes_back_is_told_again_what_it_has_and_nobody_is_told_twice(tmp_path: Path) -> None:
    lobby, _ = desk(tmp_path)
    session = lobby.admit(1)
    watch(lobby, session, 2)
    watch(lobby, session, 2)
    lobby.features.layout.changed((3000, 1200), WALL)
    assert len(lobby.of(1, Watched)) == 1
    lobby.happens(session, Moved())
    assert len(lobby.of(1, Watched)) == 2


async def test_a_newcomer_has_the_whole_desktop_whatever_others_watch(tmp_path: Path) -> None:
    lobby, _ = desk(tmp_path)
    watch(lobby, lobby.admit(1), 2)
    lobby.admit(2)
    assert tuple(track.id for track in lobby.publisher.offered) == (1, 2, 0x81)
    assert len(lobby.publisher.tracks) == 6
    since = lobby.subscribers.subscribers()[1].since_objects
    assert set(since) == {1, 2, 0x81}


@pytest.mark.parametrize("numbers", [(), (99,), (-1, 2**40)])
async def test_what_is_no_monitor_is_the_whole_desktop(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    lobby, captures = desk(tmp_path)
    watch(lobby, lobby.admit(1), *numbers)
    assert captures.began == [] and given(lobby, 1) == {0: 1}


async def test_a_host_that_ends_captures_nothing(tmp_path: Path) -> None:
    lobby, captures = desk(tmp_path)
    session = lobby.admit(1)
    watch(lobby, session, 2, 3)
    await lobby.features.monitors.close()
    assert captures.running == {}
    watch(lobby, session, 4)
    assert "m3" not in captures.began
