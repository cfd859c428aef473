"""PictureBook: frames of one track between their arrival and the screen, on three threads, and the figures about
them."""

from __future__ import annotations

import threading
from typing import Any

from avl_protocol.session.media.receiver import ReceivedFrame
from avl_viewer.figures.stats import Stats
from avl_viewer.present.presenter import Picture

#: The host's stages, in the order STAGES tells them (spec 03-wire, 3.4).
HOST_STAGES = ("grab", "compare", "convert", "encode", "seal")


class PictureBook:
    """Guards Stats, which the network's, the decoder's and the presenter's threads feed."""

    def __init__(self) -> None:
        self.stats = Stats()
        self._lock = threading.Lock()
        self._captured: dict[int, float] = {}

    def renew(self) -> None:
        """A new session: object numbers start again."""
        with self._lock:
            self.stats = Stats()
            self._captured.clear()

    def received(self, frame: ReceivedFrame, captured: float) -> None:
        """A frame is whole and opened; `captured` in our clock."""
        with self._lock:
            self._captured[frame.number] = captured
            self.stats.frame_received(frame, captured)

    def decoded(self, frame: ReceivedFrame, image: Any, started: float, finished: float) -> Picture:
        """A frame was decoded: the picture to present."""
        with self._lock:
            captured = self._captured.pop(frame.number, frame.first)
            for old in [number for number in self._captured if number < frame.number]:
                del self._captured[old]
            self.stats.frame_decoded(frame.number, finished - started, finished)
        dirty = frame.preamble.dirty or None
        if frame.preamble.key:
            dirty = None
        return Picture(
            track=frame.track,
            number=frame.number,
            width=frame.width,
            height=frame.height,
            chroma=frame.chroma,
            frame=image,
            dirty=dirty,
            captured=captured,
            received=frame.last,
            decoded=finished,
        )

    def presented(self, number: int, at: float) -> None:
        """A picture is on the screen."""
        with self._lock:
            self.stats.frame_presented(number, at)

    def host_stages(self, times_us: tuple[int, ...], now: float) -> None:
        """Where the host's time went."""
        with self._lock:
            for name, value in zip(HOST_STAGES, times_us, strict=False):
                self.stats.stage(name, value / 1e6, now)
