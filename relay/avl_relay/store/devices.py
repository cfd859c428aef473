"""Devices as their people know them: enrolled hosts, with names, groups and labels, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    bindparam,
    delete,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.cleaning import clean
from avl_relay.store.tables import devices, groups, labels, members

ACTIVE, REVOKED = "active", "revoked"
#: Groups and labels of one device.
MOST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device. `reported`, `software` and `system` are the host's own words, cleaned; times are unix seconds."""

    number: str
    name: str
    reported: str
    owner: str
    owner_key: Mapping[str, Any]
    owner_thumbprint: str
    software: str
    system: str
    state: str
    enrolled: int
    seen: int | None
    groups: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a host says of itself, or None: nothing new. `seen`: when it was heard, unix seconds."""

    number: str
    seen: int
    reported: str | None = None
    software: str | None = None
    system: str | None = None


class Devices:
    """Within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def one(self, number: str) -> Device | None:
        """The device of this number."""
        found = await self._with_groups(
            (await self._connection.execute(select(devices).where(devices.c.number == number))).mappings().all()
        )
        return found[0] if found else None

    async def some(self, condition: ColumnElement[bool] | None, limit: int) -> list[Device]:
        """Devices in the order of name and number."""
        chosen = select(devices).order_by(devices.c.name, devices.c.number).limit(limit)
        if condition is not None:
            chosen = chosen.where(condition)
        return await self._with_groups((await self._connection.execute(chosen)).mappings().all())

    async def states(self) -> dict[str, str]:
        """The state of every device by its number."""
        rows = await self._connection.execute(select(devices.c.number, devices.c.state))
        return {row.number: row.state for row in rows}

    async def of_owner(self, thumbprint: str) -> list[str]:
        """The devices that have pinned this key."""
        chosen = select(devices.c.number).where(devices.c.owner_thumbprint == thumbprint, devices.c.state == ACTIVE)
        return list((await self._connection.execute(chosen)).scalars())

    async def in_group(self, name: str) -> list[str]:
        """The devices of a group."""
        return list((await self._connection.execute(in_groups([name]))).scalars())

    async def enrol(
        self, *, number: str, name: str, owner: str, owner_key: Mapping[str, Any], owner_thumbprint: str, now: int
    ) -> None:
        """A device whose host has pinned this owner from now on, whatever was known of it before."""
        name = clean(name) or number
        before = (
            await self._connection.execute(
                select(devices.c.reported, devices.c.software, devices.c.system).where(devices.c.number == number)
            )
        ).first()
        values = {
            "name": name,
            "search": _search(name, "" if before is None else before.reported),
            "owner": owner,
            "owner_key": dict(owner_key),
            "owner_thumbprint": owner_thumbprint,
            "state": ACTIVE,
            "enrolled": now,
        }
        if before is not None:
            await self._connection.execute(update(devices).where(devices.c.number == number).values(values))
        else:
            own = {"number": number, "reported": "", "software": "", "system": ""}
            await self._connection.execute(insert(devices).values({**values, **own}))

    async def rename(self, device: Device, name: str) -> None:
        """Another name."""
        values = {"name": name, "search": _search(name, device.reported)}
        await self._connection.execute(update(devices).where(devices.c.number == device.number).values(values))

    async def set_state(self, number: str, state: str) -> None:
        """Active or revoked."""
        await self._connection.execute(update(devices).where(devices.c.number == number).values(state=state))

    async def remove(self, number: str) -> None:
        """Nothing is known of it any more."""
        await self._connection.execute(delete(members).where(members.c.member == number))
        await self._connection.execute(delete(devices).where(devices.c.number == number))

    async def set_labels(self, number: str, wanted: Iterable[str]) -> None:
        """These labels and no others."""
        await self._connection.execute(delete(labels).where(labels.c.device == number))
        rows = [{"device": number, "label": label} for label in dict.fromkeys(wanted)]
        if rows:
            await self._connection.execute(insert(labels), rows)

    async def report(self, reports: Sequence[Report]) -> None:
        """Take what hosts say of themselves; of devices that nobody has enrolled nothing is kept."""
        seen = [{"which": one.number, "at": one.seen} for one in reports]
        if seen:
            at_once = update(devices).where(devices.c.number == bindparam("which")).values(seen=bindparam("at"))
            await self._connection.execute(at_once, seen)
        for one in reports:
            said = {"reported": one.reported, "software": one.software, "system": one.system}
            values = {column: clean(text) for column, text in said.items() if text is not None}
            if not values:
                continue
            if "reported" in values:
                name = await self._connection.scalar(select(devices.c.name).where(devices.c.number == one.number))
                values["search"] = _search(name or "", values["reported"])
            await self._connection.execute(update(devices).where(devices.c.number == one.number).values(values))

    async def _with_groups(self, rows: Sequence[RowMapping]) -> list[Device]:
        numbers = [row["number"] for row in rows]
        in_group: dict[str, list[str]] = {}
        of_label: dict[str, list[str]] = {}
        if numbers:
            of_group = (
                select(members.c.member, groups.c.name, literal(True).label("grouped"))
                .join(groups, groups.c.id == members.c.group)
                .where(members.c.member.in_(numbers), groups.c.kind == "devices")
            )
            found = select(labels.c.device, labels.c.label, literal(False)).where(labels.c.device.in_(numbers))
            for number, name, grouped in sorted(await self._connection.execute(union_all(of_group, found))):
                (in_group if grouped else of_label).setdefault(number, []).append(name)
        return [
            Device(
                groups=tuple(in_group.get(row["number"], ())),
                labels=tuple(of_label.get(row["number"], ())),
                **{name: value for name, value in row.items() if name != "search"},
            )
            for row in rows
        ]


def in_groups(names: Sequence[str]) -> Any:
    """The numbers of devices in any of these groups, as a query."""
    return (
        select(members.c.member)
        .join(groups, groups.c.id == members.c.group)
        .where(groups.c.kind == "devices", groups.c.name.in_(names))
    )


def labelled(label: str) -> ColumnElement[bool]:
    """The condition for devices that have a label."""
    return devices.c.number.in_(select(labels.c.device).where(labels.c.label == label))


def matching(text: str) -> ColumnElement[bool]:
    """The condition for devices whose name, number or own name has this text in it."""
    return or_(
        devices.c.search.contains(text.lower(), autoescape=True),
        devices.c.number.startswith(text.upper().replace("-", ""), autoescape=True),
    )


def _search(*names: str) -> str:
    return "\n".join(name.lower() for name in names)[:512]
