"""How often a person at this host is asked (spec 06-security, 6.6)."""

from __future__ import annotations

from collections import deque

PROMPTS_PER_HOUR = 10


class PromptLimit:
    """Prompts of the last hour."""

    def __init__(self) -> None:
        self._prompts: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Whether a person may be asked once more."""
        while self._prompts and now - self._prompts[0] >= 3600.0:
            self._prompts.popleft()
        if len(self._prompts) >= PROMPTS_PER_HOUR:
            return False
        self._prompts.append(now)
        return True
