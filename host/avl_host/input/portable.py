"""PortableSink: keys and pointer by pynput, for desktops that are not X11; goes with the capture source "mss".

pynput injects characters and named keys rather than places, so a shortcut is sent by the viewer's letter, and a place
by what is printed there on a US keyboard. Under X11 it types by synthetic events, which some programs ignore: there
desktop.py is the one to use.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from avl_host.input.emulation import Emulation
from avl_host.input.keymap import CONTROL_KEYSYMS, types_character
from avl_host.input.relative import mover
from avl_host.input.sink import PenSample, SinkLost
from avl_protocol.wire.keys import NAMES
from avl_protocol.wire.registry import InputDevice, TouchPhase
from avl_protocol.wire.typable import is_typable

_NOTCH = 120
#: Names of keys (wire/keys.py) -> names in pynput's Key, where they differ; each system has its own choice of these.
_PYNPUT = {
    "escape": "esc",
    "capslock": "caps_lock",
    "printscreen": "print_screen",
    "scrolllock": "scroll_lock",
    "pageup": "page_up",
    "pagedown": "page_down",
    "numlock": "num_lock",
    "altgr": "alt_gr",
    "meta": "cmd",
    "metaright": "cmd_r",
    "ctrlright": "ctrl_r",
    "shiftright": "shift_r",
    "numpadenter": "enter",
    "mute": "media_volume_mute",
    "volumeup": "media_volume_up",
    "volumedown": "media_volume_down",
}
_SIGNS = {
    "minus": "-",
    "equal": "=",
    "bracketleft": "[",
    "bracketright": "]",
    "backslash": "\\",
    "semicolon": ";",
    "quote": "'",
    "backquote": "`",
    "comma": ",",
    "period": ".",
    "slash": "/",
    "intlbackslash": "<",
    "numpaddivide": "/",
    "numpadmultiply": "*",
    "numpadsubtract": "-",
    "numpadadd": "+",
    "numpaddecimal": ".",
    "numpadequal": "=",
    "numpadcomma": ",",
}
_BUTTONS = {1: "left", 2: "middle", 3: "right", 8: "x1", 9: "x2"}


class PortableSink:
    """The desktop this process runs on. Raises SinkLost when pynput cannot reach it."""

    def __init__(self) -> None:
        try:
            # Imported here: the import itself connects to the desktop.
            from pynput import keyboard, mouse
        except ImportError as error:
            raise SinkLost(f"This desktop takes no input from programs: {error}") from error
        self._keys: Any = keyboard.Key
        self._buttons: Any = mouse.Button
        self._keyboard: Any = keyboard.Controller()
        self._mouse: Any = mouse.Controller()
        self._held: dict[int, Any] = {}
        self._pressed: dict[int, Any] = {}
        self._wheel = [0, 0]
        self._move_by = mover(self._mouse)
        self._emulation = Emulation(self)
        #: Windows turns parts of a notch; pynput hands them on there, and nowhere else.
        self._smooth = sys.platform == "win32"

    @property
    def devices(self) -> InputDevice:
        """Movements; fingers and pens are a mouse."""
        return InputDevice.RELATIVE | (InputDevice.SMOOTH_WHEEL if self._smooth else InputDevice(0))

    def watch(self, changed: Callable[[], None]) -> None:
        """They never change."""

    def move_by(self, dx: int, dy: int) -> None:
        """Move the pointer by so many pixels."""
        self._move_by(dx, dy)

    def touch(self, contact: int, phase: TouchPhase, x: int, y: int) -> None:
        """A finger, as a mouse."""
        self._emulation.touch(contact, phase, x, y)

    def pen(self, sample: PenSample) -> None:
        """A pen, as a mouse."""
        self._emulation.pen(sample)

    def move(self, x: int, y: int) -> None:
        """Put the pointer at a desktop pixel."""
        self._mouse.position = (x, y)

    def button(self, button: int, down: bool) -> None:
        """Press or release a button that this system has."""
        if not down:
            self._release(self._pressed, button, self._mouse.release)
            return
        found = getattr(self._buttons, _BUTTONS.get(button, ""), None)
        if found is not None and button not in self._pressed:
            self._pressed[button] = found
            self._mouse.press(found)

    def scroll(self, dx: int, dy: int) -> None:
        """Turn the wheel; what is left of a notch is kept where the system turns whole ones only."""
        if self._smooth:
            self._mouse.scroll(dx / _NOTCH, -dy / _NOTCH)
            return
        notches = []
        for axis, delta in enumerate((dx, dy)):
            self._wheel[axis] += delta
            whole = int(self._wheel[axis] / _NOTCH)
            self._wheel[axis] -= whole * _NOTCH
            notches.append(whole)
        if any(notches):
            # pynput counts up as positive.
            self._mouse.scroll(notches[0], -notches[1])

    def key(self, usage: int, down: bool, modifiers: int, text: str) -> None:
        """Press or release a key: its character where it has one, else its name."""
        if not down:
            self._release(self._held, usage, self._keyboard.release)
            return
        if len(text) > 1 and types_character(modifiers, text):
            self.text(text)
            return
        # With a modifier too: pynput presses the key that has this character (spec 3.4.3).
        key = text if len(text) == 1 and is_typable(text) else self._named(usage)
        if key is None or usage in self._held:
            return
        self._held[usage] = key
        self._keyboard.press(key)

    def text(self, text: str) -> None:
        """Type characters; "\\n" is Enter and "\\t" Tab, what can't be typed is left out."""
        self._keyboard.type("".join(c for c in text if is_typable(c) or c in CONTROL_KEYSYMS))

    def together(self) -> AbstractContextManager[None]:
        """Each call is done by itself."""
        return nullcontext()

    def release_all(self) -> None:
        """Release everything held; idempotent."""
        for usage in list(self._held):
            self._release(self._held, usage, self._keyboard.release)
        for button in list(self._pressed):
            self._release(self._pressed, button, self._mouse.release)
        self._emulation.forget()
        self._wheel = [0, 0]

    def close(self) -> None:
        """Release everything."""
        self.release_all()

    def _named(self, usage: int) -> Any:
        name = NAMES.get(usage, "")
        if len(name) == 1:
            return name
        digit = name.removeprefix("numpad")
        return _SIGNS.get(name) or (digit if len(digit) == 1 else getattr(self._keys, _PYNPUT.get(name, name), None))

    @staticmethod
    def _release(held: dict[int, Any], which: int, release: Callable[[Any], None]) -> None:
        found = held.pop(which, None)
        if found is not None:
            release(found)
