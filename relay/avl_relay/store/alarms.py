"""Alarms that were raised, and the habits that they are measured by (anomalies/)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.tables import alarms, habits, people

#: Subjects whose habits are kept, and seconds after which those of somebody who was not seen are forgotten.
MOST, KEPT = 8192, 180 * 86_400
#: Alarms that are kept.
MOST_ALARMS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedAlarm:
    """One alarm. `at` and `acknowledged` (None: not yet) are unix seconds; `by`: who acknowledged it."""

    id: str
    at: int
    kind: str
    person: str | None
    device: str
    session: str
    score: int
    detector: str
    reasons: Sequence[Mapping[str, str]]
    acted: str
    acknowledged: int | None = None
    by: str | None = None


class Alarms:
    """Within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, alarm: RaisedAlarm) -> None:
        """One more; the oldest give way."""
        values = {name: getattr(alarm, name) for name in alarm.__slots__}
        values["reasons"] = [dict(one) for one in alarm.reasons]
        values["person"] = await self._known(alarm.person)
        await self._connection.execute(insert(alarms).values(values))
        count = await self._connection.scalar(select(func.count()).select_from(alarms)) or 0
        if count > MOST_ALARMS:
            oldest = select(alarms.c.id).order_by(alarms.c.at, alarms.c.id).limit(count - MOST_ALARMS)
            await self._connection.execute(delete(alarms).where(alarms.c.id.in_(oldest)))

    async def _known(self, person: str | None) -> str | None:
        """A person who is gone by now has no alarms."""
        return await self._connection.scalar(select(people.c.id).where(people.c.id == person)) if person else None

    async def some(
        self, limit: int, *, before: tuple[int, str] | None = None, open_only: bool = False
    ) -> list[RaisedAlarm]:
        """The newest, newest first, of those before a time and id."""
        chosen = select(alarms).order_by(alarms.c.at.desc(), alarms.c.id.desc()).limit(limit)
        if before is not None:
            at, name = before
            chosen = chosen.where((alarms.c.at < at) | ((alarms.c.at == at) & (alarms.c.id < name)))
        if open_only:
            chosen = chosen.where(alarms.c.acknowledged.is_(None))
        return [RaisedAlarm(**row) for row in (await self._connection.execute(chosen)).mappings()]

    async def acknowledge(self, id: str, *, by: str, now: int) -> RaisedAlarm | None:
        """Somebody has seen it; what it is now. None: there is none."""
        mine = alarms.c.id == id
        unseen = mine & alarms.c.acknowledged.is_(None)
        await self._connection.execute(update(alarms).where(unseen).values(acknowledged=now, by=by or None))
        row = (await self._connection.execute(select(alarms).where(mine))).mappings().first()
        return None if row is None else RaisedAlarm(**row)


class KeptHabits:
    """Within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> dict[str, dict[str, Any]]:
        """What is kept, by subject, the oldest first."""
        chosen = select(habits.c.subject, habits.c.usual).order_by(habits.c.updated.desc()).limit(MOST)
        found = {row.subject: row.usual for row in await self._connection.execute(chosen)}
        return dict(reversed(found.items()))

    async def put(self, changed: Mapping[str, Mapping[str, Any]], now: int) -> None:
        """Keep these; those of a person who is gone are not kept."""
        subjects = list(changed)
        for at in range(0, len(subjects), 200):
            some = subjects[at : at + 200]
            known = set((await self._connection.execute(select(people.c.id).where(people.c.id.in_(some)))).scalars())
            await self._connection.execute(delete(habits).where(habits.c.subject.in_(some)))
            rows = [
                {
                    "subject": subject,
                    "person": subject if subject in known else None,
                    "usual": dict(changed[subject]),
                    "updated": now,
                }
                for subject in some
                if ":" in subject or subject in known
            ]
            if rows:
                await self._connection.execute(insert(habits), rows)

    async def forget(self, now: int) -> None:
        """Drop those that nobody has seen for long, and what is too many."""
        await self._connection.execute(delete(habits).where(habits.c.updated < now - KEPT))
        count = await self._connection.scalar(select(func.count()).select_from(habits)) or 0
        if count > MOST:
            oldest = select(habits.c.subject).order_by(habits.c.updated).limit(count - MOST)
            await self._connection.execute(delete(habits).where(habits.c.subject.in_(oldest)))
