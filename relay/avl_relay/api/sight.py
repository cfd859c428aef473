"""Sight: which devices somebody sees at the relay: their own, those that they hold a grant for, and all of them who
administers it. To see a device is not to use it: that its host decides."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.api.identity import Identity
from avl_relay.api.problems import Problem
from avl_relay.store.devices import Device, Devices, in_groups
from avl_relay.store.grants import Grants
from avl_relay.store.tables import devices, person_keys

DEVICE, GROUP = "device:", "group:"


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody sees: `condition` for rows of devices; None: all."""

    condition: ColumnElement[bool] | None

    def narrowed(self, *conditions: ColumnElement[bool]) -> ColumnElement[bool] | None:
        """What of that meets all of these, too."""
        both = [*conditions, *(() if self.condition is None else (self.condition,))]
        return and_(*both) if both else None


async def keys_of(db: AsyncConnection, person: str) -> list[str]:
    """Thumbprints of a person's keys."""
    chosen = select(person_keys.c.thumbprint).where(person_keys.c.person == person)
    return list((await db.execute(chosen)).scalars())


async def sight_of(db: AsyncConnection, who: Identity, now: int) -> Sight:
    """What somebody sees now."""
    if who.administers:
        return Sight(None)
    numbers: list[str] = []
    by_owner: dict[str, list[str]] = {}
    for grant in await Grants(db).held_by(who.person, now):
        if grant.aud.startswith(DEVICE):
            numbers.append(grant.aud.removeprefix(DEVICE))
        else:
            by_owner.setdefault(grant.owner, []).append(grant.aud.removeprefix(GROUP))
    granted = [
        and_(devices.c.owner_thumbprint == owner, devices.c.number.in_(in_groups(names)))
        for owner, names in by_owner.items()
    ]
    of_number = devices.c.number.in_(numbers) if numbers else false()
    return Sight(or_(devices.c.owner == who.person, of_number, *granted))


async def seen_device(db: AsyncConnection, who: Identity, number: str, now: int) -> Device:
    """A device that somebody sees. Raises Problem: whether there is one that they do not see is not told."""
    sight = await sight_of(db, who, now)
    found = await Devices(db).some(sight.narrowed(devices.c.number == number), 1)
    if not found:
        raise Problem("not-found", "there is no such device, or it is none of yours")
    return found[0]


async def own_device(db: AsyncConnection, who: Identity, number: str, now: int) -> Device:
    """A device that somebody may change at the relay: its owner, and who administers. Raises Problem."""
    device = await seen_device(db, who, number, now)
    if device.owner != who.person and not who.administers:
        raise Problem("forbidden", "this device is somebody else's")
    return device
