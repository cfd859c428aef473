"""Input: what viewers do with pointer and keyboard, done on the desktop (spec 04-session, 4.6)."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from avl_host.input.sink import InputSink, PenSample
from avl_host.publish.publisher import Publisher
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.registry import InputKind, PenState, TouchPhase

_PEN_STATES = int(~PenState(0))


class InputService(Service[HostSession]):
    """Applies batches that have passed the session's gate: too old or forbidden events are out, releases are in.

    `acted` is told of each session whose input is applied.
    """

    def __init__(self, sink: InputSink, publisher: Publisher, acted: Callable[[HostSession, float], None]) -> None:
        self._sink = sink
        self._publisher = publisher
        self._acted = acted
        #: Fingers of all viewers that are down -> their numbers at the sink. Each is lifted by the gate of its session.
        self._fingers: dict[tuple[HostSession, int], int] = {}

    def apply(self, session: HostSession, batch: Batch, now: float) -> None:
        """Act on the desktop; pictures captured from now on say so."""
        sink = self._sink
        self._acted(session, now)
        self._publisher.input_applied(now)
        with sink.together():
            for kind, *values in batch.events:
                if kind == InputKind.MOVE:
                    sink.move(*values)
                elif kind == InputKind.BUTTON:
                    sink.button(*values)
                elif kind == InputKind.WHEEL:
                    sink.scroll(*values)
                elif kind == InputKind.KEY:
                    sink.key(*values)
                elif kind == InputKind.TEXT:
                    sink.text(*values)
                elif kind == InputKind.MOVE_BY:
                    sink.move_by(*values)
                elif kind == InputKind.TOUCH:
                    self._touch(session, *values)
                elif kind == InputKind.PEN:
                    x, y, pressure, tilt_x, tilt_y, state = values
                    sink.pen(PenSample(x, y, pressure, tilt_x, tilt_y, PenState(state & _PEN_STATES)))

    def _touch(self, session: HostSession, contact: int, phase: int, x: int, y: int) -> None:
        """Two viewers may give their fingers the same numbers."""
        key = (session, contact)
        number = self._fingers.get(key)
        if number is None:
            number = next(free for free in itertools.count() if free not in self._fingers.values())
            self._fingers[key] = number
        if phase == TouchPhase.END:
            del self._fingers[key]
        self._sink.touch(number, TouchPhase(phase), x, y)
