"""The toolbar: hidden until the pointer touches the middle of the top edge, gone when it leaves.

Nothing of the desktop is covered unless asked for. Its last line names the keys that work while all others belong to
the host's desktop, so that there is always a visible way out.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from avl_viewer.present.label import label
from avl_viewer.present.style import MENU, PANEL

#: Milliseconds that the toolbar stays when the pointer has left it.
LINGER = 700
HINT = (
    "Ctrl+Alt+Shift and: F full screen · G keys stay here · 1 pixel for pixel · S statistics · T toolbar · Q disconnect"
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
    """Buttons over the picture; `action(name)`: fullscreen, exact, grab, places, statistics, leave, send, type,
    paste."""

    action = Signal(str)
    combination = Signal(object)

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

        keys = self._menu("Keys")
        for name, usages in COMBINATIONS.items():
            if name in ("Ctrl+Alt+F1", "Ctrl+Alt+Backspace"):
                keys.addSeparator()
            keys.addAction(name).triggered.connect(self._presser(usages))
        clipboard = self._menu("Clipboard")
        for text, action in (
            ("Send my clipboard", "send"),
            ("Type my clipboard as keys", "type"),
            ("Paste box…", "paste"),
        ):
            clipboard.addAction(text).triggered.connect(self._caller(action))

        self.note = label("View only")
        self.note.setObjectName("quiet")
        self.note.hide()
        self.fullscreen = self._button("Full screen", "fullscreen", checkable=True)
        self.exact = self._button("1:1", "exact", checkable=True)
        self.exact.setToolTip("One pixel of the desktop is one pixel of this screen")
        self.grab_keys = self._button("Grab keys", "grab", checkable=True)
        self.grab_keys.setToolTip("Keys that this computer would keep (Alt+Tab, Super) go to the desktop")
        self.places = self._button("Keys by place", "places", checkable=True)
        self.places.setToolTip(
            "A key is the one at the same place of the host's keyboard, whatever is printed on it: for games"
        )
        self.statistics = self._button("Statistics", "statistics", checkable=True)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.note)
        row.addWidget(self.fullscreen)
        row.addWidget(self.exact)
        for menu in (keys, clipboard):
            button = QToolButton(self)
            button.setText(f"{menu.title()} ▾")
            button.setMenu(menu)
            button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            row.addWidget(button)
        row.addWidget(self.grab_keys)
        row.addWidget(self.places)
        row.addWidget(self.statistics)
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
        self._lingering.stop()

    def leaveEvent(self, event: QEvent) -> None:
        self._lingering.start(LINGER)

    def _vanish(self) -> None:
        if any(menu.isVisible() for menu in self._menus) or self.underMouse():
            self._lingering.start(LINGER)
        else:
            self.hide()

    def _menu(self, title: str) -> QMenu:
        menu = QMenu(title, self)
        menu.setStyleSheet(MENU)
        self._menus.append(menu)
        return menu

    def _button(self, text: str, action: str, checkable: bool = False) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setCheckable(checkable)
        button.clicked.connect(self._caller(action))
        return button

    def _caller(self, action: str) -> Callable[[], None]:
        return lambda: self.action.emit(action)

    def _presser(self, usages: tuple[int, ...]) -> Callable[[], None]:
        return lambda: self.combination.emit(usages)
