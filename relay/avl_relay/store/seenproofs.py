"""Proofs that were seen (people/holderkeys.py), for as long as they would hold: whichever of a relay's processes sees
one, it counts nowhere a second time, nor after a restart.

They lie among what is taken once (challenges.py): who is first to write one down has it.
"""

from __future__ import annotations

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.tables import challenges

KIND = "proof"


class SeenProofs:
    """Within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, hash: str, expires: int) -> None:
        """Remember one until `expires` (Unix seconds). Raises Conflict, through the transaction, where it was seen."""
        await self._connection.execute(insert(challenges).values(hash=hash, kind=KIND, data={}, expires=expires))

    async def forget(self, now: int) -> None:
        """Drop those that hold no more."""
        over = (challenges.c.kind == KIND) & (challenges.c.expires <= now)
        await self._connection.execute(delete(challenges).where(over))
