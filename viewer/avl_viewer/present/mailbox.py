"""Mailbox: how decoder and network reach the windows, whose toolkit may be touched by its own thread only.

It keeps what has changed on each desktop that is shown: what was never shown leaves what it changed to what replaces
it. A queued signal wakes the window: nobody polls.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from avl_protocol.media.frame import Monitor, Rect
from avl_protocol.session.input.ledger import Dropped
from avl_protocol.wire.clipformats import Copy
from avl_protocol.wire.registry import ClipboardState, InputDevice
from avl_viewer.present.company import Company
from avl_viewer.present.marks import Mark
from avl_viewer.present.presenter import CursorShape, Picture, Status
from avl_viewer.services.sound import HostSound
from avl_viewer.transfers import Shown


class Mailbox(QObject):
    """Satisfies Presenter from any thread; its signals arrive in the window's."""

    pictured = Signal()
    laid_out = Signal(int, int, object)
    cursor_changed = Signal(object)
    clipboard_changed = Signal(object)
    devices_changed = Signal(object)
    remarked = Signal(str)
    status_changed = Signal(object)
    input_dropped = Signal(object)
    company_changed = Signal(object)
    marked = Signal(object)
    sound_changed = Signal(object)
    microphone_changed = Signal(bool)
    rearranged = Signal(object)
    transfers_changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        #: Of each desktop the newest picture of each track, and what has changed.
        self._pictures: dict[int, dict[int, Picture]] = {}
        self._dirty: dict[int, tuple[Rect, ...]] = {}
        self._first: int | None = None
        #: Desktops that are monitors by themselves.
        self._watched: dict[int, int] = {}
        self._presented: Callable[[int, int, float], None] | None = None

    def take(self) -> dict[int, tuple[list[Picture], tuple[Rect, ...]]]:
        """Of each desktop, by its first track, the newest object of each track and all that has changed since the last
        call."""
        with self._lock:
            pictures, self._pictures = self._pictures, {}
            dirty, self._dirty = self._dirty, {}
        return {desktop: (list(newest.values()), dirty[desktop]) for desktop, newest in pictures.items()}

    def presented(self, pictures: list[Picture], at: float) -> None:
        """Report that these are on the screen."""
        if self._presented is not None:
            for picture in pictures:
                self._presented(picture.track, picture.number, at)

    def tracks(self, tracks: tuple[int, ...]) -> None:
        with self._lock:
            self._first = tracks[0] if tracks else None
            self._pictures = {one: newest for one, newest in self._pictures.items() if one in tracks}

    def picture(self, picture: Picture) -> None:
        with self._lock:
            if self._first not in (None, picture.desktop) and picture.desktop not in self._watched:
                return
            waiting = bool(self._pictures)
            self._dirty[picture.desktop] = self._dirty.get(picture.desktop, ()) + picture.dirty
            self._pictures.setdefault(picture.desktop, {})[picture.track] = picture
        if not waiting:
            self.pictured.emit()

    def layout(self, width: int, height: int, monitors: tuple[Monitor, ...]) -> None:
        self.laid_out.emit(width, height, monitors)

    def watched(self, monitors: dict[int, int]) -> None:
        with self._lock:
            self._watched = monitors
        self.rearranged.emit(monitors)

    def cursor(self, cursor: CursorShape) -> None:
        self.cursor_changed.emit(cursor)

    def devices(self, devices: InputDevice) -> None:
        self.devices_changed.emit(devices)

    def clipboard(self, text: str) -> None:
        self.clipboard_changed.emit(Copy(text or ClipboardState.EMPTY))

    def copied(self, copy: Copy) -> None:
        self.clipboard_changed.emit(copy)

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

    def sound(self, host: HostSound) -> None:
        self.sound_changed.emit(host)

    def microphone(self, on: bool) -> None:
        self.microphone_changed.emit(on)

    def transfers(self, transfers: tuple[Shown, ...]) -> None:
        self.transfers_changed.emit(transfers)

    def dropped(self, dropped: list[Dropped]) -> None:
        self.input_dropped.emit(dropped)

    def attach(self, presented: Callable[[int, int, float], None]) -> None:
        self._presented = presented
