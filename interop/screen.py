"""An X screen as a person would use it: looked at, typed on, and compared with another picture of it."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import xcffib
import xcffib.xproto as xproto
import xcffib.xtest as xtest
from numpy.typing import NDArray
from PIL import Image

#: (height, width, 3) of uint8: red, green, blue.
Picture = NDArray[np.uint8]

SHIFT = 0xFFE1
RETURN = 0xFF0D


class Screen:
    """The first screen of an X display of depth 24."""

    def __init__(self, display: str) -> None:
        self._connection: Any = xcffib.connect(display=display)  # type: ignore[no-untyped-call]
        self._setup: Any = self._connection.get_setup()
        self._root: Any = self._setup.roots[0]
        self._xtest: Any = self._connection(xtest.key)
        self._keys = self._keysyms()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._root.width_in_pixels, self._root.height_in_pixels

    def grab(self) -> Picture:
        """What is on the screen now, without the pointer."""
        width, height = self.size
        reply = self._connection.core.GetImage(
            xproto.ImageFormat.ZPixmap, self._root.root, 0, 0, width, height, 0xFFFFFFFF
        ).reply()
        pixels = np.frombuffer(bytes(reply.data.buf()), np.uint8).reshape(height, width, 4)
        return np.ascontiguousarray(pixels[:, :, 2::-1])

    def managed(self) -> bool:
        """Whether a window manager has taken the screen."""
        return self._property("_NET_SUPPORTING_WM_CHECK") != 0

    def focused(self) -> bool:
        """Whether the window manager has given some window the keyboard."""
        return self._property("_NET_ACTIVE_WINDOW") != 0

    def move(self, x: int, y: int) -> None:
        """Put the pointer at a pixel."""
        self._xtest.FakeInput(6, 0, 0, self._root.root, x, y, 0)
        self._connection.flush()

    def click(self, x: int, y: int) -> None:
        """Press and release the left button at a pixel."""
        self.move(x, y)
        for kind in (4, 5):
            self._xtest.FakeInput(kind, 1, 0, xcffib.NONE, 0, 0, 0)
        self._connection.flush()

    def type_line(self, text: str) -> None:
        """Type ASCII text and Return on the keyboard, each key pressed and released."""
        for character in text:
            self._stroke(ord(character))
        self._stroke(RETURN)
        self._connection.flush()

    def close(self) -> None:
        """Leave the display."""
        self._connection.disconnect()

    def _property(self, name: str) -> int:
        """A window named by a property of the root window; 0 for none."""
        core = self._connection.core
        atom = core.InternAtom(False, len(name), name).reply().atom
        reply = core.GetProperty(False, self._root.root, atom, xproto.Atom.WINDOW, 0, 1).reply()
        return int.from_bytes(bytes(reply.value.buf()), sys.byteorder)

    def _keysyms(self) -> dict[int, tuple[int, bool]]:
        """keysym -> (keycode, with Shift), from the keyboard's map."""
        first, last = self._setup.min_keycode, self._setup.max_keycode
        reply = self._connection.core.GetKeyboardMapping(first, last - first + 1).reply()
        width = reply.keysyms_per_keycode
        keys: dict[int, tuple[int, bool]] = {}
        for column in (0, 1):
            for row in range(last - first + 1):
                keys.setdefault(reply.keysyms[row * width + column], (first + row, bool(column)))
        return keys

    def _stroke(self, keysym: int) -> None:
        code, shifted = self._keys[keysym]
        shift = self._keys[SHIFT][0]
        strokes = [(2, code), (3, code)]
        for kind, key in [(2, shift), *strokes, (3, shift)] if shifted else strokes:
            self._xtest.FakeInput(kind, key, 0, xcffib.NONE, 0, 0, 0)


def psnr(one: Picture, other: Picture) -> float:
    """Peak signal-to-noise ratio in dB over all pixels and channels; 99 where they are equal, 0 where sizes differ."""
    if one.shape != other.shape:
        return 0.0
    difference = one.astype(np.int32) - other
    error = float(np.mean(difference * difference))
    return 99.0 if error == 0 else 10 * math.log10(255 * 255 / error)


def save(picture: Picture, path: Path) -> None:
    """Write a PNG."""
    Image.fromarray(picture, "RGB").save(path)


def load(path: Path) -> Picture:
    """Read a picture file."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
