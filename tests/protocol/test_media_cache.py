"""A relay's recent objects: each fragment passed on once, gaps filled by parity, memory bounded whatever comes."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.media import parity
from avl_protocol.media.cache import OBJECT_COST, ObjectCache
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.track import Track
from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, DatagramType, Priority, TrackEntry, TrackKind

HANDLE, TRACK = 300, 2


def content(number: int, size: int) -> bytes:
    return random.Random(number).randbytes(size)


def cut(number: int, size: int = 5000, flags: int = 0, track: int = TRACK) -> list[bytes]:
    return packetize(content(number, size), HANDLE, track, number, flags)


def subscription(cache: ObjectCache, data: bytes, now: float = 0.0) -> list[bytes]:
    return cache.add(data, *datagram.decode(data), now)


def test_what_comes_is_new_once_and_is_passed_on_as_it_came() -> None:
    cache = ObjectCache()
    for data in cut(1):
        assert subscription(cache, data) == [data]
        assert subscription(cache, data) == []
        assert subscription(cache, datagram.with_type(data, DatagramType.REPAIR)) == []
    assert cache.sealed(TRACK, 1) == content(1, 5000)


def test_a_repair_of_what_is_missing_is_passed_on_as_media() -> None:
    cache = ObjectCache()
    pieces = cut(1)
    assert subscription(cache, datagram.with_type(pieces[3], DatagramType.REPAIR)) == [pieces[3]]
    assert subscription(cache, pieces[3]) == []


def test_what_parity_gives_back_is_passed_on_as_if_it_had_come() -> None:
    cache = ObjectCache()
    pieces = cut(1, 5000, flags=9)
    rows = parity.make(content(1, 5000), HANDLE, TRACK, 1, 9, [0, 6])
    assert subscription(cache, rows[1]) == []
    assert subscription(cache, pieces[0]) == [pieces[0]]
    assert subscription(cache, rows[1]) == []
    assert subscription(cache, pieces[4]) == [pieces[4]]
    assert cache.sealed(TRACK, 1) is None
    assert subscription(cache, rows[0]) == []
    assert subscription(cache, pieces[2]) == [pieces[2], pieces[1], pieces[3]]
    assert cache.sealed(TRACK, 1) == content(1, 5000)
    assert cache.repaired == 2
    assert [subscription(cache, data) for data in (*pieces, *rows)] == [[]] * 7


@given(
    st.lists(st.integers(1, 6 * MAX_FRAGMENT_PAYLOAD), min_size=1, max_size=6),
    st.integers(0, 3),
    st.floats(0, 0.4),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60)
def test_every_fragment_goes_on_exactly_once_whatever_is_lost_doubled_or_repaired(
    sizes: list[int], rows: int, loss: float, chance: random.Random
) -> None:
    cache = ObjectCache(limit=1 << 30)
    originals = {(number, at): data for number, size in enumerate(sizes) for at, data in enumerate(cut(number, size))}
    arriving = list(originals.values())
    for number, size in enumerate(sizes):
        arriving += parity.make(content(number, size), HANDLE, TRACK, number, 0, range(rows))
    arriving = [data for data in arriving if chance.random() >= loss]
    arriving += chance.sample(arriving, len(arriving) // 3)
    chance.shuffle(arriving)
    passed = [new for data in arriving for new in subscription(cache, data)]
    assert len(passed) == len(set(passed))
    assert set(passed) <= set(originals.values())
    for number, size in enumerate(sizes):
        of_it = [data for (whose, _), data in originals.items() if whose == number]
        whole = all(data in passed for data in of_it)
        assert cache.sealed(TRACK, number) == (content(number, size) if whole else None)
        lost = sum(data not in arriving for data in of_it)
        come = {data for data in arriving if datagram.decode(data)[0].type == DatagramType.PARITY}
        assert whole == (lost <= sum(datagram.decode(data)[0].object == number for data in come))


def test_its_fragments_and_flags_can_be_asked_for() -> None:
    cache = ObjectCache()
    pieces = cut(1, 3000, flags=5)
    subscription(cache, pieces[2])
    assert cache.fragment(TRACK, 1, 2) == content(1, 3000)[2 * MAX_FRAGMENT_PAYLOAD :]
    assert cache.fragment(TRACK, 1, 0) is None
    assert cache.fragment(TRACK, 2, 0) is cache.fragment(9, 1, 0) is None
    assert (cache.flags(TRACK, 1), cache.flags(TRACK, 2)) == (5, None)
    assert cache.sealed(TRACK, 1) is cache.sealed(TRACK, 2) is None


def test_the_newest_whole_object_of_each_track_is_known() -> None:
    cache = ObjectCache()
    assert cache.newest(TRACK) is None
    for number in (4, 6, 5):
        for data in cut(number, 2000):
            subscription(cache, data)
    subscription(cache, cut(7, 2000)[0])
    for data in cut(1, 10, track=9):
        subscription(cache, data)
    assert cache.newest(TRACK) == (6, content(6, 2000))
    assert cache.newest(9) == (1, content(1, 10))


def test_what_disagrees_with_its_object_and_what_is_no_media_is_not_passed_on() -> None:
    cache = ObjectCache()
    subscription(cache, cut(1, 3000)[0])
    assert subscription(cache, cut(1, 2999)[1]) == []
    assert subscription(cache, cut(1, 3000, flags=1)[1]) == []
    assert subscription(cache, parity.make(content(1, 3000), HANDLE, TRACK, 1, 1, [0])[0]) == []
    for kind in (DatagramType.PROBE, 0x80):
        assert (
            subscription(
                cache,
                datagram.encode(
                    MediaHeader(handle=HANDLE, type=kind, track=TRACK, object=1, flags=0, fragment=1, length=3000),
                    bytes(1128),
                ),
            )
            == []
        )
    assert subscription(cache, cut(1, 3000)[1]) == [cut(1, 3000)[1]]


def test_an_object_is_forgotten_after_its_time_but_not_while_nothing_comes() -> None:
    cache = ObjectCache(seconds=0.5)
    for number, now in ((1, 10.0), (2, 10.3)):
        for data in cut(number):
            subscription(cache, data, now)
    assert cache.sealed(TRACK, 1) is not None
    subscription(cache, cut(3)[0], 10.5)
    assert cache.sealed(TRACK, 1) is not None
    subscription(cache, cut(3)[1], 10.51)
    assert cache.sealed(TRACK, 1) is None
    assert cache.newest(TRACK) == (2, content(2, 5000))
    subscription(cache, cut(4)[0], 11.2)
    assert cache.newest(TRACK) is None
    assert cache.sealed(TRACK, 2) is None
    assert cache.held == MAX_FRAGMENT_PAYLOAD + OBJECT_COST


def test_a_track_that_begins_again_with_lower_numbers_has_a_newest_object_again() -> None:
    cache = ObjectCache(seconds=0.5)
    for number, now in ((100, 1.0), (5, 2.0)):
        for data in cut(number):
            subscription(cache, data, now)
    assert cache.newest(TRACK) == (5, content(5, 5000))


def test_the_oldest_go_when_it_would_hold_too_much() -> None:
    cache = ObjectCache(limit=100_000)
    for number in range(50):
        for data in cut(number, 9000):
            subscription(cache, data)
            assert cache.held <= 100_000
    kept = [number for number in range(50) if cache.sealed(TRACK, number) is not None]
    assert kept == list(range(41, 50))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.integers(1, 300 * MAX_FRAGMENT_PAYLOAD),
            st.integers(0, 400),
            st.integers(0, 1),
            st.sampled_from([0, 1, 2]),
            st.floats(0, 0.05),
        ),
        max_size=150,
    )
)
@settings(max_examples=60, deadline=None)
def test_nothing_forged_raises_or_makes_it_hold_more_than_its_limit(
    steps: list[tuple[int, int, int, int, int, float]],
) -> None:
    cache = ObjectCache(limit=60_000)
    now = 0.0
    for number, length, fragment, flags, kind, pause in steps:
        now += pause
        size = datagram.parity_size if kind == DatagramType.PARITY else datagram.fragment_size
        if not (payload := bytes(size(length, fragment))):
            continue
        data = datagram.encode(
            MediaHeader(
                handle=HANDLE, type=kind, track=TRACK, object=number, flags=flags, fragment=fragment, length=length
            ),
            payload,
        )
        for new in subscription(cache, data, now):
            assert datagram.decode(new)[0].type == DatagramType.MEDIA
        counted = sum(one.held + OBJECT_COST for one in cache._objects.values())
        assert cache.held == counted <= 60_000
        assert all(now - one.first <= 0.5 for one in cache._objects.values())


def test_tiny_objects_are_bounded_too() -> None:
    cache = ObjectCache(limit=1 << 20)
    for number in range(3000):
        subscription(cache, cut(number, 1)[0])
    assert len(cache._objects) <= (1 << 20) // OBJECT_COST


def test_who_comes_late_gets_what_may_have_overtaken_its_admission_and_nothing_older() -> None:
    asked = Track(id=TRACK, kind=TrackKind.EXACT, priority=Priority.EXACT, lifetime=1.0, entry=TrackEntry.ASKED)
    cache = ObjectCache()
    for number in range(3):
        for data in cut(number, 1500):
            subscription(cache, data)
    assert cache.for_latecomer(asked, HANDLE) == []
    assert cache.for_latecomer(asked, HANDLE, since=1) == [*cut(1, 1500), *cut(2, 1500)]
