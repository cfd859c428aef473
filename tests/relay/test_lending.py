"""Lending: a host at one worker and viewers at another meet as if they were at one, and media cross once."""

from __future__ import annotations

import pytest

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.driver import Driven
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.media.packetizer import packetize
from avl_protocol.session.hop.server import HopServer, RelayIdentity
from avl_protocol.wire.messages import (
    Accept,
    Admit,
    Attached,
    Close,
    Detach,
    Evict,
    Incoming,
    Recover,
    Reject,
    Subscribe,
    Tracks,
    Viewers,
)
from avl_protocol.wire.registry import T_KEY_SPACING, CloseCode, ObjectFlag, Priority
from avl_relay.directory import LocalDirectory, Place, WhereIs
from avl_relay.forward.branch import MOST_WAITING, Branch, together
from avl_relay.forward.hosts import LINGER
from tests.protocol.handshakes import identity
from tests.protocol.memory import Connection
from tests.relay.stand import Neighbour, Stand, codes

KEY = int(ObjectFlag.KEY)
NOBODY = RelayIdentity(public=b"", certificate=b"", endorsement=b"", name="", page="")


class Here(LocalDirectory):
    """A Directory that sends everybody here, where the router knows who is."""

    def find(self, question: WhereIs, now: float) -> Place | None:
        return Place.HERE


class Pair:
    """Two workers of one relay: `home` has the host, which is on loan to `away`."""

    def __init__(self, near: int = 0) -> None:
        connections: list[Connection] = []
        self.home = Stand(handles=(1, 2), connections=connections)
        self.away = Stand(directory=Here(), handles=(2, 2), connections=connections)
        self.host = self.home.host()
        #: The hop between them: `client` is the end of who borrows.
        self.link = Connection(("", 0))
        connections.append(self.link)
        self.lender, self.borrower = self._hop(self.home, self.link.server), self._hop(self.away, self.link.client)
        self.link.join(self._driven(self.away, self.borrower), self._driven(self.home, self.lender))
        self.lender.borrows()
        row = self.home.router.lend(self.lender, identity("host").number, self.now)
        assert row is not None
        self.borrower.lent(row.device)
        self.away.router.borrow(self.borrower, row.device, row.media_handle, self.now)
        self.away.settle()
        self.number = -1

    @property
    def now(self) -> float:
        return self.home.now

    def wait(self, seconds: float) -> None:
        self.home.now = self.away.now = self.home.now + seconds
        for stand in (self.home, self.away):
            stand.router.handle_timer(stand.now)
        self.home.settle()

    @staticmethod
    def _hop(stand: Stand, carrier: object) -> HopServer:
        peer = HopServer(NOBODY, nonce=b"", wall_ms=0, now=stand.now)
        peer.attach_carrier(carrier)  # type: ignore[arg-type]
        return peer

    @staticmethod
    def _driven(stand: Stand, peer: HopServer) -> Driven:
        return Driven(peer, lambda: stand.router.take(peer, stand.now), Faults(), peer.carrier.close)

    def viewers(self, count: int, admit: bool = True) -> tuple[list[Neighbour], list[int]]:
        """Viewers at the other worker, and their handles."""
        made = [self.away.viewer(f"10.0.1.{at}") for at in range(count)]
        meet = self.away.meet
        return made, [meet(self.host, one, session=bytes([at]) * 16, admit=admit) for at, one in enumerate(made)]

    def send(self, size: int = 3000, key: bool = False) -> list[bytes]:
        """The host sends its next object."""
        self.number += 1
        self.wait(0.033)
        pieces = packetize(bytes(size), self.host.media_handle, 1, self.number, KEY if key else 0)
        self.host.connection.client.send_datagrams(pieces, Priority.VIDEO, None)
        self.home.settle()
        return pieces

    def crossed(self) -> int:
        """Datagrams that wait on their way to the other worker."""
        return len(self.link.server.datagrams)

    def recoveries(self) -> int:
        return sum(isinstance(message, Recover) for message in self.host.heard)


def test_a_session_is_numbered_by_the_viewers_worker_and_the_host_answers_it() -> None:
    pair = Pair()
    viewer = pair.away.viewer()
    pair.away.attach(viewer)
    incoming = pair.host.last(Incoming)
    assert isinstance(incoming, Incoming) and incoming.handle % 2 == 0
    pair.host.say(Accept(incoming.handle))
    assert viewer.last(Attached) == Attached(b"s" * 16, incoming.handle, pair.host.media_handle, 0)


def test_channels_carry_both_ways_and_end_both_ways() -> None:
    pair = Pair()
    (viewer,), (handle,) = pair.viewers(1)
    stream = viewer.open(handle, 0, b"question")
    (twin,) = (number for number, data in pair.host.told.streams.items() if data.endswith(b"question"))
    pair.host.raw(b"answer", twin)
    assert viewer.received(stream) == b"answer"
    viewer.raw(b"", stream, end=True)
    pair.host.raw(b"bye", twin, end=True)
    assert viewer.received(stream) == b"answerbye" and stream in viewer.told.ended and twin in pair.host.told.ended
    assert pair.home.router.snapshot()["spliced ends"] == pair.away.router.snapshot()["spliced ends"] == 0


def test_a_channel_that_is_abandoned_is_abandoned_at_the_other_end() -> None:
    pair = Pair()
    (viewer,), (handle,) = pair.viewers(1)
    stream = viewer.open(handle, 2, b"much")
    (twin,) = (number for number, data in pair.host.told.streams.items() if data.endswith(b"much"))
    pair.host.connection.client.reset_stream(twin, 7)
    pair.home.settle()
    assert (stream, 7) in viewer.told.resets


def test_a_reader_that_stops_holds_up_the_writer_across_workers() -> None:
    pair = Pair()
    (viewer,), (handle,) = pair.viewers(1)
    stream = viewer.open(handle, 2, b"begins")
    (twin,) = (number for number, data in pair.host.told.streams.items() if data.endswith(b"begins"))
    viewer.connection.server.withdraw_credit(stream)
    for _ in range(100):
        pair.host.raw(bytes(64 << 10), twin)
    ends = (viewer.connection.server.stream_backlog(stream), pair.host.connection.client.stream_backlog(twin))
    assert ends[0] < 3 << 20 and ends[1] > 1 << 20


def test_media_cross_once_for_all_viewers_of_the_other_worker() -> None:
    pair = Pair()
    near = pair.home.viewer("10.0.2.1")
    pair.home.meet(pair.host, near, session=b"n" * 16)
    viewers, _ = pair.viewers(5)
    before = pair.link.server.sent_datagrams
    pieces = pair.send(key=True)
    for viewer in (near, *viewers):
        assert [data for data in viewer.told.datagrams if data in pieces] == pieces
    assert pair.link.server.sent_datagrams - before == len(pieces)


def test_nothing_crosses_before_anybody_is_let_in_nor_when_nobody_wants_it() -> None:
    pair = Pair()
    viewers, handles = pair.viewers(2, admit=False)
    pair.send(key=True)
    assert pair.link.server.sent_datagrams == 0
    for handle in handles:
        pair.host.say(Admit(handle, (1,), (0,)))
    pair.send(key=True)
    assert pair.link.server.sent_datagrams > 0
    for viewer, handle in zip(viewers, handles, strict=True):
        viewer.say(Subscribe(handle, 1, 0))
    before = pair.link.server.sent_datagrams
    pair.send(key=True)
    assert pair.link.server.sent_datagrams == before and viewers[0].told.datagrams


def test_who_comes_late_gets_what_the_hosts_worker_has_kept() -> None:
    pair = Pair()
    pieces = pair.send(key=True)
    (viewer,), _ = pair.viewers(1)
    assert [data for data in viewer.told.datagrams if data in pieces] == pieces


def test_the_host_hears_of_one_audience() -> None:
    pair = Pair()
    near = pair.home.viewer("10.0.2.1")
    pair.home.meet(pair.host, near, session=b"n" * 16)
    near.connection.server.rate = 3e6
    viewers, handles = pair.viewers(3)
    for viewer, rate in zip(viewers, (1e6, 8e6, 2e6), strict=True):
        viewer.connection.server.rate = rate
    for _ in range(8):
        pair.send(key=True)
    told = pair.host.last(Viewers)
    assert isinstance(told, Viewers) and (told.count, told.tracks, told.rate) == (4, (1,), 8_000_000)
    viewers[1].say(Detach(handles[1], 0))
    for _ in range(8):
        pair.send(key=True)
    told = pair.host.last(Viewers)
    assert isinstance(told, Viewers) and (told.count, told.rate) == (3, 3_000_000)


def test_a_host_that_has_to_wait_for_the_best_of_all_is_told_by_whichever_worker() -> None:
    pair = Pair()
    (viewer,), _ = pair.viewers(1)
    viewer.connection.server.rate = 5e6
    pair.send(key=True)
    viewer.connection.server.held = True
    pair.send()
    told = pair.host.last(Viewers)
    assert isinstance(told, Viewers) and 0 < told.hold_ms <= 40


def test_who_is_merely_the_best_of_its_worker_does_not_ask_for_keys_as_often_as_the_best_of_all() -> None:
    pair = Pair()
    near = pair.home.viewer("10.0.2.1")
    pair.home.meet(pair.host, near, session=b"n" * 16)
    near.connection.server.rate = 8e6
    (slow,), _ = pair.viewers(1)
    slow.connection.server.rate = 3e5
    for _ in range(8):
        pair.send(key=True)
    slow.connection.server.slow = True  # from here on what is sent to it waits
    before = pair.recoveries()
    for _ in range(round(1.5 / 0.033)):
        pair.send(20_000)
    assert 1 <= pair.recoveries() - before <= 2


def test_keys_are_asked_for_once_whoever_needs_them() -> None:
    pair = Pair()
    near = pair.home.viewer("10.0.2.1")
    own = pair.home.meet(pair.host, near, session=b"n" * 16)
    viewers, handles = pair.viewers(4)
    pair.wait(1.1 * T_KEY_SPACING)
    before = pair.recoveries()
    near.say(Recover(own, 1, 3))
    for viewer, handle in zip(viewers, handles, strict=True):
        viewer.say(Recover(handle, 1, 3))
    assert pair.recoveries() - before == 1
    pair.wait(1.1 * T_KEY_SPACING)
    viewers[0].say(Recover(handles[0], 1, 4))
    assert pair.recoveries() - before == 2


def test_a_worker_that_does_not_keep_up_loses_whole_objects_and_goes_on_at_a_key() -> None:
    pair = Pair()
    (viewer,), _ = pair.viewers(1)
    pair.send(key=True)
    pair.link.server.slow = True
    size = 1 << 20
    for _ in range(2 + MOST_WAITING // size):
        pair.send(size)
    pair.link.server.slow = False
    pair.home.settle()
    got = len(viewer.told.datagrams)
    pair.send(3000)
    assert len(viewer.told.datagrams) == got
    key = pair.send(3000, key=True)
    assert [data for data in viewer.told.datagrams[got:] if data in key] == key


@pytest.mark.parametrize("message", [Reject, Evict, Detach])
def test_what_ends_a_session_at_the_host_ends_it_at_the_viewer(message: type) -> None:
    pair = Pair()
    (viewer,), (handle,) = pair.viewers(1, admit=message is not Reject)
    pair.host.say(message(handle, CloseCode.ENDED))
    assert viewer.last(Detach) == Detach(handle, CloseCode.ENDED)
    assert pair.home.router.snapshot()["sessions of other workers"] == pair.away.router.sessions == 0


def test_a_viewer_that_leaves_is_missed_by_the_host() -> None:
    pair = Pair()
    (viewer, other), (handle, _) = pair.viewers(2)
    viewer.lost()
    assert codes(pair.host) == [CloseCode.SESSION_LOST]
    assert pair.home.router.snapshot()["sessions of other workers"] == 1 and other.closed is None
    assert pair.host.last(Detach) == Detach(handle, CloseCode.SESSION_LOST)


def test_a_host_that_is_gone_ends_its_sessions_everywhere() -> None:
    pair = Pair()
    (viewer,), _ = pair.viewers(1)
    pair.host.lost()
    assert codes(viewer) == [CloseCode.SESSION_LOST] and viewer.closed is None
    assert not pair.away.router.has(identity("host").number)
    assert pair.home.router.snapshot()["loans"] == pair.away.router.snapshot()["borrowed"] == 0


@pytest.mark.parametrize("side", ["home", "away"])
def test_a_worker_that_is_gone_ends_the_sessions_across(side: str) -> None:
    pair = Pair()
    (viewer,), (handle,) = pair.viewers(1)
    end, stand = (pair.link.server, pair.home) if side == "away" else (pair.link.client, pair.away)
    assert end.receiver is not None
    end.receiver.carrier_lost(CloseCode.GOING_AWAY, "", stand.now)
    stand.settle()
    if side == "away":
        assert pair.host.last(Detach) == Detach(handle, CloseCode.SESSION_LOST)
        assert pair.home.router.snapshot()["loans"] == 0
    else:
        assert codes(viewer) == [CloseCode.SESSION_LOST] and viewer.closed is None


def test_a_borrowed_host_without_sessions_is_given_back_after_a_while() -> None:
    pair = Pair()
    (viewer,), (handle,) = pair.viewers(1)
    pair.wait(2 * LINGER)
    assert pair.away.router.snapshot()["borrowed"] == 1
    viewer.say(Detach(handle, 0))
    pair.wait(LINGER / 2)
    assert pair.away.router.snapshot()["borrowed"] == 1
    pair.wait(LINGER)
    assert pair.away.router.snapshot()["borrowed"] == pair.home.router.snapshot()["loans"] == 0
    assert pair.host.closed is None and pair.home.router.next_timeout() is None


def test_new_tracks_are_known_at_the_other_worker() -> None:
    pair = Pair()
    (viewer,), (handle,) = pair.viewers(1)
    pair.host.say(Tracks(()))
    pair.send(key=True)
    assert not viewer.told.datagrams
    assert pair.away.router.strays == 0
    viewer.say(Subscribe(handle, 1, 0))
    assert pair.away.router.strays == 1


def test_handshakes_with_a_host_are_counted_for_all_workers_together() -> None:
    pair = Pair()
    near = [pair.home.viewer() for _ in range(3)]
    far = [pair.away.viewer() for _ in range(3)]
    for at, viewer in enumerate(near):
        pair.home.attach(viewer, session=bytes([at]) * 16)
    for at, viewer in enumerate(far):
        pair.away.attach(viewer, session=bytes([at + 9]) * 16)
    assert [viewer.closed for viewer in near] == [None] * 3
    refused = [[m.code for m in viewer.heard if isinstance(m, Close)] for viewer in far]
    assert refused == [[], [], [CloseCode.LIMIT]]
    assert sum(isinstance(message, Incoming) for message in pair.host.heard) == 5


def test_a_host_that_comes_to_the_borrower_takes_its_own_place() -> None:
    pair = Pair()
    (viewer,), _ = pair.viewers(1)
    again = pair.away.host(identity("host"), "10.0.0.7")
    assert codes(viewer) == [CloseCode.SESSION_LOST]
    pair.home.router.give_up(identity("host").number, pair.now)
    pair.home.settle()
    assert pair.host.closed == CloseCode.REPLACED and again.closed is None
    assert pair.home.router.hosts == 0 and pair.away.router.hosts == 1


def test_who_yields_to_a_registration_at_another_worker_is_refused() -> None:
    class Elsewhere:
        """A Directory that knows every device, elsewhere."""

        def find(self, question: object, now: float) -> None:
            return None

        def forget(self, question: object) -> None:
            return

        def elsewhere(self, device: int) -> bool:
            return True

        def arrived(self, device: int, now: float) -> None:
            return

        def left(self, device: int, now: float) -> None:
            return

    stand = Stand(directory=Elsewhere())
    yields, takes = stand.neighbour("10.0.0.2"), stand.neighbour("10.0.0.3")
    stand.register(yields, Identity(bytes(32)), yields=1)
    stand.register(takes, Identity(bytes(32)))
    assert (yields.closed, takes.closed) == (CloseCode.TAKEN, None)


def test_who_takes_pictures_with_fewer_bits_is_carried_those_with_all_as_well() -> None:
    branch = Branch(Pair().lender)
    rungs = {2: 1}
    assert branch.says(Viewers(1, (2, 3)), rungs, 0.0) == {1, 2, 3}
    assert branch.says(Viewers(1, (1, 2, 3)), rungs, 0.0) == frozenset()
    assert branch.says(Viewers(1, (3,)), rungs, 0.0) == frozenset()
    assert branch.says(Viewers(1, (2,)), rungs, 0.0) == {1, 2}


def test_audiences_are_joined() -> None:
    none, some = Viewers(0), Viewers(2, (1,), 5_000_000, 0)
    assert together((none, none)) == Viewers(0)
    assert together((none, some)) == some
    best = Viewers(1, (3, 1), 9_000_000, 40, 700_000)
    assert together((some, best)) == Viewers(3, (1, 3), 9_000_000, 40, 700_000)
    assert together((Viewers(1, (1,), 5, 0, 400_000), best)).slow == 400_000
    assert together((best, Viewers(1, (2,), 0))) == Viewers(2, (1, 2, 3), 0, 0, 700_000)
