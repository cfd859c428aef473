"""Sign-ins of browsers, and the browsers that somebody has signed in from before."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.people.sessions import ABSOLUTE, IDLE, WebSession
from avl_relay.people.stages import Proof, Stage
from avl_relay.store.tables import known_browsers, sessions


class WebSessions:
    """The sessions, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, session: WebSession) -> None:
        """Keep a new one."""
        await self._connection.execute(insert(sessions).values(**_values(session)))

    async def find(self, hash: str) -> WebSession | None:
        """The one with this digest, over or not."""
        row = (await self._connection.execute(select(sessions).where(sessions.c.hash == hash))).first()
        return None if row is None else _session(row)

    async def replace(self, hash: str, session: WebSession) -> bool:
        """Another cookie, or another standing, for a session; False when it has ended meanwhile."""
        done = await self._connection.execute(
            update(sessions).where(sessions.c.hash == hash).values(**_values(session))
        )
        return done.rowcount == 1

    async def seen(self, hash: str, now: int) -> None:
        """It was used."""
        await self._connection.execute(update(sessions).where(sessions.c.hash == hash).values(seen=now))

    async def of(self, person: str) -> list[WebSession]:
        """All of a person, the latest used first."""
        asked = select(sessions).where(sessions.c.person == person).order_by(sessions.c.seen.desc())
        return [_session(row) for row in await self._connection.execute(asked)]

    async def end(self, hash: str) -> None:
        """Sign out."""
        await self._connection.execute(delete(sessions).where(sessions.c.hash == hash))

    async def end_one(self, person: str, id: str) -> bool:
        """Sign another browser of a person out; False where there is none."""
        mine = (sessions.c.person == person) & (sessions.c.id == id)
        return (await self._connection.execute(delete(sessions).where(mine))).rowcount == 1

    async def end_all(self, person: str, but: str = "") -> None:
        """Sign out all browsers of a person, but the one with this digest."""
        await self._connection.execute(delete(sessions).where((sessions.c.person == person) & (sessions.c.hash != but)))

    async def forget(self, now: int) -> None:
        """Drop those that have ended."""
        over = or_(sessions.c.seen < now - IDLE, sessions.c.created < now - ABSOLUTE)
        await self._connection.execute(delete(sessions).where(over))


class Browsers:
    """Browsers that are known, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def known(self, person: str) -> set[str]:
        """The digests of those that a person has signed in from."""
        asked = select(known_browsers.c.hash).where(known_browsers.c.person == person)
        return set((await self._connection.execute(asked)).scalars())

    async def issued(self, hash: str) -> bool:
        """Whether anybody has signed in from this one: then its cookie is one of ours."""
        asked = select(known_browsers.c.hash).where(known_browsers.c.hash == hash).limit(1)
        return (await self._connection.execute(asked)).first() is not None

    async def know(self, person: str, hash: str, now: int) -> None:
        """Somebody signed in from this one."""
        mine = (known_browsers.c.person == person) & (known_browsers.c.hash == hash)
        done = await self._connection.execute(update(known_browsers).where(mine).values(seen=now))
        if not done.rowcount:
            await self._connection.execute(
                insert(known_browsers).values(hash=hash, person=person, created=now, seen=now)
            )


def _values(session: WebSession) -> dict[str, Any]:
    return {
        "id": session.id,
        "hash": session.hash,
        "person": session.person,
        "stage": session.stage.value,
        "proofs": " ".join(sorted(session.proofs)),
        "proved": session.proved,
        "mfa_at": session.strong or None,
        "created": session.created,
        "seen": session.seen,
        "device_hash": session.device or None,
        "agent": session.agent,
    }


def _session(row: Any) -> WebSession:
    return WebSession(
        id=row.id,
        hash=row.hash,
        person=row.person,
        stage=Stage(row.stage),
        proofs=frozenset(Proof(proof) for proof in row.proofs.split()),
        created=row.created,
        seen=row.seen,
        proved=row.proved,
        strong=row.mfa_at or 0,
        device=row.device_hash or "",
        agent=row.agent,
    )
