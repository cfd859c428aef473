"""What a viewer makes of exact pixels: given out as they come, asked for when not, settled with the last."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.media import parity
from avl_protocol.media.packetizer import packetize
from avl_protocol.session.media.keys import MediaKeyring
from avl_protocol.session.media.receiver import MediaReceiver, ReceivedExact
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import MAX_MISSING_ROWS, T_KEY_SPACING, CloseCode, ExactCoding, ObjectFlag
from tests.protocol.handshakes import Seeded
from tests.protocol.sealed import EXACT, EXACT_TRACK, TRACK, VIDEO, Source, exact_frame, exact_pixels

#: Seconds that an object is waited for on a short path (5.4.4).
PATIENCE = 0.15


def desktop(first: int = 0) -> tuple[Source, Source, MediaReceiver]:
    """Both tracks of one desktop, and a viewer that can open exact pixels from object `first` on."""
    keys = MediaKeyring(Seeded("media"))
    pictures, exact = Source(VIDEO, keys), Source(EXACT, keys)
    return pictures, exact, pictures.receiver(None, replace(EXACT, first=first))


def given_out(receiver: MediaReceiver, datagrams: list[bytes], now: float) -> list[ReceivedExact]:
    """What these datagrams bring, which is exact pixels and nothing else."""
    out = [one for data in datagrams for one in receiver.datagram(data, now)]
    exact = [one for one in out if isinstance(one, ReceivedExact)]
    assert len(exact) == len(out)
    return exact


def told(objects: list[ReceivedExact]) -> list[tuple[int, bool]]:
    """Number of each, and whether none before it is missing."""
    return [(one.number, one.complete) for one in objects]


# -- given out ---------------------------------------------------------------------------------------------------------


def test_exact_pixels_come_out_as_they_come_and_say_whether_one_before_them_is_missing() -> None:
    _, exact, receiver = desktop()
    objects = [exact.send(size=size) for size in (0, 3000, 100, 100, 100)]
    assert told(given_out(receiver, objects[0], 0.0)) == [(0, True)]
    assert told(given_out(receiver, objects[2], 0.1)) == [(2, False)]
    assert told(given_out(receiver, objects[1], 0.2)) == [(1, True)], "what came behind it is no matter"
    assert told(given_out(receiver, objects[4], 0.3)) == [(4, False)]
    assert told(given_out(receiver, objects[3], 0.4)) == [(3, True)]
    assert given_out(receiver, objects[4], 0.5) == [], "once"
    assert receiver.received == 5 and receiver.damaged == 0
    assert receiver.missing(9.0) == []


def test_an_object_says_what_it_is_and_when_it_came() -> None:
    _, exact, receiver = desktop()
    made = exact_pixels(size=3000, captured=12.0)
    pieces = exact.object(exact_frame(made))
    assert given_out(receiver, pieces[:-1], 1.0) == []
    (one,) = given_out(receiver, pieces[-1:], 1.5)
    assert replace(one.exact, pixels=bytes(one.exact.pixels)) == made
    assert (one.track, one.number, one.first, one.last) == (EXACT_TRACK, 0, 1.0, 1.5)
    assert one.size > 3000


def test_what_parity_gives_back_is_not_missing() -> None:
    _, exact, receiver = desktop()
    number, flags, sealed = exact.sender.seal(exact_frame(exact_pixels(size=3000)))
    pieces = packetize(sealed, 7, EXACT_TRACK, number, flags)
    rows = parity.make(sealed, 7, EXACT_TRACK, number, flags, range(1))
    assert told(given_out(receiver, [*pieces[1:], *rows], 0.0)) == [(0, True)]
    assert receiver.repaired == 1 and receiver.missing(9.0) == []


# -- asked for ---------------------------------------------------------------------------------------------------------


def test_what_has_not_come_is_asked_for_when_it_can_not_come_any_more() -> None:
    _, exact, receiver = desktop()
    objects = [exact.send() for _ in range(6)]
    given_out(receiver, objects[1], 1.0)
    given_out(receiver, objects[5], 1.1)
    assert receiver.next_check(1.1) == 1.0 + PATIENCE
    assert receiver.missing(1.0 + PATIENCE - 0.001) == []
    assert receiver.missing(1.0 + PATIENCE) == [(EXACT_TRACK, ((0, 0),))], "the others may be on their way"
    due = receiver.next_check(1.2)
    assert due == 1.0 + PATIENCE + T_KEY_SPACING
    assert receiver.missing(due) == [(EXACT_TRACK, ((0, 0), (2, 4)))]


def test_a_late_object_is_not_asked_for() -> None:
    _, exact, receiver = desktop()
    objects = [exact.send() for _ in range(3)]
    given_out(receiver, objects[0] + objects[2], 1.0)
    given_out(receiver, objects[1], 1.1)
    assert receiver.next_check(1.1) is None and receiver.missing(9.0) == []


@pytest.mark.parametrize("trip", [0.0, 0.1, 0.3, 5.0])
def test_on_a_long_path_it_is_waited_for_longer(trip: float) -> None:
    _, exact, receiver = desktop()
    receiver.follow(trip)
    exact.send()  # lost
    given_out(receiver, exact.send(), 1.0)
    patience = min(1.0, max(PATIENCE, 1.25 * trip + 0.1))
    assert receiver.next_check(1.0) == pytest.approx(1.0 + patience)
    assert receiver.missing(1.0 + patience - 0.001) == []
    assert receiver.missing(1.0 + patience + 0.001) == [(EXACT_TRACK, ((0, 0),))]


def test_missing_objects_are_asked_for_at_most_once_in_300_ms() -> None:
    _, exact, receiver = desktop()
    asked = []
    for step in range(300):
        now = step / 100
        pieces = exact.send()
        if step % 3:
            given_out(receiver, pieces, now)
        asked += [now for _ in receiver.missing(now)]
        check = receiver.next_check(now)
        assert check is None or check > now or receiver.missing(now) == []
    assert 6 <= len(asked) <= 3.0 / T_KEY_SPACING
    assert all(later - earlier >= T_KEY_SPACING - 1e-9 for earlier, later in itertools.pairwise(asked))


@given(st.floats(0, 1e7))
def test_asking_at_the_announced_moment_never_asks_to_be_called_at_that_moment_again(now: float) -> None:
    _, exact, receiver = desktop()
    exact.send()  # lost
    given_out(receiver, exact.send(), now)
    for _ in range(5):
        due = receiver.next_check(now)
        assert due is not None and due > now
        now = due
        assert receiver.missing(now) == [(EXACT_TRACK, ((0, 0),))]


def test_the_last_objects_before_a_pause_are_asked_for_when_a_beacon_names_them() -> None:
    _, exact, receiver = desktop()
    given_out(receiver, exact.send(), 0.0)
    exact.send(), exact.send()  # lost
    assert receiver.next_check(0.5) is None
    receiver.beacon(EXACT_TRACK, 2, False, 1.0)
    receiver.beacon(EXACT_TRACK, 2, False, 1.1)
    assert receiver.missing(1.0 + PATIENCE) == [(EXACT_TRACK, ((1, 2),))]
    assert receiver.tails(9.0) == receiver.recoveries(9.0) == [], "no key object is asked for"


def test_what_was_made_before_the_viewer_came_is_not_missing() -> None:
    _, exact, receiver = desktop(first=4)
    objects = [exact.send() for _ in range(6)]
    receiver.beacon(EXACT_TRACK, 3, False, 0.0)
    assert receiver.next_check(0.0) is None
    assert told(given_out(receiver, objects[4], 0.1)) == [(4, True)]
    receiver.beacon(EXACT_TRACK, 5, False, 0.2)
    assert receiver.missing(9.0) == [(EXACT_TRACK, ((5, 5),))]


def test_an_object_of_an_older_key_is_of_no_use_and_not_missing() -> None:
    """It was made before the viewer was admitted, whatever the relay sends."""
    _, exact, _ = desktop()
    older = [exact.send() for _ in range(2)]
    joiner = exact.receiver(exact.keys.join())
    newer = exact.send()
    for pieces in (*older, newer):
        given_out(joiner, pieces, 0.0)
    assert joiner.missing(9.0) == [] and joiner.received == 1


def test_a_track_that_is_not_sent_is_not_asked_for_until_it_is_again() -> None:
    _, exact, receiver = desktop()
    exact.send()  # lost
    given_out(receiver, exact.send(), 0.0)
    receiver.want(EXACT_TRACK, False)
    receiver.want(99, False)
    exact.send()  # nobody sends it to us
    receiver.beacon(EXACT_TRACK, 2, True, 1.0)
    assert receiver.next_check(1.0) is None and receiver.missing(5.0) == []
    assert not receiver.settled(EXACT_TRACK)
    receiver.want(EXACT_TRACK, True)
    receiver.beacon(EXACT_TRACK, 2, True, 6.0)
    assert receiver.missing(6.0 + PATIENCE) == [(EXACT_TRACK, ((0, 0), (2, 2)))]


def test_what_could_not_be_used_is_asked_for_as_if_it_had_not_come() -> None:
    _, exact, receiver = desktop()
    for _ in range(3):
        given_out(receiver, exact.send(), 0.0)
    receiver.left_out(EXACT_TRACK, 1, 0.1)
    assert receiver.missing(0.1 + PATIENCE) == [(EXACT_TRACK, ((1, 1),))]
    assert told(given_out(receiver, exact.send(), 0.3)) == [(3, False)], "a copy can't be sure of its source"


def test_a_wish_has_no_more_rows_than_it_may_have() -> None:
    _, exact, receiver = desktop()
    for number in range(4 * MAX_MISSING_ROWS):
        pieces = exact.send()
        if number % 2:
            given_out(receiver, pieces, 0.0)
        ((_, rows),) = receiver.missing(number + 9.0) or [(0, ())]
        assert len(rows) <= MAX_MISSING_ROWS
    assert rows[0][0] == 0 and rows[-1][1] >= 4 * MAX_MISSING_ROWS - 2


def test_exact_pixels_that_are_lost_disturb_no_picture_and_the_reverse() -> None:
    pictures, exact, receiver = desktop()
    exact.send()  # lost
    given_out(receiver, exact.send(), 0.0)
    shown = [one.number for key in (True, False) for data in pictures.send(key) for one in receiver.datagram(data, 0.1)]
    assert shown == [0, 1]
    pictures.send(False)  # lost
    for data in pictures.send(False):
        assert receiver.datagram(data, 0.2) == []
    assert told(given_out(receiver, exact.send(), 0.3)) == [(2, False)]
    assert receiver.recoveries(0.5) == [(TRACK, 3)]
    assert receiver.missing(0.5) == [(EXACT_TRACK, ((0, 0),))], "each is asked for by itself"


# -- answered ----------------------------------------------------------------------------------------------------------


def test_what_is_shown_again_is_not_missing_any_more() -> None:
    _, exact, receiver = desktop()
    objects = [exact.send() for _ in range(8)]
    given_out(receiver, objects[7], 0.0)
    receiver.replaced(EXACT_TRACK, [(0, 2), (5, 6)], 7)
    receiver.replaced(99, [(0, 9)], 9)
    assert receiver.missing(1.0) == [(EXACT_TRACK, ((3, 4),))]
    given_out(receiver, objects[3] + objects[4], 1.1)
    assert receiver.next_check(1.1) is None


def test_all_is_settled_by_an_object_that_says_so_once_nothing_before_it_is_missing() -> None:
    _, exact, receiver = desktop()
    objects = [exact.send(), exact.send(), exact.send(settled=True)]
    assert not receiver.settled(EXACT_TRACK)
    given_out(receiver, objects[0] + objects[2], 0.0)
    assert not receiver.settled(EXACT_TRACK), "one is missing"
    given_out(receiver, objects[1], 0.1)
    assert receiver.settled(EXACT_TRACK)
    given_out(receiver, exact.send(), 0.2)
    assert not receiver.settled(EXACT_TRACK), "something newer came"


def test_all_is_settled_by_a_beacon_that_says_so() -> None:
    _, exact, receiver = desktop()
    given_out(receiver, exact.send(), 0.0)
    receiver.beacon(EXACT_TRACK, 0, False, 1.0)
    assert not receiver.settled(EXACT_TRACK)
    receiver.beacon(EXACT_TRACK, 0, True, 2.0)
    assert receiver.settled(EXACT_TRACK)
    last = exact.send()
    receiver.beacon(EXACT_TRACK, 1, True, 3.0)
    assert not receiver.settled(EXACT_TRACK), "the object that it names has not come"
    given_out(receiver, last, 3.1)
    assert receiver.settled(EXACT_TRACK)


def test_what_was_settled_before_an_answer_is_settled_again_by_what_comes_after_it() -> None:
    """What the answer promises is in objects after `newest`: that all was sent before them says nothing of them."""
    _, exact, receiver = desktop()
    exact.send()  # lost
    given_out(receiver, exact.send(settled=True), 0.0)
    receiver.replaced(EXACT_TRACK, [(0, 0)], 1)
    assert not receiver.settled(EXACT_TRACK)
    receiver.beacon(EXACT_TRACK, 1, True, 0.1)
    assert not receiver.settled(EXACT_TRACK), "said before the answer, or in spite of it"
    given_out(receiver, exact.send(settled=True), 0.2)
    assert receiver.settled(EXACT_TRACK)
    receiver.replaced(EXACT_TRACK, [], 0)
    assert receiver.settled(EXACT_TRACK), "an older answer takes nothing back"


def test_tracks_of_pictures_are_never_settled() -> None:
    pictures, _, receiver = desktop()
    for data in pictures.send(True):
        receiver.datagram(data, 0.0)
    receiver.beacon(TRACK, 0, True, 0.1)
    assert not receiver.settled(TRACK) and not receiver.settled(99)


def test_where_every_pixel_is_exact_no_picture_is_missed() -> None:
    pictures, exact, receiver = desktop()
    for data in pictures.send(True):
        receiver.datagram(data, 0.0)
    pictures.send(False)  # lost
    for data in pictures.send(False):
        receiver.datagram(data, 0.0)
    receiver.beacon(TRACK, 2, False, 0.1)
    given_out(receiver, exact.send(settled=True), 0.1)
    receiver.rest(TRACK)
    receiver.rest(99)
    assert receiver.next_check(0.2) is None
    assert receiver.recoveries(9.0) == receiver.tails(9.0) == []
    receiver.beacon(TRACK, 2, False, 10.0)
    receiver.rest(TRACK)
    assert receiver.tails(20.0) == [], "whatever beacons say"
    for data in pictures.send(False):
        assert receiver.datagram(data, 20.0) == []
    assert receiver.recoveries(20.0 + PATIENCE) == [(TRACK, 3)], "what moves again needs a picture to begin with"


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plaintext", [b"", b"\1", b"\2" + bytes(60), b"\1" + bytes(5), bytes(100)], ids=repr)
def test_an_object_of_another_form_is_counted_and_not_missing(plaintext: bytes) -> None:
    _, exact, receiver = desktop()
    assert given_out(receiver, exact.object(replace(exact_frame(), data=plaintext)), 0.0) == []
    assert (receiver.damaged, receiver.received) == (1, 0)
    given_out(receiver, exact.send(), 0.1)
    assert receiver.missing(9.0) == [], "what it showed would be of no other form"


def test_exact_pixels_without_the_key_flag_are_damage() -> None:
    _, exact, receiver = desktop()
    number, _, sealed = exact.sender.seal(exact_frame())
    assert given_out(receiver, packetize(sealed, 7, EXACT_TRACK, number, 0), 0.0) == []
    assert receiver.damaged == 1


def test_a_forged_object_is_counted_and_stays_missing() -> None:
    _, exact, receiver = desktop()
    number, flags, sealed = exact.sender.seal(exact_frame())
    forged = sealed[:-1] + bytes((sealed[-1] ^ 1,))
    assert given_out(receiver, packetize(forged, 7, EXACT_TRACK, number, flags), 0.0) == []
    given_out(receiver, exact.send(), 0.1)
    assert receiver.damaged == 1
    assert receiver.missing(0.1 + PATIENCE) == [(EXACT_TRACK, ((0, 0),))]


@pytest.mark.parametrize("size", [(0, 0), (8193, 1), (1, 8193), (8192, 8192), (1 << 40, 1 << 40)], ids=str)
def test_a_desktop_that_no_viewer_takes_ends_the_session(size: tuple[int, int]) -> None:
    _, exact, receiver = desktop()
    made = replace(exact_pixels(), width=size[0], height=size[1])
    with pytest.raises(Refused) as refused:
        given_out(receiver, exact.object(exact_frame(made)), 0.0)
    assert refused.value.code is CloseCode.TOO_LARGE


# -- the sender --------------------------------------------------------------------------------------------------------


def test_exact_pixels_are_sealed_as_key_objects_under_the_newest_key() -> None:
    pictures, exact, _ = desktop()
    pictures.send(True)
    old = pictures.sender.current_key
    assert exact.sender.seal(exact_frame())[1] == ObjectFlag.KEY
    joined = exact.keys.join()
    joiner = exact.receiver(joined, VIDEO)
    assert [one for data in pictures.send(False) for one in joiner.datagram(data, 0.0)] == []
    assert told(given_out(joiner, exact.send(), 0.0))[0][0] == 1, "at once, without anybody asking for a key object"
    assert (exact.sender.current_key, pictures.sender.current_key) == (joined, old), "each track at its own"
    evicted = exact.receiver()
    exact.keys.renew()
    assert given_out(evicted, exact.send(), 0.1) == []
    assert exact.sender.current_key.generation > joined.generation


def test_a_sender_says_when_exact_pixels_were_captured() -> None:
    _, exact, receiver = desktop()
    made = exact_pixels(captured=42.5)
    (one,) = given_out(receiver, exact.object(exact_frame(made)), 0.0)
    assert exact.sender.captured(0) == 42.5 and one.exact.captured_us == 42_500_000
    assert one.exact.rects[0].coding is ExactCoding.SOLID and exact.sender.newest == 0
