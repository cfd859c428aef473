"""Hands: what a person does in the window becomes input events for the host (registry "input_events").

A pointer's movements within one turn of the event loop become one; everything else leaves at once, and after the
movement that came before it. A held key is not repeated, because the host's own display does that.

Window systems lose releases: another program takes the keyboard while a key is down. So what is held is checked against
what every event says: the modifiers it carries, a key that goes down twice, and repetitions that cease.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent

from avl_protocol.wire.registry import InputKind, Modifier
from avl_protocol.wire.typable import is_typable
from avl_viewer.input.scancodes import usage

#: Seconds after which a key that is neither repeated nor released is up: systems repeat one that is held sooner.
SILENT = 1.25

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
#: Usages of the keypad, and those of its keys that Num Lock gives another meaning.
KEYPAD = frozenset({*range(0x53, 0x64), 0x67, 0x85})
_TWOFOLD = range(0x59, 0x64)
_DIGITS = frozenset(int(key) for key in (*range(Qt.Key.Key_0, Qt.Key.Key_9 + 1), Qt.Key.Key_Period, Qt.Key.Key_Comma))
#: Usage of a letter's place on a US keyboard -> the letter.
_LETTERS = {0x04 + at: letter for at, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
#: With one of these held a key is a command.
_COMMAND = Modifier.CONTROL | Modifier.ALT | Modifier.META
#: By Qt's numbers: its flags are an enum of Python's, of which every & makes another.
_QT_MODIFIERS = tuple(
    (int(flag.value), int(bit))
    for flag, bit in (
        (Qt.KeyboardModifier.ControlModifier, Modifier.CONTROL),
        (Qt.KeyboardModifier.ShiftModifier, Modifier.SHIFT),
        (Qt.KeyboardModifier.AltModifier, Modifier.ALT),
        (Qt.KeyboardModifier.MetaModifier, Modifier.META),
    )
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
    called when the event loop has turned, `watch` to have `silent` called after SILENT seconds, instead of whenever it
    was to be called before (False: not at all).
    """

    def __init__(
        self,
        *,
        send: Callable[[list[Row]], None],
        to_desktop: Callable[[QPointF], tuple[int, int]],
        defer: Callable[[], None],
        watch: Callable[[bool], None],
        platform: str,
    ) -> None:
        self._send = send
        self._to_desktop = to_desktop
        self._defer = defer
        self._watch = watch
        self._platform = platform
        self._keys: dict[int, None] = {}
        self._buttons: set[int] = set()
        self._moved: tuple[int, int] | None = None
        self._at: tuple[int, int] | None = None
        #: How far the pointer has moved while it is caught, as far as that was not sent.
        self._by: tuple[float, float] = (0.0, 0.0)
        self._deferred = False
        self._caught = False
        self._altgr = False
        #: The key that the desktop repeats now, and one that was let go of because it seemed to be up.
        self._repeats: int | None = None
        self._quiet: int | None = None
        #: Whether the window system was seen to tell that Meta is held: not all keyboards map it to a modifier.
        self._meta_told = False
        #: Keys travel by their place alone, as games want it.
        self.places = False

    @property
    def place(self) -> tuple[int, int] | None:
        """The desktop pixel that the pointer was put at last, as far as that is known."""
        return self._at

    @property
    def holding(self) -> bool:
        """Whether a key or button is down."""
        return bool(self._keys or self._buttons)

    def usage(self, event: QKeyEvent) -> int | None:
        """The HID usage of the event's key."""
        keypad = bool(event.modifiers() & Qt.KeyboardModifier.KeypadModifier)
        return usage(self._platform, event.nativeScanCode(), int(event.key()), keypad)

    def move(self, position: QPointF) -> None:
        """The pointer is here now."""
        at = self._to_desktop(position)
        if self._moved is None:
            if at == self._at:
                return
            self._defer()
        self._moved = at

    def catch(self, caught: bool) -> None:
        """The pointer is caught in the window, where its movements alone count, or is free."""
        self._caught = caught
        self._moved = self._at = None  # where it is at the host is not known any more
        self._by = (0.0, 0.0)

    def move_by(self, dx: float, dy: float) -> None:
        """The pointer that is caught has moved by so many device pixels."""
        if not self._deferred:
            self._deferred = True
            self._defer()
        self._by = (self._by[0] + dx, self._by[1] + dy)

    def flush(self) -> None:
        """Send the movement that waits, if any."""
        self._deferred = False
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
        if not self._caught:
            self._moved = self._to_desktop(position)
        self._send([*self._movement(), (int(InputKind.BUTTON), number, down)])

    def wheel(self, event: QWheelEvent) -> None:
        """The wheel turned; Qt counts up and left as positive, and turns the axes while Alt is held."""
        dx, dy = event.angleDelta().x(), event.angleDelta().y()
        if self._platform == "xcb" and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            dx, dy = dy, dx
        if dx or dy:
            if not self._caught:
                self._moved = self._to_desktop(event.position())
            self._send([*self._movement(), (int(InputKind.WHEEL), -dx, -dy)])

    def key(self, event: QKeyEvent, down: bool) -> None:
        """A key went down or up; repetitions and releases of what is not held are left out."""
        number = self.usage(event)
        if event.isAutoRepeat():
            if not down or number is None or number not in (self._repeats, self._quiet):
                return
            if number in self._keys:
                self._watch(True)
                return
        self._reconcile(event.modifiers(), number, int(event.nativeModifiers()))
        text = event.text() if down and is_typable(event.text()) else ""
        if number is None:
            if down and text:
                self.commit(text)
            return
        if not down and number not in self._keys:
            return
        if down and number in self._keys:
            self._release([number])  # its release was lost
        modifiers = self._modifiers(event, number, down)
        if not down:
            del self._keys[number]
            if number == self._repeats:
                self._expect(None)
        else:
            self._keys[number] = None
            if number not in MODIFIER_KEYS:
                self._expect(number)
            if number in _TWOFOLD:  # X makes digits where either Num Lock or Shift is on
                digit = int(event.key()) in _DIGITS
                lock = digit != bool(modifiers & Modifier.SHIFT)
                modifiers = modifiers | Modifier.NUM_LOCK if lock else modifiers & ~Modifier.NUM_LOCK
        if self.places or number in KEYPAD:
            text = ""
        elif down and modifiers & _COMMAND and not text:
            text = _letter(event)
        self._send([*self._movement(), (int(InputKind.KEY), number, down, int(modifiers), text)])

    def silent(self) -> None:
        """The key that the window system would repeat by now, were it held, is neither repeated nor released."""
        if self._repeats in self._keys and not self.places:
            self._quiet = self._repeats
            self._release([self._quiet])

    def evidence(self, modifiers: Qt.KeyboardModifier) -> None:
        """An event of the pointer says which modifiers are held."""
        self._reconcile(modifiers, None, None)

    def _reconcile(self, modifiers: Qt.KeyboardModifier, number: int | None, native: int | None) -> None:
        """Let go of modifier keys that an event of another key, or of the pointer, says are up."""
        if not self._keys:
            return
        told = _told(modifiers)
        self._meta_told |= bool(told & Modifier.META and self._keys.keys() & {0xE3, 0xE7})
        lost = []
        for key in self._keys:
            bit = int(MODIFIER_KEYS.get(key, 0))
            if not bit or MODIFIER_KEYS.get(number or 0) == bit or (bit == Modifier.META and not self._meta_told):
                continue
            if key == ALT_RIGHT and self._altgr:
                masks = [mask for mask, one in _NATIVE_MODIFIERS.get(self._platform, ()) if one == Modifier.ALTGR]
                if native is None or not masks or native & masks[0] or number is None:
                    continue
            elif told & bit:
                continue
            lost.append(key)
        self._release(lost)

    def _release(self, keys: list[int]) -> None:
        """Let go of keys whose release nobody told."""
        rows: list[Row] = []
        for key in keys:
            del self._keys[key]
            if key == ALT_RIGHT:
                self._altgr = False
            bits = 0
            for other in self._keys:
                bits |= MODIFIER_KEYS.get(other, 0)
            rows.append((int(InputKind.KEY), key, False, int(bits), ""))
        if self._repeats in keys:
            self._expect(None)
        if rows:
            self._send([*self._movement(), *rows])

    def _expect(self, key: int | None) -> None:
        """This key is going to be repeated, if it is held; the one before it is not any more."""
        self._repeats = key
        if key is not None:
            self._quiet = None
        self._watch(key is not None)

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
            text = _LETTERS.get(number, "") if bits & _COMMAND else ""
            rows.append((int(InputKind.KEY), number, True, bits, text))
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
        self._expect(None)
        self._quiet = None
        if held:
            self._send([*self._movement(), (int(InputKind.RELEASE_ALL),)])
        self._by = (0.0, 0.0)

    def _movement(self) -> list[Row]:
        if self._caught:
            dx, dy = int(self._by[0]), int(self._by[1])
            self._by = (self._by[0] - dx, self._by[1] - dy)
            return [(int(InputKind.MOVE_BY), dx, dy)] if dx or dy else []
        moved, self._moved = self._moved, None
        if moved is None or moved == self._at:
            return []
        self._at = moved
        return [(int(InputKind.MOVE), *moved)]

    def _modifiers(self, event: QKeyEvent, number: int, down: bool) -> Modifier:
        """The modifiers as they are after this event; the platform reports them as before it."""
        if number == ALT_RIGHT:
            self._altgr = down and event.key() != Qt.Key.Key_Alt
        bits = _told(event.modifiers())
        native = int(event.nativeModifiers())
        for mask, bit in _NATIVE_MODIFIERS.get(self._platform, ()):
            if native & mask:
                bits |= int(bit)
        bits &= ~int(MODIFIER_KEYS.get(number, 0))
        held = {*self._keys, number} if down else self._keys.keys() - {number}
        for other in held:
            bits |= int(MODIFIER_KEYS.get(other, 0))
        if number == ALT_RIGHT and not down:
            bits &= ~Modifier.ALTGR
        if self._altgr or bits & Modifier.ALTGR:
            bits |= Modifier.ALTGR
            if ALT_LEFT not in held:
                bits &= ~Modifier.ALT
        return Modifier(bits)


def _told(modifiers: Qt.KeyboardModifier) -> int:
    """The bits of the modifiers that an event says are held."""
    flags = int(modifiers.value)
    told = 0
    for flag, bit in _QT_MODIFIERS:
        if flags & flag:
            told |= bit
    return told


def _letter(event: QKeyEvent) -> str:
    """What the layout shows on the key, with Shift and AltGr counted and Control left out; empty for other keys.

    Qt gives a key the number of its character, in upper case, and keys without one numbers from 0x01000000 on.
    """
    key = int(event.key())
    if not 0x20 <= key < 0x01000000 or not chr(key).isprintable():
        return ""
    upper = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
    return chr(key) if upper or len(chr(key).lower()) != 1 else chr(key).lower()
