"""Invitations: who has the secret sets somebody's password, once."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.tables import invitations


class Invitations:
    """Those that wait, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def whose(self, hash: str, now: int) -> str | None:
        """Who is invited by this secret."""
        mine = (invitations.c.hash == hash) & (invitations.c.expires > now)
        found: str | None = (await self._connection.execute(select(invitations.c.person).where(mine))).scalar()
        return found

    async def take(self, hash: str, now: int) -> bool:
        """Use one up; False where there is none."""
        mine = (invitations.c.hash == hash) & (invitations.c.expires > now)
        return (await self._connection.execute(delete(invitations).where(mine))).rowcount == 1
