"""Faults: errors that nobody foresaw end here, wherever they escape: a callback, a timer, a task, a thread.

Each is told in one line, and what is broken is ended, so that it may begin anew and the rest goes on: nothing keeps
running frozen. A program that fails again and again is ended itself, with a sentence.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

#: So many faults within so many seconds are one too many: the program ends.
MOST, WITHIN = 20, 60.0
#: Frames of a traceback that a person is told, the innermost first: enough for who reads the report.
FRAMES = 4


class Faults:
    """Where the errors of one program end. Who makes none gets errors raised, as a test wants them.

    `tell` is for a person; `give_up` ends the program and is given the sentence to end with; both may be named later,
    by `watch`.
    """

    def __init__(self) -> None:
        self._tell: Callable[[str], None] | None = None
        self._give_up: Callable[[str], None] = logging.getLogger("avl").error
        self._now: Callable[[], float] = lambda: 0.0
        self._times: deque[float] = deque(maxlen=MOST)
        self._given_up = False

    def watch(
        self,
        tell: Callable[[str], None],
        give_up: Callable[[str], None],
        now: Callable[[], float],
        whole_loop: bool = True,
    ) -> Callable[[], None]:
        """Take the errors from now on, also those that reach the running event loop; returns what ends it.

        `whole_loop` False: leave the loop to whoever runs it, as a library does.
        """
        self._tell, self._give_up, self._now = tell, give_up, now
        self._given_up = False
        self._times.clear()
        loop = asyncio.get_running_loop()
        before = loop.get_exception_handler()
        if whole_loop:
            loop.set_exception_handler(self._from_loop)

        def unwatch() -> None:
            self._tell = None
            if whole_loop:
                loop.set_exception_handler(before)

        return unwatch

    def run(self, call: Callable[..., object], *arguments: object, broken: Callable[[], object] | None = None) -> bool:
        """Call; True when it returned. An error ends here, and `broken` is called to end what has failed."""
        if self._tell is None:
            call(*arguments)
            return True
        try:
            call(*arguments)
        except Exception as error:
            self.caught(error)
            if broken is not None:
                try:
                    broken()
                except Exception as another:
                    self.caught(another)
            return False
        return True

    def task_done(self, task: asyncio.Future[Any]) -> None:
        """A done callback for tasks that nobody waits for."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.caught(error)

    async def keep(self, work: Callable[[], Awaitable[None]], pause: float) -> None:
        """Do work that has no end; after an error it begins anew, `pause` seconds later."""
        while True:
            try:
                await work()
            except Exception as error:
                if self._tell is None:
                    raise
                self.caught(error)
                await asyncio.sleep(pause)
            else:
                return

    def caught(self, error: BaseException) -> None:
        """Tell of an error, and give up where there are too many. Callable from any thread."""
        sentence = told(error)
        logging.getLogger("avl").debug("fault", exc_info=error)
        tell = self._tell or logging.getLogger("avl").error
        now = self._now()
        self._times.append(now)
        if self._given_up:
            return
        tell(f"an error in this program, please report it: {sentence}")
        if len(self._times) == MOST and now - self._times[0] < WITHIN:
            self._given_up = True
            self._give_up(f"it failed {MOST} times within {WITHIN:g} s; start it again. The last time: {sentence}")

    def _from_loop(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.caught(error if error is not None else RuntimeError(str(context.get("message", "unknown"))))


def told(error: BaseException) -> str:
    """An error in one line: its kind, its text, and the place that raised it."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}{': ' + text if text else ''}{f' ({where})' if where else ''}"
