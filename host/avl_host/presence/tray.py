"""TrayIcon: an eye in the tray of the desktop, red while somebody sees the screen (System Tray Protocol 0.3 by XEmbed).

Where the desktop has no such tray, as GNOME without an extension, nothing is shown; one that begins later is joined
then. A click by hand has the indicator go to another edge, out of the way of what the person does.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import xcffib
import xcffib.xinput
import xcffib.xproto

from avl_host.presence.scene import Scene
from avl_host.presence.surface import ALARM, FAINT, MADE, PALE, Unavailable, by_hand

_SIZE = 22
_DOCK = 0
_ALL_MASTERS, _BUTTON = 1, 1 << 4
_EXTENSION = "XInputExtension"


class TrayIcon:
    """An Indicator at one X display. `clicked`: by hand. Raises Unavailable where the display can't be reached."""

    def __init__(self, display: str, clicked: Callable[[], None]) -> None:
        self._clicked = clicked
        self._seen = False
        try:
            x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        except xcffib.XcffibException as error:
            raise Unavailable(f"There is no tray at {display}: it does not answer.") from error
        self._x: Any | None = x
        if not x.core.QueryExtension(len(_EXTENSION), _EXTENSION).reply().present:
            x.disconnect()
            raise Unavailable(f"The X server at {display} lacks XInput 2.")
        self._devices: Any = x(xcffib.xinput.key)
        self._devices.XIQueryVersion(2, 2).reply()
        number, self._root = x.pref_screen, x.get_setup().roots[x.pref_screen].root
        self._made, self._tray, self._opcode, self._manager, self._info = (
            x.core.InternAtom(False, len(name), name).reply().atom
            for name in (
                MADE,
                f"_NET_SYSTEM_TRAY_S{number}",
                "_NET_SYSTEM_TRAY_OPCODE",
                "MANAGER",
                "_XEMBED_INFO",
            )
        )
        mask = xcffib.xproto.EventMask
        # A tray that begins says so to the root window (ICCCM 2.8).
        x.core.ChangeWindowAttributes(self._root, xcffib.xproto.CW.EventMask, [mask.StructureNotify])
        self._window = x.generate_id()
        x.core.CreateWindow(
            0,
            self._window,
            self._root,
            0,
            0,
            _SIZE,
            _SIZE,
            0,
            xcffib.xproto.WindowClass.InputOutput,
            x.get_setup().roots[number].root_visual,
            xcffib.xproto.CW.BackPixel | xcffib.xproto.CW.EventMask,
            [PALE, mask.Exposure],
        )
        # Version 0, and wants to be mapped.
        x.core.ChangeProperty(0, self._window, self._info, self._info, 32, 2, struct.pack("=II", 0, 1))
        selection: Any = xcffib.xinput.EventMask
        self._devices.XISelectEvents(self._window, 1, [selection.synthetic(_ALL_MASTERS, 1, [_BUTTON])])
        self._pen = x.generate_id()
        x.core.CreateGC(self._pen, self._window, xcffib.xproto.GC.Foreground, [FAINT])
        self._dock()
        self._descriptor = int(x.get_file_descriptor())
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._told)

    @property
    def window(self) -> int:
        """Its number at the X server."""
        return int(self._window)

    def show(self, scene: Scene) -> None:
        """See Indicator."""
        self._seen = bool(scene.people)
        self._guarded(self._paint)

    def close(self) -> None:
        """See Indicator."""
        if self._x is not None:
            self._loop.remove_reader(self._descriptor)
            self._x.disconnect()
            self._x = None

    def _guarded(self, call: Callable[[], None]) -> None:
        if self._x is None:
            return
        try:
            call()
        except xcffib.XcffibException:
            self.close()

    def _told(self) -> None:
        self._guarded(self._read)

    def _read(self) -> None:
        while self._x is not None and (event := self._x.poll_for_event()) is not None:
            if isinstance(event, xcffib.xproto.ExposeEvent):
                self._paint()
            elif isinstance(event, xcffib.xproto.ClientMessageEvent) and event.type == self._manager:
                self._dock()
            elif isinstance(event, xcffib.xinput.ButtonPressEvent) and self._is_click(event):
                self._clicked()

    def _is_click(self, event: Any) -> bool:
        return event.detail == 1 and by_hand(self._devices, self._made, event.sourceid)

    def _dock(self) -> None:
        """Ask the tray to take the icon, if there is one."""
        x = self._x
        assert x is not None
        tray = x.core.GetSelectionOwner(self._tray).reply().owner
        if tray:
            now = xcffib.xproto.Time.CurrentTime
            told = struct.pack("=BBHII5I", 33, 32, 0, tray, self._opcode, now, _DOCK, self._window, 0, 0)
            x.core.SendEvent(False, tray, xcffib.xproto.EventMask.NoEvent, told)
        x.flush()

    def _paint(self) -> None:
        """An eye: a ring, and what looks."""
        x = self._x
        assert x is not None
        x.core.ChangeGC(self._pen, xcffib.xproto.GC.Foreground, [ALARM if self._seen else FAINT])
        x.core.ClearArea(False, self._window, 0, 0, 0, 0)
        arc: Callable[..., Any] = xcffib.xproto.ARC.synthetic
        whole = 360 * 64
        x.core.PolyArc(self._window, self._pen, 2, [arc(1, 5, 19, 11, 0, whole), arc(2, 6, 17, 9, 0, whole)])
        x.core.PolyFillArc(self._window, self._pen, 1, [arc(8, 7, 7, 7, 0, whole)])
        x.flush()
