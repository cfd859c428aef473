"""Mailbox: how decoder and network reach the window, whose toolkit may be touched by its own thread only.

It keeps what has changed on one desktop: what was never shown leaves what it changed to what replaces it. A queued
signal wakes the window: nobody polls.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from avl_protocol.media.frame import Monitor, Rect
from avl_protocol.session.input.ledger import Dropped
from avl_protocol.wire.registry import InputDevice
from avl_viewer.present.company import Company
from avl_viewer.present.marks import Mark
from avl_viewer.present.presenter import CursorShape, Picture, Status


class Mailbox(QObject):
    """Satisfies Presenter from any thread; its signals arrive in the window's."""

    pictured = Signal()
    laid_out = Signal(int, int)
    cursor_changed = Signal(object)
    devices_changed = Signal(object)
    clipboard_changed = Signal(str)
    remarked = Signal(str)
    status_changed = Signal(object)
    input_dropped = Signal(object)
    company_changed = Signal(object)
    marked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        #: The newest of each track.
        self._pictures: dict[int, Picture] = {}
        self._dirty: tuple[Rect, ...] = ()
        self._first: int | None = None
        self._presented: Callable[[int, int, float], None] | None = None

    def take(self) -> tuple[list[Picture], tuple[Rect, ...]]:
        """The newest object of each track, and all that has changed, since the last call."""
        with self._lock:
            pictures, self._pictures = self._pictures, {}
            dirty, self._dirty = self._dirty, ()
        return list(pictures.values()), dirty

    def presented(self, pictures: list[Picture], at: float) -> None:
        """Report that these are on the screen."""
        if self._presented is not None:
            for picture in pictures:
                self._presented(picture.track, picture.number, at)

    def tracks(self, tracks: tuple[int, ...]) -> None:
        self._first = tracks[0] if tracks else None

    def picture(self, picture: Picture) -> None:
        if self._first not in (None, picture.desktop):
            return
        with self._lock:
            waiting = bool(self._pictures)
            self._dirty += picture.dirty
            self._pictures[picture.track] = picture
        if not waiting:
            self.pictured.emit()

    def layout(self, width: int, height: int, monitors: tuple[Monitor, ...]) -> None:
        self.laid_out.emit(width, height)

    def cursor(self, cursor: CursorShape) -> None:
        self.cursor_changed.emit(cursor)

    def devices(self, devices: InputDevice) -> None:
        self.devices_changed.emit(devices)

    def clipboard(self, text: str) -> None:
        self.clipboard_changed.emit(text)

    def remark(self, text: str) -> None:
        self.remarked.emit(text)

    def exact(self, desktop: int, exact: bool) -> None:
        """A window shows what there is; that it is exact, its figures tell."""

    def status(self, status: Status) -> None:
        self.status_changed.emit(status)

    def company(self, company: Company) -> None:
        self.company_changed.emit(company)

    def mark(self, mark: Mark) -> None:
        self.marked.emit(mark)

    def dropped(self, dropped: list[Dropped]) -> None:
        self.input_dropped.emit(dropped)

    def attach(self, presented: Callable[[int, int, float], None]) -> None:
        self._presented = presented
