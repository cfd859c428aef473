"""PictureBook: objects of one desktop between their arrival and the screen, on three threads, and the figures about
them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from avl_protocol.session.media.receiver import ReceivedExact, ReceivedFrame, ReceivedObject
from avl_viewer.figures.stats import Arrival, Stats

#: The host's stages, in the order STAGES tells them (spec 03-wire, 3.4).
HOST_STAGES = ("grab", "compare", "convert", "encode", "seal")
#: What decodes where no hardware does.
SOFTWARE = "software"


@dataclass(frozen=True, slots=True)
class PictureKind:
    """What pictures are coded as: RFC 6381 codec, chroma sampling, and their size."""

    codec: str
    chroma: str
    width: int
    height: int


class PictureBook:
    """Guards Stats, which the network's, the decoder's and the presenter's threads feed: while these run, it is asked
    and told by the methods here only."""

    def __init__(self) -> None:
        self.stats = Stats()
        #: What the newest picture was; None before any.
        self.kind: PictureKind | None = None
        #: What codes pictures at the host, and what decodes them here; None before it is known.
        self.encoder: str | None = None
        self.decoder: str | None = None
        self._lock = threading.Lock()

    def renew(self) -> None:
        """A new session: object numbers start again."""
        with self._lock:
            self.stats = Stats()
            self.kind = self.encoder = self.decoder = None

    def received(self, one: ReceivedObject, captured: float) -> None:
        """An object is whole and opened; `captured` in our clock."""
        echo = one.exact.input_echo_us if isinstance(one, ReceivedExact) else one.preamble.input_echo_us
        arrival = Arrival(one.track, one.number, one.size, captured, echo / 1e6, one.first, one.last)
        with self._lock:
            self.stats.received(arrival)
            if isinstance(one, ReceivedFrame):
                self.kind = PictureKind(one.codec, one.chroma.name, one.width, one.height)

    def decoded(self, one: ReceivedObject, started: float, finished: float) -> float:
        """An object was decoded; when it was captured, in our clock."""
        with self._lock:
            return self.stats.decoded(one.track, one.number, finished - started, finished) or one.first

    def decoded_by(self, device: str | None) -> None:
        """A picture was decoded by this hardware; None: by software."""
        self.decoder = device or SOFTWARE

    def encoded_by(self, coder: str) -> None:
        """The host says what codes its pictures; empty: it does not say."""
        self.encoder = coder or self.encoder

    def presented(self, track: int, number: int, at: float) -> float | None:
        """An object is on the screen; how long after its capture, if that is known."""
        with self._lock:
            return self.stats.presented(track, number, at)

    def host_stages(self, times_us: tuple[int, ...], now: float) -> None:
        """Where the host's time went."""
        with self._lock:
            for name, value in zip(HOST_STAGES, times_us, strict=False):
                self.stats.stage(name, value / 1e6, now)

    def input_sent(self, sequence: int, at: float) -> None:
        """An input batch left."""
        with self._lock:
            self.stats.input_sent(sequence, at)

    def input_applied(self, sequence: int, host_time: float) -> None:
        """Batches up to `sequence` were applied at `host_time` (host's clock)."""
        with self._lock:
            self.stats.input_applied(sequence, host_time)

    def report(
        self, now: float, path: str, rtt: float | None, lost: int, received: int, extra: dict[str, Any]
    ) -> dict[str, Any]:
        """See Stats."""
        with self._lock:
            return self.stats.report(now, path, rtt, lost, received, extra)
