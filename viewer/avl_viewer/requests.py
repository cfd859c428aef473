"""Requests: what was asked of the host and has not been answered yet."""

from __future__ import annotations

import asyncio
from typing import Any

from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode


class Requests:
    """Futures by what will answer them; all fail when the session does."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._serial = 0
        self._set: dict[int, asyncio.Future[bool]] = {}
        self._text: list[asyncio.Future[str]] = []
        self._echoes: list[tuple[int, asyncio.Future[None]]] = []

    def clipboard_set(self) -> tuple[int, asyncio.Future[bool]]:
        """Serial number to set the clipboard under, and whether it was taken."""
        self._serial += 1
        future: asyncio.Future[bool] = self._loop.create_future()
        self._set[self._serial] = future
        return self._serial, future

    def clipboard_text(self) -> asyncio.Future[str]:
        """The next text that the host tells."""
        future: asyncio.Future[str] = self._loop.create_future()
        self._text.append(future)
        return future

    def input_applied(self, sequence: int) -> asyncio.Future[None]:
        """Done when the host has applied input up to `sequence`."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._echoes.append((sequence, future))
        return future

    def was_set(self, serial: int, taken: bool) -> None:
        """The host answered a set."""
        future = self._set.pop(serial, None)
        if future is not None and not future.done():
            future.set_result(taken)

    def was_told(self, text: str) -> None:
        """The host told its clipboard."""
        for future in self._text:
            if not future.done():
                future.set_result(text)
        self._text.clear()

    def was_applied(self, sequence: int) -> None:
        """The host applied input up to `sequence`."""
        for wanted, future in self._echoes:
            if wanted <= sequence and not future.done():
                future.set_result(None)
        self._echoes = [entry for entry in self._echoes if not entry[1].done()]

    def was_discarded(self, sequences: list[int]) -> None:
        """Input was not sent, because it had waited for too long."""
        late = Refused(CloseCode.SESSION_LOST, "The input waited too long for the host and was not sent.")
        for wanted, future in self._echoes:
            if wanted in sequences and not future.done():
                future.set_exception(late)
                future.exception()
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
