"""The connect dialog: recent desktops, a target, a code; what is wrong is said beside it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
)

from avl_protocol.endpoint.program.state import StateError
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.target import parse_target
from avl_viewer.present.label import label
from avl_viewer.present.style import DIALOG
from avl_viewer.recent import Recent

_TARGET = Qt.ItemDataRole.UserRole


class ConnectDialog(QDialog):
    """Accepted with `target` and `code` filled in."""

    def __init__(self, recent: Recent, target: str, error: str) -> None:
        super().__init__()
        self._recent = recent
        self.setWindowTitle("Connect to a desktop - avl")
        self.setStyleSheet(DIALOG)
        self.setMinimumWidth(520)
        title = label("Connect to a desktop")
        title.setObjectName("title")
        self._list = QListWidget()
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._recents = label("Recent desktops (Delete takes one off the list)")
        self._recents.setObjectName("quiet")
        self._target = QLineEdit(target)
        self._target.setPlaceholderText("avl://HOST:PORT/DEVICE-ID?pin=… as the host prints it")
        self._target.setClearButtonEnabled(True)
        self._code = QLineEdit()
        self._code.setPlaceholderText("the code that the host shows")
        self._code.setMaxLength(64)
        self._error = label(for_dialog(error))
        self._error.setObjectName("error")
        self._error.setWordWrap(True)
        self._error.setVisible(bool(error))
        cancel, self._connect = QPushButton("Cancel"), QPushButton("Connect")
        self._connect.setDefault(True)
        cancel.setAutoDefault(False)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(cancel)
        row.addWidget(self._connect)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 22, 18)
        column.setSpacing(8)
        column.addWidget(title)
        for widget in (self._recents, self._list):
            column.addWidget(widget)
        for text, edit in (("Target", self._target), ("Code", self._code)):
            named = label(text)
            named.setBuddy(edit)
            column.addWidget(named)
            column.addWidget(edit)
        column.addWidget(self._error)
        column.addSpacing(4)
        column.addLayout(row)

        cancel.clicked.connect(self.reject)
        self._connect.clicked.connect(self._check)
        self._list.itemClicked.connect(self._choose)
        self._list.itemActivated.connect(self._choose)
        for edit in (self._target, self._code):
            edit.textEdited.connect(self._error.hide)
        self._fill()
        (self._code if target else self._target).setFocus()

    @property
    def target(self) -> str:
        """The target as typed."""
        return self._target.text().strip()

    @property
    def code(self) -> str:
        """The code as typed."""
        return self._code.text().strip()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        item = self._list.currentItem()
        if event.key() == Qt.Key.Key_Delete and self._list.hasFocus() and item is not None:
            try:
                self._recent.forget(item.data(_TARGET))
            except StateError as error:
                self._refuse(str(error), self._list)
            self._fill()
        else:
            super().keyPressEvent(event)

    def _fill(self) -> None:
        self._list.clear()
        for entry in self._recent.load():
            item = QListWidgetItem(f"{for_dialog(entry.name, 64)}  ·  {entry.target}" if entry.name else entry.target)
            item.setData(_TARGET, entry.target)
            item.setToolTip(entry.target)
            self._list.addItem(item)
        known = self._list.count() > 0
        self._list.setVisible(known)
        self._recents.setVisible(known)
        self._list.setFixedHeight(min(5, max(1, self._list.count())) * 32 + 14)
        self.adjustSize()

    def _choose(self, item: QListWidgetItem) -> None:
        self._target.setText(item.data(_TARGET))
        self._error.hide()
        self._code.setFocus()

    def _check(self) -> None:
        try:
            parse_target(self.target)
        except ValueError as error:
            self._refuse(_sentence(str(error)), self._target)
            return
        if not self.code:
            self._refuse("Type the code that the host shows.", self._code)
            return
        self.accept()

    def _refuse(self, text: str, field: QLineEdit | QListWidget) -> None:
        self._error.setText(for_dialog(text))
        self._error.show()
        self.adjustSize()
        field.setFocus()


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")
