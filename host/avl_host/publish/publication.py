"""Publication: one desktop that this host publishes by its tracks, with the worker that makes their frames and what
seals them (spec 05-media, 5.1).

Audience, uploads and the rate that all desktops take together are the host's (`publisher`).
"""

from __future__ import annotations

from collections.abc import Callable

from avl_host.encode.budget import Budget, Slow
from avl_host.encode.pipeline import Row
from avl_host.encode.worker import Worker
from avl_host.publish.permit import CapturePermit
from avl_protocol.media.frame import Chroma, EncodedFrame, ExactFrame, Frame
from avl_protocol.media.track import Track
from avl_protocol.rate.hop import frame_limit
from avl_protocol.session.media.sender import MediaSender


class Publication:
    """What is asked of one desktop's worker, if it has one yet, each thing only when it changes. `bitrate`: bits per
    second that it begins with."""

    def __init__(
        self,
        *,
        pictures: MediaSender,
        exact: MediaSender,
        lower: MediaSender | None,
        bitrate: int,
        permit: CapturePermit,
    ) -> None:
        self.pictures = pictures
        self.exact = exact
        #: The same pictures with fewer bits, for who cannot follow; None where they are not published.
        self.lower = lower
        #: Whether all of the desktop was sent as exact pixels, as of the newest object of either track.
        self.settled = False
        #: Whether nothing is to be captured, whoever gets its tracks.
        self.stopped = False
        #: What codes its pictures, as libavcodec calls it; empty before the first.
        self.coder = ""
        #: Whether its worker may take a picture.
        self.permit = permit
        #: When to look at that again without anything having happened, in seconds of the host's clock; None: never.
        self.look_at: float | None = None
        self._worker: Worker | None = None
        self._bitrate = bitrate
        self._chroma = Chroma.YUV444
        self._slow: Slow | None = None

    @property
    def senders(self) -> tuple[MediaSender, ...]:
        """All tracks."""
        return (self.pictures, self.exact, *(() if self.lower is None else (self.lower,)))

    @property
    def tracks(self) -> tuple[Track, ...]:
        """What it publishes."""
        return tuple(sender.track for sender in self.senders)

    def sender_of(self, frame: Frame) -> MediaSender:
        """The track of a frame, which is about to be sent."""
        if isinstance(frame, EncodedFrame) and frame.lower:
            assert self.lower is not None
            return self.lower
        self.settled = isinstance(frame, ExactFrame) and frame.settled
        return self.exact if isinstance(frame, ExactFrame) else self.pictures

    def start(self, worker: Worker) -> None:
        """Name the worker that makes the frames."""
        self._worker = worker

    def resume(self, worker: Worker) -> None:
        """Another worker makes the frames from now on; it is told what is wanted of them."""
        self.stopped = False
        self._worker = worker
        worker.set_chroma(self._chroma)
        worker.set_slow(self._slow)
        worker.set_budget(Budget(self._bitrate, frame_limit(self._bitrate)))

    def stop(self) -> None:
        """Nobody makes frames, and nobody is to."""
        self.stopped = True
        self.settled = False
        self._worker = None

    def request_key(self) -> None:
        """Begin a new group of pictures soon."""
        if self._worker is not None:
            self._worker.request_key()

    def request_lower_key(self) -> None:
        """The same for the pictures with fewer bits."""
        if self._worker is not None:
            self._worker.request_lower_key()

    def request_everything(self) -> None:
        """Send all of the desktop anew: somebody comes who has nothing."""
        if self._worker is not None:
            self._worker.request_everything()

    def request_missing(self, rows: tuple[Row, ...], tell: Callable[[tuple[Row, ...], int], None]) -> None:
        """Send again what objects of exact pixels showed; `tell(rows, newest)` is called when that is certain. All was
        sent all the same: to who asked, that says nothing up to `newest`."""
        if self._worker is not None:
            self._worker.request_missing(rows, tell)

    def input_applied(self, when: float) -> None:
        """Input was applied; frames captured later say so."""
        if self._worker is not None:
            self._worker.input_applied(when)

    def wake(self) -> None:
        """Something changed that may let the worker go on."""
        if self._worker is not None:
            self._worker.wake()

    def set_chroma(self, chroma: Chroma) -> None:
        """Code with this sampling from the next frame on."""
        if self._worker is not None and chroma is not self._chroma:
            self._chroma = chroma
            self._worker.set_chroma(chroma)

    def set_slow(self, bitrate: int, pictures: bool) -> None:
        """The slowest of those who cannot follow takes so many bits per second (0: all can); `pictures`: they get
        pictures with fewer bits. Small changes are let pass."""
        if self._worker is None:
            return
        slow, before = Slow(bitrate, pictures) if bitrate else None, self._slow
        if slow is None or before is None or slow.pictures != before.pictures:
            changes = slow != before
        else:
            changes = abs(slow.bitrate - before.bitrate) > before.bitrate // 20
        if changes:
            self._slow = slow
            self._worker.set_slow(slow)

    def set_bitrate(self, target: int, most: int) -> None:
        """Keep to `target` bits per second, of `most` that the host may ever send; small changes are let pass."""
        if self._worker is None:
            return
        if abs(target - self._bitrate) > self._bitrate // 20 or (target == most != self._bitrate):
            self._bitrate = target
            self._worker.set_budget(Budget(target, frame_limit(target)))
