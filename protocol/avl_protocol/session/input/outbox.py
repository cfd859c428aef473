"""InputOutbox: input on its way out, numbered, coalesced, and forgotten when it has waited too long (spec 04-session,
4.6)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from avl_protocol.session.input.ledger import Dropped, Event, Fate
from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.registry import T_INPUT_OLD, T_INPUT_OLD_PRESS, InputKind, PenState, TouchPhase

#: Events of one batch; a record holds at least this many.
_BATCH = 64
#: Characters of one TEXT event.
_TEXT = 1024
#: Seconds between the first and the last event of one batch: it carries one time for all.
_MOMENT = 0.05
#: No event is too old to be sent before so many seconds.
_SHORTEST = min(T_INPUT_OLD, T_INPUT_OLD_PRESS)


@dataclass(slots=True)
class _Waiting:
    """A batch that has not left: its number, when its first event was made, in seconds of our clock."""

    sequence: int
    made: float
    events: list[Event] = field(default_factory=list)


class InputOutbox:
    """Events that have not left yet. `room`: bytes the hop may have in flight before moves wait and coalesce."""

    room = 4096

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._sequence = 0
        self._held: set[tuple[int, int]] = set()
        #: Events that were too old to be sent, in all.
        self.discarded = 0

    @property
    def pending(self) -> bool:
        """Whether something waits."""
        return bool(self._waiting)

    @property
    def holds(self) -> bool:
        """Whether a key or button, a finger or a pen is down."""
        return bool(self._held)

    def add(self, events: list[Event], now: float) -> int:
        """Queue events made at `now`; the sequence number of the batch that will carry the last of them."""
        for event in events:
            kind = event[0]
            last = self._waiting[-1] if self._waiting else None
            if kind == InputKind.MOVE and last is not None and last.events[-1][0] == InputKind.MOVE:
                last.events[-1] = event
                last.made = now if len(last.events) == 1 else last.made
                continue
            if last is not None and now - last.made <= _MOMENT and _joined(last.events, event):
                continue
            if kind == InputKind.TEXT and len(event[1]) > _TEXT:
                text = event[1]
                for at in range(0, len(text), _TEXT):
                    self._append((kind, text[at : at + _TEXT]), now)
                continue
            if kind in (InputKind.KEY, InputKind.BUTTON):
                self._keep((kind, event[1]), event[2])
            elif kind == InputKind.TOUCH:
                self._keep((kind, event[1]), event[2] != TouchPhase.END)
            elif kind == InputKind.PEN:
                self._keep((kind, 0), bool(event[6] & PenState.TIP))
            elif kind == InputKind.RELEASE_ALL:
                self._held.clear()
            self._append(event, now)
        return self._sequence

    def _keep(self, what: tuple[int, int], down: bool) -> None:
        (self._held.add if down else self._held.discard)(what)

    def _append(self, event: Event, now: float) -> None:
        last = self._waiting[-1] if self._waiting else None
        if last is None or not self._fits(last, event, now):
            self._sequence += 1
            last = _Waiting(self._sequence, now)
            self._waiting.append(last)
        last.events.append(event)

    @staticmethod
    def _fits(batch: _Waiting, event: Event, now: float) -> bool:
        """Whether an event belongs to the same moment and record: a TEXT travels alone, so that a record holds it."""
        if len(batch.events) >= _BATCH or now - batch.made > _MOMENT:
            return False
        return InputKind.TEXT not in (event[0], batch.events[-1][0])

    def hold(self, now: float) -> None:
        """Say that what is held stays held."""
        if self._held and not self._waiting:
            self._append((int(InputKind.HOLDING),), now)

    @property
    def next(self) -> int:
        """The number of the batch that the next event may be in, at the least."""
        return self._sequence if self._waiting else self._sequence + 1

    def expire(self, now: float) -> list[Dropped]:
        """Forget input that would come too late (R-PATH-18), and return it."""
        lost: list[Dropped] = []
        if not self._waiting or now < self._waiting[0].made + _SHORTEST:
            return lost  # the oldest is in front
        for batch in self._waiting:
            gone = tuple(event for event in batch.events if now >= batch.made + _life(event))
            if gone:
                self.discarded += len(gone)
                lost.append(Dropped(batch.sequence, gone, Fate.UNSENT))
                batch.events = [event for event in batch.events if now < batch.made + _life(event)]
        self._waiting = deque(batch for batch in self._waiting if batch.events)
        return lost

    def due(self) -> float | None:
        """When `expire` will next have something to forget."""
        if not self._waiting:
            return None
        ends = (batch.made + _life(event) for batch in self._waiting for event in batch.events)
        return min((end for end in ends if end < math.inf), default=None)

    def take(self) -> tuple[Batch, float]:
        """The first batch of what waits, without its time, and when it was made. Only while `pending`."""
        batch = self._waiting.popleft()
        return Batch(batch.sequence, 0, tuple(batch.events)), batch.made

    def clear(self, now: float) -> list[Dropped]:
        """Forget all input that waits or is held, and return it. The host is told to let go of all: a press may be on
        its way to it whose release is forgotten here.
        """
        waiting = [(b.sequence, tuple(e for e in b.events if e[0] != InputKind.HOLDING)) for b in self._waiting]
        lost = [Dropped(sequence, events, Fate.UNSENT) for sequence, events in waiting if events]
        self.discarded += sum(len(dropped.events) for dropped in lost)
        self._waiting.clear()
        if lost or self._held:
            self._held.clear()
            self._append((int(InputKind.RELEASE_ALL),), now)
        return lost


def _joined(events: list[Event], event: Event) -> bool:
    """Whether an event has become one with those that wait: a movement added, a newer place of the same finger or of a
    pen in the air."""
    kind = event[0]
    if kind == InputKind.TOUCH and event[2] == TouchPhase.MOVE:
        for at in range(len(events) - 1, -1, -1):
            if events[at][0] != InputKind.TOUCH or events[at][2] != TouchPhase.MOVE:
                return False
            if events[at][1] == event[1]:
                events[at] = event
                return True
        return False
    last = events[-1]
    if kind == InputKind.MOVE_BY == last[0]:
        events[-1] = (kind, last[1] + event[1], last[2] + event[2])
        return True
    if kind == InputKind.PEN == last[0] and last[6] == event[6] and not event[6] & PenState.TIP:
        events[-1] = event
        return True
    return False


def _life(event: Event) -> float:
    """Seconds after which an event is too old to be applied; releases and keys still held never are."""
    kind = event[0]
    if kind == InputKind.TOUCH:
        return math.inf if event[2] == TouchPhase.END else T_INPUT_OLD_PRESS
    if kind == InputKind.PEN:
        return T_INPUT_OLD_PRESS if event[6] & PenState.TIP else math.inf
    if kind in (InputKind.KEY, InputKind.BUTTON):
        return T_INPUT_OLD_PRESS if event[2] else math.inf
    if kind in (InputKind.RELEASE_ALL, InputKind.HOLDING):
        return math.inf
    return T_INPUT_OLD if kind == InputKind.MOVE else T_INPUT_OLD_PRESS
