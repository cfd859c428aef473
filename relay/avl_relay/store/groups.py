"""Groups of people and of devices, as this relay keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.engine import new_id
from avl_relay.store.tables import groups, members

PEOPLE, DEVICES = "people", "devices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group. `size`: how many are in it."""

    id: str
    kind: str
    name: str
    created: int
    size: int


class Groups:
    """Within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def some(self, condition: ColumnElement[bool] | None, limit: int) -> list[Group]:
        """Groups in the order of name and id."""
        size = select(func.count()).where(members.c.group == groups.c.id).scalar_subquery()
        chosen = select(groups, size.label("size")).order_by(groups.c.name, groups.c.id).limit(limit)
        if condition is not None:
            chosen = chosen.where(condition)
        return [Group(**row) for row in (await self._connection.execute(chosen)).mappings()]

    async def one(self, name: str) -> Group | None:
        """The group of this id."""
        found = await self.some(groups.c.id == name, 1)
        return found[0] if found else None

    async def add(self, *, id: str, kind: str, name: str, now: int) -> None:
        """A new group. Raises Conflict where the name is taken."""
        await self._connection.execute(insert(groups).values(id=id, kind=kind, name=name, created=now))

    async def rename(self, id: str, name: str) -> None:
        """Another name. Raises Conflict where it is taken."""
        await self._connection.execute(update(groups).where(groups.c.id == id).values(name=name))

    async def remove(self, id: str) -> None:
        """No more; who was in it is not."""
        await self._connection.execute(delete(groups).where(groups.c.id == id))

    async def members(self, id: str) -> list[str]:
        """Who is in it: ids of people, or numbers of devices."""
        chosen = select(members.c.member).where(members.c.group == id).order_by(members.c.member)
        return list((await self._connection.execute(chosen)).scalars())

    async def join(self, id: str, member: str) -> None:
        """Somebody is in it from now on."""
        await self.leave(id, member)
        await self._connection.execute(insert(members).values(group=id, member=member))

    async def leave(self, id: str, member: str) -> None:
        """Somebody is not any more."""
        mine = (members.c.group == id) & (members.c.member == member)
        await self._connection.execute(delete(members).where(mine))

    async def set_of_device(
        self, device: str, names: Iterable[str], *, entropy: Callable[[int], bytes], now: int
    ) -> None:
        """A device is in these groups and no others; those that are not there are made."""
        wanted = list(dict.fromkeys(names))
        kind = groups.c.kind == DEVICES
        of_devices = select(groups.c.id).where(kind)
        left = delete(members).where(members.c.member == device, members.c.group.in_(of_devices))
        await self._connection.execute(left)
        found = await self._connection.execute(
            select(groups.c.name, groups.c.id).where(kind, groups.c.name.in_(wanted))
        )
        known = {row.name: row.id for row in found}
        for name in wanted:
            if name not in known:
                known[name] = new_id(entropy)
                await self.add(id=known[name], kind=DEVICES, name=name, now=now)
            await self._connection.execute(insert(members).values(group=known[name], member=device))
