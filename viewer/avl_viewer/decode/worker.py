"""DecodeWorker: access units are decoded in order away from the network; its inline twin does it on the spot.

Every access unit has to be decoded, since the next refers to it; which pictures are shown is the presenter's affair. A
thread of its own lets packets go on being read while a picture is decoded, and hands the result straight to the
presenter, without waiting for an event loop to turn.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.wire.registry import VideoCodec
from avl_viewer.decode.decoder import DecodeError, Decoder


@dataclass(frozen=True, slots=True)
class DecodeJob:
    """One object's bitstream. `context` is the caller's and comes back with the result."""

    data: bytes
    key: bool
    context: Any
    codec: VideoCodec = VideoCodec.H264


@dataclass(frozen=True, slots=True)
class Decoded:
    """One picture (a PyAV VideoFrame). `started` and `finished` are seconds of our clock; `device` is the hardware that
    decoded it, None: software did."""

    context: Any
    frame: Any
    started: float
    finished: float
    device: str | None = None


class DecodeWorker(Protocol):
    """Decodes in the order of submission. After a failure only a key access unit is tried again; the rest fails too."""

    @property
    def depth(self) -> int:
        """Access units submitted and not finished."""

    def submit(self, job: DecodeJob) -> None:
        """Decode this next. Returns at once (the thread) or when it is done (the inline twin)."""

    def close(self) -> None:
        """Drop what waits, flush the decoder and let go of it; no callback follows."""


class _Step:
    """What both workers do with one job."""

    def __init__(
        self,
        open_decoder: Callable[[VideoCodec], Decoder],
        decoded: Callable[[Decoded], None],
        failed: Callable[[Any, DecodeError], None],
        now: Callable[[], float],
    ) -> None:
        self._open_decoder = open_decoder
        self._decoded = decoded
        self._failed = failed
        self._now = now
        self._decoder: Decoder | None = None
        self._codec = VideoCodec.H264

    def run(self, job: DecodeJob) -> None:
        started = self._now()
        try:
            if job.key and job.codec is not self._codec:
                self.close()
            if self._decoder is None:
                if not job.key:
                    raise DecodeError("a key picture is needed first")
                self._decoder, self._codec = self._open_decoder(job.codec), job.codec
            frame = self._decoder.decode(job.data)
        except DecodeError as error:
            self.close()
            self._failed(job.context, error)
        else:
            self._decoded(Decoded(job.context, frame, started, self._now(), self._decoder.device))

    def give_up(self, job: DecodeJob) -> None:
        """This one can't be decoded, whatever the reason."""
        decoder, self._decoder = self._decoder, None
        self._failed(job.context, DecodeError("the decoder failed"))
        if decoder is not None:
            decoder.close()

    def close(self) -> None:
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None


class InlineWorker:
    """Decodes within `submit`: for virtual time, where no thread may run."""

    def __init__(
        self,
        open_decoder: Callable[[VideoCodec], Decoder],
        decoded: Callable[[Decoded], None],
        failed: Callable[[Any, DecodeError], None],
        now: Callable[[], float],
    ) -> None:
        self._step = _Step(open_decoder, decoded, failed, now)
        self._closed = False

    @property
    def depth(self) -> int:
        return 0

    def submit(self, job: DecodeJob) -> None:
        if not self._closed:
            self._step.run(job)

    def close(self) -> None:
        self._closed = True
        self._step.close()


class ThreadWorker:
    """Decodes on a thread of its own, from which `decoded` and `failed` are called. An error that nobody foresaw goes
    to `faults`; the decoder it left behind is given up, and the next key picture begins with another."""

    def __init__(
        self,
        *,
        open_decoder: Callable[[VideoCodec], Decoder],
        decoded: Callable[[Decoded], None],
        failed: Callable[[Any, DecodeError], None],
        now: Callable[[], float],
        faults: Faults | None = None,
    ) -> None:
        self._faults = faults or Faults()
        self._step = _Step(open_decoder, decoded, failed, now)
        self._jobs: queue.SimpleQueue[DecodeJob | None] = queue.SimpleQueue()
        self._depth = 0
        self._depth_lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="avl-decode", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        return self._depth

    def submit(self, job: DecodeJob) -> None:
        if not self._closing:
            with self._depth_lock:
                self._depth += 1
            self._jobs.put(job)

    def close(self) -> None:
        """As the protocol says; waits for the picture being decoded. Not to be called from a callback."""
        if not self._closing:
            self._closing = True
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if not self._closing:
                self._faults.run(self._step.run, job, broken=partial(self._step.give_up, job))
            with self._depth_lock:
                self._depth -= 1
        self._step.close()
