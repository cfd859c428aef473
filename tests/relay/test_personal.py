"""What is kept of a person: exported for her, and gone with her."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from avl_protocol.rights import jws
from avl_relay.api.identity import Role
from avl_relay.api.operations import Resource
from avl_relay.api.people import PeopleList
from avl_relay.api.personal import PersonalData
from avl_relay.live import Live
from avl_relay.store.engine import Store, database_url
from avl_relay.store.personal import TOLD
from avl_relay.store.tables import (
    METADATA,
    factors,
    groups,
    idempotency,
    known_browsers,
    members,
    people,
    sessions,
    statements,
)
from tests.relay.apis import BEGUN, Desk, Hands, who
from tests.relay.owners import ROLES, key, person, settle_in

#: Tables with people in them that are not exported: what waits for minutes, and what only joins others.
WAITS = {"challenges", "idempotency", "attachments", "members", "labels"}
SECRET = "never-shown"


def names(role: str) -> list[str]:
    return [name for name, has in ROLES.items() if has == role]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = Store(database_url(None, tmp_path))
    await made.open()
    await settle_in(made)
    yield made
    await made.close()


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[Desk]:
    known = {name: who(person(name), Role(role)) for name, role in ROLES.items()}
    old = {f"old-{name}": who(person(name), Role(role), mfa_at=BEGUN - 3600) for name, role in ROLES.items()}
    live = Live(wall=lambda: float(BEGUN))
    resources: list[Resource] = [PersonalData(), PeopleList(live, page=lambda: "", entropy=bytes)]
    made = Desk(resources, store, known | old, Hands())
    yield made
    await made.close()


async def fill(store: Store, name: str) -> None:
    """Something of many kinds, each with a secret."""
    whose, when = person(name), {"created": BEGUN}
    thumbprint = ""
    async with store.writing() as db:
        rows: list[tuple[Any, dict[str, Any]]] = [
            (factors, {"id": "f" * 22, "person": whose, "kind": "totp", "name": "phone", "confirmed": True}),
            (sessions, {"hash": SECRET, "person": whose, "id": "s" * 22, "stage": "whole", "agent": "Firefox"}),
            (known_browsers, {"hash": SECRET, "person": whose}),
            (groups, {"id": "g" * 22, "kind": "people", "name": "those"}),
            (members, {"group": "g" * 22, "member": whose}),
            (idempotency, {"key": "k", "person": whose, "request_hash": SECRET, "status": 201, "body": {"x": whose}}),
            (idempotency, {"key": "l", "person": person(names("owner")[0]), "request_hash": "", "status": 201}),
        ]
        rows[0][1].update(data={"secret": SECRET}, key=SECRET)
        rows[1][1].update(proofs="", proved=BEGUN, seen=BEGUN)
        rows[2][1].update(seen=BEGUN)
        rows[6][1].update(body={"person": {"id": whose}})
        for table, values in rows:
            await db.execute(insert(table).values(**values, **({} if table is members else when)))
        thumbprint = jws.thumbprint(key(name).public)
        signed = {"id": "t" * 22, "kind": "policy", "aud": "device:x", "iss": thumbprint, "seq": 1, "token": "a.b.c"}
        await db.execute(insert(statements).values(**signed, **when))


async def test_a_person_has_all_that_is_kept_of_her_and_no_secrets(desk: Desk, store: Store) -> None:
    name = names("member")[0]
    await fill(store, name)
    answer = await desk.ask(name, "GET", f"/people/{person(name)}/export")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    data = answer.json()["data"]
    assert set(data) == {table.name for table in TOLD}
    assert data["people"][0]["login"] == name and data["sessions"][0]["agent"] == "Firefox"
    assert [len(data[table]) for table in ("factors", "known_browsers", "groups", "person_keys", "statements")] == [
        1
    ] * 5
    assert SECRET not in answer.text


async def test_only_she_and_who_administers_the_relay_has_it(desk: Desk) -> None:
    member, other = names("member")[:2]
    owner, admin = names("owner")[0], names("admin")[0]
    for asks, of, status in (
        (other, member, 404),
        (admin, member, 200),
        (admin, owner, 403),
        (owner, admin, 200),
        (f"old-{member}", member, 403),
        (None, member, 401),
    ):
        answer = await desk.ask(asks, "GET", f"/people/{person(of)}/export")
        assert answer.status_code == status, (asks, of, answer.text)


async def test_nothing_of_a_person_stays_when_she_is_deleted(desk: Desk, store: Store) -> None:
    name = names("member")[0]
    await fill(store, name)
    assert (await desk.ask(names("owner")[0], "DELETE", f"/people/{person(name)}")).status_code == 204
    hers = (person(name), jws.thumbprint(key(name).public))
    async with store.reading() as db:
        for table in METADATA.sorted_tables:
            rows = [dict(row) for row in (await db.execute(select(table))).mappings()]
            text = json.dumps(rows, default=str)
            assert not any(one in text for one in hers), table.name
        assert person(names("owner")[0]) in {row.id for row in await db.execute(select(people.c.id))}


def test_every_table_that_has_people_is_exported_or_waits_only() -> None:
    told = {table.name for table in TOLD}
    has = {table.name for table in METADATA.sorted_tables if "person" in table.c} | {"people", "devices", "members"}
    assert has - told <= WAITS and "secrets" not in told
    for table, columns in TOLD.items():
        assert not {name for name in columns if "hash" in name or name in ("data", "search")}, table.name
