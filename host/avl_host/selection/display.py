"""SelectionDisplay: what owner and requestor need of an X connection: atoms by name, properties, the server's time.

Properties are written and read as they are. xcffib makes an object of each of their bytes, which takes 18 ms for each
64 KiB that a large picture is pasted in, and the desktop's pictures wait on the same event loop.
"""

from __future__ import annotations

import io
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

import xcffib
import xcffib.xproto

#: Most bytes that are read of one property, if its reader says nothing; a longer one is read to here, so that its
#: length shows.
MOST = 4 << 20
#: Requests of the core protocol (X Window System Protocol, appendix B).
CHANGE_PROPERTY, GET_PROPERTY = 18, 20


class _PropertyReply(xcffib.Reply):
    """What a property holds: type, bits and bytes."""

    def __init__(self, unpacker: Any) -> None:
        super().__init__(unpacker)  # type: ignore[no-untyped-call]
        self.bits, self.kind, _, count = unpacker.unpack("=xB2x4xIII12x")
        size = count * (self.bits // 8)
        self.data = bytes(unpacker.buf[unpacker.offset : unpacker.offset + size])


class _PropertyCookie(xcffib.Cookie):
    reply_type: Any = _PropertyReply


class SelectionDisplay:
    """An X connection. `events_wait` is called when an answer was waited for: events may have been read meanwhile."""

    def __init__(self, connection: Any, events_wait: Callable[[], None]) -> None:
        self.x = connection
        self._events_wait = events_wait
        self._root: int = connection.get_setup().roots[connection.pref_screen].root
        self._atoms: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._early: deque[Any] = deque()

    def intern(self, *names: str) -> None:
        """Learn atoms in one round trip."""
        asked = [self.x.core.InternAtom(False, len(name), name) for name in names]
        for name, cookie in zip(names, asked, strict=True):
            self._learn(name, cookie.reply().atom)

    def _learn(self, name: str, atom: int) -> None:
        self._atoms[name] = atom
        self._names[atom] = name

    def atom(self, name: str) -> int:
        """The atom of a name."""
        if name not in self._atoms:
            self.intern(name)
        return self._atoms[name]

    def name(self, atom: int) -> str:
        """The name of an atom; empty for a number that is none."""
        if atom not in self._names:
            if not atom:
                return ""
            try:
                told = self.x.core.GetAtomName(atom).reply().name
            except xcffib.xproto.AtomError:
                return ""
            finally:
                self._events_wait()
            self._learn(bytes(told.buf()).decode("latin-1"), atom)
        return self._names[atom]

    def window(self) -> int:
        """A window that is never seen, whose properties are watched."""
        made: int = self.x.generate_id()
        mask, watched = xcffib.xproto.CW.EventMask, [xcffib.xproto.EventMask.PropertyChange]
        kind = xcffib.xproto.WindowClass.InputOnly
        self.x.core.CreateWindow(0, made, self._root, 0, 0, 1, 1, 0, kind, 0, mask, watched)
        return made

    def put(self, window: int, name: int, kind: int, bits: int, data: bytes | list[int]) -> None:
        """Set a property."""
        packed = data if isinstance(data, bytes) else b"".join(value.to_bytes(4, "little") for value in data)
        count = len(data) if isinstance(data, list) else len(data) * 8 // bits
        replace = xcffib.xproto.PropMode.Replace
        request = io.BytesIO(struct.pack("=xB2xIIIB3xI", replace, window, name, kind, bits, count) + packed)
        self.x.core.send_request(CHANGE_PROPERTY, request)

    def take(self, window: int, name: int, *, most: int = MOST, delete: bool = True) -> tuple[int, int, bytes]:
        """Type, bits and bytes of a property, which is deleted; type 0 where there is none."""
        any_type = xcffib.xproto.GetPropertyType.Any
        try:
            request = io.BytesIO(struct.pack("=xB2xIIIII", False, window, name, any_type, 0, most // 4))
            told = self.x.core.send_request(GET_PROPERTY, request, _PropertyCookie, is_checked=True).reply()
        finally:
            self._events_wait()
        if delete:
            self.x.core.DeleteProperty(window, name)
        return told.kind, told.bits, told.data

    def time(self, window: int) -> int:
        """The server's time, by a property of our own that does not change (ICCCM 2.1)."""
        stamp = self.atom("AVL_TIME")
        append, kind = xcffib.xproto.PropMode.Append, xcffib.xproto.Atom.INTEGER
        self.x.core.ChangeProperty(append, window, stamp, kind, 8, 0, b"")
        self.x.core.GetInputFocus().reply()
        self._events_wait()
        while (event := self._polled()) is not None:
            if isinstance(event, xcffib.xproto.PropertyNotifyEvent) and (event.window, event.atom) == (window, stamp):
                return int(event.time)
            self._early.append(event)
        return int(xcffib.xproto.Time.CurrentTime)

    def next_event(self) -> Any:
        """The next event; None when there is none now."""
        return self._early.popleft() if self._early else self._polled()

    def _polled(self) -> Any:
        """Past errors: a client may go away in the middle of a transfer, and what is read but left in the queue makes
        no descriptor readable."""
        while True:
            try:
                return self.x.poll_for_event()
            except xcffib.ConnectionException:
                raise
            except xcffib.XcffibException:
                continue
