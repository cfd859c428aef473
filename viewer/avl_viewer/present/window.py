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

from avl_protocol.media.frame import Monitor
from avl_protocol.session.input.ledger import Dropped, Fate, acts
from avl_protocol.session.viewing import may
from avl_protocol.wire.errors import lacking
from avl_protocol.wire.foreign import for_dialog, for_log
from avl_protocol.wire.registry import ControlAct, ControlMode, InputDevice, InputKind, Permission
from avl_protocol.wire.typable import typed_lines
from avl_viewer.figures.tally import Tally
from avl_viewer.input.hands import Row
from avl_viewer.present.company import Company
from avl_viewer.present.copies import Copies
from avl_viewer.present.files import Files
from avl_viewer.present.label import label
from avl_viewer.present.mailbox import Mailbox
from avl_viewer.present.marks import Mark
from avl_viewer.present.monitorwindow import MonitorWindow
from avl_viewer.present.panels import Figures, Notice, PasteBox, Toast
from avl_viewer.present.presenter import CursorShape, Status
from avl_viewer.present.remote import Remote
from avl_viewer.present.screen import Screen, open_screen
from avl_viewer.present.style import PANEL
from avl_viewer.present.toolbar import Toolbar
from avl_viewer.services.sound import HostSound

#: Milliseconds: how long the host may take to say goodbye, and how long the last sentence stays to be read.
FAREWELL, LAST_WORDS = 1000, 10_000
#: Milliseconds that the window has had its size before the host hears of it.
FITTING = 100
#: The part of the display that a window may take.
ROOM = 0.92
#: Seconds in which a lock of the pointer is offered once.
OFFERED = 60.0

log = logging.getLogger("avl.viewer")


class Window(QObject):
    """`mailbox` is the presenter to give to a session; `finished(exit status)` comes once, when the window is gone.
    `fit`: the desktop is to have the window's size; `monitors`: those that the session was told to show by
    themselves."""

    finished = Signal(int)

    def __init__(
        self,
        title: str,
        fullscreen: bool,
        stats_file: Path | None,
        now: Callable[[], float],
        *,
        fit: bool = False,
        monitors: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self._now = now
        self._remote: Remote | None = None
        self._stage = "connecting"
        self._over = False
        self._leaving = False
        self._stats_file = stats_file
        #: Whether the session ever ran, and what it ended with.
        self.ran = False
        self.ending: Status | None = None

        #: When a lock of the pointer may be offered again.
        self._offers = 0.0

        self.mailbox = Mailbox()
        self._company = Company()
        self._host_sound = HostSound()
        self._speaks, self._muted, self._volume = False, False, 1.0
        self._pointing = True
        self._title = for_dialog(title, 64)
        self.screen = open_screen(self._send, now)
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
        #: The host's monitors, and those that the person wants by themselves, the first of them in this window.
        self._monitors: tuple[Monitor, ...] = ()
        self._chosen = monitors
        #: Desktops that are monitors, by their first tracks; and the windows of those that are not shown here.
        self._watched: dict[int, int] = {}
        self._windows: dict[int, MonitorWindow] = {}
        #: The desktop that this window shows, by its first track; 0: nothing yet.
        self._seen = 0
        self._fit = fit
        self._fitting = self._once(FITTING, self._say_size)
        self._farewell = self._once(FAREWELL, lambda: self._finish(0))
        self._last_words = self._once(LAST_WORDS, self._read)
        self.files = Files(self.screen, self.mailbox, self._remark)
        self.copies = Copies(QGuiApplication.clipboard(), self.mailbox, self._remark, self._show_picture)

        self.mailbox.pictured.connect(self._show_picture)
        self.mailbox.laid_out.connect(self._lay_out)
        self.mailbox.cursor_changed.connect(self._set_cursor)
        self.mailbox.devices_changed.connect(self._take_devices)
        self.mailbox.remarked.connect(self._remark)
        self.mailbox.status_changed.connect(self._tell)
        self.mailbox.input_dropped.connect(self._drop)
        self.mailbox.company_changed.connect(self._meet)
        self.mailbox.sound_changed.connect(self._hear)
        self.mailbox.microphone_changed.connect(self._speak)
        self.mailbox.marked.connect(self._mark)
        self.mailbox.rearranged.connect(self._rearrange)
        self.toast.gone.connect(self._told)
        self.screen.command.connect(self._act)
        self.screen.summoned.connect(self._summon)
        self.screen.composing.connect(self._compose)
        self.screen.focused.connect(self._focus)
        self.screen.resized.connect(self._place)
        self.screen.resized.connect(self._fitting.start)
        self.screen.closing.connect(self.leave)
        self.screen.caught.connect(self._caught)
        self.screen.unseen.connect(self._offer_lock)
        self.toolbar.action.connect(self._act)
        self.toolbar.given.connect(self._give)
        self.toolbar.loud.connect(self._loud)
        self.toolbar.chosen.connect(self._choose)
        self.toolbar.combination.connect(self.screen.hands.combination)
        self.notice.closed.connect(self._read)
        self.paste_box.sent.connect(self.copies.set)
        self.paste_box.closed.connect(self.screen.setFocus)
        self.files.closed.connect(self.screen.setFocus)
        self.copies.changed.connect(lambda: self._focus(self.screen.hasFocus()))

        self.toolbar.fit.setChecked(fit)
        self._sized = fullscreen
        if fullscreen:
            self._enter_fullscreen()
        else:
            self.screen.resize(960, 600)

    def bind(self, remote: Remote) -> None:
        """This is the session; show the window."""
        self._remote = self.screen.pen.paper = remote
        self.copies.bind(remote)
        self.files.bind(remote)
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
            for screen in self._screens():
                screen.release_all()
                screen.hide()
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
            self.copies.close()
            self.files.close()
            self.screen.set_grab(False)
            for screen in self._screens():
                screen.hide()
            if self._remote is not None:
                self._remote.close()
            self.finished.emit(exit_status)

    def _read(self) -> None:
        """The last sentence was read, or had its time."""
        self._finish(self.ending.exit_status if self.ending is not None else 0)

    # From the session.

    def _show_picture(self) -> None:
        for desktop, (pictures, dirty) in self.mailbox.take().items():
            window = self._windows.get(desktop)
            if window is None and desktop != self._seen:
                self._seen = desktop
                self._place_monitors()
            shows = self.screen.show_canvas if window is None else window.show_canvas
            if not self._over and shows(pictures[-1].canvas, dirty):
                self.mailbox.presented(pictures, self._now())

    def _screens(self) -> list[Screen]:
        """Where something is shown."""
        return [self.screen, *(window.screen for window in self._windows.values())]

    def _mark(self, mark: Mark) -> None:
        for screen in self._screens():
            screen.mark(mark)

    # monitors

    def _choose(self, names: tuple[str, ...]) -> None:
        """The person wants to see these monitors, the first of them here; none: the whole desktop."""
        self._chosen = names
        if self._remote is not None:
            self._remote.watch_monitors(names)
        self._list_monitors()

    def _rearrange(self, watched: dict[int, int]) -> None:
        """These desktops are single monitors from now on."""
        self._watched = watched
        others = list(watched)[1:]
        for desktop in [desktop for desktop in self._windows if desktop not in others]:
            self._windows.pop(desktop).close()
        for at, desktop in enumerate(others, 1):
            number = watched[desktop]
            if (window := self._windows.get(desktop)) is not None and window.number != number:
                self._windows.pop(desktop).close()
            if desktop not in self._windows:
                made = self._windows[desktop] = MonitorWindow(number, at, self._title, self._send, self._now)
                made.command.connect(self._act)
                made.closed.connect(self._close_monitor)
                self.files.watch(made.screen)
                made.screen.set_dimmed(self._stage != "running")
                made.screen.touch.devices = self.screen.touch.devices
        self._place_monitors()

    def _place_monitors(self) -> None:
        """What of the desktop each window shows."""
        by_number = {monitor.number: monitor for monitor in self._monitors}
        here = by_number.get(self._watched.get(self._seen, 0))
        self.screen.set_origin(*((here.x, here.y) if here is not None else (0, 0)))
        for window in self._windows.values():
            if (monitor := by_number.get(window.number)) is not None:
                window.place(monitor)
        self._list_monitors()

    def _list_monitors(self) -> None:
        self.toolbar.list_monitors(tuple(monitor.name for monitor in self._monitors), self._chosen)

    def _close_monitor(self, number: int) -> None:
        """The person closes the window of a monitor."""
        name = next((monitor.name for monitor in self._monitors if monitor.number == number), "")
        self._choose(tuple(one for one in self._chosen if one != name))

    def _lay_out(self, width: int, height: int, monitors: tuple[Monitor, ...]) -> None:
        self._monitors = monitors
        by_place = {str(place): monitor.name for place, monitor in enumerate(monitors, 1)}
        self._chosen = tuple(by_place.get(name, name) for name in self._chosen)
        self._place_monitors()
        if not self._sized:
            self._sized = True
            chosen = next((one for one in monitors if self._chosen and one.name == self._chosen[0]), None)
            if chosen is not None:
                width, height = chosen.width, chosen.height
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
            self._remark(lacking(Permission.MONITORS))
            return
        self._fit = not self._fit
        if self._fit:
            self._say_size()
        elif self._remote is not None:
            self._remote.fit(0, 0, 100)

    def _set_cursor(self, cursor: CursorShape) -> None:
        for screen in self._screens():
            screen.set_cursor(cursor)

    def _take_devices(self, devices: InputDevice) -> None:
        for screen in self._screens():
            screen.touch.devices = devices
        if not devices & InputDevice.RELATIVE:
            self.screen.set_caught(False)
        self.toolbar.offer(devices)
        self.toolbar.direct.setChecked(self.screen.touch.direct)

    def _caught(self, caught: bool) -> None:
        self.toolbar.lock.setChecked(caught)
        self._remark(
            "Your mouse is locked to the desktop. Ctrl+Alt+Shift+L lets it go."
            if caught
            else "Your mouse is free. Ctrl+Alt+Shift+L locks it again."
        )

    def _offer_lock(self) -> None:
        """The host's program has hidden its pointer, and somebody pressed there."""
        if self._locks() and self._now() >= self._offers:
            self._offers = self._now() + OFFERED
            self._remark(
                "The program there has hidden its pointer: it may want the mouse for itself. "
                "Ctrl+Alt+Shift+L locks it there."
            )

    def _locks(self) -> bool:
        """Whether the pointer may be caught."""
        able = bool(self.screen.touch.devices & InputDevice.RELATIVE)
        return able and self._stage == "running" and self._company.mine and self._may(Permission.POINTER)

    def _lock(self) -> None:
        if self.screen.catches:
            self.screen.set_caught(False)
        elif not self.screen.touch.devices & InputDevice.RELATIVE:
            self._remark("This host takes no movements of a mouse. Update avl there.")
        elif not self._locks() or self.screen.pen.drawing:
            self._remark(self._company.sentence() or "The pointer can be locked to a desktop that you act on.")
        elif not self.screen.set_caught(True):
            self._remark("This system lets no program keep the pointer. Start the viewer with QT_QPA_PLATFORM=xcb.")

    def _remark(self, text: str) -> None:
        self.toast.say(text)

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
            for screen in self._screens():
                screen.release_all()
        for screen in self._screens():
            screen.set_dimmed(not running)
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
            self.files.close()
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
            self.toast.say_lost(sentence)

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
        for screen in self._screens():
            screen.overlay.company = company
        if before.sentence() != company.sentence():
            if not company.mine:
                self.screen.release_all()
            if not self._over and self.ending is None:
                self.toast.say(company.sentence() or "Everybody has control.")
        self._entitle()
        self._gather()
        self.screen.refresh_overlay()

    def _entitle(self) -> None:
        """Who has control is always to be seen in the title."""
        speaks = "your microphone is on" if self._speaks else ""
        parts = [self._title, self._company.sentence().removesuffix("."), speaks, "avl"]
        self.screen.setWindowTitle(for_dialog(" - ".join(part for part in parts if part)))

    def _gather(self) -> None:
        acts_here = self._may(Permission.POINTER | Permission.KEYBOARD)
        self.files.permit()
        self.toolbar.permit_files(self._may(Permission.FILES_IN), self._may(Permission.FILES_OUT))
        self.toolbar.gather(self._company, acts_here, self._may(Permission.ANNOTATE))
        self.toolbar.hear(self._host_sound, self._host_sound.microphone and self._may(Permission.AUDIO_IN))

    def _hear(self, host: HostSound) -> None:
        """The host says whether there is sound, and who speaks. That there is none from the beginning stands in the
        menu; that there is none any more is said."""
        before, self._host_sound = self._host_sound, host
        if host.trouble and before.heard:
            self.toast.say(host.trouble)
        self._gather()

    def _speak(self, on: bool) -> None:
        """Our microphone is heard at the host, or no longer: that is to be seen."""
        self._speaks = on
        self.toolbar.speak.setChecked(on)
        self.toolbar.speaking.setVisible(on)
        self.toolbar.place()
        self.toast.say("The host hears your microphone now." if on else "The host no longer hears your microphone.")
        self._entitle()

    def _loud(self, volume: float) -> None:
        self._volume = volume
        if self._remote is not None:
            self._remote.listen(self._muted, volume)

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
            self._remark(lacking(Permission.ANNOTATE))
            return
        self.screen.set_drawing(drawing)
        if drawing:
            self._remark("You draw with the left button; the right one wipes it away. Ctrl+Alt+Shift+D ends drawing.")

    def _focus(self, focused: bool) -> None:
        if focused:
            self.copies.focused()

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
        elif action == "lock":
            self._lock()
        elif action == "direct":
            screen.touch.direct = not screen.touch.direct
        elif action == "places":
            screen.set_places(not screen.hands.places)
        elif action == "statistics":
            self.figures.toggle()
        elif action == "toolbar":
            self._summon()
        elif action in ("send files", "send folder"):
            self.files.choose(action == "send folder")
        elif action == "remote":
            toolbar.dismiss()
            self.files.browse()
        elif action == "transfers":
            toolbar.dismiss()
            self.files.toggle()
        elif action == "send":
            self.copies.send()
        elif action == "type":
            if text := self.copies.text_or_remark():
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
        elif action == "mute":
            self._muted = not self._muted
            self._loud(self._volume)
        elif action == "speak":
            if self._remote is not None:
                self._remote.speak(not self._speaks)
        elif action == "leave":
            self.leave()
        toolbar.fullscreen.setChecked(screen.isFullScreen())
        toolbar.exact.setChecked(screen.view.exact)
        toolbar.fit.setChecked(self._fit)
        toolbar.grab_keys.setChecked(screen.grabs)
        toolbar.places.setChecked(screen.hands.places)
        toolbar.lock.setChecked(screen.catches)
        toolbar.direct.setChecked(screen.touch.direct)
        toolbar.draw.setChecked(screen.pen.drawing)
        toolbar.pointers.setChecked(self._pointing)
        toolbar.mute.setChecked(self._muted)
        toolbar.speak.setChecked(self._speaks)
        toolbar.statistics.setChecked(self.figures.isVisible())

    def _summon(self) -> None:
        """The toolbar comes, with what may be done now."""
        self._gather()
        self.toolbar.summon()

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
        over = (self.toolbar, self.figures, self.notice, self.paste_box, self.toast)
        for panel in (*over, self.files.panel, self.files.remote):
            if panel.isVisible():
                panel.place()

    def _once(self, milliseconds: int, then: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(then)
        return timer
