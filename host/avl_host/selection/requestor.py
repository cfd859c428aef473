"""Requestor: asks the owner of a selection for what it has (ICCCM 2.4 and 2.7.2).

First what that is (TARGETS), then its text, the best of that; other formats when somebody fetches them. Each conversion
has a window of its own, so that several run at once and an answer that comes late meets nobody. Windows stay: many
programs end when they write to one that is gone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from avl_host.selection import targets
from avl_host.selection.display import MOST, SelectionDisplay
from avl_protocol.session.fetching import Fetched
from avl_protocol.wire.clipformats import (
    FILES,
    HTML,
    ORIGIN,
    ORIGIN_BYTES,
    PLAIN,
    Copy,
    Format,
    as_utf8,
    formats_of,
    name_of,
)
from avl_protocol.wire.cliptext import Content, content_of, lines_of
from avl_protocol.wire.registry import ClipboardState

#: Seconds that an owner may take for each step, and for all the pieces of something long.
PATIENCE, WHOLE = 10.0, 60.0
#: Windows of conversions that were given up which are kept.
GIVEN_UP = 64
#: Most targets of an owner that are looked at: each costs a round trip.
MOST_TARGETS = 256


class _TooLarge(Exception):
    """More than may be."""


@dataclass(slots=True)
class _Conversion:
    """One target that was asked for: whether it is to be had, and that another piece of it has come."""

    target: int
    answer: asyncio.Future[bool]
    piece: asyncio.Event


class Requestor:
    """Reads one selection of a display."""

    def __init__(self, display: SelectionDisplay, selection: str) -> None:
        self._display = display
        self._selection = display.atom(selection)
        self._loop = asyncio.get_running_loop()
        self._running: dict[int, _Conversion] = {}
        self._idle: list[int] = []
        #: Windows of conversions that were given up: their owners may still write there.
        self._given_up: deque[int] = deque()

    async def read(self) -> Copy:
        """What the selection holds now. Raises xcffib.ConnectionException."""
        if not self._owned():
            return Copy()
        try:
            names = await self._targets()
        except (TimeoutError, _TooLarge):
            return Copy(ClipboardState.NO_ANSWER)
        content: Content
        try:
            text = await self._text(names, MOST)
            content = ClipboardState.NOT_TEXT if text is None else content_of(text)
        except TimeoutError:
            content = ClipboardState.NO_ANSWER
        except _TooLarge:
            content = ClipboardState.TOO_LARGE
        formats = tuple(each for each in formats_of(names) if each.name != PLAIN)
        if any(each.name == FILES for each in formats):
            content = ClipboardState.NOT_TEXT  # the text of it is the list of files (R-SESS-302)
        if content is ClipboardState.TOO_LARGE:
            formats = (Format(PLAIN), *formats)
        return Copy(content, formats, await self._origin(names) if ORIGIN in names else b"")

    async def fetch(self, format: str, most: int) -> Fetched:
        """The bytes of the selection in a format, or why they are not to be had. Raises xcffib.ConnectionException."""
        if not self._owned():
            return ClipboardState.GONE
        try:
            names = await self._targets()
            if format == PLAIN:
                text = await self._text(names, most + 1)
                data = b"" if text is None else lines_of(text).encode("utf-8", "replace")
                return data if len(data) <= most else ClipboardState.TOO_LARGE
            target = name_of(names, format)
            found = await self._convert(target, most + 1) if target else None
        except TimeoutError:
            return ClipboardState.NO_ANSWER
        except _TooLarge:
            return ClipboardState.TOO_LARGE
        if found is None or (found[1] != 8 and found[2]):
            return ClipboardState.NO_ANSWER
        return as_utf8(found[2]) if format == HTML else found[2]

    def _owned(self) -> bool:
        return bool(self._display.x.core.GetSelectionOwner(self._selection).reply().owner)

    async def _targets(self) -> list[str]:
        found = await self._convert("TARGETS")
        atoms = _atoms(found) if found is not None else []
        return [self._display.name(atom) for atom in atoms[:MOST_TARGETS]]

    async def _text(self, names: list[str], most: int) -> str | None:
        """The text of an owner that has these targets; None where it has none."""
        for name in targets.wanted(names) if names else targets.OLD:
            if (property_ := await self._convert(name, most)) is not None:
                kind, bits, data = property_
                if bits != 8 and data:
                    continue
                try:
                    return targets.decode(self._display.name(kind), data)
                except UnicodeError:
                    continue
        return None

    async def _origin(self, names: list[str]) -> bytes:
        try:
            found = await self._convert(ORIGIN)
        except (TimeoutError, _TooLarge):
            return b""
        return found[2] if found is not None and len(found[2]) == ORIGIN_BYTES else b""

    async def _convert(self, target: str, most: int = MOST) -> tuple[int, int, bytes] | None:
        """Type, bits and bytes of a target; None when the owner refuses. Raises TimeoutError, and _TooLarge for `most`
        bytes and more."""
        display = self._display
        window = self._idle.pop() if self._idle else display.window()
        place = display.atom("AVL_SELECTION")
        run = _Conversion(display.atom(target), self._loop.create_future(), asyncio.Event())
        self._running[window] = run
        given_up = True
        try:
            display.x.core.ConvertSelection(window, self._selection, run.target, place, display.time(window))
            display.x.flush()
            async with asyncio.timeout(PATIENCE):
                if not await run.answer:
                    given_up = False
                    return None
            run.piece.clear()  # deleting the INCR property asks for the first piece
            kind, bits, data = display.take(window, place, most=most + 4)
            display.x.flush()
            if kind != display.atom("INCR"):
                if len(data) >= most:
                    raise _TooLarge
                given_up = False
                return kind, bits, data
            async with asyncio.timeout(WHOLE):
                whole = await self._pieces(window, place, run, int.from_bytes(data[:4], "little"), most)
            given_up = False
            return whole
        finally:
            del self._running[window]
            (self._given_up if given_up else self._idle).append(window)
            if len(self._given_up) > GIVEN_UP:
                display.x.core.DestroyWindow(self._given_up.popleft())

    async def _pieces(self, window: int, place: int, run: _Conversion, least: int, most: int) -> tuple[int, int, bytes]:
        whole, first = bytearray(), (0, 8)
        if least >= most:
            raise _TooLarge
        while True:
            async with asyncio.timeout(PATIENCE):
                await run.piece.wait()
            run.piece.clear()
            kind, bits, data = self._display.take(window, place, most=most + 4)
            self._display.x.flush()
            if not kind:
                continue  # the notice of a piece that has been taken
            if not data:
                return *first, bytes(whole)
            first = first if whole else (kind, bits)
            whole += data
            if len(whole) >= most:
                raise _TooLarge

    # events

    def answered(self, event: Any) -> None:
        """A SelectionNotify."""
        run = self._running.get(event.requestor)
        if run is not None and event.target == run.target and not run.answer.done():
            run.answer.set_result(bool(event.property))

    def written(self, window: int, name: int) -> None:
        """A property of ours has a new value."""
        run = self._running.get(window)
        if run is not None and name == self._display.atom("AVL_SELECTION"):
            run.piece.set()


def _atoms(property_: tuple[int, int, bytes]) -> list[int]:
    _, bits, data = property_
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data) - 3, 4)] if bits == 32 else []
