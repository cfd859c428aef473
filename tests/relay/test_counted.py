"""What a relay counts for its operators: neighbours, traffic, how long datagrams wait, sessions, limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from avl_protocol.endpoint.udp.network import Batch
from avl_protocol.media.track import video
from avl_protocol.rate.limits import DEFAULT
from avl_protocol.session.media.sender import SentFragment
from avl_protocol.session.media.subscription import SLACK
from avl_protocol.wire.registry import CloseCode
from avl_relay.forward.queuedelay import QueueDelay
from avl_relay.forward.viewertime import ViewerTime
from avl_relay.neighbours import Kind, Neighbours, kind_of
from avl_relay.traffic import CountedNetwork, Traffic
from tests.protocol.memory import MemoryCarrier
from tests.relay.stand import Stand
from tests.relay.test_caps import RATE, Show
from tests.relay.test_fanout import Audience


def test_neighbours_are_counted_by_kind_and_by_how_they_ended() -> None:
    stand, neighbours = Stand(), Neighbours()
    host, viewer, page = stand.host().peer, stand.viewer().peer, stand.viewer().peer
    for peer, protocol in ((host, "avl/1"), (viewer, "h3"), (page, "avl.1")):
        neighbours.came(peer, kind_of(protocol))
        neighbours.look(peer)  # it is still there
    assert list(neighbours) == [host, viewer, page]
    page.close(CloseCode.LIMIT, stand.now)
    viewer.carrier_lost(0xBAD, "a code of its own", stand.now)
    for peer in (page, viewer, viewer):
        neighbours.look(peer)
    seen = neighbours.snapshot()
    assert seen["connected"] == len(neighbours) == 1 and list(neighbours) == [host]
    assert seen.part("connections").counts == {"quic": 1, "webtransport": 0, "websocket": 0}
    assert seen.part("connected so far").counts == {kind.value: 1 for kind in Kind}
    assert seen.part("ended so far").counts == {"limit": 1, "unknown": 1}


class _Socket:
    """A socket that keeps what is sent."""

    local_address = ("192.0.2.1", 4433)
    undivided = True

    def __init__(self) -> None:
        self.sent: list[Batch] = []
        self.closed = False
        self.receiver: Callable[[Batch], None]

    def set_receiver(self, receiver: Callable[[Batch], None]) -> None:
        self.receiver = receiver

    def send_batch(self, batch: Batch) -> Sequence[int]:
        self.sent.append(batch)
        return [0]

    def tell_local(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


class _Network:
    def __init__(self) -> None:
        self.bound = _Socket()

    def bind(self, address: tuple[str, int]) -> _Socket:
        return self.bound

    def source_for(self, target: tuple[str, int]) -> str | None:
        return "192.0.2.1"

    async def resolve(self, host: str, port: int) -> list[tuple[str, int]]:
        return [(host, port)]


async def test_traffic_is_counted_and_passed_on_as_it_is() -> None:
    network, traffic = _Network(), Traffic()
    counted = CountedNetwork(network, traffic)
    bound = counted.bind(("", 0))
    came: list[Batch] = []
    bound.set_receiver(came.append)
    there = ("198.51.100.7", 5)
    network.bound.receiver([(b"abc", there), (b"defgh", there)])
    bound.send_batch([(b"x", there)])
    assert came == [[(b"abc", there), (b"defgh", there)]] and network.bound.sent == [[(b"x", there)]]
    assert traffic.snapshot().counts == {"bytes in": 8, "bytes out": 1, "datagrams in": 2, "datagrams out": 1}
    assert bound.local_address == ("192.0.2.1", 4433) and bound.tell_local()
    assert counted.source_for(there) == "192.0.2.1" and await counted.resolve("a", 1) == [("a", 1)]
    bound.close()
    assert network.bound.closed


def test_how_long_the_next_datagram_has_waited_is_seen_at_each_look() -> None:
    carrier, delay = MemoryCarrier(("192.0.2.1", 5), 0), QueueDelay()
    delay.look(carrier, 10.0)  # nothing waits
    sent = SentFragment(b"data", video(0), 9.996)
    carrier.datagrams.append((b"data", 2, sent))
    delay.look(carrier, 10.0)
    carrier.datagrams[0] = (b"data", 2, SentFragment(b"data", video(0), 5.0))
    delay.look(carrier, 10.0)
    carrier.datagrams[0] = (b"data", 2, SentFragment(b"data", video(0), 5.0, again=1))  # sent long ago, and again
    delay.look(carrier, 10.0)
    carrier.datagrams[0] = (b"parity", 2, None)
    delay.look(carrier, 10.0)
    seen = delay.snapshot()
    assert (seen["1"], seen["2"], seen["5"], seen["1000"], seen["looks"]) == (1, 1, 2, 2, 3)
    assert seen["microseconds"] == 5_004_000


def test_the_time_of_all_viewers_is_added_up() -> None:
    time = ViewerTime()
    assert time.seconds(5.0) == 0.0
    time.came(10.0)
    time.came(12.0)
    assert time.seconds(13.0) == 4.0
    time.left(13.0)
    assert time.seconds(20.0) == 11.0
    time.left(20.0)
    assert time.seconds(99.0) == 11.0 and time.count == 0


def test_a_router_counts_what_happened_and_whose_time_it_served() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    stand.meet(host, viewer)
    stand.now += 3.0
    assert stand.router.viewer_seconds(stand.now) == 3.0
    viewer.lost()
    stand.now += 3.0
    assert stand.router.viewer_seconds(stand.now) == 3.0
    assert stand.router.snapshot().total("happened so far") == {"hosts": 1, "sessions": 1, "skipped objects": 0}
    assert "session ended" in stand.log


def test_objects_that_were_skipped_stay_counted_when_viewer_and_host_are_gone() -> None:
    audience = Audience(1)
    router = audience.stand.router

    def skipped() -> int:
        return router.snapshot().total("happened so far")["skipped objects"]

    audience.viewers[0].connection.server.slow = True
    audience.send(SLACK, key=True)
    for _ in range(5):
        audience.send(SLACK)
    before = skipped()
    assert before > 0 and router.snapshot().total("queue delay so far")["looks"] > 0
    audience.viewers[0].lost()
    assert skipped() == before
    audience.host.lost()
    assert skipped() == before and router.hosts == 0


def test_each_limit_that_is_hit_is_counted_under_its_name() -> None:
    stand = Stand()
    viewer = stand.viewer()
    stand.host()
    for number in range(9):
        stand.attach(viewer, bytes([number]) * 16)
    assert viewer.closed == CloseCode.LIMIT
    hit = +stand.router.snapshot().total("limits hit so far")
    assert sum(hit.values()) == 1 and set(hit) <= {"sessions of a connection", "sessions that a source asks for"}


def test_what_a_cap_leaves_out_is_counted_and_stays_so() -> None:
    show = Show(replace(DEFAULT, forward_session=RATE))
    host = show.host()
    viewer, _ = show.viewer(host, 1)
    show.play(host, 1.0)

    def hit() -> int:
        return show.stand.router.snapshot().total("limits hit so far")["bandwidth caps"]

    before = hit()
    assert before > 0
    viewer.lost()
    assert hit() == before and show.stand.router.sessions == 0
