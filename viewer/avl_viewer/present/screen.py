"""Screen: the widget that the desktop is seen in and that the hands touch.

Raster, not OpenGL: drawing the changed part of a QImage over the canvas' own memory takes well under a millisecond
and no copy, where software GL composes the whole window for 50 ms. A picture is painted within the call that brings
it: QWidget.update() would wait for the event loop, which gives other events 5 ms of precedence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QCursor,
    QFocusEvent,
    QGuiApplication,
    QImage,
    QInputMethodEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from avl_protocol.media.frame import Rect
from avl_viewer.decode.canvas import Canvas
from avl_viewer.input.hands import SILENT, Hands, Row
from avl_viewer.input.pen import Pen
from avl_viewer.present.geometry import Geometry
from avl_viewer.present.marks import Mark
from avl_viewer.present.overlay import Overlay, logical
from avl_viewer.present.presenter import CursorShape

BACKGROUND = QColor(16, 18, 22)
DIMMED = QColor(12, 14, 18, 175)
#: Device pixels at an edge that move a desktop larger than the window, how far, and every how many milliseconds.
EDGE, STEP, PERIOD = 12, 24, 16
#: Logical pixels at the top that call the toolbar.
SUMMONING = 2
#: A pointer is not made larger than so many times.
CURSOR_FACTOR = 4
_FLUSH = QEvent.Type(QEvent.registerEventType())
#: Keys of the window itself while Ctrl+Alt+Shift are held, by HID usage.
COMMANDS = {
    0x06: "control",
    0x07: "draw",
    0x09: "fullscreen",
    0x0A: "grab",
    0x14: "leave",
    0x16: "statistics",
    0x17: "toolbar",
    0x1E: "exact",
}
_COMMAND_MODIFIERS = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
)


class Screen(QWidget):
    """A top-level window full of desktop."""

    command = Signal(str)
    summoned = Signal()
    composing = Signal(str)
    focused = Signal(bool)
    resized = Signal()
    closing = Signal()

    def __init__(self, send: Callable[[list[Row]], None], now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self.overlay = Overlay()
        #: What the overlay covered when it was painted last.
        self._covered = QRegion()
        self._fading = QTimer(self)
        self._fading.setSingleShot(True)
        self._fading.timeout.connect(self.refresh_overlay)
        self._image: QImage | None = None
        self._pixels: NDArray[np.uint8] | None = None
        #: The canvas that the image lies over, and its generation.
        self._shown: tuple[Canvas, int] | None = None
        self._geometry = Geometry()
        self._painted = False
        self._dimmed = False
        self._cursor = QCursor(Qt.CursorShape.ArrowCursor)
        #: The host's pointer, and how many device pixels one of its pixels was made.
        self._shape: CursorShape | None = None
        self._shape_factor = 1
        self._pointer = QPointF()
        self._panning = QTimer(self)
        self._panning.setInterval(PERIOD)
        self._panning.timeout.connect(self._pan)
        self.grabs = False
        self._repeating = QTimer(self)
        self._repeating.setSingleShot(True)
        self._repeating.setInterval(round(SILENT * 1000))
        self.hands = Hands(
            send=send,
            to_desktop=self._to_desktop,
            defer=self._defer,
            watch=self._watch,
            platform=QGuiApplication.platformName(),
        )
        self._repeating.timeout.connect(self.hands.silent)
        self.pen = Pen(self._to_desktop)
        for attribute in (
            Qt.WidgetAttribute.WA_OpaquePaintEvent,
            Qt.WidgetAttribute.WA_NoSystemBackground,
            Qt.WidgetAttribute.WA_InputMethodEnabled,
        ):
            self.setAttribute(attribute)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(320, 200)

    @property
    def view(self) -> Geometry:
        """Where the desktop lies now."""
        return self._geometry

    def show_canvas(self, canvas: Canvas, dirty: tuple[Rect, ...]) -> bool:
        """Paint what has changed on the canvas; whether it is on the screen (a hidden window paints nothing)."""
        canvas.refresh()
        if self._image is None or (canvas, canvas.generation) != self._shown:
            self._shown = (canvas, canvas.generation)
            pixels = canvas.pixels
            height, width = pixels.shape[:2]
            # The image lies over memory that the canvas lets go of when its size changes, on another thread: keep it.
            image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
            self._image, self._pixels = image, pixels
            dirty = (Rect(0, 0, width, height),)
        # Not the canvas' size: that may have become another since, on another thread.
        width, height = self._image.width(), self._image.height()
        if (width, height) != (self._geometry.width, self._geometry.height):
            self.set_desktop(width, height)
        region = QRegion()
        for rect in dirty:
            region += self._logical(self._geometry.to_window(rect))
        self._painted = False
        self.repaint(region & self.rect())
        return self._painted or region.isEmpty()

    def announce(self, width: int, height: int) -> None:
        """The desktop is said to have this size: of use before there is a picture, since then what is seen counts."""
        if self._image is None:
            self.set_desktop(width, height)

    def set_desktop(self, width: int, height: int) -> None:
        """The desktop that is seen has this size."""
        self._replace(replace(self._geometry, width=width, height=height).panned(0, 0))

    def set_exact(self, exact: bool) -> None:
        """Pixel for pixel, or fitted into the window."""
        self._replace(replace(self._geometry, exact=exact).panned(0, 0))

    def mark(self, mark: Mark) -> None:
        """Somebody points or draws over the picture."""
        self.overlay.take(mark, self._now())
        self.refresh_overlay()

    def refresh_overlay(self) -> None:
        """Paint what lies over the picture as it is now, and again when it will have changed by itself."""
        now = self._now()
        covers = logical(self.overlay.region(self._geometry, now), self.devicePixelRatioF())
        if not (covers | self._covered).isEmpty():
            self.update(covers | self._covered)
        self._covered = covers
        due = self.overlay.marks.next_change(now)
        if due is not None:
            self._fading.start(max(1, round((due - now) * 1000)))

    def set_drawing(self, drawing: bool) -> None:
        """Whether the mouse draws over the picture instead of acting on the desktop."""
        self.hands.release_all()
        self.pen.put_down()
        self.pen.drawing = drawing
        self._show_cursor()

    def _show_cursor(self) -> None:
        if self.pen.drawing and not self._dimmed:
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.setCursor(Qt.CursorShape.ArrowCursor if self._dimmed else self._cursor)

    def set_dimmed(self, dimmed: bool) -> None:
        """Draw the picture as a thing of the past."""
        if dimmed != self._dimmed:
            self._dimmed = dimmed
            self._show_cursor()
            self.update()

    def set_cursor(self, shape: CursorShape) -> None:
        """The host's pointer is drawn by our own display, so that it follows the hand without a round trip; as large as
        the desktop's pixels are shown, and with the pixels of our screen."""
        self._shape = shape
        factor = self._shape_factor = self._factor()
        if shape.width and shape.height:
            ratio = self.devicePixelRatioF()
            image = QImage(shape.rgba, shape.width, shape.height, shape.width * 4, QImage.Format.Format_RGBA8888)
            pixmap = QPixmap.fromImage(image.scaled(shape.width * factor, shape.height * factor))
            pixmap.setDevicePixelRatio(ratio)
            hot = (round(at * factor / ratio) for at in (shape.hot_x, shape.hot_y))
            self._cursor = QCursor(pixmap, *hot)
        else:
            self._cursor = QCursor(Qt.CursorShape.BlankCursor)
        if not self._dimmed:
            self._show_cursor()

    def _factor(self) -> int:
        """Device pixels of one pixel of the pointer."""
        return max(1, min(CURSOR_FACTOR, round(self._geometry.scale)))

    def set_grab(self, grabs: bool) -> None:
        """Whether keys that the local desktop would keep come here while the window has the focus."""
        self.grabs = grabs
        if grabs and self.hasFocus():
            self.grabKeyboard()
        elif not grabs:
            self._give_keyboard_back()

    def _give_keyboard_back(self) -> None:
        """Grab no more, and from this moment on: Qt leaves the request in a buffer until the next key has come here."""
        self.releaseKeyboard()
        QGuiApplication.queryKeyboardModifiers()  # its answer comes after all that waited in the buffer

    def set_places(self, places: bool) -> None:
        """Whether keys travel by their place alone; nothing is composed then."""
        self.hands.places = places
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, not places)

    def _watch(self, wanted: bool) -> None:
        if wanted:
            self._repeating.start()
        else:
            self._repeating.stop()

    def _replace(self, geometry: Geometry) -> None:
        if geometry != self._geometry:
            self._geometry = geometry
            self._fit_cursor()
            self.update()
            self.refresh_overlay()

    def _fit_cursor(self) -> None:
        """The picture may be shown larger or smaller than before."""
        if self._shape is not None and self._factor() != self._shape_factor:
            self.set_cursor(self._shape)

    def _to_desktop(self, position: QPointF) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return self._geometry.to_desktop(position.x() * ratio, position.y() * ratio)

    def _logical(self, rect: Rect) -> QRect:
        ratio = self.devicePixelRatioF()
        if ratio == 1.0:
            return QRect(rect.x, rect.y, rect.width, rect.height)
        left, top = int(rect.x // ratio) - 1, int(rect.y // ratio) - 1
        right, bottom = int((rect.x + rect.width) // ratio) + 2, int((rect.y + rect.height) // ratio) + 2
        return QRect(left, top, right - left, bottom - top)

    def _defer(self) -> None:
        QCoreApplication.postEvent(self, QEvent(_FLUSH))

    def _pan(self) -> None:
        ratio = self.devicePixelRatioF()
        x, y = self._pointer.x() * ratio, self._pointer.y() * ratio
        view = self._geometry
        dx = STEP * ((x >= view.window_width - EDGE) - (x < EDGE))
        dy = STEP * ((y >= view.window_height - EDGE) - (y < EDGE))
        moved = view.panned(dx, dy) if view.pannable else view
        if moved == view:
            self._panning.stop()
            return
        self._replace(moved)
        self.hands.move(self._pointer)
        if not self._panning.isActive():
            self._panning.start()

    # What Qt calls, under the names it gives.

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        ratio = self.devicePixelRatioF()
        if ratio != 1.0:
            painter.scale(1 / ratio, 1 / ratio)
        view, image = self._geometry, self._image
        target = QRect(view.target.x, view.target.y, view.target.width, view.target.height)
        region = event.region()
        if ratio != 1.0:
            region = QRegion(QRect(0, 0, view.window_width, view.window_height))
        if image is None:
            painter.fillRect(region.boundingRect(), BACKGROUND)
        else:
            for rect in _rects(region - target):
                painter.fillRect(rect, BACKGROUND)
            if view.scale == 1.0:
                for rect in _rects(region & target):
                    painter.drawImage(rect.topLeft(), image, rect.translated(-target.topLeft()))
            else:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not view.sharp)
                painter.drawImage(target, image)
            if self._dimmed:
                painter.fillRect(region.boundingRect(), DIMMED)
            else:
                self.overlay.paint(painter, view, self._now())
        painter.end()
        self._painted = True

    def resizeEvent(self, event: QResizeEvent) -> None:
        ratio = self.devicePixelRatioF()
        self._geometry = replace(
            self._geometry, window_width=round(self.width() * ratio), window_height=round(self.height() * ratio)
        ).panned(0, 0)
        self._fit_cursor()
        self.resized.emit()

    def customEvent(self, event: QEvent) -> None:
        # Not event(), which Qt calls for all there is, each time through Python: a press would wait for it. Nothing in
        # this window has a shortcut, so none has to be kept from a key.
        if event.type() == _FLUSH:
            self.hands.flush()

    def focusNextPrevChild(self, next: bool) -> bool:
        return not self.hasFocus() and super().focusNextPrevChild(next)  # Tab belongs to the desktop

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() & _COMMAND_MODIFIERS == _COMMAND_MODIFIERS:
            command = COMMANDS.get(self.hands.usage(event) or 0)
            if command is not None:
                if not event.isAutoRepeat():
                    self.hands.release_all()
                    self.command.emit(command)
                return
        if event.key() == Qt.Key.Key_F11 and not self.grabs:
            if not event.isAutoRepeat():
                self.command.emit("fullscreen")
            return
        self.hands.key(event, True)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        self.hands.key(event, False)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self.composing.emit(event.preeditString())
        self.hands.commit(event.commitString())
        event.accept()

    def inputMethodQuery(self, query: Qt.InputMethodQuery) -> object:
        if query == Qt.InputMethodQuery.ImEnabled:
            return True
        if query == Qt.InputMethodQuery.ImCursorRectangle:
            return QRect(self._pointer.toPoint(), QPoint(self._pointer.toPoint().x() + 1, int(self._pointer.y()) + 16))
        return super().inputMethodQuery(query)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        self.hands.evidence(event.modifiers())
        if self.pen.drawing:
            self.pen.move(event.position())
        else:
            self.hands.move(event.position())
        if (
            event.position().y() < SUMMONING
            and not event.buttons()
            and self.width() / 3 < event.position().x() < (self.width() * 2 / 3)
        ):
            self.summoned.emit()
        if self._geometry.pannable and not self._panning.isActive():
            self._pan()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.hands.evidence(event.modifiers())
        self._button(event, True)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.hands.evidence(event.modifiers())
        self._button(event, True)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._button(event, False)

    def _button(self, event: QMouseEvent, down: bool) -> None:
        if self.pen.drawing:
            self.pen.button(event.button(), down, event.position())
        else:
            self.hands.button(event.button(), down, event.position())

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.hands.evidence(event.modifiers())
        if not self.pen.drawing:
            self.hands.wheel(event)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self._panning.stop()

    def focusInEvent(self, event: QFocusEvent) -> None:
        if self.grabs:
            self.grabKeyboard()
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._give_keyboard_back()
        self.hands.release_all()
        self.pen.put_down()
        self.focused.emit(False)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.hands.release_all()
        event.ignore()  # the window goes when the session has ended
        self.closing.emit()


def _rects(region: QRegion) -> list[QRect]:
    return list(region)  # type: ignore[no-any-return, call-overload]
