"""Which objects one viewer gets when its link is behind: whole ones, by what their track says of them."""

from __future__ import annotations

import pytest

from avl_protocol.media.track import Track, exact, lower, video
from avl_protocol.session.media.rungs import MARGIN, SHORT_SECONDS, UP_SECONDS, Flow, Rung
from avl_protocol.session.media.subscription import LEFT_OUT, SLACK, Subscription
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.registry import DatagramType, ObjectFlag, Priority, TrackEntry, TrackKind
from tests.protocol.memory import MemoryCarrier

PICTURES, EXACT = video(1), exact(2)
KEPT = Track(id=3, kind=TrackKind.EXACT, priority=Priority.EXACT, lifetime=1.0, entry=TrackEntry.KEPT)


class Viewer:
    """A viewer of three tracks, and what waits for it."""

    def __init__(self) -> None:
        self.carrier = MemoryCarrier(("10.0.0.9", 1), 0)
        self.subscription = Subscription(7, self.carrier, (PICTURES.id, EXACT.id, KEPT.id))
        self.carrier.slow = True

    def wait(self, size: int) -> None:
        """So many bytes wait for the viewer, and no more."""
        self.carrier.datagrams.clear()
        if size:
            self.carrier.datagrams.append((bytes(size), Priority.VIDEO, None))

    def takes(
        self, track: Track, number: int, fragment: int = 0, kind: int = DatagramType.MEDIA, key: bool = True
    ) -> bool:
        """Whether the viewer gets this datagram of an object of 5,000 bytes."""
        header = MediaHeader(
            handle=7,
            type=kind,
            track=track.id,
            object=number,
            flags=int(ObjectFlag.KEY) if key else 0,
            fragment=fragment,
            length=5000,
        )
        return self.subscription.takes(track, header)


def test_an_object_that_is_asked_for_is_left_out_whole_while_a_viewer_is_behind() -> None:
    viewer = Viewer()
    assert all(viewer.takes(EXACT, 0, at) for at in range(5))
    viewer.wait(SLACK + 20_000)
    assert not any(viewer.takes(EXACT, 1, at) for at in range(4))
    viewer.wait(0)
    assert not viewer.takes(EXACT, 1, 4), "it was decided when it began"
    assert all(viewer.takes(EXACT, 2, at) for at in range(5)), "the next one needs none before it"
    assert viewer.subscription.skipped == 1


def test_what_began_in_time_is_sent_to_its_end() -> None:
    viewer = Viewer()
    assert viewer.takes(EXACT, 0)
    viewer.wait(10 * SLACK)
    assert all(viewer.takes(EXACT, 0, at) for at in range(1, 5))
    assert viewer.subscription.skipped == 0


def test_late_fragments_repairs_and_parity_of_what_was_left_out_are_not_sent_either() -> None:
    viewer = Viewer()
    viewer.wait(10 * SLACK)
    assert not viewer.takes(EXACT, 0) and not viewer.takes(EXACT, 1)
    viewer.wait(0)
    assert viewer.takes(EXACT, 2)
    for number in (0, 1):
        for kind in (DatagramType.MEDIA, DatagramType.PARITY, DatagramType.REPAIR):
            assert not viewer.takes(EXACT, number, 4, kind)
    assert viewer.takes(EXACT, 2, 4, DatagramType.REPAIR)


def test_an_object_that_another_overtook_is_sent() -> None:
    viewer = Viewer()
    assert viewer.takes(EXACT, 3)
    assert viewer.takes(EXACT, 2) and viewer.takes(EXACT, 2, 4)


def test_of_what_was_left_out_only_the_newest_are_remembered() -> None:
    viewer = Viewer()
    viewer.wait(10 * SLACK)
    for number in range(3 * LEFT_OUT):
        assert not viewer.takes(EXACT, number)
    viewer.wait(0)
    assert viewer.takes(EXACT, 3 * LEFT_OUT)
    newest = range(3 * LEFT_OUT - LEFT_OUT, 3 * LEFT_OUT)
    assert not any(viewer.takes(EXACT, number, 4, DatagramType.REPAIR) for number in newest)
    assert viewer.subscription.skipped == 3 * LEFT_OUT


def test_objects_that_stand_alone_and_are_not_asked_for_are_never_left_out() -> None:
    viewer = Viewer()
    viewer.wait(10 * SLACK)
    assert all(viewer.takes(KEPT, number, at) for number in range(5) for at in range(5))
    assert viewer.subscription.skipped == 0


def test_exact_pixels_that_are_left_out_leave_pictures_as_they_are() -> None:
    viewer = Viewer()
    assert viewer.takes(PICTURES, 0)
    viewer.wait(SLACK + 4000)  # a picture's worth: not behind for it
    assert viewer.takes(PICTURES, 1, key=False)
    viewer.wait(10 * SLACK)
    assert not viewer.takes(EXACT, 0)
    viewer.wait(0)
    assert viewer.takes(PICTURES, 2, key=False), "no key object is needed"
    assert not viewer.subscription.waits_for_key(EXACT)
    viewer.wait(10 * SLACK)
    assert not viewer.takes(PICTURES, 3, key=False)
    assert viewer.subscription.waits_for_key(PICTURES)
    viewer.wait(0)
    assert viewer.takes(EXACT, 1), "nor does the reverse hold exact pixels up"
    assert not viewer.takes(PICTURES, 4, key=False)


def test_a_key_object_forgets_no_exact_pixels_that_wait() -> None:
    viewer = Viewer()
    assert viewer.takes(EXACT, 0) and viewer.takes(PICTURES, 0)
    viewer.carrier.datagrams.append((bytes(SLACK + 20_000), Priority.EXACT, None))
    assert viewer.takes(PICTURES, 1)
    assert viewer.carrier.datagram_backlog == SLACK + 20_000


@pytest.mark.parametrize("wanted", [True, False])
def test_what_is_older_than_the_admission_or_not_wanted_is_not_sent(wanted: bool) -> None:
    viewer = Viewer()
    viewer.subscription.admit((EXACT.id,), (4,))
    viewer.subscription.subscribe(EXACT.id, wanted)
    assert [viewer.takes(EXACT, number) for number in range(6)] == [False] * 4 + [wanted] * 2
    viewer.subscription.subscribe(EXACT.id, True)
    assert viewer.takes(EXACT, 6), "it goes on with the next"


FEWER = lower(9)
FLOWS = {PICTURES.id: 2e6, EXACT.id: 0.0, FEWER.id: 0.3e6}


class Follower(Viewer):
    """A viewer of pictures that are published twice, at a time that passes."""

    def __init__(self) -> None:
        super().__init__()
        self.subscription = Subscription(7, self.carrier, (PICTURES.id, EXACT.id, FEWER.id))
        self.subscription.arrange({FEWER.id: PICTURES.id})
        self.now = 0.0

    def carries(self, rate: float, seconds: float) -> list[int]:
        """Its hop carries so much for so long; the tracks that it was changed to."""
        self.carrier.rate = rate
        changed: list[int] = []
        for _ in range(round(seconds / 0.1)):
            self.now += 0.1
            changed += self.subscription.choose(FLOWS, self.now)
        return changed


def test_who_cannot_follow_gets_the_other_rung_from_its_key_object_on() -> None:
    viewer = Follower()
    assert viewer.takes(PICTURES, 0) and not viewer.takes(FEWER, 0), "one of the two"
    assert sorted(viewer.subscription.wanted) == [PICTURES.id, EXACT.id]
    assert viewer.carries(0.3e6, SHORT_SECONDS - 0.1) == []
    assert viewer.carries(0.3e6, 0.5) == [FEWER.id]
    assert sorted(viewer.subscription.wanted) == [PICTURES.id, EXACT.id, FEWER.id], (
        "until that has begun both are needed"
    )
    assert viewer.takes(PICTURES, 1, key=False), "until then the other goes on"
    assert not viewer.takes(FEWER, 1, key=False)
    assert viewer.subscription.waits_for_key(FEWER) and not viewer.subscription.waits_for_key(PICTURES)
    assert viewer.takes(FEWER, 2) and viewer.takes(FEWER, 3, key=False)
    assert not viewer.takes(PICTURES, 2) and not viewer.takes(PICTURES, 3, key=False)
    assert sorted(viewer.subscription.wanted) == [EXACT.id, FEWER.id]
    assert viewer.subscription.skipped == 0, "nothing was left out"
    assert viewer.subscription.slow(viewer.now)
    assert [viewer.subscription.target(track) for track in (PICTURES.id, EXACT.id, FEWER.id)] == [9, 2, 9]


def test_it_gets_all_the_bits_again_when_it_has_carried_more_for_a_while() -> None:
    viewer = Follower()
    assert viewer.carries(0.3e6, 1.0) == [FEWER.id]
    assert viewer.takes(FEWER, 0)
    assert viewer.carries(0.99 * MARGIN * 2e6, 10.0) == []
    assert viewer.carries(1.01 * MARGIN * 2e6, UP_SECONDS - 0.2) == []
    assert viewer.carries(1.01 * MARGIN * 2e6, 0.5) == [PICTURES.id]
    assert viewer.takes(FEWER, 1, key=False) and not viewer.takes(PICTURES, 1, key=False)
    assert viewer.takes(PICTURES, 2) and not viewer.takes(FEWER, 2, key=False)
    assert not viewer.subscription.slow(viewer.now)


def test_who_comes_down_soon_waits_longer_the_next_time() -> None:
    viewer = Follower()
    waits = []
    for _ in range(3):
        assert viewer.carries(0.3e6, 1.0) == [FEWER.id]
        began = viewer.now
        while not viewer.carries(9e6, 0.1):
            assert viewer.now < began + 60
        waits.append(viewer.now - began)
    assert waits == pytest.approx([UP_SECONDS, 2 * UP_SECONDS, 4 * UP_SECONDS], abs=0.25)


def test_the_viewer_that_the_pictures_are_coded_for_always_gets_them() -> None:
    viewer = Follower()
    viewer.subscription.followed = True
    assert viewer.carries(0.3e6, 5.0) == [] and not viewer.subscription.slow(viewer.now)
    viewer.subscription.followed = False
    assert viewer.carries(0.3e6, 1.0) == [FEWER.id]
    viewer.subscription.followed = True
    assert viewer.carries(0.3e6, 0.1) == [PICTURES.id], "the others have left"


def test_a_wish_for_the_pictures_is_one_for_either_rung() -> None:
    viewer = Follower()
    viewer.carries(0.3e6, 1.0)
    assert viewer.takes(FEWER, 0)
    assert not viewer.subscription.subscribe(FEWER.id, False), "means nothing"
    assert viewer.takes(FEWER, 1, key=False)
    assert viewer.subscription.subscribe(PICTURES.id, False)
    assert sorted(viewer.subscription.wanted) == [EXACT.id]
    assert not viewer.takes(FEWER, 2) and not viewer.takes(PICTURES, 2)
    assert viewer.subscription.subscribe(PICTURES.id, True)
    assert not viewer.takes(FEWER, 3, key=False) and viewer.takes(FEWER, 4)


def test_who_is_behind_twice_is_too_slow_whatever_its_rate_is_thought_to_be() -> None:
    rung = Rung()

    def behind(times: int, now: float) -> bool:
        return rung.choose(rate=9e6, need=2e6, waiting=0, behind=times, followed=False, now=now)

    assert not behind(1, 0.0) and not behind(2, 20.0)
    assert behind(3, 22.0) and rung.lowered


def test_what_a_track_takes_is_what_it_took_of_late() -> None:
    flow = Flow()
    assert flow.rate(1.0) == 0.0
    for at in range(300):
        flow.add(10_000, at / 100)
    assert flow.rate(3.0) == pytest.approx(8e6, rel=0.1)
    assert flow.rate(8.0) < 0.1e6
