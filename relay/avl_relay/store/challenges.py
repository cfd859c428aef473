"""What is asked once and taken once: challenges of passkeys, sign-ins sent to a provider, the setup code, invitations.

Of two that take the same one at once, one gets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.tables import challenges


@dataclass(frozen=True, slots=True)
class Challenge:
    """One that was kept. `person` is empty where it is nobody's yet."""

    person: str
    data: dict[str, Any]


class Challenges:
    """Those that wait, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def put(self, hash: str, kind: str, *, person: str, data: dict[str, Any], expires: int) -> None:
        """Keep one until `expires` (Unix seconds)."""
        await self._connection.execute(
            insert(challenges).values(hash=hash, kind=kind, person=person or None, data=data, expires=expires)
        )

    async def take(self, hash: str, kind: str, now: float) -> Challenge | None:
        """The one with this digest, which is gone from now on; None when it was taken, has expired or never was."""
        mine = (challenges.c.hash == hash) & (challenges.c.kind == kind)
        taken = delete(challenges).where(mine).returning(challenges.c.person, challenges.c.data, challenges.c.expires)
        row = (await self._connection.execute(taken)).first()
        return None if row is None or row.expires <= now else Challenge(row.person or "", row.data)

    async def waits(self, hash: str, kind: str, now: float) -> bool:
        """Whether this one could be taken."""
        mine = (challenges.c.hash == hash) & (challenges.c.kind == kind) & (challenges.c.expires > now)
        return (await self._connection.execute(select(challenges.c.hash).where(mine))).first() is not None

    async def drop(self, kind: str, person: str = "") -> None:
        """Those of this kind, of this person or of nobody."""
        whose = challenges.c.person == person if person else challenges.c.person.is_(None)
        await self._connection.execute(delete(challenges).where((challenges.c.kind == kind) & whose))

    async def forget(self, now: int) -> None:
        """Drop those that have expired."""
        await self._connection.execute(delete(challenges).where(challenges.c.expires <= now))
