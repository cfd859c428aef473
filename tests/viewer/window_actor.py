"""A viewer with a real window and no network: does what its standard input says and prints what the window says.

Run as a process of its own, so that the window is as it will be: Qt in the main thread, the session in another, an exit
status at the end. One JSON object a line in both directions.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QObject, QPointF, Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QListWidget, QWidget

from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.session.fetching import Fetched
from avl_protocol.session.input.ledger import Dropped, Fate
from avl_protocol.wire.clipformats import Copy, Format
from avl_protocol.wire.endtoend import Cleared, Drawn, People, Points
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import ClipboardState, CloseCode, FileKind, InputDevice
from avl_viewer.app import NoDisplay, run_window
from avl_viewer.files import Folder, Listed
from avl_viewer.present import panels
from avl_viewer.present.company import company_of
from avl_viewer.present.panels import Toast
from avl_viewer.present.presenter import CursorShape, Picture, Presenter, Status
from avl_viewer.present.remotefiles import RemoteFiles
from avl_viewer.present.screen import Screen
from avl_viewer.present.toolbar import Toolbar
from avl_viewer.present.transfers import TransfersPanel
from avl_viewer.services.sound import HostSound
from avl_viewer.transfers import Asked, Shown, Stage
from tests.viewer import pictures
from tests.viewer.hostfiles import MemoryHostFiles


def say(**what: Any) -> None:
    """Print one line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Asker(QObject):
    """Lives in the window's thread."""

    asked = Signal()
    dragged = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.asked.connect(self.wait)
        self.dragged.connect(self.drop)

    @Slot()
    def wait(self) -> None:
        QTimer.singleShot(40, lambda: say(toast=toast(), menus=menus(), panels=texts(), settled=True))

    @Slot(object)
    def drop(self, urls: list[str]) -> None:
        """Drag these over the window and drop them there."""
        (screen,) = (window for window in QApplication.topLevelWidgets() if isinstance(window, Screen))
        what = QMimeData()
        what.setUrls([QUrl(url) for url in urls])
        middle, button = QPointF(screen.rect().center()), Qt.MouseButton.LeftButton
        more = (Qt.DropAction.CopyAction, what, button, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(screen, QDragEnterEvent(middle.toPoint(), *more))
        QApplication.sendEvent(screen, QDropEvent(middle, *more))
        say(dropped=True)


def toast() -> str:
    """The lines at the bottom of the window; empty where there is none."""
    panels = [panel for window in QApplication.topLevelWidgets() for panel in window.findChildren(Toast)]
    return "\n".join(line.text() for panel in panels for line in panel.findChildren(QLabel) if line.isVisible())


def seen(kind: type[QWidget]) -> list[Any]:
    """The widgets of a kind that are seen in the toolbar and in the panels of files."""
    panels: list[QWidget] = []
    for window in QApplication.topLevelWidgets():
        for panel in (Toolbar, TransfersPanel, RemoteFiles):
            panels += window.findChildren(panel)
    return [widget for panel in panels for widget in panel.findChildren(kind) if widget.isVisible()]


def texts() -> list[str]:
    """What the panels of files say, line by line."""
    rows = [each.item(row).text() for each in seen(QListWidget) for row in range(each.count())]
    return [line.text() for line in seen(QLabel) if line.text()] + rows


def menus() -> dict[str, tuple[int, int]]:
    """Where the buttons of the toolbar and of the panels of files are on the screen, by their texts."""
    buttons = seen(QAbstractButton)
    middles = {button: button.mapToGlobal(button.rect().center()) for button in buttons}
    return {button.text().removesuffix(" ▾"): (at.x(), at.y()) for button, at in middles.items()}


class Session:
    """Satisfies Remote; a thread reads the orders."""

    def __init__(self, presenter: Presenter, permissions: int) -> None:
        self._presenter = presenter
        self.permissions = permissions
        self._files = MemoryHostFiles(say)
        self._desk = pictures.Desk()
        self._prepared: dict[int, Callable[[], Picture]] = {}
        self._asker = Asker()
        #: What is being fetched for who pastes here, and how what was copied here is read.
        self._fetching: dict[str, Future[bytes]] = {}
        self._read: Callable[[str], Future[Fetched]] | None = None
        #: Whether it is said where the pointer is: every movement tells it.
        self._points = False
        presenter.attach(self._presented)
        threading.Thread(target=self._listen, name="session", daemon=True).start()

    def _presented(self, _track: int, number: int, at: float) -> None:
        """In the window's thread: the X server has done all it was sent before somebody else looks at its pixels."""
        QGuiApplication.sync()
        say(presented=number, at=at)

    @property
    def files(self) -> MemoryHostFiles:
        return self._files

    def send_input(self, events: list[tuple[Any, ...]]) -> None:
        say(rows=events)

    def point(self, x: int, y: int, laser: bool) -> None:
        if self._points:
            say(point=[x, y, laser])

    def draw(self, points: list[tuple[int, int]], begins: bool) -> None:
        say(draw=points, begins=begins)

    def wipe(self, everybody: bool) -> None:
        say(wipe=everybody)

    def control(self, act: int, to: int = 0) -> None:
        say(control=act, to=to)

    def fit(self, width: int, height: int, scale: int) -> None:
        say(fit=(width, height, scale))

    def listen(self, muted: bool, volume: float) -> None:
        say(muted=muted, volume=volume)

    def speak(self, on: bool) -> None:
        say(speak=on)

    def watch_monitors(self, names: tuple[str, ...]) -> None:
        say(monitors=list(names))

    def set_clipboard(self, text: str) -> None:
        say(clipboard=text)

    def offer_copy(self, copy: Copy, read: Callable[[str], Future[Fetched]]) -> None:
        self._read = read
        content = copy.content if isinstance(copy.content, str) else None
        say(offered=[content, [each.name for each in copy.formats], copy.origin.hex()])

    def fetch_copy(self, stamp: int, format: str) -> Future[bytes]:
        fetching: Future[bytes] = Future()
        self._fetching[format] = fetching
        say(fetch=[stamp, format])
        return fetching

    def stats(self) -> dict[str, Any]:
        return {
            "path": "relay",
            "rtt_ms": 1.25,
            "fps": 59.8,
            "bitrate_bps": 6_400_000,
            "loss": 0.001,
            "input_to_photon_ms": {"p50": 14.2, "p95": 21.5},
            "glass_to_glass_ms": {"p50": None, "p95": None},
            "stages_ms": {"grab": 1.2, "compare": 0.8, "convert": 2.0, "encode": 6.1, "network": 0.9, "present": 1.4},
        }

    def close(self) -> None:
        say(closed=True)
        self._presenter.status(Status("ended"))

    def _listen(self) -> None:
        for line in sys.stdin:
            order = json.loads(line)
            getattr(self, "do_" + order.pop("do"))(**order)

    def do_prepare(
        self,
        number: int,
        size: list[int],
        seed: int,
        dirty: Any = None,
        chroma: int = 1,
        exact: bool = False,
        **more: Any,
    ) -> None:
        width, height = size
        rgb = pictures.card(width, height, seed)
        if "colour" in more:
            rgb = pictures.flat(width, height, more["colour"])
        rects = None if dirty is None else [Rect(*rect) for rect in dirty]
        if exact:
            self._prepared[number] = lambda: self._desk.exact(number, rgb, rects)
        else:
            frame = pictures.yuv(rgb, Chroma(chroma))
            self._prepared[number] = lambda: self._desk.picture(number, rgb, rects, Chroma(chroma), frame)
        say(prepared=number)

    def do_show(self, numbers: list[int]) -> None:
        at = time.monotonic()
        for number in numbers:
            self._presenter.picture(self._prepared[number]())
        say(shown=numbers, at=at)

    def do_layout(self, width: int, height: int) -> None:
        self._presenter.layout(width, height, ())

    def do_cursor(self, width: int, height: int) -> None:
        self._presenter.cursor(
            CursorShape(
                serial=1, width=width, height=height, hot_x=0, hot_y=0, rgba=b"\xff\x20\x20\xff" * (width * height)
            )
        )

    def do_devices(self, devices: int) -> None:
        self._presenter.devices(InputDevice(devices))

    def do_clipboard(self, text: str) -> None:
        self._presenter.clipboard(text)

    def do_copied(self, text: str | None, formats: list[str], stamp: int, origin: str = "") -> None:
        content = ClipboardState.NOT_TEXT if text is None else text
        named = tuple(Format(name) for name in formats)
        self._presenter.copied(Copy(content, named, bytes.fromhex(origin), stamp))

    def do_fetched(self, format: str, data: str | None) -> None:
        """What was fetched comes, or does not."""
        fetching = self._fetching.pop(format)
        if data is None:
            fetching.set_exception(Refused(CloseCode.TIMEOUT, "it did not come"))
        else:
            fetching.set_result(base64.b64decode(data))

    def do_read(self, format: str) -> None:
        """Somebody pastes at the host."""
        assert self._read is not None
        result = self._read(format).result(10)
        say(read=base64.b64encode(result).decode() if isinstance(result, bytes) else int(result))

    def do_status(self, stage: str, text: str = "", exit_status: int = 0) -> None:
        self._presenter.status(Status(stage, text, exit_status))

    def do_dropped(self, sequence: int, events: list[list[Any]], fate: str) -> None:
        self._presenter.dropped([Dropped(sequence, tuple(tuple(event) for event in events), Fate[fate])])

    def do_sound(self, heard: bool, trouble: str = "") -> None:
        """The host says how its sound is."""
        self._presenter.sound(HostSound(heard, trouble))

    def do_company(self, people: list[list[Any]], **more: int) -> None:
        """Who is here, as a host tells it."""
        told = {"you": 1, "mode": 0, "holder": 0, "viewers": len(people), **more}
        self._presenter.company(company_of(People(people=tuple(map(tuple, people)), **told)))

    def do_points(self, rows: list[list[int]]) -> None:
        self._presenter.mark(Points(tuple(map(tuple, rows))))

    def do_drawn(self, person: int, stroke: int, points: list[list[int]]) -> None:
        self._presenter.mark(Drawn(person, stroke, tuple(map(tuple, points))))

    def do_cleared(self, person: int = 0) -> None:
        self._presenter.mark(Cleared(person))

    def do_tell_points(self, wanted: bool) -> None:
        self._points = wanted

    def do_drop(self, urls: list[str]) -> None:
        self._asker.dragged.emit(urls)

    def do_transfers(self, rows: list[dict[str, Any]]) -> None:
        """Transfers stand like this."""
        shown = []
        for row in rows:
            asked, problems = row.pop("asked", None), row.pop("problems", [])
            told: dict[str, Any] = {"asked": asked and Asked(*asked), "problems": tuple(map(tuple, problems))}
            shown.append(Shown(stage=Stage[row.pop("stage")], **told, **row))
        self._presenter.transfers(tuple(shown))

    def do_listed(self, path: str, rows: list[list[Any]], more: bool = False, refused: str = "") -> None:
        """The newest listing is done."""
        asked, after, answer = self._files.listings[-1]
        say(listing=[asked, after])
        if refused:
            answer.set_exception(Refused(CloseCode.NOT_PERMITTED, refused))
        else:
            answer.set_result(Folder(path, tuple(Listed(row[0], FileKind(row[1]), *row[2:]) for row in rows), more))

    def do_settle(self) -> None:
        """Answer from the window's own thread, when what the X server sent until now has surely been read."""
        self._asker.asked.emit()

    def do_usage(self) -> None:
        say(cpu=time.process_time())


def main() -> int:
    settings = json.loads(sys.argv[1])
    panels.STAY = settings.get("stay", panels.STAY)
    try:
        return show(settings)
    except NoDisplay as error:
        say(said=str(error))
        return 1


def show(settings: dict[str, Any]) -> int:
    """Run the window."""
    stats = settings.get("stats_file")
    return run_window(
        lambda presenter: Session(presenter, settings.get("permissions", 31)),
        settings.get("title", "test"),
        settings.get("fullscreen", False),
        Path(stats) if stats else None,
        time.monotonic,
    )


if __name__ == "__main__":
    sys.exit(main())
