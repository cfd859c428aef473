"""VirtualLoop: an asyncio event loop whose clock jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

from tests.simulator.entropy import EPOCH


class Deadlock(AssertionError):
    """Every task waits and no timer is set: in virtual time nothing can ever happen again."""


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: what would have been a wait moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock("all tasks are blocked and no timer is set")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs asyncio programs in virtual time. What would leave it (threads, real sockets) is refused."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        raise AssertionError("threads have no place in virtual time: hand the blocking part in as an argument")

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
        raise AssertionError("real sockets have no place in virtual time")


class VirtualClock:
    """The loop's own time; the wall shows EPOCH at its start."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._back = 0.0

    def monotonic(self) -> float:
        return self._loop.time()

    def wall(self) -> float:
        return EPOCH + self._loop.time() - self._back

    def set_back(self, seconds: float) -> None:
        """Somebody sets the clock back."""
        self._back += seconds
