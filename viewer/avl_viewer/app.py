"""The native viewer assembled: Qt has the main thread, the session's network and decoder have their own.

Import it only when a window is wanted: it needs PySide6, the extra `window`.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QMessageLogContext, QSocketNotifier, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from avl_protocol.endpoint.loop.priority import SystemPriority
from avl_protocol.endpoint.program.state import StateError
from avl_protocol.wire.foreign import for_log
from avl_viewer.present.connect import ConnectDialog
from avl_viewer.present.presenter import Presenter
from avl_viewer.present.remote import Remote
from avl_viewer.present.singletons import keep
from avl_viewer.present.window import Window, log
from avl_viewer.recent import Recent

INTERRUPTED = 130
#: How grave Qt's messages are.
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
#: Seconds a thread may keep the interpreter from another: at the default of 5 ms the network would delay pictures.
SWITCH_INTERVAL = 0.0005


class NoDisplay(Exception):
    """There is nothing to show a window on; the text says what to do."""


class DisplayLost(NoDisplay):
    """The display went away under a window."""

    def __init__(self) -> None:
        name = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY", "")
        super().__init__(f"The display {name} is gone, and the window with it. Start the viewer again on another.")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a window ended: the command line's exit status, the last sentence, and whether the desktop was ever seen."""

    exit_status: int
    text: str
    ran: bool


def run_window(
    start: Callable[[Presenter], Remote],
    title: str,
    fullscreen: bool,
    stats_file: Path | None,
    now: Callable[[], float],
    *,
    fit: bool = False,
    monitors: tuple[str, ...] = (),
) -> int:
    """Show one desktop until the person or the session ends it; blocks the calling thread, which must be the main one.

    `start` begins the session in other threads and returns at once. `now` is the clock of the pictures' times, in
    seconds. With `stats_file` the figures are written there once a second, whole by rename. `fit`: the desktop is to
    have the window's size; `monitors`: those that the session was told to show by themselves.

    Returns the exit status: 0 when the person left, else that of the status "ended", 130 when interrupted. A session
    that ends before it ran ends the window at once, so that the caller says why. Raises NoDisplay, and DisplayLost.
    """
    return show(start, title, fullscreen, stats_file, now, fit=fit, monitors=monitors).exit_status


def run_dialog(
    start: Callable[[str, str, Presenter], Remote],
    recent: Recent,
    fullscreen: bool,
    stats_file: Path | None,
    now: Callable[[], float],
    target: str = "",
    *,
    fit: bool = False,
    monitors: tuple[str, ...] = (),
) -> int:
    """Ask for a target and a code, show that desktop, and ask again with the reason when it could not be reached.

    `start(target, code, presenter)` is as for `run_window`. Returns the exit status; 0 when the person cancelled.
    """
    error = ""
    while (answer := connect_dialog(recent, target, error)) is not None:
        target, code = answer
        ending = show(
            lambda presenter, t=target, c=code: start(t, c, presenter),  # type: ignore[misc]
            "",
            fullscreen,
            stats_file,
            now,
            fit=fit,
            monitors=monitors,
        )
        if ending.ran:
            try:
                recent.remember(target)
            except StateError as refused:
                log.warning("%s", for_log(str(refused)))
        if ending.ran or ending.exit_status in (0, INTERRUPTED):
            return ending.exit_status
        error = ending.text
    return 0


def connect_dialog(recent: Recent, target: str = "", error: str = "") -> tuple[str, str] | None:
    """Ask for a target and a code; None when the person cancelled. `error` is said at the start."""
    application = _application()
    dialog = ConnectDialog(recent, target, error)
    with _interruptible(dialog.reject):
        dialog.open()
        dialog.activateWindow()
        results: list[int] = []
        dialog.finished.connect(results.append)
        dialog.finished.connect(application.exit)
        application.exec()
        if not results:
            raise DisplayLost
    answer = (dialog.target, dialog.code) if results == [ConnectDialog.DialogCode.Accepted.value] else None
    dialog.deleteLater()
    return answer


def show(
    start: Callable[[Presenter], Remote],
    title: str,
    fullscreen: bool,
    stats_file: Path | None,
    now: Callable[[], float],
    *,
    fit: bool = False,
    monitors: tuple[str, ...] = (),
) -> Ending:
    """As `run_window`, with all there is to know about the end."""
    application = _application()
    window = Window(title, fullscreen, stats_file, now, fit=fit, monitors=monitors)
    window.finished.connect(application.exit)
    interrupted = []
    shown = True

    def interrupt() -> None:
        interrupted.append(True)
        window.leave()

    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        with _interruptible(interrupt):
            window.bind(start(window.mailbox))
            exit_status = application.exec()
            shown = window.over
            if not shown:
                window.abandon()
                raise DisplayLost
    finally:
        sys.setswitchinterval(usual)
        if shown:
            window.screen.deleteLater()
            application.processEvents()
    ending = window.ending
    return Ending(INTERRUPTED if interrupted else exit_status, ending.text if ending else "", window.ran)


def _application() -> QApplication:
    """The process' one QApplication."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    keep()
    _require_display(os.environ)
    qInstallMessageHandler(_heard)
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    SystemPriority().first()  # before Qt has threads of its own
    application = QApplication(["avl"])
    application.setApplicationDisplayName("")
    application.setDesktopFileName("avl")
    application.setQuitOnLastWindowClosed(False)
    return application


def _heard(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Qt's words go to the log; those about a display that is gone are said as DisplayLost."""
    if "connection broke" not in message:
        log.log(_LEVELS.get(kind, logging.WARNING), "Qt: %s", message)


def _require_display(environment: Mapping[str, str]) -> None:
    """Raise NoDisplay where Qt would abort the whole program."""
    if sys.platform != "linux" or environment.get("QT_QPA_PLATFORM", "xcb").split(";")[0] not in ("xcb", "wayland"):
        return
    display = environment.get("DISPLAY", "")
    if environment.get("WAYLAND_DISPLAY"):
        return
    if not display:
        raise NoDisplay(
            "There is no display for a window: set DISPLAY, or use `avl screenshot` and the other commands."
        )
    local = re.fullmatch(r":(\d+)(\.\d+)?", display)
    if local:
        for address in (f"\0/tmp/.X11-unix/X{local[1]}", f"/tmp/.X11-unix/X{local[1]}"):
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(address) == 0:
                    return
        raise NoDisplay(f"No X server answers at DISPLAY={display}: start one, or correct DISPLAY.")


@contextmanager
def _interruptible(interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt` in Qt's loop on SIGINT and SIGTERM: Python's own handlers would wait until Qt returns."""
    reading, writing = socket.socketpair()
    reading.setblocking(False)
    writing.setblocking(False)
    notifier = QSocketNotifier(reading.fileno(), QSocketNotifier.Type.Read)

    def woken() -> None:
        if any(number in (signal.SIGINT, signal.SIGTERM) for number in reading.recv(64)):
            interrupt()

    def heard(number: int, frame: FrameType | None) -> None:
        """What matters is that the signal's number was written to the socket."""

    notifier.activated.connect(woken)
    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        notifier.setEnabled(False)
        reading.close()
        writing.close()
