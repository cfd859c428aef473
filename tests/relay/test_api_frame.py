"""What surrounds every operation of the API: bounds, who may ask, one transaction, keys, pages and problems."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select

from avl_relay.api.bodies import DEPTH, parsed
from avl_relay.api.identity import FRESH, Role
from avl_relay.api.lists import PAGING, beyond, cursor, page, position
from avl_relay.api.operations import DONE, Answer, Call, Operation, Who
from avl_relay.api.problems import KNOWN, MEDIA_TYPE, Problem
from avl_relay.api.shapes import Choice, Flag, Many, Perhaps, Record, Text, Whole
from avl_relay.http.bounds import BODY
from avl_relay.store.engine import Store
from avl_relay.store.errors import Unavailable
from avl_relay.store.tables import groups
from tests.relay.apis import BEGUN, Desk, Hands, who

PEOPLE = {"ada": who("ada"), "root": who("root", Role.ADMIN), "old": who("old", mfa_at=BEGUN - FRESH - 1)}
NAME = Text(1, 64)


class Things:
    """A resource of groups, as small as one can be."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def operations(self) -> Sequence[Operation]:
        path, name = "/things", {"name": NAME}
        return (
            Operation(method="GET", path=path, handler=self.listed, summary="List", query=PAGING),
            Operation(
                method="POST",
                path=path,
                handler=self.create,
                summary="Create",
                body=Record(name, {"fails": Flag()}),
                creates=True,
                status=201,
            ),
            Operation(method="GET", path="/things/{name}", handler=self.get, summary="One", parts=name),
            Operation(method="DELETE", path="/things/all", handler=self.done, summary="Fresh", fresh=True),
            Operation(method="PUT", path="/things/all", handler=self.done, summary="Admin", who=Who.ADMIN),
            Operation(method="GET", path="/things/all", handler=self.everybody, summary="All", who=Who.ANYBODY),
        )

    async def listed(self, call: Call) -> Answer:
        row = groups.c
        chosen = select(groups).order_by(row.name, row.id).limit(call.query["limit"] + 1)
        if "after" in call.query:
            chosen = chosen.where(beyond((row.name, row.id), position(call.query["after"], str, str)))
        rows = (await call.db.execute(chosen)).all()
        return page(rows, call.query["limit"], lambda row: row.name, lambda row: (row.name, row.id))

    async def create(self, call: Call) -> Answer:
        name = call.body["name"]
        await call.db.execute(insert(groups).values(id=name, kind="people", name=name, created=call.now))
        call.afterwards(lambda: self.told.append(name))
        if call.body.get("fails"):
            raise Problem("conflict", "it was to fail")
        return Answer({"name": name}, 201)

    async def get(self, call: Call) -> Answer:
        return Answer({"name": call.path["name"]})

    async def done(self, call: Call) -> Answer:
        return DONE

    async def everybody(self, call: Call) -> Answer:
        return Answer({"asks": None if call.who is None else call.who.person})


@pytest.fixture
def things() -> Things:
    return Things()


@pytest.fixture
async def desk(store: Store, things: Things) -> AsyncIterator[Desk]:
    made = Desk([things], store, PEOPLE, Hands())
    yield made
    await made.close()


async def count(store: Store) -> int:
    async with store.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(groups))).scalar_one()


def code(answer: Any) -> str:
    """The name of a problem, which is one in every way."""
    assert answer.headers["content-type"] == MEDIA_TYPE
    body = answer.json()
    assert body["status"] == answer.status_code == KNOWN[body["code"]][0]
    assert body["type"].endswith(body["code"]) and body["title"] and body["detail"]
    return str(body["code"])


async def test_who_may_ask(desk: Desk) -> None:
    assert code(await desk.ask(None, "GET", "/things")) == "not-signed-in"
    assert code(await desk.ask("stranger", "GET", "/things")) == "not-signed-in"
    assert (await desk.ask("ada", "GET", "/things")).status_code == 200
    assert code(await desk.ask("ada", "PUT", "/things/all")) == "forbidden"
    assert (await desk.ask("root", "PUT", "/things/all")).status_code == 204
    assert (await desk.ask(None, "GET", "/things/all")).json() == {"asks": None}
    assert (await desk.ask("ada", "GET", "/things/all")).json() == {"asks": "ada"}


async def test_what_is_dangerous_wants_a_factor_of_the_last_minutes(desk: Desk) -> None:
    assert (await desk.ask("ada", "DELETE", "/things/all")).status_code == 204
    assert code(await desk.ask("old", "DELETE", "/things/all")) == "step-up"
    desk.clock.now += FRESH + 1
    assert code(await desk.ask("ada", "DELETE", "/things/all")) == "step-up"
    desk.clock.now = BEGUN - 10  # a clock that went back makes nothing fresh
    assert code(await desk.ask("ada", "DELETE", "/things/all")) == "step-up"


async def test_what_is_not_there_and_what_cannot_be_done_to_it(desk: Desk) -> None:
    assert code(await desk.ask("ada", "GET", "/nothing")) == "not-found"
    answer = await desk.ask("ada", "PATCH", "/things")
    assert code(answer) == "method" and answer.headers["allow"] == "GET, HEAD, POST"
    assert (await desk.ask("ada", "HEAD", "/things")).content == b""


async def test_a_request_says_what_it_has_to(desk: Desk) -> None:
    cases: list[tuple[object, str]] = [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 65}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": "x", "else": 1}, ""),
        ({"name": "x", "fails": "maybe"}, "/fails"),
        ({"name": "a\0b"}, "/name"),
        ([], ""),
        ("name", ""),
    ]
    for body, at in cases:
        answer = await desk.ask("ada", "POST", "/things", body)
        assert code(answer) == "invalid" and answer.json()["at"] == at, body
    lone = await desk.client.post(
        "/things",
        content=b'{"name": "\\ud800"}',
        headers={"authorization": "Bearer ada", "content-type": "application/json"},
    )
    assert code(lone) == "invalid"
    for query in ("limit=0", "limit=201", "limit=x", "limit=1&limit=2", "other=1", "after=%21", "after=W10", "after="):
        assert code(await desk.ask("ada", "GET", f"/things?{query}")) == "invalid", query


async def test_bodies_are_bounded_in_size_and_depth(desk: Desk) -> None:
    async def sent(data: bytes, kind: str = "application/json") -> str:
        return code(
            await desk.client.post(
                "/things", content=data, headers={"authorization": "Bearer ada", "content-type": kind}
            )
        )

    assert await sent(b'{"name": "' + b"x" * BODY + b'"}') == "too-large"
    assert await sent(b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1)) == "malformed"
    assert await sent(b"[" * 30_000) == "malformed"
    assert await sent(b'{"a":' * 10_000) == "malformed"
    assert await sent(b"{") == "malformed"
    assert await sent(b"\xff") == "malformed"
    assert await sent(b'{"name": NaN}') == "malformed"
    assert await sent(b'{"name": ' + b"1" * 5000 + b"}") == "malformed"
    assert await sent(b'{"name": "x"}', "text/plain") == "media-type"


@given(st.recursive(st.text() | st.integers(-9, 9) | st.booleans() | st.none(), lambda below: st.lists(below)))
def test_what_is_not_too_deep_is_read_as_json_reads_it(value: object) -> None:
    def depth(value: object) -> int:
        return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0

    if depth(value) <= DEPTH:
        assert parsed(json.dumps(value).encode()) == value
    else:
        with pytest.raises(Problem):
            parsed(json.dumps(value).encode())


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_malformed(data: bytes) -> None:
    try:
        parsed(data)
    except Problem as problem:
        assert problem.code == "malformed"


async def test_what_a_failed_request_has_written_does_not_count(desk: Desk, store: Store, things: Things) -> None:
    assert code(await desk.ask("ada", "POST", "/things", {"name": "a", "fails": True})) == "conflict"
    assert await count(store) == 0 and things.told == []
    assert (await desk.ask("ada", "POST", "/things", {"name": "a"})).status_code == 201
    assert code(await desk.ask("ada", "POST", "/things", {"name": "a"})) == "conflict"
    assert await count(store) == 1 and things.told == ["a"]


async def test_a_creation_with_a_key_happens_once(desk: Desk, store: Store) -> None:
    first = await desk.ask("ada", "POST", "/things", {"name": "a"}, idempotency_key="one")
    again = await desk.ask("ada", "POST", "/things", {"name": "a"}, idempotency_key="one")
    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (201, {"name": "a"})
    assert "idempotency-replayed" not in first.headers and again.headers["idempotency-replayed"] == "true"
    assert await count(store) == 1
    assert code(await desk.ask("ada", "POST", "/things", {"name": "b"}, idempotency_key="one")) == "reused-key"
    assert code(await desk.ask("ada", "POST", "/things", {"name": "b"}, idempotency_key="a b")) == "invalid"
    assert (await desk.ask("root", "POST", "/things", {"name": "b"}, idempotency_key="one")).status_code == 201
    desk.clock.now += 24 * 3600 + 1
    assert code(await desk.ask("ada", "POST", "/things", {"name": "a"}, idempotency_key="one")) == "conflict"


async def test_creations_with_one_key_at_once_are_one(desk: Desk, store: Store) -> None:
    asked = (desk.ask("ada", "POST", "/things", {"name": "a"}, idempotency_key="one") for _ in range(6))
    statuses = sorted([answer.status_code for answer in await asyncio.gather(*asked)])
    assert statuses[0] == 201 and set(statuses) <= {201, 409}
    assert await count(store) == 1


async def test_a_failed_creation_leaves_its_key_free(desk: Desk) -> None:
    body = {"name": "a", "fails": True}
    assert code(await desk.ask("ada", "POST", "/things", body, idempotency_key="one")) == "conflict"
    assert (await desk.ask("ada", "POST", "/things", {"name": "a"}, idempotency_key="one")).status_code == 201


async def test_pages_hold_everything_once_though_things_come_and_go(desk: Desk, store: Store) -> None:
    names = [f"n{number:02}" for number in range(25)]
    async with store.writing() as connection:
        for name in names:
            await connection.execute(insert(groups).values(id=name, kind="people", name=name, created=1))
    seen: list[str] = []
    after = ""
    while True:
        answer = (await desk.ask("ada", "GET", f"/things?limit=10{after}")).json()
        seen += answer["items"]
        if answer["next"] is None:
            break
        after = f"&after={answer['next']}"
        await desk.ask("ada", "POST", "/things", {"name": f"a{len(seen)}"})  # before where we are
    assert seen == names


async def test_a_store_that_is_gone_is_a_problem_and_a_report(things: Things) -> None:
    desk = Desk([things], Unavailable("the database x is locked"), PEOPLE, Hands())
    answer = await desk.ask("ada", "GET", "/things")
    assert code(answer) == "unavailable" and "is locked" in answer.json()["detail"]
    assert answer.headers["retry-after"] and len(desk.reports) == 1
    await desk.close()


def test_a_cursor_says_where_it_was_made() -> None:
    assert position(cursor(["a", 3]), str, int) == ("a", 3)
    for forged in ("W10", "e30", "A", cursor(["a", True]), cursor([1, "a"]), cursor(["a"]), cursor(["a", 1 << 70])):
        with pytest.raises(Problem):
            position(forged, str, int)


def test_shapes_say_where_a_value_is_wrong() -> None:
    shape = Record({"list": Many(Perhaps(Choice(("a", "b"))), 3), "count": Whole(1, 5)})
    assert shape.read({"list": ["a", None], "count": "3"}, "") == {"list": ["a", None], "count": 3}
    for value, at in (
        ({"list": ["a", "c"], "count": 1}, "/list/1"),
        ({"list": ["a"] * 4, "count": 1}, "/list"),
        ({"list": [], "count": True}, "/count"),
        ({"list": [], "count": 1.5}, "/count"),
    ):
        with pytest.raises(Problem) as refused:
            shape.read(value, "")
        assert refused.value.more["at"] == at
