"""Transfers: a small panel with all that is under way, how far it is, and what a person can do about it.

The keyboard stays with the desktop while its buttons are clicked; who opens it from the menu walks it by Tab.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from avl_protocol.wire.foreign import for_dialog
from avl_viewer.present.amounts import amount, counted, moment, roughly
from avl_viewer.present.label import label
from avl_viewer.present.remote import HostFiles
from avl_viewer.present.style import PANEL
from avl_viewer.transfers import Shown, Stage

#: Characters of a name that are shown.
NAME = 80
#: Logical pixels: the panel's width, and the room below it that the line at the bottom may need.
WIDE, BELOW = 400, 84
#: Parts of a progress bar.
PARTS = 1000


def progress_of(shown: Shown) -> str:
    """What a person is told of how far it is."""
    stage = shown.stage
    if stage in (Stage.FAILED, Stage.LOST):
        return shown.text
    if stage in (Stage.CANCELLED, Stage.WAITING):
        return "Cancelled." if stage is Stage.CANCELLED else "Waiting for its turn."
    if shown.files is None or shown.size is None:
        return "Looking at what there is."
    out = max(shown.left, len(shown.problems))
    if stage is Stage.DONE:
        return f"{counted(shown.done, 'file')} done, {amount(shown.size)}.{f' {out:,} left out.' if out else ''}"
    parts = [f"{amount(min(shown.passed, shown.size))} of {amount(shown.size)}"]
    if shown.files > 1:
        parts.append(f"{shown.done + shown.left:,} of {counted(shown.files, 'file')}")
    if stage is Stage.PAUSED:
        parts.append("paused")
    elif shown.rate > 0:
        rest = max(0, shown.size - shown.passed)
        parts += [f"{amount(shown.rate)}/s", f"{roughly(rest / shown.rate)} left"]
    return " · ".join(parts)


class TransfersPanel(QFrame):
    """Bottom right of the window. `closed`: the keyboard belongs to the desktop again."""

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._files: HostFiles | None = None
        self._rows: dict[int, _Row] = {}
        self.setObjectName("panel")
        self.setStyleSheet(PANEL)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        title = label("Transfers")
        title.setObjectName("title")
        self._clear = _button("Clear", lambda: self._do(lambda files: files.forget(None)))
        self._close = _button("✕", self.dismiss)
        self._close.setAccessibleName("Close transfers")
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self._clear)
        head.addWidget(self._close)
        self._none = label("Drop files or folders onto the desktop to send them there.")
        self._none.setObjectName("quiet")
        self._none.setWordWrap(True)
        self._lines = QWidget()
        self._lines.setObjectName("clear")
        self._column = QVBoxLayout(self._lines)
        self._column.setContentsMargins(0, 0, 4, 0)
        self._column.setSpacing(10)
        self._column.addStretch()
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(self._lines)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 10, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._none)
        column.addWidget(self._area)
        self.show_transfers(())
        self.hide()

    def bind(self, files: HostFiles) -> None:
        """Whose transfers they are."""
        self._files = files

    def summon(self) -> None:
        """Show it; the keyboard is here, so that it can be used without a mouse."""
        self._appear()
        self._close.setFocus()

    def dismiss(self) -> None:
        """Take it away."""
        self.hide()
        self.closed.emit()

    def place(self) -> None:
        """Bottom right of the window, above the line at the bottom, as high as what is in it."""
        room = self._window.size()
        self.setFixedWidth(min(WIDE, room.width() - 24))
        self._area.setVisible(bool(self._rows))
        inner = self.width() - 28
        tall = sum(row.heightForWidth(inner) + 10 for row in self._rows.values())
        most = min(520, max(120, room.height() - BELOW - 24))
        self._area.setFixedHeight(max(40, min(tall, most - 60)))
        if (layout := self.layout()) is not None:
            layout.activate()
        self.adjustSize()
        self.move(room.width() - self.width() - 12, max(12, room.height() - self.height() - BELOW))

    def show_transfers(self, transfers: tuple[Shown, ...]) -> None:
        """These there are now."""
        known = {shown.id for shown in transfers}
        for gone in [id for id in self._rows if id not in known]:
            row = self._rows.pop(gone)
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        news = False
        for shown in transfers:
            if shown.id not in self._rows:
                row = self._rows[shown.id] = _Row(shown, self._do)
                self._column.insertWidget(0, row)
                news = True
            news = self._rows[shown.id].show_transfer(shown) or news
        self._clear.setVisible(any(shown.stage.over for shown in transfers))
        self._none.setVisible(not transfers)
        if news and not self._window.isHidden():
            self._appear()
        elif self.isVisible():
            self.place()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()

    def _appear(self) -> None:
        self.place()
        self.show()
        self.raise_()

    def _do(self, action: Callable[[HostFiles], None]) -> None:
        if self._files is not None:
            action(self._files)


class _Row(QWidget):
    """One transfer of the panel."""

    def __init__(self, shown: Shown, do: Callable[[Callable[[HostFiles], None]], None]) -> None:
        super().__init__()
        self._shown = shown
        id = shown.id
        self.setObjectName("clear")
        name = f"{'To the desktop' if shown.out else 'From the desktop'}: {for_dialog(shown.title, NAME)}"
        self.setAccessibleName(name)
        way = label("↑" if shown.out else "↓")
        way.setObjectName("accent")
        self._title = _Elided(for_dialog(shown.title, NAME))
        self._title.setToolTip(name)
        self._pause = _button("Pause", lambda: do(lambda files: files.pause(id, self._shown.stage is not Stage.PAUSED)))
        self._again = _button("Go on", lambda: do(lambda files: files.again(id)))
        self._cancel = _button("Cancel", lambda: do(lambda files: files.cancel(id)))
        self._forget = _button("✕", lambda: do(lambda files: files.forget(id)))
        self._forget.setAccessibleName(f"Show no longer: {for_dialog(shown.title, NAME)}")
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(way)
        head.addWidget(self._title, 1)
        for button in (self._pause, self._again, self._cancel, self._forget):
            head.addWidget(button)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(8)
        self._bar.setAccessibleName(name)
        self._text = label()
        self._text.setWordWrap(True)
        self._asks = label()
        self._asks.setWordWrap(True)
        self._all = QCheckBox("For all that follow")
        self._all.setFocusPolicy(Qt.FocusPolicy.TabFocus)

        def decide(replace: bool) -> None:
            asked, everything = self._shown.asked, self._all.isChecked()
            if asked is not None:
                do(lambda files: files.decide(id, asked.number, replace, everything))

        row = QHBoxLayout()
        row.addWidget(_button("Replace", lambda: decide(True)))
        row.addWidget(_button("Leave it", lambda: decide(False)))
        row.addWidget(self._all)
        row.addStretch()
        self._question = QFrame()
        self._question.setObjectName("question")
        box = QVBoxLayout(self._question)
        box.setContentsMargins(10, 8, 10, 8)
        box.addWidget(self._asks)
        box.addLayout(row)
        self._more = _button("", self._unfold)
        self._left = label()
        self._left.setObjectName("quiet")
        self._left.setWordWrap(True)
        self._left.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addLayout(head)
        for widget in (self._bar, self._text, self._question):
            column.addWidget(widget)
        column.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._left)

    def show_transfer(self, shown: Shown) -> bool:
        """As it stands now; whether there is something new to look at."""
        before, self._shown = self._shown, shown
        over = shown.stage.over
        self._pause.setText("Resume" if shown.stage is Stage.PAUSED else "Pause")
        self._pause.setVisible(shown.stage in (Stage.RUNNING, Stage.PAUSED))
        self._again.setVisible(shown.stage in (Stage.FAILED, Stage.CANCELLED))
        self._cancel.setVisible(not over)
        self._forget.setVisible(over)
        self._bar.setVisible(not over)
        self._bar.setRange(0, 0 if shown.size is None else PARTS)
        if shown.size is not None:
            self._bar.setValue(round(PARTS * min(1.0, shown.passed / shown.size)) if shown.size else PARTS)
        self._text.setObjectName("error" if shown.stage is Stage.FAILED else "quiet")
        self._text.style().polish(self._text)
        self._text.setText(progress_of(shown))
        asked = shown.asked
        self._question.setVisible(asked is not None)
        if asked is not None:
            there = f"{amount(asked.size)}, changed {moment(asked.modified)}"
            ours = f"{amount(asked.new_size)}, changed {moment(asked.new_modified)}"
            self._asks.setText(f"{for_dialog(asked.path, NAME)} is there already: {there}. Replace it by {ours}?")
        self._more.setVisible(bool(shown.problems))
        fold = "▾" if self._left.isHidden() else "▴"
        self._more.setText(f"{max(shown.left, len(shown.problems)):,} left out {fold}")
        self._left.setText("\n".join(f"{for_dialog(path, NAME)}: {sentence}" for path, sentence in shown.problems))
        asks = asked is not None and (before.asked is None or before.asked.number != asked.number)
        return asks or (shown.stage is Stage.FAILED and before.stage is not Stage.FAILED)

    def heightForWidth(self, width: int) -> int:
        layout = self.layout()
        return layout.heightForWidth(width) if layout is not None and layout.hasHeightForWidth() else 0

    def _unfold(self) -> None:
        self._left.setVisible(self._left.isHidden())
        self.show_transfer(self._shown)
        panel = self.window().findChild(TransfersPanel)
        if panel is not None:
            panel.place()


class _Elided(QLabel):
    """A name of one line, of which the middle is left out where there is no room."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(40)
        self._whole = text
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        self._fit()

    def _fit(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, max(40, self.width()))
        if shown != self.text():
            self.setText(shown)


def _button(text: str, act: Callable[[], None]) -> QPushButton:
    made = QPushButton(text)
    made.setObjectName("small")
    made.setAutoDefault(False)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.clicked.connect(lambda: act())
    return made
