"""Requestor: asks the owner of a selection for its text (ICCCM 2.4 and 2.7.2).

First what it has (TARGETS), then the best of that. Each conversion has a window of its own, so that several run at
once and an answer that comes late meets nobody. Windows stay: many programs end when they write to one that is gone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from avl_host.selection import targets
from avl_host.selection.display import MOST, SelectionDisplay
from avl_protocol.wire.cliptext import Content, content_of
from avl_protocol.wire.registry import ClipboardState

#: Seconds that an owner may take for each step.
PATIENCE = 10.0
#: Windows of conversions that were given up which are kept.
GIVEN_UP = 64


class _TooLarge(Exception):
    """More than any text may be."""


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

    async def read(self) -> Content:
        """What the selection holds now. Raises xcffib.ConnectionException."""
        if not self._display.x.core.GetSelectionOwner(self._selection).reply().owner:
            return ClipboardState.EMPTY
        try:
            found = await self._convert("TARGETS")
            atoms = _atoms(found) if found is not None else []
            names = targets.wanted([self._display.name(atom) for atom in atoms]) if atoms else list(targets.OLD)
            for name in names:
                if (property_ := await self._convert(name)) is not None:
                    kind, bits, data = property_
                    if bits != 8 and data:
                        continue
                    try:
                        return content_of(targets.decode(self._display.name(kind), data))
                    except UnicodeError:
                        continue
        except TimeoutError:
            return ClipboardState.NO_ANSWER
        except _TooLarge:
            return ClipboardState.TOO_LARGE
        return ClipboardState.NOT_TEXT

    async def _convert(self, target: str) -> tuple[int, int, bytes] | None:
        """Type, bits and bytes of a target; None when the owner refuses. Raises TimeoutError and _TooLarge."""
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
            kind, bits, data = display.take(window, place)
            display.x.flush()
            if kind != display.atom("INCR"):
                if len(data) >= MOST:
                    raise _TooLarge
                given_up = False
                return kind, bits, data
            whole = await self._pieces(window, place, run, int.from_bytes(data[:4], "little"))
            given_up = False
            return whole
        finally:
            del self._running[window]
            (self._given_up if given_up else self._idle).append(window)
            if len(self._given_up) > GIVEN_UP:
                display.x.core.DestroyWindow(self._given_up.popleft())

    async def _pieces(self, window: int, place: int, run: _Conversion, least: int) -> tuple[int, int, bytes]:
        whole, first = bytearray(), (0, 8)
        if least >= MOST:
            raise _TooLarge
        while True:
            async with asyncio.timeout(PATIENCE):
                await run.piece.wait()
            run.piece.clear()
            kind, bits, data = self._display.take(window, place)
            self._display.x.flush()
            if not kind:
                continue  # the notice of a piece that has been taken
            if not data:
                return *first, bytes(whole)
            first = first if whole else (kind, bits)
            whole += data
            if len(whole) >= MOST:
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
