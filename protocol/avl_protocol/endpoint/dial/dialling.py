"""Dialling: open one connection to a name that may have several addresses, and keep the first that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from avl_protocol.endpoint.boundconnection import BoundConnection
from avl_protocol.endpoint.udp.network import Address

#: What lives on the connection.
Opened = TypeVar("Opened")
#: What is said back to whoever made it.
Told = TypeVar("Told")

#: Seconds between attempts at two addresses (RFC 8305, section 5).
STAGGER = 0.25


class Unreachable(OSError):
    """There was no answer in time, or none that could be understood; the text tells the two apart."""


class Dialling(Generic[Opened, Told]):
    """One attempt. `start` begins a connection to an address, `abort` forgets one; `on_opened` is given the first that
    is ready."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        candidates: Sequence[Address],
        *,
        start: Callable[[Address, Dialling[Opened, Told]], BoundConnection],
        abort: Callable[[BoundConnection], None],
        on_opened: Callable[[Opened], Told],
    ) -> None:
        self._candidates = list(candidates)
        self._start, self._abort, self._on_opened = start, abort, on_opened
        self._open: dict[BoundConnection, None] = {}
        self._failure: str | None = None
        self._answered = asyncio.Event()
        self._winner: Opened | None = None
        self._loop = loop

    async def run(self, name: str, timeout: float) -> Opened:
        """What the first address that answers opened; raises Unreachable after `timeout` seconds or if all fail."""
        try:
            async with asyncio.timeout(timeout):
                for index, candidate in enumerate(self._candidates):
                    self._open[self._start(candidate, self)] = None
                    last = index == len(self._candidates) - 1
                    await self._wait(None if last else STAGGER)
                    if self._winner is not None:
                        return self._winner
        except TimeoutError:
            raise Unreachable(f"{name} did not answer within {timeout:g} seconds") from None
        finally:
            for hop in list(self._open):
                self._abort(hop)
        raise Unreachable(f"{name} refused the connection: {self._failure}")

    async def _wait(self, seconds: float | None) -> None:
        """Until somebody won, until nobody is left to answer, or for so many seconds."""
        self._answered.clear()
        if self._winner is not None or not self._open:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._answered.wait()
        except TimeoutError:
            return

    def won(self, hop: BoundConnection, opened: Opened) -> Told:
        """A handshake completed: this is the connection, and all others are given up."""
        self._open.pop(hop, None)
        for other in list(self._open):
            self._abort(other)
        self._open.clear()
        told = self._on_opened(opened)
        self._winner = opened
        self._answered.set()
        return told

    def settled(self, hop: BoundConnection, failure: str | None) -> None:
        """A handshake ended, one way or the other."""
        if failure is not None:
            self._open.pop(hop, None)
            self._failure = failure
            if not self._open:
                self._answered.set()
