"""Alarm: an event loop's timer for a state machine that says when it wants to be called next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from avl_protocol.endpoint.loop.faults import Faults


class Timed(Protocol):
    """A state machine with timers."""

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called, in seconds of the caller's clock."""

    def handle_timer(self, now: float) -> None:
        """Time has passed."""


class Alarm:
    """Calls `machine.handle_timer` when it is due; `reset` after anything that may have changed when that is.

    An error ends in `faults`, and `broken(now)` is called to end the machine.
    """

    __slots__ = ("_at", "_broken", "_faults", "_handle", "_loop", "_machine", "_now")

    def __init__(
        self,
        *,
        machine: Timed,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], float],
        faults: Faults | None = None,
        broken: Callable[[float], object] | None = None,
    ) -> None:
        self._faults = faults or Faults()
        self._broken = broken
        self._machine = machine
        self._loop = loop
        self._now = now
        self._handle: asyncio.TimerHandle | None = None
        self._at: float | None = None

    def reset(self) -> None:
        """Look again when the machine wants to be called; a later time costs nothing until the earlier one fires."""
        at = self._machine.next_timeout()
        if at is None or (self._at is not None and at >= self._at):
            return
        self.stop()
        self._at = at
        self._handle = self._loop.call_later(max(0.0, at - self._now()), self._fire)

    def stop(self) -> None:
        """Never call again, until `reset`."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = None
        self._at = None

    def _fire(self) -> None:
        self._handle = None
        self._at = None
        now = self._now()
        broken = None if self._broken is None else partial(self._broken, now)
        self._faults.run(self._due, now, broken=broken)
        self._faults.run(self.reset)

    def _due(self, now: float) -> None:
        at = self._machine.next_timeout()
        if at is not None and at <= now + 0.001:
            self._machine.handle_timer(max(now, at))
