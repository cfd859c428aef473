"""Two logs that are told to each other: what is missing is found in time, once, and nothing else is (spec 14, 14.7)."""

from __future__ import annotations

import pytest

from avl_protocol.audit.chain import Chain
from avl_protocol.audit.compare import TOLERANCE, Missing, session_name
from avl_protocol.audit.exchange import ALARM, MOST, WINDOW, Exchange, Sessions, known, messages, rows
from avl_protocol.wire.messages import Logged
from avl_protocol.wire.registry import MAX_LOGGED, T_LOGGED
from tests.protocol.audit_log import NOW_MS, salts

DAY_MS = 24 * 3_600_000
A, B = session_name(bytes(16)), session_name(b"b" * 16)


class Ends:
    """A host and a relay on one hop; the host's clock is `ahead` by so many milliseconds."""

    def __init__(
        self, *, ahead: int = 0, host_since: int = NOW_MS - DAY_MS, relay_since: int = NOW_MS - DAY_MS
    ) -> None:
        self.now, self.ahead = 1000.0, ahead
        self.since = {"host": host_since + ahead, "relay": relay_since}
        self.ends = {"host": Exchange("host", "relay"), "relay": Exchange("relay", "host")}

    def now_ms(self, who: str) -> int:
        return NOW_MS + int(1000 * (self.now - 1000.0)) + (self.ahead if who == "host" else 0)

    def says(self, who: str, *names: str, age_s: int = 0) -> list[str]:
        """What is said, and heard at the other end."""
        now_ms = self.now_ms(who)
        sessions = [(name, now_ms - 1000 * age_s) for name in names]
        heard: list[str] = []
        other = "relay" if who == "host" else "host"
        for message in messages(self.ends[who].say(sessions, self.now), self.since[who], now_ms):
            heard += self.ends[other].hear(message, self.now, self.now_ms(other))
        return heard

    def missing(self, after: float = T_LOGGED) -> dict[str, list[Missing]]:
        self.now += after
        return {who: end.missing(self.now, self.since[who]) for who, end in self.ends.items()}


@pytest.mark.parametrize("ahead", [0, 26 * 3_600_000, -26 * 3_600_000])
def test_what_both_have_is_missing_nowhere_whatever_their_clocks(ahead: int) -> None:
    ends = Ends(ahead=ahead)
    assert ends.says("host", A) == [A] and ends.says("host", A) == []
    assert ends.says("relay", A, B) == [A, B]
    ends.now += T_LOGGED - 1
    assert ends.says("host", B) == [B]
    assert ends.missing() == {"host": [], "relay": []}
    assert all(end.next_timeout() is None for end in ends.ends.values())


@pytest.mark.parametrize("ahead", [0, 26 * 3_600_000, -26 * 3_600_000])
@pytest.mark.parametrize("has", ["host", "relay"])
def test_what_one_lacks_is_found_by_both_in_time(has: str, ahead: int) -> None:
    ends = Ends(ahead=ahead)
    lacks = "relay" if has == "host" else "host"
    ends.says(lacks, B)
    ends.says(has, A, B)
    assert ends.missing(T_LOGGED - 1) == {"host": [], "relay": []}
    found = ends.missing(1.0)
    assert [(one.session, one.lacks) for one in found["host"] + found["relay"]] == [(A, lacks)] * 2
    assert ends.missing() == {"host": [], "relay": []}


def test_no_log_is_held_to_what_was_before_it() -> None:
    hour = 3600
    for lacks, since in (("relay", {"relay_since": NOW_MS}), ("host", {"host_since": NOW_MS})):
        ends = Ends(**since)
        ends.says(lacks)  # it has said how far back it tells
        ends.says("host" if lacks == "relay" else "relay", A, age_s=hour)
        assert ends.missing() == {"host": [], "relay": []}
        ends.says(lacks, B)
    ends = Ends(host_since=NOW_MS - 1000 * hour - TOLERANCE + 60_000)
    ends.says("host")
    ends.says("relay", A, age_s=hour)
    assert ends.missing() == {"host": [], "relay": []}, "clocks and what was on its way"


def test_who_has_never_said_what_it_has_and_whose_hop_is_gone_is_held_to_nothing() -> None:
    ends = Ends()
    end = ends.ends["relay"]
    end.say([(A, NOW_MS)], ends.now)
    assert end.missing(ends.now + T_LOGGED, 0) == []
    ends = Ends()
    ends.says("host")
    ends.says("relay", A)
    ends.ends["relay"].pause()
    assert ends.missing()["relay"] == []


def test_names_that_are_none_are_left_out_and_many_are_several_messages() -> None:
    wrong = Logged(-5, ((b"short", 1), (), (b"n" * 16,), ("text", 1), (b"n" * 16, -1), (b"\0" * 16, 7, "later")))
    assert [age for _, age in rows(wrong)] == [7]
    end = Exchange("host", "relay")
    assert len(end.hear(wrong, 0.0, NOW_MS)) == 1
    sessions = [(session_name(number.to_bytes(16, "big")), NOW_MS) for number in range(MAX_LOGGED + 1)]
    said = list(messages(sessions, NOW_MS - 1000, NOW_MS))
    assert [len(one.sessions) for one in said] == [MAX_LOGGED, 1] and said[0].covers == 1
    assert [len(one.sessions) for one in messages([], NOW_MS + 5, NOW_MS)] == [0]


def test_the_oldest_sessions_give_way_and_the_log_tells_of_that_time_no_more() -> None:
    sessions = Sessions()
    sessions.add("D", A, NOW_MS)
    sessions.add("D", A, NOW_MS + 5)
    assert sessions.begun("D", A) == NOW_MS and sessions.begun("E", A) is None and sessions.since == 0
    sessions.add("E", B, NOW_MS + WINDOW + 1)
    assert (
        sessions.since == NOW_MS + 1
        and list(sessions.of("D")) == []
        and list(sessions.of("E")) == [(B, NOW_MS + WINDOW + 1)]
    )
    for number in range(MOST + 1):
        sessions.add("F", str(number), NOW_MS + WINDOW + 2)
    assert len(sessions) == MOST and sessions.since == NOW_MS + WINDOW + 3


def test_a_log_that_is_read_again_tells_what_it_has_and_what_was_told() -> None:
    chain, entropy = Chain(), salts()
    said = [
        ("session_began", {"session": A, "device": "D"}),
        ("alarm", {"alarm": ALARM, "session": B, "device": "D"}),
        ("alarm", {"alarm": "place", "session": A}),
    ]
    entries = [chain.append(kind, fields, now_ms=NOW_MS, entropy=entropy) for kind, fields in said]
    sessions, told = known(entries, NOW_MS - 5, device=True)
    assert list(sessions.of("D")) == [(A, NOW_MS)] and told == {B} and sessions.since == NOW_MS - 5
    assert list(known(entries, 0, device=False)[0].of("")) == [(A, NOW_MS)]
