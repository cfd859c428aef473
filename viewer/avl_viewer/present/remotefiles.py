"""Remote files: what the host shares, folder by folder, to be fetched from or sent to."""

from __future__ import annotations

from concurrent.futures import Future

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from avl_protocol.wire.errors import Refused
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.registry import MAX_FILE_SOURCES, FileKind
from avl_viewer.files import FilesError, Folder, Listed
from avl_viewer.present.amounts import amount, moment
from avl_viewer.present.label import label
from avl_viewer.present.remote import HostFiles
from avl_viewer.present.style import PANEL

#: Rows that are asked for at a time.
MOST = 1000
#: Bits of a root's mode.
READ, WRITE = 4, 2
SHARES = "What the desktop shares"
#: Where an item keeps its path, and what was listed of it.
PATH, ROW = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


def above(path: str, roots: list[str]) -> str:
    """The folder above a path; "" above a root is the list of roots."""
    if not path or path in roots:
        return ""
    up = path[: max(path.rfind("/"), 0)]
    if f"{up}/" in roots:
        return f"{up}/"
    inside = any(up == root or up.startswith(f"{root.rstrip('/')}/") for root in roots)
    return up if not roots or inside else ""


def within(folder: str, name: str) -> str:
    """A name within a folder; roots are whole paths."""
    return f"{folder.rstrip('/')}/{name}" if folder else name


class RemoteFiles(QFrame):
    """The middle of the window. `fetch(paths, chooses)`: a person wants these, in a folder that they choose, or where
    downloads go; `send(path, folder)`: they want to choose files, or a folder, for this folder of the host; `closed`:
    the keyboard belongs to the desktop again."""

    fetch = Signal(object, bool)
    send = Signal(str, bool)
    closed = Signal()
    #: A listing is done: it comes from the network's thread.
    _listed = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._files: HostFiles | None = None
        self._path = self._last = ""
        self._roots: dict[str, int] = {}
        self._asking: Future[Folder] | None = None
        self._in = self._out = False
        self.setObjectName("panel")
        self.setStyleSheet(PANEL)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        title = label("The desktop's files")
        title.setObjectName("title")
        close = self._button("✕")
        close.setAccessibleName("Close the desktop's files")
        close.clicked.connect(self.dismiss)
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch()
        head.addWidget(close)
        self.up = self._button("Up")
        self.up.clicked.connect(lambda: self._go(above(self._path, list(self._roots))))
        self.place_shown = label(SHARES)
        self.place_shown.setWordWrap(True)
        self._all = QCheckBox("All")
        self._all.clicked.connect(self._choose_all)
        line = QHBoxLayout()
        line.addWidget(self.up)
        line.addWidget(self.place_shown, 1)
        line.addWidget(self._all)
        self.list = QListWidget()
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.itemActivated.connect(self._enter)
        self.list.itemChanged.connect(self._chosen)
        self.list.currentItemChanged.connect(self._chosen)
        self.list.setUniformItemSizes(True)
        self.text = label()
        self.text.setObjectName("quiet")
        self.text.setWordWrap(True)
        self.more = self._button("Show more")
        self.more.clicked.connect(lambda: self._ask(self._last))
        self.send_files = self._button("Send files here…")
        self.send_files.clicked.connect(lambda: self._send(False))
        self.send_folder = self._button("Send a folder here…")
        self.send_folder.clicked.connect(lambda: self._send(True))
        self.download = self._button("Download")
        self.download.clicked.connect(lambda: self._fetch(False))
        self.save = self._button("Save to a folder…")
        self.save.setDefault(True)
        self.save.clicked.connect(lambda: self._fetch(True))
        end = QHBoxLayout()
        end.addStretch()
        for button in (self.more, self.send_files, self.send_folder, self.download, self.save):
            end.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(9)
        column.addLayout(head)
        column.addLayout(line)
        column.addWidget(self.list, 1)
        column.addWidget(self.text)
        column.addLayout(end)
        self._listed.connect(self._rows)
        self.hide()

    def bind(self, files: HostFiles) -> None:
        """Whose files they are."""
        self._files = files

    def permit(self, into: bool, out: bool) -> None:
        """Whether files may be sent, and fetched."""
        self._in, self._out = into, out
        self._chosen()

    def summon(self) -> None:
        """Show what the host shares."""
        self.place()
        self.show()
        self.raise_()
        self.list.setFocus()
        self._go("")

    def dismiss(self) -> None:
        """Close; the keyboard goes back to the desktop."""
        self._stop()
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def place(self) -> None:
        """The middle of the window."""
        room = self._window.size()
        self.resize(min(640, room.width() - 24), min(560, room.height() - 24))
        self.move((room.width() - self.width()) // 2, (room.height() - self.height()) // 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        elif event.key() == Qt.Key.Key_Backspace and self.up.isEnabled():
            self.up.click()

    # listing

    def _go(self, path: str) -> None:
        self._path = path
        if not path:
            self._roots = {}
        self.list.clear()
        self._all.setChecked(False)
        self._ask("")

    def _ask(self, after: str) -> None:
        self._stop()
        self.more.hide()
        self.place_shown.setText(for_dialog(self._path) or SHARES)
        self.text.setText("Reading the folder.")
        self._chosen()
        if self._files is not None:
            self._asking = asking = self._files.list(self._path, after, MOST)
            asking.add_done_callback(self._listed.emit)

    def _stop(self) -> None:
        """Nobody wants to know any more."""
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()

    def _rows(self, asked: Future[Folder]) -> None:
        """Rows of a folder have come, or why they have not."""
        if asked is not self._asking or asked.cancelled():
            return
        self._asking = None
        try:
            folder = asked.result()
        except (Refused, FilesError) as error:
            self.text.setText(str(error))
            self._chosen()
            return
        roots = not self._path
        self._path = self._path and (folder.path or self._path)
        self.place_shown.setText(for_dialog(self._path) or SHARES)
        self.list.blockSignals(True)
        for row in folder.rows:
            if roots:
                self._roots[row.name] = row.mode
            self.list.addItem(self._line(row, roots))
        self.list.blockSignals(False)
        self._last = folder.rows[-1].name if folder.rows else self._last
        self.more.setVisible(folder.more)
        empty = (
            "The desktop shares no folder. Start its host with --files and a folder."
            if roots
            else "This folder is empty."
        )
        self.text.setText("" if self.list.count() else empty)
        if self.list.count() and self.list.currentRow() < 0:
            self.list.setCurrentRow(0)
        self._chosen()

    def _line(self, row: Listed, root: bool) -> QListWidgetItem:
        folder = row.kind is FileKind.FOLDER
        shown = for_dialog(row.name, 200) + ("/" if folder else "")
        if root:
            both = row.mode & READ and row.mode & WRITE
            about = "can be read and written" if both else "can be read" if row.mode & READ else "takes files only"
        elif row.kind is FileKind.LINK:
            about = f"link to {for_dialog(row.link, 60)}"
        else:
            about = " · ".join(part for part in ("" if folder else amount(row.size), moment(row.modified)) if part)
        item = QListWidgetItem(f"{shown}   {about}")
        item.setData(PATH, within(self._path, row.name))
        item.setData(ROW, row)
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if not root and row.kind is not FileKind.LINK:
            item.setFlags(flags | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
        else:
            item.setFlags(flags)
        return item

    def _enter(self, item: QListWidgetItem) -> None:
        """A folder is opened, anything else chosen."""
        row: Listed = item.data(ROW)
        if row.kind is FileKind.FOLDER and (self._path or row.mode & READ):
            self._go(item.data(PATH))
        elif item.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            chosen = item.checkState() is Qt.CheckState.Checked
            item.setCheckState(Qt.CheckState.Unchecked if chosen else Qt.CheckState.Checked)

    # choosing

    def _items(self) -> list[QListWidgetItem]:
        every = (self.list.item(at) for at in range(self.list.count()))
        return [item for item in every if item.flags() & Qt.ItemFlag.ItemIsUserCheckable]

    def _paths(self) -> tuple[str, ...]:
        return tuple(item.data(PATH) for item in self._items() if item.checkState() is Qt.CheckState.Checked)

    def _choose_all(self, chosen: bool) -> None:
        self.list.blockSignals(True)
        for item in self._items():
            item.setCheckState(Qt.CheckState.Checked if chosen else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self._chosen()

    def _goal(self) -> str:
        """The folder that files would be sent to; "" where that is none: the one that is shown, or the root that is
        chosen."""
        item = self.list.currentItem()
        path = self._path or (str(item.data(PATH)) if item is not None else "")
        root = next((one for one in self._roots if path == one or path.startswith(f"{one.rstrip('/')}/")), None)
        writable = root is None or bool(self._roots[root] & WRITE)
        return path if self._in and path and writable else ""

    def _chosen(self) -> None:
        """What is chosen has changed: what can be done is another thing, too."""
        some = bool(self._paths())
        self.up.setEnabled(bool(self._path))
        self._all.setEnabled(bool(self._items()))
        for button in (self.download, self.save):
            button.setVisible(self._out and bool(self._path))
            button.setEnabled(some)
        for button in (self.send_files, self.send_folder):
            button.setVisible(bool(self._goal()))

    def _send(self, folder: bool) -> None:
        if goal := self._goal():
            self.send.emit(f"{goal.rstrip('/')}/", folder)

    def _fetch(self, to_folder: bool) -> None:
        paths = self._paths()
        if len(paths) > MAX_FILE_SOURCES:
            self.text.setText(
                f"At most {MAX_FILE_SOURCES} can be fetched at a time: choose fewer, or the folder that they are in."
            )
        elif paths:
            self.fetch.emit(paths, to_folder)

    @staticmethod
    def _button(text: str) -> QPushButton:
        made = QPushButton(text)
        made.setAutoDefault(False)
        return made
