"""Copies: where the host's clipboard and that of our system meet, in the window's thread (spec 04-session, 4.7).

What the host copied is put on our clipboard at once, but its formats are fetched when a program here pastes them. Qt
asks for them in a call that has to return with them: meanwhile nobody else is served by this thread, so that we go on
showing pictures ourselves. What is copied here is offered to the host, and read when it is fetched.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMetaType, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QClipboard, QImage, QImageReader

from avl_protocol.session.fetching import Fetched
from avl_protocol.wire.clipfiles import paths_of, uris_of
from avl_protocol.wire.clipformats import (
    FILES,
    GNOME,
    HTML,
    ORIGIN,
    ORIGIN_BYTES,
    PLAIN,
    PNG,
    URIS,
    Copy,
    Format,
    as_utf8,
    formats_of,
    kind_of,
    name_of,
)
from avl_protocol.wire.cliptext import content_of, lines_of
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import (
    MAX_CLIPBOARD_DATA,
    MAX_PICTURE_PIXELS,
    MAX_PICTURE_SIDE,
    ClipboardState,
    Permission,
)
from avl_viewer.present.mailbox import Mailbox
from avl_viewer.present.remote import Remote

#: Seconds for all of what is pasted: a program that waits for longer has given up.
PATIENCE = 60.0
#: What Qt calls a picture of no format in particular, of which it makes those that its system knows.
PICTURE = "application/x-qt-image"
#: Pictures that we can read, the best first.
READABLE = (PNG, "image/bmp", "image/tiff", "image/jpeg", "image/gif", "image/webp")
TEXT = "text/plain"

#: Fetches the host's copy of a stamp in a format; None where it does not come.
Fetch = Callable[[int, str], bytes | None]


class HostMime(QMimeData):
    """What the host copied, on our clipboard."""

    def __init__(self, copy: Copy, fetch: Fetch) -> None:
        super().__init__()
        self.copy = copy
        self._fetch = fetch
        self._kept: dict[str, bytes] = {}

    def formats(self) -> list[str]:
        """What it can be pasted as."""
        names = [each.name for each in self.copy.formats if each.name not in (PLAIN, FILES)]
        if self.copy.has(FILES):
            names += [URIS, GNOME]
        if isinstance(self.copy.content, str) or self.copy.has(PLAIN):
            names.append(TEXT)
        if any(self.copy.has(name) for name in READABLE):
            names.append(PICTURE)
        return [*names, ORIGIN]

    def hasFormat(self, mimetype: str) -> bool:
        """Whether it can be pasted as this."""
        return mimetype in self.formats()

    def retrieveData(self, mimetype: str, preferredType: QMetaType | QMetaType.Type) -> Any:
        """Somebody pastes."""
        if mimetype == ORIGIN:
            return QByteArray(self.copy.origin)
        if mimetype == TEXT:
            content = self.copy.content
            return content if isinstance(content, str) else (self._bytes(PLAIN) or b"").decode("utf-8", "replace")
        if mimetype == PICTURE:
            name = next((name for name in READABLE if self.copy.has(name)), "")
            return picture_of(self._bytes(name) or b"") if name else None
        if mimetype in (URIS, GNOME):
            data = self._bytes(FILES) if self.copy.has(FILES) else None
            data = data if data is None or mimetype == URIS else uris_of(paths_of(data), GNOME)
        else:
            data = self._bytes(mimetype) if self.copy.has(mimetype) else None
        return None if data is None else QByteArray(data)

    def narrow(self) -> None:
        """The session is over: only what was fetched is left."""
        left = tuple(Format(name, len(data)) for name, data in self._kept.items())
        self.copy = Copy(self.copy.content, left, self.copy.origin, self.copy.stamp)

    def _bytes(self, name: str) -> bytes | None:
        if name in self._kept:
            return self._kept[name]
        data = self._fetch(self.copy.stamp, name)
        if data is not None and len(data) + sum(map(len, self._kept.values())) <= MAX_CLIPBOARD_DATA:
            self._kept[name] = data
        return data


def picture_of(data: bytes) -> QImage:
    """The picture in these bytes; a null one where they are none, or of one larger than a desktop's (R-SESS-300)."""
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer)
    size = reader.size()
    large = max(size.width(), size.height()) > MAX_PICTURE_SIDE or size.width() * size.height() > MAX_PICTURE_PIXELS
    return QImage() if not size.isValid() or large else reader.read()


def png_of(picture: QImage) -> bytes:
    """A picture as PNG."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())


class Copies(QObject):
    """The two clipboards. `remark` tells the person something; `show` shows pictures that have come."""

    #: Something was copied here, and waits for `focused`.
    changed = Signal()
    #: A format of our newest copy is wanted, by the network's thread: its count, name, and where the answer goes.
    _wanted = Signal(int, str, object)

    def __init__(
        self, clipboard: QClipboard, mailbox: Mailbox, remark: Callable[[str], None], show: Callable[[], None]
    ) -> None:
        super().__init__()
        self._clipboard = clipboard
        self._mailbox = mailbox
        self._remark = remark
        self._show = show
        self._remote: Remote | None = None
        #: Counts what was copied here; whether the newest has not been offered, and the text that came from the host.
        self._count = 0
        self._unsent = False
        self._from_host: str | None = None
        #: What the host copied, while it is on our clipboard.
        self._mime: HostMime | None = None
        self._wanted.connect(self._read)
        clipboard.dataChanged.connect(self._copied)
        mailbox.clipboard_changed.connect(self._take)

    def bind(self, remote: Remote) -> None:
        """This is the session."""
        self._remote = remote

    def close(self) -> None:
        """The session is over: what was not fetched is not to be had."""
        self._clipboard.dataChanged.disconnect(self._copied)
        if self._mime is not None and self._holds_host:
            self._mime.narrow()

    @property
    def _holds_host(self) -> bool:
        """Whether our clipboard is what we made of the host's."""
        return self._mime is not None and self._clipboard.mimeData() is self._mime

    @property
    def _holds_files(self) -> bool:
        """Whether our clipboard is a list of files."""
        mime = self._clipboard.mimeData()
        return mime is not None and any(each.name == FILES for each in formats_of(mime.formats()))

    # from the host

    def _take(self, copy: Copy) -> None:
        """The host has copied."""
        if copy.formats:
            self._from_host = copy.content if isinstance(copy.content, str) else None
            self._mime = HostMime(copy, self._fetch)
            self._clipboard.setMimeData(self._mime)
            return
        text = copy.content if isinstance(copy.content, str) else ""
        self._from_host = text
        if text != self.text() or self._holds_host:
            self._mime = None
            self._clipboard.setText(text)

    def _fetch(self, stamp: int, name: str) -> bytes | None:
        """Fetch what a program here pastes. Pictures go on."""
        if self._remote is None:
            return None
        stirred = threading.Event()
        fetching = self._remote.fetch_copy(stamp, name)
        fetching.add_done_callback(lambda _: stirred.set())
        showing = self._mailbox.pictured.connect(stirred.set, Qt.ConnectionType.DirectConnection)
        late = threading.Timer(PATIENCE, fetching.cancel)
        late.start()
        try:
            while not fetching.done():
                stirred.wait()
                stirred.clear()
                self._show()
            return None if fetching.cancelled() else fetching.result()
        except Refused as refused:
            self._remark(str(refused))
            return None
        finally:
            late.cancel()
            self._mailbox.pictured.disconnect(showing)

    # to the host

    def text(self) -> str:
        """Our clipboard's text, with the line ends that travel."""
        return lines_of(self._clipboard.text())

    def text_or_remark(self) -> str:
        """The same, when the person has asked for it."""
        if not (text := self.text()):
            mime = self._clipboard.mimeData()
            empty = mime is None or not mime.formats()
            self._remark("Your clipboard is empty." if empty else "What is on your clipboard is not text.")
        return text

    def _copied(self) -> None:
        """Something was copied here; it goes once the window has the focus: other programs' secrets are not ours."""
        self._count += 1
        self._unsent = not self._holds_host
        if self._unsent:
            self.changed.emit()

    def focused(self) -> None:
        """The window has the focus: what was copied here goes to the host."""
        if not self._unsent:
            return
        self._unsent = False
        if not self._offer() and (text := self.text()) != self._from_host:
            self._from_host = None
            self.set(text)

    def send(self) -> None:
        """The person wants it sent."""
        self._unsent, self._from_host = False, None
        if not self._offer() and (text := self.text_or_remark()):
            self.set(text)
        elif self._holds_files and not (self._remote and self._remote.permissions & Permission.FILES_IN):
            self._remark("This session may not send files to the desktop. Who gave you access can permit it.")

    def set(self, text: str) -> None:
        """Make this text the host's clipboard."""
        if text and self._remote is not None and self._remote.permissions & Permission.CLIPBOARD_IN:
            self._remote.set_clipboard(text)

    def _offer(self) -> bool:
        """Offer the host what is on our clipboard, if that is more than text it knows; False for text alone."""
        mime = self._clipboard.mimeData()
        if mime is None:
            return False
        names = mime.formats()
        formats = tuple(each for each in formats_of(names) if each.name != PLAIN)
        if mime.hasImage() and not any(kind_of(each.name) == "image" for each in formats):
            formats = (*formats, Format(PNG))
        content = content_of(self.text())
        if any(each.name == FILES for each in formats):
            content = ClipboardState.NOT_TEXT  # the text of it is the list of files (R-SESS-302)
            formats = self._with_files(mime, formats)
            if not formats:
                return True
        if content is ClipboardState.TOO_LARGE:
            formats = (Format(PLAIN), *formats)
        if not formats:
            return False
        origin = bytes(mime.data(ORIGIN).data()) if ORIGIN in names else b""
        count = self._count

        def read(name: str) -> Future[Fetched]:
            wanted: Future[Fetched] = Future()
            self._wanted.emit(count, name, wanted)
            return wanted

        if self._remote is not None and self._remote.permissions & Permission.CLIPBOARD_IN:
            self._from_host = None
            told = content if isinstance(content, str) else ClipboardState.NOT_TEXT
            self._remote.offer_copy(Copy(told, formats, origin if len(origin) == ORIGIN_BYTES else b""), read)
        return True

    def _with_files(self, mime: QMimeData, formats: tuple[Format, ...]) -> tuple[Format, ...]:
        """These formats, with files where some of this machine are there and the session may send any."""
        may = self._remote is not None and self._remote.permissions & Permission.FILES_IN
        sends = may and bool(paths_of(self._bytes(mime, FILES)))
        return tuple(each for each in formats if each.name != FILES or sends)

    def _read(self, count: int, name: str, wanted: Future[Fetched]) -> None:
        """The host pastes: read our clipboard, unless something else was copied since."""
        mime = self._clipboard.mimeData()
        if not wanted.set_running_or_notify_cancel():
            return
        if count != self._count or mime is None:
            wanted.set_result(ClipboardState.GONE)
        else:
            data = self._bytes(mime, name)
            wanted.set_result(ClipboardState.GONE if count != self._count else data or ClipboardState.NO_ANSWER)

    def _bytes(self, mime: QMimeData, name: str) -> bytes:
        if name == PLAIN:
            return self.text().encode("utf-8", "replace")
        known = name_of(mime.formats(), name)
        if known:
            data = bytes(mime.data(known).data())
            return as_utf8(data) if name == HTML else data
        picture = mime.imageData() if name == PNG and mime.hasImage() else None
        return png_of(picture) if isinstance(picture, QImage) else b""
