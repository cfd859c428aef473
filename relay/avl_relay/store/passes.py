"""Passes: what somebody shows to attach to a device of a relay that wants to know who comes. A visit that was let in
may come back with its pass, as the session it was or as one that takes its place; another may not once it is used
up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.devices import ACTIVE
from avl_relay.store.people import ACTIVE as PERSON_ACTIVE
from avl_relay.store.tables import attachments, devices, passes, people, shares

#: Seconds for which a person's pass is good for the first time, and for which a visit may come back with it.
GOOD, COMES_BACK = 120, 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose pass was shown: a person's, or that of a share link of hers, which is called `link`."""

    person: str
    name: str
    link: str


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

    async def admit(self, hash: str, device: str, *, session: str, visit: str, now: int) -> bool:
        """Whether a session of a visit may attach, both by name; the visit counts from now on."""
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
        known = select(attachments.c.session, attachments.c.created).where(
            attachments.c.hash == hash, attachments.c.visit == visit
        )
        before = {row.session: row.created for row in await self._connection.execute(known)}
        since = min(before.values(), default=None)
        if since is not None and now - since >= COMES_BACK:
            return False
        if since is None and (found.expires <= now or found.uses == 0):
            return False
        if session not in before:
            row = {"hash": hash, "session": session, "visit": visit, "created": now if since is None else since}
            await self._connection.execute(insert(attachments).values(**row))
        if since is None and found.uses is not None:
            await self._connection.execute(update(passes).where(passes.c.hash == hash).values(uses=found.uses - 1))
        return True

    async def whose(self, hash: str) -> tuple[str, str]:
        """The person of a pass, and the share link that it is of; "" for none."""
        chosen = select(passes.c.person, passes.c.share).where(passes.c.hash == hash)
        found = (await self._connection.execute(chosen)).first()
        return ("", "") if found is None else (found.person, found.share or "")

    async def who(self, sessions: Sequence[str]) -> dict[str, Holder]:
        """Whose these sessions are, by what they are called."""
        chosen = (
            select(attachments.c.session, people.c.id, people.c.name, shares.c.name.label("link"))
            .join(passes, passes.c.hash == attachments.c.hash)
            .join(people, people.c.id == passes.c.person)
            .outerjoin(shares, shares.c.id == passes.c.share)
            .where(attachments.c.session.in_(sessions))
            .order_by(attachments.c.created)
        )
        rows = await self._connection.execute(chosen)
        return {row.session: Holder(row.id, row.name, row.link or "") for row in rows}

    async def forget_old(self, now: int) -> None:
        """Passes of people that nobody may come back with any more."""
        old = passes.c.expires < now - COMES_BACK
        await self._connection.execute(delete(passes).where(old))

    async def drop(self, *, device: str) -> None:
        """No pass is good for a device any more."""
        await self._connection.execute(delete(passes).where(passes.c.device == device))
