"""How often a person is asked."""

from __future__ import annotations

from avl_host.presence.promptlimit import PROMPTS_PER_HOUR, PROMPTS_PER_VIEWER, PromptLimit


def test_ten_prompts_an_hour() -> None:
    limit = PromptLimit()
    viewers = [bytes([at]) for at in range(12)]
    assert [limit.take(viewers[at], at * 60.0) for at in range(12)] == [True] * PROMPTS_PER_HOUR + [False] * 2
    assert limit.take(viewers[0], 3600.0)


def test_three_prompts_an_hour_are_one_viewers_and_the_others_are_asked_about_as_before() -> None:
    limit = PromptLimit()
    assert [limit.take(b"pest", at * 60.0) for at in range(5)] == [True] * PROMPTS_PER_VIEWER + [False] * 2
    assert limit.take(b"friend", 300.0)
    limit.allowed(b"friend")
    assert [limit.take(b"friend", 301.0 + at) for at in range(4)] == [True] * 3 + [False]
    assert limit.take(b"pest", 3600.0) and not limit.take(b"pest", 3601.0)
