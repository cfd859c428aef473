"""Surface: a plain X11 window of the agent's own, above all others, which tells a person's hand from a program's.

It is known to no window manager, so that it can't be moved under another window or off the screen. Each press says
whether a device made it that somebody could touch: the X server marks the devices of its XTEST extension, by which
viewers' input is injected, and a press by one of them, or by one that the server does not know, was made by a program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import xcffib
import xcffib.xinput
import xcffib.xproto

from avl_host.input.ownwindows import OwnWindow, OwnWindows
from avl_host.input.uinput import is_ours

#: The first that the server has. The first two hold letters of all of the world; text is always sent in 16 bits.
_FONTS = (
    "-misc-fixed-medium-r-normal--20-200-75-75-c-100-iso10646-1",
    "-misc-fixed-medium-r-normal--18-120-100-100-c-90-iso10646-1",
    "10x20",
    "9x15",
    "fixed",
)
WHITE, INK, FAINT, PALE, ALARM = 0xFFFFFF, 0x202020, 0x707070, 0xE4E4E4, 0xB3261E
_EXTENSION = "XInputExtension"
#: The property by which the X server marks devices that its XTEST extension injects by.
MADE = "XTEST Device"
_ALL_MASTERS = 1
_KEY, _BUTTON = 1 << 2, 1 << 4
_RAW_KEYS = 1 << 13 | 1 << 14
_BORDER = 2
#: Characters that one request draws at most (X protocol, ImageText16).
_LONGEST = 255
_TAB, _RETURN, _ESCAPE, _SPACE, _BACK_TAB, _KEYPAD_ENTER = 0xFF09, 0xFF0D, 0xFF1B, 0x20, 0xFE20, 0xFF8D
_LEFT, _UP, _RIGHT, _DOWN = 0xFF51, 0xFF52, 0xFF53, 0xFF54
_SHIFT, _CONTROL, _ALT = 1, 4, 8
END_KEY, ANSWER_KEY = "Ctrl+Alt+Shift+Escape", "Ctrl+Alt+Shift+Enter"
_HOTKEYS = {_ESCAPE: END_KEY, _RETURN: ANSWER_KEY}
#: Keysyms of the hotkeys' modifiers, left and right.
_HELD = {0xFFE3: "ctrl", 0xFFE4: "ctrl", 0xFFE9: "alt", 0xFFEA: "alt", 0xFFE1: "shift", 0xFFE2: "shift"}
NAMES = {
    _TAB: "next",
    _RIGHT: "next",
    _DOWN: "next",
    _BACK_TAB: "back",
    _LEFT: "back",
    _UP: "back",
    _RETURN: "press",
    _KEYPAD_ENTER: "press",
    _SPACE: "press",
    _ESCAPE: "escape",
}


class Unavailable(Exception):
    """Nobody can be shown anything on this display; the text says why."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a window, in its pixels."""

    x: int
    y: int
    width: int
    height: int

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies in it."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


@dataclass(frozen=True, slots=True)
class Pressed:
    """Button 1 went down at a place. `by_hand`: on a device that is in front of the person."""

    x: float
    y: float
    by_hand: bool


@dataclass(frozen=True, slots=True)
class Typed:
    """A key went down while the window had the keyboard: "next", "back", "press" or "escape"."""

    key: str
    by_hand: bool


@dataclass(frozen=True, slots=True)
class Hotkey:
    """END_KEY or ANSWER_KEY was pressed, whatever has the keyboard."""

    key: str
    by_hand: bool


class Surface:
    """One window. `own`: where it is entered while it is open; `still`: see OwnWindow.

    Raises Unavailable when the display can't be reached or has no XInput 2; methods raise xcffib.XcffibException when
    it is gone.
    """

    def __init__(self, display: str, own: OwnWindows, *, still: bool = False) -> None:
        self._own = own
        self._still = still
        try:
            x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        except xcffib.XcffibException as error:
            raise Unavailable(f"Nobody at {display} can be shown anything: it does not take a window.") from error
        self._x = x
        self._open = False
        #: Modifiers that are down, with the device.
        self._down: set[tuple[int, int]] = set()
        #: What becomes readable when there are events.
        self.descriptor = int(x.get_file_descriptor())
        with ExitStack() as undo:
            undo.callback(x.disconnect)
            self._begin(display)
            undo.pop_all()

    def _begin(self, display: str) -> None:
        x = self._x
        # Asked by name first: a request to an extension that is not there closes the connection.
        if not x.core.QueryExtension(len(_EXTENSION), _EXTENSION).reply().present:
            raise Unavailable(f"The X server at {display} lacks XInput 2; nobody can be asked safely.")
        self._devices: Any = x(xcffib.xinput.key)
        self._devices.XIQueryVersion(2, 2).reply()
        self._made = x.core.InternAtom(False, len(MADE), MADE).reply().atom
        setup = x.get_setup()
        screen = setup.roots[x.pref_screen]
        self._root = screen.root
        self._window = x.generate_id()
        attributes, mask = xcffib.xproto.CW, xcffib.xproto.EventMask
        x.core.CreateWindow(
            0,
            self._window,
            screen.root,
            0,
            0,
            1,
            1,
            _BORDER,
            xcffib.xproto.WindowClass.InputOutput,
            screen.root_visual,
            attributes.BackPixel | attributes.BorderPixel | attributes.OverrideRedirect | attributes.EventMask,
            [WHITE, INK, 1, mask.Exposure | mask.VisibilityChange],
        )
        selection: Any = xcffib.xinput.EventMask
        self._devices.XISelectEvents(
            self._window, 1, [selection.synthetic(_ALL_MASTERS, 1, [_KEY | _BUTTON])], is_checked=True
        ).check()
        first, last = setup.min_keycode, setup.max_keycode
        keys = x.core.GetKeyboardMapping(first, last - first + 1).reply()
        wide = keys.keysyms_per_keycode
        self._keysyms = {first + at: keys.keysyms[at * wide] for at in range(last - first + 1)}
        self._font = x.generate_id()
        for name in _FONTS:
            try:
                x.core.OpenFont(self._font, len(name), name, is_checked=True).check()
                break
            except xcffib.xproto.NameError:
                continue
        metrics = x.core.QueryFont(self._font).reply()
        #: Pixels from a character to the next, and from a line to the next.
        self.advance = int(metrics.max_bounds.character_width)
        self.line = int(metrics.font_ascent + metrics.font_descent + 4)
        self._ascent = int(metrics.font_ascent)
        self._pen = x.generate_id()
        context = xcffib.xproto.GC
        x.core.CreateGC(
            self._pen, self._window, context.Foreground | context.Background | context.Font, [INK, WHITE, self._font]
        )

    @property
    def window(self) -> int:
        """Its number at the X server."""
        return int(self._window)

    @property
    def screen(self) -> tuple[int, int]:
        """Width and height of the desktop in pixels, now."""
        found = self._x.core.GetGeometry(self._root).reply()
        return found.width, found.height

    def place(self, box: Box) -> None:
        """Show it, with its inside at these pixels of the desktop."""
        x, y = max(0, box.x - _BORDER), max(0, box.y - _BORDER)
        config = xcffib.xproto.ConfigWindow
        # Entered before it can be touched.
        self._own.add(
            OwnWindow(self.window, x, y, box.width + 2 * _BORDER, box.height + 2 * _BORDER, still=self._still)
        )
        self._x.core.ConfigureWindow(
            self._window,
            config.X | config.Y | config.Width | config.Height | config.StackMode,
            [x, y, box.width, box.height, xcffib.xproto.StackMode.Above],
        )
        self._x.core.MapWindow(self._window)
        self._open = True
        self._x.flush()

    def hide(self) -> None:
        """Take it from the screen; `place` shows it again."""
        self._x.core.UnmapWindow(self._window)
        self._x.flush()
        self._own.remove(self.window)
        self._open = False

    def raise_(self) -> None:
        """Above whatever was opened meanwhile."""
        self._x.core.ConfigureWindow(
            self._window, xcffib.xproto.ConfigWindow.StackMode, [xcffib.xproto.StackMode.Above]
        )
        self._x.flush()

    def watch_hotkey(self, watch: bool) -> None:
        """Hear of the hotkeys from now on, or no more. They are heard before any program that holds the keyboard, as a
        viewer might have one do."""
        selection: Any = xcffib.xinput.EventMask
        self._devices.XISelectEvents(self._root, 1, [selection.synthetic(_ALL_MASTERS, 1, [_RAW_KEYS if watch else 0])])
        self._x.flush()
        if not watch:
            self._down.clear()

    def take_keyboard(self) -> None:
        """Keys come here from now on, until the window is hidden."""
        if self._open:
            self._x.core.SetInputFocus(xcffib.xproto.InputFocus.PointerRoot, self._window, 0)
            self._x.flush()

    def events(self, drawn: Callable[[], None]) -> Iterator[Pressed | Typed | Hotkey]:
        """What happened since; `drawn` draws anew what was covered."""
        while (event := self._x.poll_for_event()) is not None:
            if isinstance(event, xcffib.xproto.ExposeEvent):
                drawn()
            elif isinstance(event, xcffib.xproto.VisibilityNotifyEvent):
                if event.state != xcffib.xproto.Visibility.Unobscured:
                    self.raise_()
            elif isinstance(event, xcffib.xinput.ButtonPressEvent) and event.detail == 1:
                yield Pressed(event.event_x / 65536, event.event_y / 65536, self._by_hand(event.sourceid))
            elif isinstance(event, xcffib.xinput.RawKeyPressEvent):
                key = self._keysyms.get(event.detail, 0)
                if key in _HELD:
                    self._down.add((event.sourceid, key))
                elif key in _HOTKEYS and self._held(lambda device: True):
                    yield Hotkey(_HOTKEYS[key], self._by_hand(event.sourceid) and self._held(self._by_hand))
            elif isinstance(event, xcffib.xinput.RawKeyReleaseEvent):
                self._down.discard((event.sourceid, self._keysyms.get(event.detail, 0)))
            elif isinstance(event, xcffib.xinput.KeyPressEvent):
                name = NAMES.get(self._keysyms.get(event.detail, 0))
                if name == "next" and event.mods.effective & _SHIFT:
                    name = "back"
                # With these it is a hotkey, ours or somebody else's.
                if name is not None and not event.mods.effective & (_CONTROL | _ALT):
                    yield Typed(name, self._by_hand(event.sourceid))

    def _held(self, counts: Callable[[int], bool]) -> bool:
        """Whether the hotkeys' modifiers are down on devices that count."""
        return {_HELD[key] for device, key in self._down if counts(device)} == set(_HELD.values())

    def _by_hand(self, device: int) -> bool:
        return by_hand(self._devices, self._made, device)

    def close(self) -> None:
        """Take the window away."""
        self._own.remove(self.window)
        self._x.disconnect()

    # drawing

    def clear(self) -> None:
        """Nothing is drawn."""
        self._x.core.ClearArea(False, self._window, 0, 0, 0, 0)

    def write(self, x: int, y: int, text: str, front: int = INK, back: int = WHITE) -> None:
        """Text whose line begins with its upper edge at `y`; what the font lacks is shown as a question mark."""
        self._colour(front, back)
        data = text.encode("utf-16-be", "replace")[: 2 * _LONGEST]
        rows: Any = xcffib.xproto.CHAR2B
        cells = [rows.synthetic(data[at], data[at + 1]) for at in range(0, len(data), 2)]
        self._x.core.ImageText16(len(cells), self._window, self._pen, x, y + self._ascent, cells)

    def middle(self, box: Box) -> int:
        """Where the line of a text begins that stands in the middle of a box's height."""
        return box.y + (box.height - self.line) // 2 + 2

    def fill(self, box: Box, colour: int) -> None:
        """A box of one colour."""
        self._colour(colour)
        self._x.core.PolyFillRectangle(self._window, self._pen, 1, [_rectangle(box, 0)])

    def outline(self, box: Box, lines: int, colour: int = INK) -> None:
        """Its edge, so many pixels wide."""
        self._colour(colour)
        for inset in range(lines):
            self._x.core.PolyRectangle(self._window, self._pen, 1, [_rectangle(box, inset)])

    def button(self, box: Box, label: str, *, focused: bool = False, front: int = INK, back: int = PALE) -> None:
        """A button with its word in the middle."""
        self.fill(box, back)
        self.outline(box, 3 if focused else 1)
        x = box.x + (box.width - len(label) * self.advance) // 2
        self.write(x, self.middle(box), label, front, back)

    def tick(self, box: Box, on: bool) -> None:
        """A box that is ticked, or not."""
        self.fill(box, WHITE)
        self.outline(box, 2)
        if on:
            self.fill(Box(box.x + 5, box.y + 5, box.width - 10, box.height - 10), INK)

    def choice(self, box: Box, on: bool) -> None:
        """A circle that is chosen, or not: one of several."""
        whole: Callable[..., Any] = xcffib.xproto.ARC.synthetic
        around = whole(box.x, box.y, box.width - 1, box.height - 1, 0, 360 * 64)
        self._colour(WHITE)
        self._x.core.PolyFillArc(self._window, self._pen, 1, [around])
        self._colour(INK)
        self._x.core.PolyArc(self._window, self._pen, 1, [around])
        if on:
            inner = whole(box.x + 5, box.y + 5, box.width - 11, box.height - 11, 0, 360 * 64)
            self._x.core.PolyFillArc(self._window, self._pen, 1, [inner])

    def show(self) -> None:
        """What was drawn leaves for the screen."""
        self._x.flush()

    def _colour(self, front: int, back: int = WHITE) -> None:
        context = xcffib.xproto.GC
        self._x.core.ChangeGC(self._pen, context.Foreground | context.Background, [front, back])


def by_hand(devices: Any, made: int, device: int) -> bool:
    """Whether a device, by its XI2 number, is one that somebody may touch: it is no master, not one of XTEST's (whose
    property is the atom `made`), and none of those that viewers' fingers and pens are. A device that is gone is not.

    What the server knows of it is asked at each press: names may be anything, and numbers are given anew.
    """
    try:
        told = devices.XIQueryDevice(device).reply().infos[0]
        marked = devices.XIGetProperty(device, False, made, 0, 0, 1).reply()
    except (xcffib.Error, IndexError):
        return False
    kinds = xcffib.xinput.DeviceType
    ours = is_ours(told.name.to_string())
    return told.type in (kinds.SlavePointer, kinds.SlaveKeyboard) and not marked.type and not ours


def _rectangle(box: Box, inset: int) -> Any:
    make: Callable[..., Any] = xcffib.xproto.RECTANGLE.synthetic
    return make(box.x + inset, box.y + inset, box.width - 1 - 2 * inset, box.height - 1 - 2 * inset)
