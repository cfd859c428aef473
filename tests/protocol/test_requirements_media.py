"""Chapter 5 of the specification, 5.4 and 5.5: what is sent again, and what a key object makes useless."""

from __future__ import annotations

import pytest

from avl_protocol.media.track import VIDEO_LIFETIME, video
from avl_protocol.session.media.sender import SentFragment, repair
from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader, encode
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, MAX_OBJECT_SIZE, DatagramType, ObjectFlag
from avl_relay.forward.fanout import Fanout
from tests.protocol.memory import MemoryCarrier

MEDIA, TRACK = 9, 1
KEY = int(ObjectFlag.KEY)


def fragments(number: int, size: int = 3 * MAX_FRAGMENT_PAYLOAD, key: bool = False, handle: int = MEDIA) -> list[bytes]:
    """The datagrams of an object."""
    return [
        encode(
            MediaHeader(
                handle=handle,
                type=DatagramType.MEDIA,
                track=TRACK,
                object=number,
                flags=KEY if key else 0,
                fragment=at,
                length=size,
            ),
            bytes(datagram.fragment_size(size, at)),
        )
        for at in range(datagram.fragment_count(size))
    ]


def objects(carrier: MemoryCarrier) -> list[int]:
    """Object numbers that wait on a carrier, each once, in order; only whole ones are expected."""
    headers = [datagram.decode(data)[0] for data, _, _ in carrier.datagrams]
    numbers = list(dict.fromkeys(header.object for header in headers))
    for number in numbers:
        of_it = [header for header in headers if header.object == number]
        assert len(of_it) == datagram.fragment_count(of_it[0].length), "an object is sent whole or not at all"
    return numbers


# -- repair ------------------------------------------------------------------------------------------------------------


def lost(cookie: SentFragment, carrier: MemoryCarrier, now: float) -> SentFragment | None:
    """Tell the sender that a fragment was lost; the fragment it sends again, if it does."""
    sent = repair(cookie, False, carrier, now)
    assert sent == bool(carrier.datagrams)
    if not sent:
        return None
    data, _, again = carrier.datagrams.popleft()
    assert isinstance(again, SentFragment) and again.data == data
    return again


def test_a_lost_fragment_is_sent_again_three_times_and_differs_in_its_type_alone() -> None:
    carrier = MemoryCarrier(("10.0.0.1", 1), 0)
    first = SentFragment(fragments(4)[1], video(TRACK), 10.0)
    again: SentFragment | None = first
    for _ in range(3):
        assert again is not None
        again = lost(again, carrier, 10.1)
        assert again is not None
        header, payload = datagram.decode(again.data)
        original, same = datagram.decode(first.data)
        assert header.type == DatagramType.REPAIR
        assert (header.handle, header.track, header.object, header.fragment) == (
            original.handle,
            original.track,
            original.object,
            original.fragment,
        )
        assert bytes(payload) == bytes(same)
    assert again is not None
    assert lost(again, carrier, 10.1) is None


def test_what_could_not_arrive_in_time_is_not_sent_again() -> None:
    carrier = MemoryCarrier(("10.0.0.1", 1), 0)
    carrier.rtt = 0.2
    cookie = SentFragment(fragments(4)[0], video(TRACK), 10.0)
    assert lost(cookie, carrier, 10.0 + VIDEO_LIFETIME - 0.11) is not None
    assert lost(cookie, carrier, 10.0 + VIDEO_LIFETIME - 0.09) is None
    assert not repair(cookie, True, carrier, 10.0), "what arrived is not repaired"


@pytest.mark.parametrize(("rtt", "within"), [(0.3, 0.625), (0.6, 1.15), (3.0, 1.2)])
def test_on_a_long_way_a_repair_may_take_longer(rtt: float, within: float) -> None:
    carrier = MemoryCarrier(("10.0.0.1", 1), 0)
    carrier.rtt = rtt
    cookie = SentFragment(fragments(4)[0], video(TRACK), 10.0)
    assert lost(cookie, carrier, 10.0 + within - rtt / 2 - 0.01) is not None
    assert lost(cookie, carrier, 10.0 + within - rtt / 2 + 0.01) is None


# -- the relay ---------------------------------------------------------------------------------------------------------


def test_a_key_object_makes_a_slow_viewer_s_older_datagrams_useless() -> None:
    carrier = MemoryCarrier(("10.0.0.9", 1), 0)
    fanout = Fanout(lambda _track, _number: None, lambda _count, _tracks, _rate, _hold, _slow: None, (video(TRACK),))
    fanout.admit(1, carrier, (TRACK,), (), 0.0)
    for number in range(3):
        fanout.datagrams(fragments(number, MAX_OBJECT_SIZE // 8, key=number == 0), MEDIA, 0.0)
    assert objects(carrier) == [0, 1]
    fanout.datagrams(fragments(3, key=True), MEDIA, 0.0)
    assert objects(carrier) == [3]
