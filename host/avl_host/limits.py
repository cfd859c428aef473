"""What strangers may cost this host, whatever the relay lets through (spec 06-security, 6.6)."""

from __future__ import annotations

from collections import deque

UNADMITTED = 8
PER_MINUTE = 30
PER_SOURCE = 5
PROMPTS_PER_HOUR = 10


class HandshakeLimits:
    """Handshakes of the last minute and prompts of the last hour; what ended well does not count."""

    def __init__(self) -> None:
        self._handshakes: deque[tuple[float, bytes]] = deque()
        self._prompts: deque[float] = deque()

    def take(self, source: bytes, waiting: int, now: float) -> bool:
        """Whether one more handshake may begin, with `waiting` sessions not admitted yet."""
        while self._handshakes and now - self._handshakes[0][0] >= 60.0:
            self._handshakes.popleft()
        of_source = sum(1 for _, other in self._handshakes if other == source)
        if waiting >= UNADMITTED or len(self._handshakes) >= PER_MINUTE or of_source >= PER_SOURCE:
            return False
        self._handshakes.append((now, source))
        return True

    def give_back(self, source: bytes, now: float) -> None:
        """A handshake was admitted."""
        for entry in self._handshakes:
            if entry[1] == source:
                self._handshakes.remove(entry)
                return

    def prompt(self, now: float) -> bool:
        """Whether a person may be asked once more."""
        while self._prompts and now - self._prompts[0] >= 3600.0:
            self._prompts.popleft()
        if len(self._prompts) >= PROMPTS_PER_HOUR:
            return False
        self._prompts.append(now)
        return True
