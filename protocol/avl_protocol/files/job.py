"""Job: what the two ends of a transfer have in common: what is told of them, and how they are driven (spec 15).

Whoever owns a job calls `receive` for each message of it, sends what `next_message` gives while the lane takes it, and
does what `next_task` gives, one at a time, on a thread where it may block; the result goes to `task_done`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from avl_protocol.files.entries import Entry
from avl_protocol.wire.endtoend import FileMessage
from avl_protocol.wire.registry import FileReason

Task = Callable[[], Any]


@dataclass(slots=True)
class Tally:
    """How far a transfer has come. `files` and `size`: what is to be transferred, None before that is known; `moved`:
    bytes that travelled; `passed`: bytes that are dealt with, which had not to travel included; `left`: files that were
    left out."""

    files: int | None = None
    size: int | None = None
    done: int = 0
    left: int = 0
    moved: int = 0
    passed: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """Something else is in the place of this file, of `size` bytes, changed at `modified_us`: is it to be replaced?
    Answered by `decide`."""

    entry: Entry
    size: int
    modified_us: int


@dataclass(frozen=True, slots=True)
class Settled:
    """It is known what became of this: DONE, or why it was left out."""

    path: str
    reason: FileReason


JobEvent = Question | Settled


class Job(Protocol):
    """One end of a transfer, or of a listing."""

    tally: Tally
    #: What its owner is told, in order.
    events: deque[JobEvent]

    @property
    def over(self) -> FileReason | None:
        """Why the job is over; None while it is not. There may be a last message and a last task even then."""

    def receive(self, message: FileMessage, now: float) -> None:
        """The other side says something about this job."""

    def next_message(self) -> FileMessage | None:
        """What to say next; None: nothing now."""

    def next_task(self) -> Task | None:
        """What to do next where it may block; None: nothing now. Not to be asked again before `task_done`."""

    def task_done(self, result: Any, now: float) -> None:
        """A task was done, and this came of it."""

    def decide(self, number: int, replace: bool) -> None:
        """A person has decided."""

    def pause(self, paused: bool) -> None:
        """Let nothing more come or go, or go on."""

    def stop(self, reason: FileReason, *, told: bool = True) -> None:
        """End it, and tell the other side unless it is gone or knows."""
