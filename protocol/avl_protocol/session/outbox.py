"""InputOutbox: input on its way out, numbered and coalesced (spec 04-session, 4.6)."""

from __future__ import annotations

from typing import Any

from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.registry import InputKind

#: Events of one batch; a record holds at least this many.
_BATCH = 64
#: Characters of one TEXT event.
_TEXT = 1024


class InputOutbox:
    """Events that have not left yet. `room`: bytes the hop may have in flight before moves wait and coalesce."""

    room = 4096

    def __init__(self) -> None:
        self._events: list[tuple[Any, ...]] = []
        self._sequence = 0
        self._held: set[tuple[int, int]] = set()

    @property
    def pending(self) -> bool:
        """Whether something waits."""
        return bool(self._events)

    @property
    def holds(self) -> bool:
        """Whether a key or button is down."""
        return bool(self._held)

    def add(self, events: list[tuple[Any, ...]]) -> int:
        """Queue events; the sequence number of the batch that will carry the last of them."""
        for event in events:
            kind = event[0]
            if kind == InputKind.MOVE and self._events and self._events[-1][0] == InputKind.MOVE:
                self._events[-1] = event
                continue
            if kind == InputKind.TEXT and len(event[1]) > _TEXT:
                text = event[1]
                self._events += [(kind, text[at : at + _TEXT]) for at in range(0, len(text), _TEXT)]
                continue
            if kind in (InputKind.KEY, InputKind.BUTTON):
                (self._held.add if event[2] else self._held.discard)((kind, event[1]))
            elif kind == InputKind.RELEASE_ALL:
                self._held.clear()
            self._events.append(event)
        return self._sequence + self._batches()

    def _batches(self) -> int:
        batches = begun = 0
        for at in range(len(self._events)):
            if at == 0 or self._full(at, begun):
                batches, begun = batches + 1, at
        return batches

    def _full(self, at: int, begun: int = 0) -> bool:
        """Whether the batch that begins at `begun` ends before event `at`: a TEXT travels alone, so that a record
        holds it."""
        text = InputKind.TEXT
        return at - begun >= _BATCH or self._events[at][0] == text or self._events[at - 1][0] == text

    def hold(self) -> None:
        """Say that what is held stays held."""
        if self._held and not self._events:
            self._events.append((int(InputKind.HOLDING),))

    def take(self, host_time_us: int) -> Batch:
        """The first batch of what waits, of this moment of the host's clock. Only while `pending`."""
        size = 1
        while size < len(self._events) and not self._full(size):
            size += 1
        events = tuple(self._events[:size])
        del self._events[:size]
        self._sequence += 1
        return Batch(self._sequence, max(0, host_time_us), events)

    def clear(self) -> None:
        """Forget what waits and what is held: the host has let go of it."""
        self._events.clear()
        self._held.clear()
