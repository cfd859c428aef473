"""InputLedger: records the fate of sent input, so that a person is told of lost input (spec, 4.6)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.registry import T_INPUT_UNCONFIRMED, InputKind, PenState, TouchPhase

#: Batches that are remembered at most: a host that answers none must not fill our memory.
_MOST = 65_536
_UNCOUNTED = frozenset({int(InputKind.RELEASE_ALL), int(InputKind.HOLDING)})

Event = tuple[Any, ...]


class Fate(Enum):
    """What became of input that was not applied, as far as is known."""

    UNSENT = "it waited for too long, and was not sent"
    DISCARDED = "the host discarded it"
    UNCONFIRMED = "it was sent, and the host has not said that it was applied"


@dataclass(frozen=True, slots=True)
class Dropped:
    """Events of the batch `sequence` that came to nothing."""

    sequence: int
    events: tuple[Event, ...]
    fate: Fate


def acts(event: Event) -> bool:
    """Whether somebody meant something by it, more than pointing and letting go."""
    kind = event[0]
    if kind in (InputKind.KEY, InputKind.BUTTON):
        return bool(event[2])
    if kind == InputKind.TOUCH:
        return bool(event[2] == TouchPhase.BEGIN)
    if kind == InputKind.PEN:
        return bool(event[6] & PenState.TIP)
    return kind in (InputKind.TEXT, InputKind.WHEEL, InputKind.MOVE_BY)


class InputLedger:
    """Batches that have left and that the host has not answered. Times are seconds of our clock."""

    def __init__(self) -> None:
        self._sent: deque[tuple[int, tuple[Event, ...]]] = deque(maxlen=_MOST)
        self._discarded = 0
        self._told = 0
        self._since = 0.0

    def sent(self, batch: Batch, now: float) -> None:
        """A batch has left."""
        if self.due() is None:
            self._since = now
        self._sent.append((batch.sequence, batch.events))

    def applied(self, sequence: int, discarded: int, now: float) -> list[Dropped]:
        """The host has applied batches up to `sequence`, and discarded so many events in all: which those were.

        It says no more than their number: what acts is discarded first (R-SESS-19), and each batch is answered.
        """
        answered: list[tuple[int, tuple[Event, ...]]] = []
        while self._sent and self._sent[0][0] <= sequence:
            answered.append(self._sent.popleft())
            self._since = now
        count = discarded - self._discarded
        self._discarded = max(discarded, self._discarded)
        dropped = []
        for number, events in answered:
            candidates = sorted(filter(_counts, events), key=acts, reverse=True)[: max(0, count)]
            count -= len(candidates)
            if candidates:
                dropped.append(Dropped(number, tuple(candidates), Fate.DISCARDED))
        return dropped

    def due(self) -> float | None:
        """When `overdue` will next have something to tell."""
        for number, events in self._sent:
            if number > self._told and any(map(_counts, events)):
                return self._since + T_INPUT_UNCONFIRMED
        return None

    def overdue(self, now: float) -> list[Dropped]:
        """What the host has not answered for too long; each batch is told once."""
        due = self.due()
        return self.give_up() if due is not None and now >= due else []

    def give_up(self) -> list[Dropped]:
        """All that was not answered and not told."""
        lost = list(self._untold())
        if lost:
            self._told = lost[-1].sequence
        return lost

    def _untold(self) -> Iterator[Dropped]:
        for number, events in self._sent:
            if number > self._told and any(map(_counts, events)):
                yield Dropped(number, tuple(filter(_counts, events)), Fate.UNCONFIRMED)


def _counts(event: Event) -> bool:
    """Whether a host that discards the event counts it."""
    return event[0] not in _UNCOUNTED
