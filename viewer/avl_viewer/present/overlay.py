"""Overlay: draws others' pointers and all strokes over the picture. Colour goes by person, alike at every viewer."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPolygonF, QRegion

from avl_viewer.present.company import Company
from avl_viewer.present.geometry import Geometry
from avl_viewer.present.marks import Mark, Marks, PointerMark, StrokeMark

#: Colours by number, which stand out from one another and from most desktops.
COLOURS = ("#e6194b", "#1f78ff", "#2ca02c", "#ff7f0e", "#a03cc8", "#00a5b5", "#d4389b", "#8a6d00")
#: Device pixels: a stroke's width, the light around a laser's point, and the size of a name's letters.
STROKE, GLOW, LETTERS = 4.0, 12.0, 13
#: The arrow that others' pointers are drawn as, in device pixels from its tip.
_ARROW = ((0, 0), (0, 17), (4, 13), (7, 19), (10, 18), (7, 12), (12, 12))
#: Letters on a light colour, and the edge that a stroke has on any desktop.
_DARK, _EDGE = QColor(12, 14, 18), QColor(255, 255, 255, 150)


def colour(person: int) -> QColor:
    """The colour of a person."""
    return QColor(COLOURS[person % len(COLOURS)])


class Overlay:
    """What is drawn over the picture. Places on the screen are device pixels."""

    def __init__(self) -> None:
        self.marks = Marks()
        self.company = Company()
        #: Whether others' pointers are shown; strokes always are.
        self.pointers = True
        self._font = QFont()
        self._font.setPixelSize(LETTERS)

    def take(self, mark: Mark, now: float) -> None:
        """Somebody points or draws."""
        self.marks.take(mark, now)

    def region(self, view: Geometry, now: float) -> QRegion:
        """What is covered now."""
        region = QRegion()
        for pointer in self._shown(now):
            region += self._place(pointer, view).toAlignedRect()
        for stroke in self.marks.strokes(now):
            room = round(STROKE) + 2
            region += _line(stroke, view).boundingRect().toAlignedRect().adjusted(-room, -room, room, room)
        return region

    def paint(self, painter: QPainter, view: Geometry, now: float) -> None:
        """Draw all of it."""
        pointers, strokes = self._shown(now), self.marks.strokes(now)
        if not pointers and not strokes:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        for stroke in strokes:
            self._draw_stroke(painter, stroke, view)
        for pointer in pointers:
            self._draw_pointer(painter, pointer, view)
        painter.restore()

    def _shown(self, now: float) -> list[PointerMark]:
        return self.marks.pointers(now) if self.pointers else []

    def _label(self, pointer: PointerMark, at: QPointF) -> QRectF:
        metrics = QFontMetrics(self._font)
        wide = metrics.horizontalAdvance(self.company.name(pointer.person))
        return QRectF(at.x() + 13, at.y() + 15, wide + 10, metrics.height() + 4)

    def _place(self, pointer: PointerMark, view: Geometry) -> QRectF:
        at = _at(view, pointer.x, pointer.y)
        around = QRectF(at.x() - GLOW - 2, at.y() - GLOW - 2, 2 * GLOW + 4, 2 * GLOW + 12)
        return around.united(self._label(pointer, at)).adjusted(-2, -2, 2, 2)

    def _draw_stroke(self, painter: QPainter, stroke: StrokeMark, view: Geometry) -> None:
        painter.setOpacity(stroke.opacity)
        for shade, width in ((_EDGE, STROKE + 2), (colour(stroke.person), STROKE)):
            pen = QPen(shade, width)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            if len(stroke.points) == 1:
                painter.drawPoint(_at(view, *stroke.points[0]))
            else:
                painter.drawPolyline(_line(stroke, view))

    def _draw_pointer(self, painter: QPainter, pointer: PointerMark, view: Geometry) -> None:
        at, shade = _at(view, pointer.x, pointer.y), colour(pointer.person)
        painter.setOpacity(pointer.opacity)
        painter.setPen(Qt.PenStyle.NoPen)
        if pointer.laser:
            for size, alpha in ((GLOW, 60), (GLOW * 0.6, 110), (GLOW * 0.35, 255)):
                painter.setBrush(QColor(shade.red(), shade.green(), shade.blue(), alpha))
                painter.drawEllipse(at, size, size)
        else:
            painter.setPen(QPen(QColor("white"), 1.2))
            painter.setBrush(shade)
            painter.drawPolygon(QPolygonF([at + QPointF(x, y) for x, y in _ARROW]))
            painter.setPen(Qt.PenStyle.NoPen)
        label = self._label(pointer, at)
        painter.setBrush(shade)
        painter.drawRoundedRect(label, 4, 4)
        painter.setPen(QColor("white") if shade.lightness() < 160 else _DARK)
        painter.drawText(label, Qt.AlignmentFlag.AlignCenter, self.company.name(pointer.person))


def _at(view: Geometry, x: int, y: int) -> QPointF:
    return QPointF(*view.from_desktop(x, y))


def _line(stroke: StrokeMark, view: Geometry) -> QPolygonF:
    return QPolygonF([_at(view, x, y) for x, y in stroke.points])


def logical(region: QRegion, ratio: float) -> QRegion:
    """A region of device pixels in those of the window system."""
    if ratio == 1.0:
        return region
    rects: list[QRect] = list(region)  # type: ignore[call-overload]
    made = QRegion()
    for rect in rects:
        made += QRectF(rect.x() / ratio, rect.y() / ratio, rect.width() / ratio, rect.height() / ratio).toAlignedRect()
    return made
