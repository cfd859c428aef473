"""People as others see them: who there is, and what they may do at the relay."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, String, cast, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.tables import (
    devices,
    factors,
    grants,
    idempotency,
    invitations,
    members,
    people,
    person_keys,
    refresh_tokens,
    sessions,
    statements,
)

INVITED, ACTIVE, DISABLED = "invited", "active", "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """One person. `key`: thumbprint of what she signs with, `jwk`: that key, by which others permit her something;
    `factors`: kinds of second factors that she has."""

    id: str
    login: str
    name: str
    role: str
    state: str
    created: int
    key: str | None
    jwk: dict[str, str] | None = None
    factors: tuple[str, ...] = ()


class People:
    """Within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def some(self, condition: ColumnElement[bool] | None, limit: int) -> list[Somebody]:
        """People in the order of name and id."""
        key = select(func.min(person_keys.c.thumbprint)).where(person_keys.c.person == people.c.id).scalar_subquery()
        row = people.c
        columns = (row.id, row.login, row.name, row.role, row.state, row.created, key.label("key"))
        chosen = select(*columns).order_by(row.name, row.id).limit(limit)
        if condition is not None:
            chosen = chosen.where(condition)
        rows = (await self._connection.execute(chosen)).mappings().all()
        kinds: dict[str, set[str]] = {}
        own = select(factors.c.person, factors.c.kind).where(
            factors.c.person.in_([row["id"] for row in rows]), factors.c.confirmed
        )
        for person, kind in await self._connection.execute(own):
            kinds.setdefault(person, set()).add(kind)
        named = select(person_keys.c.thumbprint, person_keys.c.jwk).where(
            person_keys.c.thumbprint.in_([row["key"] for row in rows if row["key"] is not None])
        )
        jwks = {row.thumbprint: row.jwk for row in await self._connection.execute(named)}
        return [
            Somebody(**one, jwk=jwks.get(one["key"]), factors=tuple(sorted(kinds.get(one["id"], ())))) for one in rows
        ]

    async def one(self, person: str) -> Somebody | None:
        """The person of this id."""
        found = await self.some(people.c.id == person, 1)
        return found[0] if found else None

    async def owners(self) -> int:
        """How many own the relay, and can sign in."""
        mine = (people.c.role == "owner") & (people.c.state == ACTIVE)
        return await self._connection.scalar(select(func.count()).select_from(people).where(mine)) or 0

    async def owned(self, person: str) -> int:
        """How many devices are a person's."""
        counted = select(func.count()).select_from(devices).where(devices.c.owner == person)
        return await self._connection.scalar(counted) or 0

    async def invite(self, *, id: str, login: str, name: str, role: str, hash: str, now: int, expires: int) -> None:
        """Somebody who has no password yet, and the hash of what lets her set one. Raises Conflict for a login that is
        taken."""
        values = {"id": id, "login": login, "name": name, "role": role, "state": INVITED, "created": now}
        await self._connection.execute(insert(people).values(values))
        await self._connection.execute(insert(invitations).values(hash=hash, person=id, created=now, expires=expires))

    async def change(self, person: str, **values: str) -> None:
        """Another name, role or state."""
        await self._connection.execute(update(people).where(people.c.id == person).values(**values))

    async def sign_out(self, person: str) -> None:
        """Everywhere."""
        await self._connection.execute(delete(sessions).where(sessions.c.person == person))
        await self._connection.execute(delete(refresh_tokens).where(refresh_tokens.c.person == person))

    async def forget_factors(self, person: str) -> None:
        """No second factor is known of her any more: she sets up new ones."""
        await self._connection.execute(delete(factors).where(factors.c.person == person))

    async def remove(self, person: str) -> None:
        """Nobody of that id any more, and nothing that was kept of her. Raises Conflict while devices are hers."""
        hers = (idempotency.c.person == person) | cast(idempotency.c.body, String).contains(person, autoescape=True)
        keys = select(person_keys.c.thumbprint).where(person_keys.c.person == person)
        await self._connection.execute(delete(members).where(members.c.member == person))
        await self._connection.execute(delete(idempotency).where(hers))
        await self._connection.execute(delete(statements).where(statements.c.iss.in_(keys)))
        await self._connection.execute(delete(grants).where(grants.c.owner.in_(keys)))
        await self._connection.execute(delete(people).where(people.c.id == person))
