"""Priority: which threads the system lets run first while there are more that would than cores.

A press, and the picture that answers it, take little time and a person waits for them; the pictures of a film take
much, and each is one of sixty. Without a word the system shares the cores among them as equals, and with a busy program
besides: then a thread that was woken waits for milliseconds now and then.

To go first needs a permission (Linux: CAP_SYS_NICE or RLIMIT_NICE). Where it is refused, what may take its time gives
way instead. Where the system groups programs by session (autogroup), all this counts within the group.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

#: By how much the nice value of what a person waits for differs from the one that the program was started at; and of
#: what takes its time, where the first is refused.
FIRST, BEHIND = -5, 2
#: The least and the largest of them.
LEAST, MOST = -20, 19

Made = TypeVar("Made")


class Priority(Protocol):
    """How a program's threads stand to each other and to other programs. Nothing of it ever fails."""

    def first(self) -> bool:
        """The calling thread, and the threads that it starts from now on, are those that a person waits for. False
        where the system does not let them go first."""

    def unhurried(self, make: Callable[[], Made]) -> Made:
        """Make something whose own threads, those that it starts while it is made, take their time."""


class SamePriority:
    """The double: all threads are equals. `asked`: how often one was to go first, and how much was made."""

    def __init__(self) -> None:
        self.asked = self.made = 0

    def first(self) -> bool:
        """Nothing changes."""
        self.asked += 1
        return False

    def unhurried(self, make: Callable[[], Made]) -> Made:
        """Made as anything else."""
        self.made += 1
        return make()


class SystemPriority:
    """By nice values, which on Linux each thread has for itself; elsewhere nothing changes. They are relative to the
    value at which the program was started, that of the thread which makes this. A program that was started to give way
    to others does so with all its threads, those that take their time above all.

    `told` and `tell` read and set the value of the calling thread; `tell` raises OSError where that is refused.
    """

    def __init__(
        self,
        told: Callable[[], int] = lambda: os.getpriority(os.PRIO_PROCESS, 0),
        tell: Callable[[int], None] = lambda nice: os.setpriority(os.PRIO_PROCESS, 0, nice),
        platform: str = sys.platform,
    ) -> None:
        self._told = told
        self._tell = tell
        self._has = platform == "linux"
        self._usual = told() if self._has else 0
        self._first = max(LEAST, self._usual + FIRST) if self._usual <= 0 else self._usual

    def first(self) -> bool:
        """See Priority."""
        return self._has and self._first < self._usual and self._set(self._first)

    def unhurried(self, make: Callable[[], Made]) -> Made:
        """See Priority. It is made on a thread of its own, since one that has given way may not be let back."""
        if not self._has:
            return make()
        nice = self._usual if self._told() < self._usual else min(MOST, self._usual + BEHIND)
        with ThreadPoolExecutor(1, "avl-unhurried", initializer=self._set, initargs=(nice,)) as aside:
            return aside.submit(make).result()

    def _set(self, nice: int) -> bool:
        try:
            self._tell(nice)
        except OSError:
            return False
        return True
