"""Statistics: figures of the host and both hops, and the part that `avl stats` prints (spec 01-overview, 1.6.2)."""

from __future__ import annotations

from typing import Any

from avl_protocol.rate.control import readable
from avl_protocol.session.media.receiver import MediaReceiver
from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.endtoend import Rate, Stages
from avl_protocol.wire.messages import HopRate
from avl_viewer.decode.picturebook import PictureBook
from avl_viewer.figures.report import ExactShare, session_report
from avl_viewer.paths.paths import Paths


class StatisticsService(Service[ViewerSession]):
    """Collects figures."""

    def __init__(self, book: PictureBook) -> None:
        self._book = book
        #: What the rate controllers of both hops last said: upload (from the host) and download (from a relay to us).
        self._rates: dict[str, dict[str, str | float]] = {}

    def stages(self, session: ViewerSession, message: Stages, now: float) -> None:
        """Where the host's time went."""
        self._book.host_stages(message.times_us, now)
        self._book.encoded_by(message.coder)

    def rate(self, session: ViewerSession, message: Rate, now: float) -> None:
        """How the host's hop is doing."""
        self._rates["upload"] = readable(message.state, message.reason, message.figures)

    def hop_rate(self, message: HopRate) -> None:
        """How our own hop is doing, as the relay says."""
        self._rates["download"] = readable(message.state, message.reason, message.figures)

    def hops_changed(self) -> None:
        """The hops are others now."""
        self._rates.clear()

    def report(
        self, paths: Paths | None, media: MediaReceiver | None, depth: int, exact: ExactShare, now: float
    ) -> dict[str, Any]:
        """The stats object; `depth`: frames that wait for the decoder."""
        return session_report(self._book, paths, media, depth, self._rates, exact, now)
