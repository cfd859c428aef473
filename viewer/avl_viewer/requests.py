"""Requests: what was asked of the host and has not been answered yet."""

from __future__ import annotations

import asyncio
from typing import Any

from avl_protocol.session.inputledger import Dropped, Fate
from avl_protocol.wire.cliptext import Content
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import T_INPUT_UNCONFIRMED, ClipboardState, CloseCode

#: What is said of an action of which a part came to nothing.
_REASONS = {
    Fate.UNSENT: (CloseCode.SESSION_LOST, "The input waited too long for the host and was not sent."),
    Fate.DISCARDED: (CloseCode.SESSION_LOST, "The input came too late, and the host left it out."),
    Fate.UNCONFIRMED: (
        CloseCode.TIMEOUT,
        f"The host has not confirmed the input for {T_INPUT_UNCONFIRMED:.0f} s: it may not have arrived.",
    ),
}


class Requests:
    """Futures by what will answer them; all fail when the session does."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._serial = 0
        self._set: dict[int, asyncio.Future[ClipboardState]] = {}
        self._text: list[asyncio.Future[Content]] = []
        self._echoes: list[tuple[range, asyncio.Future[None]]] = []

    def clipboard_set(self) -> tuple[int, asyncio.Future[ClipboardState]]:
        """Serial number to set the clipboard under, and what becomes of it: TEXT, or why it was not taken."""
        self._serial += 1
        future: asyncio.Future[ClipboardState] = self._loop.create_future()
        self._set[self._serial] = future
        return self._serial, future

    def clipboard_text(self) -> asyncio.Future[Content]:
        """What the host tells of its clipboard next."""
        future: asyncio.Future[Content] = self._loop.create_future()
        self._text.append(future)
        return future

    def input_applied(self, batches: range) -> asyncio.Future[None]:
        """Done when the host has applied these batches; fails when it has not applied a part of them."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._echoes.append((batches, future))
        return future

    def was_set(self, serial: int, taken: bool, state: int) -> None:
        """The host answered a set; a reason that this version does not know is none that helps."""
        future = self._set.pop(serial, None)
        if future is not None and not future.done():
            known = state in ClipboardState._value2member_map_ and state != ClipboardState.TEXT
            why = ClipboardState(state) if known else ClipboardState.NO_ANSWER
            future.set_result(ClipboardState.TEXT if taken else why)

    def was_told(self, content: Content) -> None:
        """The host told its clipboard."""
        for future in self._text:
            if not future.done():
                future.set_result(content)
        self._text.clear()

    @property
    def asks_clipboard(self) -> bool:
        """Whether somebody waits for the host's clipboard."""
        return bool(self._text)

    def was_applied(self, sequence: int) -> None:
        """The host applied input up to `sequence`."""
        for batches, future in self._echoes:
            if batches[-1] <= sequence and not future.done():
                future.set_result(None)
        self._echoes = [entry for entry in self._echoes if not entry[1].done()]

    def was_dropped(self, dropped: list[Dropped]) -> None:
        """Input came to nothing, or nothing is said of it."""
        fates = {one.sequence: one.fate for one in dropped}
        for batches, future in self._echoes:
            fate = next((fates[number] for number in batches if number in fates), None)
            if fate is not None and not future.done():
                future.set_exception(Refused(*_REASONS[fate]))
                future.exception()  # somebody may not wait for it
        self._echoes = [entry for entry in self._echoes if not entry[1].done()]

    def fail(self, reason: Refused) -> None:
        """Nothing will be answered any more."""
        waiting: list[asyncio.Future[Any]] = [*self._set.values(), *self._text, *(f for _, f in self._echoes)]
        self._set.clear()
        self._text.clear()
        self._echoes.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(reason)
                future.exception()  # somebody may no longer be waiting, which is no error
