"""The question on the host's screen: may this viewer connect? A plain X11 window with Deny and Allow.

No answer is a denial. Allow takes no click in the first moments, so that a click meant for something else cannot land
on it, and none that a program made: another viewer who already controls the pointer must not be able to let the next
one in.
"""

from __future__ import annotations

import asyncio
import math
import textwrap
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import xcffib
import xcffib.xinput
import xcffib.xproto

from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.registry import Permission

#: Seconds that Allow takes no click after the window appears.
GUARD = 0.8

_WIDTH, _HEIGHT, _MARGIN = 520, 220, 24
_BUTTON_WIDTH, _BUTTON_HEIGHT = 120, 36
_FONTS = ("10x20", "9x15", "fixed")
#: Lines above the buttons; characters of a viewer's name, which leave the others their place.
_LINES, _NAME = 5, 64
_WHITE, _INK, _FAINT, _PALE = 0xFFFFFF, 0x202020, 0xA0A0A0, 0xE4E4E4
_ALL_MASTERS = 1
_BUTTON_PRESS_BIT = 1 << 4


class DialogUnavailable(Exception):
    """Nobody can be asked on this display; the text says why."""


@dataclass(frozen=True, slots=True)
class _Box:
    x: int
    y: int
    width: int
    height: int

    def holds(self, x: float, y: float) -> bool:
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


DENY = _Box(_WIDTH - 2 * (_BUTTON_WIDTH + _MARGIN), _HEIGHT - _BUTTON_HEIGHT - _MARGIN, _BUTTON_WIDTH, _BUTTON_HEIGHT)
ALLOW = _Box(_WIDTH - _BUTTON_WIDTH - _MARGIN, _HEIGHT - _BUTTON_HEIGHT - _MARGIN, _BUTTON_WIDTH, _BUTTON_HEIGHT)


def question(device: str, name: str, wish: Permission) -> str:
    """The question for a person: first device and permissions, which the viewer cannot choose, then the viewer's own
    words."""
    draws = "see this screen and draw over it" if wish & Permission.ANNOTATE else "see this screen"
    what = "see this screen, type and click" if wish & ~(Permission.VIEW | Permission.ANNOTATE) else draws
    called = for_dialog(name, _NAME)
    return f"Viewer {device}\nwants to {what}." + (f"\nIt calls itself: {called}" if called else "")


def wrapped(text: str, columns: int) -> list[str]:
    """The lines that the window has room for."""
    return [line for part in text.split("\n") for line in textwrap.wrap(part, columns, break_on_hyphens=False)][:_LINES]


async def ask(display: str, text: str, seconds: float = 30.0, injected_may_allow: bool = False) -> bool:
    """Show `text` and wait for an answer: True for Allow, False for Deny or when `seconds` passed without an answer.

    `injected_may_allow` also takes clicks made by XTEST, for displays on which there is no real pointer. Raises
    DialogUnavailable when the display cannot be reached or goes away, or when it cannot tell made clicks from real
    ones (no XInput 2) and they matter.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bool] = loop.create_future()
    timer: asyncio.TimerHandle | None = None
    try:
        dialog = _Dialog(display, text, injected_may_allow)
    except xcffib.XcffibException as error:
        raise DialogUnavailable(f"Nobody at {display} can be asked: it does not take a window.") from error

    def read() -> None:
        try:
            choice = dialog.events()
        except xcffib.XcffibException:
            loop.remove_reader(descriptor)
            if not answer.done():
                answer.set_exception(DialogUnavailable(f"The display {display} went away while somebody was asked."))
            return
        if choice is not None and not answer.done():
            answer.set_result(choice)

    def tick(left: int) -> None:
        nonlocal timer
        if left <= 0:
            if not answer.done():
                answer.set_result(False)
            return
        dialog.show_left(left)
        timer = loop.call_later(min(1.0, seconds), tick, left - 1)

    descriptor = dialog.descriptor
    loop.add_reader(descriptor, read)
    guard = loop.call_later(GUARD, dialog.arm)
    try:
        tick(max(1, math.ceil(seconds)))
        read()
        return await answer
    except xcffib.XcffibException as error:
        raise DialogUnavailable(f"The display {display} went away while somebody was asked.") from error
    finally:
        guard.cancel()
        if timer is not None:
            timer.cancel()
        loop.remove_reader(descriptor)
        dialog.close()


class _Dialog:
    """The window. Methods raise xcffib.XcffibException when the display is gone."""

    def __init__(self, display: str, text: str, injected_may_allow: bool) -> None:
        x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        self._x = x
        self._text = text
        self._left = 0
        self._armed = False
        self._made: frozenset[int] = frozenset()
        with ExitStack() as undo:
            undo.callback(self._x.disconnect)
            self._begin(display, injected_may_allow)
            undo.pop_all()

    def _begin(self, display: str, injected_may_allow: bool) -> None:
        x = self._x
        screen = x.get_setup().roots[x.pref_screen]
        geometry = x.core.GetGeometry(screen.root).reply()
        self._window = x.generate_id()
        attributes, mask = xcffib.xproto.CW, xcffib.xproto.EventMask
        # Above all windows and known to no window manager: it cannot be moved under another window or off the screen.
        x.core.CreateWindow(
            0,
            self._window,
            screen.root,
            max(0, (geometry.width - _WIDTH) // 2),
            max(0, (geometry.height - _HEIGHT) // 3),
            _WIDTH,
            _HEIGHT,
            2,
            xcffib.xproto.WindowClass.InputOutput,
            screen.root_visual,
            attributes.BackPixel | attributes.BorderPixel | attributes.OverrideRedirect | attributes.EventMask,
            [_WHITE, _INK, 1, mask.Exposure],
        )
        self._watch_buttons(display, injected_may_allow)
        self._font = x.generate_id()
        for name in _FONTS:
            try:
                x.core.OpenFont(self._font, len(name), name, is_checked=True).check()
                break
            except xcffib.xproto.NameError:
                continue
        metrics = x.core.QueryFont(self._font).reply()
        self._advance = metrics.max_bounds.character_width
        self._line = metrics.font_ascent + metrics.font_descent + 4
        self._ascent = metrics.font_ascent
        self._pen = x.generate_id()
        context = xcffib.xproto.GC
        x.core.CreateGC(
            self._pen, self._window, context.Foreground | context.Background | context.Font, [_INK, _WHITE, self._font]
        )
        x.core.MapWindow(self._window)
        x.flush()

    def _watch_buttons(self, display: str, injected_may_allow: bool) -> None:
        name = "XInputExtension"
        # Asked by name first: a request to an extension that is not there closes the connection.
        if not self._x.core.QueryExtension(len(name), name).reply().present:
            raise DialogUnavailable(f"The X server at {display} lacks XInput 2; nobody can be asked safely.")
        devices: Any = self._x(xcffib.xinput.key)
        devices.XIQueryVersion(2, 2).reply()
        told = devices.XIQueryDevice(0).reply().infos
        if not injected_may_allow:
            self._made = frozenset(d.deviceid for d in told if "XTEST" in d.name.to_string())
        selection: Any = xcffib.xinput.EventMask
        devices.XISelectEvents(
            self._window, 1, [selection.synthetic(_ALL_MASTERS, 1, [_BUTTON_PRESS_BIT])], is_checked=True
        ).check()

    @property
    def descriptor(self) -> int:
        """What becomes readable when there are events."""
        return int(self._x.get_file_descriptor())

    def arm(self) -> None:
        """Take clicks on Allow from now on."""
        self._armed = True

    def show_left(self, seconds: int) -> None:
        """Draw, with the seconds left, above whatever was opened meanwhile."""
        self._left = seconds
        self._x.core.ConfigureWindow(
            self._window, xcffib.xproto.ConfigWindow.StackMode, [xcffib.xproto.StackMode.Above]
        )
        self._draw()

    def events(self) -> bool | None:
        """The answer among what happened since, or None."""
        while (event := self._x.poll_for_event()) is not None:
            if isinstance(event, xcffib.xproto.ExposeEvent):
                self._draw()
            elif isinstance(event, xcffib.xinput.ButtonPressEvent) and event.detail == 1:
                x, y = event.event_x / 65536, event.event_y / 65536
                if DENY.holds(x, y):
                    return False
                if ALLOW.holds(x, y) and self._armed and event.sourceid not in self._made:
                    return True
        return None

    def close(self) -> None:
        """Take the window away."""
        self._x.disconnect()

    def _draw(self) -> None:
        self._x.core.ClearArea(False, self._window, 0, 0, 0, 0)
        y = _MARGIN + self._ascent
        for line in wrapped(self._text, (_WIDTH - 2 * _MARGIN) // self._advance):
            self._write(_MARGIN, y, line, _INK)
            y += self._line
        self._write(_MARGIN, DENY.y + (_BUTTON_HEIGHT + self._ascent) // 2, f"{self._left} s, then denied", _FAINT)
        for box, label in ((DENY, "Deny"), (ALLOW, "Allow")):
            self._colour(_PALE)
            self._fill(box)
            self._colour(_INK, _PALE)
            self._outline(box, 2 if box is DENY else 1)
            self._write(
                box.x + (box.width - len(label) * self._advance) // 2,
                box.y + (box.height + self._ascent) // 2 - 2,
                label,
                _INK,
                _PALE,
            )
        self._x.flush()

    def _colour(self, front: int, back: int = _WHITE) -> None:
        context = xcffib.xproto.GC
        self._x.core.ChangeGC(self._pen, context.Foreground | context.Background, [front, back])

    def _write(self, x: int, y: int, text: str, front: int, back: int = _WHITE) -> None:
        self._colour(front, back)
        # Core fonts are Latin-1; what they lack is shown as a question mark rather than left out.
        data = text.encode("latin-1", "replace")[:255]
        self._x.core.ImageText8(len(data), self._window, self._pen, x, y, data)

    def _fill(self, box: _Box) -> None:
        self._x.core.PolyFillRectangle(self._window, self._pen, 1, [_rectangle(box, 0)])

    def _outline(self, box: _Box, lines: int) -> None:
        for inset in range(lines):
            self._x.core.PolyRectangle(self._window, self._pen, 1, [_rectangle(box, inset)])


def _rectangle(box: _Box, inset: int) -> Any:
    make: Callable[..., Any] = xcffib.xproto.RECTANGLE.synthetic
    return make(box.x + inset, box.y + inset, box.width - 1 - 2 * inset, box.height - 1 - 2 * inset)
