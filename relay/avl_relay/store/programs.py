"""Programs and hosts that act for somebody: what waits for approval, and the tokens of what was approved."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.people.deviceflow import Authorization, Kind, State
from avl_relay.people.refresh import RefreshToken
from avl_relay.store.tables import device_authorizations, refresh_tokens


class Authorizations:
    """Requests for approval (RFC 8628), within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def waiting(self, now: float) -> int:
        """How many wait."""
        asked = select(func.count()).select_from(device_authorizations)
        pending = (device_authorizations.c.state == State.PENDING.value) & (device_authorizations.c.expires > now)
        return (await self._connection.execute(asked.where(pending))).scalar() or 0

    async def add(self, asked: Authorization) -> None:
        """A new one. Raises Conflict where the user code is taken."""
        await self._connection.execute(
            insert(device_authorizations).values(
                device_code_hash=asked.device_code_hash,
                user_code=asked.user_code,
                kind=asked.kind.value,
                jkt=asked.thumbprint,
                device=asked.device or None,
                name=asked.name,
                system=asked.system,
                software=asked.software,
                state=asked.state.value,
                person=asked.person or None,
                token=asked.token or None,
                interval=asked.interval,
                mfa_at=asked.strong or None,
                polled=asked.polled or None,
                created=asked.created,
                expires=asked.expires,
            )
        )

    async def by_device_code(self, hash: str) -> Authorization | None:
        """The one that a program asks about, and nobody else until the end of the transaction."""
        return await self._one(device_authorizations.c.device_code_hash == hash)

    async def by_user_code(self, user_code: str) -> Authorization | None:
        """The one that a person is asked about."""
        return await self._one(device_authorizations.c.user_code == user_code)

    async def polled(self, hash: str, now: int, interval: int) -> None:
        """Somebody asked how it stands."""
        await self._set(hash, polled=now, interval=interval)

    async def decided(self, hash: str, state: State, *, person: str, token: str = "", strong: int = 0) -> None:
        """Approved with this statement, or denied."""
        await self._set(hash, state=state.value, person=person, token=token or None, mfa_at=strong or None)

    async def taken(self, hash: str) -> None:
        """What was approved was handed out."""
        await self._set(hash, state=State.TAKEN.value)

    async def confirmed(self, hash: str) -> None:
        """A host has confirmed who owns it."""
        await self._set(hash, state=State.CONFIRMED.value)

    async def forget(self, now: int) -> None:
        """Drop those that have expired."""
        await self._connection.execute(delete(device_authorizations).where(device_authorizations.c.expires <= now))

    async def _set(self, hash: str, **values: Any) -> None:
        mine = device_authorizations.c.device_code_hash == hash
        await self._connection.execute(update(device_authorizations).where(mine).values(**values))

    async def _one(self, which: Any) -> Authorization | None:
        asked = select(device_authorizations).where(which).with_for_update()
        row = (await self._connection.execute(asked)).first()
        if row is None:
            return None
        return Authorization(
            device_code_hash=row.device_code_hash,
            user_code=row.user_code,
            kind=Kind(row.kind),
            thumbprint=row.jkt,
            device=row.device or "",
            name=row.name,
            system=row.system,
            software=row.software,
            state=State(row.state),
            person=row.person or "",
            token=row.token or "",
            interval=row.interval,
            strong=row.mfa_at or 0,
            polled=row.polled or 0,
            created=row.created,
            expires=row.expires,
        )


class RefreshTokens:
    """Refresh tokens of programs, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, token: RefreshToken, *, name: str, now: int) -> None:
        """A new one, of a program that calls itself so."""
        await self._connection.execute(
            insert(refresh_tokens).values(
                hash=token.hash,
                family=token.family,
                person=token.person,
                jkt=token.thumbprint,
                name=name,
                mfa_at=token.strong or None,
                begun=token.begun,
                created=now,
                expires=token.expires,
            )
        )

    async def find(self, hash: str) -> tuple[RefreshToken, str] | None:
        """The one with this digest and the program's name; nobody else's until the end of the transaction."""
        asked = select(refresh_tokens).where(refresh_tokens.c.hash == hash).with_for_update()
        row = (await self._connection.execute(asked)).first()
        return None if row is None else (_token(row), row.name)

    async def used(self, hash: str, now: int) -> None:
        """It brought the next."""
        await self._connection.execute(update(refresh_tokens).where(refresh_tokens.c.hash == hash).values(used=now))

    async def end_family(self, family: str, now: int) -> bool:
        """None of a sign-in works any more; False where there was none."""
        live = (refresh_tokens.c.family == family) & refresh_tokens.c.revoked.is_(None)
        return (await self._connection.execute(update(refresh_tokens).where(live).values(revoked=now))).rowcount > 0

    async def end_all(self, person: str, now: int) -> None:
        """None of a person's programs is signed in any more."""
        live = (refresh_tokens.c.person == person) & refresh_tokens.c.revoked.is_(None)
        await self._connection.execute(update(refresh_tokens).where(live).values(revoked=now))

    async def lives(self, family: str) -> bool:
        """Whether a sign-in has not been ended."""
        live = (refresh_tokens.c.family == family) & refresh_tokens.c.revoked.is_(None)
        return (await self._connection.execute(select(refresh_tokens.c.hash).where(live).limit(1))).first() is not None

    async def of(self, person: str, now: float) -> list[tuple[RefreshToken, str]]:
        """The newest of each program that is signed in, and the program's name."""
        asked = select(refresh_tokens).where(
            (refresh_tokens.c.person == person)
            & refresh_tokens.c.revoked.is_(None)
            & refresh_tokens.c.used.is_(None)
            & (refresh_tokens.c.expires > now)
        )
        return [(_token(row), row.name) for row in await self._connection.execute(asked)]

    async def forget(self, now: int) -> None:
        """Drop those that have expired."""
        await self._connection.execute(delete(refresh_tokens).where(refresh_tokens.c.expires <= now))


def _token(row: Any) -> RefreshToken:
    return RefreshToken(
        hash=row.hash,
        family=row.family,
        person=row.person,
        thumbprint=row.jkt,
        begun=row.begun,
        expires=row.expires,
        used=row.used or 0,
        revoked=row.revoked or 0,
        strong=row.mfa_at or 0,
        created=row.created,
    )
