"""Keys of people: public halves, and wrapped copies that only their person opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.tables import key_copies, person_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCopy:
    """A wrapped copy. `kind`: passkey or recovery; `data` means something to the person's devices alone."""

    id: str
    kind: str
    name: str
    data: dict[str, Any]
    created: int


class PersonKeys:
    """Within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, person: str) -> tuple[str, dict[str, Any]] | None:
        """Thumbprint and JWK of a person's key."""
        row = (await self._connection.execute(select(person_keys).where(person_keys.c.person == person))).first()
        return None if row is None else (row.thumbprint, row.jwk)

    async def set(self, person: str, thumbprint: str, jwk: dict[str, Any], now: int) -> None:
        """The key of a person from now on, in place of another. Raises Conflict where it is somebody else's."""
        await self.drop(person)
        await self._connection.execute(
            insert(person_keys).values(person=person, thumbprint=thumbprint, jwk=jwk, created=now)
        )

    async def drop(self, person: str) -> bool:
        """None any more; False where there was none."""
        done = await self._connection.execute(delete(person_keys).where(person_keys.c.person == person))
        return done.rowcount > 0

    async def copies(self, person: str) -> list[KeyCopy]:
        """The wrapped copies of a person's key."""
        asked = select(key_copies).where(key_copies.c.person == person).order_by(key_copies.c.created)
        return [
            KeyCopy(id=row.id, kind=row.kind, name=row.name, data=row.data, created=row.created)
            for row in await self._connection.execute(asked)
        ]

    async def add_copy(self, person: str, copy: KeyCopy) -> None:
        """Keep one more."""
        await self._connection.execute(
            insert(key_copies).values(
                id=copy.id, person=person, kind=copy.kind, name=copy.name, data=copy.data, created=copy.created
            )
        )

    async def drop_copy(self, person: str, id: str) -> bool:
        """Remove one; False where there is none."""
        mine = (key_copies.c.person == person) & (key_copies.c.id == id)
        return (await self._connection.execute(delete(key_copies).where(mine))).rowcount == 1

    async def drop_copies(self, person: str) -> None:
        """Remove all: they are of a key that is no more."""
        await self._connection.execute(delete(key_copies).where(key_copies.c.person == person))
