"""Exact pixels at a relay: ahead of pictures in every queue, left out whole where a viewer is behind, and never asked
for by the relay: who lacks them asks the host."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from avl_protocol.media import parity
from avl_protocol.media.packetizer import packetize
from avl_protocol.session.media.keys import MediaKeyring
from avl_protocol.session.media.receiver import MediaReceiver, ReceivedExact
from avl_protocol.session.media.subscription import SLACK
from avl_protocol.wire import datagram
from avl_protocol.wire.messages import Admit, Recover, Subscribe
from avl_protocol.wire.registry import DatagramType, Priority
from tests.protocol.handshakes import Seeded
from tests.protocol.sealed import EXACT, EXACT_TRACK, TRACK, VIDEO, Source, exact_frame, exact_pixels
from tests.relay.stand import Neighbour, Stand


@dataclass
class Viewer:
    """A viewer: its end of the hop, what it makes of what comes there, and what it has been given of either track."""

    neighbour: Neighbour
    handle: int
    receiver: MediaReceiver
    given: dict[int, list[int]] = field(default_factory=lambda: {TRACK: [], EXACT_TRACK: []})
    read: int = 0

    @property
    def waiting(self) -> list[tuple[int, int]]:
        """Track and object of each datagram that waits at the relay, in the order in which they came."""
        headers = (datagram.decode(data)[0] for data, _, _ in self.neighbour.connection.server.datagrams)
        return [(header.track, header.object) for header in headers]

    def look(self, now: float) -> None:
        """Take what has come."""
        came = self.neighbour.told.datagrams
        for data in itertools.islice(came, self.read, None):
            for one in self.receiver.datagram(data, now):
                self.given[one.track].append(one.number)
                assert isinstance(one, ReceivedExact) == (one.track == EXACT_TRACK)
        self.read = len(came)


class Desk:
    """A host of one desktop and viewers that were admitted to both of its tracks."""

    def __init__(self, viewers: int = 1) -> None:
        self.stand = Stand()
        self.keys = MediaKeyring(Seeded("media"))
        self.pictures, self.exact = Source(VIDEO, self.keys), Source(EXACT, self.keys)
        self.host = self.stand.host(tracks=(VIDEO, EXACT))
        self.viewers = [self.join(at) for at in range(viewers)]

    def join(self, number: int, since: tuple[int, ...] = ()) -> Viewer:
        """One more viewer."""
        neighbour = self.stand.viewer(f"10.0.1.{number}")
        handle = self.stand.meet(self.host, neighbour, session=bytes([number]) * 16, admit=False)
        self.host.say(Admit(handle, (TRACK, EXACT_TRACK), (0, 1), since))
        return Viewer(neighbour, handle, self.pictures.receiver(None, EXACT))

    def send(self, datagrams: list[bytes], priority: int = Priority.EXACT, pause: float = 0.01) -> None:
        """The host sends these."""
        self.stand.now += pause
        self.host.connection.client.send_datagrams(datagrams, priority, None)
        self.stand.settle()
        for viewer in self.viewers:
            viewer.look(self.stand.now)

    def block(self, viewer: Viewer) -> None:
        """From now on what is sent to a viewer waits."""
        viewer.neighbour.connection.server.slow = True

    def release(self, viewer: Viewer) -> None:
        """What waits arrives, and nothing waits any more."""
        viewer.neighbour.connection.server.slow = False
        self.stand.settle()
        viewer.look(self.stand.now)

    def send_exact(self, size: int = 3000, settled: bool = False) -> None:
        self.send(self.exact.send(size=size, handle=self.host.media_handle, settled=settled))

    def send_picture(self, key: bool = False, size: int = 3000) -> None:
        self.send(self.pictures.send(key, size, self.host.media_handle), Priority.VIDEO)

    @property
    def recoveries(self) -> list[int]:
        """Tracks of which the host was asked for a key object."""
        return [message.track for message in self.host.heard if isinstance(message, Recover)]


def test_exact_pixels_leave_by_a_better_rank_than_pictures_and_live_longer() -> None:
    desk = Desk()
    (viewer,) = desk.viewers
    desk.block(viewer)
    desk.send_picture(key=True, size=100)
    desk.send_exact(size=100)
    server = viewer.neighbour.connection.server
    assert [priority for _, priority, _ in server.datagrams] == [Priority.VIDEO, Priority.EXACT]
    assert Priority.FEEDBACK < Priority.EXACT < Priority.VIDEO
    assert [round(deadline - desk.stand.now, 2) for deadline in server.deadlines] == [0.49, 1.0]


def test_a_slow_viewer_loses_whole_exact_objects_and_the_fast_one_sees_all() -> None:
    desk = Desk(2)
    slow, fast = desk.viewers
    desk.send_picture(key=True)
    desk.send_exact()
    desk.block(slow)
    worst = 0
    for _ in range(100):
        desk.send_exact()
        worst = max(worst, slow.neighbour.connection.server.datagram_backlog)
    assert worst <= SLACK + 3 * 4000
    assert fast.given[EXACT_TRACK] == list(range(101))
    desk.release(slow)
    desk.send_exact()
    got = slow.given[EXACT_TRACK]
    assert got[0] == 0 and got[-1] == 101 and got == sorted(got) and len(got) < 30
    pieces: dict[int, set[int]] = {}
    for data in slow.neighbour.told.datagrams:
        header, _ = datagram.decode(data)
        if header.track == EXACT_TRACK:
            pieces.setdefault(header.object, set()).add(header.fragment)
    assert sorted(pieces) == got, "nothing was sent of the others"
    assert EXACT_TRACK not in desk.recoveries, "nor is anybody asked for a key object"


def test_a_slow_viewer_gets_what_it_lacks_once_it_asks_and_hurts_nobody() -> None:
    """The host shows all that the rows showed in one object, as it looks by then."""
    desk = Desk(2)
    slow, fast = desk.viewers
    desk.send_exact()
    desk.block(slow)
    for _ in range(60):
        desk.send_exact()
    before = len(fast.neighbour.told.datagrams)
    desk.release(slow)
    desk.send_exact(settled=True)
    assert not slow.receiver.settled(EXACT_TRACK) and fast.receiver.settled(EXACT_TRACK)
    desk.stand.now += 0.2
    ((track, rows),) = slow.receiver.missing(desk.stand.now)
    assert track == EXACT_TRACK and fast.receiver.missing(desk.stand.now) == []
    lost = {number for first, last in rows for number in range(first, last + 1)}
    assert lost == set(range(62)) - set(slow.given[EXACT_TRACK])
    slow.receiver.replaced(track, rows, desk.exact.sender.newest)
    assert not slow.receiver.settled(EXACT_TRACK), "what the answer promises has not come"
    desk.send_exact(settled=True)
    assert slow.receiver.settled(EXACT_TRACK) and fast.receiver.settled(EXACT_TRACK)
    assert slow.given[EXACT_TRACK][-1] == fast.given[EXACT_TRACK][-1] == 62
    assert slow.receiver.missing(9e9) == []
    assert len(fast.neighbour.told.datagrams) - before <= 2 * 4, "once, for all"


def test_repairs_and_parity_of_what_a_viewer_does_not_get_do_not_reach_it() -> None:
    desk = Desk()
    (viewer,) = desk.viewers
    desk.block(viewer)
    for _ in range(20):
        desk.send_exact()
    number, flags, sealed = desk.exact.sender.seal(exact_frame(exact_pixels(size=3000)))
    handle = desk.host.media_handle
    rows = parity.make(sealed, handle, EXACT_TRACK, number, flags, range(2))
    pieces = packetize(sealed, handle, EXACT_TRACK, number, flags)
    desk.send(pieces[:1])
    desk.send_exact()
    desk.release(viewer)
    desk.send([rows[1], *(datagram.with_type(piece, DatagramType.REPAIR) for piece in pieces)])
    desk.send_exact(size=10)
    assert number not in {numbered for _, numbered in told(viewer)}
    assert viewer.given[EXACT_TRACK][-1] == desk.exact.sender.newest == number + 2


def told(viewer: Viewer) -> list[tuple[int, int]]:
    """Track and object of each datagram that a viewer got."""
    headers = (datagram.decode(data)[0] for data in viewer.neighbour.told.datagrams)
    return [(header.track, header.object) for header in headers]


def test_pictures_that_wait_leave_out_exact_pixels_and_need_no_key_because_of_them() -> None:
    desk = Desk()
    (viewer,) = desk.viewers
    desk.send_picture(key=True)
    desk.send_exact()
    desk.block(viewer)
    for at in range(40):
        desk.send_exact()
        desk.send_picture(key=at == 39)
    kept = [number for track, number in viewer.waiting if track == EXACT_TRACK]
    assert kept, "a key object forgets what waits of its own track alone"
    desk.release(viewer)
    desk.send_exact()
    desk.send_picture()
    assert viewer.given[TRACK][-2:] == [40, 41]
    assert viewer.given[EXACT_TRACK][0] == 0 and viewer.given[EXACT_TRACK][-1] == 41
    assert set(desk.recoveries) <= {TRACK}


def test_who_comes_late_begins_with_the_next_object_of_its_key() -> None:
    desk = Desk()
    for _ in range(5):
        desk.send_exact()
    desk.send_picture(key=True)
    late = desk.join(9, since=(1, 7))
    desk.viewers.append(late)
    assert told(late) == [], "none is kept for it, and it has no key for them"
    for _ in range(3):
        desk.send_exact()
    desk.send_picture()
    desk.send_picture(key=True)
    assert late.given == {EXACT_TRACK: [7], TRACK: [2]}
    assert desk.viewers[0].given[EXACT_TRACK] == list(range(8))


def test_who_does_not_want_exact_pixels_gets_none_and_goes_on_with_the_next() -> None:
    desk = Desk()
    (viewer,) = desk.viewers
    desk.send_exact()
    viewer.neighbour.say(Subscribe(viewer.handle, EXACT_TRACK, 0))
    desk.send_exact()
    viewer.neighbour.say(Subscribe(viewer.handle, EXACT_TRACK, 1))
    assert desk.recoveries == [], "who lacks exact pixels says so to the host"
    desk.send_exact()
    assert viewer.given[EXACT_TRACK] == [0, 2]


@pytest.mark.parametrize("number", [0, 3, 1 << 31])
def test_a_wish_to_recover_exact_pixels_is_not_passed_on(number: int) -> None:
    desk = Desk()
    (viewer,) = desk.viewers
    viewer.neighbour.say(Recover(viewer.handle, EXACT_TRACK, number))
    assert desk.recoveries == [] and viewer.neighbour.closed is None
