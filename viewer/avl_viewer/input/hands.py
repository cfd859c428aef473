"""Hands: what a person does in the window becomes input events for the host (registry "input_events").

A pointer's movements within one turn of the event loop become one; everything else leaves at once, and after the
movement that came before it. A held key is not repeated, because the host's own display does that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent

from avl_protocol.wire.registry import InputKind, Modifier
from avl_protocol.wire.typable import is_typable
from avl_viewer.input.scancodes import usage

Row = tuple[Any, ...]

#: Qt's button -> the number that travels (X11's).
BUTTONS = {
    Qt.MouseButton.LeftButton: 1,
    Qt.MouseButton.MiddleButton: 2,
    Qt.MouseButton.RightButton: 3,
    Qt.MouseButton.BackButton: 8,
    Qt.MouseButton.ForwardButton: 9,
}
ALT_LEFT, ALT_RIGHT = 0xE2, 0xE6
#: HID usage of a modifier key -> its bit.
MODIFIER_KEYS = {
    0xE0: Modifier.CONTROL,
    0xE1: Modifier.SHIFT,
    ALT_LEFT: Modifier.ALT,
    0xE3: Modifier.META,
    0xE4: Modifier.CONTROL,
    0xE5: Modifier.SHIFT,
    ALT_RIGHT: Modifier.ALT,
    0xE7: Modifier.META,
}
_QT_MODIFIERS = (
    (Qt.KeyboardModifier.ControlModifier, Modifier.CONTROL),
    (Qt.KeyboardModifier.ShiftModifier, Modifier.SHIFT),
    (Qt.KeyboardModifier.AltModifier, Modifier.ALT),
    (Qt.KeyboardModifier.MetaModifier, Modifier.META),
)
#: Qt hides the locks; the platform's own mask, by Qt's platform name, shows them. X11: Lock, Mod2, Mod5.
_NATIVE_MODIFIERS: dict[str, tuple[tuple[int, Modifier], ...]] = {
    "xcb": ((0x02, Modifier.CAPS_LOCK), (0x10, Modifier.NUM_LOCK), (0x80, Modifier.ALTGR)),
    "wayland": ((0x02, Modifier.CAPS_LOCK), (0x10, Modifier.NUM_LOCK), (0x80, Modifier.ALTGR)),
    "windows": ((0x100, Modifier.CAPS_LOCK), (0x200, Modifier.NUM_LOCK), (0x400, Modifier.SCROLL_LOCK)),
    "cocoa": ((1 << 16, Modifier.CAPS_LOCK),),
}


class Hands:
    """Turns events into rows and hands them to `send`.

    `to_desktop` maps a position of the window (logical pixels) to a desktop pixel. `defer` is asked to have `flush`
    called when the event loop has turned.
    """

    def __init__(
        self,
        send: Callable[[list[Row]], None],
        to_desktop: Callable[[QPointF], tuple[int, int]],
        defer: Callable[[], None],
        platform: str,
    ) -> None:
        self._send = send
        self._to_desktop = to_desktop
        self._defer = defer
        self._platform = platform
        self._keys: dict[int, None] = {}
        self._buttons: set[int] = set()
        self._moved: tuple[int, int] | None = None
        self._at: tuple[int, int] | None = None
        self._altgr = False

    @property
    def holding(self) -> bool:
        """Whether a key or button is down."""
        return bool(self._keys or self._buttons)

    def usage(self, event: QKeyEvent) -> int | None:
        """The HID usage of the event's key."""
        return usage(self._platform, event.nativeScanCode(), int(event.key()))

    def move(self, position: QPointF) -> None:
        """The pointer is here now."""
        at = self._to_desktop(position)
        if self._moved is None:
            if at == self._at:
                return
            self._defer()
        self._moved = at

    def flush(self) -> None:
        """Send the movement that waits, if any."""
        if rows := self._movement():
            self._send(rows)

    def button(self, button: Qt.MouseButton, down: bool, position: QPointF) -> None:
        """A button went down or up here."""
        number = BUTTONS.get(button)
        if number is None or (number in self._buttons) == down:
            return
        if down:
            self._buttons.add(number)
        else:
            self._buttons.discard(number)
        self._moved = self._to_desktop(position)
        self._send([*self._movement(), (int(InputKind.BUTTON), number, down)])

    def wheel(self, event: QWheelEvent) -> None:
        """The wheel turned; Qt counts up and left as positive, and turns the axes while Alt is held."""
        dx, dy = event.angleDelta().x(), event.angleDelta().y()
        if self._platform == "xcb" and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            dx, dy = dy, dx
        if dx or dy:
            self._moved = self._to_desktop(event.position())
            self._send([*self._movement(), (int(InputKind.WHEEL), -dx, -dy)])

    def key(self, event: QKeyEvent, down: bool) -> None:
        """A key went down or up; repetitions and releases of what is not held are left out."""
        number = self.usage(event)
        if event.isAutoRepeat():
            return
        text = event.text() if down and is_typable(event.text()) else ""
        if number is None:
            if down and text:
                self.commit(text)
            return
        if (number in self._keys) == down:
            return
        modifiers = self._modifiers(event, number, down)
        if down:
            self._keys[number] = None
        else:
            del self._keys[number]
        self._send([*self._movement(), (int(InputKind.KEY), number, down, int(modifiers), text)])

    def commit(self, text: str) -> None:
        """An input method, a dead key or the paste box made this text."""
        if text:
            self._send([*self._movement(), (int(InputKind.TEXT), text)])

    def combination(self, usages: Sequence[int]) -> None:
        """Press these keys one after the other and release them in reverse."""
        rows: list[Row] = self._movement()
        bits = 0
        for number in usages:
            bits |= MODIFIER_KEYS.get(number, 0)
            rows.append((int(InputKind.KEY), number, True, bits, ""))
        for number in reversed(usages):
            bits &= ~MODIFIER_KEYS.get(number, 0)
            rows.append((int(InputKind.KEY), number, False, bits, ""))
        self._send(rows)

    def release_all(self) -> None:
        """Let go of everything: the window lost the keyboard, or the keys were meant for the window itself."""
        held = self.holding
        self._keys.clear()
        self._buttons.clear()
        self._altgr = False
        if held:
            self._send([*self._movement(), (int(InputKind.RELEASE_ALL),)])

    def _movement(self) -> list[Row]:
        moved, self._moved = self._moved, None
        if moved is None or moved == self._at:
            return []
        self._at = moved
        return [(int(InputKind.MOVE), *moved)]

    def _modifiers(self, event: QKeyEvent, number: int, down: bool) -> Modifier:
        """The modifiers as they are after this event; the platform reports them as before it."""
        if number == ALT_RIGHT:
            self._altgr = down and event.key() != Qt.Key.Key_Alt
        bits = Modifier(0)
        for flag, bit in _QT_MODIFIERS:
            if event.modifiers() & flag:
                bits |= bit
        for mask, bit in _NATIVE_MODIFIERS.get(self._platform, ()):
            if int(event.nativeModifiers()) & mask:
                bits |= bit
        bits &= ~MODIFIER_KEYS.get(number, Modifier(0))
        held = {*self._keys, number} if down else self._keys.keys() - {number}
        for other in held:
            bits |= MODIFIER_KEYS.get(other, Modifier(0))
        if number == ALT_RIGHT and not down:
            bits &= ~Modifier.ALTGR
        if self._altgr or bits & Modifier.ALTGR:
            bits |= Modifier.ALTGR
            if ALT_LEFT not in held:
                bits &= ~Modifier.ALT
        return bits
