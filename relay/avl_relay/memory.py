"""Memory: what a relay gives up, step by step, before the machine has to swap.

How much is in use is looked at once a second, since no event tells it. Two shares count, whichever is higher: the
process's resident set of what it may have, and what is known to wait here (queues, caches, held bytes) of half of that:
memory that was freed does not always go back to the system at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from avl_protocol.rate.limits import Limits

#: Where Linux tells of this process, of its control group (version 2), and of the machine.
STATM, CGROUP, MEMINFO = Path("/proc/self/statm"), Path("/sys/fs/cgroup/memory.max"), Path("/proc/meminfo")
#: Steps are left at so much less than they are entered, lest they are entered and left all the time.
SLACK = 0.05


class Step(IntEnum):
    """What is given up, each beside all that stands before it."""

    NOTHING = 0
    STRANGERS = 1
    SPARES = 2
    QUEUES = 3
    NEWCOMERS = 4


#: How the log names a step.
NAMES = {
    Step.STRANGERS: "newest strangers are sent away",
    Step.SPARES: "caches are emptied, no parity is made",
    Step.QUEUES: "what waits for the slowest viewers is dropped",
    Step.NEWCOMERS: "no new sessions",
}


@dataclass(frozen=True, slots=True)
class Use:
    """Bytes: the resident set, and what is known to wait."""

    resident: int
    waiting: int


class Watermarks:
    """The step that memory in use asks for. `most`: bytes that the process may have."""

    def __init__(self, most: int, limits: Limits) -> None:
        self._most = max(1, most)
        self._marks: dict[Step, float] = {}
        self.step = Step.NOTHING
        self.set(limits)

    def set(self, limits: Limits) -> None:
        """Other shares, from the next look on."""
        marks: Sequence[float] = (
            limits.memory_strangers,
            limits.memory_spares,
            limits.memory_queues,
            limits.memory_newcomers,
        )
        self._marks = dict(zip(list(Step)[1:], marks, strict=True))

    def share(self, use: Use) -> float:
        """How much of what may be used is used; 1: all."""
        return max(use.resident, 2 * use.waiting) / self._most

    def look(self, use: Use) -> list[Step]:
        """The steps that are entered now, lowest first; `step` is the highest that holds."""
        share, before = self.share(use), self.step
        reached = Step.NOTHING
        for step, mark in self._marks.items():
            if share >= (mark if step > before else mark - SLACK):
                reached = max(reached, step)
        self.step = reached
        return [step for step in self._marks if before < step <= reached]


def resident() -> int:
    """Bytes of this process that are in memory; 0 where the system does not say."""
    try:
        import resource

        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    except (ImportError, OSError, ValueError, IndexError):
        return 0


def available(read: Callable[[Path], str] = Path.read_text) -> int:
    """Bytes that this process may have: those of its control group, at most those of the machine; 0: unknown."""
    found: list[int] = []
    try:
        found.append(int(read(CGROUP)))
    except (OSError, ValueError):  # none, or "max"
        pass
    try:
        total = next(line for line in read(MEMINFO).splitlines() if line.startswith("MemTotal:"))
        found.append(int(total.split()[1]) << 10)
    except (OSError, ValueError, StopIteration, IndexError):
        pass
    return min(found, default=0)
