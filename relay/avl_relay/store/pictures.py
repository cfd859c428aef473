"""Picture keys of people, and the last pictures that hosts have sealed to them, which nobody here can open (spec 11,
11.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_protocol.rights.statements import device_audience, group_audience
from avl_protocol.wire.device_id import from_text
from avl_protocol.wire.registry import MAX_READERS, Permission
from avl_relay.store.devices import ACTIVE, Device, Devices
from avl_relay.store.grants import Grants
from avl_relay.store.people import ACTIVE as HERE
from avl_relay.store.tables import devices, grants, last_pictures, people, picture_keys

#: Picture keys of one person, one a browser.
MOST_KEYS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody for whom a host may leave a picture: the picture key's name, and the tokens that show it."""

    key: str
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A picture of a device. `key`: for whom; `taken`: by the host's clock, unix seconds."""

    device: str
    key: str
    taken: int
    sealed: bytes


class LastPictures:
    """Within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    # keys

    async def add_key(self, *, key: str, person: str, signer: str, token: str, expires: int, now: int) -> None:
        """Keep a picture key, and the newest MOST_KEYS of its person with it. Raises Conflict for somebody else's."""
        row = picture_keys.c
        await self._connection.execute(delete(picture_keys).where(row.key == key, row.person == person))
        await self._connection.execute(
            insert(picture_keys).values(
                key=key, person=person, signer=signer, token=token, expires=expires, created=now
            )
        )
        newest = select(row.key).where(row.person == person).order_by(row.created.desc(), row.key)
        kept = (await self._connection.execute(newest)).scalars().all()[:MOST_KEYS]
        kept = [key, *(one for one in kept if one != key)][:MOST_KEYS]
        await self._connection.execute(delete(picture_keys).where(row.person == person, row.key.not_in(kept)))

    async def keys(self, person: str, now: int) -> list[tuple[str, int, int]]:
        """The good keys of a person, the newest first: key, since when it is kept, when it expires."""
        row = picture_keys.c
        chosen = select(row.key, row.created, row.expires).where(row.person == person, row.expires > now)
        found = await self._connection.execute(chosen.order_by(row.created.desc(), row.key))
        return [(key, created, expires) for key, created, expires in found]

    async def drop_key(self, person: str, key: str) -> bool:
        """Forget a key of this person's and the pictures for it; False where there is none."""
        row = picture_keys.c
        await self._connection.execute(
            delete(last_pictures).where(
                last_pictures.c.key.in_(select(row.key).where(row.key == key, row.person == person))
            )
        )
        gone = await self._connection.execute(delete(picture_keys).where(row.key == key, row.person == person))
        return bool(gone.rowcount)

    async def readers(self, device: Device, now: int) -> list[Reader]:
        """For whom a host may leave pictures as far as a relay can tell, the newest keys first: its owner, and who
        holds a grant. What the grants say beyond that, the host looks at."""
        if device.state != ACTIVE:
            return []
        row, own = picture_keys.c, device_audience(from_text(device.number))
        audiences = [own, *(group_audience(name) for name in device.groups)]
        good = (row.expires > now) & (people.c.state == HERE)
        chosen = (
            select(row.key, row.signer, row.token)
            .join(people, people.c.id == row.person)
            .where(good)
            .order_by(row.created.desc(), row.key)
        )
        holders = select(grants.c.holder).where(grants.c.owner == device.owner_thumbprint, grants.c.aud.in_(audiences))
        whose = (row.signer == device.owner_thumbprint) | row.signer.in_(holders)
        found: list[Reader] = []
        for key, signer, token in await self._connection.execute(chosen.where(whose).limit(256)):
            for chain in await self._chains(device, audiences, signer, now):
                found.append(Reader(key=key, tokens=(*chain, token)))
        return found[:MAX_READERS]

    async def _chains(self, device: Device, audiences: Sequence[str], holder: str, now: int) -> list[tuple[str, ...]]:
        """Those by which a key may look at a device."""
        if holder == device.owner_thumbprint:
            return [()]
        known, row = Grants(self._connection), grants.c
        mine = (row.holder == holder) & (row.owner == device.owner_thumbprint) & row.aud.in_(audiences)
        chains = []
        for grant in await known.some(mine & (row.expires > now) & row.revoked.is_(None), MAX_READERS):
            chain = await known.chain(grant)
            whole = not chain[0].parent and all(one.revoked is None for one in chain)
            if whole and grant.permissions & Permission.VIEW:
                chains.append(tuple(one.token for one in chain))
        return chains

    # pictures

    async def keep(self, left: Left, now: int) -> None:
        """The newest picture of a device for a key."""
        await self._connection.execute(delete(last_pictures).where(_same(left.device, left.key)))
        await self._connection.execute(
            insert(last_pictures).values(
                device=left.device, key=left.key, taken=left.taken, sealed=left.sealed, created=now
            )
        )

    async def of(self, person: str, key: str) -> list[tuple[str, int]]:
        """The devices of which there is a picture for a key of this person, and when each was taken."""
        row = last_pictures.c
        chosen = (
            select(row.device, row.taken)
            .join(picture_keys, picture_keys.c.key == row.key)
            .where(picture_keys.c.person == person, row.key == key)
            .order_by(row.device)
        )
        return [(device, taken) for device, taken in await self._connection.execute(chosen)]

    async def known(self, person: str, key: str, now: int) -> bool:
        """Whether a key is kept as this person's, and good."""
        row = picture_keys.c
        chosen = select(row.key).where(row.person == person, row.key == key, row.expires > now)
        return await self._connection.scalar(chosen) is not None

    async def one(self, device: str, person: str, key: str) -> Left | None:
        """The picture of a device for a key of this person."""
        row = last_pictures.c
        chosen = (
            select(row.device, row.key, row.taken, row.sealed)
            .join(picture_keys, picture_keys.c.key == row.key)
            .where(picture_keys.c.person == person, _same(device, key))
        )
        found = (await self._connection.execute(chosen)).mappings().first()
        return None if found is None else Left(**found)

    async def drop(self, device: str, but: Iterable[str] = ()) -> None:
        """Forget the pictures of a device, `but` for these keys."""
        row = last_pictures.c
        await self._connection.execute(delete(last_pictures).where(row.device == device, row.key.not_in(list(but))))

    async def stop(self, numbers: Sequence[str]) -> None:
        """These devices leave no pictures any more."""
        if numbers:
            await self._connection.execute(delete(last_pictures).where(last_pictures.c.device.in_(numbers)))

    async def forget(self, now: int, among: Sequence[str] | None = None) -> None:
        """Drop keys that have expired, and pictures for who may not look any more: of these devices; None: of all."""
        await self._connection.execute(delete(picture_keys).where(picture_keys.c.expires <= now))
        pictured: ColumnElement[bool] = devices.c.number.in_(select(last_pictures.c.device))
        if among is not None:
            pictured &= devices.c.number.in_(list(among))
        for device in await Devices(self._connection).some(pictured, 100_000):
            await self.drop(device.number, {reader.key for reader in await self.readers(device, now)})


def _same(device: str, key: str) -> ColumnElement[bool]:
    return (last_pictures.c.device == device) & (last_pictures.c.key == key)
