"""One end of a hop: no feedback, however hostile, moves it by anything but what it really sent; probes and rest."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from avl_protocol.rate.collector import GATHER
from avl_protocol.rate.controller import Controller
from avl_protocol.rate.hop import ACTIVITY, QUESTION, REMEMBERED, HopRate
from avl_protocol.rate.ledger import LOST, PENDING
from avl_protocol.rate.settings import RateSettings
from avl_protocol.wire import datagram, feedback
from avl_protocol.wire.feedback import ArrivalReport, Run
from avl_protocol.wire.registry import DatagramType
from tests.protocol.rate.arrivals import Credulous, answer, fed, kept, media, reports, worded

START = 100.0


def sending(count: int = 20, probes: bool = False) -> tuple[HopRate, Credulous]:
    """A hop that has sent so many datagrams, a millisecond apart."""
    controller = Credulous(probes)
    hop = HopRate(controller)
    for number in range(count):
        hop.datagram_sent(media(number), number, START + number / 1000)
    return hop, controller


def moved(controller: Credulous) -> bool:
    """Whether the controller was given any reason to think otherwise."""
    return bool(controller.told) or controller.target_bitrate != 8e6


# -- hostile feedback


@given(st.lists(reports(), min_size=1, max_size=2))
def test_what_was_never_sent_moves_nothing(invented: list[ArrivalReport]) -> None:
    hop, controller = sending()
    records = hop.ledger.unresolved()
    sent_names = {feedback.name_of(media(number))[0] for number in range(len(records))}
    if any(run.name in sent_names for report in invented for run in report.runs):
        return
    payload = bytes((0, 0, DatagramType.FEEDBACK)) + b"".join(map(feedback.encode_report, invented))
    assert hop.datagram_received(payload, START + 0.1)
    assert not moved(controller)
    assert all(record.state == PENDING for record in records)
    assert hop.take_fates() == []


@given(st.binary(max_size=1300), st.booleans())
@example(b"\x00\x01" + bytes(7) + b"\xc0" + bytes(3), False)
@example(b"\x00\xc0", False)
def test_any_bytes_may_come(data: bytes, begun: bool) -> None:
    hop, controller = sending()
    hop.datagram_received(bytes((0, 0, DatagramType.FEEDBACK)) + data if begun else data, START + 0.1)
    hop.take_feedback(START + 1.0)
    assert not moved(controller)


@given(
    st.sampled_from([0, 1, 2, 3, 4, 5, 0x7F, 0x80, 0xFF]),
    st.integers(0, 40),
    st.sampled_from([7, 1 << 20, 1 << 40]),
    st.sampled_from([0, 64, 1 << 20, 1 << 40]),
)
def test_a_datagram_cut_anywhere_may_come(kind: int, size: int, handle: int, fragment: int) -> None:
    hop, controller = sending(0)
    whole = worded(kind, handle, 1, 2, fragment)
    ours = hop.datagram_received(whole[:size], START)
    taken = hop.take_feedback(START + 1.0)
    assert taken is None or feedback.decode(taken)
    if size >= len(whole):
        assert ours is (kind in (DatagramType.PROBE, DatagramType.FEEDBACK))
        assert (taken is not None) is (kind <= DatagramType.PROBE)
    assert not moved(controller)


def test_times_that_run_backwards_are_refused() -> None:
    hop, controller = sending()
    hop.datagram_received(fed(answer(3, 1000, media(0), media(1), apart=50)), START + 0.05)
    told = len(controller.told)
    for sequence, base in ((4, 999), (4, 0), (5, 1049)):
        hop.datagram_received(fed(answer(sequence, base, media(2))), START + 0.06)
    assert len(controller.told) == told
    assert hop.refused == 3
    hop.datagram_received(fed(answer(4, 1050, media(2))), START + 0.06)
    assert len(controller.told) == told + 1


def test_an_old_report_can_not_come_from_the_future() -> None:
    hop, controller = sending()
    hop.datagram_received(fed(answer(3, 1000, media(0))), START + 0.05)
    hop.datagram_received(fed(answer(2, 1001, media(1))), START + 0.05)
    assert len(controller.told) == 1
    hop.datagram_received(fed(answer(2, 990, media(1))), START + 0.05)
    assert len(controller.told) == 2, "one that was only late does count"


def test_a_report_counts_once_however_often_it_comes() -> None:
    hop, controller = sending()
    one, two = answer(0, 10, media(0), media(1)), answer(1, 40, media(2))
    for payload in (fed(one), fed(two, one), fed(two, one), fed(one), fed(two)):
        hop.datagram_received(payload, START + 0.05)
    assert [[when for when, _, _ in arrivals] for arrivals, _ in controller.told] == [
        [START, START + 0.001],
        [START + 0.002],
    ]
    assert hop.take_fates() == [(0, True), (1, True), (2, True)]


def test_the_same_news_under_another_number_is_no_news() -> None:
    hop, controller = sending()
    for sequence in range(2 * REMEMBERED):
        hop.datagram_received(fed(answer(sequence, 10 + sequence, media(0), media(1))), START + 0.05)
    assert [len(arrivals) for arrivals, _ in controller.told] == [2]


def test_reports_too_far_behind_the_newest_are_not_looked_at() -> None:
    hop, controller = sending()
    hop.datagram_received(fed(answer(REMEMBERED + 5, 1000, media(0))), START + 0.05)
    hop.datagram_received(fed(answer(5, 10, media(1))), START + 0.05)
    assert len(controller.told) == 1
    hop.datagram_received(fed(answer(6, 10, media(1))), START + 0.05)
    assert len(controller.told) == 2


lies = st.lists(
    st.tuples(
        st.lists(st.integers(0, 25), min_size=1, max_size=10, unique=True),
        st.one_of(st.integers(0, 3), st.integers(0, 10_000), st.integers(0, (1 << 62) - 1)),
        st.one_of(st.integers(0, 10), st.integers(0, (1 << 62) - 1)),
        st.sampled_from([0.0, 0.001, 0.02, 0.5, 3.0]),
    ),
    max_size=12,
)


@given(lies)
@settings(max_examples=60, deadline=None)
def test_lies_about_when_things_came_upset_nothing(script: list[tuple[list[int], int, int, float]]) -> None:
    """The product's own controller: a rate within its bounds comes out of any times whatsoever."""
    controller = Controller(RateSettings())
    hop, now = HopRate(controller), START
    for sequence, (numbers, base, apart, wait) in enumerate(script):
        for number in range(26):
            hop.datagram_sent(media(number, sequence), None, now)
            now += 0.0005
        now += wait
        payloads = [media(number, sequence) for number in numbers]
        hop.datagram_received(fed(answer(sequence, base, *payloads, apart=apart)), now)
        hop.probes(now, False)
        hop.hold(now, 0)
        hop.state(now)
        rate = controller.target_bitrate
        assert rate is not None and RateSettings().least <= rate <= RateSettings().most
        assert hop.pacing_rate is not None and hop.pacing_rate > 0


def test_floods_of_feedback_keep_nothing() -> None:
    def flood(count: int) -> HopRate:
        hop, controller = sending()
        for number in range(count):
            name, _ = feedback.name_of(worded(0, 7, 2, number, 0))
            hop.datagram_received(fed(ArrivalReport(3 * number, number, 0, (Run(name, 0, (0, 1)),))), START + 1)
            hop.datagram_received(bytes((0, 0, DatagramType.FEEDBACK)) + bytes(40), START + 1)
        assert not moved(controller)
        assert hop.refused >= count
        return hop

    assert kept(lambda: flood(4_000)) < kept(lambda: flood(500)) + 4_000


def test_a_flood_of_media_that_nobody_answers_keeps_nothing() -> None:
    def flood(count: int) -> HopRate:
        hop = HopRate(Credulous())
        for number in range(count):
            hop.datagram_received(worded(0, 7, 1, 3 * number, 0), START + number / 1000)
        return hop

    assert kept(lambda: flood(8_000)) < 1.5 * kept(lambda: flood(2_000))


# -- what feedback is about


@pytest.mark.parametrize("missing", range(1, 6))
def test_one_lost_feedback_datagram_loses_nothing(missing: int) -> None:
    hop, controller = sending(19)
    peer = HopRate(Credulous())
    for number in range(19):
        at = START + number / 33
        peer.datagram_received(media(number), at)
        taken = peer.take_feedback(at + GATHER + 1e-6)
        assert taken is not None
        if number % 6 != missing:
            hop.datagram_received(taken, at + 0.03)
    arrived = [when for arrivals, _ in controller.told for when, _, _ in arrivals]
    assert arrived == [START + number / 1000 for number in range(19)]
    assert not [lost for _, lost in controller.told if lost]
    assert hop.ledger.unanswered == 0


@pytest.mark.parametrize("kind", [5, 0x7F, 0x80, 0xFF])
def test_types_that_nobody_reports_are_not_missed(kind: int) -> None:
    hop, controller = sending(0)
    record = hop.datagram_sent(worded(kind, 7, 1, 0, 0), "cookie", START)
    for number in range(10):
        hop.datagram_sent(media(number), number, START + 0.01 + number / 1000)
    hop.datagram_received(fed(answer(0, 0, *map(media, range(10)))), START + 0.05)
    assert record is None or record.state != LOST
    assert [lost for _, lost in controller.told] == [[]]
    assert ("cookie", False) not in hop.take_fates()


def test_feedback_is_not_entered_in_the_books() -> None:
    hop, _ = sending(1)
    assert hop.datagram_sent(fed(answer(0, 0, media(1))), None, START) is None
    assert len(hop.ledger.unresolved()) == 1


# -- probes and rest


class Still:
    """Two ends of a hop and a path of 10 ms, on which a screen stands still from a moment on."""

    def __init__(self, lost: tuple[int, ...] = ()) -> None:
        self.now = START
        self.near, self.far = HopRate(Credulous()), HopRate(Credulous(False))
        self.log: list[tuple[float, str]] = []
        self._lost, self._count = lost, 0
        self._under_way: list[tuple[float, HopRate, bytes]] = []

    def media(self, number: int) -> None:
        self._send(self.near, media(number), "media")

    def _send(self, end: HopRate, payload: bytes, what: str) -> None:
        end.datagram_sent(payload, None, self.now)
        self.log.append((self.now, what))
        self._count += 1
        if self._count not in self._lost:
            self._under_way.append((self.now + 0.01, self.far if end is self.near else self.near, payload))

    def run(self, until: float) -> None:
        """Let everything happen that somebody waits for."""
        while True:
            wakes = [when for end in (self.near, self.far) if (when := end.wakes_at()) is not None]
            due = min([*wakes, *[when for when, _, _ in self._under_way]], default=None)
            if due is None or due > until:
                self.now = until
                return
            self.now = max(self.now + 1e-6, due)
            arriving = [one for one in self._under_way if one[0] <= self.now]
            self._under_way = [one for one in self._under_way if one[0] > self.now]
            for _, end, payload in arriving:
                end.datagram_received(payload, self.now)
            for end in (self.near, self.far):
                if (taken := end.take_feedback(self.now)) is not None:
                    self._send(end, taken, "feedback")
                if end.stalled(self.now):
                    self._send(end, end.padding(), "prod")
                for payload in end.probes(self.now, False):
                    self._send(end, payload, "probe")

    def when(self, what: str) -> list[float]:
        return [at for at, kind in self.log if kind == what]


@pytest.mark.parametrize(
    "lost", [(), (30,), (28, 29, 30)], ids=["all arrives", "the last is lost", "the last three are"]
)
def test_probes_end_five_seconds_after_the_last_media_and_then_nothing_is_sent(lost: tuple[int, ...]) -> None:
    path = Still(lost)
    for number in range(12):
        path.run(START + number / 60)
        path.media(number)
    end = path.now
    path.run(end + 60.0)
    assert max(path.when("probe")) == pytest.approx(end + ACTIVITY, abs=2 * QUESTION)
    assert max(at for at, _ in path.log) < end + ACTIVITY + 2 * QUESTION
    assert max(path.near.controller.asked) <= end + ACTIVITY  # type: ignore[attr-defined]
    assert path.near.wakes_at() is None
    assert path.far.wakes_at() is None
    assert path.near.ledger.unanswered == 0


def test_a_screen_that_was_always_still_costs_nothing() -> None:
    path = Still()
    path.run(START + 60.0)
    assert path.log == []
    assert path.near.wakes_at() is None


def test_media_begins_the_five_seconds_anew_and_probes_do_not() -> None:
    path = Still()
    path.media(0)
    path.run(START + 4.0)
    path.media(1)
    path.run(START + 60.0)
    assert max(path.when("probe")) == pytest.approx(START + 4.0 + ACTIVITY, abs=2 * QUESTION)


def test_parity_that_is_passed_on_begins_no_five_seconds() -> None:
    """A host's probes are parity where they can be: what a relay passes on of them says of no picture."""
    hop, controller = sending(1, probes=True)
    assert hop.probes(START + 4.0, False)
    for number in range(4):
        hop.datagram_sent(media(0, fragment=20 + number, kind=DatagramType.PARITY), None, START + 4.0)
    controller.asked.clear()
    assert hop.probes(START + 1.0 + ACTIVITY, False) == []
    assert controller.asked == [] and hop.media_at == START


def test_media_counts_as_activity_while_a_probe_is_under_way() -> None:
    hop, controller = sending(1, probes=True)
    assert hop.probes(START + 1.0, False), "which expire before they leave"
    for number in range(1, 4):
        hop.datagram_sent(media(number), None, START + 4.0)
    controller.asked.clear()
    hop.probes(START + 8.0, False)
    assert controller.asked == [START + 8.0]


def test_no_probe_is_thought_of_while_media_waits_or_another_is_under_way() -> None:
    hop, controller = sending(1, probes=True)
    assert hop.probes(START + 0.1, True) == []
    assert controller.asked == []
    train = hop.probes(START + 0.2, False)
    assert [datagram.decode(one)[0].type for one in train] == [DatagramType.PROBE] * 3
    assert hop.probes(START + 0.3, False) == []
    assert hop.pacing_rate == 2e6
    for payload in train:
        hop.datagram_sent(payload, None, START + 0.3)
    assert hop.pacing_rate == 1e6
    assert len(controller.asked) == 1


def test_bytes_that_may_be_of_use_go_before_padding() -> None:
    hop, _ = sending(1, probes=True)
    useful = [media(0, row, DatagramType.PARITY) for row in range(2)]
    hop.spare = lambda count, now: useful
    assert hop.probes(START + 0.1, False)[:2] == useful
    hop, _ = sending(1, probes=True)
    hop.spare = lambda count, now: useful * count
    assert hop.probes(START + 0.1, False) == [*useful, useful[0]]


def test_what_is_answered_no_more_is_prodded_once_in_a_while() -> None:
    hop, _ = sending(3)
    when, prods = START, 0
    while when < START + 5.0:
        if hop.stalled(when):
            prods += 1
            assert not hop.stalled(when)
        when += 0.001
    assert 5 <= prods <= 5.0 / 0.12
    hop.datagram_received(fed(answer(0, 10, *map(media, range(3)))), when)
    assert hop.ledger.unanswered == 0
    assert not hop.stalled(when + 10.0)


class Unbroken(Controller):
    """Counts how often it is told that nothing comes through."""

    broken = 0

    def on_persistent_congestion(self) -> None:
        self.broken += 1
        super().on_persistent_congestion()


def test_answers_that_come_late_are_no_silence_and_none_at_all_is() -> None:
    """The way back gets a queue of three seconds, as behind somebody's upload; then nothing comes back any more."""
    controller = Unbroken(RateSettings())
    hop = HopRate(controller)
    back = [(0.02 * number, 0.02 * number + min(3.0, 0.04 + 0.4 * 0.02 * number)) for number in range(1000)]
    when, sent, prods = 0.0, 0, 0
    for number, (leaves, answered) in enumerate(back):
        while when < answered:
            if sent < len(back) and back[sent][0] <= when:
                hop.datagram_sent(media(sent), None, START + when)
                sent += 1
            prods += hop.stalled(START + when)
            when += 0.005
        hop.datagram_received(fed(answer(number, round((START + leaves + 0.02) * 1e4), media(number))), START + when)
        if number == 800:
            assert (controller.broken, prods) == (0, 0)
    assert controller.broken == 0
    hop.datagram_sent(media(len(back)), None, START + when)
    silent = when
    while not controller.broken:
        hop.stalled(START + when)
        when += 0.005
    assert 1.0 < when - silent < 1.5


def test_a_queue_on_the_way_back_holds_nothing_up() -> None:
    """What is under way while answers take a second may be a second's worth: for media and, in its turn, for bulk."""
    controller = Controller(RateSettings(start=8e6, most=8e6))
    for late in (0.0, 1.0):
        for number in range(100):
            sent = START + 2 * late + number / 100
            controller.on_feedback(sent + 0.04 + late, [(sent, sent + 0.02, 1200)], [])
        unanswered = int(controller.target_bitrate / 8 * (0.04 + late))  # type: ignore[operator]
        assert unanswered <= controller.congestion_window <= unanswered + 1.2e6 * 0.1
        assert unanswered <= controller.bulk_window <= controller.congestion_window


def test_what_was_measured_before_a_pause_counts_for_less_and_less_until_it_is_measured_again() -> None:
    hop, _ = sending()
    fresh = hop.media_rate
    assert fresh is not None
    hop.probes(START + 4.0, False)
    assert hop.media_rate == fresh, "a short pause changes nothing"
    hop.probes(START + 35.0, False)
    later = hop.media_rate
    assert later is not None and 0.4 * fresh < later < 0.7 * fresh
    hop.probes(START + 3600.0, False)
    assert hop.media_rate == pytest.approx(0.4 * fresh)
    hop.datagram_received(fed(answer(0, 10, media(0))), START + 3600.0)
    regained = hop.media_rate
    assert regained is not None and 0.4 * fresh < regained < fresh
