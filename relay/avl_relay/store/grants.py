"""Grants and share links as the relay keeps them for those who hold them. What they give, hosts decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.tables import grants, person_keys, shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One grant. `owner`: thumbprint of who signed the first one of its chain; `parent`: digest of the token that it
    stands on, "" for none. Times are unix seconds."""

    jti: str
    digest: str
    parent: str
    owner: str
    iss: str
    holder: str
    person: str | None
    aud: str
    permissions: int
    role: str
    name: str
    token: str
    expires: int
    revoked: int | None
    created: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share link. `chain`: the tokens for who has its secret."""

    id: str
    device: str
    person: str
    owner: str
    name: str
    chain: list[str]
    jti: str
    expires: int
    created: int


class Grants:
    """Within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def some(self, condition: ColumnElement[bool] | None, limit: int) -> list[Grant]:
        """Grants in the order of their names."""
        chosen = select(grants).order_by(grants.c.jti).limit(limit)
        if condition is not None:
            chosen = chosen.where(condition)
        return [Grant(**row) for row in (await self._connection.execute(chosen)).mappings()]

    async def one(self, jti: str) -> Grant | None:
        """The grant of this name."""
        found = await self.some(grants.c.jti == jti, 1)
        return found[0] if found else None

    async def of_digest(self, digest: str) -> Grant | None:
        """The grant whose token has this digest."""
        found = await self.some(grants.c.digest == digest, 1)
        return found[0] if found else None

    async def chain(self, grant: Grant) -> list[Grant]:
        """A grant and all that it stands on, the owner's first; one that is not kept any more is left out."""
        chain = [grant]
        while chain[0].parent and (below := await self.of_digest(chain[0].parent)) is not None:
            chain.insert(0, below)
        return chain

    async def held_by(self, person: str, now: int) -> list[Grant]:
        """What a person holds by any of her keys, and may still use."""
        keys = select(person_keys.c.thumbprint).where(person_keys.c.person == person)
        mine = or_(grants.c.person == person, grants.c.holder.in_(keys))
        return await self.some(mine & (grants.c.expires > now) & grants.c.revoked.is_(None), 1000)

    async def add(self, grant: Grant) -> None:
        """Keep a grant. Raises Conflict for one that is kept."""
        values = {column: getattr(grant, column) for column in Grant.__dataclass_fields__}
        await self._connection.execute(insert(grants).values(values))

    async def revoke(self, signer: str, *, names: Iterable[str], keys: Iterable[str], now: int) -> list[Grant]:
        """Somebody takes these back, of what they permit as an owner or have handed on: what is concerned of what is
        kept, and was not revoked before."""
        named = grants.c.jti.in_(list(names))
        owned = or_(named, grants.c.holder.in_(list(keys)), grants.c.iss.in_(list(keys))) & (grants.c.owner == signer)
        mine = or_(owned, named & (grants.c.iss == signer)) & grants.c.revoked.is_(None)
        found = await self.some(mine, 10_000)
        await self._connection.execute(update(grants).where(mine).values(revoked=now))
        await self._connection.execute(delete(shares).where(shares.c.owner == signer, shares.c.jti.in_(list(names))))
        return found

    async def shares(self, condition: ColumnElement[bool] | None, limit: int) -> list[Share]:
        """Share links in the order of their ids."""
        chosen = select(shares).order_by(shares.c.id).limit(limit)
        if condition is not None:
            chosen = chosen.where(condition)
        return [Share(**row) for row in (await self._connection.execute(chosen)).mappings()]

    async def add_share(self, share: Share) -> None:
        """Keep a share link. Raises Conflict for an id that is kept."""
        values = {column: getattr(share, column) for column in Share.__dataclass_fields__}
        await self._connection.execute(insert(shares).values(values))

    async def remove_share(self, id: str) -> None:
        """A share link is no more, nor its pass."""
        await self._connection.execute(delete(shares).where(shares.c.id == id))
