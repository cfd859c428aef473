"""Files: what a person drops onto the window, chooses and fetches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QStandardPaths, Qt, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog

from avl_protocol.wire.errors import lacking
from avl_protocol.wire.registry import Permission
from avl_viewer.present.label import label
from avl_viewer.present.mailbox import Mailbox
from avl_viewer.present.remote import Remote
from avl_viewer.present.remotefiles import RemoteFiles
from avl_viewer.present.screen import Screen
from avl_viewer.present.style import DROP
from avl_viewer.present.transfers import TransfersPanel
from avl_viewer.transfers import Problems

#: Why what is no file of this machine is not sent.
ELSEWHERE = "This is no file of this computer. Save it here first, and drop that."


class Files(QObject):
    """Of the window `screen`. `remark` tells the person something; `closed`: the keyboard belongs to the desktop
    again."""

    closed = Signal()

    def __init__(self, screen: Screen, mailbox: Mailbox, remark: Callable[[str], None]) -> None:
        super().__init__()
        self._screen, self._remark = screen, remark
        self._remote: Remote | None = None
        self._dialog: QFileDialog | None = None
        self.panel = TransfersPanel(screen)
        self.remote = RemoteFiles(screen)
        self._hint = label("Drop to send to the desktop", screen)
        self._hint.setStyleSheet(DROP)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._hint.hide()
        mailbox.transfers_changed.connect(self.panel.show_transfers)
        self.panel.closed.connect(self.closed)
        self.remote.closed.connect(self.closed)
        self.remote.send.connect(lambda path, folder: self.choose(folder, path))
        self.remote.fetch.connect(self._fetch)
        self.watch(screen)
        screen.dragged.connect(self._show_hint)

    def bind(self, remote: Remote) -> None:
        """This is the session."""
        self._remote = remote
        self.panel.bind(remote.files)
        self.remote.bind(remote.files)

    def permit(self) -> None:
        """What the session may has changed, perhaps."""
        into, out = self._may(Permission.FILES_IN), self._may(Permission.FILES_OUT)
        self.remote.permit(into, out)
        if not into and not out:
            self.remote.dismiss()

    def watch(self, screen: Screen) -> None:
        """Files may be dropped here, too."""
        screen.setAcceptDrops(True)
        screen.dragged.connect(self._dragged)
        screen.dragged_away.connect(self._hint.hide)

    def choose(self, folder: bool, to: str = "") -> None:
        """Let the person choose files, or a folder, and send them; default: where the host puts files."""
        if not self._may(Permission.FILES_IN):
            self._remark(lacking(Permission.FILES_IN))
            return
        title = "Folder to send" if folder else "Files to send"
        dialog = self._ask(title, QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda paths: self._send([Path(path) for path in paths], to))
        dialog.open()

    def browse(self) -> None:
        """Show what the host shares."""
        if self._may(Permission.FILES_OUT):
            self.remote.summon()
        else:
            self._remark(lacking(Permission.FILES_OUT))

    def toggle(self) -> None:
        """Show the transfers, or take them away."""
        if self.panel.isVisible():
            self.panel.dismiss()
        else:
            self.panel.summon()

    def close(self) -> None:
        """The window goes."""
        self.remote.dismiss()
        if self._dialog is not None:
            self._dialog.reject()

    def _dragged(self, event: QDropEvent) -> None:
        """Something is over a screen, or was dropped there."""
        if not event.mimeData().hasUrls():
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()  # without the permission, too: who drops is told why not
        if event.type() == QEvent.Type.Drop:
            self._hint.hide()
            self._drop(event.mimeData())

    def _show_hint(self, event: QDropEvent) -> None:
        """The same over the window itself: say what a drop would do."""
        if event.mimeData().hasUrls() and event.type() != QEvent.Type.Drop and self._may(Permission.FILES_IN):
            self._hint.setGeometry(self._screen.rect().adjusted(16, 16, -16, -16))
            self._hint.show()
            self._hint.raise_()

    def _drop(self, what: QMimeData) -> None:
        if not self._may(Permission.FILES_IN):
            self._remark(lacking(Permission.FILES_IN))
            return
        here = [Path(url.toLocalFile()) for url in what.urls() if url.isLocalFile()]
        self._send(here, "", tuple((url.toDisplayString(), ELSEWHERE) for url in what.urls() if not url.isLocalFile()))

    def _send(self, paths: list[Path], to: str, problems: Problems = ()) -> None:
        if self._remote is not None:
            self._remote.files.put(paths, to, problems)

    def _fetch(self, paths: tuple[str, ...], chooses: bool) -> None:
        if not chooses:
            self._get(paths, downloads())
            return
        dialog = self._ask("Folder to save to", QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda folder: self._get(paths, Path(folder)))
        dialog.open()

    def _get(self, paths: tuple[str, ...], to: Path) -> None:
        if self._remote is not None:
            self._remote.files.get(paths, to)
            self.remote.dismiss()

    def _ask(self, title: str, mode: QFileDialog.FileMode) -> QFileDialog:
        dialog = self._dialog = QFileDialog(self._screen, title, str(Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(mode)
        dialog.finished.connect(self._asked)
        return dialog

    def _asked(self) -> None:
        self._dialog = None
        self.closed.emit()

    def _may(self, permission: Permission) -> bool:
        return self._remote is not None and bool(self._remote.permissions & permission)


def downloads() -> Path:
    """Where this system keeps what was fetched."""
    known = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
    return Path(known) if known else Path.home() / "Downloads"
