"""Several tracks of one host at a relay: each is announced, admitted, wanted, kept and lost by itself."""

from __future__ import annotations

import pytest

from avl_protocol.media.packetizer import packetize
from avl_protocol.media.track import Track, video
from avl_protocol.wire import datagram
from avl_protocol.wire.messages import Admit, Recover, Subscribe, Tracks, Viewers
from avl_protocol.wire.registry import CloseCode, ObjectFlag, Priority, TrackEntry, TrackKind
from tests.relay.stand import Neighbour, Stand

KEY = int(ObjectFlag.KEY)
DESKTOP, SECOND = video(1), video(2)
SOUND = Track(id=3, kind=TrackKind.AUDIO, priority=Priority.AUDIO, lifetime=0.1, entry=TrackEntry.NEXT)
EXACT = Track(id=4, kind=TrackKind.EXACT, priority=Priority.EXACT, lifetime=2.0, entry=TrackEntry.KEPT)
ALL = (DESKTOP, SECOND, SOUND, EXACT)


class Programme:
    """A host of several tracks and one viewer that was admitted to all of them."""

    def __init__(self, *tracks: Track, admit: bool = True) -> None:
        self.stand = Stand()
        self.ids = tuple(track.id for track in tracks)
        self.host = self.stand.host(tracks=tracks)
        self.viewer = self.stand.viewer()
        self.handle = self.stand.meet(self.host, self.viewer, tracks=self.ids, admit=admit)
        self._numbers = dict.fromkeys(range(256), -1)

    def join(self, *tracks: int) -> tuple[Neighbour, int]:
        """One more viewer, admitted to these tracks."""
        viewer = self.stand.viewer("10.0.7.7")
        return viewer, self.stand.meet(self.host, viewer, tracks=tracks, session=b"late" * 4)

    def send(self, track: int, size: int = 2000, key: bool = False, pause: float = 0.01) -> int:
        """The host sends the next object of a track."""
        self.stand.now += pause
        self._numbers[track] += 1
        number = self._numbers[track]
        pieces = packetize(bytes(size), self.host.media_handle, track, number, KEY if key else 0)
        self.host.connection.client.send_datagrams(pieces, Priority.VIDEO, None)
        self.stand.settle()
        return number

    def got(self, viewer: Neighbour | None = None) -> dict[int, list[int]]:
        """The objects that a viewer has got of each track, in order."""
        found: dict[int, list[int]] = {}
        for data in (viewer or self.viewer).told.datagrams:
            header, _ = datagram.decode(data)
            numbers = found.setdefault(header.track, [])
            if header.object not in numbers:
                numbers.append(header.object)
        return found

    def recoveries(self) -> list[int]:
        """The tracks that the host was asked to recover."""
        return [message.track for message in self.host.heard if isinstance(message, Recover)]


def test_datagrams_of_a_track_that_was_not_announced_are_dropped() -> None:
    programme = Programme(DESKTOP)
    programme.host.say(Admit(programme.handle, (1, 2), (0,)))
    programme.send(2, key=True)
    programme.send(1, key=True)
    assert programme.got() == {1: [0]}


def test_tracks_that_are_announced_anew_replace_the_old_ones() -> None:
    programme = Programme(DESKTOP, SECOND)
    for track in (1, 2):
        programme.send(track, key=True)
    programme.host.say(Tracks((SECOND.row, EXACT.row)), Admit(programme.handle, (2, 4), (0,)))
    programme.send(1)
    programme.send(2)
    programme.send(4, key=True)
    assert programme.got() == {1: [0], 2: [0, 1], 4: [0]}, "the second goes on without a key object"
    assert programme.host.last(Viewers) == Viewers(1, (2, 4))


@pytest.mark.parametrize("rows", [((1, 1, 0, 500, 1),), (DESKTOP.row, DESKTOP.row), ((1,),)], ids=str)
def test_a_host_whose_tracks_are_none_is_refused(rows: tuple[tuple[int, ...], ...]) -> None:
    stand = Stand()
    host = stand.host()
    host.say(Tracks(rows))
    assert host.closed == CloseCode.PROTOCOL_ERROR


def test_each_track_is_wanted_by_itself() -> None:
    programme = Programme(DESKTOP, SECOND)
    for track in (1, 2):
        programme.send(track, key=True)
    programme.viewer.say(Subscribe(programme.handle, 2, 0))
    assert programme.host.last(Viewers) == Viewers(1, (1,))
    for track in (1, 2):
        programme.send(track)
    assert programme.got() == {1: [0, 1], 2: [0]}
    programme.viewer.say(Subscribe(programme.handle, 2, 1))
    assert programme.recoveries() == [2], "one that comes back needs a key object, the other does not"
    assert programme.host.last(Viewers) == Viewers(1, (1, 2))
    for track in (1, 2):
        programme.send(track, key=track == 2)
    assert programme.got() == {1: [0, 1, 2], 2: [0, 2]}


def test_a_wish_ahead_of_its_admission_is_heeded() -> None:
    """It crosses the ADMIT, on another stream; what is forgotten with a track that is withdrawn is not remembered."""
    programme = Programme(DESKTOP, SECOND, admit=False)
    programme.viewer.say(Subscribe(programme.handle, 2, 0))
    programme.host.say(Admit(programme.handle, (), (0,)), Admit(programme.handle, (1, 2), (0,)))
    assert programme.host.last(Viewers) == Viewers(1, (1,))
    programme.host.say(Admit(programme.handle, (1, 2), (0, 1)))
    assert programme.host.last(Viewers) == Viewers(1, (1,)), "a wish stays through another ADMIT"
    programme.host.say(Admit(programme.handle, (), (0,)), Admit(programme.handle, (1, 2), (0,)))
    assert programme.host.last(Viewers) == Viewers(1, (1, 2))


def test_a_wish_for_an_unknown_track_is_counted_and_comes_to_nothing() -> None:
    programme = Programme(DESKTOP, SECOND)
    viewer, handle = programme.join(1)
    told = len(programme.host.heard)
    for track in (-1, 3, 255, 1 << 40):
        programme.viewer.say(Subscribe(programme.handle, track, 0), Recover(programme.handle, track, 0))
    viewer.say(Recover(handle, 2, 0))
    assert programme.recoveries() == [] and len(programme.host.heard) == told
    assert programme.stand.router.strays == 9
    programme.send(1, key=True)
    assert programme.got()[1] == programme.got(viewer)[1] == [0]


def test_a_track_leaves_by_its_own_rank_and_no_longer_than_it_lives() -> None:
    programme = Programme(*ALL)
    server = programme.viewer.connection.server
    server.slow = True
    for track in ALL:
        programme.send(track.id, size=100, key=True)
    assert [priority for _, priority, _ in server.datagrams] == [
        Priority.VIDEO,
        Priority.VIDEO,
        Priority.AUDIO,
        Priority.EXACT,
    ]
    assert [round(deadline - programme.stand.now, 2) for deadline in server.deadlines] == [0.47, 0.48, 0.09, 2.0]


def test_a_key_object_forgets_what_waits_of_its_own_track_alone() -> None:
    programme = Programme(DESKTOP, SECOND)
    server = programme.viewer.connection.server
    for track in (1, 2):
        programme.send(track, key=True)
    server.slow = True
    for _ in range(20):
        programme.send(1)
        programme.send(2)
    waiting = {datagram.decode(data)[0].track for data, _, _ in server.datagrams}
    assert waiting == {1, 2}
    key = programme.send(1, key=True)
    left = [datagram.decode(data)[0] for data, _, _ in server.datagrams]
    assert {header.object for header in left if header.track == 1} == {key}
    kept = [header.object for header in left if header.track == 2]
    assert kept and sorted(set(kept)) == list(range(1, 1 + len(set(kept))))
    server.slow = False
    programme.send(1)
    assert programme.got()[2] == [0, *sorted(set(kept))]


def test_another_track_that_waits_is_no_reason_to_leave_an_object_out() -> None:
    programme = Programme(DESKTOP, SECOND)
    server = programme.viewer.connection.server
    for track in (1, 2):
        programme.send(track, 60_000, key=True)
    server.slow = True
    programme.send(1, 60_000)
    programme.send(2, 60_000)
    server.slow = False
    programme.stand.settle()
    assert programme.got() == {1: [0, 1], 2: [0, 1]}


def test_objects_that_stand_alone_are_never_left_out_and_reach_who_comes_late() -> None:
    programme = Programme(*ALL)
    programme.viewer.connection.server.slow = True
    for _ in range(30):
        programme.send(1, 10_000, key=False)
        programme.send(4, 10_000, key=True)
        programme.send(3, 200, key=True)
    assert 4 not in programme.recoveries() and 3 not in programme.recoveries()
    programme.viewer.connection.server.slow = False
    programme.stand.settle()
    got = programme.got()
    assert got[4] == got[3] == list(range(30)) and 1 not in got, "pictures wait for a key object"
    late, handle = programme.join(3, 4)
    kept = programme.got(late)
    assert 3 not in kept, "sound begins with the next object"
    assert len(kept[4]) >= 10 and kept[4] == list(range(kept[4][0], 30))
    late.say(Recover(handle, 4, 0), Subscribe(handle, 4, 0), Subscribe(handle, 4, 1))
    assert programme.recoveries() == [1] * len(programme.recoveries())
    for track in (3, 4):
        programme.send(track, key=True)
    assert programme.got(late)[3] == [30] and programme.got(late)[4][-1] == 30


def test_a_probe_carries_parity_of_what_its_viewer_gets() -> None:
    programme = Programme(DESKTOP, SECOND)
    other, _ = programme.join(2)
    programme.send(1, 5000, key=True)
    spare = programme.viewer.connection.server.spare
    assert spare is not None
    assert {datagram.decode(data)[0].track for data in spare(2, programme.stand.now)} == {1}
    spare = other.connection.server.spare
    assert spare is not None and list(spare(2, programme.stand.now)) == []
