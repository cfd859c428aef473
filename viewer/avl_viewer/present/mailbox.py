"""Mailbox: how decoder and network reach the window, whose toolkit may be touched by its own thread only.

It keeps the pictures of one track, the desktop's. The newest waits in a slot of one; a picture that was never shown
leaves what it changed to the one that replaces it. A queued signal wakes the window: nobody polls.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from avl_protocol.media.frame import Monitor, Rect
from avl_protocol.session.input.ledger import Dropped
from avl_viewer.present.presenter import CursorShape, Picture, Status


class Mailbox(QObject):
    """Satisfies Presenter from any thread; its signals arrive in the window's."""

    pictured = Signal()
    laid_out = Signal(int, int)
    cursor_changed = Signal(object)
    clipboard_changed = Signal(str)
    remarked = Signal(str)
    status_changed = Signal(object)
    input_dropped = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._picture: Picture | None = None
        self._dirty: tuple[Rect, ...] | None = ()
        self._first: int | None = None
        self._presented: Callable[[int, int, float], None] | None = None

    def take(self) -> tuple[Picture, tuple[Rect, ...] | None] | None:
        """The newest picture and what it changes since the one taken before; None when that was the newest."""
        with self._lock:
            picture, dirty = self._picture, self._dirty
            self._picture, self._dirty = None, ()
        return None if picture is None else (picture, dirty)

    def presented(self, picture: Picture, at: float) -> None:
        """Report that a picture is on the screen."""
        if self._presented is not None:
            self._presented(picture.track, picture.number, at)

    def tracks(self, tracks: tuple[int, ...]) -> None:
        self._first = tracks[0] if tracks else None

    def picture(self, picture: Picture) -> None:
        if self._first not in (None, picture.track):
            return
        with self._lock:
            waiting = self._picture is not None
            if self._dirty is not None:
                self._dirty = None if picture.dirty is None else self._dirty + picture.dirty
            self._picture = picture
        if not waiting:
            self.pictured.emit()

    def layout(self, width: int, height: int, monitors: tuple[Monitor, ...]) -> None:
        self.laid_out.emit(width, height)

    def cursor(self, cursor: CursorShape) -> None:
        self.cursor_changed.emit(cursor)

    def clipboard(self, text: str) -> None:
        self.clipboard_changed.emit(text)

    def remark(self, text: str) -> None:
        self.remarked.emit(text)

    def settled(self, track: int, number: int) -> None:
        """A window shows what there is; that nothing better follows changes nothing."""

    def status(self, status: Status) -> None:
        self.status_changed.emit(status)

    def dropped(self, dropped: list[Dropped]) -> None:
        self.input_dropped.emit(dropped)

    def attach(self, presented: Callable[[int, int, float], None]) -> None:
        self._presented = presented
