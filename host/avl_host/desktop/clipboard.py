"""Clipboard text of the host's desktop: reports what is copied there, and sets what can be pasted there.

X11 has no clipboard but a protocol between clients: whoever owns the selection CLIPBOARD is asked for it. XFixes tells
when the owner changes, so nothing is polled. The connection's file descriptor is watched by the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import xcffib
import xcffib.xfixes
import xcffib.xproto

from avl_host.selection.display import SelectionDisplay
from avl_host.selection.owner import SelectionOwner
from avl_host.selection.requestor import Requestor
from avl_protocol.wire.cliptext import Content, content_of
from avl_protocol.wire.registry import ClipboardState

#: Atoms that are sure to be needed, learnt in one round trip.
ATOMS = (
    "CLIPBOARD",
    "TARGETS",
    "MULTIPLE",
    "TIMESTAMP",
    "INCR",
    "ATOM_PAIR",
    "UTF8_STRING",
    "STRING",
    "TEXT",
    "COMPOUND_TEXT",
    "text/plain",
    "text/plain;charset=utf-8",
    "AVL_SELECTION",
    "AVL_TIME",
)


class ClipboardUnavailable(Exception):
    """The display has no clipboard we can reach; the text says why."""


class ClipboardPort(Protocol):
    """The host's clipboard. `on_change` is called on the event loop with what another program copied: a text, or why it
    can't be told."""

    on_change: Callable[[Content], None] | None

    def set(self, text: str) -> bool:
        """Offer a text for pasting, or nothing (""); False for what is no text, is too large, or is not taken."""

    async def get(self) -> Content:
        """What a paste would give now, or why it gives no text."""

    def close(self) -> None:
        """Let go; idempotent."""


class MemoryClipboard:
    """A clipboard without a display. `copy` plays the other program; `takes` False: nothing can be set."""

    def __init__(self) -> None:
        self.on_change: Callable[[Content], None] | None = None
        self.content: Content = ClipboardState.EMPTY
        self.takes = True

    def set(self, text: str) -> bool:
        """Keep the text."""
        content = content_of(text)
        if not self.takes or content in (ClipboardState.TOO_LARGE, ClipboardState.NOT_TEXT):
            return False
        self.content = content
        return True

    async def get(self) -> Content:
        """What was set or copied last."""
        return self.content

    def copy(self, text: str | ClipboardState) -> None:
        """Another program copies a text, or something else."""
        self.content = text if isinstance(text, ClipboardState) else content_of(text)
        if self.on_change is not None:
            self.on_change(self.content)

    def close(self) -> None:
        """Nothing is held."""


class X11Clipboard:
    """The selection CLIPBOARD of an X11 display. Create it on the running event loop. Raises ClipboardUnavailable."""

    def __init__(self, display: str) -> None:
        self.on_change: Callable[[Content], None] | None = None
        try:
            x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        except xcffib.ConnectionException as error:
            raise ClipboardUnavailable(f"No X11 display answers at {display}; there is no clipboard.") from error
        self._x = x
        self._loop = asyncio.get_running_loop()
        self._reading: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._closed = False
        try:
            self._begin()
        except xcffib.XcffibException as error:
            self._x.disconnect()
            raise ClipboardUnavailable(f"The X server at {display} lacks the XFIXES extension.") from error
        self._fd: int = self._x.get_file_descriptor()
        self._loop.add_reader(self._fd, self._take_events)
        self._events_wait()

    def _begin(self) -> None:
        self._display = display = SelectionDisplay(self._x, self._events_wait)
        fixes = self._x(xcffib.xfixes.key)
        fixes.QueryVersion(5, 0).reply()
        display.intern(*ATOMS)
        self._owner = SelectionOwner(display, "CLIPBOARD")
        self._requestor = Requestor(display, "CLIPBOARD")
        kinds = xcffib.xfixes.SelectionEventMask
        mask = kinds.SetSelectionOwner | kinds.SelectionWindowDestroy | kinds.SelectionClientClose
        fixes.SelectSelectionInput(self._owner.window, display.atom("CLIPBOARD"), mask, is_checked=True).check()

    def set(self, text: str) -> bool:
        """Own the clipboard and answer with this text from now on; False as well when the display is gone."""
        content = content_of(text)
        if self._closed or content in (ClipboardState.TOO_LARGE, ClipboardState.NOT_TEXT):
            return False
        try:
            taken = self._owner.own(content if isinstance(content, str) else "")
            self._x.flush()
        except xcffib.XcffibException:
            self.close()  # The display is gone; capture says so.
            return False
        return taken

    @property
    def transfers(self) -> int:
        """Long texts of ours that other programs are taking piece by piece."""
        return self._owner.transfers

    async def get(self) -> Content:
        """Ask the owner for its text; another one, when that changes meanwhile."""
        while not self._closed:
            if self._owner.text is not None:
                return self._owner.text or ClipboardState.EMPTY
            self._changed.clear()
            asking = self._loop.create_task(self._requestor.read())
            changing = self._loop.create_task(self._changed.wait())
            try:
                await asyncio.wait((asking, changing), return_when=asyncio.FIRST_COMPLETED)
                if asking.done():
                    return asking.result()
            except xcffib.XcffibException:
                break
            finally:
                asking.cancel()
                changing.cancel()
                await asyncio.wait((asking, changing))
        return ClipboardState.NO_ANSWER

    def close(self) -> None:
        """Give the clipboard up and disconnect; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._changed.set()
        self._loop.remove_reader(self._fd)
        if self._reading is not None:
            self._reading.cancel()
        self._owner.close()
        self._x.disconnect()

    async def _tell(self) -> None:
        content = await self.get()
        if self.on_change is not None and self._owner.text is None and not self._closed:
            self.on_change(content)

    # events

    def _events_wait(self) -> None:
        """Events may have been read, so that no descriptor becomes readable for them."""
        self._loop.call_soon(self._take_events)

    def _take_events(self) -> None:
        try:
            while not self._closed and (event := self._display.next_event()) is not None:
                self._handle(event)
            if not self._closed:
                self._x.flush()
        except xcffib.ConnectionException:
            self.close()  # The display is gone; capture says so.

    def _handle(self, event: Any) -> None:
        if isinstance(event, xcffib.xfixes.SelectionNotifyEvent):
            self._owner_changed(event.owner, event.selection_timestamp)
        elif isinstance(event, xcffib.xproto.SelectionNotifyEvent):
            self._requestor.answered(event)
        elif isinstance(event, xcffib.xproto.SelectionRequestEvent):
            self._owner.serve(event)
        elif isinstance(event, xcffib.xproto.SelectionClearEvent):
            self._owner.lost(event.time)
        elif isinstance(event, xcffib.xproto.PropertyNotifyEvent):
            if event.state == xcffib.xproto.Property.NewValue:
                self._requestor.written(event.window, event.atom)
            else:
                self._owner.taken(event.window, event.atom)

    def _owner_changed(self, owner: int, since: int) -> None:
        if owner == self._owner.window or not self._owner.lost(since):
            return
        self._changed.set()
        if self._reading is not None:
            self._reading.cancel()
        if owner:
            self._reading = self._loop.create_task(self._tell())


def open_clipboard(source: str) -> ClipboardPort:
    """The clipboard that goes with a source: that of an X11 display, or one in memory. Raises ClipboardUnavailable."""
    display = source.removeprefix("mss:")
    return X11Clipboard(display) if ":" in display and not source.startswith("pattern") else MemoryClipboard()
