"""How often a person at this host is asked: who asks again and again is to wear nobody down (spec 06-security, 6.6)."""

from __future__ import annotations

from collections import deque

PROMPTS_PER_HOUR = 10
PROMPTS_PER_VIEWER = 3
_HOUR = 3600.0


class PromptLimit:
    """Prompts of the last hour, of all viewers and of each."""

    def __init__(self) -> None:
        #: When, and about which viewer; b"" once that was let in.
        self._prompts: deque[tuple[float, bytes]] = deque()

    def take(self, viewer: bytes, now: float) -> bool:
        """Whether a person may be asked once more, about this viewer's identity; if so it counts."""
        while self._prompts and now - self._prompts[0][0] >= _HOUR:
            self._prompts.popleft()
        same = sum(1 for _, one in self._prompts if one == viewer)
        if len(self._prompts) >= PROMPTS_PER_HOUR or same >= PROMPTS_PER_VIEWER:
            return False
        self._prompts.append((now, viewer))
        return True

    def allowed(self, viewer: bytes) -> None:
        """It was let in: who is welcome may come back often."""
        self._prompts = deque((at, b"" if one == viewer else one) for at, one in self._prompts)
