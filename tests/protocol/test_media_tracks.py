"""What a viewer makes of several tracks: each in its own order, those whose objects stand alone in none."""

from __future__ import annotations

from avl_protocol.media.track import Track, lower, rungs, video
from avl_protocol.session.media.keys import MediaKeyring
from avl_protocol.session.media.receiver import EARLY
from avl_protocol.wire.registry import Priority, TrackEntry, TrackKind
from tests.protocol.handshakes import Seeded
from tests.protocol.sealed import Source, frame

ALONE = Track(id=2, kind=TrackKind.VIDEO, priority=Priority.EXACT, lifetime=2.0, entry=TrackEntry.NEXT)


def pair(second: Track) -> tuple[Source, Source]:
    """Two tracks of one media session."""
    keys = MediaKeyring(Seeded("media"))
    return Source(keys=keys), Source(second, keys)


def test_objects_that_stand_alone_come_out_as_they_come_and_are_never_asked_for() -> None:
    first, alone = pair(ALONE)
    receiver = first.receiver(None, ALONE)
    objects = [alone.send(True) for _ in range(6)]
    shown = [
        frame.number for at in (0, 3, 1, 5, 4) for data in objects[at] for frame in receiver.datagram(data, 0.01 * at)
    ]
    assert shown == [0, 3, 1, 5, 4], "a later one does not make an earlier useless"
    receiver.beacon(ALONE.id, 9, False, 0.1)
    assert receiver.recoveries(5.0) == receiver.tails(5.0) == []
    assert [frame.number for data in objects[2] for frame in receiver.datagram(data, 5.0)] == [2]
    assert [frame for data in objects[2] for frame in receiver.datagram(data, 5.1)] == [], "once"


def test_what_is_lost_of_one_track_is_asked_for_of_that_alone() -> None:
    first, second = pair(video(2))
    receiver = first.receiver(None, video(2))
    shown: dict[int, list[int]] = {1: [], 2: []}
    for number in range(20):
        for source, track in ((first, 1), (second, 2)):
            data = source.send(number == 0)
            if (track, number) != (2, 5):
                for piece in data:
                    for frame in receiver.datagram(piece, number / 30):
                        shown[frame.track].append(frame.number)
    assert shown == {1: list(range(20)), 2: list(range(5))}
    assert receiver.recoveries(1.0) == [(2, 6)]


def test_datagrams_of_tracks_that_were_not_granted_are_counted_and_open_nothing() -> None:
    first, second = pair(video(2))
    receiver = first.receiver()
    for data in second.send(True):
        assert receiver.datagram(data, 0.0) == []
    receiver.beacon(2, 7, False, 0.0)
    assert receiver.foreign == 1 and receiver.newest(2) == -1
    assert receiver.tails(9.0) == []


def test_each_track_takes_the_next_key_up_at_its_own_key_object() -> None:
    first, second = pair(video(2))
    for source in (first, second):
        source.send(True)
    old = first.sender.current_key
    joined = first.keys.join()
    assert first.keys.join() is joined, "who comes before it is used shares it"
    first.send(True)
    assert (first.sender.current_key, second.sender.current_key) == (joined, old)
    later = first.keys.join()
    assert later.step == joined.step + 1, "it was used: who comes now can't read what it sealed"
    joiner = first.receiver(later, video(2))
    assert [frame for data in second.send(False) for frame in joiner.datagram(data, 0.0)] == []
    for source in (second, first):
        (frame,) = (frame for data in source.send(True) for frame in joiner.datagram(data, 0.0))
        assert (frame.track, source.sender.current_key) == (source.sender.track.id, later)


def test_what_overtook_the_first_key_object_is_decoded_behind_it() -> None:
    source, _ = pair(video(2))
    receiver = source.receiver()
    source.send(True)  # lost
    before, key = source.send(False), source.send(True)
    behind = [source.send(False) for _ in range(EARLY + 3)]
    assert [frame for data in before for frame in receiver.datagram(data, 0.0)] == []
    for data in behind[:3]:
        assert [frame for piece in data for frame in receiver.datagram(piece, 0.01)] == []
    shown = [frame.number for data in key for frame in receiver.datagram(data, 0.02)]
    assert shown == [2, 3, 4, 5], "none is lost, and none of before comes after"
    assert [frame.number for data in behind[3] for frame in receiver.datagram(data, 0.03)] == [6]


def test_no_more_than_a_few_objects_wait_for_the_first_key_object() -> None:
    source, _ = pair(video(2))
    receiver = source.receiver()
    key = source.send(True)
    for _ in range(EARLY + 3):
        for data in source.send(False):
            assert receiver.datagram(data, 0.0) == []
    assert [frame.number for data in key for frame in receiver.datagram(data, 0.02)] == [0]
    assert receiver.received == 1 + EARLY


LOWER = lower(9)


def test_a_lower_rung_belongs_to_the_pictures_before_it() -> None:
    assert rungs((LOWER, video(1), video(2), LOWER, lower(10))) == {9: 2}
    assert rungs((video(1), LOWER, video(2), lower(10))) == {9: 1, 10: 2}


def test_a_key_object_of_either_rung_takes_the_place_of_both() -> None:
    upper, fewer = pair(LOWER)
    receiver = upper.receiver(None, LOWER)
    shown: list[tuple[int, int]] = []

    def send(source: Source, key: bool, captured: float, arrives: bool = True) -> None:
        for data in source.object(frame(key, captured=captured)):
            if arrives:
                shown.extend((one.track, one.number) for one in receiver.datagram(data, captured))

    receiver.beacon(LOWER.id, 5, False, 0.0)
    assert receiver.tails(3.0) == [], "it is not what we get"
    send(upper, True, 1.00)
    send(upper, False, 1.03)
    send(fewer, True, 1.06)
    send(upper, False, 1.05)  # was on its way
    send(fewer, False, 1.09)
    assert shown == [(1, 0), (1, 1), (9, 0), (9, 1)]
    receiver.beacon(1, 40, False, 1.1)
    assert receiver.tails(3.0) == receiver.recoveries(3.0) == [], "what the other rung shows is not missed"
    send(upper, True, 1.08)  # older than what is shown
    send(fewer, False, 1.12)
    assert shown[4:] == [(9, 2)]
    send(upper, True, 1.15)
    send(fewer, False, 1.14)
    send(upper, False, 1.18)
    assert shown[5:] == [(1, 4), (1, 5)]


def test_where_the_key_object_of_the_other_rung_is_lost_it_is_asked_for() -> None:
    upper, fewer = pair(LOWER)
    receiver = upper.receiver(None, LOWER)
    shown = [one.track for data in fewer.object(frame(True, captured=1.0)) for one in receiver.datagram(data, 1.0)]
    upper.object(frame(True, captured=1.03))
    for data in upper.object(frame(False, captured=1.06)):
        shown += [one.track for one in receiver.datagram(data, 1.06)]
    assert shown == [LOWER.id]
    due = receiver.next_check(1.06)
    assert due is not None and receiver.recoveries(due - 0.01) == []
    assert receiver.recoveries(due) == [(1, 1)]
