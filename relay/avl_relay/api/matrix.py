"""Matrix: who may what where, each cell with the rules that give it; and what a change would do before it is signed.

For who administers the relay. The relay changes none of it: what a plan names, owners' keys sign (spec 11).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from avl_protocol.rights.effective import OWNER
from avl_protocol.wire.registry import Permission
from avl_relay.api.lists import MOST, beyond, cursor, position
from avl_relay.api.operations import Answer, Call, Operation, Transaction, Who
from avl_relay.api.shapes import (
    IDENTIFIER,
    NUMBER,
    SECONDS,
    THUMBPRINT,
    Anything,
    Choice,
    Described,
    Flag,
    Many,
    Perhaps,
    Record,
    Text,
    Whole,
    answer,
    invalid,
)
from avl_relay.permitted.plan import Change, Plan, Signature, Wish, changes, plan
from avl_relay.permitted.rules import Both, Kind, Rule, Rules
from avl_relay.store.devices import ACTIVE, Device, Devices, in_groups, matching
from avl_relay.store.groups import DEVICES, PEOPLE, Group, Groups
from avl_relay.store.people import People, Somebody
from avl_relay.store.rules import holders_of, rules_about
from avl_relay.store.tables import devices, groups, people

#: Rows and columns of one answer, and members of a group that are looked at for it.
USUAL_ROWS, USUAL_COLUMNS, MOST_COLUMNS, COUNTED = 50, 12, 50, 50
#: Rows of an answer where they or its columns are groups: each stands for many.
MOST_GROUPS = 20
#: Cells and audiences of one wish; devices that it may concern; cells that an answer names.
MOST_CELLS, MOST_WISHED, CONCERNED, TOLD = 500, 100, 500, 500
AUDIENCE = Text(7, 256, r"device:[0-9A-HJKMNP-TV-Z]{28}|group:.{1,64}", "device:NUMBER or group:NAME is expected")
PERMISSIONS = Whole(0, int(OWNER))
_CURSOR = Text(1, 1024, "[A-Za-z0-9_-]+", "what an earlier answer named is expected")
CELL = answer({"every": PERMISSIONS, "some": PERMISSIONS, "rules": Many(Text(5, 32), 1 << 20)})
HEADER: Mapping[str, Any] = {"kind": Choice(("person", "device", "group")), "id": Text(1, 28), "name": Text(0, 128)}
_GROUP = {"size": Whole(0, 1 << 53), "counted": Whole(0, COUNTED)}
ROW = answer(
    {**HEADER, "cells": Many(CELL, MOST_COLUMNS)},
    {"login": Text(1, 128), "state": Text(1, 16), "key": Flag(), **_GROUP},
)
COLUMN = answer({**HEADER, "audience": AUDIENCE}, {"owner": IDENTIFIER, "owner_name": Text(0, 128), **_GROUP})
GIVES = answer({"audience": AUDIENCE, "person": IDENTIFIER, "permissions": PERMISSIONS, "expires": SECONDS})
LIMITS = answer({"audience": AUDIENCE, "permissions": PERMISSIONS})
SIGNATURE = answer(
    {
        "key": THUMBPRINT,
        "person": IDENTIFIER,
        "name": Text(0, 128),
        "revoke": Many(IDENTIFIER, 1 << 20),
        "give": Many(GIVES, 1 << 20),
        "limit": Many(LIMITS, 1 << 20),
    }
)
PLANNED = answer(
    {
        "changes": Many(
            answer(
                {
                    "person": IDENTIFIER,
                    "name": Text(0, 128),
                    "device": NUMBER,
                    "device_name": Text(0, 128),
                    "before": PERMISSIONS,
                    "after": PERMISSIONS,
                }
            ),
            TOLD,
        ),
        "more": Whole(0, 1 << 53),
        "left": Many(answer({"person": IDENTIFIER, "device": NUMBER, "permissions": PERMISSIONS}), TOLD),
        "sign": Many(SIGNATURE, MOST_WISHED),
        "refused": Many(
            answer({"person": Text(0, 22), "audience": AUDIENCE, "why": Choice(("owner", "no-key", "nobody"))}),
            1 << 20,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """A row or a column: how it is shown, and whom it stands for: people or devices."""

    shown: dict[str, Any]
    members: tuple[str, ...]


class Matrix:
    """The resource."""

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="GET",
                path="/matrix",
                handler=self.shown,
                summary="Who may what where, as far as this relay knows, and by which rules",
                who=Who.ADMIN,
                query={
                    "after": _CURSOR,
                    "limit": Whole(1, MOST, USUAL_ROWS),
                    "across": _CURSOR,
                    "columns": Whole(1, MOST_COLUMNS, USUAL_COLUMNS),
                    "rows_are": Choice(("people", "groups")),
                    "columns_are": Choice(("devices", "groups")),
                    "people": IDENTIFIER,
                    "devices": Text(1, 128),
                    "person": Text(1, 128),
                    "device": Text(1, 128),
                },
                answers=_matrix(),
            ),
            Operation(
                method="POST",
                path="/matrix/plan",
                handler=self.planned,
                summary="What owners would have to sign for a change, and what it would do; nothing is changed",
                who=Who.ADMIN,
                transaction=Transaction.READS,
                body=Record(
                    {"permissions": PERMISSIONS},
                    {
                        "cells": Many(Record({"person": IDENTIFIER, "audience": AUDIENCE}), MOST_CELLS, 1),
                        "limits": Many(AUDIENCE, MOST_WISHED, 1),
                        "expires": SECONDS,
                    },
                ),
                answers=PLANNED,
            ),
        )

    async def shown(self, call: Call) -> Answer:
        """GET /matrix."""
        asked = call.query
        many = "groups" in (asked.get("rows_are"), asked.get("columns_are"))
        rows, after = await self._rows(call, min(asked["limit"], MOST_GROUPS) if many else asked["limit"])
        columns, across = await self._columns(call, min(asked["columns"], MOST_GROUPS) if many else asked["columns"])
        who = sorted({one for row in rows for one in row.members})
        where = sorted({one for column in columns for one in column.members})
        rules = await rules_about(call.db, where, call.now, people=who)
        found = await asyncio.to_thread(_cells, rules, rows, columns)
        named = {rule for line in found for cell in line for rule in cell.rules}
        items = [{**row.shown, "cells": [_cell(one) for one in line]} for row, line in zip(rows, found, strict=True)]
        return Answer(
            {
                "items": items,
                "next": after,
                "columns": [column.shown for column in columns],
                "next_column": across,
                "rules": _named(rules, named),
            }
        )

    async def planned(self, call: Call) -> Answer:
        """POST /matrix/plan."""
        wish = _wish(call)
        where = await _devices_of(call, wish.audiences)
        concerned = await holders_of(call.db, where, call.now) if wish.limits else wish.people
        rules = await rules_about(call.db, where, call.now, people=concerned)
        known = {one.id: one for one in await People(call.db).some(people.c.id.in_(concerned), len(concerned) or 1)}
        made = plan(rules, wish, [one.id for one in known.values() if one.jwk is not None])
        changed = await asyncio.to_thread(changes, rules, made.after, concerned)
        return Answer(await self._told(call, wish, made, changed, known))

    async def _told(
        self, call: Call, wish: Wish, made: Plan, changed: Sequence[Change], known: Mapping[str, Somebody]
    ) -> dict[str, Any]:
        owners = {one.person for one in made.signatures}
        names = {one.id: one.name for one in known.values()}
        names |= {one.id: one.name for one in await People(call.db).some(people.c.id.in_(owners), len(owners) or 1)}
        told = changed[:TOLD]
        numbers = sorted({one.device for one in told})
        found = await Devices(call.db).some(devices.c.number.in_(numbers), len(numbers) or 1)
        called = {one.number: one.name for one in found}
        return {
            "changes": [
                {
                    "person": one.person,
                    "name": names.get(one.person, ""),
                    "device": one.device,
                    "device_name": called.get(one.device, ""),
                    "before": int(one.before),
                    "after": int(one.after),
                }
                for one in told
            ],
            "more": len(changed) - len(told),
            "left": _left(made, wish),
            "sign": [_signature(one, names.get(one.person, "")) for one in made.signatures],
            "refused": [{"person": one.person, "audience": one.audience, "why": one.why} for one in made.refused],
        }

    async def _rows(self, call: Call, limit: int) -> tuple[list[Line], str | None]:
        asked = call.query
        if asked.get("rows_are") == "groups":
            return await self._groups(call, PEOPLE, asked.get("after"), asked.get("person"), limit)
        row, conditions = people.c, list[ColumnElement[bool]]()
        if "people" in asked:
            conditions.append(row.id.in_(await Groups(call.db).members(asked["people"])))
        if "person" in asked:
            text = asked["person"].lower()
            named = (func.lower(row.name).contains(text, autoescape=True), row.login.contains(text, autoescape=True))
            conditions.append(or_(*named))
        if "after" in asked:
            conditions.append(beyond((row.name, row.id), position(asked["after"], str, str)))
        found = await People(call.db).some(and_(*conditions) if conditions else None, limit + 1)
        lines = [Line(_person(one), (one.id,)) for one in found[:limit]]
        return lines, cursor((found[limit - 1].name, found[limit - 1].id)) if len(found) > limit else None

    async def _columns(self, call: Call, limit: int) -> tuple[list[Line], str | None]:
        asked = call.query
        if asked.get("columns_are") == "groups":
            return await self._groups(call, DEVICES, asked.get("across"), asked.get("device"), limit)
        row = devices.c
        conditions: list[ColumnElement[bool]] = [row.state == ACTIVE]
        if "devices" in asked:
            conditions.append(row.number.in_(in_groups([asked["devices"]])))
        if "device" in asked:
            conditions.append(matching(asked["device"]))
        if "across" in asked:
            conditions.append(beyond((row.name, row.number), position(asked["across"], str, str)))
        found = await Devices(call.db).some(and_(*conditions), limit + 1)
        owners = sorted({one.owner for one in found})
        names = {one.id: one.name for one in await People(call.db).some(people.c.id.in_(owners), len(owners) or 1)}
        lines = [Line(_device(one, names.get(one.owner, "")), (one.number,)) for one in found[:limit]]
        return lines, cursor((found[limit - 1].name, found[limit - 1].number)) if len(found) > limit else None

    async def _groups(
        self, call: Call, kind: str, after: str | None, text: str | None, limit: int
    ) -> tuple[list[Line], str | None]:
        row = groups.c
        conditions: list[ColumnElement[bool]] = [row.kind == kind]
        if text is not None:
            conditions.append(func.lower(row.name).contains(text.lower(), autoescape=True))
        if after is not None:
            conditions.append(beyond((row.name, row.id), position(after, str, str)))
        found = await Groups(call.db).some(and_(*conditions), limit + 1)
        lines = []
        for one in found[:limit]:
            members = tuple((await Groups(call.db).members(one.id))[:COUNTED])
            lines.append(Line(_group(one, len(members)), members))
        return lines, cursor((found[limit - 1].name, found[limit - 1].id)) if len(found) > limit else None


def _wish(call: Call) -> Wish:
    body = call.body
    cells, limits, expires = body.get("cells", ()), body.get("limits", ()), body.get("expires", 0)
    if bool(cells) == bool(limits):
        raise invalid("", "either cells or limits are expected")
    if cells and body["permissions"] and expires <= call.now:
        raise invalid("/expires", "a time to come is expected")
    return Wish(
        permissions=Permission(body["permissions"]),
        cells=tuple(dict.fromkeys((one["person"], one["audience"]) for one in cells)),
        expires=expires,
        limits=tuple(dict.fromkeys(limits)),
    )


async def _devices_of(call: Call, audiences: Sequence[str]) -> list[str]:
    """The numbers of the devices that these audiences name. Raises Problem for more than can be looked at."""
    numbers = [one.removeprefix("device:") for one in audiences if one.startswith("device:")]
    names = [one.removeprefix("group:") for one in audiences if one.startswith("group:")]
    meant = or_(devices.c.number.in_(numbers), devices.c.number.in_(in_groups(names)))
    chosen = select(devices.c.number).where(meant, devices.c.state == ACTIVE).order_by(devices.c.number)
    found = list((await call.db.execute(chosen.limit(CONCERNED + 1))).scalars())
    if len(found) > CONCERNED:
        raise invalid("/audiences", f"these are more than {CONCERNED} devices: name fewer at once")
    return found


def _cells(rules: Rules, rows: Sequence[Line], columns: Sequence[Line]) -> list[list[Both]]:
    return [[rules.both(row.members, column.members) for column in columns] for row in rows]


def _left(made: Plan, wish: Wish) -> list[dict[str, Any]]:
    """Where somebody would have more than was wished, by a grant for another audience."""
    left: dict[tuple[str, str], int] = {}
    for person, audience in wish.cells:
        for place in made.after.at(audience):
            may = made.after.cell(person, place.number).permissions
            if place.owner != person and may & ~wish.permissions:
                left[person, place.number] = int(may)
    told = [{"person": who, "device": where, "permissions": may} for (who, where), may in left.items()]
    return told[:TOLD]


def _rule(rule: Rule) -> str:
    kind, name = rule
    return kind.value if kind is Kind.OWNER else f"{kind.value}:{name}"


def _named(rules: Rules, wanted: set[Rule]) -> dict[str, Any]:
    """What rules say that cells name."""
    told: dict[str, Any] = {}
    if (Kind.OWNER, "") in wanted:
        told["owner"] = {"kind": "owner", "id": "", "audience": "", "permissions": int(OWNER)}
    for given in rules.given:
        if (rule := (Kind.GRANT, given.id)) in wanted:
            told[_rule(rule)] = {
                "kind": "grant",
                "id": given.id,
                "audience": given.audience,
                "permissions": int(given.permissions),
                "person": given.person,
                "role": given.role,
                "expires": given.expires,
                "limited": given.limited,
            }
    for limit in rules.limits:
        if (rule := (Kind.LIMIT, limit.id)) in wanted:
            told[_rule(rule)] = {
                "kind": "limit",
                "id": limit.id,
                "audience": limit.audience,
                "permissions": int(limit.permissions & OWNER),
            }
    return told


def _cell(one: Both) -> dict[str, Any]:
    return {"every": int(one.every), "some": int(one.some), "rules": [_rule(rule) for rule in one.rules]}


def _person(one: Somebody) -> dict[str, Any]:
    known = {"login": one.login, "state": one.state, "key": one.key is not None}
    return {"kind": "person", "id": one.id, "name": one.name, **known}


def _device(one: Device, owner: str) -> dict[str, Any]:
    shown = {"kind": "device", "id": one.number, "name": one.name, "audience": f"device:{one.number}"}
    return {**shown, "owner": one.owner, "owner_name": owner}


def _group(one: Group, counted: int) -> dict[str, Any]:
    shown = {"kind": "group", "id": one.id, "name": one.name, "size": one.size, "counted": counted}
    return {**shown, "audience": f"group:{one.name}"} if one.kind == DEVICES else shown


def _signature(one: Signature, name: str) -> dict[str, Any]:
    return {
        "key": one.key,
        "person": one.person,
        "name": name,
        "revoke": one.revoke,
        "give": [
            {
                "audience": given.audience,
                "person": given.person,
                "permissions": int(given.permissions),
                "expires": given.expires,
            }
            for given in one.give
        ],
        "limit": [{"audience": limit.audience, "permissions": int(limit.permissions)} for limit in one.limit],
    }


def _matrix() -> Described:
    """The shape of the matrix."""
    return answer(
        {
            "items": Many(ROW, MOST),
            "next": Perhaps(Text(1, 1024)),
            "columns": Many(COLUMN, MOST_COLUMNS),
            "next_column": Perhaps(Text(1, 1024)),
            "rules": Anything(
                "rules by their names in cells: kind, id, audience, permissions, and of a grant its terms"
            ),
        }
    )
