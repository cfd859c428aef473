"""Window: one desktop in a native window; joins the screen, its panels and the session.

Never a frozen picture that looks alive: whenever the session is not running the picture is dimmed, a sentence says
why and since when, and nothing that is typed goes anywhere.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QRect, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from avl_protocol.session.input.ledger import Dropped, Fate, acts
from avl_protocol.session.viewing import may
from avl_protocol.wire.foreign import for_dialog, for_log
from avl_protocol.wire.registry import ControlAct, ControlMode, InputKind, Permission
from avl_protocol.wire.typable import typed_lines
from avl_viewer.figures.tally import Tally
from avl_viewer.input.hands import Row
from avl_viewer.present.company import Company
from avl_viewer.present.label import label
from avl_viewer.present.mailbox import Mailbox
from avl_viewer.present.panels import Figures, Notice, PasteBox, Toast
from avl_viewer.present.presenter import CursorShape, Status
from avl_viewer.present.remote import Remote
from avl_viewer.present.screen import Screen
from avl_viewer.present.style import PANEL
from avl_viewer.present.toolbar import Toolbar

#: Milliseconds: how long the host may take to say goodbye, and how long the last sentence stays to be read.
FAREWELL, LAST_WORDS = 1000, 10_000
#: Milliseconds that the window has had its size before the host hears of it.
FITTING = 100
#: The part of the display that a window may take.
ROOM = 0.92

log = logging.getLogger("avl.viewer")


class Window(QObject):
    """`mailbox` is the presenter to give to a session; `finished(exit status)` comes once, when the window is gone.
    `fit`: the desktop is to have the window's size."""

    finished = Signal(int)

    def __init__(
        self, title: str, fullscreen: bool, stats_file: Path | None, now: Callable[[], float], *, fit: bool = False
    ) -> None:
        super().__init__()
        self._now = now
        self._remote: Remote | None = None
        self._stage = "connecting"
        self._over = False
        self._leaving = False
        self._stats_file = stats_file
        self._from_host: str | None = None
        self._copied = False
        #: Whether the session ever ran, and what it ended with.
        self.ran = False
        self.ending: Status | None = None

        self.mailbox = Mailbox()
        self._company = Company()
        self._pointing = True
        self._title = for_dialog(title, 64)
        self.screen = Screen(self._send, now)
        self._entitle()
        self.toolbar = Toolbar(self.screen)
        self.figures = Figures(self.screen, self._stats)
        self.notice = Notice(self.screen, now)
        self.paste_box = PasteBox(self.screen)
        self.toast = Toast(self.screen)
        self._tally = Tally()
        self._composed = label(parent=self.screen)
        self._composed.setStyleSheet(PANEL + "QLabel { background: #1b1f26; padding: 6px 10px; font-size: 15px; }")
        self._composed.hide()
        self._writing = QTimer(self)
        self._writing.setInterval(1000)
        self._writing.timeout.connect(self._write_stats)
        self._fit = fit
        self._fitting = self._once(FITTING, self._say_size)
        self._farewell = self._once(FAREWELL, lambda: self._finish(0))
        self._last_words = self._once(LAST_WORDS, self._read)
        self._clipboard = QGuiApplication.clipboard()

        self.mailbox.pictured.connect(self._show_picture)
        self.mailbox.laid_out.connect(self._lay_out)
        self.mailbox.cursor_changed.connect(self._set_cursor)
        self.mailbox.clipboard_changed.connect(self._take_clipboard)
        self.mailbox.remarked.connect(self._remark)
        self.mailbox.status_changed.connect(self._tell)
        self.mailbox.input_dropped.connect(self._drop)
        self.mailbox.company_changed.connect(self._meet)
        self.mailbox.marked.connect(self.screen.mark)
        self.toast.gone.connect(self._told)
        self.screen.command.connect(self._act)
        self.screen.summoned.connect(self.toolbar.summon)
        self.screen.composing.connect(self._compose)
        self.screen.focused.connect(self._focus)
        self.screen.resized.connect(self._place)
        self.screen.resized.connect(self._fitting.start)
        self.screen.closing.connect(self.leave)
        self.toolbar.action.connect(self._act)
        self.toolbar.given.connect(self._give)
        self.toolbar.combination.connect(self.screen.hands.combination)
        self.notice.closed.connect(self._read)
        self.paste_box.sent.connect(self._set_clipboard)
        self.paste_box.closed.connect(self.screen.setFocus)
        self._clipboard.dataChanged.connect(self._copy)

        self.toolbar.fit.setChecked(fit)
        self._sized = fullscreen
        if fullscreen:
            self._enter_fullscreen()
        else:
            self.screen.resize(960, 600)

    def bind(self, remote: Remote) -> None:
        """This is the session; show the window."""
        self._remote = self.screen.pen.paper = remote
        if self._stats_file is not None:
            self._writing.start()
        self.notice.tell(Status("connecting"))
        self.screen.show()
        self.screen.activateWindow()
        self.screen.setFocus()

    def leave(self) -> None:
        """The person has had enough: say goodbye, but don't wait for long."""
        if self.ending is not None:
            self._read()
        elif not self._leaving:
            self._leaving = True
            self.screen.hands.release_all()
            self.screen.hide()
            self._farewell.start()
            if self._remote is not None:
                self._remote.close()

    @property
    def over(self) -> bool:
        """Whether it has ended by itself."""
        return self._over

    def abandon(self) -> None:
        """Its display is gone: leave the session, and touch nothing that the display would have to show."""
        self._over = True
        for timer in (self._writing, self._fitting, self._farewell, self._last_words):
            timer.stop()
        if self._remote is not None:
            self._remote.close()

    def _finish(self, exit_status: int) -> None:
        if not self._over:
            self._over = True
            for timer in (self._writing, self._fitting, self._farewell, self._last_words):
                timer.stop()
            self._clipboard.dataChanged.disconnect(self._copy)
            self.screen.set_grab(False)
            self.screen.hide()
            if self._remote is not None:
                self._remote.close()
            self.finished.emit(exit_status)

    def _read(self) -> None:
        """The last sentence was read, or had its time."""
        self._finish(self.ending.exit_status if self.ending is not None else 0)

    # From the session.

    def _show_picture(self) -> None:
        pictures, dirty = self.mailbox.take()
        if pictures and not self._over and self.screen.show_canvas(pictures[-1].canvas, dirty):
            self.mailbox.presented(pictures, self._now())

    def _lay_out(self, width: int, height: int) -> None:
        if not self._sized:
            self._sized = True
            ratio = self.screen.devicePixelRatioF()
            room = self.screen.screen().availableGeometry()
            part = min(1.0, room.width() * ROOM * ratio / width, room.height() * ROOM * ratio / height)
            wide, high = round(width * part / ratio), round(height * part / ratio)
            self.screen.resize(wide, high)
            self.screen.move(room.x() + (room.width() - wide) // 2, room.y() + (room.height() - high) // 2)
        self.screen.announce(width, height)

    def _say_size(self) -> None:
        """The window has had this size for a moment."""
        if self._fit and self._remote is not None and self._stage == "running":
            view = self.screen.view
            self._remote.fit(view.window_width, view.window_height, round(100 * self.screen.devicePixelRatioF()))

    def _toggle_fit(self) -> None:
        if not self._fit and not self._may(Permission.MONITORS):
            self._remark("This session may not choose the desktop's size.")
            return
        self._fit = not self._fit
        if self._fit:
            self._say_size()
        elif self._remote is not None:
            self._remote.fit(0, 0, 100)

    def _set_cursor(self, cursor: CursorShape) -> None:
        self.screen.set_cursor(cursor)

    def _remark(self, text: str) -> None:
        self.toast.say(text)

    def _take_clipboard(self, text: str) -> None:
        self._from_host = text
        if text != self._text():
            self._clipboard.setText(text)

    def _tell(self, status: Status) -> None:
        if self._over or self.ending is not None:
            return
        self._stage = status.stage
        running = status.stage == "running"
        if running:
            self.ran = True
            self.toolbar.note.setVisible(not self._may(Permission.POINTER | Permission.KEYBOARD))
            self.notice.dismiss()
            self._gather()
            self._tell_dropped()
            self._fitting.start()
        else:
            self.screen.hands.release_all()
        self.screen.set_dimmed(not running)
        if status.stage == "ended":
            self._end(status)
        elif not running:
            self.notice.tell(status)

    def _end(self, status: Status) -> None:
        self.ending = status
        self._writing.stop()
        if self._leaving:
            self._finish(0)
        elif not self.ran:
            self._finish(status.exit_status)
        else:
            self.screen.set_grab(False)
            self.toolbar.dismiss()
            self.paste_box.hide()
            self.notice.tell(status)
            self._last_words.start()

    def _drop(self, dropped: list[Dropped]) -> None:
        """Something that a person did came to nothing: say how much since it was last told."""
        before = self._tally.sentence()
        self._tally.add(dropped)
        if self._tally.sentence() != before:
            self._tell_dropped()

    def _tell_dropped(self) -> None:
        if (sentence := self._tally.sentence()) and not self._over and self.ending is None:
            self.toast.say(sentence)

    def _told(self) -> None:
        if self._stage == "running":  # else it is told once more when the session goes on
            self._tally.clear()

    # To the session.

    def _may(self, permission: Permission) -> bool:
        return self._remote is not None and bool(self._remote.permissions & permission)

    def _send(self, rows: list[Row]) -> None:
        if self._remote is None:
            return
        permissions = Permission(self._remote.permissions)
        if self._pointing and self._stage == "running":
            for row in [row for row in rows if row[0] == InputKind.MOVE][-1:]:
                self._remote.point(row[1], row[2], False)
        if not permissions & (Permission.POINTER | Permission.KEYBOARD):
            return
        allowed = [row for row in rows if may(permissions, row)]
        if not self._company.mine:
            allowed = self._withhold(allowed)
        if not allowed:
            return
        if self._stage == "running":
            self._remote.send_input(allowed)
        elif self._stage in ("stale", "lost"):
            self._drop([Dropped(0, tuple(allowed), Fate.UNSENT)])

    def _withhold(self, rows: list[Row]) -> list[Row]:
        """What is sent while somebody else has control; a person who tries to act is told who has it."""
        if any(map(acts, rows)):
            ask = "you are asking for it." if self._company.asking else "Ctrl+Alt+Shift+C asks for it."
            self.toast.say(f"{self._company.sentence()} {ask[0].upper()}{ask[1:]}")
        return [row for row in rows if row[0] == InputKind.RELEASE_ALL]

    # who else is here

    def _meet(self, company: Company) -> None:
        """Who is here, or who has control, has changed."""
        before, self._company = self._company, company
        self.screen.overlay.company = company
        if before.sentence() != company.sentence():
            if not company.mine:
                self.screen.hands.release_all()
            if not self._over and self.ending is None:
                self.toast.say(company.sentence() or "Everybody has control.")
        self._entitle()
        self._gather()
        self.screen.refresh_overlay()

    def _entitle(self) -> None:
        """Who has control is always to be seen in the title."""
        parts = [self._title, self._company.sentence().removesuffix("."), "avl"]
        self.screen.setWindowTitle(for_dialog(" - ".join(part for part in parts if part)))

    def _gather(self) -> None:
        acts_here = self._may(Permission.POINTER | Permission.KEYBOARD)
        self.toolbar.gather(self._company, acts_here, self._may(Permission.ANNOTATE))

    def _control(self) -> None:
        """Ask for control, or let go of it or of asking."""
        company = self._company
        if company.mode is ControlMode.SHARED or not self._may(Permission.POINTER | Permission.KEYBOARD):
            self._remark(
                "Everybody who may act does: there is nothing to ask for."
                if company.mode is ControlMode.SHARED
                else "You can only look at this desktop."
            )
        elif self._remote is not None:
            act = ControlAct.RELEASE if company.mine or company.asking else ControlAct.REQUEST
            self._remote.control(int(act))

    def _give(self, number: int) -> None:
        if self._remote is not None:
            self._remote.control(int(ControlAct.GIVE), number)

    def _draw(self) -> None:
        drawing = not self.screen.pen.drawing
        if drawing and not self._may(Permission.ANNOTATE):
            self._remark("Drawing is not permitted in this session.")
            return
        self.screen.set_drawing(drawing)
        if drawing:
            self._remark("You draw with the left button; the right one wipes it away. Ctrl+Alt+Shift+D ends drawing.")

    def _set_clipboard(self, text: str) -> None:
        if text and self._remote is not None and self._may(Permission.CLIPBOARD_IN):
            self._remote.set_clipboard(text)

    def _text(self) -> str:
        """Our clipboard's text, with the line ends that travel (4.7)."""
        return self._clipboard.text().replace("\r\n", "\n").replace("\r", "\n")

    def _text_or_remark(self) -> str:
        """The same, when the person has asked for it."""
        if not (text := self._text()):
            mime = self._clipboard.mimeData()
            empty = mime is None or not mime.formats()
            self._remark("Your clipboard is empty." if empty else "What is on your clipboard is not text.")
        return text

    def _copy(self) -> None:
        """Something was copied here; it goes once the window has the focus: other programs' secrets are not ours."""
        self._copied = True
        if self.screen.hasFocus():
            self._focus(True)

    def _focus(self, focused: bool) -> None:
        if focused and self._copied:
            self._copied = False
            text = self._text()
            if text != self._from_host:
                self._from_host = None
                self._set_clipboard(text)

    def _stats(self) -> dict[str, Any]:
        return self._remote.stats() if self._remote is not None else {}

    def _write_stats(self) -> None:
        if self._stats_file is not None:
            temporary = self._stats_file.with_name(f".{self._stats_file.name}.new")
            try:
                temporary.write_text(json.dumps(self._stats()) + "\n", "utf-8")
                os.replace(temporary, self._stats_file)
            except OSError as error:
                self._writing.stop()
                log.error(
                    "can't write the figures to %s: %s", for_log(str(self._stats_file)), for_log(str(error.strerror))
                )

    # From the person.

    def _act(self, action: str) -> None:
        screen, toolbar = self.screen, self.toolbar
        if action == "fullscreen":
            if screen.isFullScreen():
                screen.set_grab(False)
                screen.showNormal()
            else:
                self._enter_fullscreen()
                screen.show()
            screen.activateWindow()
        elif action == "exact":
            screen.set_exact(not screen.view.exact)
        elif action == "fit":
            self._toggle_fit()
        elif action == "grab":
            screen.set_grab(not screen.grabs)
        elif action == "places":
            screen.set_places(not screen.hands.places)
        elif action == "statistics":
            self.figures.toggle()
        elif action == "toolbar":
            toolbar.summon()
        elif action == "send":
            self._from_host = None
            if text := self._text_or_remark():
                self._set_clipboard(text)
        elif action == "type":
            if text := self._text_or_remark():
                self._type(text)
        elif action == "paste":
            toolbar.dismiss()
            self.paste_box.summon()
        elif action == "control":
            self._control()
        elif action == "draw":
            self._draw()
        elif action in ("wipe", "wipe all"):
            if self._remote is not None:
                self._remote.wipe(action == "wipe all")
        elif action == "pointers":
            self._pointing = screen.overlay.pointers = not self._pointing
            screen.refresh_overlay()
        elif action == "leave":
            self.leave()
        toolbar.fullscreen.setChecked(screen.isFullScreen())
        toolbar.exact.setChecked(screen.view.exact)
        toolbar.fit.setChecked(self._fit)
        toolbar.grab_keys.setChecked(screen.grabs)
        toolbar.places.setChecked(screen.hands.places)
        toolbar.draw.setChecked(screen.pen.drawing)
        toolbar.pointers.setChecked(self._pointing)
        toolbar.statistics.setChecked(self.figures.isVisible())

    def _type(self, text: str) -> None:
        try:
            self.screen.hands.commit(typed_lines(text))
        except ValueError as error:
            self._remark(f"The clipboard was not typed: {error}")

    def _enter_fullscreen(self) -> None:
        # without a window manager nobody else would make the window as large as the display
        self._sized = True
        self.screen.setGeometry(self.screen.screen().geometry())
        self.screen.showFullScreen()
        self.screen.set_grab(True)
        self.toolbar.fullscreen.setChecked(True)
        self.toolbar.grab_keys.setChecked(True)

    def _compose(self, text: str) -> None:
        self._composed.setText(text)
        self._composed.adjustSize()
        room = QRect(self.screen.rect())
        self._composed.move((room.width() - self._composed.width()) // 2, room.height() - self._composed.height() - 24)
        self._composed.setVisible(bool(text))
        self._composed.raise_()

    def _place(self) -> None:
        for panel in (self.toolbar, self.figures, self.notice, self.paste_box, self.toast):
            if panel.isVisible():
                panel.place()

    def _once(self, milliseconds: int, then: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(then)
        return timer
