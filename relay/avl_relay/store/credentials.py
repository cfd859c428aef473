"""People as they sign in: their names, passwords, factors, and what a provider calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.people.stages import Proof
from avl_relay.store.tables import factors, oidc_links, people


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody. `role`: owner, admin or member of the relay; `state`: invited, active or disabled."""

    id: str
    login: str
    name: str
    role: str
    state: str
    password_hash: str | None
    created: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One factor. `key`: credential of a passkey, digest of a recovery code; `data` is the kind's own; `used`: Unix
    seconds, 0: never."""

    id: str
    person: str
    kind: Proof
    name: str
    key: str | None
    data: dict[str, Any]
    confirmed: bool
    used: int
    created: int


class Credentials:
    """The people and their factors, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    # people

    async def anybody(self) -> bool:
        """Whether there is anybody yet."""
        return bool((await self._connection.execute(select(func.count()).select_from(people))).scalar())

    async def by_login(self, login: str) -> Person | None:
        """Who signs in by this name, in lower case."""
        return await self._one(people.c.login == login)

    async def by_id(self, id: str) -> Person | None:
        """Who has this id."""
        return await self._one(people.c.id == id)

    async def add(self, person: Person) -> None:
        """Somebody new. Raises Conflict when the name is taken."""
        await self._connection.execute(
            insert(people).values(
                id=person.id,
                login=person.login,
                name=person.name,
                role=person.role,
                state=person.state,
                password_hash=person.password_hash,
                created=person.created,
            )
        )

    async def set_password(self, person: str, password_hash: str) -> None:
        """Another password; who was invited is active from now on."""
        await self._connection.execute(
            update(people).where(people.c.id == person).values(password_hash=password_hash, state="active")
        )

    async def rehash(self, person: str, old: str, new: str) -> None:
        """The same password, hashed as it is done now."""
        mine = (people.c.id == person) & (people.c.password_hash == old)
        await self._connection.execute(update(people).where(mine).values(password_hash=new))

    async def _one(self, which: Any) -> Person | None:
        row = (await self._connection.execute(select(people).where(which))).first()
        if row is None:
            return None
        return Person(
            id=row.id,
            login=row.login,
            name=row.name,
            role=row.role,
            state=row.state,
            password_hash=row.password_hash,
            created=row.created,
        )

    # factors

    async def factors(self, person: str, *, lock: bool = False) -> list[Factor]:
        """Those of a person, unconfirmed ones too; `lock`: until the end of the transaction nobody else's."""
        asked = select(factors).where(factors.c.person == person).order_by(factors.c.created, factors.c.id)
        rows = await self._connection.execute(asked.with_for_update() if lock else asked)
        return [_factor(row) for row in rows]

    async def passkey(self, credential: str) -> Factor | None:
        """The passkey with this credential id, base64url."""
        mine = (factors.c.key == credential) & (factors.c.kind == Proof.PASSKEY.value)
        row = (await self._connection.execute(select(factors).where(mine).with_for_update())).first()
        return None if row is None else _factor(row)

    async def add_factor(self, factor: Factor) -> None:
        """A new one. Raises Conflict where its key is taken."""
        await self._connection.execute(
            insert(factors).values(
                id=factor.id,
                person=factor.person,
                kind=factor.kind.value,
                name=factor.name,
                key=factor.key,
                data=factor.data,
                confirmed=factor.confirmed,
                used=factor.used or None,
                created=factor.created,
            )
        )

    async def use_factor(self, id: str, data: dict[str, Any], now: int) -> None:
        """It was used, and keeps this from now on; an unconfirmed one is confirmed by it."""
        await self._connection.execute(
            update(factors).where(factors.c.id == id).values(data=data, used=now, confirmed=True)
        )

    async def use_recovery(self, person: str, key: str) -> bool:
        """Use up a recovery code, by its digest; False when it is none of this person."""
        mine = (factors.c.person == person) & (factors.c.kind == Proof.RECOVERY.value) & (factors.c.key == key)
        return (await self._connection.execute(delete(factors).where(mine))).rowcount == 1

    async def drop_factor(self, person: str, id: str) -> bool:
        """Remove one; False where there is none."""
        mine = (factors.c.person == person) & (factors.c.id == id)
        return (await self._connection.execute(delete(factors).where(mine))).rowcount == 1

    async def drop_factors(self, person: str, kind: Proof, *, unconfirmed: bool = False) -> None:
        """Remove all of a kind, or those that were never confirmed."""
        mine = (factors.c.person == person) & (factors.c.kind == kind.value)
        mine = mine & factors.c.confirmed.is_(False) if unconfirmed else mine
        await self._connection.execute(delete(factors).where(mine))

    # what a provider calls them

    async def linked(self, issuer: str, subject: str) -> Person | None:
        """Who is meant by a provider's subject."""
        mine = (oidc_links.c.iss == issuer) & (oidc_links.c.sub == subject)
        person = (await self._connection.execute(select(oidc_links.c.person).where(mine))).scalar()
        return None if person is None else await self.by_id(person)

    async def link(self, issuer: str, subject: str, person: str, now: int) -> None:
        """From now on this subject is that person. Raises Conflict when it is somebody."""
        await self._connection.execute(insert(oidc_links).values(iss=issuer, sub=subject, person=person, created=now))

    async def unlink(self, issuer: str, person: str) -> None:
        """No subject of this provider is that person any more."""
        mine = (oidc_links.c.iss == issuer) & (oidc_links.c.person == person)
        await self._connection.execute(delete(oidc_links).where(mine))

    async def links(self, person: str) -> list[tuple[str, str]]:
        """Issuers and subjects of a person."""
        asked = select(oidc_links.c.iss, oidc_links.c.sub).where(oidc_links.c.person == person)
        return [(row.iss, row.sub) for row in await self._connection.execute(asked)]


def _factor(row: Any) -> Factor:
    return Factor(
        id=row.id,
        person=row.person,
        kind=Proof(row.kind),
        name=row.name,
        key=row.key,
        data=row.data,
        confirmed=row.confirmed,
        used=row.used or 0,
        created=row.created,
    )
