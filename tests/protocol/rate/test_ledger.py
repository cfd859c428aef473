"""The ledger: two witnesses, one truth about each datagram, and nothing kept for ever."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.rate.ledger import ARRIVED, LONGEST_REORDERING, LOST, MEMORY, PENDING, REORDERING, Ledger, Sent
from avl_protocol.wire.feedback import ArrivalReport, Run, name_of
from avl_protocol.wire.registry import DatagramType
from tests.protocol.rate.arrivals import answer, kept, media, reports, worded

SIZE = 1200
START = 100.0


def sent(ledger: Ledger, count: int, since: float = START, apart: float = 0.001, first: int = 0) -> list[Sent]:
    """So many datagrams leave one after the other, each an object of its own; cookies are their numbers."""
    return [ledger.sent(media(first + n), SIZE, first + n, since + apart * n) for n in range(count)]


def states(records: list[Sent]) -> str:
    return "".join("?+-"[(PENDING, ARRIVED, LOST).index(record.state)] for record in records)


def hears(ledger: Ledger, now: float, *numbers: int) -> tuple[list[float], list[float]]:
    """(when those left that arrived, when those left that are lost) after a report of these."""
    arrivals, lost = ledger.reported(answer(0, 5, *map(media, numbers)), now)
    return [when for when, _, _ in arrivals], [when for when, _ in lost]


def consistent(ledger: Ledger, records: list[Sent]) -> None:
    """What is unanswered is what is pending, and `oldest` is the first of it."""
    pending = [record for record in records if record.state == PENDING]
    assert ledger.unanswered == sum(record.size for record in pending)
    assert ledger.unresolved() == pending
    assert ledger.oldest == (pending[0].sent if pending else None)


# -- who is believed


def test_a_name_that_was_never_sent_counts_for_nothing() -> None:
    ledger = Ledger()
    records = sent(ledger, 5)
    others = [
        media(9),
        media(0, 1),
        media(0, kind=DatagramType.PARITY),
        media(0, kind=DatagramType.REPAIR),
        media(0, handle=8),
    ]
    assert ledger.reported(answer(0, 5, *others), START + 0.1) == ([], [])
    assert states(records) == "?????"
    assert ledger.fates == []
    consistent(ledger, records)


def test_times_of_names_that_count_for_nothing_still_pass() -> None:
    ledger = Ledger()
    sent(ledger, 3)
    arrivals, _ = ledger.reported(answer(0, 1000, media(0), media(9), media(1), media(0), media(2)), START + 0.1)
    assert [(size, round(at, 4)) for _, at, size in arrivals] == [(SIZE, 0.1), (SIZE, 0.102), (SIZE, 0.104)]


def test_a_name_that_is_answered_twice_counts_once() -> None:
    ledger = Ledger()
    records = sent(ledger, 3)
    assert hears(ledger, START + 0.1, 0, 0, 1) == ([START, START + 0.001], [])
    assert hears(ledger, START + 0.2, 0, 1) == ([], [])
    assert ledger.fates == [(0, True), (1, True)]
    consistent(ledger, records)


def test_either_witness_is_enough_and_the_first_decides() -> None:
    ledger = Ledger()
    records = sent(ledger, 4)
    ledger.resolved(records[0], True)
    ledger.resolved(records[1], False)
    ledger.resolved(records[1], True)
    ledger.resolved(records[0], False)
    assert states(records) == "+-??"
    assert hears(ledger, START + 0.05, 0, 2) == ([START, START + 0.002], [START + 0.001])
    ledger.resolved(records[2], False)
    assert states(records) == "+-+?"
    assert ledger.fates == [(0, True), (1, False), (2, True)]
    consistent(ledger, records)


# -- loss


def test_a_datagram_is_lost_once_the_third_after_it_has_arrived() -> None:
    ledger = Ledger()
    records = sent(ledger, REORDERING + 3)
    assert hears(ledger, START + 0.02, REORDERING - 1) == ([START + 0.001 * (REORDERING - 1)], [])
    assert hears(ledger, START + 0.02, REORDERING)[1] == [START]
    assert states(records) == "-" + "?" * (REORDERING - 2) + "++??"
    assert hears(ledger, START + 0.02, REORDERING + 2)[1] == [START + 0.001 * n for n in range(1, REORDERING - 1)]
    consistent(ledger, records)


def test_what_is_overtaken_by_fewer_is_lost_once_its_answer_is_overdue() -> None:
    ledger = Ledger()
    records = sent(ledger, 2)
    assert hears(ledger, START + 0.03, 1) == ([START + 0.001], [])
    later = sent(ledger, 1, START + 0.1, first=2)
    assert hears(ledger, START + 0.13, 2) == ([START + 0.1], [START])
    assert states(records + later) == "-++"


def test_a_late_arrival_is_spurious_and_widens_the_patience() -> None:
    ledger = Ledger()
    records = sent(ledger, 10, apart=0.004)
    assert hears(ledger, START + 0.05, 4)[1] == [START, START + 0.004]
    assert hears(ledger, START + 0.05, 0) == ([START], [])
    assert ledger.spurious == 1
    assert states(records).startswith("+-")
    later = sent(ledger, 20, START + 1.0, apart=0.004, first=10)
    hears(ledger, START + 1.02, 13)
    assert later[0].state == PENDING, "12 ms of reordering are no loss any more"
    hears(ledger, START + 1.04, 18)
    assert later[0].state == LOST, "32 ms are"
    consistent(ledger, records + later)


def test_patience_has_an_end_and_wears_off() -> None:
    ledger = Ledger()
    sent(ledger, 4)
    sent(ledger, 4, START + 1.0, first=4)
    hears(ledger, START + 1.05, 7)
    assert hears(ledger, START + 1.05, 0)[0] == [START]
    after = sent(ledger, 4, START + 1.06, apart=1.2 * LONGEST_REORDERING, first=8)
    hears(ledger, START + 1.5, 11)
    assert after[0].state == LOST, "a second late, but no second of patience"
    number, now = 12, START + 2.0
    for _ in range(2000):
        sent(ledger, 1, now, first=number)
        hears(ledger, now + 0.03, number)
        number, now = number + 1, now + 0.05
    last = sent(ledger, 4, now, first=number)
    hears(ledger, now + 0.02, number + 3)
    assert last[0].state == LOST


def test_the_arrival_of_a_repair_is_no_sample_and_overtakes_nothing() -> None:
    ledger = Ledger()
    records = sent(ledger, 1)
    repairs = [ledger.sent(media(7, n, DatagramType.REPAIR), SIZE, None, START + 0.001 * n) for n in range(1, 6)]
    report = answer(0, 5, *[media(7, n, DatagramType.REPAIR) for n in range(1, 6)])
    assert ledger.reported(report, START + 0.02) == ([], [])
    assert states(records + repairs) == "?+++++"
    consistent(ledger, records + repairs)


# -- any history

steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 5), st.integers(0, 3)),
        st.tuples(st.just("hear"), st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(0, 50)),
        st.tuples(st.just("verdict"), st.integers(0, 40), st.booleans()),
        st.tuples(st.just("invent"), reports(st.tuples(st.just(name_of(media(0))[0]), st.integers(0, 5))), st.just(0)),
        st.tuples(st.just("wait"), st.integers(0, 3000), st.just(0)),
    ),
    max_size=40,
)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_the_books_balance(script: list[tuple[str, object, object]]) -> None:
    """Arrivals are told of what was sent and at most once each; each fate comes once, a second only if it was late."""
    ledger, now = Ledger(), START
    records: list[Sent] = []
    heard: Counter[float] = Counter()
    for what, one, other in script:
        now += 0.001
        if what == "send":
            assert isinstance(one, int) and isinstance(other, int)
            for _ in range(one):
                number = len(records)
                payload = media(number // 3, number % 3, DatagramType.REPAIR if other == 3 else DatagramType.MEDIA)
                now += 1e-4
                records.append(ledger.sent(payload, 100 + number, number, now))
        elif what == "verdict":
            assert isinstance(one, int)
            if one < len(records):
                ledger.resolved(records[one], bool(other))
        elif what == "wait":
            assert isinstance(one, int)
            now += one / 1000
        else:
            report = one
            if isinstance(report, list):
                report = answer(0, 7, *[media(number // 3, number % 3) for number in report])
            assert isinstance(report, ArrivalReport)
            arrivals, lost = ledger.reported(report, now)
            heard.update(when for when, _, _ in arrivals)
            known = {(record.sent, record.size) for record in records}
            assert {(when, size) for when, _, size in arrivals} | set(lost) <= known
        consistent(ledger, records)
    assert not [when for when, times in heard.items() if times > 1]
    fates = Counter(cookie for cookie, _ in ledger.fates)
    assert set(fates.values()) <= {1}
    assert set(fates) == {number for number, record in enumerate(records) if record.state != PENDING}


# -- memory


def long_run(seconds: float, verdicts: bool | None) -> Ledger:
    """1,000 packets a second of which nobody reports; the transport says what became of each. None: it says nothing,
    and a window keeps all but a few from leaving."""
    ledger = Ledger()
    record = None
    for number in range(int(1000 * seconds)):
        if record is not None and verdicts is not None:
            ledger.resolved(record, verdicts)
        if ledger.unanswered < 100 * SIZE or number % 400 == 0:
            record = ledger.sent(worded(0, 7, 1, number, 0), SIZE, None, START + number / 1000)
    return ledger


@pytest.mark.parametrize("verdicts", [None, True, False], ids=["silence", "acknowledged", "lost"])
def test_a_long_run_without_reports_keeps_no_more_than_a_short_one(verdicts: bool | None) -> None:
    short, long = kept(lambda: long_run(2 * MEMORY, verdicts)), kept(lambda: long_run(10 * MEMORY, verdicts))
    assert long < 2 * short


def test_a_name_is_forgotten_and_what_became_of_it_is_the_transport_s_to_say() -> None:
    ledger = Ledger()
    records = sent(ledger, 3)
    records.append(ledger.sent(media(9), SIZE, 9, START + MEMORY + 1.0))
    assert ledger.reported(answer(0, 5, media(0), media(1)), START + MEMORY + 1.1) == ([], [])
    assert states(records) == "????"
    consistent(ledger, records)
    ledger.resolved(records[0], False)
    ledger.resolved(records[1], True)
    assert ledger.fates == [(0, False), (1, True)]
    consistent(ledger, records)


def test_a_flood_of_unknown_names_keeps_nothing() -> None:
    def flood(count: int) -> Ledger:
        ledger = Ledger()
        sent(ledger, 10)
        for number in range(count):
            runs = tuple(Run(name_of(worded(0, 7, 2, number, 0))[0], place, (0, 1)) for place in range(5))
            assert ledger.reported(ArrivalReport(number, number, 0, runs), START + 0.1)[0] == []
        return ledger

    assert kept(lambda: flood(8_000)) < kept(lambda: flood(500)) + 4_000
