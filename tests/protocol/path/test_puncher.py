"""Punchers: two ends find out which of their addresses work, through a network that loses and filters."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.path.candidate import Address
from avl_protocol.path.punch import PUNCH_BYTES, Punch, PunchKey
from avl_protocol.path.puncher import ANSWERS, OF_SESSION, RHYTHM, ROUND, TARGETS, Puncher, rhythm
from tests.protocol.handshakes import Seeded

KEY = PunchKey(b"k" * 32)
VIEWER, HOST, HOST_2 = ("10.0.0.1", 1), ("10.0.0.2", 2), ("10.0.0.2", 3)
ELSEWHERE = ("198.51.100.66", 66)

Passes = Callable[[bool, Address, float], bool]


class Net:
    """Two punchers and what lies between: `passes(from_viewer, target, now)`, and `delay` seconds each path. Each end
    sends from its `seen` address, which may differ from what the other aims at."""

    def __init__(self, passes: Passes = lambda from_viewer, target, now: True, delay: float = 0.01) -> None:
        self.now = 50.0
        self.passes = passes
        self.delay = delay
        self.viewer = Puncher(KEY, True, Seeded("viewer"))
        self.host = Puncher(KEY, False, Seeded("host"))
        self.seen = {True: VIEWER, False: HOST}
        self.at: dict[Address, bool] = {VIEWER: True, HOST: False, HOST_2: False}
        self.sent: list[tuple[float, bool, Address, bytes]] = []
        self.found: list[Address] = []
        self._flying: list[tuple[float, bool, Address, bytes]] = []

    def collect(self) -> None:
        """Take what both want to send, and let it fly."""
        for from_viewer, puncher in ((True, self.viewer), (False, self.host)):
            for data, target in puncher.take_output():
                self.sent.append((self.now, from_viewer, target, data))
                if target in self.at and self.passes(from_viewer, target, self.now):
                    self._flying.append((self.now + self.delay, from_viewer, target, data))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            self.collect()
            due = [at for p in (self.viewer, self.host) if (at := p.next_timeout()) is not None]
            due += [entry[0] for entry in self._flying]
            if not due or min(due) > end:
                break
            self.now = max(self.now, min(due))
            arrived = [entry for entry in self._flying if entry[0] <= self.now]
            self._flying = [entry for entry in self._flying if entry[0] > self.now]
            for _, from_viewer, target, data in arrived:
                taker = self.viewer if self.at[target] else self.host
                if taker.receive(data, self.seen[from_viewer], self.now) and taker is self.viewer:
                    self.found.append(self.seen[from_viewer])
            self.viewer.handle_timer(self.now)
            self.host.handle_timer(self.now)
        self.now = end

    def punches(self, from_viewer: bool, target: Address) -> list[float]:
        return [at for at, side, to, data in self.sent if side is from_viewer and to == target and data[0] == 2]

    def answers(self, from_viewer: bool) -> int:
        return sum(1 for _, side, _, data in self.sent if side is from_viewer and data[0] == 3)


def test_both_ends_find_an_address_that_works_and_how_far_it_is() -> None:
    net = Net(delay=0.015)
    net.viewer.aim([HOST], net.now)
    net.host.aim([VIEWER], net.now)
    net.run(1.0)
    assert [address for _, address in net.viewer.working] == [HOST]
    assert net.viewer.working[0][0] == pytest.approx(0.03) and net.host.working[0][0] == pytest.approx(0.03)
    assert net.viewer.over and net.host.over and net.viewer.next_timeout() is None
    assert len(net.punches(True, HOST)) <= 3, "an address that has answered is left alone"


def test_two_nats_that_open_only_from_inside_are_opened_by_both_ends() -> None:
    opened: set[bool] = set()

    def passes(from_viewer: bool, target: Address, now: float) -> bool:
        opened.add(from_viewer)
        return (not from_viewer) in opened

    net = Net(passes)
    net.viewer.aim([HOST], net.now)
    net.run(0.1)
    assert net.viewer.working == []
    net.host.aim([VIEWER], net.now)
    net.run(0.5)
    assert net.viewer.working and net.host.working


def test_a_way_that_leads_in_one_direction_only_does_not_work() -> None:
    net = Net(lambda from_viewer, target, now: from_viewer)
    net.viewer.aim([HOST], net.now)
    net.host.aim([VIEWER], net.now)
    net.run(10.0)
    assert net.viewer.working == [] and net.host.working == []
    assert net.viewer.over and net.host.over


@given(st.lists(st.booleans(), min_size=200, max_size=200), st.floats(0.001, 0.15))
def test_an_address_found_working_has_answered_in_this_round_whatever_is_lost(lost: list[bool], delay: float) -> None:
    fates = iter(lost)
    net = Net(lambda from_viewer, target, now: not next(fates, False), delay)
    net.viewer.aim([HOST, HOST_2], net.now)
    net.host.aim([VIEWER], net.now)
    net.run(10.0)
    assert {address for _, address in net.viewer.working} <= {HOST, HOST_2}
    for rtt, _ in net.viewer.working:
        assert rtt >= 2 * delay - 1e-9
    for address in (HOST, HOST_2):
        assert len(net.punches(True, address)) <= len(RHYTHM)
    assert net.answers(True) + net.answers(False) <= len(net.sent) / 2, "an answer needs a punch"


def test_a_round_is_ten_eight_and_eight_punches_in_their_rhythm() -> None:
    net = Net()
    net.viewer.aim([ELSEWHERE], net.now)
    net.run(60.0)
    times = net.punches(True, ELSEWHERE)
    gaps = [round(after - before, 6) for before, after in pairwise(times)]
    assert gaps == [0.02] * 10 + [0.05] * 8 + [0.2] * 7
    assert all(len(data) == PUNCH_BYTES for _, _, _, data in net.sent)
    assert len({data for _, _, _, data in net.sent}) == 26, "each has a nonce of its own"
    assert net.viewer.over and net.viewer.working == []


def test_a_late_timer_does_not_make_a_burst() -> None:
    puncher = Puncher(KEY, True, Seeded("v"))
    puncher.aim([HOST], 0.0)
    puncher.take_output()
    puncher.handle_timer(30.0)
    assert len(puncher.take_output()) == 1


def test_the_quickest_address_comes_first() -> None:
    near, far = ("192.0.2.1", 1), ("192.0.2.2", 1)
    puncher = Puncher(KEY, True, Seeded("v"))
    puncher.aim([far, near], 0.0)
    nonces = {to: data[9:17] for data, to in puncher.take_output()}
    for address, at in ((near, 0.01), (far, 0.02)):
        assert puncher.receive(KEY.make(Punch(True, nonces[address]), False), address, at)
    assert puncher.working == [(0.01, near), (0.02, far)]


# -- what strangers and liars get --------------------------------------------------------------------------------------


def test_who_has_not_the_key_gets_no_answer() -> None:
    puncher = Puncher(KEY, False, Seeded("h"))
    for data in (b"", b"\x02", bytes(33), PunchKey(b"x" * 32).make(Punch(False, b"n" * 8), True)):
        assert not puncher.receive(data, ELSEWHERE, 1.0)
    own = KEY.make(Punch(False, b"n" * 8), False)
    assert not puncher.receive(own, ELSEWHERE, 1.0)
    assert puncher.take_output() == []


def test_an_answer_goes_where_its_punch_came_from_and_is_as_long() -> None:
    puncher = Puncher(KEY, False, Seeded("h"))
    punch = KEY.make(Punch(False, b"n" * 8), True)
    assert not puncher.receive(punch, ELSEWHERE, 1.0)
    ((answer, to),) = puncher.take_output()
    assert to == ELSEWHERE and len(answer) == len(punch)
    assert KEY.read(answer, False) == Punch(True, b"n" * 8)


def test_an_answer_nobody_asked_for_proves_nothing() -> None:
    puncher = Puncher(KEY, True, Seeded("v"))
    puncher.aim([HOST, HOST_2], 0.0)
    sent = {to: data[9:17] for data, to in puncher.take_output()}
    right = KEY.make(Punch(True, sent[HOST]), False)
    assert not puncher.receive(KEY.make(Punch(True, b"n" * 8), False), HOST, 0.01)
    assert not puncher.receive(right, HOST_2, 0.01), "that nonce was sent to another address"
    assert not puncher.receive(right, ELSEWHERE, 0.01)
    assert puncher.working == []
    assert puncher.receive(right, HOST, 0.01)
    assert not puncher.receive(right, HOST, 0.02), "once"


def test_an_answer_of_the_last_round_proves_nothing_in_this_one() -> None:
    puncher = Puncher(KEY, True, Seeded("v"))
    puncher.aim([HOST], 0.0)
    ((data, _),) = puncher.take_output()
    puncher.aim([HOST], 1.0)
    assert not puncher.receive(KEY.make(Punch(True, data[9:17]), False), HOST, 1.01)


def test_no_second_has_more_answers_than_a_hundred() -> None:
    puncher = Puncher(KEY, False, Seeded("h"))
    times = []
    for at in range(4000):
        now = 10.0 + at / 1000
        puncher.receive(KEY.make(Punch(False, at.to_bytes(8, "big")), True), HOST, now)
        times += [now] * len(puncher.take_output())
    assert max(sum(1 for other in times if at <= other < at + 0.999) for at in times) == ANSWERS
    assert len(times) == 4 * ANSWERS


def test_a_punch_from_an_address_nobody_named_is_punched_back_within_the_limit() -> None:
    puncher = Puncher(KEY, True, Seeded("v"))
    puncher.aim([HOST], 0.0)
    puncher.take_output()
    for at in range(100):
        puncher.receive(KEY.make(Punch(False, at.to_bytes(8, "big")), False), ("192.0.2.1", 1000 + at), 0.001)
    targets = {to for data, to in puncher.take_output() if data[0] == 2}
    assert len(targets) == TARGETS - 1
    now = 0.001
    while (due := puncher.next_timeout()) is not None:
        now = max(now, due)
        puncher.handle_timer(now)
        targets |= {to for data, to in puncher.take_output() if data[0] == 2}
    assert len(targets | {HOST}) == TARGETS


def test_more_addresses_than_a_round_may_have_are_left_out() -> None:
    puncher = Puncher(KEY, True, Seeded("v"))
    puncher.aim([("192.0.2.1", port) for port in range(1, 100)], 0.0)
    assert [to[1] for _, to in puncher.take_output()] == list(range(1, TARGETS + 1))


@pytest.mark.parametrize("seeking", [True, False])
def test_a_punch_repeated_from_elsewhere_makes_one_small_answer_and_no_more(seeking: bool) -> None:
    puncher = Puncher(KEY, False, Seeded("h"))
    punch = KEY.make(Punch(False, b"n" * 8), True)
    if seeking:
        puncher.aim([VIEWER], 0.0)
    puncher.receive(punch, VIEWER, 0.0)
    puncher.take_output()
    puncher.receive(punch, ELSEWHERE, 0.001)
    sent = []
    while (due := puncher.next_timeout()) is not None:
        puncher.handle_timer(due)
        sent += puncher.take_output()
    sent += puncher.take_output()
    assert [data[0] for data, to in sent if to == ELSEWHERE] == [3]


def test_who_seeks_nothing_punches_nobody() -> None:
    puncher = Puncher(KEY, False, Seeded("h"))
    puncher.aim([VIEWER], 0.0)
    puncher.stop()
    assert puncher.take_output() == [] and puncher.next_timeout() is None
    puncher.receive(KEY.make(Punch(False, b"n" * 8), True), VIEWER, 0.0)
    assert [data[0] for data, _ in puncher.take_output()] == [3]
    assert puncher.next_timeout() is None


# -- what a peer can make us send --------------------------------------------------------------------------------------


def _named(count: int) -> list[Address]:
    return [(f"198.51.100.{at + 1}", 7) for at in range(count)]


@pytest.mark.parametrize("addresses", [1, 2, 3, 4, 8, 16, 24, 100])
def test_no_candidates_make_more_punches_than_a_round_may_have(addresses: int) -> None:
    net = Net()
    net.host.aim(_named(addresses), net.now)
    net.run(10.0)
    each = [len(net.punches(False, one)) for one in _named(addresses)[:TARGETS]]
    assert sum(each) <= ROUND and max(each) - min(each) <= 0 and min(each) == min(len(RHYTHM), ROUND // len(each))
    if addresses <= 16:
        assert net.punches(False, _named(1)[0])[-1] > 50.0 + 0.3 * sum(RHYTHM), "fewer punches are no burst"


def test_however_often_candidates_come_punches_are_bounded_in_the_long_run() -> None:
    net = Net()
    for _ in range(600):
        net.host.aim(_named(16), net.now)
        net.run(0.1)
    assert len(net.sent) <= OF_SESSION[1] + 60 * OF_SESSION[0]
    assert len(net.sent) > OF_SESSION[1], "it goes on all the same"
    net.run(60.0)
    net.host.aim(_named(3), net.now)
    net.run(10.0)
    assert len(net.punches(False, _named(1)[0])[-21:]) == ROUND // 3, "and recovers"


def test_addresses_that_datagrams_claim_to_come_from_are_counted_too() -> None:
    net = Net()
    net.host.aim(_named(1), net.now)
    viewer = PunchKey(b"k" * 32)
    for at in range(1000):
        net.now += 0.01
        punch = viewer.make(Punch(False, at.to_bytes(8, "big")), True)
        net.host.receive(punch, (f"203.0.113.{at % 250}", 9), net.now)
        net.host.handle_timer(net.now)
        net.collect()
    punches = [entry for entry in net.sent if entry[3][0] == 2]
    assert len(punches) <= OF_SESSION[1] + 10 * OF_SESSION[0] + 1


@pytest.mark.parametrize("punches", range(1, len(RHYTHM) + 5))
def test_fewer_punches_are_spread_over_the_time_of_all(punches: int) -> None:
    assert len(rhythm(punches)) == min(punches, len(RHYTHM)) and sum(rhythm(punches)) == pytest.approx(sum(RHYTHM))
