"""Coding: where pictures are encoded, so that the desktop can be looked at meanwhile; on a thread, or on the spot."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

Done = TypeVar("Done")


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
        self._executor: ThreadPoolExecutor | None = None
        self._job: Future[Done] | None = None

    @property
    def busy(self) -> bool:
        return self._job is not None

    def begin(self, job: Callable[[], Done]) -> None:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="avl-encode")
        self._job = self._executor.submit(job)
        self._job.add_done_callback(lambda _: self._ready())

    def take(self) -> list[Done]:
        job = self._job
        if job is None or not job.done():
            return []
        self._job = None
        return [job.result()]

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = self._job = None
