"""One upload, many viewers: whole objects, to each what it was admitted to, and nobody held up by another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.media.packetizer import packetize
from avl_protocol.media.track import lower, video
from avl_protocol.session.media.subscription import SLACK
from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.messages import Admit, Evict, Recover, Subscribe, Tracks, Viewers
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD, T_KEY_SPACING, DatagramType, ObjectFlag, Priority
from avl_relay.forward.fanout import GATHERED_FOR, SLOW_RECOVERY
from tests.relay.stand import Neighbour, Stand

KEY = int(ObjectFlag.KEY)


class Audience:
    """A host and viewers that were admitted to track 1."""

    def __init__(self, viewers: int = 2) -> None:
        self.stand = Stand()
        self.host = self.stand.host()
        self.viewers = [self.stand.viewer(f"10.0.1.{at}") for at in range(viewers)]
        self.handles = [
            self.stand.meet(self.host, viewer, session=bytes([at]) * 16) for at, viewer in enumerate(self.viewers)
        ]
        self.number = -1

    def send(self, size: int = 3000, key: bool = False, track: int = 1, pause: float = 0.033) -> int:
        """The host sends its next object."""
        self.number += 1
        self.stand.now += pause
        pieces = packetize(bytes(size), self.host.media_handle, track, self.number, KEY if key else 0)
        self.raw(*pieces)
        return self.number

    def raw(self, *data: bytes) -> None:
        self.host.connection.client.send_datagrams(data, Priority.VIDEO, None)
        self.stand.settle()

    def recoveries(self) -> int:
        return sum(isinstance(message, Recover) for message in self.host.heard)


def objects(viewer: Neighbour, size: int = 3000) -> list[int]:
    """Objects that a viewer has got whole; asserts that it has got none in part."""
    fragments: dict[int, set[int]] = {}
    for data in viewer.told.datagrams:
        header, _ = datagram.decode(data)
        fragments.setdefault(header.object, set()).add(header.fragment)
    assert all(got == set(range(datagram.fragment_count(size))) for got in fragments.values())
    return sorted(fragments)


def test_everybody_gets_the_same_bytes_from_the_first_key_object_on() -> None:
    audience = Audience(3)
    audience.send()
    key = audience.send(key=True)
    for _ in range(5):
        audience.send()
    for viewer in audience.viewers:
        assert objects(viewer) == list(range(key, key + 6))
        assert viewer.told.datagrams == audience.viewers[0].told.datagrams


def test_what_an_unadmitted_viewer_gets_is_nothing() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer, admit=False)
    for _ in range(3):
        host.connection.client.send_datagrams(packetize(bytes(99), host.media_handle, 1, 0, KEY), Priority.VIDEO, None)
        stand.settle()
        assert viewer.told.datagrams == []
    host.say(Admit(handle, (), (0,)))
    host.connection.client.send_datagrams(packetize(bytes(99), host.media_handle, 1, 1, KEY), Priority.VIDEO, None)
    stand.settle()
    assert viewer.told.datagrams == []


def test_a_joiner_gets_nothing_that_is_older_than_its_admission() -> None:
    """What is older it has no key for: it would only ask for keys that nobody gives it."""
    audience = Audience(1)
    audience.send(key=True)
    older = audience.send()
    overtook = audience.send(key=True)  # made for the joiner, and here before the ADMIT that says so
    audience.send()
    for since, wanted in ((overtook, [overtook, overtook + 1]), (overtook + 1, []), (older, [overtook, overtook + 1])):
        joiner = audience.stand.viewer(f"10.0.2.{since}{len(wanted)}")
        handle = audience.stand.meet(audience.host, joiner, session=bytes([since, len(wanted)]) * 8, admit=False)
        audience.host.say(Admit(handle, (1,), (0, 1), (since,)))
        assert objects(joiner) == wanted


def test_an_older_object_that_comes_late_is_not_for_the_joiner_either() -> None:
    audience = Audience(1)
    joiner = audience.stand.viewer("10.0.2.1")
    handle = audience.stand.meet(audience.host, joiner, session=b"j" * 16, admit=False)
    audience.host.say(Admit(handle, (1,), (0, 1), (2,)))
    for _ in range(2):
        audience.send(key=True)
    assert objects(joiner) == []
    assert objects(joiner) == [] and audience.send(key=True) == 2
    assert objects(joiner) == [2]


def test_a_track_that_admit_did_not_name_is_not_sent() -> None:
    audience = Audience(1)
    audience.send(key=True, track=2)
    assert audience.viewers[0].told.datagrams == []


@pytest.mark.parametrize(
    ("kind", "passes"),
    [
        (DatagramType.MEDIA, True),
        (DatagramType.PARITY, True),
        (DatagramType.REPAIR, True),
        (DatagramType.PROBE, False),
        (4, False),
        (0x7F, False),
        (0x80, True),
        (0xFF, True),
    ],
)
def test_types_are_forwarded_as_the_specification_says(kind: int, passes: bool) -> None:
    audience = Audience(1)
    data = datagram.encode(
        MediaHeader(handle=audience.host.media_handle, type=kind, track=1, object=0, flags=KEY, fragment=0, length=50),
        bytes(50),
    )
    audience.raw(data)
    sent = data if kind >= 0x80 else datagram.with_type(data, DatagramType.MEDIA)
    assert audience.viewers[0].told.datagrams == ([sent] if passes else []), (
        "what fills a gap passes on as if it had come"
    )


def test_datagrams_of_another_handle_are_dropped() -> None:
    audience = Audience(1)
    for handle in (0, audience.host.media_handle + 1, audience.handles[0]):
        if handle != audience.host.media_handle:
            audience.raw(*packetize(bytes(99), handle, 1, 0, KEY))
    assert audience.viewers[0].told.datagrams == []


@given(st.lists(st.binary(max_size=MAX_DATAGRAM_PAYLOAD), max_size=5))
def test_malformed_datagrams_are_dropped_and_raise_nothing(data: list[bytes]) -> None:
    audience = Audience(1)
    audience.raw(*data, *(b"\0" + piece[:-1] for piece in data if piece))
    assert audience.host.closed is None
    audience.send(key=True)
    assert audience.number in {datagram.decode(got)[0].object for got in audience.viewers[0].told.datagrams}


def test_a_slow_viewer_loses_whole_objects_and_goes_on_at_a_key_while_the_fast_one_sees_all() -> None:
    audience = Audience(2)
    slow, fast = audience.viewers
    audience.send(key=True)
    slow.connection.server.slow = True
    worst = 0
    for _ in range(200):
        audience.send()
        worst = max(worst, slow.connection.server.datagram_backlog)
    assert worst <= SLACK + 3 * 3200
    assert objects(fast) == list(range(201))
    assert audience.recoveries() >= 1
    key = audience.send(key=True)
    assert slow.connection.server.dropped > 0
    slow.connection.server.slow = False
    for _ in range(3):
        audience.send()
    got = objects(slow)
    assert got[0] == 0 and got[-4:] == [key, key + 1, key + 2, key + 3]
    assert objects(fast) == list(range(key + 4))


def test_at_most_one_frame_waits_whatever_its_size() -> None:
    audience = Audience(1)
    (slow,) = audience.viewers
    audience.send(100_000, key=True)
    slow.connection.server.slow = True
    for at in range(100):
        audience.send(100_000, key=at % 20 == 19)
        assert slow.connection.server.datagram_backlog <= 2 * 105_000 + SLACK


def test_being_slow_asks_for_a_key_object_at_most_every_two_seconds() -> None:
    audience = Audience(2)
    audience.send(key=True)
    audience.viewers[0].connection.server.slow = True
    start = audience.stand.now
    while audience.stand.now < start + 10:
        audience.send()
    assert 2 <= audience.recoveries() <= 10 / SLOW_RECOVERY + 1


def test_recovery_is_coalesced_to_one_in_300_ms() -> None:
    audience = Audience(4)
    for _ in range(100):
        audience.stand.now += 0.01
        for viewer, handle in zip(audience.viewers, audience.handles, strict=True):
            viewer.say(Recover(handle, 1, 5))
    assert 3 <= audience.recoveries() <= 1 / T_KEY_SPACING + 1


def test_the_host_is_told_how_many_watch() -> None:
    audience = Audience(2)
    assert audience.host.last(Viewers) == Viewers(2, (1,))
    audience.viewers[0].say(Subscribe(audience.handles[0], 1, 0))
    assert audience.host.last(Viewers) == Viewers(1, (1,))
    audience.viewers[1].lost()
    assert audience.host.last(Viewers) == Viewers(0)
    audience.viewers[0].say(Subscribe(audience.handles[0], 1, 1))
    assert audience.host.last(Viewers) == Viewers(1, (1,))


def test_the_best_rate_among_the_links_is_reported() -> None:
    audience = Audience(2)
    audience.viewers[0].connection.server.rate = 2e6
    audience.viewers[1].connection.server.rate = 9e6
    for _ in range(10):
        audience.send(key=True)
    told = audience.host.last(Viewers)
    assert isinstance(told, Viewers) and told.rate == 9_000_000


def test_a_link_that_never_met_its_limit_is_better_than_one_that_did() -> None:
    audience = Audience(2)
    audience.viewers[0].connection.server.rate = 2e6
    for _ in range(10):
        audience.send(key=True)
    assert audience.host.last(Viewers) == Viewers(2, (1,), 0)


def test_who_does_not_want_to_see_gets_nothing_and_needs_a_key_object_afterwards() -> None:
    audience = Audience(1)
    (viewer,) = audience.viewers
    audience.send(key=True)
    viewer.say(Subscribe(audience.handles[0], 1, 0))
    audience.send()
    viewer.say(Subscribe(audience.handles[0], 1, 1))
    assert audience.recoveries() == 1
    audience.send()
    key = audience.send(key=True)
    assert objects(viewer) == [0, key]


def test_an_evicted_viewer_gets_no_more_media() -> None:
    audience = Audience(2)
    audience.send(key=True)
    audience.host.say(Evict(audience.handles[0], 0))
    audience.send()
    audience.send(key=True)
    assert objects(audience.viewers[0]) == [0]
    assert objects(audience.viewers[1]) == [0, 1, 2]


def test_a_lost_fragment_is_sent_again_to_the_viewer_that_lost_it() -> None:
    audience = Audience(2)
    lossy, other = audience.viewers
    lossy.connection.server.slow = True
    audience.send(500, key=True)
    data, _, cookie = lossy.connection.server.datagrams.popleft()
    lossy.connection.server.slow = False
    audience.stand.now += 0.05
    lossy.driven.datagrams_settled([(cookie, False)], audience.stand.now)
    audience.stand.settle()
    assert lossy.told.datagrams == [datagram.with_type(data, DatagramType.REPAIR)]
    assert len(other.told.datagrams) == 1


def test_a_fragment_that_would_come_too_late_is_not_sent_again() -> None:
    audience = Audience(1)
    (lossy,) = audience.viewers
    lossy.connection.server.slow = True
    audience.send(500, key=True)
    _, _, cookie = lossy.connection.server.datagrams.popleft()
    audience.stand.now += 0.6
    lossy.driven.datagrams_settled([(cookie, False)], audience.stand.now)
    lossy.connection.server.slow = False
    audience.stand.settle()
    assert lossy.told.datagrams == []


FEWER = 9


def two_rungs() -> Audience:
    """A host that publishes its pictures with fewer bits too, and two viewers, the first of which is slow."""
    audience = Audience(0)
    audience.host.say(Tracks((video(1).row, lower(FEWER).row)))
    audience.viewers = [audience.stand.viewer(f"10.0.1.{at}") for at in range(2)]
    audience.handles = [
        audience.stand.meet(audience.host, viewer, session=bytes([at]) * 16, tracks=(1, FEWER))
        for at, viewer in enumerate(audience.viewers)
    ]
    audience.viewers[0].connection.server.rate = 300_000.0
    audience.viewers[1].connection.server.rate = 9e6
    return audience


def test_who_cannot_follow_is_given_the_lower_rung_and_the_host_is_told() -> None:
    audience = two_rungs()
    slow, fast = audience.viewers
    audience.send(key=True)
    for _ in range(3):
        audience.send(100)
    assert audience.host.last(Viewers) == Viewers(2, (1,), 9_000_000), "nobody needs it"
    for _ in range(70):
        audience.send()
    assert audience.host.last(Viewers) == Viewers(2, (1, FEWER), 9_000_000, 0, 300_000)
    asked = [message for message in audience.host.heard if isinstance(message, Recover)]
    assert asked == [Recover(0, FEWER, 0)], "its first key object"
    began = audience.number + 1
    audience.send(key=True, track=FEWER)
    for _ in range(5):
        audience.send(track=FEWER)
        audience.send()
    tracks = [{(one.track, one.object) for one in headers(viewer) if one.object >= began} for viewer in (slow, fast)]
    assert {track for track, _ in tracks[0]} == {FEWER} and {track for track, _ in tracks[1]} == {1}
    assert len(tracks[0]) == 6 and len(tracks[1]) == 5
    audience.stand.now += 1.0
    slow.say(Recover(audience.handles[0], 1, 7))
    assert audience.host.last(Recover) == Recover(0, FEWER, 0), "of the one that it gets"
    slow.lost()
    assert audience.host.last(Viewers) == Viewers(1, (1,), 9_000_000), "nobody needs it any more"


def test_the_rate_of_the_slow_is_told_at_once_when_it_fell_and_else_now_and_then() -> None:
    audience = two_rungs()
    audience.send(key=True)
    for _ in range(70):
        audience.send()
    said = [message.slow for message in audience.host.heard if isinstance(message, Viewers)]
    audience.viewers[0].connection.server.rate = 200_000.0
    audience.send(pause=0.02)
    audience.send(pause=0.02)
    assert [message.slow for message in audience.host.heard if isinstance(message, Viewers)] == [*said, 200_000]
    for rate in range(10):
        audience.viewers[0].connection.server.rate = 300_000.0 + 50_000 * rate
        audience.send(pause=0.02)
    rose = [message.slow for message in audience.host.heard if isinstance(message, Viewers)][len(said) + 1 :]
    assert 1 <= len(rose) <= 3


def headers(viewer: Neighbour) -> list[MediaHeader]:
    """What a viewer has got."""
    return [datagram.decode(data)[0] for data in viewer.told.datagrams]


def test_a_picture_is_passed_on_to_many_as_a_whole_or_after_three_milliseconds() -> None:
    audience = Audience(GATHERED_FOR)
    audience.send(500, key=True)
    handle = audience.host.media_handle
    pieces = packetize(bytes(4000), handle, 1, 1, 0)

    def arrives(data: bytes, after: float) -> set[int]:
        audience.stand.now += after
        audience.raw(data)
        return {len(viewer.told.datagrams) - 1 for viewer in audience.viewers}

    assert [arrives(data, 0.0005) for data in pieces] == [{0}, {0}, {0}, {4}], "nobody can show a part of it"
    pieces = packetize(bytes(4000), handle, 1, 2, 0)
    assert [arrives(data, 0.002) for data in pieces] == [{4}, {4}, {7}, {8}], "what takes longer does not wait for it"
    (first, *_), (small,) = packetize(bytes(4000), handle, 1, 3, 0), packetize(bytes(300), handle, 1, 4, 0)
    assert (arrives(first, 0.03), arrives(small, 0.001)) == ({8}, {10}), "nor does the next one"
