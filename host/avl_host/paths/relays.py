"""Relays: the best few of those that this host was given, each with a standing registration (spec 08-paths, 8.10)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from avl_host.paths.registration import Registration
from avl_protocol.wire.target import RelayAddress

#: Relays at which a host is registered at a time, so that one may fail.
KEPT = 2
#: Seconds for which more relays than that are compared.
COMPARED = 3.0


class Relays:
    """Registrations, the quickest first. `keep` runs the standing work of one, and again after an error."""

    def __init__(
        self,
        relays: Sequence[RelayAddress],
        register: Callable[[RelayAddress], Registration],
        keep: Callable[[Callable[[], Awaitable[None]]], Coroutine[Any, Any, None]],
    ) -> None:
        self._keep = keep
        self._tasks: dict[Registration, asyncio.Task[None]] = {}
        #: Those that are kept up.
        self.registrations = [register(relay) for relay in relays]
        self._spare: list[Registration] = []

    async def run(self) -> None:
        """Keep the registrations up until cancelled. With more than KEPT relays, those furthest away are left out until
        one of the others fails."""
        loop = asyncio.get_running_loop()
        try:
            for registration in self.registrations:
                self._tasks[registration] = loop.create_task(self._keep(registration.keep))
            if len(self.registrations) > KEPT:
                await asyncio.sleep(COMPARED)
                self._thin()
            while True:
                waiting = list(self._tasks.values())
                if not waiting:
                    await asyncio.Event().wait()
                done, _ = await asyncio.wait(waiting, timeout=COMPARED, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                self._replace()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _thin(self) -> None:
        """Leave the registrations with the longest round trips."""
        ranked = sorted(self.registrations, key=lambda r: r.rtt if r.rtt is not None else float("inf"))
        for registration in ranked[KEPT:]:
            self._tasks.pop(registration).cancel()
            registration.leave()
        self.registrations, self._spare = ranked[:KEPT], ranked[KEPT:]

    def _replace(self) -> None:
        """Take a spare relay for each that does not answer."""
        for gone in [r for r in self.registrations if r.name is None][: len(self._spare)]:
            self._tasks.pop(gone).cancel()
            gone.leave()
            spare = self._spare.pop(0)
            self.registrations[self.registrations.index(gone)] = spare
            self._spare.append(gone)
            self._tasks[spare] = asyncio.get_running_loop().create_task(self._keep(spare.keep))

    def again(self) -> None:
        """Something has changed that makes another attempt worth while."""
        for registration in self.registrations:
            registration.again()

    def names(self) -> list[RelayAddress]:
        """Where we are registered now, the quickest first."""
        up = [r for r in self.registrations if r.name is not None]
        ranked = sorted(up, key=lambda r: r.rtt if r.rtt is not None else float("inf"))
        return [r.name for r in ranked if r.name is not None]

    def page(self) -> str:
        """The page of the first relay that serves one."""
        return next((r.page for r in self.registrations if r.name is not None and r.page), "")
