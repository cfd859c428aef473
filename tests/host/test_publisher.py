"""Pictures on their way to the audience: when one is taken, what it may cost, and who can open it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from avl_host.capture.pattern import PatternSource
from avl_host.encode.budget import Slow
from avl_host.encode.codecs.coders import decodable
from avl_host.encode.worker import STOPPED, Listener, ThreadWorker
from avl_host.publish.permit import CapturePermit
from avl_host.publish.publisher import FIRST_BITRATE, GATHER, LEAST_BITRATE, PAUSE, STILL, Publisher
from avl_host.publish.upload import LONGEST_HOLD, Upload
from avl_protocol.crypto.identity import check_signer
from avl_protocol.crypto.sframe import ObjectOpener
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.media import exact as exacts
from avl_protocol.media.exact import Exact, ExactRect
from avl_protocol.media.frame import Chroma, ExactFrame, Frame, Rect
from avl_protocol.session.media.receiver import MediaReceiver, ReceivedExact, ReceivedFrame
from avl_protocol.session.media.sender import MediaSender
from avl_protocol.wire.datagram import decode
from avl_protocol.wire.endtoend import Decoder, Rate, Stages
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import ExactCoding, Priority
from tests.host.hosting import RecordingHop, RecordingWorker, sharing_of
from tests.host.test_worker import pipeline
from tests.protocol.handshakes import HOST, Seeded
from tests.protocol.sealed import frame

MAXIMUM = 8_000_000
#: What a viewer decodes that decodes H.264 in either chroma.
BOTH = decodable(Decoder((0, 1)))


class Shared:
    """A sharing with one viewer in its audience."""

    def __init__(self) -> None:
        self.now = 10.0
        self.figures: list[Stages | Rate] = []
        self.client, self.workers = RecordingHop(), [RecordingWorker()]
        self.worker = self.workers[0]
        self.upload = self.client.hop.upload
        self.about: list[Upload | None] = []
        self.asked = 0
        self.publisher = Publisher(
            HOST,
            Seeded("sharing"),
            clock=lambda: self.now,
            max_bitrate=MAXIMUM,
            on_figures=self._told,
            ask=self._ask,
        )
        self.publisher.start(*self.workers)
        self.publisher.open(self.upload)
        self.upload.sessions = 1
        self.publisher.set_viewer(1, BOTH)
        self.audience(1, 0)

    def _told(self, figures: Stages | Rate, upload: Upload | None) -> None:
        self.figures.append(figures)
        self.about.append(upload)

    def _ask(self) -> None:
        self.asked += 1

    @property
    def permit(self) -> CapturePermit:
        """What the first track's worker reads."""
        return self.publisher.publications[0].permit

    def wait(self, seconds: float) -> None:
        """Time passes, and timers fire."""
        self.now += seconds
        self.publisher.handle_timer(self.now)

    def audience(self, count: int, rate: int, hold: float = 0.0) -> None:
        """The relay says who watches."""
        wanted = self.publisher.next_objects if count else ()
        self.upload.audience(wanted, rate, hold, self.now)
        self.publisher.changed()

    def fate(self, now: float) -> None:
        """A datagram has arrived."""
        self.publisher.settled(self.upload, [(None, True)], now)

    @property
    def sender(self) -> MediaSender:
        """What seals pictures."""
        return self.publisher.publications[0].pictures

    def frame(self, key: bool, data: bytes = b"\0\0\0\1bitstream") -> None:
        """The worker has made a picture."""
        self.publisher.frame(self.publisher.publications[0], frame(key, data))

    def exact(self, settled: bool = False) -> None:
        """The worker has made an object of exact pixels."""
        plain = exacts.encode(
            Exact(
                captured_us=1,
                input_echo_us=0,
                width=640,
                height=480,
                rects=(ExactRect(Rect(0, 0, 640, 480), ExactCoding.SOLID, b"\1\2\3"),),
                settled=settled,
            )
        )
        made = ExactFrame(data=plain, captured=1.0, input_echo=0.0, settled=settled)
        self.publisher.frame(self.publisher.publications[0], made)

    @property
    def stages(self) -> list[Stages]:
        return [told for told in self.figures if isinstance(told, Stages)]

    def receiver(self) -> MediaReceiver:
        made = MediaReceiver(ObjectOpener(self.publisher.media_session, self.publisher.signer), self.publisher.tracks)
        key = self.sender.current_key
        made.add_key(key.generation, key.step, key.base, 0.0)
        return made


def test_a_frame_is_sealed_and_sent_under_the_relays_handle() -> None:
    shared = Shared()
    shared.frame(True, b"x" * 3000)
    receiver = shared.receiver()
    got = [f for data, _, _ in shared.client.carrier.datagrams for f in receiver.datagram(data, 0.0)]
    assert [f.data for f in got if isinstance(f, ReceivedFrame)] == [b"x" * 3000] and len(got) == 1
    assert {priority for _, priority, _ in shared.client.carrier.datagrams} == {Priority.VIDEO}
    assert shared.publisher.beacon_objects() == ((1, 0, 0),)


def test_exact_pixels_go_ahead_of_pictures_and_the_beacon_says_when_that_is_all() -> None:
    shared = Shared()
    shared.exact()
    assert {priority for _, priority, _ in shared.client.carrier.datagrams} == {Priority.EXACT}
    receiver = shared.receiver()
    (got,) = (f for data, _, _ in shared.client.carrier.datagrams for f in receiver.datagram(data, 0.0))
    assert isinstance(got, ReceivedExact) and got.track == 2 and got.complete
    assert shared.publisher.beacon_objects() == ((2, 0, 0),)
    shared.exact(settled=True)
    assert shared.publisher.beacon_objects() == ((2, 1, 1),)
    shared.frame(True)
    assert shared.publisher.beacon_objects() == ((1, 0, 0), (2, 1, 0)), "a picture is not exact"
    shared.exact(settled=True)
    shared.publisher.request_missing(2, ((0, 1),), lambda rows, newest: None)
    assert shared.publisher.beacon_objects() == ((1, 0, 0), (2, 2, 1)), "who misses something is told by itself"


def test_what_is_missing_is_asked_of_the_worker_of_its_track_alone() -> None:
    shared = Shared()
    told: list[tuple[object, int]] = []
    for track in (1, 9):
        shared.publisher.request_missing(track, ((3, 4),), lambda rows, newest: told.append((rows, newest)))
    assert shared.worker.missing == [] and told == []
    shared.publisher.request_missing(2, ((3, 4),), lambda rows, newest: told.append((rows, newest)))
    assert shared.worker.missing == [((3, 4),)] and told == [(((3, 4),), 7)]


def test_the_signer_is_endorsed_by_the_hosts_identity() -> None:
    publisher = Shared().publisher
    assert check_signer(HOST.public, publisher.endorsement, publisher.media_session, publisher.signer)


def test_a_picture_is_taken_only_when_it_would_leave_at_once() -> None:
    shared = Shared()
    assert shared.publisher.ready()
    shared.client.carrier.held = True
    shared.frame(True)
    assert not shared.publisher.ready()
    shared.client.carrier.held = False
    shared.fate(shared.now)
    assert shared.worker.wakes >= 1 and shared.publisher.ready()


def test_the_audience_can_make_the_host_wait_but_not_for_long() -> None:
    shared = Shared()
    shared.audience(1, 0, 0.04)
    assert not shared.publisher.ready()
    due = shared.publisher.next_timeout()
    assert due == shared.now + 0.04
    wakes = shared.worker.wakes
    shared.now = due
    shared.publisher.handle_timer(shared.now)
    assert shared.worker.wakes == wakes + 1 and shared.publisher.ready()
    shared.audience(1, 0, 3600.0)
    shared.wait(LONGEST_HOLD)
    assert shared.publisher.ready()


def test_a_worker_that_was_refused_has_the_loop_look_again_once() -> None:
    shared = Shared()
    shared.client.carrier.held = True
    shared.publisher.look()
    assert not shared.permit.ready() and not shared.permit.ready()
    assert shared.asked == 1
    shared.client.carrier.held = False  # what waited has left, and no event told of it
    wakes = shared.worker.wakes
    shared.publisher.look()
    assert shared.worker.wakes == wakes + 1 and shared.permit.ready()
    shared.audience(0, 0)
    assert not shared.permit.ready() and shared.asked == 1, "where nobody watches there is nothing to ask"


def test_a_path_that_stands_still_after_a_picture_is_noticed_by_the_clock_alone() -> None:
    shared = Shared()
    shared.frame(True)
    assert shared.permit.ready() and shared.publisher.next_timeout() == shared.now + STILL
    shared.client.carrier.held = True  # nothing is answered any more
    shared.wait(STILL)
    assert not shared.permit.ready()
    shared.audience(0, 0)
    assert shared.publisher.next_timeout() is None, "nobody watches: nothing is looked at"


def test_what_the_hop_carried_before_a_pause_is_followed_without_a_picture() -> None:
    shared = Shared()
    shared.frame(True)
    shared.wait(STILL)
    shared.client.carrier.rate = 1_000_000.0
    shared.wait(PAUSE)
    assert shared.worker.bitrates[-1] == 1_000_000


def test_how_our_hop_is_doing_is_told_once_a_second() -> None:
    shared = Shared()
    for at in range(180):
        shared.now = 20.0 + at / 60
        shared.fate(shared.now)
    assert sum(isinstance(told, Rate) for told in shared.figures) == 3


def test_nothing_is_taken_while_nobody_watches_or_there_is_no_link() -> None:
    shared = Shared()
    shared.audience(0, 0)
    assert not shared.publisher.ready()
    shared.audience(1, 0)
    assert shared.publisher.ready()
    shared.publisher.set_viewer(1, None)
    assert not shared.publisher.ready()
    shared = Shared()
    shared.publisher.close(shared.upload)
    assert not shared.publisher.ready()
    shared.frame(True)
    assert not shared.client.carrier.datagrams
    told = len(shared.figures)
    shared.fate(100.0)
    assert len(shared.figures) == told
    shared = Shared()
    shared.upload.sessions = 0
    shared.publisher.changed()
    assert not shared.publisher.ready()
    shared.frame(True)
    assert not shared.client.carrier.datagrams


def test_444_while_everybody_can_and_420_as_soon_as_one_can_not() -> None:
    shared = Shared()
    assert shared.worker.chromas == []
    shared.publisher.set_viewer(2, decodable(Decoder((0,))))
    assert shared.worker.chromas == [Chroma.YUV420]
    shared.publisher.set_viewer(3, BOTH)
    assert shared.worker.chromas == [Chroma.YUV420]
    shared.publisher.set_viewer(2, None)
    assert shared.worker.chromas == [Chroma.YUV420, Chroma.YUV444]


def test_who_joins_gets_everything() -> None:
    shared = Shared()
    before = shared.worker.everything
    shared.publisher.set_viewer(2, BOTH)
    shared.wait(GATHER)
    assert shared.worker.everything == before + 1


def test_the_encoder_follows_the_slower_of_both_hops() -> None:
    shared = Shared()
    shared.audience(1, 2_000_000)
    assert shared.worker.bitrates[-1] == 2_000_000
    shared.client.carrier.rate = 1_000_000.0
    shared.fate(0.0)
    assert shared.worker.bitrates[-1] == 1_000_000
    shared.client.carrier.rate = 1_000.0
    shared.fate(0.0)
    assert shared.worker.bitrates[-1] == LEAST_BITRATE
    shared.client.carrier.rate = None
    shared.audience(1, 0)
    assert shared.worker.bitrates[-1] == FIRST_BITRATE, "nothing is known of the path"


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
    assert {told.coder for told in shared.stages} == {"libx264"}


def test_after_somebody_left_a_key_frame_under_a_new_generation_is_asked_for() -> None:
    shared = Shared()
    shared.frame(True)
    old = shared.receiver()
    keys, generation = shared.worker.keys, shared.sender.current_key.generation
    key = shared.publisher.renew_keys()
    assert key.generation == generation + 1 and shared.worker.keys == keys + 1
    shared.client.carrier.datagrams.clear()
    shared.frame(True)
    assert [f for data, _, _ in shared.client.carrier.datagrams for f in old.datagram(data, 0.0)] == []


class Captured:
    """A sharing on this loop whose pictures a real thread captures; `ready` is what the thread asks."""

    def __init__(self, ready: Callable[[Publisher], bool]) -> None:
        loop = asyncio.get_running_loop()
        self.told: list[str] = []
        self.lost: asyncio.Future[str] = loop.create_future()
        faults = Faults()
        self.unwatch = faults.watch(self.told.append, self.told.append, time.monotonic)
        self.client = RecordingHop()
        guard(self.client.carrier)

        def ask() -> None:
            loop.call_soon_threadsafe(publisher.look)

        self.publisher = publisher = guard(sharing_of(time.monotonic, ask))
        self.upload = self.client.hop.upload
        publisher.open(self.upload)
        self.upload.sessions = 1
        publisher.set_viewer(1, BOTH)
        self.frames = 0
        self.framed = asyncio.Event()
        source = PatternSource(time.monotonic, (320, 192), rate=50)
        listener = Listener(
            frame=self._frame,
            cursor=lambda _cursor: None,
            layout=lambda *_layout: None,
            lost=self.lost.set_result,
            faults=faults,
        )
        made = pipeline(source, lambda: ready(publisher))
        self.worker = ThreadWorker(source, made, listener, time.monotonic)
        publisher.start(self.worker)
        self.worker.start()

    def _frame(self, frame: Frame) -> None:
        self.frames += 1
        self.publisher.frame(self.publisher.publications[0], frame)
        self.framed.set()

    async def another(self) -> None:
        """Wait for a picture."""
        self.framed.clear()
        async with asyncio.timeout(8):
            await self.framed.wait()

    async def close(self) -> None:
        await self.worker.close()
        self.unwatch()


async def test_the_capture_thread_reads_what_the_loop_publishes_and_enters_nothing() -> None:
    captured = Captured(lambda publisher: publisher.publications[0].permit.ready())
    for _ in range(5):
        await captured.another()
        captured.client.carrier.held = True
        captured.publisher.look()
        captured.client.carrier.held = False  # no event tells: the thread that is refused has the loop look
    assert captured.told == [] and not captured.lost.done()
    await captured.close()


async def test_a_capture_thread_that_entered_the_publisher_would_be_told_of() -> None:
    def look(publisher: Publisher) -> bool:
        publisher.look()
        return publisher.ready()

    captured = Captured(look)
    async with asyncio.timeout(8):
        assert await captured.lost == STOPPED
    assert "WrongThread" in captured.told[0] and "Publisher.look" in captured.told[0]
    await captured.close()


# who cannot follow, and who comes


def taken(shared: Shared) -> list[bytes]:
    """What has left for the relay since it was asked last."""
    carrier = shared.client.carrier
    left = [data for data, _, _ in carrier.datagrams]
    carrier.datagrams.clear()
    return left


def test_pictures_with_fewer_bits_are_asked_for_while_a_relay_names_them() -> None:
    shared = Shared()
    shared.client.carrier.slow = True
    fewer = shared.publisher.publications[0].lower
    assert fewer is not None
    number = fewer.track.id
    for named, rate, found in (
        ((1, 2), 0, None),
        ((1, 2, number), 300_000, Slow(300_000, True)),
        ((1, 2, number), 305_000, Slow(300_000, True)),
        ((1, 2, number), 400_000, Slow(400_000, True)),
        ((1, 2), 250_000, Slow(250_000, False)),
        ((1, 2), 100_000, Slow(LEAST_BITRATE, False)),
        ((1, 2), 0, None),
    ):
        shared.upload.audience(named, 5_000_000, 0.0, shared.now, rate)
        shared.publisher.changed()
        assert (shared.worker.slow or [None])[-1] == found
        before = fewer.newest
        shared.publisher.frame(shared.publisher.publications[0], replace(frame(True), lower=True))
        sent = {decode(data)[0].track for data in taken(shared)}
        assert (number in sent) == (number in named) and fewer.newest == before + 1


def test_before_a_relay_has_said_so_nobody_needs_fewer_bits() -> None:
    shared = Shared()
    fewer = shared.publisher.publications[0].lower
    assert fewer is not None
    shared.upload.audience((1, 2), 0, 0.0, shared.now)
    shared.upload.begin()
    assert shared.upload.watches(1) and not shared.upload.watches(fewer.track.id)


@pytest.mark.parametrize(("seconds", "most"), [(0.3, 1), (1.0, 4)])
def test_fifty_who_come_share_what_they_need(seconds: float, most: int) -> None:
    shared = Shared()
    assert shared.worker.everything == 1, "the first one waits for nobody"
    shared.wait(1.0)
    first = shared.now
    for number in range(50):
        while (due := shared.publisher.next_timeout()) is not None and due <= first + seconds * number / 50:
            shared.now = due
            shared.publisher.handle_timer(shared.now)
        shared.now = first + seconds * number / 50
        shared.publisher.set_viewer(number + 2, BOTH)
    last = shared.now
    while shared.publisher.next_timeout() is not None and shared.now < last + 0.35:
        shared.wait(0.01)
    assert 1 <= shared.worker.everything - 1 <= most


def test_one_who_comes_alone_hardly_waits() -> None:
    shared = Shared()
    shared.wait(1.0)
    shared.publisher.set_viewer(2, BOTH)
    assert shared.worker.everything == 1
    due = shared.publisher.next_timeout()
    assert due is not None and due <= shared.now + 0.1
    shared.wait(0.1)
    assert shared.worker.everything == 2
