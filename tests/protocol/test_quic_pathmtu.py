"""What a path carries is found out, and noticed when it is no longer so (RFC 8899; spec 2.5)."""

from __future__ import annotations

import math

import pytest

from avl_protocol.quic.connection import Connection
from avl_protocol.quic.pathmtu import AGAIN, BASE, LOST, SIZES, TRIES, WORTH, PathMtu
from tests.protocol.pair import SERVER, Pair
from tests.protocol.test_quic_migration import LTE, WIFI, Walk

MEGABYTE = 1 << 20


class Path:
    """A pair whose path carries UDP payloads of up to `most` bytes; a client writes bulk to its server. Larger ones
    than `card` the client's network card refuses."""

    def __init__(self, most: int, card: int = 1 << 16) -> None:
        self.most, self.card = most, card
        self.refused: list[int] = []
        self.pair = Pair(delay=0.004)
        self.pair.drop = self._too_large
        self.sent: list[int] = []
        self.lost: list[int] = []
        self.client, self.server = self.pair.client, self.pair.server
        for end in (self.client, self.server):
            end.discover_mtu()
            end.trust_peer()
        self.stream = self.client.open_stream()
        self.client.set_bulk(self.stream)
        self.written = 0

    def _too_large(self, sender: Connection, data: bytes) -> bool:
        if sender is self.client and len(data) > self.card:
            self.refused.append(len(data))
            sender.refused(len(data), SERVER, self.pair.now)
            return True
        if sender is self.client:
            (self.lost if len(data) > self.most else self.sent).append(len(data))
        return len(data) > self.most

    def carry(self, size: int, seconds: float = 20.0) -> None:
        """Write so many bytes, and wait until all have come."""
        self.written += size
        self.client.write_stream(self.stream, bytes(size))
        end = self.pair.now + seconds
        while self.got < self.written and self.pair.now < end:
            self.pair.run(0.01)
            self._consume()
        assert self.got == self.written

    def settle(self) -> None:
        """Carry little at a time, until the path has been asked for every size."""
        for _ in range(TRIES * len(SIZES) + 2):
            self.carry(WORTH)

    @property
    def got(self) -> int:
        return len(self.pair.stream_bytes(self.server, self.stream))

    def _consume(self) -> None:
        self.server.consume(self.stream, self.server.stream_credit(self.stream).held)


@pytest.mark.parametrize(
    ("most", "found"), [(1200, BASE), (1252, BASE), (1452, 1452), (1472, 1452), (9000, 8952), (65_507, 65_488)]
)
def test_what_a_path_carries_is_found(most: int, found: int) -> None:
    path = Path(most)
    path.settle()
    assert path.client.mtu == found and max(path.sent) <= found
    assert path.server.mtu == BASE, "nothing was sent there that would be worth asking"
    if found > BASE:
        path.sent.clear()
        path.carry(MEGABYTE)
        assert max(path.sent) > min(found, 4096) // 2, "bulk makes use of it"
    assert len(path.lost) <= TRIES * len(SIZES)


@pytest.mark.parametrize(
    ("card", "most", "found", "refused"),
    [
        (1472, 1472, 1452, [65_488, 16_336, 8_952]),
        (1472, 1300, BASE, [65_488, 16_336, 8_952]),
        (8972, 65_507, 8952, [65_488, 16_336]),
        (1280, 1280, BASE, [*SIZES]),
    ],
)
def test_what_the_own_card_refuses_is_known_at_once(card: int, most: int, found: int, refused: list[int]) -> None:
    path = Path(most, card)
    path.settle()
    assert path.client.mtu == found and path.refused == refused
    path.carry(MEGABYTE)
    assert path.refused == refused, "nothing is refused twice"


def test_a_card_that_takes_less_than_it_did_is_believed() -> None:
    path = Path(65_507)
    path.carry(2 * MEGABYTE)
    path.card = 1472
    began = path.pair.now
    path.carry(2 * MEGABYTE)
    assert path.pair.now - began < 1.0 and path.client.mtu == 1452


def test_what_is_refused_on_the_way_to_somebody_else_says_nothing() -> None:
    path = Path(65_507)
    path.carry(MEGABYTE)
    path.client.refused(1372, ("10.0.0.9", 1), path.pair.now)
    path.client.refused(BASE, SERVER, path.pair.now)
    assert path.client.mtu == 65_488


def test_what_is_small_asks_nothing() -> None:
    path = Path(65_507)
    path.carry(WORTH // 2)
    path.pair.run(1.0)
    assert path.client.mtu == BASE and max(path.sent) == BASE


def test_who_cannot_forbid_fragments_asks_nothing() -> None:
    path = Path(65_507)
    path.client._congestion.mtu = PathMtu()
    path.settle()
    assert path.client.mtu == BASE


def test_a_lost_probe_leaves_the_window_alone() -> None:
    path = Path(1200)
    path.carry(WORTH)
    congestion = path.client._congestion
    before, in_flight = congestion.streams.congestion_window, congestion.bytes_in_flight
    told: list[int] = []
    congestion.streams.on_lost = lambda now, packets: told.append(packets)  # type: ignore[method-assign]
    path.carry(MEGABYTE)
    assert len(path.lost) >= 2 * TRIES, "probes were lost"
    assert sum(told) == 0 and congestion.streams.congestion_window >= before
    path.pair.run(0.5)
    assert congestion.bytes_in_flight <= in_flight


@pytest.mark.parametrize("most", [1252, 1460, 9000])
def test_a_path_that_swallows_large_packets_takes_small_ones_and_is_asked_again(most: int) -> None:
    path = Path(65_507)
    path.carry(3 * MEGABYTE)
    assert path.client.mtu == 65_488
    path.most = most
    began = path.pair.now
    path.carry(MEGABYTE)
    assert path.pair.now - began < 2.0
    path.settle()
    assert path.client.mtu == max(size for size in (BASE, *SIZES) if size <= most)


def test_losses_among_large_packets_are_no_doubt_of_their_size() -> None:
    path = Path(65_507)
    path.carry(2 * MEGABYTE)
    numbers = iter(range(1 << 30))
    path.pair.drop = lambda sender, data: sender is path.client and len(data) > BASE and next(numbers) % 10 == 0
    path.carry(4 * MEGABYTE)
    assert path.client.mtu == 65_488


def test_another_path_begins_with_small_packets() -> None:
    walk = Walk()
    walk.client.discover_mtu()
    walk.server.trust_peer()
    stream = walk.client.open_stream()
    walk.client.set_bulk(stream)
    walk.client.write_stream(stream, bytes(300_000))
    walk.run(5.0, lambda: walk.client.mtu > BASE)
    assert walk.client.mtu == 65_488
    walk.alive, walk.at = {(LTE, 2)}, (LTE, 2)
    walk.client.follow(walk.now)
    assert walk.client.mtu == BASE
    assert WIFI != LTE


def test_a_peer_is_sent_nothing_larger_than_it_takes() -> None:
    path = Path(65_507)
    path.client._congestion.mtu.limit(1472)
    path.carry(MEGABYTE)
    assert path.client.mtu == 1452 and path.lost == []


def test_the_limit_is_read_from_the_transport_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    stock = Connection._serialize_transport_parameters
    monkeypatch.setattr(
        Connection,
        "_serialize_transport_parameters",
        lambda self: stock(self) + bytes.fromhex("030245c0"),  # 1,472
    )
    pair = Pair()
    pair.client.discover_mtu()
    mtu = pair.client._congestion.mtu
    mtu.carried(WORTH)
    assert mtu.probe(pair.now) == 1452


def found(mtu: PathMtu, most: int) -> list[int]:
    """Answer probes as a path does that carries so much; the sizes that were tried."""
    tried = []
    while (size := mtu.probe(0.0)) is not None:
        tried.append(size)
        mtu.answered(mtu.probing(), size, size <= most, 10, 0.0)
    return tried


def started() -> PathMtu:
    mtu = PathMtu()
    mtu.enable()
    mtu.carried(WORTH)
    return mtu


def test_each_size_is_tried_three_times_from_the_largest_down() -> None:
    mtu = started()
    assert found(mtu, 1452) == [*[65_488] * TRIES, *[16_336] * TRIES, *[8_952] * TRIES, 1452]
    assert mtu.size == 1452


def test_one_probe_is_on_its_way_at_a_time() -> None:
    mtu = started()
    assert mtu.probe(0.0) == 65_488
    mtu.probing()
    assert mtu.probe(math.inf) is None


def test_larger_packets_are_tried_again_after_a_while() -> None:
    mtu = started()
    found(mtu, 1452)
    assert mtu.probe(AGAIN - 1) is None
    assert mtu.probe(AGAIN) == 65_488


def test_a_probe_of_another_path_says_nothing() -> None:
    mtu = started()
    assert mtu.probe(0.0) is not None
    probe = mtu.probing()
    mtu.begin_path()
    mtu.answered(probe, 65_488, True, 10, 0.0)
    assert mtu.size == BASE


def test_the_doubt_comes_from_losses_behind_which_nothing_large_has_come_or_from_silence() -> None:
    mtu = started()
    found(mtu, 8952)
    for number in range(5, 20):
        mtu.lost(number, silence=False)
        if number >= 10:
            mtu.arrived(number + 1)
    assert mtu.size == 8952, "older than what is known, or before a large one that came"
    for number in range(30, 30 + LOST):
        mtu.lost(number, silence=False)
    assert mtu.size == BASE and mtu.probe(0.0) == 8952, "what was refused before is not asked for again at once"
    found(mtu, 8952)
    mtu.lost(40, silence=True)
    assert mtu.size == BASE
