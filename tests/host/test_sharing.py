"""Pictures on their way to the audience: when one is taken, what it may cost, and who can open it."""

from __future__ import annotations

from avl_host.outlets import LONGEST_HOLD, Outlet
from avl_host.sharing import LEAST_BITRATE, Sharing
from avl_protocol.crypto.identity import check_signer
from avl_protocol.crypto.sframe import ObjectOpener
from avl_protocol.media.frame import Chroma
from avl_protocol.media.track import Track, video
from avl_protocol.session.mediain import MediaReceiver
from avl_protocol.session.mediaout import MediaSender
from avl_protocol.wire.endtoend import Rate, Stages
from avl_protocol.wire.registry import Priority
from tests.host.hosting import RecordingLink, RecordingWorker
from tests.protocol.handshakes import HOST, Seeded
from tests.protocol.sealed import frame

MAXIMUM = 8_000_000


class Shared:
    """A sharing with one viewer in its audience."""

    def __init__(self, tracks: tuple[Track, ...] = (video(1),)) -> None:
        self.now = 10.0
        self.figures: list[Stages | Rate] = []
        self.link, self.workers = RecordingLink(), [RecordingWorker() for _ in tracks]
        self.worker = self.workers[0]
        self.outlet = self.link.entrance.outlet
        self.about: list[Outlet | None] = []
        self.sharing = Sharing(
            HOST, Seeded("sharing"), clock=lambda: self.now, max_bitrate=MAXIMUM, on_figures=self._told, tracks=tracks
        )
        self.sharing.start(*self.workers)
        self.sharing.open(self.outlet)
        self.outlet.sessions = 1
        self.sharing.set_viewer(1, (0, 1))
        self.audience(1, 0)

    def _told(self, figures: Stages | Rate, outlet: Outlet | None) -> None:
        self.figures.append(figures)
        self.about.append(outlet)

    def audience(self, count: int, rate: int, hold: float = 0.0) -> None:
        """The relay says who watches."""
        wanted = self.sharing.next_objects if count else ()
        self.outlet.audience(wanted, rate, hold, self.now)
        self.sharing.changed()

    def fate(self, now: float) -> None:
        """A datagram has arrived."""
        self.sharing.fate(self.outlet, None, True, now)

    @property
    def sender(self) -> MediaSender:
        """What seals the first track."""
        return self.sharing.publications[0].sender

    def frame(self, key: bool, data: bytes = b"\0\0\0\1bitstream", track: int = 0) -> None:
        """A track's worker has made a frame."""
        self.sharing.frame(self.sharing.publications[track], frame(key, data))

    @property
    def stages(self) -> list[Stages]:
        return [told for told in self.figures if isinstance(told, Stages)]

    def receiver(self) -> MediaReceiver:
        made = MediaReceiver(ObjectOpener(self.sharing.media_session, self.sharing.signer), self.sharing.tracks)
        key = self.sender.current_key
        made.add_key(key.generation, key.step, key.base, 0.0)
        return made


def test_a_frame_is_sealed_and_sent_under_the_relays_handle() -> None:
    shared = Shared()
    shared.frame(True, b"x" * 3000)
    receiver = shared.receiver()
    got = [f for data, _, _ in shared.link.carrier.datagrams for f in receiver.datagram(data, 0.0)]
    assert [f.data for f in got] == [b"x" * 3000]
    assert {priority for _, priority, _ in shared.link.carrier.datagrams} == {Priority.VIDEO}
    assert shared.sharing.beacon_objects() == ((1, 0),)


def test_the_signer_is_endorsed_by_the_hosts_identity() -> None:
    sharing = Shared().sharing
    assert check_signer(HOST.public, sharing.endorsement, sharing.media_session, sharing.signer)


def test_a_picture_is_taken_only_when_it_would_leave_at_once() -> None:
    shared = Shared()
    assert shared.sharing.ready()
    shared.link.carrier.held = True
    assert not shared.sharing.ready()
    shared.link.carrier.held = False
    shared.fate(shared.now)
    assert shared.worker.wakes >= 1 and shared.sharing.ready()


def test_the_audience_can_make_the_host_wait_but_not_for_long() -> None:
    shared = Shared()
    shared.audience(1, 0, 0.04)
    assert not shared.sharing.ready()
    due = shared.sharing.next_timeout()
    assert due == shared.now + 0.04
    wakes = shared.worker.wakes
    shared.now = due
    shared.sharing.handle_timer(shared.now)
    assert shared.worker.wakes == wakes + 1 and shared.sharing.ready()
    shared.audience(1, 0, 3600.0)
    shared.now += LONGEST_HOLD
    assert shared.sharing.ready()


def test_how_our_hop_is_doing_is_told_once_a_second() -> None:
    shared = Shared()
    for at in range(180):
        shared.now = 20.0 + at / 60
        shared.fate(shared.now)
    assert sum(isinstance(told, Rate) for told in shared.figures) == 3


def test_nothing_is_taken_while_nobody_watches_or_there_is_no_link() -> None:
    shared = Shared()
    shared.audience(0, 0)
    assert not shared.sharing.ready()
    shared.audience(1, 0)
    assert shared.sharing.ready()
    shared.sharing.set_viewer(1, None)
    assert not shared.sharing.ready()
    shared = Shared()
    shared.sharing.close(shared.outlet)
    assert not shared.sharing.ready()
    shared.frame(True)
    assert not shared.link.carrier.datagrams
    told = len(shared.figures)
    shared.fate(100.0)
    assert len(shared.figures) == told
    shared = Shared()
    shared.outlet.sessions = 0
    assert not shared.sharing.ready()
    shared.frame(True)
    assert not shared.link.carrier.datagrams


def test_444_while_everybody_can_and_420_as_soon_as_one_can_not() -> None:
    shared = Shared()
    assert shared.worker.chromas == []
    shared.sharing.set_viewer(2, (0,))
    assert shared.worker.chromas == [Chroma.YUV420]
    shared.sharing.set_viewer(3, (0, 1))
    assert shared.worker.chromas == [Chroma.YUV420]
    shared.sharing.set_viewer(2, None)
    assert shared.worker.chromas == [Chroma.YUV420, Chroma.YUV444]


def test_who_joins_gets_a_key_frame() -> None:
    shared = Shared()
    before = shared.worker.keys
    shared.sharing.set_viewer(2, (0, 1))
    assert shared.worker.keys == before + 1


def test_the_encoder_follows_the_slower_of_both_hops() -> None:
    shared = Shared()
    shared.audience(1, 2_000_000)
    assert shared.worker.bitrates[-1] == 2_000_000
    shared.link.carrier.rate = 1_000_000.0
    shared.fate(0.0)
    assert shared.worker.bitrates[-1] == 1_000_000
    shared.link.carrier.rate = 1_000.0
    shared.fate(0.0)
    assert shared.worker.bitrates[-1] == LEAST_BITRATE
    shared.link.carrier.rate = None
    shared.audience(1, 0)
    assert shared.worker.bitrates[-1] == MAXIMUM


def test_small_changes_of_rate_do_not_bother_the_encoder() -> None:
    shared = Shared()
    shared.audience(1, 2_000_000)
    told = len(shared.worker.bitrates)
    for rate in (2_010_000, 1_990_000, 2_050_000):
        shared.audience(1, rate)
    assert len(shared.worker.bitrates) == told


def test_stages_are_told_at_most_four_times_a_second() -> None:
    shared = Shared()
    for at in range(120):
        shared.now = 10.0 + at / 60
        told = len(shared.stages)
        shared.frame(at == 0)
        assert len(shared.stages) == told, "they would leave ahead of their picture"
        shared.fate(shared.now)
    assert 7 <= len(shared.stages) <= 9


def test_after_somebody_left_a_key_frame_under_a_new_generation_is_asked_for() -> None:
    shared = Shared()
    shared.frame(True)
    old = shared.receiver()
    keys, generation = shared.worker.keys, shared.sender.current_key.generation
    key = shared.sharing.renew_keys()
    assert key.generation == generation + 1 and shared.worker.keys == keys + 1
    shared.link.carrier.datagrams.clear()
    shared.frame(True)
    assert [f for data, _, _ in shared.link.carrier.datagrams for f in old.datagram(data, 0.0)] == []
