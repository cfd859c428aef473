"""Decode order under loss: what waits, what is asked for, and what a key object makes good."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.media.ordering import WAITING, Ordering
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.patience import patience
from avl_protocol.session.media.receiver import KEYLESS, MediaReceiver, ReceivedFrame, ReceivedObject
from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.registry import T_KEY_SPACING, DatagramType, ObjectFlag
from tests.protocol.messages import damaged
from tests.protocol.sealed import TRACK, Source
from tests.protocol.sealed import frame as sealed_frame


def numbers(frames: Sequence[ReceivedObject]) -> list[int]:
    return [frame.number for frame in frames]


def pictures(given: list[ReceivedObject]) -> list[ReceivedFrame]:
    """What was given out, which is pictures and nothing else."""
    frames = [one for one in given if isinstance(one, ReceivedFrame)]
    assert len(frames) == len(given)
    return frames


# -- ordering ----------------------------------------------------------------------------------------------------------


@st.composite
def objects(draw: st.DrawFn) -> list[tuple[int, int | None]]:
    """(number, depends) of a track: groups of objects that each depend on the one before."""
    keys = draw(st.lists(st.booleans(), min_size=1, max_size=40))
    return [(at, None if key or at == 0 else at - 1) for at, key in enumerate(keys)]


@given(objects(), st.randoms(use_true_random=False), st.floats(0, 0.4))
def test_nothing_is_decoded_before_what_it_depends_on(
    track: list[tuple[int, int | None]], chance: random.Random, loss: float
) -> None:
    arriving = [entry for entry in track if chance.random() >= loss]
    chance.shuffle(arriving)
    ordering: Ordering[tuple[int, int | None]] = Ordering()
    out: list[tuple[int, int | None]] = []
    for entry in arriving:
        out += ordering.add(entry[0], entry[1], entry, 0.0)
    assert [number for number, _ in out] == sorted({number for number, _ in out})
    for place, (_, depends) in enumerate(out):
        assert depends is None or out[place - 1][0] == depends


@given(objects())
def test_what_arrives_in_order_is_decoded_at_once(track: list[tuple[int, int | None]]) -> None:
    ordering: Ordering[int] = Ordering()
    assert [ordering.add(number, depends, number, 0.0) for number, depends in track] == [[n] for n, _ in track]
    assert not ordering.missing()


def test_a_late_object_lets_go_of_what_waited() -> None:
    ordering: Ordering[str] = Ordering()
    assert ordering.add(0, None, "key", 0.0) == ["key"]
    assert ordering.add(2, 1, "two", 0.1) == []
    assert ordering.add(3, 2, "three", 0.1) == []
    assert ordering.add(1, 0, "one", 0.2) == ["one", "two", "three"]


def test_a_dropped_object_is_told_from_a_lost_one() -> None:
    ordering: Ordering[str] = Ordering()
    ordering.add(0, None, "key", 0.0)
    assert ordering.add(2, 0, "1 was discardable", 0.1) == ["1 was discardable"]
    assert ordering.stuck(10.0) is None


def test_being_stuck_is_told_after_the_patience_and_ends_with_a_key_object() -> None:
    ordering: Ordering[str] = Ordering(patience=0.15)
    ordering.add(0, None, "key", 0.0)
    ordering.add(2, 1, "two", 1.0)
    assert ordering.next_check() == pytest.approx(1.15)
    assert ordering.stuck(1.1) is None
    assert ordering.stuck(1.16) == 2
    assert ordering.add(5, None, "key", 1.2) == ["key"]
    assert ordering.stuck(9.0) is None and not ordering.missing()
    assert ordering.add(3, 2, "old", 1.3) == []
    assert ordering.last == 5


@given(st.floats(0, 1e7))
def test_being_stuck_is_told_exactly_when_it_was_announced(now: float) -> None:
    ordering: Ordering[str] = Ordering(patience=0.15)
    ordering.add(0, None, "key", now)
    ordering.add(2, 1, "two", now)
    due = ordering.next_check()
    assert due is not None and ordering.stuck(due) == 2


def test_what_waits_is_bounded() -> None:
    ordering: Ordering[int] = Ordering()
    ordering.add(0, None, 0, 0.0)
    for number in range(2, 500):
        ordering.add(number, number - 1, number, 0.0)
    assert len(ordering._waiting) <= WAITING


# -- the receiver ------------------------------------------------------------------------------------------------------


def subscription(receiver: MediaReceiver, datagrams: list[bytes], now: float) -> list[ReceivedFrame]:
    return [frame for data in datagrams for frame in pictures(receiver.datagram(data, now))]


def test_frames_come_out_with_what_their_group_needs() -> None:
    source = Source()
    receiver = source.receiver()
    frames = subscription(receiver, source.send(True, 5000) + source.send(False), 1.0)
    assert numbers(frames) == [0, 1]
    assert [(f.codec, f.width, f.height) for f in frames] == [("avc1.F40034", 640, 480)] * 2
    assert frames[0].data == bytes([251]) * 5000
    assert frames[1].preamble.depends == 0


@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.floats(0, 0.3), st.floats(0, 0.3))
def test_whatever_the_network_does_frames_are_decodable_and_recovery_is_asked_for(
    chance: random.Random, loss: float, duplicate: float
) -> None:
    source = Source()
    receiver = source.receiver()
    decoded: list[int] = []
    now, recovering = 0.0, True
    for _ in range(60):
        now += 0.033
        arriving = [d for d in source.send(recovering, chance.choice([50, 3000])) if chance.random() >= loss]
        arriving += [d for d in arriving if chance.random() < duplicate]
        chance.shuffle(arriving)
        recovering = False
        for frame in subscription(receiver, arriving, now):
            assert frame.preamble.key or frame.preamble.depends == decoded[-1]
            decoded.append(frame.number)
        receiver.beacon(TRACK, source.sender.newest, False, now)
        recovering = bool(receiver.recoveries(now) or receiver.tails(now))
    assert decoded == sorted(set(decoded))
    # The network heals: within a second of beacons and frames the newest picture is there again.
    for _ in range(40):
        now += 0.033
        for frame in subscription(receiver, source.send(recovering), now):
            decoded.append(frame.number)
        receiver.beacon(TRACK, source.sender.newest, False, now)
        recovering = bool(receiver.recoveries(now) or receiver.tails(now))
    assert decoded[-1] == source.sender.newest


def test_recovery_is_asked_for_at_most_once_in_the_key_spacing() -> None:
    source = Source()
    receiver = source.receiver()
    subscription(receiver, source.send(True), 0.0)
    source.send(False)  # lost
    asked = []
    for step in range(100):
        now = 0.02 + step * 0.01
        if step % 3 == 0:
            subscription(receiver, source.send(False), now)
        asked += [now for _ in receiver.recoveries(now)]
    assert len(asked) >= 2
    assert all(later - earlier >= T_KEY_SPACING - 1e-9 for earlier, later in itertools.pairwise(asked))
    assert receiver.next_check(5.0) is not None


@given(st.floats(0, 1e7))
def test_asking_at_the_announced_moment_never_asks_to_be_called_at_that_moment_again(now: float) -> None:
    source = Source()
    receiver = source.receiver()
    subscription(receiver, source.send(True), now)
    source.send(False)  # lost
    subscription(receiver, source.send(False), now)
    for _ in range(5):
        due = receiver.next_check(now)
        assert due is not None and due > now
        now = due
        assert receiver.recoveries(now) == [(TRACK, 2)]


TAIL_PATIENCE = 0.5


def test_on_a_short_way_patience_is_what_it_was() -> None:
    for trip in (0.0, 0.01, 0.04):
        short = patience(trip, T_KEY_SPACING)
        assert (short.dependency, short.unfinished, short.tail, short.answer) == pytest.approx((0.15, 0.25, 0.5, 0.3))


@pytest.mark.parametrize("trip", [0.1, 0.2, 0.3, 0.6, 5.0])
def test_a_repair_that_takes_a_round_trip_is_waited_for_and_nothing_for_ever(trip: float) -> None:
    """A lost object, the ones behind it, and its repair a round trip and 80 ms later; beyond a second, a wish."""
    source = Source()
    receiver = source.receiver()
    subscription(receiver, source.send(True), 0.0)
    receiver.follow(trip)
    lost = source.send(False)
    asked: list[float] = []
    comes = trip + 0.08
    now = 0.033
    while now < comes:
        subscription(receiver, source.send(False), now)
        asked += [now for _ in receiver.recoveries(now)]
        now += 0.033
    if trip < 1.0:
        assert asked == []
        shown = numbers(subscription(receiver, lost, comes))
        assert shown == list(range(1, source.sender.newest + 1)), "nothing that waited is thrown away"
    else:
        assert 0.9 < asked[0] < 1.2
        assert all(later - earlier > 0.9 for earlier, later in itertools.pairwise(asked))


def test_a_large_object_that_lacks_one_fragment_is_kept_for_as_long_as_others_wait_for_it() -> None:
    source = Source()
    receiver = source.receiver()
    subscription(receiver, source.send(True), 0.0)
    receiver.follow(0.2)
    first, *others = source.send(False, 3000)
    assert others
    subscription(receiver, others, 0.02)
    for step in range(1, 9):
        subscription(receiver, source.send(False), 0.02 + 0.033 * step)
        assert receiver.recoveries(0.02 + 0.033 * step) == []
    assert numbers(subscription(receiver, [first], 0.3)) == list(range(1, source.sender.newest + 1))


def test_a_lost_tail_is_noticed_by_the_beacon() -> None:
    source = Source()
    receiver = source.receiver()
    subscription(receiver, source.send(True), 0.0)
    source.send(False)  # the last picture before a pause is lost whole
    assert receiver.next_check(0.5) is None
    receiver.beacon(TRACK, 1, False, 1.0)
    assert receiver.tails(1.0 + TAIL_PATIENCE / 2) == []
    assert receiver.tails(1.1 + TAIL_PATIENCE) == [(TRACK, 1)]
    assert receiver.tails(1.2 + TAIL_PATIENCE) == []
    subscription(receiver, source.send(True), 2.0)
    assert receiver.tails(9.0) == []


def test_a_first_key_object_that_never_came_is_noticed_too() -> None:
    source = Source()
    receiver = source.receiver()
    source.send(True)
    assert subscription(receiver, source.send(False), 0.1) == []
    receiver.beacon(TRACK, 1, False, 1.0)
    assert receiver.tails(1.1 + TAIL_PATIENCE) == [(TRACK, 0)]


@given(st.data())
def test_damaged_datagrams_are_counted_and_never_shown(data: st.DataObject) -> None:
    source = Source()
    receiver = source.receiver()
    (first,) = source.send(True)
    raw = data.draw(damaged(first))
    frames = pictures(receiver.datagram(raw, 0.0))
    if frames:
        assert numbers(frames) == [0]
        assert frames[0].data == receiver_of(source, first)
    receiver.recoveries(1.0)


def receiver_of(source: Source, data: bytes) -> bytes:
    """What an undamaged datagram holds."""
    return pictures(source.receiver().datagram(data, 0.0))[0].data


def test_an_object_with_a_forged_key_flag_is_damage() -> None:
    source = Source()
    receiver = source.receiver()
    number, flags, sealed = source.sender.seal(sealed_frame(True))
    assert subscription(receiver, packetize(sealed, 7, TRACK, number, flags & ~int(ObjectFlag.KEY)), 0.0) == []
    assert receiver.damaged == 1


def test_an_object_replayed_under_its_own_number_is_shown_once() -> None:
    source = Source()
    receiver = source.receiver()
    first = source.send(True)
    assert len(subscription(receiver, first, 0.0)) == 1
    for number in range(300):
        subscription(receiver, source.send(number % 10 == 0), 0.1)
    assert subscription(receiver, first, 0.2) == []


def test_tracks_are_bounded() -> None:
    receiver = Source().receiver()
    for track in range(256):
        header = MediaHeader(handle=1, type=DatagramType.MEDIA, track=track, object=0, flags=0, fragment=0, length=2000)
        receiver.datagram(datagram.encode(header, bytes(1128)), 0.0)
    assert [track for track in range(256) if receiver.newest(track) >= 0] == [TRACK]
    assert receiver.foreign == 255


def test_an_object_that_came_before_its_key_is_shown_when_the_key_comes() -> None:
    source = Source()
    receiver = source.receiver()
    subscription(receiver, source.send(True), 0.0)
    key = source.keys.renew()
    assert subscription(receiver, source.send(True), 0.1) == []
    assert receiver.missing_key is not None
    assert numbers(receiver.add_key(key.generation, key.step, key.base, 0.2)) == [1]
    assert receiver.missing_key is None


def test_keys_are_asked_for_once_in_the_key_spacing_whatever_a_stranger_sends() -> None:
    """A relay can make up objects of any key id."""
    source = Source()
    receiver = source.receiver()
    asked = []
    for at in range(100):
        source.keys.renew()
        subscription(receiver, source.send(True), at / 100)
        if receiver.missing_key is not None:
            asked.append(at / 100)
            receiver.missing_key = None
    assert asked == [0.0, 0.3, 0.6, 0.9]


def test_an_object_of_before_the_admission_asks_for_nothing_and_takes_no_place() -> None:
    source = Source()
    older = [source.send(at == 0) for at in range(KEYLESS)]
    of_another_generation = source.keys.renew()
    between = source.send(True)
    joiner = source.receiver(source.keys.join())
    for pieces in (*older, between):
        assert subscription(joiner, pieces, 0.0) == []
    assert joiner.missing_key is None and of_another_generation.generation == 2
    assert numbers(subscription(joiner, source.send(True), 0.1)) == [KEYLESS + 1]


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_joiner_can_not_open_what_was_sent_before_it_came() -> None:
    source = Source()
    before = source.send(True)
    joiner = source.receiver(source.keys.join())
    assert subscription(joiner, before, 0.0) == []
    assert numbers(subscription(joiner, source.send(True), 0.1)) == [1]


def test_everybody_else_follows_a_joiners_step_by_themselves() -> None:
    source = Source()
    receiver = source.receiver()
    subscription(receiver, source.send(True), 0.0)
    for at in range(10):
        source.keys.join()
        assert numbers(subscription(receiver, source.send(True), 0.1)) == [at + 1]


def test_who_was_evicted_can_not_open_the_next_key_object_nor_what_follows() -> None:
    source = Source()
    evicted, stays = source.receiver(), source.receiver()
    first = source.send(True)
    subscription(evicted, first, 0.0)
    subscription(stays, first, 0.0)
    key = source.keys.renew()
    stays.add_key(key.generation, key.step, key.base, 0.1)
    following = source.send(True) + source.send(False)
    assert numbers(subscription(stays, following, 0.1)) == [1, 2]
    assert subscription(evicted, following, 0.1) == []


def test_more_joiners_than_a_generation_has_steps_are_served() -> None:
    source = Source()
    for _ in range(40):
        key = source.keys.join()
        joiner = source.receiver(key)
        assert len(subscription(joiner, source.send(True), 0.1)) == 1
