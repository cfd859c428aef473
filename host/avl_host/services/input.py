"""Input: what viewers do with pointer and keyboard, done on the desktop (spec 04-session, 4.6)."""

from __future__ import annotations

from collections.abc import Callable

from avl_host.input.sink import InputSink
from avl_host.publish.publisher import Publisher
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.registry import InputKind


class InputService(Service[HostSession]):
    """Applies batches that have passed the session's gate: too old or forbidden events are out, releases are in.

    `acted` is told of each session whose input is applied.
    """

    def __init__(self, sink: InputSink, publisher: Publisher, acted: Callable[[HostSession, float], None]) -> None:
        self._sink = sink
        self._publisher = publisher
        self._acted = acted

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
