"""MonitorWindow: one more of the host's monitors, in a window of its own beside the first.

It shows and it takes what hands do; all else (toolbar, notices, clipboard) belongs to the first window.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from avl_protocol.media.frame import Monitor, Rect
from avl_protocol.wire.foreign import for_dialog
from avl_viewer.decode.canvas import Canvas
from avl_viewer.input.hands import Row
from avl_viewer.present.screen import open_screen

#: The part of the display that a window may take.
ROOM = 0.92


class MonitorWindow(QObject):
    """The monitor of a number, on the display of this machine that comes `at` so many behind the first. `command(name)`
    is for the first window; `closed(number)`: the person wants to see it no more."""

    command = Signal(str)
    closed = Signal(int)

    def __init__(
        self, number: int, at: int, title: str, send: Callable[[list[Row]], None], now: Callable[[], float]
    ) -> None:
        super().__init__()
        self.number = number
        self._title = title
        self._sized = False
        displays = QGuiApplication.screens()
        self._display = displays[at % len(displays)]
        self.screen = open_screen(send, now)
        self.screen.command.connect(self._act)
        self.screen.closing.connect(lambda: self.closed.emit(self.number))

    def place(self, monitor: Monitor) -> None:
        """The monitor is there, of this size, and called so."""
        screen = self.screen
        screen.set_origin(monitor.x, monitor.y)
        screen.announce(monitor.width, monitor.height)
        screen.setWindowTitle(for_dialog(f"{monitor.name} - {self._title} - avl"))
        if self._sized:
            return
        self._sized = True
        ratio, room = self._display.devicePixelRatio(), self._display.availableGeometry()
        width, height = monitor.width / ratio, monitor.height / ratio
        part = min(1.0, room.width() * ROOM / width, room.height() * ROOM / height)
        screen.setGeometry(
            room.x() + round((room.width() - width * part) / 2),
            room.y() + round((room.height() - height * part) / 2),
            round(width * part),
            round(height * part),
        )
        screen.show()

    def show_canvas(self, canvas: Canvas, dirty: tuple[Rect, ...]) -> bool:
        """See Screen."""
        return self.screen.show_canvas(canvas, dirty)

    def close(self) -> None:
        """The window is gone."""
        self.screen.hands.release_all()
        self.screen.hide()
        self.screen.deleteLater()

    def _act(self, action: str) -> None:
        if action == "fullscreen":
            if self.screen.isFullScreen():
                self.screen.showNormal()
            else:
                self.screen.showFullScreen()
        elif action == "exact":
            self.screen.set_exact(not self.screen.view.exact)
        else:
            self.command.emit(action)
