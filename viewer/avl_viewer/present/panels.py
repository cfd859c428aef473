"""Panels over the picture: the state of the connection, the figures, and the paste box."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFont, QFontDatabase, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from avl_protocol.wire.foreign import for_dialog
from avl_viewer.present.label import label
from avl_viewer.present.presenter import Status
from avl_viewer.present.style import PANEL

_TITLES = {
    "connecting": "Connecting",
    "waiting": "Waiting for the host",
    "stale": "The host is not heard",
    "lost": "Connection lost",
    "ended": "Session ended",
}
_SENTENCES = {
    "connecting": "Reaching the desktop.",
    "waiting": "A person at the host is asked to let you in.",
    "stale": "What you see may be out of date. Nothing you type is sent.",
    "lost": "Trying to reach the host again. Nothing you type is sent.",
    "ended": "",
}
#: Most characters of what another program says in its own words, and of a line of that.
WORDS, WORDS_WIDTH = 60, 26
#: Milliseconds that a line at the bottom stays.
STAY = 6000
#: And for each character that has to be read.
READ = 80
HINT = (
    "The toolbar comes when the pointer touches the middle of the top edge. Ctrl+Alt+Shift+Q disconnects at any time."
)


class Notice(QFrame):
    """What a person should know while the picture isn't live: title, sentence, and for how long."""

    closed = Signal()

    def __init__(self, parent: QWidget, now: Callable[[], float]) -> None:
        super().__init__(parent)
        self._window = parent
        self._now = now
        self._stage = ""
        self._since = 0.0
        self.setObjectName("panel")
        self.setStyleSheet(PANEL)
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._title, self._sentence, self._elapsed = label(), label(), label()
        self._title.setObjectName("title")
        self._elapsed.setObjectName("quiet")
        self._sentence.setWordWrap(True)
        self._hint = label(HINT)
        self._hint.setObjectName("quiet")
        self._hint.setWordWrap(True)
        self._close = QPushButton("Close")
        self._close.setDefault(True)
        self._close.clicked.connect(self.closed)
        bottom = QHBoxLayout()
        bottom.addWidget(self._elapsed)
        bottom.addStretch()
        bottom.addWidget(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 22, 16)
        column.setSpacing(9)
        for widget in (self._title, self._sentence, self._hint):
            column.addWidget(widget)
        column.addLayout(bottom)
        self._ticking = QTimer(self)
        self._ticking.setInterval(1000)
        self._ticking.timeout.connect(self._tick)
        self.hide()

    def tell(self, status: Status) -> None:
        """Show a stage other than "running"."""
        if status.stage != self._stage:
            self._stage, self._since = status.stage, self._now()
        self._title.setText(_TITLES.get(status.stage, status.stage))
        self._sentence.setText(for_dialog(status.text) or _SENTENCES.get(status.stage, ""))
        self._sentence.setVisible(bool(self._sentence.text()))
        self._hint.setVisible(status.stage in ("connecting", "waiting"))
        self._close.setVisible(status.stage == "ended")
        self._tick()
        self._ticking.start()
        self.place()
        self.show()
        self.raise_()
        if status.stage == "ended":
            self._close.setFocus()

    def dismiss(self) -> None:
        """All is well again."""
        self._stage = ""
        self._ticking.stop()
        self.hide()

    def place(self) -> None:
        """The middle of the window."""
        room = self._window.size()
        self.setFixedWidth(min(440, max(260, room.width() - 32)))
        self.adjustSize()
        self.move((room.width() - self.width()) // 2, (room.height() - self.height()) // 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._close.isVisible() and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.closed.emit()

    def _tick(self) -> None:
        elapsed = self._now() - self._since
        self._elapsed.setText(f"for {duration(elapsed)}" if elapsed >= 1 else "")


class Toast(QFrame):
    """Lines at the bottom that go away by themselves: a remark, and beside it what was lost, which no remark displaces.

    `gone`: what was lost was there long enough to be read.
    """

    gone = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.setObjectName("panel")
        self.setStyleSheet(PANEL)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(14, 9, 14, 9)
        self._remark, self._remarked = self._line()
        self._loss, self._lost = self._line()
        self._lost.timeout.connect(self.gone)
        self.hide()

    def say(self, text: str) -> None:
        """Show a remark, instead of the one that is there."""
        self._show(self._remark, self._remarked, text)

    def say_lost(self, text: str) -> None:
        """Show what was lost, instead of what was lost before."""
        self._show(self._loss, self._lost, text)

    def place(self) -> None:
        """Bottom centre of the window."""
        room = self._window.size()
        self.setFixedWidth(max(200, min(460, room.width() - 24)))
        self.adjustSize()
        self.move((room.width() - self.width()) // 2, room.height() - self.height() - 20)

    def _line(self) -> tuple[QLabel, QTimer]:
        text, staying = label(), QTimer(self)
        text.setWordWrap(True)
        text.hide()
        self._column.addWidget(text)
        staying.setSingleShot(True)
        staying.timeout.connect(lambda: self._go(text))
        return text, staying

    def _show(self, line: QLabel, staying: QTimer, text: str) -> None:
        line.setText(text)
        line.show()
        self.place()
        self.show()
        self.raise_()
        staying.start(max(STAY, READ * len(text)))

    def _go(self, line: QLabel) -> None:
        line.hide()
        if self._remark.isHidden() and self._loss.isHidden():
            self.hide()
        else:
            self.place()


class Figures(QFrame):
    """The session's figures; asked for once a second while they are seen, and not otherwise."""

    def __init__(self, parent: QWidget, stats: Callable[[], dict[str, Any]]) -> None:
        super().__init__(parent)
        self._window = parent
        self._stats = stats
        self.setObjectName("panel")
        self.setStyleSheet(PANEL)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._text = label()
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setStyleHint(QFont.StyleHint.Monospace)
        font.setPixelSize(12)
        self._text.setFont(font)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 9, 12, 9)
        column.addWidget(self._text)
        self._polling = QTimer(self)
        self._polling.setInterval(1000)
        self._polling.timeout.connect(self._poll)
        self.hide()

    def toggle(self) -> bool:
        """Show or hide; whether they are shown now."""
        shown = not self.isVisible()
        self.setVisible(shown)
        if shown:
            self._poll()
            self._polling.start()
            self.raise_()
        else:
            self._polling.stop()
        return shown

    def place(self) -> None:
        """Top left."""
        self.adjustSize()
        self.move(12, 12)

    def _poll(self) -> None:
        self._text.setText("\n".join(f"{name:<17}{value}" for name, value in lines(self._stats())))
        self.place()


class PasteBox(QFrame):
    """Text for the host's clipboard, written or pasted by hand."""

    sent = Signal(str)
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.setObjectName("panel")
        self.setStyleSheet(PANEL)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        title = label("Put text on the desktop's clipboard")
        self._edit = QPlainTextEdit()
        self._edit.setTabChangesFocus(True)
        self._edit.setMinimumHeight(120)
        send, cancel = QPushButton("Send"), QPushButton("Cancel")
        send.setDefault(True)
        send.clicked.connect(self._send)
        cancel.clicked.connect(self.dismiss)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(cancel)
        row.addWidget(send)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        for widget in (title, self._edit):
            column.addWidget(widget)
        column.addLayout(row)
        self.hide()

    def summon(self) -> None:
        """Open with an empty box that has the keyboard."""
        self._edit.clear()
        self.place()
        self.show()
        self.raise_()
        self._edit.setFocus()

    def dismiss(self) -> None:
        """Close; the keyboard goes back to the desktop."""
        self.hide()
        self.closed.emit()

    def place(self) -> None:
        """Below the toolbar."""
        room = self._window.size()
        self.resize(min(460, room.width() - 24), min(230, room.height() - 24))
        self.move((room.width() - self.width()) // 2, min(90, max(12, room.height() - self.height() - 12)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._send()  # Ctrl+Enter in the box, Enter on a button

    def _send(self) -> None:
        self.sent.emit(self._edit.toPlainText())
        self.dismiss()


def duration(seconds: float) -> str:
    """Whole seconds as people say them: 7 s, 2 min 5 s."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def number(value: Any, unit: str = "", digits: int = 1, scale: float = 1.0) -> str:
    """A figure times `scale` with its unit; a dash where it is not known."""
    return f"{scale * value:.{digits}f} {unit}".rstrip() if isinstance(value, int | float) else "–"


def hop_lines(hop: str, told: dict[str, Any]) -> list[tuple[str, str]]:
    """The sender's view of a hop: target rate and capacity, queue, losses and parity, skipped pictures, and the last
    change of the rate with its reason."""
    mbit = number(told.get("target_bps"), digits=2, scale=1e-6)
    if told.get("capacity_bps"):  # 0: not known
        mbit += " of " + number(told["capacity_bps"], digits=2, scale=1e-6)
    words = for_dialog(f"{told.get('state')}: {told.get('reason')}", WORDS)
    state, *more = textwrap.wrap(words, WORDS_WIDTH)
    return [
        (hop, f"{mbit} Mbit/s"),
        ("  queue", number(told.get("queue_ms"), "ms")),
        ("  loss / parity", f"{number(told.get('loss'), scale=100)} / {number(told.get('parity'), '%', scale=100)}"),
        ("  skipped", number(told.get("skipped"), "pictures", 0)),
        ("  state", state),
        *(("", line) for line in more),
    ]


def switch_lines(switch: dict[str, Any]) -> list[tuple[str, str]]:
    """The last change of path, how long ago, and why."""
    reason = for_dialog(str(switch.get("reason")), 2 * WORDS)
    return [
        ("  changed", f"{switch.get('from')} > {switch.get('to')}"),
        ("", f"{duration(float(switch.get('ago_s') or 0))} ago:"),
        *(("", line) for line in textwrap.wrap(reason, WORDS_WIDTH)),
    ]


def content_lines(stats: dict[str, Any]) -> list[tuple[str, str]]:
    """How much of the desktop is exact, and what the pictures of the rest are, who codes and who decodes them."""
    rows = []
    if isinstance(exact := stats.get("exact"), dict):
        since = exact.get("since_s")
        rows.append(
            ("exact", number(exact.get("share"), "%", scale=100) if since is None else f"all, for {since:.0f} s")
        )
    if isinstance(video := stats.get("video"), dict):
        coders = f"{video.get('encoder') or '–'} / {video.get('decoder') or '–'}"
        rows += [
            ("video", f"{video.get('width')}x{video.get('height')} {video.get('chroma')}"),
            ("  codec", for_dialog(str(video.get("codec")), WORDS)),
            ("  coded, decoded", for_dialog(coders, WORDS)),
        ]
    return rows


def lines(stats: dict[str, Any]) -> list[tuple[str, str]]:
    """The stats object as names and values to read; what is not known yet is a dash."""

    def pair(value: Any) -> str:
        if not isinstance(value, dict) or value.get("p50") is None:
            return "–"
        return f"{value['p50']:.1f} / {value['p95']:.1f} ms"

    rows = [
        ("path", str(stats.get("path") or "–")),
        *(switch_lines(stats["switch"]) if isinstance(stats.get("switch"), dict) else ()),
        ("round trip", number(stats.get("rtt_ms"), "ms")),
        ("pictures", number(stats.get("fps"), "fps")),
        ("bit rate", number(stats.get("bitrate_bps"), "Mbit/s", 2, 1e-6)),
        ("loss", number(stats.get("loss"), "%", scale=100)),
        *content_lines(stats),
        ("input to photon", pair(stats.get("input_to_photon_ms"))),
        ("glass to glass", pair(stats.get("glass_to_glass_ms"))),
    ]
    stages = stats.get("stages_ms")
    if isinstance(stages, dict):
        for name, value in stages.items():
            rows.append((f"  {name}", pair(value) if isinstance(value, dict) else number(value, "ms")))
    rates = stats.get("rate") or {}
    for hop in ("upload", "download"):
        if hop in rates:
            rows += hop_lines(hop, rates[hop])
    return rows
