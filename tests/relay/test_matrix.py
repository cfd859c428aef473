"""The matrix and plans over the API, and how the relay stands, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import insert, select

from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.rights.effective import OWNER
from avl_protocol.rights.statements import Policy, sign
from avl_protocol.wire.registry import PRESETS, Permission
from avl_relay.api.devices import DeviceList, Place
from avl_relay.api.grants import GrantList
from avl_relay.api.groups import GroupList
from avl_relay.api.health import Health
from avl_relay.api.identity import Role
from avl_relay.api.matrix import COUNTED, Matrix
from avl_relay.api.operations import Resource
from avl_relay.api.statements import StatementList
from avl_relay.live import Live
from avl_relay.store.engine import Store
from avl_relay.store.tables import grants, people
from tests.relay.apis import BEGUN, Desk, Hands, who
from tests.relay.owners import ROLES, granted, jti, key, number, person, policy, revoked, settle_in

DESK, SHED, LAB = "desk", "shed", "lab"
VIEWER, OPERATOR = int(PRESETS["VIEWER"]), int(PRESETS["OPERATOR"])


class Sick:
    """An audit log that can't be written."""

    trouble, refuses = "the disk is full", True


async def plane() -> dict[str, Any]:
    """How a relay stands."""
    return {"version": "1", "ready": True, "sessions": 3, "drops": {"no session": 4}}


@pytest.fixture
async def office(store: Store) -> AsyncIterator[Desk]:
    await settle_in(store, (DESK, "ada"), (SHED, "ada"), (LAB, "ben"))
    clock = Hands()
    live = Live(wall=clock.wall)
    statements = StatementList(live, entropy=entropy)
    resources: list[Resource] = [
        DeviceList(live, place=lambda: Place(relay="relay.test:4433", pin="p"), entropy=entropy),
        GroupList(live, entropy=entropy),
        statements,
        GrantList(live, statements),
        Matrix(),
        Health(plane, Sick()),
    ]
    asking = {name: who(person(name), Role(role)) for name, role in ROLES.items()}
    made = Desk(resources, store, asking, clock)
    yield made
    await made.close()


def aud(name: str) -> str:
    return f"device:{number(name)}"


def cells(names: tuple[str, ...], places: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"person": person(name), "audience": aud(place)} for name in names for place in places]


async def keep(office: Desk, by: str, name: str, holder: str, **more: Any) -> None:
    chain = {"chain": [granted(by, name, holder, **more)]}
    answer = await office.ask(by, "POST", "/grants", chain)
    assert answer.status_code == 201, answer.text


async def matrix(office: Desk, query: str = "") -> dict[str, Any]:
    answer = await office.ask("adm", "GET", f"/matrix{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def cell(told: dict[str, Any], row: str, column: str) -> dict[str, Any]:
    """What a matrix says of somebody somewhere, by their names."""
    at = [one["name"] for one in told["columns"]].index(column)
    return next(one for one in told["items"] if one["name"] == row)["cells"][at]  # type: ignore[no-any-return]


async def test_the_matrix_names_the_rule_behind_each_cell(office: Desk) -> None:
    await office.ask("ada", "POST", "/statements", {"token": policy("ada", 1, aud(DESK), ("garden",))})
    await keep(office, "ada", "one", "eve", aud="group:garden", permissions=PRESETS["OPERATOR"])
    limit = sign(key("ada"), Policy(audience="group:garden", sequence=1, permissions=PRESETS["VIEWER"]))
    assert (await office.ask("ada", "POST", "/statements", {"token": limit})).status_code == 201
    told = await matrix(office)
    found = cell(told, "Eve", DESK)
    assert found["every"] == found["some"] == VIEWER
    rules = [told["rules"][name] for name in found["rules"]]
    assert [(one["kind"], one["audience"], one["permissions"]) for one in rules] == [
        ("grant", "group:garden", OPERATOR),
        ("limit", "group:garden", VIEWER),
    ]
    assert rules[0]["id"] == jti("one") and rules[0]["expires"] == BEGUN + 3600
    assert cell(told, "Eve", SHED) == {"every": 0, "some": 0, "rules": []}
    assert cell(told, "Ada", SHED)["rules"] == ["owner"] and cell(told, "Ada", SHED)["every"] == int(OWNER)
    assert cell(told, "Ada", LAB)["every"] == 0


async def test_what_is_over_taken_back_or_epoched_counts_for_nothing(office: Desk) -> None:
    await keep(office, "ada", "one", "eve", aud=aud(DESK))
    await keep(office, "ada", "two", "eve", aud=aud(SHED), expires=BEGUN + 60)
    told = await matrix(office)
    assert cell(told, "Eve", DESK)["every"] and cell(told, "Eve", SHED)["every"]
    taken = {"revocation": revoked("ada", 1, "one")}
    assert (await office.ask("ada", "DELETE", f"/grants/{jti('one')}", taken)).status_code == 204
    office.clock.now += 61
    told = await matrix(office)
    assert cell(told, "Eve", DESK)["every"] == cell(told, "Eve", SHED)["every"] == 0


async def test_what_stands_on_a_grant_that_was_taken_back_is_gone_with_it(office: Desk, store: Store) -> None:
    first = granted("ada", "first", "ben", aud=aud(DESK), permissions=Permission.VIEW | Permission.DELEGATE)
    assert (await office.ask("ada", "POST", "/grants", {"chain": [first]})).status_code == 201
    second = granted("ben", "second", "eve", aud=aud(DESK), parent=first)
    assert (await office.ask("ben", "POST", "/grants", {"chain": [first, second]})).status_code == 201
    assert cell(await matrix(office), "Eve", DESK)["every"] == int(Permission.VIEW)
    await office.ask("ada", "DELETE", f"/grants/{jti('first')}", {"revocation": revoked("ada", 1, "first")})
    async with store.reading() as db:
        left = (await db.execute(select(grants.c.jti).where(grants.c.revoked.is_(None)))).scalars().all()
    assert left == [jti("second")] and cell(await matrix(office), "Eve", DESK)["every"] == 0


async def test_groups_are_rows_and_columns_too(office: Desk) -> None:
    made = (await office.ask("adm", "POST", "/groups", {"kind": "people", "name": "family"})).json()
    for name in ("eve", "ben"):
        await office.ask("adm", "PUT", f"/groups/{made['id']}/members/{person(name)}")
    for name in (DESK, SHED):
        await office.ask("ada", "POST", "/statements", {"token": policy("ada", 1, aud(name), ("garden",))})
    await keep(office, "ada", "one", "eve", aud=aud(DESK), permissions=PRESETS["OPERATOR"])
    await keep(office, "ada", "two", "ben", aud="group:garden")
    told = await matrix(office, "?rows_are=groups")
    found = cell(told, "family", DESK)
    assert found["every"] == int(Permission.VIEW) and found["some"] == OPERATOR and len(found["rules"]) == 2
    told = await matrix(office, "?rows_are=groups&columns_are=groups")
    assert [one["audience"] for one in told["columns"]] == ["group:garden"]
    assert cell(told, "family", "garden")["every"] == 0 and told["columns"][0]["size"] == 2
    told = await matrix(office, f"?people={made['id']}&devices=garden")
    assert [one["name"] for one in told["items"]] == ["Ben", "Eve"]
    assert [one["name"] for one in told["columns"]] == [DESK, SHED]


async def test_the_matrix_is_turned_page_by_page_both_ways(office: Desk, store: Store) -> None:
    async with store.writing() as db:
        rows = [
            {
                "id": person(f"p{at}"),
                "login": f"p{at}",
                "name": f"P{at:03}",
                "role": "member",
                "state": "active",
                "created": 1,
            }
            for at in range(COUNTED + 10)
        ]
        await db.execute(insert(people), rows)
    seen, after = [], ""
    while True:
        told = await matrix(office, f"?limit=20&columns=2{after}")
        seen += [one["name"] for one in told["items"]]
        if told["next"] is None:
            break
        after = f"&after={told['next']}"
    assert len(seen) == len(set(seen)) == COUNTED + 10 + len(ROLES)
    second = await matrix(office, f"?columns=2&across={told['next_column']}")
    assert [one["name"] for one in told["columns"]] == [DESK, LAB]
    assert [one["name"] for one in second["columns"]] == [SHED] and second["next_column"] is None
    assert [one["name"] for one in (await matrix(office, "?person=P00&device=la"))["items"]][:2] == ["P000", "P001"]


async def test_a_plan_changes_nothing_and_says_who_signs_what(office: Desk) -> None:
    await keep(office, "ada", "one", "eve", aud=aud(DESK), permissions=PRESETS["OPERATOR"])
    body = {
        "cells": cells(("eve", "ada"), (DESK, LAB)),
        "permissions": VIEWER,
        "expires": BEGUN + 60,
    }
    before = await matrix(office)
    answer = await office.ask("adm", "POST", "/matrix/plan", body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert await matrix(office) == before
    signed = {one["name"]: one for one in told["sign"]}
    assert signed["Ada"]["revoke"] == [jti("one")] and signed["Ada"]["give"][0]["audience"] == aud(DESK)
    assert [one["person"] for one in signed["Ben"]["give"]] == [person("eve"), person("ada")]
    assert told["refused"] == [{"person": person("ada"), "audience": aud(DESK), "why": "owner"}]
    effects = {(one["name"], one["device_name"]): (one["before"], one["after"]) for one in told["changes"]}
    assert effects == {("Eve", DESK): (OPERATOR, VIEWER), ("Eve", LAB): (0, VIEWER), ("Ada", LAB): (0, VIEWER)}


async def test_a_plan_says_what_a_grant_for_a_group_leaves(office: Desk) -> None:
    await office.ask("ada", "POST", "/statements", {"token": policy("ada", 1, aud(DESK), ("garden",))})
    await keep(office, "ada", "one", "eve", aud="group:garden", permissions=PRESETS["OPERATOR"])
    body = {"cells": cells(("eve",), (DESK,)), "permissions": 0}
    told = (await office.ask("adm", "POST", "/matrix/plan", body)).json()
    assert told["sign"] == [] and told["changes"] == []
    assert told["left"] == [{"person": person("eve"), "device": number(DESK), "permissions": OPERATOR}]


async def test_a_limit_is_planned_for_everybody_who_may_anything_there(office: Desk) -> None:
    await keep(office, "ada", "one", "eve", aud=aud(DESK), permissions=PRESETS["OPERATOR"])
    body = {"limits": [aud(DESK)], "permissions": VIEWER}
    told = (await office.ask("adm", "POST", "/matrix/plan", body)).json()
    assert told["sign"][0]["limit"] == [{"audience": aud(DESK), "permissions": VIEWER}]
    assert {(one["name"], one["after"]) for one in told["changes"]} == {("Ada", VIEWER), ("Eve", VIEWER)}


@pytest.mark.parametrize(
    "body",
    [
        {"limits": ["device:x"], "permissions": 1},
        {"permissions": 1},
        {"cells": [{"person": person("eve"), "audience": aud(DESK)}], "permissions": 1},
        {"cells": [{"person": person("eve"), "audience": aud(DESK)}], "permissions": 1, "expires": BEGUN},
        {"cells": [], "permissions": 0},
        {"cells": [{"person": person("eve"), "audience": aud(DESK)}], "limits": [aud(DESK)], "permissions": 0},
        {"limits": [aud(DESK)], "permissions": 1 << 40},
    ],
)
async def test_what_is_no_wish_is_refused(office: Desk, body: Any) -> None:
    assert (await office.ask("adm", "POST", "/matrix/plan", body)).status_code == 422


async def test_health_says_how_relay_database_and_log_stand(office: Desk) -> None:
    told = (await office.ask("adm", "GET", "/health")).json()
    assert told["now"] == BEGUN and told["plane"]["drops"] == {"no session": 4}
    assert told["database"]["kind"] in ("sqlite", "postgresql") and told["database"]["bytes"] > 0
    assert told["database"]["version"] and told["audit"] == {"trouble": "the disk is full", "refuses": True}
    assert told["kept"]["devices"] == 3 and told["kept"]["people"] == len(ROLES)


async def test_matrix_and_health_are_for_who_administers(office: Desk) -> None:
    for method, path, body in (("GET", "/matrix", None), ("GET", "/health", None), ("POST", "/matrix/plan", {})):
        for name, status in (("eve", 403), (None, 401)):
            assert (await office.ask(name, method, path, body)).status_code == status
