"""Passes: what somebody shows to attach to a device of a relay that wants to know who comes. A visit that was let in
may come back with its pass, as the session it was or as one that takes its place; another may not once it is used
up."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.devices import ACTIVE
from avl_relay.store.people import ACTIVE as PERSON_ACTIVE
from avl_relay.store.tables import attachments, devices, passes, people

#: Seconds for which a person's pass is good for the first time, and for which a visit may come back with it.
GOOD, COMES_BACK = 120, 7 * 24 * 3600


class Passes:
    """Within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(
        self,
        *,
        hash: str,
        device: str,
        person: str,
        now: int,
        expires: int,
        uses: int | None = 1,
        share: str | None = None,
    ) -> None:
        """Let whoever shows the secret of this hash attach to a device, so often."""
        values = {"hash": hash, "device": device, "person": person, "share": share, "uses": uses}
        await self._connection.execute(insert(passes).values(**values, created=now, expires=expires))

    async def admit(self, hash: str, device: str, visit: str, now: int) -> bool:
        """Whether a visit may attach, which counts from now on. `visit`: what its sessions have in common, hashed."""
        chosen = (
            select(passes.c.uses, passes.c.expires, passes.c.created)
            .join(devices, devices.c.number == passes.c.device)
            .join(people, people.c.id == passes.c.person)
            .where(passes.c.hash == hash, passes.c.device == device, devices.c.state == ACTIVE)
            .where(people.c.state == PERSON_ACTIVE)
            .with_for_update(of=passes)
        )
        found = (await self._connection.execute(chosen)).first()
        if found is None:
            return False
        known = select(attachments.c.created).where(attachments.c.hash == hash, attachments.c.session == visit)
        since = await self._connection.scalar(known)
        if since is not None:
            return bool(now - since < COMES_BACK)
        if found.expires <= now or found.uses == 0:
            return False
        await self._connection.execute(insert(attachments).values(hash=hash, session=visit, created=now))
        if found.uses is not None:
            await self._connection.execute(update(passes).where(passes.c.hash == hash).values(uses=found.uses - 1))
        return True

    async def forget_old(self, now: int) -> None:
        """Passes of people that nobody may come back with any more."""
        old = passes.c.expires < now - COMES_BACK
        await self._connection.execute(delete(passes).where(old))

    async def drop(self, *, device: str) -> None:
        """No pass is good for a device any more."""
        await self._connection.execute(delete(passes).where(passes.c.device == device))
