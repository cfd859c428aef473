"""A presenter without a screen: keeps the newest picture for the automation API, the command line and tests.

A picture counts as presented as soon as it is here. Colours are converted only when somebody looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from avl_protocol.media.frame import Monitor
from avl_protocol.session.input.ledger import Dropped
from avl_viewer.present.presenter import CursorShape, Picture, Status

if TYPE_CHECKING:  # who only types loads neither numpy nor a decoder
    import numpy as np
    from numpy.typing import NDArray


class HeadlessPresenter:
    """Satisfies Presenter. The `on_...` hooks are called in the thread that reports (pictures: the decoder's).

    The last value of everything is kept: `size`, `monitors`, `cursor_shape`, `clipboard_text`, `remarked`, `state`, of
    each track the newest picture and what is settled, and `first`, the track that is the desktop.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        on_picture: Callable[[Picture], None] | None = None,
        on_layout: Callable[[int, int, tuple[Monitor, ...]], None] | None = None,
        on_cursor: Callable[[CursorShape], None] | None = None,
        on_clipboard: Callable[[str], None] | None = None,
        on_remark: Callable[[str], None] | None = None,
        on_settled: Callable[[int, int], None] | None = None,
        on_status: Callable[[Status], None] | None = None,
    ) -> None:
        self._now = now
        self._on_picture = on_picture
        self._on_layout = on_layout
        self._on_cursor = on_cursor
        self._on_clipboard = on_clipboard
        self._on_remark = on_remark
        self._on_settled = on_settled
        self._on_status = on_status
        self._presented: Callable[[int, int, float], None] | None = None
        self._lock = threading.Lock()
        self._latest: dict[int, Picture] = {}
        self._settled: dict[int, int] = {}
        self.first: int | None = None
        self._shot: tuple[Any, NDArray[np.uint8]] | None = None
        self.size: tuple[int, int] | None = None
        self.monitors: tuple[Monitor, ...] = ()
        self.cursor_shape: CursorShape | None = None
        self.clipboard_text: str | None = None
        self.remarked: str | None = None
        self.state: Status | None = None

    def latest(self, track: int | None = None) -> Picture | None:
        """The newest picture of a track (None: of the desktop), None before the first."""
        track = self.first if track is None else track
        return None if track is None else self._latest.get(track)

    @property
    def settled_number(self) -> int | None:
        """The newest object of the desktop that is settled."""
        return None if self.first is None else self._settled.get(self.first)

    def screenshot(self) -> NDArray[np.uint8]:
        """The newest picture as (height, width, 3) RGB, the caller's own. Raises LookupError before the first."""
        from avl_viewer.decode.convert import Canvas

        with self._lock:
            picture = self.latest()
            if picture is None:
                raise LookupError("no picture has arrived yet")
            if self._shot is None or self._shot[0] is not picture:
                canvas = Canvas()
                canvas.show(picture.frame, picture.width, picture.height, None)
                self._shot = (picture, self._stretched(canvas.rgb()))
            return self._shot[1].copy()

    def _stretched(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """In desktop pixels: on a slow link a film comes with fewer."""
        import numpy as np

        height, width = pixels.shape[:2]
        if self.size is None or self.size == (width, height):
            return pixels
        rows = np.arange(self.size[1]) * height // self.size[1]
        columns = np.arange(self.size[0]) * width // self.size[0]
        stretched: NDArray[np.uint8] = pixels[rows][:, columns]
        return stretched

    def tracks(self, tracks: tuple[int, ...]) -> None:
        self.first = tracks[0] if tracks else None
        self._settled.clear()

    def picture(self, picture: Picture) -> None:
        if self.first is None:
            self.first = picture.track
        self._latest[picture.track] = picture
        if self._presented is not None:
            self._presented(picture.track, picture.number, self._now())
        if self._on_picture is not None:
            self._on_picture(picture)

    def layout(self, width: int, height: int, monitors: tuple[Monitor, ...]) -> None:
        self.size, self.monitors = (width, height), monitors
        if self._on_layout is not None:
            self._on_layout(width, height, monitors)

    def cursor(self, cursor: CursorShape) -> None:
        self.cursor_shape = cursor
        if self._on_cursor is not None:
            self._on_cursor(cursor)

    def clipboard(self, text: str) -> None:
        self.clipboard_text = text
        if self._on_clipboard is not None:
            self._on_clipboard(text)

    def remark(self, text: str) -> None:
        self.remarked = text
        if self._on_remark is not None:
            self._on_remark(text)

    def settled(self, track: int, number: int) -> None:
        self._settled[track] = number
        if self._on_settled is not None:
            self._on_settled(track, number)

    def status(self, status: Status) -> None:
        self.state = status
        if self._on_status is not None:
            self._on_status(status)

    def dropped(self, dropped: list[Dropped]) -> None:
        """Who asked for the input is told by an exception."""

    def attach(self, presented: Callable[[int, int, float], None]) -> None:
        self._presented = presented
