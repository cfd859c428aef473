"""Datagrams of one track -> whole objects, in whatever order they arrive, within bounded memory (spec 05-media, 5.4).

It does not decide what is lost: an object is given up only when newer ones have completed and `patience` has passed,
because a fragment may be late or repaired, and the decoder can't use what follows without it anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.media.assembly import Assembly
from avl_protocol.wire.datagram import MediaHeader

#: Objects a track may have unfinished; an older one is given up when more begin.
UNFINISHED = 64
#: Bytes that a track's unfinished objects may hold, parity included; the oldest are given up beyond that.
HELD = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """One whole sealed object.

    `first` and `last` are when its first datagram and the one that completed it arrived, in seconds of our clock;
    `repaired` is how many of its fragments parity gave.
    """

    number: int
    flags: int
    sealed: bytes
    first: float
    last: float
    repaired: int = 0


class Reassembler:
    """One track's objects. `floor` is the newest object that will not be given out any more."""

    def __init__(self, patience: float = 0.25) -> None:
        self._partials: dict[int, Assembly] = {}
        self._done: dict[int, None] = {}
        self._held = 0
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

    @property
    def held(self) -> int:
        """Bytes that unfinished objects hold, parity included."""
        return self._held

    @property
    def unfinished(self) -> dict[int, int]:
        """The objects of which something is missing, and how many bytes each holds."""
        return {number: partial.held for number, partial in self._partials.items()}

    @property
    def finished(self) -> frozenset[int]:
        """The objects that are remembered as given out or given up, so that they are not begun again."""
        return frozenset(self._done)

    def add(self, header: MediaHeader, payload: bytes | memoryview, now: float) -> Assembled | None:
        """Take one checked MEDIA, REPAIR or PARITY datagram; the object when this completes it."""
        number = header.object
        if number <= self._floor or number in self._done:
            return None
        if number > self._newest + (1 << 20) and self._newest >= 0:
            return None  # a forged number far ahead would only wipe the window
        partial = self._partials.get(number)
        if partial is None:
            partial = self._partials[number] = Assembly(header.length, header.flags, now)
            self._newest = max(self._newest, number)
        before = partial.held
        partial.add(header, payload)
        self._held += partial.held - before
        if not partial.whole:
            self._trim()
            return None
        self._drop(number)
        self._close(number)
        self._newest_done = max(self._newest_done, number)
        self.received += 1
        return Assembled(
            number=number,
            flags=partial.flags,
            sealed=partial.sealed(),
            first=partial.first,
            last=now,
            repaired=partial.repaired,
        )

    def _trim(self) -> None:
        """Give up the oldest objects while there are too many or they hold too much."""
        while len(self._partials) > UNFINISHED or self._held > HELD:
            oldest = min(self._partials)
            self._drop(oldest)
            self._floor = max(self._floor, oldest)
            self.given_up += 1

    def incomplete(self, now: float) -> list[int]:
        """Give up objects that newer ones have overtaken for longer than `patience`; their numbers, oldest first."""
        late = [
            number
            for number, partial in sorted(self._partials.items())
            if number < self._newest_done and now - partial.first > self.patience
        ]
        for number in late:
            self._drop(number)
            self._close(number)
        self.given_up += len(late)
        return late

    def _drop(self, number: int) -> None:
        self._held -= self._partials.pop(number).held

    def _close(self, number: int) -> None:
        """Its late fragments are not wanted; how many numbers are remembered is bounded."""
        self._done[number] = None
        if len(self._done) > 2 * UNFINISHED:
            del self._done[next(iter(self._done))]

    def forget_before(self, number: int) -> None:
        """Objects below `number` are no longer wanted: a key object has replaced them."""
        self._floor = max(self._floor, number - 1)
        for old in [n for n in self._partials if n < number]:
            self._drop(old)
