"""X11Blanker: the monitors of an X display show black, and the devices in front of it reach nobody but us.

Dark are the monitors alone: their gamma ramps (RandR 1.2) are all zero, so that what is captured stays what it is. A
window over everything would be captured, too, and sleep (DPMS) ends with the first key of a viewer. Every device that
is not XTEST's is grabbed (XInput 2), by which the server takes it from the pointer and the keyboard that viewers
use. What X can't do: keep somebody from another virtual terminal (Ctrl+Alt+F1), or from the power button.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import xcffib
import xcffib.randr
import xcffib.xinput
import xcffib.xproto

from avl_host.presence.surface import MADE, Unavailable, by_hand

_NEEDED = ("RANDR", "XInputExtension")
_ALL_DEVICES = 0
_HIERARCHY_CHANGED, _KEYS = 1 << 11, 1 << 2
_ESCAPE = 0xFF1B
#: Shift, Control and Mod1 (Alt) of the hotkey.
_HELD = 1 | 4 | 8
_Ramps = tuple[list[int], list[int], list[int]]


class X11Blanker:
    """See Blanker. `hotkey`: called when END_KEY is pressed on a device that is locked. Raises Unavailable where the
    display can't be reached, or its monitors can't be darkened."""

    def __init__(self, display: str, hotkey: Callable[[], None]) -> None:
        self._display = display
        self._hotkey = hotkey
        try:
            x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        except xcffib.XcffibException as error:
            raise Unavailable(f"The screen of {display} can't be darkened: it does not answer.") from error
        self._x = x
        #: By CRTC, as they were before.
        self._before: dict[int, _Ramps] = {}
        self._locked: set[int] = set()
        self._closed = False
        with ExitStack() as undo:
            undo.callback(x.disconnect)
            self._begin()
            undo.pop_all()
        self._descriptor = int(x.get_file_descriptor())
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._told)

    def _begin(self) -> None:
        x = self._x
        for name in _NEEDED:
            if not x.core.QueryExtension(len(name), name).reply().present:
                raise Unavailable(f"The screen of {self._display} can't be darkened: the X server lacks {name}.")
        self._randr: Any = x(xcffib.randr.key)
        self._randr.QueryVersion(1, 3).reply()
        self._devices: Any = x(xcffib.xinput.key)
        self._devices.XIQueryVersion(2, 2).reply()
        setup = x.get_setup()
        self._root = setup.roots[x.pref_screen].root
        self._made = x.core.InternAtom(False, len(MADE), MADE).reply().atom
        first, last = setup.min_keycode, setup.max_keycode
        keys = x.core.GetKeyboardMapping(first, last - first + 1).reply()
        wide = keys.keysyms_per_keycode
        self._escapes = {first + at for at in range(last - first + 1) if keys.keysyms[at * wide] == _ESCAPE}
        if any(self._size(crtc) < 2 for crtc in self._crtcs()):
            raise Unavailable(f"The screen of {self._display} can't be darkened: a monitor has no gamma ramp.")
        for crtc in self._crtcs():
            if not any(map(any, self._ramps(crtc))):
                self._set(crtc, _even(self._size(crtc)))  # left dark by a host that was killed
        selection: Any = xcffib.xinput.EventMask
        self._devices.XISelectEvents(self._root, 1, [selection.synthetic(_ALL_DEVICES, 1, [_HIERARCHY_CHANGED])])
        x.flush()

    def darken(self) -> str:
        """See Blanker."""
        try:
            why = self._darken() or self._lock()
            return f"the screen can't be kept dark and locked ({why})" if why else ""
        except xcffib.XcffibException:
            return "the screen can't be kept dark and locked (its display does not answer)"

    def _darken(self) -> str:
        for crtc in self._crtcs():
            size = self._size(crtc)
            if size < 2:
                return "a monitor has no gamma ramp"
            found = self._ramps(crtc)
            if not any(map(any, found)):
                # Dark already: by us, or a monitor that was dark when it came.
                self._before.setdefault(crtc, _even(size))
                continue
            self._before.setdefault(crtc, found)
            dark = [0] * size
            self._set(crtc, (dark, dark, dark))
            if any(map(any, self._ramps(crtc))):
                return "a monitor stays lit"
        return ""

    def _lock(self) -> str:
        kinds = xcffib.xinput.DeviceType
        for device in self._devices.XIQueryDevice(_ALL_DEVICES).reply().infos:
            if device.deviceid in self._locked:
                continue
            if device.type == kinds.FloatingSlave or by_hand(self._devices, self._made, device.deviceid):
                status = (
                    self._devices.XIGrabDevice(
                        self._root,
                        xcffib.xproto.Time.CurrentTime,
                        0,
                        device.deviceid,
                        xcffib.xproto.GrabMode.Async,
                        xcffib.xproto.GrabMode.Async,
                        False,
                        1,
                        [_KEYS],
                    )
                    .reply()
                    .status
                )
                if status != xcffib.xproto.GrabStatus.Success:
                    return f"{device.name.to_string()} is held by another program"
                self._locked.add(device.deviceid)
        return ""

    def lighten(self) -> None:
        """See Blanker."""
        try:
            for device in self._locked:
                self._devices.XIUngrabDevice(xcffib.xproto.Time.CurrentTime, device)
            there = set(self._crtcs())
            for crtc, ramps in self._before.items():
                if crtc in there and self._size(crtc) == len(ramps[0]):
                    self._set(crtc, ramps)
            self._x.core.GetInputFocus().reply()
        except xcffib.XcffibException:
            pass  # a display that is gone shows nothing
        self._locked.clear()
        self._before.clear()

    def close(self) -> None:
        """See Blanker."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._descriptor)
            self.lighten()
            self._x.disconnect()

    def _told(self) -> None:
        """The server has told something: a device came or went, or a key of a locked one."""
        try:
            while (event := self._x.poll_for_event()) is not None:
                if isinstance(event, xcffib.xinput.HierarchyEvent):
                    here = {one.deviceid for one in self._devices.XIQueryDevice(_ALL_DEVICES).reply().infos}
                    self._locked &= here
                    if self._locked:
                        self._lock()
                elif isinstance(event, xcffib.xinput.KeyPressEvent) and self._is_hotkey(event):
                    self._hotkey()
        except xcffib.XcffibException:
            self._loop.remove_reader(self._descriptor)

    def _is_hotkey(self, event: Any) -> bool:
        return event.detail in self._escapes and event.mods.effective & _HELD == _HELD

    def _crtcs(self) -> list[int]:
        """Those that show something."""
        found = self._randr.GetScreenResourcesCurrent(self._root).reply()
        stamp = found.config_timestamp
        return [crtc for crtc in found.crtcs if self._randr.GetCrtcInfo(crtc, stamp).reply().mode]

    def _size(self, crtc: int) -> int:
        return int(self._randr.GetCrtcGammaSize(crtc).reply().size)

    def _set(self, crtc: int, ramps: _Ramps) -> None:
        self._randr.SetCrtcGamma(crtc, len(ramps[0]), *ramps, is_checked=True).check()

    def _ramps(self, crtc: int) -> _Ramps:
        found = self._randr.GetCrtcGamma(crtc).reply()
        return list(found.red), list(found.green), list(found.blue)


def _even(size: int) -> _Ramps:
    """The ramp of a monitor that nobody has adjusted."""
    ramp = [at * 65535 // (size - 1) for at in range(size)]
    return list(ramp), list(ramp), list(ramp)
