"""The API for tests: over a store, without a network, asked by people whom a test names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import httpx

from avl_relay.api.frame import BASE, Frame
from avl_relay.api.identity import Identities, Identity, Named, Role
from avl_relay.api.operations import Resource
from avl_relay.store.engine import Store
from avl_relay.store.errors import StoreError

#: What the clock says first, unix seconds.
BEGUN = 1_800_000_000


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = float(BEGUN)

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


def who(person: str, role: Role = Role.MEMBER, *, mfa_at: int | None = BEGUN) -> Identity:
    """Somebody, with a second factor of just now."""
    return Identity(person=person, role=role, mfa_at=mfa_at, session=person + "-session")


class Desk:
    """The API, and who asks it: `await desk.ask("ada", "GET", "/devices")`."""

    def __init__(
        self,
        resources: Sequence[Resource],
        store: Store | StoreError,
        people: Mapping[str, Identity],
        clock: Hands,
        off: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.store, self.clock = store, clock
        self.reports: list[BaseException] = []
        identities: Identities = Named(people)
        self.frame = Frame(
            resources, store=self._opened, identities=identities, clock=clock, report=self.reports.append, off=off
        )
        transport = httpx.ASGITransport(app=self.frame)
        self.client = httpx.AsyncClient(transport=transport, base_url="https://relay.test" + BASE)

    async def _opened(self) -> Store:
        if isinstance(self.store, StoreError):
            raise self.store
        return self.store

    async def ask(self, name: str | None, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """The answer to somebody."""
        given = {key.replace("_", "-"): value for key, value in headers.items()}
        if name is not None:
            given["authorization"] = f"Bearer {name}"
        if body is None:
            return await self.client.request(method, path, headers=given)
        return await self.client.request(method, path, headers=given, json=body)

    async def close(self) -> None:
        await self.client.aclose()
