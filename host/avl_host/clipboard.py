"""Clipboard text of the host's desktop, both ways: what was copied is told at once, and what is set can be pasted.

X11 has no clipboard but a protocol between clients: whoever owns the selection CLIPBOARD is asked for it, and long
text travels in pieces (INCR, ICCCM 2.7.2). XFixes tells when the owner changes, so nothing is polled. The
connection's file descriptor is watched by the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import xcffib
import xcffib.xfixes
import xcffib.xproto

from avl_protocol.wire.registry import MAX_CLIPBOARD_TEXT

#: One property holds at most this much; more goes in pieces of this size. Well under the server's longest request.
PIECE = 65536
#: Seconds that another client may take for each step of a transfer.
PATIENCE = 3.0


class ClipboardUnavailable(Exception):
    """The display has no clipboard we can reach; the text says why."""


class ClipboardPort(Protocol):
    """The host's clipboard. `on_text` is called on the event loop with what another program copied."""

    on_text: Callable[[str], None] | None

    def set(self, text: str) -> bool:
        """Offer text for pasting; False when it is larger than the registry allows."""

    async def get(self) -> str | None:
        """What a paste would give now; None when it is not text, too large, or nobody answers."""

    def close(self) -> None:
        """Let go; idempotent."""


class MemoryClipboard:
    """A clipboard without a display. `copy` plays the other program."""

    def __init__(self) -> None:
        self.on_text: Callable[[str], None] | None = None
        self._text: str | None = None

    def set(self, text: str) -> bool:
        """Keep the text."""
        if len(text.encode()) > MAX_CLIPBOARD_TEXT:
            return False
        self._text = text
        return True

    async def get(self) -> str | None:
        """The text set or copied last."""
        return self._text

    def copy(self, text: str) -> None:
        """Another program copies."""
        self._text = text
        if self.on_text is not None:
            self.on_text(text)

    def close(self) -> None:
        """Nothing is held."""


@dataclass(slots=True)
class _Outgoing:
    """A transfer in pieces to another client's property."""

    kind: int
    data: bytes
    sent: int
    timer: asyncio.TimerHandle


class X11Clipboard:
    """The selection CLIPBOARD of an X11 display. Create it on the running event loop. Raises ClipboardUnavailable."""

    def __init__(self, display: str) -> None:
        self.on_text: Callable[[str], None] | None = None
        try:
            x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        except xcffib.ConnectionException as error:
            raise ClipboardUnavailable(f"No X11 display answers at {display}; there is no clipboard.") from error
        self._x = x
        self._loop = asyncio.get_running_loop()
        self._owned: bytes | None = None
        self._outgoing: dict[tuple[int, int], _Outgoing] = {}
        self._reading: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[bool] | None = None
        self._piece: asyncio.Future[None] | None = None
        self._lock = asyncio.Lock()
        self._closed = False
        try:
            self._begin()
        except xcffib.XcffibException as error:
            self._x.disconnect()
            raise ClipboardUnavailable(f"The X server at {display} lacks the XFIXES extension.") from error
        self._fd: int = self._x.get_file_descriptor()
        self._loop.add_reader(self._fd, self._take_events)
        self._loop.call_soon(self._take_events)

    def _begin(self) -> None:
        x = self._x
        root = x.get_setup().roots[x.pref_screen].root
        plain = "text/plain;charset=utf-8"
        names = ("CLIPBOARD", "UTF8_STRING", "TEXT", "TARGETS", "INCR", plain, "AVL_SELECTION")
        asked = [x.core.InternAtom(False, len(name), name) for name in names]
        atoms = {name: cookie.reply().atom for name, cookie in zip(names, asked, strict=True)}
        self._clipboard, self._utf8, self._targets = atoms["CLIPBOARD"], atoms["UTF8_STRING"], atoms["TARGETS"]
        self._incr, self._property = atoms["INCR"], atoms["AVL_SELECTION"]
        self._offered = (self._utf8, atoms[plain], atoms["TEXT"])
        fixes = x(xcffib.xfixes.key)
        fixes.QueryVersion(5, 0).reply()
        self._window: int = x.generate_id()
        x.core.CreateWindow(
            0,
            self._window,
            root,
            0,
            0,
            1,
            1,
            0,
            xcffib.xproto.WindowClass.InputOnly,
            0,
            xcffib.xproto.CW.EventMask,
            [xcffib.xproto.EventMask.PropertyChange],
        )
        fixes.SelectSelectionInput(
            self._window, self._clipboard, xcffib.xfixes.SelectionEventMask.SetSelectionOwner, is_checked=True
        ).check()

    def set(self, text: str) -> bool:
        """Own the clipboard and answer with this text from now on; False as well when the display is gone."""
        data = text.encode("utf-8", "replace")
        if self._closed or len(data) > MAX_CLIPBOARD_TEXT:
            return False
        try:
            self._x.core.SetSelectionOwner(self._window, self._clipboard, xcffib.xproto.Time.CurrentTime)
            self._x.flush()
        except xcffib.ConnectionException:
            self.close()  # The display is gone; capture says so.
            return False
        self._owned = data
        return True

    async def get(self) -> str | None:
        """Ask the owner for its text."""
        if self._owned is not None:
            return self._owned.decode()
        if self._closed:
            return None
        async with self._lock:
            try:
                data = await self._read()
            except (TimeoutError, xcffib.XcffibException):
                return None
            finally:
                self._answer = self._piece = None
        return None if data is None or len(data) > MAX_CLIPBOARD_TEXT else data.decode("utf-8", "replace")

    def close(self) -> None:
        """Give the clipboard up and disconnect; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._fd)
        if self._reading is not None:
            self._reading.cancel()
        for transfer in self._outgoing.values():
            transfer.timer.cancel()
        self._outgoing.clear()
        self._x.disconnect()

    # Reading what another client owns

    async def _read(self) -> bytes | None:
        self._answer = self._loop.create_future()
        self._x.core.DeleteProperty(self._window, self._property)
        self._x.core.ConvertSelection(
            self._window, self._clipboard, self._utf8, self._property, xcffib.xproto.Time.CurrentTime
        )
        self._x.flush()
        async with asyncio.timeout(PATIENCE):
            if not await self._answer:
                return None
        # Deleting the INCR property asks for the first piece, so that its arrival must be awaited from before.
        self._piece = self._loop.create_future()
        kind, data = self._take_property()
        if kind != self._incr:
            return data if kind == self._utf8 else None
        whole = bytearray()
        while True:
            async with asyncio.timeout(PATIENCE):
                await self._piece
            self._piece = self._loop.create_future()
            kind, data = self._take_property()
            if not data:
                return bytes(whole)
            if kind != self._utf8:
                return None
            whole += data
            if len(whole) > MAX_CLIPBOARD_TEXT:
                return None  # The owner is left waiting; it gives up by itself.

    def _take_property(self) -> tuple[int, bytes]:
        """Type and bytes of our property, at most one more than the largest text; deletes it."""
        most = MAX_CLIPBOARD_TEXT // 4 + 1
        told = self._x.core.GetProperty(
            False, self._window, self._property, xcffib.xproto.GetPropertyType.Any, 0, most
        ).reply()
        self._loop.call_soon(self._take_events)  # waiting for an answer reads what comes before it too
        self._x.core.DeleteProperty(self._window, self._property)
        self._x.flush()
        return told.type, bytes(told.value.buf())

    async def _tell(self) -> None:
        text = await self.get()
        if text is not None and self.on_text is not None and self._owned is None:
            self.on_text(text)

    # Events

    def _take_events(self) -> None:
        try:
            while not self._closed and (event := self._next_event()) is not None:
                self._handle(event)
            if not self._closed:
                self._x.flush()
        except xcffib.ConnectionException:
            self.close()  # The display is gone; capture says so.

    def _next_event(self) -> Any:
        """The next event, past errors: a client may go away in the middle of a transfer, and what is read but left in
        the queue makes no descriptor readable."""
        while True:
            try:
                return self._x.poll_for_event()
            except xcffib.ConnectionException:
                raise
            except xcffib.XcffibException:
                continue

    def _handle(self, event: Any) -> None:
        if isinstance(event, xcffib.xfixes.SelectionNotifyEvent):
            self._owner_changed(event.owner)
        elif isinstance(event, xcffib.xproto.SelectionNotifyEvent):
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(event.property != 0)
        elif isinstance(event, xcffib.xproto.SelectionRequestEvent):
            self._serve(event)
        elif isinstance(event, xcffib.xproto.PropertyNotifyEvent):
            new = event.state == xcffib.xproto.Property.NewValue
            if event.window == self._window:
                if new and event.atom == self._property and self._piece is not None and not self._piece.done():
                    self._piece.set_result(None)
            elif not new:
                self._send_piece((event.window, event.atom))

    def _owner_changed(self, owner: int) -> None:
        if owner == self._window:
            return
        self._owned = None
        if self._reading is not None:
            self._reading.cancel()
        if owner:
            self._reading = self._loop.create_task(self._tell())

    # Serving what we own

    def _serve(self, event: Any) -> None:
        name = event.property or event.target  # Old clients name no property.
        if self._owned is None or event.selection != self._clipboard:
            name = 0
        elif event.target == self._targets:
            offered = (self._targets, *self._offered)
            self._put(event.requestor, name, xcffib.xproto.Atom.ATOM, 32, len(offered), list(offered))
        elif event.target not in self._offered:
            name = 0
        elif len(self._owned) > PIECE:
            self._serve_in_pieces(event.requestor, name, event.target)
        else:
            self._put(event.requestor, name, event.target, 8, len(self._owned), self._owned)
        answer: Any = xcffib.xproto.SelectionNotifyEvent.synthetic(  # type: ignore[no-untyped-call]
            event.time, event.requestor, event.selection, event.target, name
        )
        self._x.core.SendEvent(False, event.requestor, 0, answer.pack())

    def _serve_in_pieces(self, requestor: int, name: int, kind: int) -> None:
        assert self._owned is not None
        key = (requestor, name)
        self._forget(key)
        self._outgoing[key] = _Outgoing(kind, self._owned, 0, self._loop.call_later(PATIENCE, self._forget, key))
        self._x.core.ChangeWindowAttributes(
            requestor, xcffib.xproto.CW.EventMask, [xcffib.xproto.EventMask.PropertyChange]
        )
        self._put(requestor, name, self._incr, 32, 1, [len(self._owned)])

    def _send_piece(self, key: tuple[int, int]) -> None:
        transfer = self._outgoing.get(key)
        if transfer is None:
            return
        piece = transfer.data[transfer.sent : transfer.sent + PIECE]
        transfer.sent += len(piece)
        self._put(*key, transfer.kind, 8, len(piece), piece)
        transfer.timer.cancel()
        if piece:
            transfer.timer = self._loop.call_later(PATIENCE, self._forget, key)
        else:
            self._forget(key)  # The empty piece was the end.

    def _forget(self, key: tuple[int, int]) -> None:
        transfer = self._outgoing.pop(key, None)
        if transfer is not None:
            transfer.timer.cancel()

    def _put(self, window: int, name: int, kind: int, bits: int, count: int, data: bytes | list[int]) -> None:
        packed = data if isinstance(data, bytes) else b"".join(value.to_bytes(4, "little") for value in data)
        self._x.core.ChangeProperty(xcffib.xproto.PropMode.Replace, window, name, kind, bits, count, packed)


def open_clipboard(source: str) -> ClipboardPort:
    """The clipboard that goes with a source: that of an X11 display, or one in memory. Raises ClipboardUnavailable."""
    display = source.removeprefix("mss:")
    return X11Clipboard(display) if ":" in display and not source.startswith("pattern") else MemoryClipboard()
