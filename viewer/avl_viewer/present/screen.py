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
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QCursor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QGuiApplication,
    QImage,
    QInputDevice,
    QInputMethodEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QRegion,
    QResizeEvent,
    QTabletEvent,
    QTouchEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from avl_protocol.media.frame import Rect
from avl_viewer.decode.canvas import Canvas
from avl_viewer.input.caught import Caught
from avl_viewer.input.hands import SILENT, Hands, Row
from avl_viewer.input.pen import Pen
from avl_viewer.input.touch import Touch
from avl_viewer.present.geometry import Geometry
from avl_viewer.present.halves import Halves, levels
from avl_viewer.present.label import label
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
    0x08: "remote",
    0x09: "fullscreen",
    0x0A: "grab",
    0x0F: "lock",
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
    #: The pointer was caught here, or is free; somebody pressed where the host shows no pointer.
    caught = Signal(bool)
    unseen = Signal()
    #: Something is dragged over this or dropped here, as Qt's event, to be accepted or ignored; it has gone elsewhere.
    dragged = Signal(object)
    dragged_away = Signal()

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
        #: Of the image, where it is shown at less than half its size.
        self._halves: Halves | None = None
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
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self.touch = Touch(
            send=send, to_desktop=self._to_desktop, view=_Panned(self), watch=self._watch_fingers, now=now
        )
        self._resting.timeout.connect(self.touch.timeout)
        self._catcher = Caught(_Mouse(self), self._moved_by)
        #: The host's pointer while ours is caught: an image, its hot spot, and the desktop pixel that it points at.
        self._floating = label(parent=self)
        self._floating.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._floating.hide()
        self._hot = QPointF()
        self._at = (0.0, 0.0)
        self._shown_pointer = True
        #: Whether Qt joins movements while ours is free.
        self._compresses = False
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
            if self._pixels is not None and self._shown is not None and canvas is self._shown[0]:
                # A desktop of another size comes in parts: what was shown is better than black between them.
                canvas.underlay(self._pixels)
            self._shown = (canvas, canvas.generation)
            pixels = canvas.pixels
            height, width = pixels.shape[:2]
            # The image lies over memory that the canvas lets go of when its size changes, on another thread: keep it.
            image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
            self._image, self._pixels, self._halves = image, pixels, Halves(image)
            dirty = (Rect(0, 0, width, height),)
        # Not the canvas' size: that may have become another since, on another thread.
        width, height = self._image.width(), self._image.height()
        if (width, height) != (self._geometry.width, self._geometry.height):
            self.set_desktop(width, height)
        assert self._halves is not None
        self._halves.keep(levels(self._geometry.scale))
        self._halves.changed(dirty)
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

    def set_origin(self, x: int, y: int) -> None:
        """What is seen begins at this pixel of the desktop."""
        self._replace(replace(self._geometry, origin_x=x, origin_y=y))

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
        self.release_all()
        self.pen.put_down()
        self.pen.drawing = drawing
        self._show_cursor()

    @property
    def catches(self) -> bool:
        """Whether the pointer is caught here."""
        return self._catcher.active

    def set_caught(self, caught: bool) -> bool:
        """Catch the pointer, or let it go; whether it is as wanted. Wayland lets nobody put it anywhere."""
        if caught == self._catcher.active:
            return True
        if caught and QGuiApplication.platformName() == "wayland":
            return False
        if caught:
            place = self.hands.place
            self._at = (float(place[0]), float(place[1])) if place else (0.0, 0.0)
        self.hands.catch(caught)
        # Of places that follow each other Qt tells the last one alone: what was moved before the pointer was put back
        # would be lost with them.
        compress = Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents
        if caught:
            self._compresses = QCoreApplication.testAttribute(compress)
        QCoreApplication.setAttribute(compress, self._compresses and not caught)
        if caught:
            self._catcher.start(QPointF(QCursor.pos()))
            self.grabMouse()
        else:
            self._catcher.stop()
            self.releaseMouse()
        self._show_cursor()
        self._float()
        self.caught.emit(caught)
        return True

    def _moved_by(self, dx: float, dy: float) -> None:
        ratio = self.devicePixelRatioF()
        self.hands.move_by(dx * ratio, dy * ratio)
        view = self._geometry
        left, top = view.origin_x, view.origin_y
        self._at = (
            max(float(left), min(left + view.width - 1.0, self._at[0] + dx * ratio)),
            max(float(top), min(top + view.height - 1.0, self._at[1] + dy * ratio)),
        )
        self._float()

    def _float(self) -> None:
        """Show where the host's pointer is by what ours has moved, while ours is not to be seen."""
        shown = self._catcher.active and self._shown_pointer
        self._floating.setVisible(shown)
        if shown:
            ratio = self.devicePixelRatioF()
            x, y = self._geometry.from_desktop(int(self._at[0]), int(self._at[1]))
            self._floating.move(round(x / ratio - self._hot.x()), round(y / ratio - self._hot.y()))

    def release_all(self) -> None:
        """Let go of all that hands and fingers hold, and of the pointer."""
        self.hands.release_all()
        self.touch.release_all()
        self.set_caught(False)

    def pan(self, dx: float, dy: float) -> None:
        """Move a desktop that is larger than the window, by logical pixels."""
        ratio = self.devicePixelRatioF()
        self._replace(self._geometry.panned(round(-dx * ratio), round(-dy * ratio)))

    def _watch_fingers(self, seconds: float | None) -> None:
        if seconds is None:
            self._resting.stop()
        else:
            self._resting.start(round(seconds * 1000))

    def _show_cursor(self) -> None:
        if self._catcher.active:
            self.setCursor(Qt.CursorShape.BlankCursor)
            return
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
        self._shown_pointer = bool(shape.width and shape.height)
        if self._shown_pointer:
            ratio = self.devicePixelRatioF()
            image = QImage(shape.rgba, shape.width, shape.height, shape.width * 4, QImage.Format.Format_RGBA8888)
            pixmap = QPixmap.fromImage(image.scaled(shape.width * factor, shape.height * factor))
            pixmap.setDevicePixelRatio(ratio)
            self._hot = QPointF(shape.hot_x, shape.hot_y) * (factor / ratio)
            self._cursor = QCursor(pixmap, round(self._hot.x()), round(self._hot.y()))
            self._floating.setPixmap(pixmap)
            self._floating.resize(pixmap.deviceIndependentSize().toSize())
        else:
            self._cursor = QCursor(Qt.CursorShape.BlankCursor)
        self._float()
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
                if self._halves is not None and (level := levels(view.scale)):
                    half, part = self._halves.get(level)
                    painter.drawImage(QRectF(target), half, part)
                else:
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
        self.hands.evidence(event.modifiers())
        if self._catcher.active:
            self._catcher.at(event.globalPosition())
            return
        self._pointer = event.position()
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
            if down and not self._shown_pointer and not self._catcher.active:
                self.unseen.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.hands.evidence(event.modifiers())
        if not self.pen.drawing:
            self.hands.wheel(event)
        event.accept()

    def tabletEvent(self, event: QTabletEvent) -> None:
        # What is ignored comes again as a mouse.
        event.setAccepted(not self.pen.drawing and self.touch.tablet(event))

    # Not a filter of events, which Qt calls for all there is.

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self.dragged.emit(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self.dragged.emit(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self.dragged.emit(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.dragged_away.emit()

    def leaveEvent(self, event: QEvent) -> None:
        self._panning.stop()
        self.touch.leave()

    def focusInEvent(self, event: QFocusEvent) -> None:
        if self.grabs:
            self.grabKeyboard()
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._give_keyboard_back()
        self.release_all()
        self.pen.put_down()
        self.focused.emit(False)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.release_all()
        event.ignore()  # the window goes when the session has ended
        self.closing.emit()


class TouchedScreen(Screen):
    """A screen for machines with a touchscreen: Qt tells of fingers by `event` alone, with all else that there is."""

    def __init__(self, send: Callable[[list[Row]], None], now: Callable[[], float]) -> None:
        super().__init__(send, now)
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QTouchEvent) and not self.pen.drawing:
            self.touch.touch(event)
            event.accept()
            return True
        return super().event(event)


def open_screen(send: Callable[[list[Row]], None], now: Callable[[], float]) -> Screen:
    """The screen that this machine needs."""
    touched = any(one.type() == QInputDevice.DeviceType.TouchScreen for one in QInputDevice.devices())
    return (TouchedScreen if touched else Screen)(send, now)


class _Mouse:
    """This machine's pointer over a screen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def middle(self) -> QPointF:
        return QPointF(self._screen.mapToGlobal(self._screen.rect().center()))

    def reach(self) -> float:
        return max(40.0, min(self._screen.width(), self._screen.height()) / 4)

    def put(self, place: QPointF) -> None:
        QCursor.setPos(place.toPoint())


class _Panned:
    """What two fingers move of a screen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    @property
    def pannable(self) -> bool:
        return self._screen.view.pannable

    def pan(self, dx: float, dy: float) -> None:
        self._screen.pan(dx, dy)


def _rects(region: QRegion) -> list[QRect]:
    return list(region)  # type: ignore[no-any-return, call-overload]
