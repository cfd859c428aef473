"""Reporting: what a viewer has shown since its last report (spec 04-session, 4.5)."""

from __future__ import annotations

from avl_protocol.wire.endtoend import Report
from avl_protocol.wire.registry import MAX_REPORTED


class Presented:
    """Objects on the screen that the host has not been told of, by track."""

    def __init__(self) -> None:
        self._rows: dict[int, list[tuple[int, int]]] = {}

    def add(self, track: int, number: int, host_us: int) -> None:
        """An object was on the screen at a time of the host's clock, in microseconds."""
        rows = self._rows.setdefault(track, [])
        rows.append((number, host_us))
        del rows[:-MAX_REPORTED]

    def take(self, decode_queue: int, lost: int, received: int) -> list[Report]:
        """The reports of all that was added; it is told then."""
        rows, self._rows = self._rows, {}
        return [
            Report(track=track, objects=tuple(of), decode_queue=decode_queue, lost=lost, received=received)
            for track, of in rows.items()
        ]
