"""The API's devices, groups, people, statements, grants, share links and sessions, on both databases."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from avl_protocol.audit.compare import session_name
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.rights import jws
from avl_protocol.rights.sharelink import Share
from avl_protocol.wire.device_id import from_text
from avl_protocol.wire.registry import MAX_STATEMENT, CloseCode, Permission
from avl_relay.api.devices import DeviceList, Place
from avl_relay.api.grants import GrantList
from avl_relay.api.groups import GroupList
from avl_relay.api.identity import Role
from avl_relay.api.operations import Resource
from avl_relay.api.people import PeopleList
from avl_relay.api.running import RunningSessions
from avl_relay.api.shares import ShareList
from avl_relay.api.statements import StatementList
from avl_relay.figures import Figures
from avl_relay.live import Happening, Live
from avl_relay.onlooker import Begun
from avl_relay.store.devices import Devices, Report
from avl_relay.store.engine import Store
from avl_relay.store.hashes import hashed
from avl_relay.store.passes import GOOD, Passes
from avl_relay.store.tables import people
from tests.relay.apis import BEGUN, Desk, Hands, who
from tests.relay.owners import (
    ROLES,
    enrol,
    granted,
    jti,
    number,
    person,
    policy,
    revoked,
    settle_in,
)

DESK, SHED, LAB = "desk", "shed", "lab"
DEVICES = ((DESK, "ada"), (SHED, "ada"), (LAB, "ben"))


class Doing:
    """What is asked of the relay's process."""

    def __init__(self) -> None:
        self.ended: list[tuple[int, CloseCode]] = []
        self.told: list[tuple[int, str]] = []
        self.sent_away: list[int] = []
        self.pushed: list[int] = []
        self.carried: dict[int, Figures] = {}
        self.read = 0

    def end_session(self, handle: int, code: CloseCode) -> None:
        self.ended.append((handle, code))

    def tell_session(self, handle: int, text: str) -> None:
        self.told.append((handle, text))

    def figures(self) -> dict[int, Figures]:
        return self.carried

    def send_away(self, device: int) -> None:
        self.sent_away.append(device)

    def push(self, device: int) -> None:
        self.pushed.append(device)

    def read_anew(self) -> None:
        self.read += 1


class Office(Desk):
    """The API with people, keys and devices."""

    def __init__(self, store: Store) -> None:
        self.doing, self.happened = Doing(), list[Happening]()
        clock = Hands()
        self.live = Live(wall=clock.wall)
        self.live.join(self.doing, lambda news: None)
        self.live.listen(self.happened.append)
        statements = StatementList(self.live, entropy=entropy)
        resources: list[Resource] = [
            DeviceList(self.live, place=lambda: Place(relay="relay.test:4433", pin="p"), entropy=entropy),
            GroupList(self.live, entropy=entropy),
            PeopleList(self.live, page=lambda: "https://relay.test/", entropy=entropy),
            statements,
            GrantList(self.live, statements),
            ShareList(self.live, statements),
            RunningSessions(self.live),
        ]
        people = {name: who(person(name), Role(role)) for name, role in ROLES.items()}
        super().__init__(resources, store, people, clock)

    async def names(self, name: str, path: str = "/devices") -> list[str]:
        """What somebody is listed."""
        answer = await self.ask(name, "GET", path)
        assert answer.status_code == 200, answer.text
        return [item["name"] for item in answer.json()["items"]]

    async def code(self, *asked: Any, **headers: str) -> str:
        """The problem that somebody meets."""
        answer = await self.ask(*asked, **headers)
        assert answer.status_code >= 400, answer.text
        return str(answer.json()["code"])


@pytest.fixture
async def office(store: Store) -> AsyncIterator[Office]:
    await settle_in(store, *DEVICES)
    made = Office(store)
    yield made
    await made.close()


def of(name: str) -> str:
    return f"/devices/{number(name)}"


def aud(name: str) -> str:
    return f"device:{number(name)}"


# ------------------------------------------------------------------------------------------------------------- devices


async def test_everybody_sees_their_own_devices_and_administrators_all(office: Office) -> None:
    assert await office.names("ada") == [DESK, SHED]
    assert await office.names("ben") == [LAB]
    assert await office.names("eve") == []
    assert await office.names("adm") == [DESK, LAB, SHED]
    assert await office.code("ben", "GET", of(DESK)) == "not-found"
    assert await office.code("ben", "PATCH", of(DESK), {"name": "mine"}) == "not-found"
    assert await office.code("ben", "DELETE", of(DESK)) == "not-found"
    assert await office.code(None, "GET", "/devices") == "not-signed-in"


async def test_a_device_is_seen_online_while_it_is(office: Office) -> None:
    device = from_text(number(DESK))
    office.live.host_came(device, 0.0)
    shown = (await office.ask("ada", "GET", of(DESK))).json()
    assert shown["online"] and shown["since"] == BEGUN
    assert await office.names("ada", "/devices?online=true") == [DESK]
    assert await office.names("ada", "/devices?online=false") == [SHED]
    office.live.host_left(device, 0.0)
    assert not (await office.ask("ada", "GET", of(DESK))).json()["online"]


async def test_devices_are_found_by_name_number_group_and_label(office: Office) -> None:
    await office.ask("ada", "PATCH", of(SHED), {"name": "Garden shed 100%", "labels": ["home", "cold", "home"]})
    assert await office.names("ada", "/devices?query=GARDEN") == ["Garden shed 100%"]
    assert await office.names("ada", "/devices?query=100%25") == ["Garden shed 100%"]
    assert await office.names("ada", "/devices?query=%25_") == []
    assert await office.names("ada", f"/devices?query={number(DESK)[:10].lower()}") == [DESK]
    assert await office.names("ada", "/devices?label=cold") == ["Garden shed 100%"]
    made = (await office.ask("adm", "POST", "/groups", {"kind": "devices", "name": "outside"})).json()
    assert (await office.ask("adm", "PUT", f"/groups/{made['id']}/members/{number(SHED)}")).status_code == 204
    assert await office.names("ada", "/devices?group=outside") == ["Garden shed 100%"]
    shown = (await office.ask("ada", "GET", of(SHED))).json()
    assert shown["labels"] == ["cold", "home"] and shown["groups"] == ["outside"]


async def test_hostile_names_become_text(office: Office, store: Store) -> None:
    hostile = "<script>alert(1)</script>\u202e\x1b[31m\n" + "A\u0301\u0301\u0301\u0301\u0301\u0301" + "x" * 65_000
    async with store.writing() as db:
        reports = [Report(number=number(DESK), seen=BEGUN + 5, reported=hostile, software=hostile, system="\0\u200b")]
        await Devices(db).report(reports)
    shown = (await office.ask("ada", "GET", of(DESK))).json()
    assert shown["reported"].startswith("<script>alert(1)</script>[31m A") and len(shown["reported"]) <= 128
    assert shown["reported"].count("\u0301") == 4
    assert shown["software"] == shown["reported"] and shown["system"] == "" and shown["seen"] == BEGUN + 5
    named = (await office.ask("ada", "PATCH", of(DESK), {"name": " a\u202eb\t\tc "})).json()
    assert named["name"] == "ab c"
    assert await office.code("ada", "PATCH", of(DESK), {"name": "\u202e\u200b "}) == "invalid"


async def test_a_revoked_device_is_sent_away_and_then_forgotten(office: Office, store: Store) -> None:
    assert (await office.ask("ada", "POST", of(DESK) + "/pass")).status_code == 201
    assert (await office.ask("ada", "DELETE", of(DESK))).status_code == 204
    assert office.doing.sent_away == [from_text(number(DESK))]
    assert (await office.ask("ada", "GET", of(DESK))).json()["state"] == "revoked"
    assert await office.code("ada", "POST", of(DESK) + "/pass") == "invalid"
    async with store.writing() as db:
        await enrol(db, DESK, "ben")  # its host has pinned somebody else since
    assert await office.names("ben") == [DESK, LAB]
    for _ in range(2):
        assert (await office.ask("ben", "DELETE", of(DESK))).status_code == 204
    assert await office.code("adm", "GET", of(DESK)) == "not-found"
    office.clock.now += 3600
    assert await office.code("ben", "DELETE", of(LAB)) == "step-up"


async def test_a_pass_lets_one_session_in_which_may_come_back(office: Office, store: Store) -> None:
    given = (await office.ask("ada", "POST", of(DESK) + "/pass")).json()
    assert (given["relay"], given["pin"], given["expires"]) == ("relay.test:4433", "p", BEGUN + GOOD)
    secret = hashed(jws.decode(given["pass"]))

    async def admits(device: str, session: str, now: int, shown: str = secret) -> bool:
        async with store.writing() as db:
            return await Passes(db).admit(shown, number(device), session=session, visit=session, now=now)

    assert not await admits(SHED, "s", BEGUN)
    assert not await admits(DESK, "s", BEGUN, hashed(b"guessed"))
    assert not await admits(DESK, "s", BEGUN + GOOD)
    assert await admits(DESK, "s", BEGUN + 1)
    assert not await admits(DESK, "another", BEGUN + 1)
    assert await admits(DESK, "s", BEGUN + 24 * 3600)
    assert not await admits(DESK, "s", BEGUN + 8 * 24 * 3600)
    await office.ask("ada", "DELETE", of(DESK))
    assert not await admits(DESK, "s", BEGUN + 2)


async def test_a_pass_of_somebody_who_was_shut_out_lets_nobody_in_not_even_back(office: Office, store: Store) -> None:
    given = (await office.ask("ada", "POST", of(DESK) + "/pass")).json()
    secret = hashed(jws.decode(given["pass"]))

    async def admits(visit: str) -> bool:
        async with store.writing() as db:
            return await Passes(db).admit(secret, number(DESK), session="s", visit=visit, now=BEGUN + 1)

    assert await admits("v")
    async with store.writing() as db:
        await db.execute(update(people).where(people.c.id == person("ada")).values(state="disabled"))
    assert not await admits("v")
    async with store.writing() as db:
        await db.execute(update(people).where(people.c.id == person("ada")).values(state="active"))
    assert await admits("v")


# ---------------------------------------------------------------------------------------------------- groups and people


async def test_groups_are_for_administrators_to_change(office: Office) -> None:
    assert await office.code("ada", "POST", "/groups", {"kind": "people", "name": "x"}) == "forbidden"
    made = (await office.ask("adm", "POST", "/groups", {"kind": "people", "name": "Helpers"})).json()
    path = f"/groups/{made['id']}"
    assert await office.code("adm", "POST", "/groups", {"kind": "people", "name": "Helpers"}) == "conflict"
    assert (await office.ask("adm", "PUT", f"{path}/members/{person('ada')}")).status_code == 204
    assert (await office.ask("adm", "PUT", f"{path}/members/{person('ada')}")).status_code == 204
    assert await office.code("adm", "PUT", f"{path}/members/{number(DESK)}") == "not-found"
    shown = (await office.ask("ada", "GET", path)).json()
    assert shown["members"] == [person("ada")] and shown["size"] == 1
    assert (await office.ask("adm", "PATCH", path, {"name": "Friends"})).json()["name"] == "Friends"
    assert await office.names("ada", "/groups?kind=people") == ["Friends"]
    assert (await office.ask("adm", "DELETE", f"{path}/members/{person('ada')}")).status_code == 204
    assert (await office.ask("adm", "DELETE", path)).status_code == 204
    assert await office.code("ada", "GET", path) == "not-found"


async def test_people_see_whom_they_may_grant_to_and_little_more(office: Office) -> None:
    seen = (await office.ask("ada", "GET", "/people")).json()["items"]
    assert [one["name"] for one in seen] == ["Ada", "Adm", "Ben", "Eve", "Root"]
    assert all(one["key"] for one in seen)
    assert [one["name"] for one in seen if "login" in one] == ["Ada"]
    assert all("login" in one for one in (await office.ask("adm", "GET", "/people")).json()["items"])
    assert await office.names("ada", "/people?query=EV") == ["Eve"]


async def test_administrators_manage_members_and_owners_everybody(office: Office) -> None:
    body = {"login": "New.One", "name": "New"}
    assert await office.code("ada", "POST", "/people", body) == "forbidden"
    assert await office.code("adm", "POST", "/people", {**body, "role": "admin"}) == "forbidden"
    made = (await office.ask("adm", "POST", "/people", body)).json()
    assert made["person"]["login"] == "new.one" and made["person"]["state"] == "invited" and made["invite"]
    assert await office.code("adm", "POST", "/people", body) == "conflict"
    assert await office.names("ada", "/people?query=new") == []
    ben = f"/people/{person('ben')}"
    assert (await office.ask("adm", "PATCH", ben, {"state": "disabled"})).json()["state"] == "disabled"
    assert await office.code("adm", "PATCH", ben, {"role": "owner"}) == "forbidden"
    root = f"/people/{person('root')}"
    assert await office.code("adm", "PATCH", root, {"state": "disabled"}) == "forbidden"
    assert await office.code("root", "PATCH", root, {"role": "member"}) == "conflict"
    assert await office.code("root", "DELETE", root) == "conflict"
    assert await office.code("root", "DELETE", ben) == "conflict"  # a device is his
    assert (await office.ask("root", "DELETE", f"/people/{person('eve')}")).status_code == 204
    assert (await office.ask("root", "DELETE", f"/people/{person('ada')}/factors")).status_code == 204
    office.clock.now += 3600
    assert await office.code("root", "POST", "/people", body) == "step-up"


# ---------------------------------------------------------------------------------------- statements


async def test_the_newest_policy_counts_and_is_handed_on(office: Office) -> None:
    first = await office.ask("ada", "POST", "/statements", {"token": policy("ada", 5, aud(DESK), ("den",))})
    assert first.status_code == 201 and office.doing.pushed == [from_text(number(DESK))]
    assert (await office.ask("ada", "GET", of(DESK))).json()["groups"] == ["den"]
    for sequence in (5, 4):
        token = policy("ada", sequence, aud(DESK))
        answer = await office.ask("ada", "POST", "/statements", {"token": token})
        assert answer.json()["code"] == "conflict" and answer.json()["seq"] == 5
    assert (await office.ask("ada", "POST", "/statements", {"token": policy("ada", 6, aud(DESK))})).status_code == 201
    assert (await office.ask("ada", "GET", of(DESK))).json()["groups"] == ["den"]
    of_group = policy("ada", 1, "group:den")
    office.doing.pushed.clear()
    assert (await office.ask("ada", "POST", "/statements", {"token": of_group})).status_code == 201
    assert office.doing.pushed == [from_text(number(DESK))]
    kept = (await office.ask("ada", "GET", "/statements?kind=policy")).json()["items"]
    assert sorted((one["aud"], one["seq"]) for one in kept) == [(aud(DESK), 6), ("group:den", 1)]
    assert (await office.ask("ben", "GET", "/statements")).json()["items"] == []


async def test_statements_that_are_not_what_they_claim_are_refused(office: Office) -> None:
    async def refused(name: str, token: str) -> str:
        return await office.code(name, "POST", "/statements", {"token": token})

    good = policy("ada", 1, aud(DESK))
    head, body, signature = good.split(".")
    forged = ".".join((head, body, jws.encode(bytes(64))))
    other = ".".join((head, policy("ada", 2, aud(DESK)).split(".")[1], signature))
    assert await refused("ada", forged) == "unverified"
    assert await refused("ada", other) == "unverified"
    assert await refused("ben", good) == "forbidden"
    assert await refused("ada", policy("ada", 1, aud(LAB))) == "unverified"
    assert await refused("ada", policy("stranger", 1, aud(DESK))) == "unverified"
    assert await refused("ada", granted("ada", "g", "ben", aud=aud(DESK))) == "unverified"
    assert await refused("ada", "a.b.c") == "unverified"
    assert await refused("ada", "not a token") == "invalid"
    assert await refused("ada", revoked("ada", 1, issued=BEGUN + 2 * 86_400)) == "unverified"
    assert (await office.ask("ada", "GET", "/statements")).json()["items"] == []


# --------------------------------------------------------------------------------------------------------------- grants


async def test_a_grant_is_seen_and_held_and_taken_back(office: Office) -> None:
    token = granted("ada", "one", "ben", aud=aud(DESK), role="View\u202eer")
    made = await office.ask("ada", "POST", "/grants", {"chain": [token]}, idempotency_key="k")
    assert made.status_code == 201, made.text
    assert made.json()["person"] == person("ben") and made.json()["role"] == "Viewer"
    assert await office.names("ben") == [DESK, LAB]
    assert (await office.ask("ben", "GET", "/grants/mine")).json()["items"][0]["chain"] == [token]
    assert await office.code("ben", "PATCH", of(DESK), {"name": "mine"}) == "forbidden"
    assert await office.code("ben", "DELETE", of(DESK)) == "forbidden"
    assert await office.code("ada", "POST", "/grants", {"chain": [token]}) == "conflict"
    path = f"/grants/{jti('one')}"
    assert await office.code("ben", "DELETE", path, {"revocation": revoked("ben", 1, "one")}) == "not-found"
    assert await office.code("ada", "DELETE", path, {"revocation": revoked("ada", 1, "two")}) == "unverified"
    office.doing.pushed.clear()
    done = await office.ask("ada", "DELETE", path, {"revocation": revoked("ada", 1, "one")})
    assert done.status_code == 204, done.text
    assert sorted(office.doing.pushed) == sorted(from_text(number(name)) for name in (DESK, SHED))
    assert await office.names("ben") == [LAB]
    assert (await office.ask("ben", "GET", "/grants/mine")).json()["items"] == []
    listed = (await office.ask("ada", "GET", "/grants?revoked=true")).json()["items"]
    assert [one["jti"] for one in listed] == [jti("one")] and listed[0]["revoked"] == BEGUN
    assert any(one.about.get("revoked") == [jti("one")] for one in office.happened if one.kind == "rights")


async def test_a_grant_for_a_group_is_one_for_its_owners_devices_alone(office: Office) -> None:
    await office.ask("ada", "POST", "/statements", {"token": policy("ada", 1, aud(DESK), ("den",))})
    await office.ask("ben", "POST", "/statements", {"token": policy("ben", 1, aud(LAB), ("den",))})
    moved = [one.device for one in office.happened if one.kind == "device"]
    assert moved == [number(DESK), number(LAB)], "who sees a device by its group is told"
    token = granted("ada", "one", "eve", aud="group:den")
    assert (await office.ask("ada", "POST", "/grants", {"chain": [token]})).status_code == 201
    assert await office.names("eve") == [DESK]
    office.clock.now += 3601
    assert await office.names("eve") == []


async def test_grants_are_handed_on_only_by_who_may_and_never_wider(office: Office) -> None:
    both = Permission.VIEW | Permission.DELEGATE
    first = granted("ada", "first", "ben", aud=aud(DESK), permissions=both)
    lone = granted("ada", "lone", "ben", aud=aud(DESK))
    await office.ask("ada", "POST", "/grants", {"chain": [first]})
    await office.ask("ada", "POST", "/grants", {"chain": [lone]})

    async def refused(asks: str, *chain: str) -> str:
        return await office.code(asks, "POST", "/grants", {"chain": list(chain)})

    good = granted("ben", "next", "eve", aud=aud(DESK), parent=first)
    wide = granted("ben", "wide", "eve", aud=aud(DESK), parent=first, permissions=both | Permission.POINTER)
    late = granted("ben", "late", "eve", aud=aud(DESK), parent=first, expires=BEGUN + 7200)
    other = granted("ben", "other", "eve", aud=aud(LAB), parent=first)
    alone = granted("ben", "alone", "eve", aud=aud(DESK), parent=lone)
    mine = granted("ben", "mine", "eve", aud=aud(DESK))
    for bad in (wide, late, other):
        assert await refused("ben", first, bad) == "unverified"
    assert await refused("ben", lone, alone) == "unverified"
    assert await refused("ben", mine) == "unverified"  # the device has pinned another
    assert await refused("ben", lone, good) == "unverified"  # it stands on another
    assert await refused("ada", first, good) == "forbidden"
    assert (await office.ask("ben", "POST", "/grants", {"chain": [first, good]})).status_code == 201
    assert (await office.ask("eve", "GET", "/grants/mine")).json()["items"][0]["chain"] == [first, good]
    revocation = {"revocation": revoked("ada", 1, "first")}
    assert (await office.ask("ada", "DELETE", f"/grants/{jti('first')}", revocation)).status_code == 204
    more = granted("ben", "more", "eve", aud=aud(DESK), parent=first)
    assert await refused("ben", first, more) == "conflict"


async def test_a_revocation_list_may_be_as_long_as_hosts_take_one(office: Office) -> None:
    token = revoked("ada", 1, *(f"grant {at}" for at in range(950)))
    assert 8192 < len(token) <= MAX_STATEMENT
    assert (await office.ask("ada", "POST", "/statements", {"token": token})).status_code == 201
    longer = revoked("ada", 2, *(f"grant {at}" for at in range(1000)))
    assert len(longer) > MAX_STATEMENT
    assert await office.code("ada", "POST", "/statements", {"token": longer}) == "invalid"


# ---------------------------------------------------------------------------------------- share links


async def test_a_share_link_is_opened_by_who_has_it_and_gone_when_taken_back(office: Office, store: Store) -> None:
    link = Share(hashlib.sha256(b"link").digest()[:16])
    token = granted("ada", "share", "nobody", aud=aud(DESK), share=True)
    body: dict[str, Any] = {
        "id": link.id,
        "device": number(DESK),
        "chain": [token],
        "pass_hash": hashed(link.access_pass),
        "uses": 2,
    }
    assert await office.code("ben", "POST", "/shares", body) == "forbidden"
    assert await office.code("ada", "POST", "/shares", {**body, "device": number(SHED)}) == "unverified"
    usual = granted("ada", "usual", "nobody", aud=aud(DESK))
    assert await office.code("ada", "POST", "/shares", {**body, "chain": [usual]}) == "unverified"
    assert (await office.ask("ada", "POST", "/shares", body)).status_code == 201
    assert await office.code("ada", "POST", "/shares", body) == "conflict"
    opened = await office.ask(None, "GET", f"/shares/{link.id}")
    assert opened.json()["chain"] == [token] and opened.json()["device"] == number(DESK)
    assert await office.code(None, "GET", f"/shares/{jti('guess')}") == "not-found"
    async with store.writing() as db:
        for session, admitted in (("a", True), ("b", True), ("c", False), ("a", True)):
            found = await Passes(db).admit(
                hashed(link.access_pass), number(DESK), session=session, visit=session, now=BEGUN
            )
            assert found is admitted, session
    assert [one["id"] for one in (await office.ask("ada", "GET", "/shares")).json()["items"]] == [link.id]
    assert (await office.ask("ben", "GET", "/shares")).json()["items"] == []
    assert await office.code("ada", "DELETE", f"/shares/{link.id}", {}) == "conflict"
    revocation = {"revocation": revoked("ada", 1, "share")}
    assert (await office.ask("ada", "DELETE", f"/shares/{link.id}", revocation)).status_code == 204
    assert await office.code(None, "GET", f"/shares/{link.id}") == "not-found"
    async with store.writing() as db:
        assert not await Passes(db).admit(hashed(link.access_pass), number(DESK), session="a", visit="a", now=BEGUN)


# ---------------------------------------------------------------------------------------- sessions


async def test_a_session_is_known_by_the_pass_that_was_shown_and_otherwise_by_nobody(
    office: Office, store: Store
) -> None:
    for handle in (1, 2):
        begun = Begun(handle=handle, device=from_text(number(DESK)), session=bytes((handle,)) * 16, address="192.0.2.1")
        office.live.session_began(begun, 0.0)
    shown = await office.ask("ada", "POST", of(DESK) + "/pass", {})
    async with store.writing() as db:
        secret = jws.decode(shown.json()["pass"])
        visit = session_name(b"v" * 16)
        for at in (3, 1):  # a session, and the one that takes its place
            name = session_name(bytes((at,)) * 16)
            assert await Passes(db).admit(hashed(secret), number(DESK), session=name, visit=visit, now=BEGUN)
    told = {one["id"]: one["who"] for one in (await office.ask("adm", "GET", "/sessions")).json()["items"]}
    assert told == {session_name(bytes((1,)) * 16): "Ada", session_name(bytes((2,)) * 16): ""}


async def test_sessions_are_seen_and_ended_by_whose_device_it_is(office: Office) -> None:
    for handle, name in enumerate((DESK, LAB, DESK), 1):
        begun = Begun(handle=handle, device=from_text(number(name)), session=bytes((handle,)) * 16, address="192.0.2.1")
        office.live.session_began(begun, 0.0)
    assert await office.names("ada", "/sessions") == [DESK, DESK]
    assert await office.names("ben", "/sessions") == [LAB]
    assert len(await office.names("adm", "/sessions")) == 3
    first = (await office.ask("ada", "GET", "/sessions?limit=1")).json()
    second = (await office.ask("ada", "GET", f"/sessions?limit=1&after={first['next']}")).json()
    assert second["next"] is None and second["items"] != first["items"]
    session = first["items"][0]
    assert session["begun"] == BEGUN and session["address"] == "192.0.2.1"
    assert await office.code("ben", "DELETE", f"/sessions/{session['id']}") == "not-found"
    assert (await office.ask("ada", "DELETE", f"/sessions/{session['id']}")).status_code == 204
    ((handle, code),) = office.doing.ended
    assert code is CloseCode.OWNER_ENDED
    office.live.session_ended(handle, code, 0.0)
    assert await office.names("ada", "/sessions") == [DESK]
    assert await office.code("ada", "DELETE", f"/sessions/{session['id']}") == "not-found"
    assert (await office.ask("adm", "DELETE", f"/sessions/{second['items'][0]['id']}")).status_code == 204
    assert office.doing.ended[-1][1] is CloseCode.OPERATOR_ENDED


async def test_who_administers_says_something_to_a_session(office: Office) -> None:
    office.live.session_began(
        Begun(handle=5, device=from_text(number(DESK)), session=b"s" * 16, address="192.0.2.1"), 0.0
    )
    (session,) = (await office.ask("adm", "GET", "/sessions")).json()["items"]
    path = f"/sessions/{session['id']}/message"
    assert await office.code("ada", "POST", path, {"text": "hello"}) == "forbidden"
    for text in ("", "x" * 201, "\u202e\n\t"):
        assert await office.code("adm", "POST", path, {"text": text}) == "invalid"
    said = "Back at\n\x1b[31m nine\u202e"
    assert (await office.ask("adm", "POST", path, {"text": said})).status_code == 204
    assert office.doing.told == [(5, "Back at [31m nine")]
    assert await office.code("adm", "POST", f"/sessions/{'x' * 22}/message", {"text": "x"}) == "not-found"


async def test_a_session_says_how_it_is_carried_whose_it_is_and_what_they_may(office: Office, store: Store) -> None:
    token = granted("ada", "one", "eve", aud=aud(DESK), permissions=Permission.VIEW | Permission.POINTER)
    assert (await office.ask("ada", "POST", "/grants", {"chain": [token]})).status_code == 201
    for handle in (1, 2):
        begun = Begun(handle=handle, device=from_text(number(DESK)), session=bytes((handle,)) * 16, address="192.0.2.1")
        office.live.session_began(begun, 0.0)
    office.doing.carried = {
        1: Figures(
            way="webtransport",
            host_way="quic",
            rtt_ms=12.5,
            host_rtt_ms=None,
            target_bps=2_000_000,
            delivered_bps=1_000_000,
            queue_ms=0.5,
            loss=0.01,
            skipped=3,
            channels=(0, 1, 99),
        )
    }
    shown = await office.ask("eve", "POST", of(DESK) + "/pass", {})
    async with store.writing() as db:
        secret = jws.decode(shown.json()["pass"])
        name = session_name(bytes((1,)) * 16)
        assert await Passes(db).admit(hashed(secret), number(DESK), session=name, visit=name, now=BEGUN)
    told = (await office.ask("adm", "GET", "/sessions")).json()
    assert told["now"] == BEGUN
    first, second = sorted(told["items"], key=lambda one: one["id"] != name)
    assert (first["who"], first["person"], first["link"]) == ("Eve", person("eve"), False)
    assert first["permissions"] == int(Permission.VIEW | Permission.POINTER)
    assert first["figures"]["way"] == "webtransport" and first["figures"]["channels"] == ["control", "input"]
    assert first["figures"]["rtt_ms"] == 12.5 and first["figures"]["host_rtt_ms"] is None
    assert (second["person"], second["permissions"], second["figures"]) == (None, None, None)
