"""What strangers may cost a host, whatever its relay lets through."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from avl_host.limits import PER_MINUTE, PER_SOURCE, PROMPTS_PER_HOUR, UNADMITTED, HandshakeLimits


def test_one_source_has_five_a_minute_and_others_are_not_hurt() -> None:
    limits = HandshakeLimits()
    assert [limits.take(b"one", 0, 1.0) for _ in range(7)] == [True] * PER_SOURCE + [False] * 2
    assert limits.take(b"two", 0, 1.0)
    assert not limits.take(b"one", 0, 60.9)
    assert limits.take(b"one", 0, 61.0)


def test_thirty_a_minute_from_everywhere() -> None:
    limits = HandshakeLimits()
    taken = [limits.take(bytes([at]), 0, at / 10) for at in range(40)]
    assert taken == [True] * PER_MINUTE + [False] * 10


def test_eight_unadmitted_at_a_time() -> None:
    limits = HandshakeLimits()
    assert limits.take(b"one", UNADMITTED - 1, 0.0)
    assert not limits.take(b"one", UNADMITTED, 0.0)


def test_what_ended_well_does_not_count() -> None:
    limits = HandshakeLimits()
    for at in range(100):
        assert limits.take(b"one", 0, at / 10)
        limits.give_back(b"one", at / 10)
    limits.give_back(b"never seen", 0.0)


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 30)), max_size=200))
def test_no_minute_ever_holds_more_than_its_limit(steps: list[tuple[int, float]]) -> None:
    limits, now = HandshakeLimits(), 0.0
    taken: list[tuple[float, int]] = []
    for source, pause in steps:
        now += pause
        if limits.take(bytes([source]), 0, now):
            taken.append((now, source))
        recent = [of for at, of in taken if now - at < 60]
        assert len(recent) <= PER_MINUTE
        assert all(recent.count(of) <= PER_SOURCE for of in set(recent))
        assert len(limits._handshakes) <= PER_MINUTE


def test_ten_prompts_an_hour() -> None:
    limits = HandshakeLimits()
    assert [limits.prompt(at * 60.0) for at in range(12)] == [True] * PROMPTS_PER_HOUR + [False] * 2
    assert limits.prompt(3600.0)
