"""Clipboard of the host's desktop: reports what is copied there, and sets what can be pasted there.

X11 has no clipboard but a protocol between clients: whoever owns the selection CLIPBOARD is asked for it. XFixes tells
when the owner changes, so nothing is polled. The connection's file descriptor is watched by the event loop. What is
marked with the mouse is a second selection, PRIMARY, which can be taken for the same clipboard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar

import xcffib
import xcffib.xfixes
import xcffib.xproto

from avl_host.selection.display import SelectionDisplay
from avl_host.selection.owner import Give, Offer, SelectionOwner, nothing
from avl_host.selection.requestor import Requestor
from avl_protocol.session.fetching import Fetched
from avl_protocol.wire.clipformats import Copy, Format
from avl_protocol.wire.cliptext import Content, content_of
from avl_protocol.wire.registry import MAX_CLIPBOARD_DATA, ClipboardState

Result = TypeVar("Result")

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
#: Seconds for which what is marked has to stay so before it counts: it changes with each move of the mouse.
MARKED = 0.3


class ClipboardUnavailable(Exception):
    """The display has no clipboard we can reach; the text says why."""


class ClipboardPort(Protocol):
    """The host's clipboard. `on_change` is called on the event loop with what another program copied."""

    on_change: Callable[[Copy], None] | None

    def set(self, text: str) -> bool:
        """Offer a text for pasting, or nothing (""); False for what is no text, is too large, or is not taken."""

    def offer(self, copy: Copy, give: Give) -> bool:
        """Offer a copy for pasting, whose formats are had by `give` when a program pastes; False where it is not
        taken."""

    def narrow(self, copy: Copy) -> None:
        """Only this is left of the copy that was offered; nothing happens where another is in the clipboard since."""

    async def look(self) -> Copy:
        """What a paste would find now."""

    async def get(self) -> Content:
        """The text of that, or why it has none."""

    async def fetch(self, stamp: int, format: str, most: int = MAX_CLIPBOARD_DATA) -> Fetched:
        """At most `most` bytes in a format of the copy with this stamp; GONE where that is not the clipboard's."""

    def close(self) -> None:
        """Let go; idempotent."""


class MemoryClipboard:
    """A clipboard without a display. `copy` and `paste` play the other program; `takes` False: nothing can be set."""

    def __init__(self) -> None:
        self.on_change: Callable[[Copy], None] | None = None
        self.takes = True
        self._copy = Copy()
        self._give: Give = nothing

    @property
    def content(self) -> Content:
        """The text that was set or copied last, or why there is none."""
        return self._copy.content

    @content.setter
    def content(self, content: Content) -> None:
        self._hold(Copy(content), nothing)

    def set(self, text: str) -> bool:
        """Keep the text."""
        content = content_of(text)
        if content in (ClipboardState.TOO_LARGE, ClipboardState.NOT_TEXT):
            return False
        return self.offer(Copy(content), nothing)

    def offer(self, copy: Copy, give: Give) -> bool:
        """Keep the copy."""
        if self.takes:
            self._hold(copy, give)
        return self.takes

    def narrow(self, copy: Copy) -> None:
        """Keep what is left."""
        if self._copy.origin == copy.origin:
            self._copy = Copy(copy.content, copy.formats, copy.origin, self._copy.stamp)

    async def look(self) -> Copy:
        """What was set or copied last."""
        return self._copy

    async def get(self) -> Content:
        """Its text."""
        return self._copy.content

    async def fetch(self, stamp: int, format: str, most: int = MAX_CLIPBOARD_DATA) -> Fetched:
        """As a real one does."""
        if stamp != self._copy.stamp:
            return ClipboardState.GONE
        result = await self.paste(format)
        return ClipboardState.TOO_LARGE if isinstance(result, bytes) and len(result) > most else result

    def copy(self, text: str | ClipboardState, formats: Mapping[str, bytes] | None = None, origin: bytes = b"") -> None:
        """Another program copies a text, or something else."""
        data = dict(formats or {})

        async def give(format: str) -> Fetched:
            return data.get(format, ClipboardState.NO_ANSWER)

        content = text if isinstance(text, ClipboardState) else content_of(text)
        self._hold(Copy(content, tuple(Format(name) for name in data), origin), give)
        if self.on_change is not None:
            self.on_change(self._copy)

    async def paste(self, format: str) -> Fetched:
        """Another program pastes."""
        return await self._give(format) if self._copy.has(format) else ClipboardState.NO_ANSWER

    def close(self) -> None:
        """Nothing is held."""

    def _hold(self, copy: Copy, give: Give) -> None:
        self._copy = Copy(copy.content, copy.formats, copy.origin, self._copy.stamp + 1)
        self._give = give


class _Selection:
    """One selection of a display, from both sides."""

    def __init__(self, display: SelectionDisplay, name: str) -> None:
        self.atom = display.atom(name)
        self.marked = name == "PRIMARY"
        self.owner = SelectionOwner(display, name)
        self.requestor = Requestor(display, name)


class X11Clipboard:
    """The selection CLIPBOARD of an X11 display, with `primary` what is marked there, too: whichever changed last
    counts. Create it on the running event loop. Raises ClipboardUnavailable."""

    def __init__(self, display: str, primary: bool = False) -> None:
        self.on_change: Callable[[Copy], None] | None = None
        try:
            x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        except xcffib.ConnectionException as error:
            raise ClipboardUnavailable(f"No X11 display answers at {display}; there is no clipboard.") from error
        self._x = x
        self._loop = asyncio.get_running_loop()
        self._reading: asyncio.Task[None] | None = None
        #: Who waits for an owner's answer, and is to hear that there is another owner.
        self._watching: set[asyncio.Future[None]] = set()
        #: Counts copies.
        self._stamp = 0
        self._closed = False
        try:
            self._begin(("CLIPBOARD", "PRIMARY") if primary else ("CLIPBOARD",))
        except xcffib.XcffibException as error:
            self._x.disconnect()
            raise ClipboardUnavailable(f"The X server at {display} lacks the XFIXES extension.") from error
        self._fd: int = self._x.get_file_descriptor()
        self._loop.add_reader(self._fd, self._take_events)
        self._events_wait()

    def _begin(self, names: tuple[str, ...]) -> None:
        self._display = display = SelectionDisplay(self._x, self._events_wait)
        fixes = self._x(xcffib.xfixes.key)
        fixes.QueryVersion(5, 0).reply()
        display.intern(*ATOMS)
        kinds = xcffib.xfixes.SelectionEventMask
        mask = kinds.SetSelectionOwner | kinds.SelectionWindowDestroy | kinds.SelectionClientClose
        self._selections = {selection.atom: selection for selection in (_Selection(display, name) for name in names)}
        #: The one that changed last.
        self._newest = self._selections[display.atom("CLIPBOARD")]
        for selection in self._selections.values():
            fixes.SelectSelectionInput(selection.owner.window, selection.atom, mask, is_checked=True).check()

    def set(self, text: str) -> bool:
        """Own the clipboard and answer with this text from now on; False as well when the display is gone."""
        content = content_of(text)
        return content not in (ClipboardState.TOO_LARGE, ClipboardState.NOT_TEXT) and self.offer(Copy(content), nothing)

    def offer(self, copy: Copy, give: Give) -> bool:
        """Own the clipboard and answer with this copy from now on; False as well when the display is gone."""
        if self._closed:
            return False
        try:
            offer = Offer(copy, give)
            taken = [selection.owner.own(offer) for selection in self._selections.values()]
            self._x.flush()
        except xcffib.XcffibException:
            self.close()  # The display is gone; capture says so.
            return False
        if taken[0]:
            self._newest = next(iter(self._selections.values()))
            self._replaced()
        return taken[0]

    def narrow(self, copy: Copy) -> None:
        """Answer with less from now on, without owning anything anew."""
        for selection in self._selections.values():
            offer = selection.owner.offer
            if offer is not None and offer.copy.origin == copy.origin:
                selection.owner.offer = Offer(copy, offer.give)

    @property
    def transfers(self) -> int:
        """What is long and ours and other programs are taking piece by piece."""
        return sum(selection.owner.transfers for selection in self._selections.values())

    async def look(self) -> Copy:
        """Ask the owner what it has; another one, when that changes meanwhile."""
        while not self._closed:
            stamp = self._stamp
            offer = self._newest.owner.offer
            try:
                copy = offer.copy if offer is not None else await self._unless_changed(self._newest.requestor.read())
            except xcffib.XcffibException:
                break
            if copy is not None:
                return Copy(copy.content, copy.formats, copy.origin, stamp)
        return Copy(ClipboardState.NO_ANSWER, stamp=self._stamp)

    async def get(self) -> Content:
        """The same, its text."""
        return (await self.look()).content

    async def fetch(self, stamp: int, format: str, most: int = MAX_CLIPBOARD_DATA) -> Fetched:
        """Ask the owner for a format."""
        if self._closed or stamp != self._stamp:
            return ClipboardState.GONE
        offer = self._newest.owner.offer
        if offer is not None:
            return await offer.give(format) if offer.copy.has(format) else ClipboardState.NO_ANSWER
        try:
            result = await self._unless_changed(self._newest.requestor.fetch(format, most))
        except xcffib.XcffibException:
            return ClipboardState.NO_ANSWER
        return ClipboardState.GONE if result is None else result

    async def _unless_changed(self, asked: Coroutine[Any, Any, Result]) -> Result | None:
        """What the owner answers; None where there is another one meanwhile, or no display. Raises
        xcffib.XcffibException."""
        asking = self._loop.create_task(asked)
        changing = self._loop.create_future()
        self._watching.add(changing)
        try:
            await asyncio.wait((asking, changing), return_when=asyncio.FIRST_COMPLETED)
            return None if changing.done() else asking.result()
        finally:
            self._watching.discard(changing)
            asking.cancel()
            await asyncio.wait((asking,))

    def close(self) -> None:
        """Give the clipboard up and disconnect; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._interrupt()
        self._loop.remove_reader(self._fd)
        if self._reading is not None:
            self._reading.cancel()
        for selection in self._selections.values():
            selection.owner.close()
        self._x.disconnect()

    def _replaced(self) -> None:
        """The clipboard holds another copy from now on."""
        self._stamp += 1
        self._interrupt()
        if self._reading is not None:
            self._reading.cancel()

    def _interrupt(self) -> None:
        """Nobody waits for the owner of before any more."""
        for changing in self._watching:
            if not changing.done():
                changing.set_result(None)

    async def _tell(self, marked: bool) -> None:
        if marked:
            await asyncio.sleep(MARKED)  # the next mark cancels this one
        copy = await self.look()
        if self.on_change is not None and self._newest.owner.offer is None and not self._closed:
            self.on_change(copy)

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
            if (selection := self._selections.get(event.selection)) is not None:
                self._owner_changed(selection, event.owner, event.selection_timestamp)
        elif isinstance(event, xcffib.xproto.SelectionRequestEvent):
            if (selection := self._selections.get(event.selection)) is not None:
                selection.owner.serve(event)
        elif isinstance(event, xcffib.xproto.SelectionClearEvent):
            if (selection := self._selections.get(event.selection)) is not None:
                selection.owner.lost(event.time)
        else:
            for selection in self._selections.values():
                self._follow(selection, event)

    def _follow(self, selection: _Selection, event: Any) -> None:
        """What its requestor waits for, or who takes something long of its owner's."""
        if isinstance(event, xcffib.xproto.SelectionNotifyEvent):
            selection.requestor.answered(event)
        elif isinstance(event, xcffib.xproto.PropertyNotifyEvent):
            if event.state == xcffib.xproto.Property.NewValue:
                selection.requestor.written(event.window, event.atom)
            else:
                selection.owner.taken(event.window, event.atom)

    def _owner_changed(self, selection: _Selection, owner: int, since: int) -> None:
        if owner == selection.owner.window or not selection.owner.lost(since):
            return
        if not owner and selection.marked:  # nothing is marked any more, which is no copy
            if selection is self._newest:
                self._newest = next(iter(self._selections.values()))
                self._replaced()
            return
        self._newest = selection
        self._replaced()
        if owner:
            self._reading = self._loop.create_task(self._tell(selection.marked))


def open_clipboard(source: str, primary: bool = False) -> ClipboardPort:
    """The clipboard that goes with a source: that of an X11 display, or one in memory. Raises ClipboardUnavailable."""
    display = source.removeprefix("mss:")
    if ":" not in display or source.startswith("pattern"):
        return MemoryClipboard()
    return X11Clipboard(display, primary)
