"""The toolbar: hidden until the pointer touches the middle of the top edge, gone when it leaves.

Nothing of the desktop is covered unless asked for. Its last line names the keys that work while all others belong to
the host's desktop, so that there is always a visible way out.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCursor, QEnterEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QSlider, QToolButton, QVBoxLayout, QWidget, QWidgetAction

from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.registry import ControlMode, InputDevice
from avl_viewer.present.company import Company
from avl_viewer.present.label import label
from avl_viewer.present.style import MENU, PANEL
from avl_viewer.services.sound import HostSound

#: Milliseconds that the toolbar stays when the pointer has left it.
LINGER = 700
HINT = (
    "Ctrl+Alt+Shift and: F full screen · G keys stay here · L lock pointer · 1 pixel for pixel · C control"
    " · D draw · E files · S statistics · T toolbar · Q disconnect"
)

_CONTROL, _SHIFT, _ALT, _META = 0xE0, 0xE1, 0xE2, 0xE3
#: Combinations that a person's own desktop tends to keep: name -> HID usages in the order they are pressed.
COMBINATIONS: dict[str, tuple[int, ...]] = {
    "Ctrl+Alt+Del": (_CONTROL, _ALT, 0x4C),
    "Alt+Tab": (_ALT, 0x2B),
    "Alt+F4": (_ALT, 0x3D),
    "Super": (_META,),
    "Super+L": (_META, 0x0F),
    "Ctrl+Esc": (_CONTROL, 0x29),
    "Ctrl+Shift+Esc": (_CONTROL, _SHIFT, 0x29),
    "Print Screen": (0x46,),
    "F11": (0x44,),
    **{f"Ctrl+Alt+F{number}": (_CONTROL, _ALT, 0x39 + number) for number in range(1, 8)},
    "Ctrl+Alt+Backspace": (_CONTROL, _ALT, 0x2A),
}


class Toolbar(QFrame):
    """Menus over the picture, few enough for a window of 800 pixels.

    `action(name)`: fullscreen, exact, fit, grab, lock, direct, places, statistics, leave, send, type, paste, send
    files, send folder, remote, transfers, control, draw, wipe, wipe all, pointers, mute, speak. `given(number)`: this
    person is to have control; `loud(volume)`: sound is to be that loud, 0 to 1; `chosen(names)`: these monitors are to
    be seen by themselves."""

    action = Signal(str)
    combination = Signal(object)
    given = Signal(int)
    loud = Signal(float)
    chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.setObjectName("panel")
        self.setStyleSheet(PANEL)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)  # no click on the desktop below
        self._lingering = QTimer(self)
        self._lingering.setSingleShot(True)
        self._lingering.setInterval(LINGER)
        self._lingering.timeout.connect(self._vanish)
        self._menus: list[QMenu] = []

        self._screen = self._menu("Screen")
        self.fullscreen = self._entry("Full screen", "fullscreen", checkable=True)
        self.exact = self._entry("1:1, one pixel of the desktop is one pixel here", "exact", checkable=True)
        self.fit = self._entry("Fit the desktop to this window", "fit", checkable=True)
        self.statistics = self._entry("Statistics", "statistics", checkable=True)
        self.list_monitors((), ())
        keys = self._menu("Keys")
        for name, usages in COMBINATIONS.items():
            if name in ("Ctrl+Alt+F1", "Ctrl+Alt+Backspace"):
                keys.addSeparator()
            keys.addAction(name).triggered.connect(self._presser(usages))
        self.grab_keys = self._entry("Grab keys", "grab", checkable=True)
        self.grab_keys.setToolTip("Keys that this computer would keep (Alt+Tab, Super) go to the desktop")
        self.places = self._entry("Keys by place", "places", checkable=True)
        self.places.setToolTip(
            "A key is the one at the same place of the host's keyboard, whatever is printed on it: for games"
        )
        keys.addSeparator()
        keys.addActions([self.grab_keys, self.places])
        mouse = self._menu("Mouse")
        self.lock = self._entry("Lock pointer", "lock", checkable=True)
        self.lock.setToolTip("The mouse stays in the desktop and only its movements count: for games and 3D")
        self.direct = self._entry("Touch", "direct", checkable=True)
        self.direct.setToolTip("Fingers touch the desktop itself, several at once, for programs that know fingers")
        mouse.addActions([self.lock, self.direct])
        clipboard = self._menu("Clipboard")
        for text, action in (
            ("Send my clipboard", "send"),
            ("Type my clipboard as keys", "type"),
            ("Paste box…", "paste"),
        ):
            clipboard.addAction(text).triggered.connect(self._caller(action))

        files = self._menu("Files")
        self._send_files = self._entry("Send files…", "send files")
        self._send_folder = self._entry("Send a folder…", "send folder")
        self._remote_files = self._entry("The desktop's files…", "remote")
        files.addActions([self._send_files, self._send_folder, self._remote_files])
        files.addAction("Transfers").triggered.connect(self._caller("transfers"))

        self._people = self._menu("People")
        self.draw = self._entry("Draw and point", "draw", checkable=True)
        self.wipe = self._entry("Wipe away what I drew", "wipe")
        self.wipe_all = self._entry("Wipe away all drawings", "wipe all")
        self.pointers = self._entry("Show where others point, and tell where I do", "pointers", checkable=True)
        self.pointers.setChecked(True)
        self.gather(Company(), False, False)
        self._people.aboutToShow.connect(self._list_people)

        sound = self._sound = self._menu("Sound")
        self.sound_note = sound.addAction("")
        self.sound_note.setEnabled(False)
        self.sound_note.setVisible(False)
        self.mute = self._entry("Muted", "mute", checkable=True)
        sound.addAction(self.mute)
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setValue(100)
        slider.setAccessibleName("Volume")
        slider.setToolTip("Volume")
        slider.valueChanged.connect(lambda value: self.loud.emit(value / 100))
        loudness = QWidgetAction(sound)
        loudness.setDefaultWidget(slider)
        sound.addAction(loudness)
        sound.addSeparator()
        self.speak = self._entry("Speak with my microphone", "speak", checkable=True)
        self.speak.setEnabled(False)
        sound.addAction(self.speak)
        self.speaking = label("● Mic")
        self.speaking.setToolTip("The host hears your microphone")
        self.speaking.setObjectName("speaking")
        self.speaking.hide()

        self.note = label("View only")
        self.note.setObjectName("quiet")
        self.note.hide()
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.speaking)
        row.addWidget(self.note)
        buttons: dict[QMenu, QToolButton] = {}
        for menu in (self._screen, keys, mouse, clipboard, files, sound, self._people):
            button = buttons[menu] = QToolButton(self)
            button.setText(f"{menu.title()} ▾")
            button.setMenu(menu)
            button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            row.addWidget(button)
        self._mouse, self._files = buttons[mouse], buttons[files]
        self.offer(InputDevice(0))
        self.permit_files(False, False)
        row.addWidget(self._button("Disconnect", "leave"))
        hint = label(HINT)
        hint.setObjectName("quiet")
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        hint.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 7)
        column.setSpacing(5)
        column.addLayout(row)
        column.addWidget(hint)
        for button in self.findChildren(QToolButton):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keyboard stays with the desktop
        self.hide()

    def offer(self, devices: InputDevice) -> None:
        """What the host's system takes."""
        self.lock.setVisible(bool(devices & InputDevice.RELATIVE))
        self.direct.setVisible(bool(devices & InputDevice.TOUCH))
        self._mouse.setVisible(bool(devices & (InputDevice.RELATIVE | InputDevice.TOUCH)))

    def permit_files(self, into: bool, out: bool) -> None:
        """Whether files may be sent, and fetched."""
        self._files.setVisible(into or out)
        for entry in (self._send_files, self._send_folder):
            entry.setVisible(into)
        self._remote_files.setVisible(out)

    def gather(self, company: Company, acts: bool, draws: bool) -> None:
        """Who is here and what we can do about it; `acts`, `draws`: our own permissions."""
        self._company, self._acts = company, acts
        for entry in (self.draw, self.wipe, self.wipe_all):
            entry.setEnabled(draws)

    def hear(self, host: HostSound, speaks: bool) -> None:
        """What the host says of its sound; `speaks`: our microphone may be heard there."""
        others = f"{host.speakers} {'person speaks' if host.speakers == 1 else 'people speak'} there"
        note = host.trouble or (others if host.speakers else "")
        self.sound_note.setText(note)
        self.sound_note.setVisible(bool(note))
        self.speak.setEnabled(speaks)
        self.speak.setToolTip("" if speaks else "The host takes no microphone, or not yours")

    def list_monitors(self, names: tuple[str, ...], chosen: tuple[str, ...]) -> None:
        """The desktop has these monitors, and those that were `chosen` are seen by themselves."""
        menu = self._screen
        menu.clear()
        menu.addActions([self.fullscreen, self.exact, self.fit, self.statistics])
        if len(names) < 2:
            return
        menu.addSeparator()
        choices = [("The whole desktop", ()), *((name, (name,)) for name in names)]
        choices.append(("Each monitor in a window of its own", names))
        for text, which in choices:
            entry = menu.addAction(_plain(for_dialog(text)))
            entry.setCheckable(True)
            entry.setChecked(which == chosen)
            entry.triggered.connect(self._chooser(which))

    def _list_people(self) -> None:
        """The menu is opened: fill it. Its lines do not change under the pointer."""
        menu, company = self._people, self._company
        menu.clear()
        for person in company.people:
            what = [
                *(["you"] if person.number == company.you else []),
                *(["has control"] if person.number == company.holder else []),
                *(["asks for control"] if person.asks else []),
                *([] if person.acts else ["draws"]),
            ]
            known = f" ({', '.join(what)})" if what else ""
            menu.addAction(f"{_plain(company.name(person.number))}{known}").setEnabled(False)
        if self._acts and company.mode is not ControlMode.SHARED:
            menu.addSeparator()
            own = "Let go of control" if company.mine else "Ask no more" if company.asking else "Ask for control"
            menu.addAction(own).triggered.connect(self._caller("control"))
            for person in company.people if company.mine else ():
                if person.acts and person.number != company.you:
                    give = menu.addAction(f"Give control to {_plain(company.name(person.number))}")
                    give.triggered.connect(self._giver(person.number))
        menu.addSeparator()
        for entry in (self.draw, self.wipe, self.wipe_all, self.pointers):
            menu.addAction(entry)

    def summon(self) -> None:
        """Come down; stay while the pointer is here."""
        self.place()
        self.show()
        self.raise_()
        self._lingering.start(4 * LINGER)

    def dismiss(self) -> None:
        """Go at once."""
        self._lingering.stop()
        self.hide()

    def place(self) -> None:
        """Top centre of the window, no wider than it."""
        room = self._window.width()
        wide = min(self.sizeHint().width(), room)
        self.resize(wide, self.heightForWidth(wide) if self.hasHeightForWidth() else self.sizeHint().height())
        self.move((room - self.width()) // 2, 0)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._lingering.start(LINGER)  # where it came under a pointer that rested, no leaving may be told

    def leaveEvent(self, event: QEvent) -> None:
        self._lingering.start(LINGER)

    def _vanish(self) -> None:
        under = self.rect().contains(self.mapFromGlobal(QCursor.pos()))
        if any(menu.isVisible() for menu in self._menus) or under:
            self._lingering.start(LINGER)
        else:
            self.hide()

    def _menu(self, title: str) -> QMenu:
        menu = QMenu(title, self)
        menu.setStyleSheet(MENU)
        menu.setToolTipsVisible(True)
        self._menus.append(menu)
        return menu

    def _button(self, text: str, action: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.clicked.connect(self._caller(action))
        return button

    def _entry(self, text: str, action: str, checkable: bool = False) -> QAction:
        entry = QAction(text, self)
        entry.setCheckable(checkable)
        entry.triggered.connect(self._caller(action))
        return entry

    def _chooser(self, names: tuple[str, ...]) -> Callable[[], None]:
        return lambda: self.chosen.emit(names)

    def _giver(self, number: int) -> Callable[[], None]:
        return lambda: self.given.emit(number)

    def _caller(self, action: str) -> Callable[[], None]:
        return lambda: self.action.emit(action)

    def _presser(self, usages: tuple[int, ...]) -> Callable[[], None]:
        return lambda: self.combination.emit(usages)


def _plain(name: str) -> str:
    """A name as an entry of a menu shows it: there `&` marks a key."""
    return name.replace("&", "&&")
