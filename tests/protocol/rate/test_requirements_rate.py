"""Chapter 7 of the specification: what feedback says and is believed, and what every law of a rate must have as
properties (RFC 8836), with margins that leave its constants open."""

from __future__ import annotations

import random
from functools import cache
from itertools import pairwise

import pytest

from avl_protocol.media import parity
from avl_protocol.rate.collector import Collector
from avl_protocol.rate.controller import Controller
from avl_protocol.rate.hop import HopRate, frame_limit
from avl_protocol.rate.ledger import ARRIVED, LOST, PENDING, Ledger
from avl_protocol.rate.losses import Losses
from avl_protocol.rate.settings import RateSettings
from avl_protocol.wire import datagram, feedback, varint
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.feedback import ArrivalReport, Run
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD, DatagramType
from tests.protocol.rate.path import PACKET, Bottleneck, Clock, Greedy, Hop

LINK = 8e6


def media(number: int, fragment: int = 0, kind: int = DatagramType.MEDIA, handle: int = 0) -> bytes:
    """One datagram of a large object."""
    return datagram.encode(
        MediaHeader(handle=handle, type=kind, track=1, object=number, flags=0, fragment=fragment, length=1 << 20),
        bytes(1128),
    )


def names(payload: bytes) -> list[tuple[bytes, int]]:
    """(name, fragment) of every datagram that the newest report of a feedback datagram names."""
    newest = feedback.decode(payload)[0]
    return [(run.name, run.fragment + place) for run in newest.runs for place in range(len(run.times))]


def fed(*reports: ArrivalReport) -> bytes:
    """A feedback datagram."""
    return feedback.encode([feedback.encode_report(report) for report in reports])


def answer(sequence: int, base: int, *payloads: bytes) -> ArrivalReport:
    """The report that these arrived 1 ms apart."""
    found = [feedback.name_of(payload) for payload in payloads]
    runs = tuple(Run(name, fragment, (10 if place else 0,)) for place, (name, fragment) in enumerate(found))
    return ArrivalReport(sequence, base, 0, runs)


# ---- feedback


def test_a_receiver_names_all_that_came_in_order_and_nothing_else() -> None:
    collector = Collector()
    kinds = (DatagramType.MEDIA, DatagramType.PARITY, DatagramType.REPAIR, DatagramType.PROBE)
    payloads = [media(number % 3, 70 * number, kinds[number % 4], 300) for number in range(12)]
    payloads.append(payloads[0])
    for place, payload in enumerate(payloads):
        collector.arrived(payload, 5.0 + place * 0.0007)
    out = collector.take(5.02)
    assert out is not None
    assert names(out) == [feedback.name_of(payload) for payload in payloads]
    newest = feedback.decode(out)[0]
    times = [time for run in newest.runs for time in run.times]
    assert newest.base == 50_000
    assert sum(times) == pytest.approx(12 * 7, abs=1)


def test_feedback_is_not_reported_and_nothing_is_sent_while_nothing_arrives() -> None:
    hop = HopRate(Controller(RateSettings()))
    assert hop.wakes_at() is None
    assert hop.datagram_received(fed(answer(0, 1, media(1))), 5.0)
    assert hop.wakes_at() is None
    assert hop.take_feedback(6.0) is None
    hop.datagram_received(media(1), 7.0)
    due = hop.wakes_at()
    assert due is not None
    assert 7.0 < due < 7.03
    assert hop.take_feedback(due) is not None
    assert hop.take_feedback(due + 1) is None
    assert hop.wakes_at() is None


def test_every_feedback_datagram_repeats_the_report_before() -> None:
    collector = Collector()
    outs = []
    for number in range(4):
        collector.arrived(media(number), 5.0 + number)
        outs.append(collector.take(5.5 + number) or b"")
    first, *later = map(feedback.decode, outs)
    assert len(first) == 1
    before = first[0]
    for reports in later:
        assert reports[1] == before
        before = reports[0]


def test_the_relay_s_neighbours_alone_see_feedback_and_probes() -> None:
    hop = HopRate(Controller(RateSettings()))
    assert hop.datagram_received(fed(answer(0, 1, media(1))), 5.0)
    assert hop.datagram_received(hop.padding(), 5.0)
    assert not hop.datagram_received(media(1), 5.0)


def refused() -> list[bytes]:
    """Feedback that no receiver would write, all of it about media(1)."""
    name, _ = feedback.name_of(media(1))
    good = fed(answer(0, 1, media(1)))
    run = name + varint.encode(0) + varint.encode(1) + b"\0"
    head = good[:3] + bytes(3)
    long = fed(ArrivalReport(0, 1, 0, (Run(name, 0, (0,) * 64),)))[3:]
    return [
        good[:12],
        good[:-1],
        good + good[3:] + good[3:],
        good[:1] + b"\x01" + good[2:],
        good[:-1] + b"\x01",
        head + b"\0",
        head + varint.encode(65) + run * 65,
        head + b"\x01" + name + b"\0\0",
        head + b"\x01" + name + b"\0" + varint.encode(65) + bytes(65),
        good[:3] + long + long + bytes(MAX_DATAGRAM_PAYLOAD),
    ]


@pytest.mark.parametrize("case", range(10))
def test_feedback_that_no_receiver_would_write_is_ignored_as_a_whole(case: int) -> None:
    hop = HopRate(Controller(RateSettings()))
    hop.datagram_sent(media(1), "cookie", 1.0)
    assert hop.datagram_received(refused()[case], 1.1)
    assert hop.refused == 1
    assert hop.ledger.unanswered > 0
    assert hop.take_fates() == []
    hop.datagram_received(fed(answer(0, 1, media(1))), 1.2)
    assert hop.take_fates() == [("cookie", True)]


def test_reports_that_are_known_old_or_backward_are_ignored() -> None:
    hop = HopRate(Controller(RateSettings()))
    for number in range(6):
        hop.datagram_sent(media(number), number, 1.0)
    tell = hop.datagram_received
    tell(fed(answer(100, 5000, media(0))), 1.1)
    tell(fed(answer(100, 5000, media(1))), 1.2)
    tell(fed(answer(101, 4999, media(2))), 1.2)
    tell(fed(answer(36, 4000, media(3))), 1.2)
    assert hop.take_fates() == [(0, True)]
    tell(fed(answer(99, 4000, media(4)), answer(98, 3000, media(5))), 1.2)
    assert sorted(number for number, came in hop.take_fates() if came) == [4, 5]  # type: ignore[type-var]


def test_names_never_sent_or_answered_before_count_for_nothing() -> None:
    ledger = Ledger()
    ledger.sent(media(1), 1212, "cookie", 1.0)
    assert ledger.reported(answer(0, 1, media(2), media(1, 1), media(1, kind=DatagramType.PARITY)), 1.1) == ([], [])
    assert ledger.unanswered == 1212
    arrivals, _ = ledger.reported(answer(1, 1, media(1), media(1)), 1.2)
    assert len(arrivals) == 1
    assert ledger.unanswered == 0
    assert ledger.reported(answer(2, 1, media(1)), 1.3) == ([], [])
    assert ledger.fates == [("cookie", True)]


def test_a_datagram_is_lost_when_three_later_ones_came_or_its_answer_is_overdue_and_not_before() -> None:
    ledger = Ledger()
    records = [ledger.sent(media(number), 1212, None, 1.0 + number / 1000) for number in range(6)]
    ledger.reported(answer(0, 1, media(1)), 1.05)
    ledger.reported(answer(1, 2, media(2)), 1.051)
    assert records[0].state == PENDING
    assert ledger.reported(answer(2, 3, media(3)), 1.052)[1] == [(1.0, 1212)]
    assert records[0].state == LOST
    assert records[4].state == PENDING
    assert ledger.reported(answer(3, 4, media(5)), 1.055)[1] == []
    assert records[4].state == PENDING
    late = ledger.reported(answer(4, 5, media(9)), 1.3)[1]
    assert [sent for sent, _ in late] == [1.004]
    ledger.reported(answer(5, 6, media(0)), 1.31)
    assert records[0].state == ARRIVED
    assert ledger.spurious == 1


def test_a_repair_gives_no_sample_of_time() -> None:
    ledger = Ledger()
    ledger.sent(media(1, kind=DatagramType.REPAIR), 1212, "cookie", 1.0)
    assert ledger.reported(answer(0, 1, media(1, kind=DatagramType.REPAIR)), 1.1) == ([], [])
    assert ledger.fates == [("cookie", True)]
    assert ledger.unanswered == 0


# ---- the law


def alone(rate: float = LINK, limit: int = 300_000) -> tuple[Clock, Bottleneck, Hop]:
    """A hop that always has pictures to send, and six seconds of it."""
    clock = Clock()
    link = Bottleneck(clock, rate, limit)
    hop = Hop(clock=clock, link=link)
    clock.run(6)
    return clock, link, hop


def slowest(delays: list[float], share: float = 0.95) -> float:
    return delays[int(len(delays) * share)]


def target(hop: Hop) -> float:
    rate = hop.controller.target_bitrate
    assert rate is not None
    return rate


@pytest.mark.parametrize("offset", [-99.0, 0.0, 54321.0123])
def test_what_the_receiver_s_clock_shows_does_not_matter(offset: float) -> None:
    clock = Clock()
    hop = Hop(clock=clock, link=Bottleneck(clock, LINK), offset=offset)
    clock.run(8)
    assert hop.rate(104) > 0.75 * LINK
    assert slowest(hop.delays(104)) < 0.05


@pytest.mark.parametrize("rate", [1e6, 5e6, 20e6])
def test_alone_a_sender_uses_a_path_with_a_short_queue_and_little_feedback(rate: float) -> None:
    clock, _, hop = alone(rate)
    before = hop.fed, sum(size for _, _, size in hop.arrived)
    since = clock.now
    clock.run(4)
    assert hop.rate(since) > 0.75 * rate
    assert slowest(hop.delays(since)) < 0.05
    assert hop.fed - before[0] < (sum(size for _, _, size in hop.arrived) - before[1]) / 20


def test_a_path_that_narrows_is_followed_down_and_one_that_widens_up() -> None:
    clock, link, hop = alone()
    link.rate = 2e6
    clock.run(3)
    assert target(hop) < 2e6
    since = clock.now
    clock.run(5)
    assert hop.rate(since) > 1e6
    assert slowest(hop.delays(since)) < 0.05
    link.rate = LINK
    clock.run(10)
    assert hop.rate(clock.now - 2) > 0.6 * LINK


@pytest.mark.parametrize("phase", [0.001, 0.008])
def test_two_hops_on_one_link_even_out(phase: float) -> None:
    clock, link, first = alone()
    clock.run(phase)
    second = Hop(clock=clock, link=link)
    clock.run(20)
    since = clock.now - 10
    assert first.rate(since) > LINK / 5
    assert second.rate(since) > LINK / 5


@pytest.mark.parametrize("limit", [100_000, 150_000, 300_000])
def test_a_flow_that_fills_the_queue_is_not_starved(limit: int) -> None:
    clock, link, hop = alone(limit=limit)
    other = Greedy(clock, link)
    clock.run(20)
    since = clock.now - 10
    assert other.rate(since) > LINK / 5
    assert other.rate(since) + hop.rate(since) > 0.8 * LINK


def test_light_random_loss_is_no_congestion_and_heavy_loss_is() -> None:
    clock, link, hop = alone()
    link.loss = 0.02
    clock.run(8)
    assert target(hop) > 2 / 3 * LINK
    link.loss = 0.5
    before = target(hop)
    clock.run(3)
    assert target(hop) < before / 2


def test_while_nothing_is_answered_almost_nothing_is_sent() -> None:
    clock, _, hop = alone()
    hop.answers = False
    clock.run(1)
    held, since = hop.held, clock.now
    clock.run(5)
    sent = [when for when, _ in hop.sent if when > since]
    assert 2 <= len(sent) <= 5 / 0.1
    assert hop.held - held >= 290
    hop.answers = True
    clock.run(4)
    assert hop.rate(clock.now - 2) > 0.5 * LINK


def test_after_persistent_congestion_the_rate_is_halved() -> None:
    _, _, hop = alone()
    before = target(hop)
    hop.controller.on_persistent_congestion()
    assert target(hop) <= before / 2


def test_whatever_is_reported_the_rate_stays_within_its_bounds() -> None:
    draw = random.Random(3).uniform
    settings = RateSettings(least=3e5, start=1e6, most=5e6)
    controller = Controller(settings)
    now = 10.0
    for _ in range(3000):
        now += draw(0.0, 0.03)
        arrivals = [(now - draw(0, 0.5), draw(0, 1e6), 1212) for _ in range(int(draw(1, 5)))]
        controller.on_sent(now, 1212, 1212)
        controller.on_feedback(now, arrivals, [(now - 0.1, 1212)] * int(draw(0, 3)))
        controller.probe(now)
        assert settings.least <= controller.target_bitrate <= settings.most  # type: ignore[operator]
        assert controller.congestion_window > 0


# ---- loss and parity


@cache
def lossy(share: float) -> Losses:
    """What 400 reports of 50 datagrams with so many lost teach."""
    losses = Losses()
    for place in range(400):
        losses.update(place * 0.012, 50 - round(50 * share), round(50 * share), 0.001, False)
    return losses


@pytest.mark.parametrize("fragments", [1, 2, 7, 40, parity.BLOCK])
def test_parity_is_nothing_without_loss_and_never_more_than_half(fragments: int) -> None:
    assert lossy(0.0).parity(fragments, 0.05, 1 / 60) == 0
    for share in (0.02, 0.1, 0.4):
        rows = lossy(share).parity(fragments, 0.05, 1 / 60)
        assert 0 <= rows <= max(1, fragments // 2)
    assert lossy(0.02).parity(40, 0.05, 1 / 60) > 0


def test_what_losses_and_parity_cost_is_taken_off_the_encoder_s_rate() -> None:
    clock, link, hop = alone()
    headers = (hop.near.media_rate or 0.0) / target(hop)
    assert 0 < headers < 1
    link.loss = 0.05
    clock.run(8)
    loss, rate = hop.controller.loss, hop.near.media_rate
    fragments = round(target(hop) / 8 / 60 / 1128)
    rows = hop.controller.parity(fragments)
    assert rows > 0
    assert loss > 0.03
    assert rate is not None
    assert rate < 1.01 * headers * target(hop) * (1 - loss) * fragments / (fragments + rows)


# ---- idle


def test_what_is_learned_while_little_is_sent_does_not_raise_the_rate() -> None:
    clock = Clock()
    hop = Hop(clock=clock, link=Bottleneck(clock, 20e6), wanted=4e5)
    hop.trains = False
    first, window = target(hop), 0
    for _ in range(10):
        clock.run(1)
        assert target(hop) <= first
        assert hop.controller.congestion_window <= (window or hop.controller.congestion_window) * 1.1
        window = hop.controller.congestion_window


def test_a_stream_that_fills_the_rate_raises_it_where_frames_are_too_small_to_tell() -> None:
    clock = Clock()
    link = Bottleneck(clock, 20e6)
    hop = Hop(clock=clock, link=link, wanted=2e5)
    hop.trains = False
    acknowledged: list[tuple[float, int]] = []

    def stream() -> None:
        """A packet of a file, at the rate itself."""
        hop.controller.on_sent(clock.now, PACKET, 0)
        link.send(PACKET, lambda: clock.at(clock.now + 2 * hop.delay, lambda: acknowledged.append((clock.now, PACKET))))
        clock.at(clock.now + 8 * PACKET / target(hop), stream)

    def counted() -> None:
        hop.controller.on_elsewhere(sum(size for at, size in acknowledged if at > clock.now - 0.1) / 0.1)
        clock.at(clock.now + 0.1, counted)

    stream()
    counted()
    clock.run(8)
    assert target(hop) > 0.75 * link.rate
    since = clock.now
    clock.run(4)
    assert target(hop) > 0.75 * link.rate and slowest(hop.delays(since)) < 0.05


def test_trains_that_say_nothing_new_become_rarer_and_come_often_again_behind_news() -> None:
    clock = Clock()
    link = Bottleneck(clock, 20e6)
    hop = Hop(clock=clock, link=link, wanted=4e5)

    def pauses(seconds: float) -> list[float]:
        """Seconds before each of the trains of a while."""
        since = clock.now
        clock.run(seconds)
        full = [when for when, size in hop.sent if size > 1100 and when >= since]
        begun = [when for before, when in pairwise([since, *full]) if when - before > 0.3]
        return [later - earlier for earlier, later in pairwise([since, *begun])]

    first, last = pauses(8), pauses(20)[1:]
    assert min(first) < 1.3 and min(last) > 3.9 and max(last) < 4.6
    link.rate = 3e6
    assert min(pauses(12)[1:]) < 1.3


def test_a_pause_ends_all_sending_and_takes_nothing_from_the_rate() -> None:
    clock, _, hop = alone()
    before, paused = target(hop), clock.now
    hop.wanted = 0
    clock.run(40)
    assert paused < max(when for when, _ in hop.sent) <= paused + 5.1
    assert target(hop) > 0.95 * before


def test_the_first_picture_after_a_pause_fits_a_tenth_of_a_second() -> None:
    clock, _, hop = alone()
    hop.wanted = 0
    clock.run(30)
    rate = hop.near.media_rate
    assert rate is not None
    limit = frame_limit(rate)
    assert limit <= rate / 8 * 0.1
    since = clock.now
    hop.put(limit)
    clock.run(1)
    assert sum(left >= since for left, _, _ in hop.arrived) >= limit / 1128
    assert max(at for _, at, _ in hop.arrived) - since < hop.delay + 0.15
