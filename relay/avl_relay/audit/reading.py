"""Reading of siblings' news that are two: the log's, and all other."""

from __future__ import annotations

from typing import Protocol

#: What begins news of the log.
MARK = b"\0"


class Reads(Protocol):
    """See Readers (workers/siblings.py)."""

    def told(self, worker: int, news: bytes) -> None:
        """See Readers."""

    def all_news(self) -> list[bytes]:
        """See Readers."""

    def lost(self, worker: int) -> None:
        """See Readers."""


class Several:
    """A reader of both: what begins with MARK is the log's."""

    def __init__(self, log: Reads, other: Reads | None) -> None:
        self._log, self._other = log, other

    def told(self, worker: int, news: bytes) -> None:
        """See Readers."""
        if news.startswith(MARK):
            self._log.told(worker, news)
        elif self._other is not None:
            self._other.told(worker, news)

    def all_news(self) -> list[bytes]:
        """See Readers."""
        return [*self._log.all_news(), *([] if self._other is None else self._other.all_news())]

    def lost(self, worker: int) -> None:
        """See Readers."""
        self._log.lost(worker)
        if self._other is not None:
            self._other.lost(worker)
