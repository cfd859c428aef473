"""How often a person is asked."""

from __future__ import annotations

from avl_host.sessions.promptlimit import PROMPTS_PER_HOUR, PromptLimit


def test_ten_prompts_an_hour() -> None:
    limit = PromptLimit()
    assert [limit.take(at * 60.0) for at in range(12)] == [True] * PROMPTS_PER_HOUR + [False] * 2
    assert limit.take(3600.0)
