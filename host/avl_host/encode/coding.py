"""Coding: where pictures are encoded, so that the desktop can be looked at meanwhile; on a thread, or on the spot."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

Done = TypeVar("Done")
_Job = Callable[[], Done]


class Coding(Protocol[Done]):
    """Does one job at a time. What a job raises, `take` raises."""

    @property
    def busy(self) -> bool:
        """Whether a job is under way, or its result has not been taken."""

    def begin(self, job: Callable[[], Done]) -> None:
        """Do this next; not while busy."""

    def take(self) -> list[Done]:
        """What has been done since the last call."""

    def close(self) -> None:
        """Wait for what is under way, and do nothing more."""


class InlineCoding(Generic[Done]):
    """Does a job within `begin`: in virtual time, where no thread may run."""

    def __init__(self) -> None:
        self._done: list[Done] = []

    @property
    def busy(self) -> bool:
        return bool(self._done)

    def begin(self, job: Callable[[], Done]) -> None:
        self._done.append(job())

    def take(self) -> list[Done]:
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        """Nothing is under way."""


class ThreadCoding(Generic[Done]):
    """Does jobs on a thread of its own, which begins with the first. `ready` is called there when one is done."""

    def __init__(self, ready: Callable[[], None]) -> None:
        self._ready = ready
        self._jobs: queue.SimpleQueue[_Job[Done] | None] = queue.SimpleQueue()
        self._done: deque[tuple[Done | None, BaseException | None]] = deque()
        self._under_way = 0
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        return self._under_way > 0

    def begin(self, job: Callable[[], Done]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="avl-encode", daemon=True)
            self._thread.start()
        self._under_way += 1
        self._jobs.put(job)

    def take(self) -> list[Done]:
        taken: list[Done] = []
        while self._done:
            done, error = self._done.popleft()
            self._under_way -= 1
            if error is not None:
                raise error
            taken.append(done)  # type: ignore[arg-type]
        return taken

    def close(self) -> None:
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None
            self._done.clear()
            self._under_way = 0

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._done.append((job(), None))
            except BaseException as error:  # it is raised where the result is taken
                self._done.append((None, error))
            self._ready()
