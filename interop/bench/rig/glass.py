"""The surface of a screen: read many hundred times a second, and pressed.

Pixels come through shared memory, so that a read of a few lines costs a tenth of a millisecond and disturbs little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xcffib
import xcffib.shm
import xcffib.xproto as xproto
import xcffib.xtest
from numpy.typing import NDArray

from avl_host.capture.shared_memory import SharedPixels

_EVERY_PLANE = 0xFFFFFFFF
_KEY_PRESS, _KEY_RELEASE, _PRESS, _RELEASE, _MOTION = 2, 3, 4, 5, 6
_LEFT = 1


class Patch:
    """A part of a screen that can be read again and again."""

    def __init__(self, glass: Glass, x: int, y: int, width: int, height: int) -> None:
        self._glass = glass
        self._area = (x, y, width, height)
        self._shared = SharedPixels(glass.connection, glass.shm, width, height)
        self._asked: Any = None

    def ask(self) -> None:
        """Have the server write the pixels; several patches can be asked before the first is taken."""
        glass = self._glass
        self._asked = glass.shm.GetImage(
            glass.root, *self._area, _EVERY_PLANE, xproto.ImageFormat.ZPixmap, self._shared.segment, 0
        )

    def take(self) -> NDArray[np.uint8]:
        """The pixels as asked: BGRX, shape (height, width, 4), overwritten by the next reading."""
        self._asked.reply()
        return self._shared.pixels

    def read(self) -> NDArray[np.uint8]:
        """What is there now."""
        self.ask()
        return self.take()


class Glass:
    """A connection to a display's first screen. Raises xcffib.ConnectionException when there is none."""

    def __init__(self, display: str) -> None:
        self.connection: Any = xcffib.connect(display=display)  # type: ignore[no-untyped-call]
        self.shm: Any = self.connection(xcffib.shm.key)
        self.root: int = self.connection.get_setup().roots[0].root
        self._patches: dict[tuple[int, int, int, int], Patch] = {}
        self._xtest: Any = self.connection(xcffib.xtest.key)
        self._xtest.GetVersion(2, 2).reply()

    def patch(self, x: int, y: int, width: int, height: int) -> Patch:
        """A part of the screen; asked for again, the same."""
        area = (x, y, width, height)
        if area not in self._patches:
            self._patches[area] = Patch(self, *area)
        return self._patches[area]

    def press(self) -> None:
        """The left button goes down."""
        self._fake(_PRESS, _LEFT, 0, 0)

    def release(self) -> None:
        """The left button comes up."""
        self._fake(_RELEASE, _LEFT, 0, 0)

    def keys(self, symbols: str) -> list[int]:
        """The codes of the keys that have these letters, in ASCII, or "\\r" for Return. Raises KeyError where there is
        no such key."""
        setup = self.connection.get_setup()
        first, count = setup.min_keycode, setup.max_keycode - setup.min_keycode + 1
        reply = self.connection.core.GetKeyboardMapping(first, count).reply()
        codes = {reply.keysyms[place * reply.keysyms_per_keycode]: first + place for place in range(count)}
        return [codes[0xFF0D if letter == "\r" else ord(letter)] for letter in symbols]

    def key(self, code: int, down: bool) -> None:
        """A key goes down or comes up."""
        self._fake(_KEY_PRESS if down else _KEY_RELEASE, code, 0, 0)

    def move(self, x: int, y: int) -> None:
        """The pointer goes to a pixel."""
        self._fake(_MOTION, 0, x, y)

    def close(self) -> None:
        """Leave the display."""
        self.connection.disconnect()

    def _fake(self, kind: int, detail: int, x: int, y: int) -> None:
        self._xtest.FakeInput(kind, detail, 0, self.root if kind == _MOTION else xcffib.NONE, x, y, 0)
        self.connection.flush()
