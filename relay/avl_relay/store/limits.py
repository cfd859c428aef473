"""Tries that failed, by what was tried (a name, a person's codes): the counters of people/delay.py."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.people.delay import Schedule, Tries
from avl_relay.store.tables import limits


class Limits:
    """The counters, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def wait(self, key: str, schedule: Schedule, now: float) -> int:
        """Seconds until a try is answered."""
        return schedule.wait(await self._read(key) or Tries(), now)

    async def spend(self, key: str, schedule: Schedule, now: float) -> int:
        """Count a try that is about to be answered; or the seconds it must wait, and nothing is counted. Needs a
        transaction that writes; of two at once the later waits for the earlier."""
        known = await self._read(key, lock=True)
        if known is None:
            known = await self._begin(key, now)
        if wait := schedule.wait(known, now):
            return wait
        after = schedule.after(known, now)
        await self._connection.execute(
            update(limits)
            .where(limits.c.key == key)
            .values(failures=after.failures, until=after.until, updated=int(now))
        )
        return 0

    async def clear(self, key: str) -> None:
        """A try succeeded: those before it were its own."""
        await self._connection.execute(delete(limits).where(limits.c.key == key))

    async def forget(self, before: int) -> None:
        """Drop the counters that were last changed before this time (Unix seconds)."""
        await self._connection.execute(delete(limits).where(limits.c.updated < before))

    async def _begin(self, key: str, now: float) -> Tries:
        """The counter of a key that had none: where another try has made it meanwhile, as that left it."""
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(insert(limits).values(key=key, failures=0, until=0, updated=int(now)))
        except IntegrityError:
            return await self._read(key, lock=True) or Tries()
        return Tries()

    async def _read(self, key: str, *, lock: bool = False) -> Tries | None:
        asked = select(limits.c.failures, limits.c.until).where(limits.c.key == key)
        row = (await self._connection.execute(asked.with_for_update() if lock else asked)).first()
        return None if row is None else Tries(row.failures, row.until)
