"""MacDisplay: the size of the main display of macOS, by Quartz Display Services.

A configuration that holds for this program alone is taken back by macOS when the program ends, however that happens.
The display has the modes that it has: the nearest is taken, and one that has as many pixels as points, or twice as
many, as the scale says.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from avl_host.display.display import Size, SizeRefused, nearest

_GRAPHICS = "/System/Library/Frameworks/CoreGraphics.framework/CoreGraphics"
_FOUNDATION = "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation"
_FOR_APPLICATION, _DONE = 0, 0
#: From this scale on a mode of two pixels a point is wanted.
_TWICE = 150


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode that the display has: its size in pixels, in points, and what Quartz calls it."""

    pixels: Size
    points: Size
    reference: Any


class Quartz:
    """The calls that are used. `displays` and their modes are what CGMainDisplayID and CGDisplayCopyAllDisplayModes
    tell of."""

    def __init__(self) -> None:
        self._graphics: Any = ctypes.cdll.LoadLibrary(_GRAPHICS)
        self._foundation: Any = ctypes.cdll.LoadLibrary(_FOUNDATION)
        pointers = ("CGDisplayCopyAllDisplayModes", "CGDisplayCopyDisplayMode")
        for name in pointers:
            getattr(self._graphics, name).restype = ctypes.c_void_p
        for name in ("Width", "Height", "PixelWidth", "PixelHeight"):
            call = getattr(self._graphics, f"CGDisplayModeGet{name}")
            call.restype, call.argtypes = ctypes.c_size_t, (ctypes.c_void_p,)
        self._foundation.CFArrayGetCount.restype = ctypes.c_long
        self._foundation.CFArrayGetCount.argtypes = (ctypes.c_void_p,)
        self._foundation.CFArrayGetValueAtIndex.restype = ctypes.c_void_p
        self._foundation.CFArrayGetValueAtIndex.argtypes = (ctypes.c_void_p, ctypes.c_long)
        configure = self._graphics.CGConfigureDisplayWithDisplayMode
        configure.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p)
        self._graphics.CGCompleteDisplayConfiguration.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        self._display: int = self._graphics.CGMainDisplayID()

    def current(self) -> Mode:
        """The mode of now."""
        return self._mode(self._graphics.CGDisplayCopyDisplayMode(self._display))

    def modes(self) -> Iterator[Mode]:
        """All that there are."""
        listed = self._graphics.CGDisplayCopyAllDisplayModes(self._display, None)
        for at in range(self._foundation.CFArrayGetCount(listed) if listed else 0):
            yield self._mode(self._foundation.CFArrayGetValueAtIndex(listed, at))

    def show(self, mode: Mode) -> bool:
        """Have a mode for as long as this program runs."""
        configuration = ctypes.c_void_p()
        if self._graphics.CGBeginDisplayConfiguration(ctypes.byref(configuration)) != _DONE:
            return False
        self._graphics.CGConfigureDisplayWithDisplayMode(configuration, self._display, mode.reference, None)
        return bool(self._graphics.CGCompleteDisplayConfiguration(configuration, _FOR_APPLICATION) == _DONE)

    def back(self) -> None:
        """Have the person's own configuration."""
        self._graphics.CGRestorePermanentDisplayConfiguration()

    def _mode(self, reference: Any) -> Mode:
        told = [
            getattr(self._graphics, f"CGDisplayModeGet{name}")(reference)
            for name in ("PixelWidth", "PixelHeight", "Width", "Height")
        ]
        return Mode((told[0], told[1]), (told[2], told[3]), reference)


class MacDisplay:
    """The main display. `quartz`: the system, or its double."""

    def __init__(self, quartz: Any = None) -> None:
        self._quartz = quartz if quartz is not None else Quartz()

    @property
    def name(self) -> str:
        """There is one."""
        return "macos"

    async def state(self) -> str:
        """See Display: its size. macOS itself knows the rest."""
        mode = await asyncio.to_thread(self._quartz.current)
        return f"{mode.pixels[0]} {mode.pixels[1]}"

    async def resize(self, width: int, height: int, scale: int) -> Size:
        """See Display."""
        return await asyncio.to_thread(self._resize, width, height, scale)

    async def restore(self, state: str) -> None:
        """See Display: the person's own configuration, which was never changed."""
        await asyncio.to_thread(self._quartz.back)

    def _resize(self, width: int, height: int, scale: int) -> Size:
        modes = list(self._quartz.modes())
        size = nearest({mode.pixels for mode in modes}, width, height)
        if size is None:
            raise SizeRefused("The size of this display can't be changed: macOS lists no modes of it.")
        points = size[0] // 2 if scale >= _TWICE else size[0]
        mode = min((mode for mode in modes if mode.pixels == size), key=lambda mode: abs(mode.points[0] - points))
        if not self._quartz.show(mode):
            raise SizeRefused(f"macOS refused to make this display {size[0]} x {size[1]}.")
        return size
