"""What tests need of X keyboards: programs' view of what was pressed, the keyboard of a person at the host, layouts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import xcffib
import xcffib.xinput
import xcffib.xkb
import xcffib.xproto
import xcffib.xtest

from avl_host.input.keymap import KEYCODES
from avl_host.input.layout import KeyboardState, Layout
from avl_host.input.xkb import Keyboard
from avl_protocol.wire.keys import KEYS
from tests.host.conftest import XServer
from tests.tools import need

CORE = 0x100
_XINPUT = "XInputExtension"


class Person:
    """Somebody at the host: keys on Xvfb's own keyboard, which is not XTEST's; layouts, groups, sticky keys."""

    def __init__(self, server: XServer) -> None:
        self._server = server
        self._x = _connect(server.display)
        self._xkb: Any = self._x(xcffib.xkb.key)
        self._xkb.UseExtension(1, 0).reply()
        self._xtest: Any = self._x(xcffib.xtest.key)
        xinput: Any = self._x(xcffib.xinput.key)
        xinput.XIQueryVersion(2, 0).reply()
        self._events = self._x.core.QueryExtension(len(_XINPUT), _XINPUT).reply().first_event
        self._device = next(
            device.deviceid
            for device in xinput.XIQueryDevice(0).reply().infos
            if device.name.to_string().startswith("Xvfb keyboard")
        )

    def key(self, name: str, down: bool) -> None:
        """Press or release a key by hand."""
        self._xtest.FakeInput(self._events + (1 if down else 2), KEYCODES[KEYS[name]], 0, 0, 0, 0, self._device)
        self._done()

    def layouts(self, names: str, *options: str) -> None:
        """Choose layouts."""
        assert self._server.run(need("setxkbmap"), names, "-option", "", *options).returncode == 0

    def group(self, locked: int = 0, latched: int = 0) -> None:
        """Switch to another layout, or to one that many further for the next key."""
        self._xkb.LatchLockState(CORE, 0, 0, 1, locked, 0, 1, latched)
        self._done()

    def sticky(self, mask: int, locked: bool) -> None:
        """Lock modifiers, or unlock them."""
        self._xkb.LatchLockState(CORE, mask, mask if locked else 0, 0, 0, 0, 0, 0)
        self._done()

    def state(self) -> tuple[int, int, int]:
        """Modifiers held, modifiers locked, group."""
        told = self._xkb.GetState(CORE).reply()
        return told.baseMods, told.lockedMods, told.group

    def layout(self) -> Layout:
        """The layout as the server has it now."""
        return Keyboard(self._x).layout()

    def now(self) -> KeyboardState:
        """What is in force now, as the host's program reads it."""
        return Keyboard(self._x).state()

    def leave(self) -> None:
        """Go, and leave everything as it was."""
        self.sticky(0xFF, False)
        self.group()
        self.layouts("us")
        self._x.disconnect()

    def _done(self) -> None:
        self._x.core.GetInputFocus().reply()


class Program:
    """A window under the pointer that is told of keys and buttons, as (keysym or button, modifiers) of each press."""

    def __init__(self, display: str) -> None:
        self._x = _connect(display)
        root = self._x.get_setup().roots[0].root
        self._window = self._x.generate_id()
        mask = xcffib.xproto.CW.OverrideRedirect | xcffib.xproto.CW.EventMask
        events = xcffib.xproto.EventMask.KeyPress | xcffib.xproto.EventMask.ButtonPress
        self._x.core.CreateWindow(0, self._window, root, 0, 0, 600, 400, 0, 2, 0, mask, [1, events])
        self._x.core.MapWindow(self._window)
        self._keyboard = Keyboard(self._x)
        self._x.core.GetInputFocus().reply()

    def keys(self, act: Callable[[], None], count: int) -> list[tuple[int, int]]:
        """The first `count` presses that `act` makes, but for modifiers: keysym, and Shift, Control, Mod1, Mod4."""
        found: list[tuple[int, int]] = []
        for keycode, state in self._presses(act, xcffib.xproto.KeyPressEvent):
            # A core event has the group in bits 13 and 14 (XKB protocol, 2.2.2).
            keysym = self._keyboard.layout().keysym(keycode, state >> 13 & 3, state & 0xFF)
            if not 0xFFE1 <= keysym <= 0xFFEE and keysym != 0xFE03:
                found.append((keysym, state & 0x4D))
            if len(found) == count:
                break
        return found

    def buttons(self, act: Callable[[], None], count: int) -> list[int]:
        """The first `count` buttons that `act` presses."""
        found: list[int] = []
        for button, _ in self._presses(act, xcffib.xproto.ButtonPressEvent):
            found.append(button)
            if len(found) == count:
                break
        return found

    def _presses(self, act: Callable[[], None], kind: type) -> Iterator[tuple[int, int]]:
        act()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            event = self._x.poll_for_event()
            if isinstance(event, kind):
                yield event.detail, event.state  # type: ignore[attr-defined]

    def close(self) -> None:
        """Take the window away."""
        self._x.core.DestroyWindow(self._window)
        self._x.flush()
        self._x.disconnect()


def _connect(display: str) -> Any:
    return xcffib.connect(display)  # type: ignore[no-untyped-call]
