"""WindowsDisplay: the size of the primary display of Windows, by ChangeDisplaySettingsExW.

The change is made for the time being (CDS_FULLSCREEN): Windows takes it back by itself when this program ends, however
that happens. Drivers have the modes that they have; the nearest is taken. Windows lets nobody but the person in front
of it choose how large things are drawn, so the scale is not heeded.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from typing import Any

from avl_host.display.display import Size, SizeRefused, nearest

_CURRENT = 0xFFFFFFFF
_WIDTH, _HEIGHT = 0x00080000, 0x00100000
_FULLSCREEN, _DONE = 4, 0


class DevMode(ctypes.Structure):
    """DEVMODEW of the Windows SDK, as far as displays use it."""

    _fields_ = [
        ("device_name", ctypes.c_uint16 * 32),
        ("spec_version", ctypes.c_uint16),
        ("driver_version", ctypes.c_uint16),
        ("size", ctypes.c_uint16),
        ("driver_extra", ctypes.c_uint16),
        ("fields", ctypes.c_uint32),
        ("position", ctypes.c_int32 * 2),
        ("orientation", ctypes.c_uint32),
        ("fixed_output", ctypes.c_uint32),
        ("printing", ctypes.c_int16 * 5),
        ("form_name", ctypes.c_uint16 * 32),
        ("log_pixels", ctypes.c_uint16),
        ("bits", ctypes.c_uint32),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("frequency", ctypes.c_uint32),
        ("further", ctypes.c_uint32 * 8),
    ]


class WindowsDisplay:
    """The primary display. `user32`: the library, or its double."""

    def __init__(self, user32: Any = None) -> None:
        self._user32 = user32 if user32 is not None else ctypes.windll.user32  # type: ignore[attr-defined]

    @property
    def name(self) -> str:
        """There is one."""
        return "windows"

    async def state(self) -> str:
        """See Display: its size. Windows itself knows the rest."""
        mode = await asyncio.to_thread(self._read, _CURRENT)
        if mode is None:
            raise SizeRefused("The size of this display can't be changed: Windows does not tell of its mode.")
        return f"{mode.width} {mode.height}"

    async def resize(self, width: int, height: int, scale: int) -> Size:
        """See Display; the scale is not heeded."""
        return await asyncio.to_thread(self._resize, width, height)

    async def restore(self, state: str) -> None:
        """See Display: the mode of the registry, which was never changed."""
        if await asyncio.to_thread(self._user32.ChangeDisplaySettingsExW, None, None, None, 0, None) != _DONE:
            raise SizeRefused("Windows did not put the display's size back: choose it in the settings.")

    def _resize(self, width: int, height: int) -> Size:
        modes = self._modes()
        size = nearest(modes, width, height)
        if size is None:
            raise SizeRefused("The size of this display can't be changed: Windows lists no modes of it.")
        mode = modes[size]
        mode.fields = _WIDTH | _HEIGHT
        change: Callable[..., int] = self._user32.ChangeDisplaySettingsExW
        if change(None, ctypes.byref(mode), None, _FULLSCREEN, None) != _DONE:
            raise SizeRefused(f"Windows refused to make this display {size[0]} x {size[1]}.")
        return size

    def _modes(self) -> dict[Size, DevMode]:
        found: dict[Size, DevMode] = {}
        number = 0
        while (mode := self._read(number)) is not None:
            found.setdefault((mode.width, mode.height), mode)
            number += 1
        return found

    def _read(self, number: int) -> DevMode | None:
        mode = DevMode()
        mode.size = ctypes.sizeof(DevMode)
        return mode if self._user32.EnumDisplaySettingsW(None, number, ctypes.byref(mode)) else None
