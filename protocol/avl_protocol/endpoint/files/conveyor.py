"""Conveyor: drives a job: what it says goes out while its lane takes it, what may block is done elsewhere (spec 15).

What leaves in one turn of the loop is bounded, so that pictures and keys never wait for more than a block; of small
files it is several, or each would have a turn and a packet of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from avl_protocol.files.job import Job, Task
from avl_protocol.wire.endtoend import FileData, FileFail, FileMessage, FileStart
from avl_protocol.wire.registry import FileReason

#: Bytes that leave in one turn, the last message not counted; and what each takes besides content.
TURN, AROUND = 16384, 128


def _size(message: FileMessage) -> int:
    """What it counts of a turn: what is no content may be long."""
    if isinstance(message, FileData):
        return len(message.data) + AROUND
    return AROUND if isinstance(message, (FileStart, FileFail)) else TURN


class Workshop(Protocol):
    """Where tasks are done."""

    async def do(self, task: Task) -> Any:
        """Do it; what came of it. Raises what it raises."""

    def close(self) -> None:
        """Nothing more will be begun; what jobs still have to let go of is done."""


class Threads:
    """A few threads, which are made when there is something to do."""

    def __init__(self, count: int = 4) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="files")
        self._closed = False

    async def do(self, task: Task) -> Any:
        """See Workshop. What a job lets go of when all is over already is done here and now."""
        if self._closed:
            return task()
        return await asyncio.get_running_loop().run_in_executor(self._pool, task)

    def close(self) -> None:
        """See Workshop."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)


class InLoop:
    """The double of threads: tasks are done in the loop, so that in virtual time all happens again as it did."""

    async def do(self, task: Task) -> Any:
        """See Workshop."""
        return task()

    def close(self) -> None:
        """There is nothing to end."""


class Lane(Protocol):
    """Where a job's messages go."""

    def flows(self) -> bool:
        """Whether one would leave at once."""

    def send(self, message: FileMessage) -> None:
        """Send one."""


class Conveyor:
    """One job on its lane. `start`: begins a coroutine, and hears of its errors; `clock`: seconds; `changed`: called
    after what happened by itself; `over`: called once, when the job is over and all of it was said and done."""

    def __init__(
        self,
        job: Job,
        lane: Lane,
        workshop: Workshop,
        *,
        start: Callable[[Coroutine[Any, Any, None]], None],
        clock: Callable[[], float],
        changed: Callable[[], None],
        over: Callable[[], None],
    ) -> None:
        self.job = job
        self._lane, self._workshop, self._start, self._clock = lane, workshop, start, clock
        self._changed, self._over = changed, over
        self._working = self._soon = self._ended = self._gone = False

    def receive(self, message: FileMessage, now: float) -> None:
        """The other side says something."""
        self.job.receive(message, now)
        self.go_on()

    def leave(self, reason: FileReason) -> None:
        """There is no lane any more: end the job, and say nothing."""
        self._gone = True
        self.job.stop(reason, told=False)
        self.go_on()

    def go_on(self) -> None:
        """Do what there is to do now."""
        if self._ended:
            return
        if not self._working and (task := self.job.next_task()) is not None:
            self._working = True
            self._start(self._work(task))
        if self._gone:
            while self.job.next_message() is not None:
                pass
        elif self._send():
            if not self._soon:
                self._soon = True
                asyncio.get_running_loop().call_soon(self._again)
            return
        if self.job.over is not None and not self._working and (self._gone or self._lane.flows()):
            self._ended = True
            self._over()

    def _send(self) -> bool:
        """Let leave what may in this turn; whether anything did."""
        size = 0
        while size < TURN and self._lane.flows() and (message := self.job.next_message()) is not None:
            self._lane.send(message)
            size += _size(message)
        return size > 0

    def _again(self) -> None:
        self._soon = False
        self.go_on()
        self._changed()

    async def _work(self, task: Task) -> None:
        """Do a task. One that fails in a way that nobody foresaw ends its job, and the error goes on."""
        foreseen = False
        try:
            result = await self._workshop.do(task)
            self._working = False
            self.job.task_done(result, self._clock())
            foreseen = True
        except OSError:
            pass  # of the disk, where no tree made a sentence of it
        finally:
            self._working = False
            if not foreseen:
                self.job.stop(FileReason.FAILED)
            self.go_on()
            self._changed()
