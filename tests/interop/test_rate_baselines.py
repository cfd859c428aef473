"""The baselines do what their documents say, formula by formula, and each fills a scripted link without drowning it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

import pytest
from aioquic.quic.congestion.base import create_congestion_control
from aioquic.quic.packet import QuicPacketType
from aioquic.quic.packet_builder import QuicSentPacket
from aioquic.tls import Epoch

from avl_protocol.rate.control import RateController
from interop.bench.rate.baselines import NAMES, make
from interop.bench.rate.baselines.classic import ClassicController
from interop.bench.rate.baselines.gcc import GccController
from interop.bench.rate.baselines.gcc_delay import FIRST_THRESHOLD, PacketGroups, TrendlineDetector, Usage
from interop.bench.rate.baselines.gcc_loss import AcknowledgedBitrate, LossBasedControl
from interop.bench.rate.baselines.gcc_probe import ALR_INTERVAL, AlrDetector, ProbeControl
from interop.bench.rate.baselines.gcc_rate import AimdRateControl
from interop.bench.rate.baselines.nada import NadaController, equilibrium, ramp_up
from interop.bench.rate.baselines.nada_loss import LossIntervals

PACKET = 1200
OWD = 0.02
FEEDBACK = 0.012
MBIT = 1e6


@dataclass(kw_only=True)
class Path:
    """A flow at its target, a fluid queue, a link of `capacity(now)` bit/s; drop-tail at `limit` seconds."""

    controller: RateController
    capacity: Callable[[float], float]
    limit: float = 0.3
    active: Callable[[float], bool] = lambda now: True  # whether the application has something to send
    now: float = 0.0
    free: float = 0.0
    credit: float = 0.0
    feedback_at: float = FEEDBACK
    train: deque[float] = field(default_factory=deque)  # when its packets leave
    on_path: deque[tuple[float, float, bool]] = field(default_factory=deque)  # sent, arrives, lost
    unreported: list[tuple[float, float, bool]] = field(default_factory=list)
    in_flight: int = 0
    queues: list[float] = field(default_factory=list)
    trains: list[tuple[float, int, float]] = field(default_factory=list)  # when, packets, bytes per second

    def send(self, at: float) -> None:
        self.in_flight += PACKET
        self.controller.on_sent(at, PACKET, self.in_flight)
        queue = max(0.0, self.free - at)
        self.queues.append(queue)
        lost = queue > self.limit
        if not lost:
            self.free = max(self.free, at) + 8 * PACKET / self.capacity(at)
        self.on_path.append((at, max(self.free, at) + OWD, lost))

    def step(self, tick: float = 0.001) -> None:
        self.now += tick
        while self.on_path and self.on_path[0][1] + OWD <= self.now:
            sent, arrives, lost = self.on_path.popleft()
            self.in_flight -= PACKET
            self.unreported.append((sent, arrives, lost))
            if lost:
                self.controller.on_lost(self.now, 1)
            else:
                self.controller.on_rtt(self.now, arrives + OWD - sent)
                self.controller.on_acked(self.now, PACKET, self.now)
        if self.now >= self.feedback_at:
            self.feedback_at += FEEDBACK
            arrivals = [(sent, 1000 + arrives, PACKET) for sent, arrives, lost in self.unreported if not lost]
            losses = [(sent, PACKET) for sent, _, lost in self.unreported if lost]
            self.unreported.clear()
            if arrivals or losses:
                self.controller.on_feedback(self.now, arrivals, losses)
        self.leave(tick)

    def leave(self, tick: float) -> None:
        while self.train and self.train[0] <= self.now:
            self.send(self.train.popleft())
        target = self.controller.target_bitrate
        self.credit += (MBIT if target is None else target) / 8 * tick if self.active(self.now) else 0.0
        while self.credit >= PACKET and self.in_flight + PACKET <= self.controller.congestion_window:
            self.credit -= PACKET
            self.send(self.now)
        self.credit = min(self.credit, 20 * PACKET)
        probe = self.controller.probe(self.now)
        if probe is not None:
            self.trains.append((self.now, probe.packets, probe.rate))
            self.train.extend(self.now + place * PACKET / probe.rate for place in range(probe.packets))

    def run(self, seconds: float) -> Iterator[float]:
        """The target every 10 ms."""
        for count in range(round(seconds * 1000)):
            self.step()
            if count % 10 == 0:
                yield self.controller.target_bitrate or 0.0


def fed_detector(delay: Callable[[float], float], seconds: float = 3.0) -> set[Usage]:
    """All verdicts after the first half second on packets every 10 ms that wait for `delay(sent)`."""
    groups, detector, seen = PacketGroups(), TrendlineDetector(), set()
    for count in range(round(seconds * 100)):
        sent = count * 0.01
        arrived = sent + OWD + delay(sent)
        deltas = groups.add(sent, arrived)
        if deltas is not None:
            detector.add(*deltas, arrived)
        if sent > 0.5:
            seen.add(detector.usage)
    return seen


def test_the_trendline_sees_a_growing_queue_a_draining_one_and_a_stable_one() -> None:
    assert fed_detector(lambda sent: 0.05) == {Usage.NORMAL}
    assert Usage.OVERUSE in fed_detector(lambda sent: 0.1 * sent)
    assert fed_detector(lambda sent: 0.002 * math.sin(40 * sent)) == {Usage.NORMAL}
    assert Usage.UNDERUSE in fed_detector(lambda sent: max(0.0, 0.3 - 0.1 * sent), 2.5)


def test_the_threshold_falls_on_a_quiet_path_and_is_not_moved_by_a_spike() -> None:
    detector = TrendlineDetector()
    for count in range(200):
        detector.add(0.01, 0.01, count * 0.01)
    assert detector.threshold == 6.0 < FIRST_THRESHOLD
    detector.add(0.01, 5.0, 7.0)
    assert detector.threshold == 6.0
    assert detector.usage is Usage.NORMAL  # one group is no trend: the time above the threshold must pass 10 ms


def test_packets_sent_together_are_one_group() -> None:
    groups = PacketGroups()
    deltas = [groups.add(frame * 0.02 + n * 0.001, frame * 0.021 + n * 0.002) for frame in range(4) for n in range(3)]
    assert [d for d in deltas if d is not None] == [pytest.approx((0.02, 0.021))] * 2


def test_over_use_leaves_85_percent_of_what_is_acknowledged() -> None:
    aimd = AimdRateControl(0.1 * MBIT, 5 * MBIT, PACKET)
    assert aimd.update(1.0, Usage.OVERUSE, 4 * MBIT) == pytest.approx(0.85 * 4 * MBIT)
    assert aimd.capacity.value == 4 * MBIT
    assert not aimd.may_decrease(1.1, 4 * MBIT)
    assert aimd.may_decrease(1.1, 1 * MBIT)  # far less arrives than is sent: at once
    assert aimd.may_decrease(1.21, 4 * MBIT)


def test_far_from_the_capacity_the_rate_grows_8_percent_a_second() -> None:
    aimd = AimdRateControl(0.1 * MBIT, 2 * MBIT, PACKET)
    for step in range(21):
        aimd.update(step * 0.05, Usage.NORMAL, 10 * MBIT)
    # The first update only starts the clock, with the least step of 1 kbit/s.
    assert aimd.rate == pytest.approx(2.001 * MBIT * 1.08, rel=1e-3)
    for step in range(21, 400):
        aimd.update(step * 0.05, Usage.NORMAL, 1 * MBIT)
    assert aimd.rate < 2.3 * MBIT  # and not while it is above 1.5 times what arrives


def test_near_the_capacity_the_rate_grows_by_a_packet_per_response_time() -> None:
    aimd = AimdRateControl(0.1 * MBIT, 4 * MBIT, PACKET)
    aimd.rtt = 0.1
    aimd.update(0.0, Usage.OVERUSE, 4 * MBIT)
    before = aimd.rate
    for step in range(1, 22):
        aimd.update(step * 0.05, Usage.NORMAL, 4 * MBIT)
    assert aimd.rate - before == pytest.approx(8 * PACKET / (2 * (0.1 + 0.1)), rel=0.05)
    aimd.update(1.1, Usage.NORMAL, 8 * MBIT)
    assert aimd.capacity.value is None  # twice the known capacity: unknown again


@pytest.mark.parametrize(("lost", "factor"), [(0, 1.08), (5, 1.0), (20, 1 - 0.2 / 2)])
def test_loss_based_control_grows_holds_and_falls(lost: int, factor: float) -> None:
    control = LossBasedControl(0.1 * MBIT, 2 * MBIT, 10 * MBIT)
    control.on_report(0.0, 0, 1)  # the start phase ends two seconds after the first report
    control.on_report(3.0, lost, 100 - lost)
    rate = control.update(3.0, 10 * MBIT, 0.05)
    assert rate == pytest.approx(2 * MBIT * factor + (1000 if factor > 1 else 0), rel=0.005)
    control.on_report(3.1, lost, 100 - lost)
    assert control.update(3.1, 10 * MBIT, 0.05) == pytest.approx(rate)  # neither step is taken twice so soon
    assert control.update(3.2, 1 * MBIT, 0.05) == 1 * MBIT  # and the delay-based rate bounds it


def test_the_acknowledged_bitrate_is_not_fooled_by_a_pause() -> None:
    acked = AcknowledgedBitrate()
    acked.add([(0.0, 0.01 * n, PACKET) for n in range(5)])
    assert acked.value is None
    acked.add([(0.0, 0.01 * n, PACKET) for n in range(5, 20)])
    assert acked.value == pytest.approx(8 * PACKET / 0.01)
    acked.add([(0.0, 0.49 + 0.01 * n, PACKET) for n in range(10)])
    assert acked.value == pytest.approx(8 * PACKET / 0.01)


def carried(control: ProbeControl, now: float, capacity: float) -> float | None:
    """Send the train that is wanted over a link of `capacity` bit/s; what it measured."""
    probe = control.next(now, None)
    assert probe is not None
    assert control.next(now, None) is None  # one at a time
    arrived = now
    for place in range(probe.packets):
        sent = now + place * PACKET / probe.rate
        arrived = max(arrived, sent) + 8 * PACKET / capacity
        control.on_sent(sent, PACKET)
        control.on_arrival((sent, arrived + OWD, PACKET))
    return control.measured(now + 0.1)


def test_probes_go_3_6_12_until_the_link_answers() -> None:
    control = ProbeControl(1 * MBIT, 30 * MBIT, PACKET)
    results = []
    for step in range(3):
        result = carried(control, 0.2 * step, 8 * MBIT)
        assert result is not None
        results.append(result / MBIT)
        control.on_estimate(0.2 * step + 0.1, result)
    assert results == pytest.approx([3, 6, 0.95 * 8], rel=0.01)
    assert control.next(0.9, None) is None  # 7.6 is not above 0.7 of 12
    assert control.next(2.0, None) is None
    probe = control.next(0.4 + ALR_INTERVAL + 0.3, 0.0)
    assert probe is not None and 8 * probe.rate == pytest.approx(2 * 7.6 * MBIT, rel=0.01)
    assert probe.packets == math.ceil(probe.rate * 0.015 / PACKET)


def test_after_a_drop_85_percent_is_tried_by_an_application_limited_sender() -> None:
    control, alr = ProbeControl(1 * MBIT, 30 * MBIT, PACKET), AlrDetector()
    for _ in range(2):
        assert carried(control, 0.0, 50 * MBIT)
    control.on_estimate(0.5, 1.5 * MBIT)
    assert control.next(3.0, None) is None
    control.on_estimate(3.0, 0.5 * MBIT)
    control.on_recovery(4.0, alr)
    assert control.next(4.0, None) is None
    for step in range(60):
        alr.advance(4 + step * 0.01, 0.5 * MBIT, 0)
    assert alr.since is not None
    control.on_recovery(4.6, alr)
    probe = control.next(4.6, alr.since)
    assert probe is not None and 8 * probe.rate == pytest.approx(0.85 * 1.5 * MBIT)


def test_gcc_probes_itself_up_at_once_and_reads_nothing_oftener_than_every_50_ms() -> None:
    controller = GccController(0.3 * MBIT, 1 * MBIT, 10 * MBIT, PACKET)
    path = Path(controller=controller, capacity=lambda now: 4 * MBIT)
    targets = list(path.run(1.0))
    assert [round(8 * rate / MBIT) for _, _, rate in path.trains] == [3, 6]
    assert targets[-1] > 3.4 * MBIT
    assert 2 <= sum(a != b for a, b in pairwise(targets)) <= 20
    assert controller.pacing_rate == pytest.approx(2.5 * controller.target_bitrate / 8)


def test_gcc_probes_every_five_seconds_while_application_limited() -> None:
    controller = make("gcc", 0.3 * MBIT, 1 * MBIT, 10 * MBIT, PACKET)
    path = Path(controller=controller, capacity=lambda now: 4 * MBIT, active=lambda now: now < 3)
    list(path.run(15.0))
    times = [when for when, _, _ in path.trains if when > 3]
    assert len(times) == 2 and times[1] - times[0] == pytest.approx(ALR_INTERVAL, abs=0.1)


def constant_delay(controller: NadaController, queue: float, seconds: float, loss_every: int = 0) -> None:
    """Packets every 4 ms that wait for `queue` seconds, after one that did not; every so many is lost."""
    controller.on_rtt(0.0, 0.05)
    controller.on_feedback(0.0, [(0.0, OWD, PACKET)], [])
    for report in range(1, round(seconds / FEEDBACK)):
        now = report * FEEDBACK
        sent = [now - FEEDBACK + place * 0.004 for place in range(3)]
        gone = [n for n in range(3) if loss_every and (3 * report + n) % loss_every == 0]
        arrivals = [(at, at + OWD + queue, PACKET) for n, at in enumerate(sent) if n not in gone]
        controller.on_feedback(now, arrivals, [(sent[n], PACKET) for n in gone])


@pytest.mark.parametrize("queue", [0.015, 0.02, 0.04, 0.1])
def test_nada_settles_where_the_rfc_says(queue: float) -> None:
    controller = NadaController(0.15 * MBIT, 0.5 * MBIT, 3 * MBIT, PACKET)
    constant_delay(controller, queue, 200.0)
    assert controller.signal == pytest.approx(queue)  # no loss was seen: no warping, whatever the delay
    assert controller.reference == pytest.approx(max(0.15 * MBIT, 0.01 * 3 * MBIT / queue), rel=0.01)
    assert equilibrium(queue, 3 * MBIT) == pytest.approx(0.01 * 3 * MBIT / queue)


def test_nada_warps_a_long_delay_and_adds_the_penalty_when_packets_are_lost() -> None:
    controller = NadaController(0.15 * MBIT, 0.5 * MBIT, 3 * MBIT, PACKET)
    constant_delay(controller, 0.1, 60.0, loss_every=100)
    assert controller.loss == pytest.approx(0.01, rel=0.25)
    assert controller.signal == pytest.approx(0.05 * math.exp(-0.5) + 0.01 * (controller.loss / 0.01) ** 2)
    assert not controller.accelerated


def test_nadas_accelerated_ramp_up_is_bounded() -> None:
    assert ramp_up(0.05) == pytest.approx(0.05 / (0.05 + 0.1 + 0.12))
    assert ramp_up(-0.2) == 0.5
    controller = NadaController(0.15 * MBIT, 0.5 * MBIT, 30 * MBIT, PACKET)
    path = Path(controller=controller, capacity=lambda now: 50 * MBIT)
    before = controller.reference
    for target in path.run(4.0):
        if target != before:
            assert before < target <= (1 + ramp_up(2 * OWD)) * controller.state(0.0).delivered
            before = target
    assert before > 6 * 0.5 * MBIT
    assert controller.accelerated


def test_loss_intervals_are_averaged_and_forgotten() -> None:
    intervals = LossIntervals()
    intervals.arrived()
    assert intervals.average is None and intervals.freshness == 0.0
    for _ in range(3):
        for _ in range(100):
            intervals.arrived()
        intervals.lost()
        intervals.lost()  # a burst is one event
    assert intervals.average == pytest.approx(100, rel=0.01)
    for expected, count in ((1.0, 600), (0.5, 150), (0.0, 100)):
        for _ in range(count):
            intervals.arrived()
        assert intervals.freshness == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("name", ["reno", "cubic"])
def test_classic_windows_are_aioquics_own(name: str) -> None:
    ours = ClassicController(name=name, rmin=0.3 * MBIT, rstart=1 * MBIT, rmax=1000 * MBIT, packet_size=PACKET)
    theirs = create_congestion_control(name, max_datagram_size=PACKET)
    flying: deque[QuicSentPacket] = deque()
    windows = set()
    now = 1.0
    for turn in range(400):
        now += 0.01
        for _ in range(12):
            size = PACKET - turn % 3
            flying.append(QuicSentPacket(Epoch.ONE_RTT, True, True, False, 0, QuicPacketType.ONE_RTT, now, size))
            theirs.on_packet_sent(packet=flying[-1])
            ours.on_sent(now, size, theirs.bytes_in_flight)
        if turn in (100, 101, 250):
            gone = [flying.popleft() for _ in range(2)]
            theirs.on_packets_lost(now=now, packets=gone)
            ours.on_lost(now, 2)
        rtt = 0.05 + (0.03 if turn > 60 else 0.0)
        theirs.on_rtt_measurement(now=now, rtt=rtt)
        ours.on_rtt(now, rtt)
        while len(flying) > 60:
            packet = flying.popleft()
            theirs.on_packet_acked(now=now, packet=packet)
            ours.on_acked(now, packet.sent_bytes, now)
        if turn == 350:
            theirs.on_persistent_congestion()
            ours.on_persistent_congestion()
        assert ours.congestion_window == theirs.congestion_window
        assert ours.control.bytes_in_flight == theirs.bytes_in_flight
        windows.add(ours.congestion_window)
    assert len(windows) > 50
    assert ours.target_bitrate == pytest.approx(0.9 * 8 * theirs.congestion_window / 0.08, rel=0.01)


def test_losses_that_a_report_names_halve_the_window_once_and_are_not_acknowledged() -> None:
    controller = ClassicController(name="reno", rmin=0.3 * MBIT, rstart=1 * MBIT, rmax=1000 * MBIT, packet_size=PACKET)
    for count in range(10):
        controller.on_sent(1 + count / 1000, PACKET, (count + 1) * PACKET)
    controller.on_acked(1.02, PACKET, 1.0)
    assert (window := controller.congestion_window) == 11 * PACKET
    controller.on_feedback(1.05, [(1.002, 7.0, PACKET)], [(1.001, PACKET)])
    assert controller.congestion_window == window // 2
    assert controller.smoothed_rtt == pytest.approx(1.05 - 1.002)  # no transport told one
    flying = controller.control.bytes_in_flight
    controller.on_acked(1.05, 3 * PACKET, 1.0)  # one of the three is the lost one
    assert controller.control.bytes_in_flight == flying - 2 * PACKET
    controller.on_lost(1.06, 1)
    assert controller.congestion_window == window // 2  # sent before the window was halved
    controller.on_sent(1.1, PACKET, 2 * PACKET)  # the transport counts less: believed
    assert controller.control.bytes_in_flight == 2 * PACKET


@pytest.mark.parametrize("name", ["gcc", "nada", "reno", "cubic"])
def test_a_link_is_filled_and_not_drowned_before_and_after_a_drop(name: str) -> None:
    path = Path(
        controller=make(name, 0.3 * MBIT, 1 * MBIT, 10 * MBIT, PACKET),
        capacity=lambda now: (6 if now < 20 else 2) * MBIT,
    )
    targets = [target / MBIT for target in path.run(45.0)]
    assert 0.6 * 6 < fmean(targets[1000:2000]) < 1.05 * 6
    assert 0.6 * 2 < fmean(targets[3000:]) < 1.05 * 2
    # Delay-based ones see the queue before it is full, loss-based ones do not.
    assert (fmean(path.queues[-2000:]) < 0.08) == (name in ("gcc", "nada"))


@pytest.mark.parametrize("name", NAMES)
def test_every_baseline_is_a_controller(name: str) -> None:
    controller = make(name, 0.3 * MBIT, 2 * MBIT, 10 * MBIT, PACKET)
    controller.on_rtt(0.0, 0.05)
    assert controller.parity(20) == 0
    assert controller.congestion_window >= PACKET
    assert not controller.hold(1.0, 0, 0, None)
    assert controller.hold(1.0, 10_000_000, 0, None)
    assert 0.3 * MBIT <= controller.state(1.0).target <= 10 * MBIT
    assert name != "fixed" or controller.target_bitrate == 2 * MBIT
    with pytest.raises(ValueError, match="rates"):
        make(name, 3, 2, 1, PACKET)
    with pytest.raises(KeyError):
        make("vegas", 1, 2, 3, PACKET)
