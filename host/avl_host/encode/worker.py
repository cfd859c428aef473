"""Workers: one runs a pipeline on a thread, the other within the event loop.

A thread sleeps in the source's `wait` until something changes, so that capture and encode never block the loop and an
idle screen costs nothing. In virtual time there are no threads: the inline worker runs the same pipeline from timers
of the loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from avl_host.capture.source import CaptureSource, CursorImage, SourceLost
from avl_host.encode.budget import Budget, Slow
from avl_host.encode.encoder import EncoderFailed
from avl_host.encode.pipeline import Pipeline, Row
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.media.frame import Chroma, Frame, Monitor

#: What is told of a capture that failed in a way that nobody foresaw.
STOPPED = "capturing the screen failed; start the host again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told; every call comes on the event loop. `lost` is the last call, with a text that says what to do."""

    frame: Callable[[Frame], None]
    cursor: Callable[[CursorImage], None]
    layout: Callable[[tuple[int, int], tuple[Monitor, ...]], None]
    lost: Callable[[str], None]
    #: Where errors end that nobody foresaw; then `lost` is called, since nothing is captured any more.
    faults: Faults = field(default_factory=Faults)


class Worker(Protocol):
    """A running pipeline. Requests may come from any thread and take effect at once."""

    def start(self) -> None:
        """Begin; the listener is told the layout and the pointer's shape first. Call on the event loop."""

    def request_key(self) -> None:
        """Begin a new group of pictures soon, where there are any."""

    def request_lower_key(self) -> None:
        """The same for the pictures with fewer bits."""

    def request_everything(self) -> None:
        """Send all of the desktop anew."""

    def request_missing(self, rows: tuple[Row, ...], tell: Callable[[tuple[Row, ...], int], None]) -> None:
        """Send again what these objects of exact pixels, (first, last) each, showed. `tell(rows, newest)` is called on
        the event loop: it leaves in objects after `newest`."""

    def set_budget(self, budget: Budget) -> None:
        """Keep to another budget from the next picture on."""

    def set_slow(self, slow: Slow | None) -> None:
        """There is somebody who cannot follow (None: nobody)."""

    def set_chroma(self, chroma: Chroma) -> None:
        """Change chroma sampling, with a key frame."""

    def input_applied(self, when: float) -> None:
        """Input was applied at `when` (host's clock); later captures carry it."""

    def wake(self) -> None:
        """The sender is ready again, or the source was changed by hand."""

    async def close(self) -> None:
        """End the run and let go of encoder and source; nothing is told afterwards."""


class TimedSource(CaptureSource, Protocol):
    """A source that knows when it changes next, so that no thread has to wait for it."""

    def due(self) -> float | None:
        """When the picture changes next, in seconds of the clock (the past: it has changed); None: not by itself."""


class _Round:
    """One round of work: a step of the pipeline, then whatever else changed. `tell` brings a call to the event loop."""

    def __init__(
        self,
        source: CaptureSource,
        pipeline: Pipeline,
        listener: Listener,
        tell: Callable[[Callable[[], None]], None],
    ) -> None:
        self._source = source
        self._pipeline = pipeline
        self._listener = listener
        self._tell = tell
        self._layout: tuple[tuple[int, int], tuple[Monitor, ...]] | None = None

    def run(self, now: float) -> tuple[Frame, ...]:
        """The frames to hand over, in order. Raises SourceLost, EncoderFailed."""
        self._tell_layout()
        frames = self._pipeline.step(now)
        # A new size comes to light in the grab; it is told before the first frame that has it.
        self._tell_layout()
        cursor = self._source.cursor()
        if cursor is not None:
            self._tell(partial(self._listener.cursor, cursor))
        answers, self._pipeline.answers = self._pipeline.answers, []
        for answer in answers:
            self._tell(partial(answer.tell, answer.rows, answer.newest))
        return frames

    def _tell_layout(self) -> None:
        layout = (self._source.size, self._source.monitors())
        if layout != self._layout:
            self._layout = layout
            self._tell(partial(self._listener.layout, *layout))


class ThreadWorker:
    """Runs a pipeline on a thread of its own. `clock` is the host's clock in seconds. Create it on the event loop."""

    def __init__(
        self, source: CaptureSource, pipeline: Pipeline, listener: Listener, clock: Callable[[], float]
    ) -> None:
        self._source = source
        self._pipeline = pipeline
        self._listener = listener
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._round = _Round(source, pipeline, listener, self._tell)
        self._ending = False
        self._in_hand = False
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="avl-capture", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def request_key(self) -> None:
        """Begin a new group soon."""
        self._pipeline.request_key()
        self.wake()

    def request_lower_key(self) -> None:
        """Begin a new group of the pictures with fewer bits soon."""
        self._pipeline.request_lower_key()
        self.wake()

    def request_everything(self) -> None:
        """Send all of the desktop anew."""
        self._pipeline.request_everything()
        self.wake()

    def request_missing(self, rows: tuple[Row, ...], tell: Callable[[tuple[Row, ...], int], None]) -> None:
        """Send again what these objects showed."""
        self._pipeline.request_missing(rows, tell)
        self.wake()

    def set_budget(self, budget: Budget) -> None:
        """Keep to another budget from the next picture on; nothing is captured for its sake."""
        self._pipeline.set_budget(budget)

    def set_slow(self, slow: Slow | None) -> None:
        """There is somebody who cannot follow."""
        self._pipeline.set_slow(slow)
        self.wake()

    def set_chroma(self, chroma: Chroma) -> None:
        """Change chroma sampling, with a key frame."""
        self._pipeline.set_chroma(chroma)
        self.wake()

    def input_applied(self, when: float) -> None:
        """Input was applied at `when`."""
        self._pipeline.input_applied(when)

    def wake(self) -> None:
        """The sender is ready again."""
        if not self._ended.is_set():
            self._source.wake()

    async def close(self) -> None:
        """End the run; idempotent."""
        self._ending = True
        if self._thread.ident is None:
            self._release()
            return
        self.wake()
        await self._ended.wait()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._listener.faults.run(self._work, broken=lambda: self._tell(partial(self._listener.lost, STOPPED)))
        finally:
            self._tell(self._release, always=True)

    def _work(self) -> None:
        try:
            while not self._ending:
                at = None
                # While the listener does not have the last frame the sender cannot know whether it takes another.
                if not self._in_hand:
                    frames = self._round.run(self._clock())
                    if frames:
                        self._in_hand = True
                        self._tell(partial(self._hand_over, frames))
                    else:
                        at = self._pipeline.next_step()
                if self._source.wait(None if at is None else max(0.0, at - self._clock())):
                    self._pipeline.changed()
        except (SourceLost, EncoderFailed) as error:
            self._tell(partial(self._listener.lost, str(error)))

    def _release(self) -> None:
        """On the event loop, so that nobody wakes a source that is being closed."""
        if not self._ended.is_set():
            self._ended.set()
            self._pipeline.close()
            self._source.close()

    def _hand_over(self, frames: tuple[Frame, ...]) -> None:
        """On the event loop. The thread goes on when that has been sent: before, both would take turns."""
        for frame in frames:
            self._listener.faults.run(self._listener.frame, frame)
        self._loop.call_soon(self._handed_over)

    def _handed_over(self) -> None:
        self._in_hand = False
        self.wake()

    def _tell(self, call: Callable[[], None], always: bool = False) -> None:
        try:
            self._loop.call_soon_threadsafe(call if always else partial(self._unless_ending, call))
        except RuntimeError:
            self._ending = True  # The loop is closed: nobody is left to be told.

    def _unless_ending(self, call: Callable[[], None]) -> None:
        if not self._ending:
            call()


class InlineWorker:
    """Runs a pipeline over a timed source from the event loop's own timers; one thread, any kind of time."""

    #: A timer is never set nearer than this, so that rounding cannot make it fire for ever at one moment.
    LEAST_DELAY = 0.0005

    def __init__(self, source: TimedSource, pipeline: Pipeline, listener: Listener, clock: Callable[[], float]) -> None:
        self._source = source
        self._pipeline = pipeline
        self._listener = listener
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._round = _Round(source, pipeline, listener, self._tell)
        self._timer: asyncio.Handle | None = None
        self._started = False
        self._ended = False

    def start(self) -> None:
        """Begin."""
        self._started = True
        self.wake()

    def request_key(self) -> None:
        """Begin a new group soon."""
        self._pipeline.request_key()
        self.wake()

    def request_lower_key(self) -> None:
        """Begin a new group of the pictures with fewer bits soon."""
        self._pipeline.request_lower_key()
        self.wake()

    def request_everything(self) -> None:
        """Send all of the desktop anew."""
        self._pipeline.request_everything()
        self.wake()

    def request_missing(self, rows: tuple[Row, ...], tell: Callable[[tuple[Row, ...], int], None]) -> None:
        """Send again what these objects showed."""
        self._pipeline.request_missing(rows, tell)
        self.wake()

    def set_budget(self, budget: Budget) -> None:
        """Keep to another budget from the next picture on."""
        self._pipeline.set_budget(budget)

    def set_slow(self, slow: Slow | None) -> None:
        """There is somebody who cannot follow."""
        self._pipeline.set_slow(slow)
        self.wake()

    def set_chroma(self, chroma: Chroma) -> None:
        """Change chroma sampling, with a key frame."""
        self._pipeline.set_chroma(chroma)
        self.wake()

    def input_applied(self, when: float) -> None:
        """Input was applied at `when`."""
        self._pipeline.input_applied(when)

    def wake(self) -> None:
        """The sender is ready again, or the source was made to move or stand still. On the loop's thread only."""
        if self._started and not self._ended:
            self._set(self._loop.call_soon(self._turn))

    async def close(self) -> None:
        """End the run; idempotent."""
        if not self._ended:
            self._ended = True
            self._set(None)
            self._pipeline.close()
            self._source.close()

    def _turn(self) -> None:
        self._set(None)
        self._listener.faults.run(self._step, broken=self._failed)

    def _failed(self) -> None:
        self._ended = True
        self._listener.lost(STOPPED)

    def _step(self) -> None:
        now = self._clock()
        due = self._source.due()
        if due is not None and due <= now + self.LEAST_DELAY / 2:
            self._pipeline.changed()
        try:
            frames = self._round.run(now)
        except (SourceLost, EncoderFailed) as error:
            self._ended = True
            self._listener.lost(str(error))
            return
        for frame in frames:
            self._listener.faults.run(self._listener.frame, frame)
        # What the listener did may have ended this worker, or asked for a turn at once.
        if self._ended or self._timer is not None:
            return
        due = self._source.due()
        times = [at for at in (self._pipeline.next_step(), due if due is not None and due > now else None) if at]
        if times:
            self._set(self._loop.call_later(max(self.LEAST_DELAY, min(times) - now), self._turn))

    def _tell(self, call: Callable[[], None]) -> None:
        call()

    def _set(self, timer: asyncio.Handle | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer
