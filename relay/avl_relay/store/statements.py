"""What owners have signed for their hosts: the newest of each kind, audience and signer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.tables import grants, statements

POLICY, REVOCATION, ENROLMENT = "policy", "revocation", "enrolment"
#: A revocation list is for all devices of its signer.
EVERYWHERE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One statement. `aud`: as it says, EVERYWHERE for a revocation list; `iss`: thumbprint of who signed it."""

    id: str
    kind: str
    aud: str
    iss: str
    seq: int
    token: str
    created: int


class Statements:
    """Within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def some(self, condition: ColumnElement[bool] | None, limit: int) -> list[Kept]:
        """Statements in the order of their ids."""
        chosen = select(statements).order_by(statements.c.id).limit(limit)
        if condition is not None:
            chosen = chosen.where(condition)
        return [Kept(**row) for row in (await self._connection.execute(chosen)).mappings()]

    async def newest(self, kind: str, aud: str, iss: str) -> Kept | None:
        """The one that counts."""
        found = await self.some(_same(kind, aud, iss), 1)
        return found[0] if found else None

    async def keep(self, statement: Kept) -> bool:
        """Keep it in place of an older one; False where one is kept that is as new or newer."""
        same = _same(statement.kind, statement.aud, statement.iss)
        before = await self._connection.scalar(select(statements.c.seq).where(same).with_for_update())
        if before is not None and before >= statement.seq:
            return False
        await self._connection.execute(delete(statements).where(same))
        await self._connection.execute(
            insert(statements).values(
                id=statement.id,
                kind=statement.kind,
                aud=statement.aud,
                iss=statement.iss,
                seq=statement.seq,
                token=statement.token,
                created=statement.created,
            )
        )
        return True

    async def signed_about(self, iss: str, aud: str) -> list[str]:
        """What a key has signed about one device: its enrolment, and the newest policy."""
        about = and_(statements.c.kind.in_((ENROLMENT, POLICY)), statements.c.aud == aud, statements.c.iss == iss)
        return [one.token for one in await self.some(about, 2)]

    async def about(self, iss: str, audiences: Sequence[str]) -> list[Kept]:
        """What a host that has pinned `iss` and is called so is to be told: policies, the revocation list, and the
        lists of those who have handed on what `iss` permitted."""
        mine = or_(
            statements.c.kind == REVOCATION,
            and_(statements.c.kind == POLICY, statements.c.aud.in_(audiences)),
        )
        delegates = select(grants.c.iss).where(
            grants.c.owner == iss, grants.c.parent != "", grants.c.revoked.is_not(None)
        )
        theirs = and_(statements.c.kind == REVOCATION, statements.c.iss.in_(delegates))
        return await self.some(or_(and_(statements.c.iss == iss, mine), theirs), 256)


def _same(kind: str, aud: str, iss: str) -> ColumnElement[bool]:
    return and_(statements.c.kind == kind, statements.c.aud == aud, statements.c.iss == iss)
