"""Hands objects to the decoder in an order it can decode: each only after the one it depends on (spec 05-media, 5.4).

A dependency named in the preamble tells a dropped object (nothing depends on it) from a lost one. What can't be
decoded waits `patience`
for its dependency to be repaired; then the track must recover, and everything up to the next key object is useless.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

#: Objects that may wait for a dependency.
WAITING = 64


@dataclass(slots=True)
class _Waiting(Generic[T]):
    depends: int
    since: float
    value: T


class Ordering(Generic[T]):
    """One track's decode order."""

    def __init__(self, patience: float = 0.15) -> None:
        self._waiting: dict[int, _Waiting[T]] = {}
        self._last: int | None = None
        self.patience = patience

    @property
    def last(self) -> int | None:
        """The newest object handed to the decoder."""
        return self._last

    def add(self, number: int, depends: int | None, value: T, now: float) -> list[T]:
        """Take an opened object; what may be decoded now, in order."""
        if self._last is not None and number <= self._last:
            return []
        if depends is not None and depends != self._last:
            if self._last is not None and depends < self._last:
                return []  # it belongs to a group that a key object has replaced
            self._waiting[number] = _Waiting(depends, now, value)
            if len(self._waiting) > WAITING:
                del self._waiting[min(self._waiting)]
            return []
        out = [value]
        self._last = number
        for old in [n for n in self._waiting if n <= number]:
            del self._waiting[old]
        while (after := self._successor()) is not None:
            out.append(self._waiting.pop(after).value)
            self._last = after
        return out

    def _successor(self) -> int | None:
        return next((n for n in sorted(self._waiting) if self._waiting[n].depends == self._last), None)

    def forget_waiting(self) -> None:
        """What waits is of no use any more."""
        self._waiting.clear()

    def stuck(self, now: float) -> int | None:
        """The first object that can't be decoded for longer than `patience`: recovery is needed from it on."""
        late = [n for n, w in self._waiting.items() if now >= w.since + self.patience]
        return min(late) if late else None

    def next_check(self) -> float | None:
        """When `stuck` may turn true."""
        since = [w.since for w in self._waiting.values()]
        return min(since) + self.patience if since else None

    def missing(self) -> bool:
        """Whether something waits."""
        return bool(self._waiting)
