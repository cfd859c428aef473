"""Chapter 5 of the specification, 5.4 and 5.5: repair on a hop, and what a relay does with a host's media."""

from __future__ import annotations

import pytest

from avl_protocol.session.mediaout import LIFETIME, SentFragment, repair
from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader, encode
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, MAX_OBJECT_SIZE, DatagramType, ObjectFlag
from avl_relay.forward.fanout import SLACK, Fanout, ViewerFeed
from tests.protocol.memory import MemoryCarrier

MEDIA, TRACK = 9, 1
KEY = int(ObjectFlag.KEY)


def fragments(number: int, size: int = 3 * MAX_FRAGMENT_PAYLOAD, key: bool = False, handle: int = MEDIA) -> list[bytes]:
    """The datagrams of an object."""
    return [
        encode(
            MediaHeader(handle, DatagramType.MEDIA, TRACK, number, KEY if key else 0, at, size),
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


class Audience:
    """A fan-out with viewers whose links the test slows down."""

    def __init__(self, viewers: int) -> None:
        self.recovered: list[tuple[int, int]] = []
        self.fanout = Fanout(lambda track, number: self.recovered.append((track, number)), lambda _count, _rate: None)
        self.carriers = [MemoryCarrier((f"10.0.0.{at}", 1), 0) for at in range(viewers)]
        for at, carrier in enumerate(self.carriers):
            self.fanout.admit(ViewerFeed(at, carrier, (TRACK,)), 0.0)

    def send(self, data: list[bytes], now: float = 0.0) -> None:
        for each in data:
            self.fanout.datagram(each, MEDIA, now)

    def drain(self, *viewers: int) -> list[list[int]]:
        """What these viewers' links have carried by now."""
        out = []
        for at in viewers:
            out.append(objects(self.carriers[at]))
            self.carriers[at].datagrams.clear()
        return out


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
    first = SentFragment(fragments(4)[1], 10.0)
    again: SentFragment | None = first
    for _ in range(3):
        assert again is not None
        again = lost(again, carrier, 10.1)
        assert again is not None
        header, payload = datagram.decode(again.data)
        original, same = datagram.decode(first.data)
        assert header.type == DatagramType.REPAIR
        assert (header.handle, header.track, header.object, header.fragment) == (
            original.handle, original.track, original.object, original.fragment,
        )  # fmt: skip
        assert bytes(payload) == bytes(same)
    assert again is not None
    assert lost(again, carrier, 10.1) is None


def test_what_could_not_arrive_in_time_is_not_sent_again() -> None:
    carrier = MemoryCarrier(("10.0.0.1", 1), 0)
    carrier.rtt = 0.2
    cookie = SentFragment(fragments(4)[0], 10.0)
    assert lost(cookie, carrier, 10.0 + LIFETIME - 0.11) is not None
    assert lost(cookie, carrier, 10.0 + LIFETIME - 0.09) is None
    assert not repair(cookie, True, carrier, 10.0), "what arrived is not repaired"


# -- the relay ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "handle", "passes"),
    [
        (DatagramType.MEDIA, MEDIA, True),
        (DatagramType.PARITY, MEDIA, True),
        (DatagramType.REPAIR, MEDIA, True),
        (DatagramType.PROBE, MEDIA, False),
        (4, MEDIA, False),
        (0x7F, MEDIA, False),
        (0x80, MEDIA, True),
        (0xFF, MEDIA, True),
        (DatagramType.MEDIA, MEDIA + 1, False),
        (0x80, MEDIA + 1, False),
    ],
)
def test_a_relay_passes_on_its_host_s_media_and_types_it_must_not_know(kind: int, handle: int, passes: bool) -> None:
    audience = Audience(1)
    data = encode(MediaHeader(handle, kind, TRACK, 0, KEY, 0, 5), b"12345")
    audience.send([data])
    assert [each for each, _, _ in audience.carriers[0].datagrams] == ([data] if passes else [])


def test_a_slow_viewer_loses_whole_objects_until_a_key_object_and_nobody_else_any() -> None:
    audience = Audience(2)
    slow, fast = audience.carriers
    size = 3 * MAX_FRAGMENT_PAYLOAD
    audience.send(fragments(0, key=True))
    number, shown = 0, [0]
    while slow.datagram_backlog <= size + SLACK:
        number += 1
        audience.send(fragments(number))
        assert audience.drain(1) == [[number] if number > 1 else [0, 1]]
        shown.append(number)
    for _ in range(2):
        number += 1
        audience.send(fragments(number))
        assert audience.drain(1) == [[number]], "the other one gets them all"
    assert objects(slow) == shown, "no fragment of what came too late"
    slow.datagrams.clear()
    audience.send(fragments(number + 1))
    assert objects(slow) == [], "what follows depends on what was dropped, though the link is free again"
    audience.send(fragments(number + 2, key=True))
    audience.send(fragments(number + 3))
    assert objects(slow) == [number + 2, number + 3]
    assert audience.drain(1) == [[number + 1, number + 2, number + 3]]
    assert fast.dropped == 0


def test_a_key_object_makes_a_slow_viewer_s_older_datagrams_useless() -> None:
    audience = Audience(1)
    audience.send(fragments(0, MAX_OBJECT_SIZE // 8, key=True))
    audience.send(fragments(1, MAX_OBJECT_SIZE // 8))
    audience.send(fragments(2, MAX_OBJECT_SIZE // 8))
    assert objects(audience.carriers[0]) == [0, 1]
    audience.send(fragments(3, key=True))
    assert objects(audience.carriers[0]) == [3]


def test_recovery_is_passed_on_once_in_300_ms_and_for_the_slow_every_two_seconds() -> None:
    audience = Audience(1)
    for at in range(16):
        audience.fanout.recover(TRACK, at, 5.0 + at / 8)
    assert [number for _, number in audience.recovered] == [0, 3, 6, 9, 12, 15]
    audience.recovered.clear()
    audience.send(fragments(0, MAX_OBJECT_SIZE // 4, key=True), 50.0)
    for number in range(1, 301):
        audience.send(fragments(number), 50.0 + number / 60)
    assert len(audience.recovered) == 3
