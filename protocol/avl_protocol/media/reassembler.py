"""Datagrams of one track -> whole objects, in whatever order they arrive, within bounded memory (spec 05-media, 5.4).

It does not decide what is lost: an object is given up only when newer ones have completed and `patience` has passed,
because a fragment may be
late or repaired, and the decoder can't use what follows without it anyway.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from avl_protocol.wire.datagram import MediaHeader, fragment_count
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD

#: Objects a track may have unfinished; an older one is given up when more begin.
UNFINISHED = 64


@dataclass(frozen=True, slots=True)
class Assembled:
    """One whole sealed object. Times are when its first and last fragment arrived, in seconds of our clock."""

    number: int
    flags: int
    sealed: bytes
    first: float
    last: float


@dataclass(slots=True)
class _Partial:
    flags: int
    length: int
    missing: int
    first: float
    data: bytearray
    have: bytearray = field(default_factory=bytearray)


class Reassembler:
    """One track's objects. `floor` is the newest object that will not be given out any more."""

    def __init__(self, patience: float = 0.25) -> None:
        self._partials: dict[int, _Partial] = {}
        self._done: dict[int, None] = {}
        self._floor = -1
        self._newest = -1
        self._newest_done = -1
        self.patience = patience
        self.received = 0
        self.given_up = 0

    @property
    def newest(self) -> int:
        """The highest object number seen, -1 before any."""
        return self._newest

    def add(self, header: MediaHeader, payload: bytes | memoryview, now: float) -> Assembled | None:
        """Take one checked fragment; the object when this completes it."""
        number = header.object
        if number <= self._floor or number in self._done:
            return None
        if number > self._newest + (1 << 20) and self._newest >= 0:
            return None  # a forged number far ahead would only wipe the window
        partial = self._partials.get(number)
        if partial is None:
            partial = self._begin(header, now)
        if partial.length != header.length or partial.flags != header.flags or partial.have[header.fragment]:
            return None
        partial.have[header.fragment] = 1
        start = header.fragment * MAX_FRAGMENT_PAYLOAD
        partial.data[start : start + len(payload)] = payload
        partial.missing -= 1
        if partial.missing:
            return None
        del self._partials[number]
        self._close(number)
        self._newest_done = max(self._newest_done, number)
        self.received += 1
        return Assembled(number, partial.flags, bytes(partial.data), partial.first, now)

    def _begin(self, header: MediaHeader, now: float) -> _Partial:
        count = fragment_count(header.length)
        partial = _Partial(header.flags, header.length, count, now, bytearray(header.length), bytearray(count))
        self._partials[header.object] = partial
        self._newest = max(self._newest, header.object)
        while len(self._partials) > UNFINISHED:
            oldest = min(self._partials)
            del self._partials[oldest]
            self._floor = max(self._floor, oldest)
            self.given_up += 1
        return partial

    def incomplete(self, now: float) -> list[int]:
        """Give up objects that newer ones have overtaken for longer than `patience`; their numbers, oldest first."""
        late = [
            number
            for number, partial in sorted(self._partials.items())
            if number < self._newest_done and now - partial.first > self.patience
        ]
        for number in late:
            del self._partials[number]
            self._close(number)
        self.given_up += len(late)
        return late

    def _close(self, number: int) -> None:
        """Its late fragments are not wanted; how many numbers are remembered is bounded."""
        self._done[number] = None
        if len(self._done) > 2 * UNFINISHED:
            del self._done[next(iter(self._done))]

    def forget_before(self, number: int) -> None:
        """Objects below `number` are no longer wanted: a key object has replaced them."""
        self._floor = max(self._floor, number - 1)
        for old in [n for n in self._partials if n < number]:
            del self._partials[old]
