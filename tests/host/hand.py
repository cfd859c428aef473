"""Hand: a person at an X server, whose mouse and keyboard are the server's own devices and not XTEST's.

Xvfb has one of each, "Xvfb mouse" and "Xvfb keyboard", which nobody can touch. XTEST can make *them* speak, too, by its
requests for a device of a given number; what arrives then says that it comes from them, and nothing in it tells it from
what a hand does. Only the pointer's place is set by the server's own means.
"""

from __future__ import annotations

from typing import Any

import xcffib
import xcffib.xinput
import xcffib.xproto
import xcffib.xtest

#: Of the first X Input Extension, beside its first event (DeviceKeyPress, ...).
_KEY_PRESS, _KEY_RELEASE, _BUTTON_PRESS, _BUTTON_RELEASE = 1, 2, 3, 4


class Hand:
    """Moves, clicks and types at a display until it is closed."""

    def __init__(self, display: str) -> None:
        x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        self._x = x
        self._root = x.get_setup().roots[0].root
        self._test: Any = self._x(xcffib.xtest.key)
        devices: Any = self._x(xcffib.xinput.key)
        devices.XIQueryVersion(2, 2).reply()
        named = {d.name.to_string().rstrip("\0"): d.deviceid for d in devices.XIQueryDevice(0).reply().infos}
        self.mouse, self.keyboard = named["Xvfb mouse"], named["Xvfb keyboard"]
        self._first = self._x.core.QueryExtension(15, "XInputExtension").reply().first_event

    def move(self, x: int, y: int) -> None:
        """Put the pointer at a desktop pixel."""
        self._x.core.WarpPointer(0, self._root, 0, 0, 0, 0, x, y)
        self._sync()

    def click(self, x: int, y: int) -> None:
        """Press and release button 1 there."""
        self.move(x, y)
        for kind in (_BUTTON_PRESS, _BUTTON_RELEASE):
            self._test.FakeInput(self._first + kind, 1, 0, self._root, 0, 0, self.mouse)
        self._sync()

    def key(self, *keycodes: int) -> None:
        """Press keys one after the other, and release them."""
        for code in keycodes:
            self._test.FakeInput(self._first + _KEY_PRESS, code, 0, self._root, 0, 0, self.keyboard)
        for code in reversed(keycodes):
            self._test.FakeInput(self._first + _KEY_RELEASE, code, 0, self._root, 0, 0, self.keyboard)
        self._sync()

    def keycode(self, keysym: int) -> int:
        """The key that has this in its first place."""
        setup = self._x.get_setup()
        first, count = setup.min_keycode, setup.max_keycode - setup.min_keycode + 1
        keys = self._x.core.GetKeyboardMapping(first, count).reply()
        return int(next(first + at for at in range(count) if keys.keysyms[at * keys.keysyms_per_keycode] == keysym))

    def _sync(self) -> None:
        self._x.core.GetInputFocus().reply()

    def close(self) -> None:
        """Let go."""
        self._x.disconnect()
