"""Events of the API: told as they happen to whom they concern, also after a pause; and no answer without end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update
from starlette.requests import Request

from avl_protocol.wire.device_id import from_text
from avl_relay.api.events import KEPT, WAITING, Events
from avl_relay.api.identity import Role
from avl_relay.api.operations import Call
from avl_relay.live import Happening, Live
from avl_relay.store.engine import Store
from avl_relay.store.tables import devices
from tests.relay.apis import BEGUN, Hands, who
from tests.relay.owners import number, person, settle_in


class Room:
    """Events over a store, and who listens."""

    def __init__(self, store: Store, lasts: float = 50.0) -> None:
        self.store, self.clock = store, Hands()
        self.live = Live(wall=self.clock.wall)
        self.events = Events(
            self.live, store=self._opened, monotonic=self.clock.monotonic, entropy=lambda size: bytes(size), lasts=lasts
        )

    async def _opened(self) -> Store:
        return self.store

    async def listen(self, name: str, role: Role = Role.MEMBER, last: str = "") -> Listener:
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
        if last:
            scope["headers"] = [(b"last-event-id", last.encode())]
        call = Call(request=Request(scope), who=who(person(name), role), path={}, query={}, body=None, now=BEGUN)
        answer = await self.events.listen(call)
        listener = Listener(answer.body_iterator)  # type: ignore[union-attr]
        await listener.next()
        return listener


class Listener:
    """One answer, read piece by piece."""

    def __init__(self, pieces: Any) -> None:
        self._pieces = pieces.__aiter__()
        self.last = ""

    async def next(self) -> dict[str, str]:
        """The fields of the next piece."""
        async with asyncio.timeout(5):
            piece = await self._pieces.__anext__()
        fields = dict(line.split(": ", 1) for line in piece.decode().splitlines() if not line.startswith(":") and line)
        self.last = fields.get("id", self.last)
        return fields

    async def device(self) -> str:
        """The device that the next event is about."""
        return str(json.loads((await self.next())["data"])["device"])

    async def close(self) -> None:
        await self._pieces.aclose()


@pytest.fixture
async def room(store: Store) -> AsyncIterator[Room]:
    await settle_in(store, ("desk", "ada"), ("lab", "ben"))
    yield Room(store)


DESK, LAB = number("desk"), number("lab")


async def test_everybody_hears_of_their_own_devices(room: Room) -> None:
    ada, adm = await room.listen("ada"), await room.listen("adm", Role.ADMIN)
    for name in (LAB, DESK):
        room.live.host_came(from_text(name), 0.0)
    assert await ada.device() == DESK
    assert [await adm.device(), await adm.device()] == [LAB, DESK]
    await ada.close()
    await adm.close()
    assert room.events.listeners == 0


async def test_a_right_that_is_given_or_taken_changes_what_is_heard(room: Room) -> None:
    ada = await room.listen("ada")
    room.live.host_came(from_text(DESK), 0.0)
    assert await ada.device() == DESK
    async with room.store.writing() as db:
        await db.execute(update(devices).where(devices.c.number == DESK).values(owner=person("ben")))
    room.live.announce(Happening(kind="rights", device="", about={"person": person("ada")}))
    assert (await ada.next())["event"] == "rights"
    room.live.host_left(from_text(DESK), 0.0)
    room.live.announce(Happening(kind="rights", device="", about={"person": person("ben")}))
    room.live.announce(Happening(kind="rights", device="", about={"person": person("ada"), "last": True}))
    assert "last" in (await ada.next())["data"]
    await ada.close()


async def test_who_comes_back_hears_what_was_missed(room: Room) -> None:
    ada = await room.listen("ada")
    room.live.host_came(from_text(DESK), 0.0)
    assert await ada.device() == DESK
    last = ada.last
    await ada.close()
    room.live.host_left(from_text(DESK), 0.0)
    room.live.host_came(from_text(LAB), 0.0)
    again = await room.listen("ada", last=last)
    assert '"online":false' in (await again.next())["data"]
    await again.close()
    elsewhere = await room.listen("ada", last="ffffffff-3")  # of another process
    assert (await elsewhere.next())["event"] == "resync"
    await elsewhere.close()
    for _ in range(KEPT + 1):
        room.live.announce(Happening(kind="rights", device="", about={}))
    late = await room.listen("ada", last=last)
    assert (await late.next())["event"] == "resync"
    await late.close()


async def test_an_answer_ends_in_time_and_a_slow_listener_is_let_go(room: Room, store: Store) -> None:
    short = Room(store, lasts=0.0)
    ended = await short.listen("ada")
    with pytest.raises(StopAsyncIteration):
        await ended.next()
    slow = await room.listen("adm", Role.ADMIN)
    waiting = asyncio.ensure_future(slow.next())
    await asyncio.sleep(0)
    for _ in range(WAITING + 2):
        room.live.announce(Happening(kind="rights", device="", about={}))
    await waiting
    with pytest.raises(StopAsyncIteration):
        for _ in range(WAITING + 2):
            await slow.next()
    assert room.events.listeners == 0


async def test_a_relay_that_ends_ends_its_answers(room: Room) -> None:
    ada = await room.listen("ada")
    room.live.host_came(from_text(DESK), 0.0)
    room.events.end()
    assert await ada.device() == DESK, "what has happened is told"
    with pytest.raises(StopAsyncIteration):
        await ada.next()
    assert room.events.listeners == 0
