"""What owners' programs sign, through the API, as far as what their hosts believe: grants, groups, policies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from avl_protocol.crypto.identity import Identity as Key
from avl_protocol.endpoint.api.calls import Api, ApiError
from avl_protocol.endpoint.api.http import HttpAnswer
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.world import World, system_world
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.chain import ChainRights, Trust, verify_chain
from avl_protocol.rights.effective import OWNER, Consent
from avl_protocol.rights.hours import Hours
from avl_protocol.rights.jws import encode, thumbprint
from avl_protocol.rights.statements import (
    Enrolment,
    Policy,
    RevocationList,
    device_audience,
    group_audience,
    read,
    revocations_of,
    sign,
)
from avl_protocol.wire.device_id import from_text
from avl_protocol.wire.errors import GrantRefused
from avl_protocol.wire.registry import PRESETS, GrantRefusal, Permission
from avl_relay.api.devices import DeviceList, Place
from avl_relay.api.grants import GrantList
from avl_relay.api.groups import GroupList
from avl_relay.api.identity import Role
from avl_relay.api.people import PeopleList
from avl_relay.api.shares import ShareList
from avl_relay.api.statements import StatementList
from avl_relay.live import Live
from avl_relay.store.engine import Store
from avl_relay.store.statements import ENROLMENT, REVOCATION, Statements
from avl_relay.store.statements import Kept as KeptStatement
from avl_viewer.account import deciding, owning, reach, words
from avl_viewer.account.account import Account, Permit, Person
from avl_viewer.account.chains import of_grants
from avl_viewer.account.devices import Device, NoSuchName
from avl_viewer.account.owning import NotOwner, place_of
from avl_viewer.account.program import Kept, freshen, kept_in
from avl_viewer.account.terms import Terms, hours_of
from avl_viewer.commands.granting import people_called
from avl_viewer.way import NoWay
from tests.protocol.test_endpoint_api import Answers
from tests.relay.apis import BEGUN, Desk, Hands, who
from tests.relay.owners import ROLES, enrol, grant, jti, key, number, person, policy, settle_in

DEVICES = (("desk", "ada"), ("shed", "ada"), ("lab", "ben"))
VIEWER = Key(b"v" * 32)
NUMBERS = count(1)
TERMS = Terms(permissions=PRESETS["OPERATOR"], expires=BEGUN + 3600, role="Operator")


class Asking:
    """Satisfies Http: asks the API as somebody."""

    def __init__(self, desk: Desk, name: str) -> None:
        self._desk, self._name = desk, name

    async def ask(
        self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes | None = None
    ) -> HttpAnswer:
        given = {name.replace("-", "_"): value for name, value in headers}
        below = path.removeprefix("/api/v1")
        answer = await self._desk.ask(self._name, method, below, None if body is None else json.loads(body), **given)
        return HttpAnswer(answer.status_code, dict(answer.headers), answer.content)


class Scene:
    """A relay's API, and somebody's program at it."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.clock, self._folder = Hands(), folder
        self.live = Live(wall=self.clock.wall)
        statements = StatementList(self.live, entropy=entropy)
        resources = (
            DeviceList(self.live, place=lambda: Place(relay="relay.test:4433", pin="p" * 43), entropy=entropy),
            statements,
            GrantList(self.live, statements),
            ShareList(self.live, statements),
            GroupList(self.live, entropy=entropy),
            PeopleList(self.live, page=lambda: "https://relay.test/", entropy=entropy),
        )
        people = {name: who(person(name), Role(role)) for name, role in ROLES.items()}
        self.desk = Desk(resources, store, people, self.clock)
        self.world: World = replace(system_world(), clock=self.clock, entropy=entropy)

    def program(self, name: str, *, with_key: bool = True) -> tuple[Account, Kept]:
        state = StateFolder(self._folder / name)
        kept = replace(kept_in(state, self.world), person=key(name) if with_key else None)
        return Account(Api(Asking(self.desk, name))), kept


async def keep(store: Store, name: str, about: str, signer: str, kept_as: str, groups: tuple[str, ...] = ()) -> None:
    """The relay keeps an enrolment as if `kept_as` had signed it about `name`, whatever it is about and whoever signed
    it."""
    said = Enrolment(audience=device_audience(from_text(number(about))), issued=BEGUN, groups=groups)
    async with store.writing() as db:
        await Statements(db).keep(
            KeptStatement(
                id=f"{name}-{about}-{signer}"[:22],
                kind=ENROLMENT,
                aud=device_audience(from_text(number(name))),
                iss=thumbprint(key(kept_as).public),
                seq=next(NUMBERS),
                token=sign(key(signer), said),
                created=BEGUN,
            )
        )


@pytest.fixture
async def scene(store: Store, tmp_path: Path) -> AsyncIterator[Scene]:
    await settle_in(store, *DEVICES)
    for name, owner in DEVICES:
        await keep(store, name, name, owner, owner)
    made = Scene(store, tmp_path)
    yield made
    await made.desk.close()


async def somebody(account: Account, name: str) -> Person:
    return next(one for one in await account.people() if one.id == person(name))


async def device(account: Account, name: str) -> Device:
    return next(one for one in await account.devices() if one.name == name)


def trust(owner: str, name: str, *groups: str) -> Trust:
    """What a host of this owner's believes."""
    return Trust(
        owner=key(owner).public,
        audiences=frozenset({device_audience(from_text(number(name))), *map(group_audience, groups)}),
        revocation=RevocationList(sequence=1, issued=BEGUN),
    )


async def opened(scene: Scene, holder: str, name: str, believes: Trust) -> ChainRights:
    """What somebody's viewer comes to at a host."""
    account, kept = scene.program(holder)
    found = await device(account, name)
    enrolled = await account.enrolled(found, found.owner)
    assert enrolled is not None
    chain = of_grants(
        await account.chains(),
        enrolled,
        viewer=VIEWER,
        person=kept.person,
        link="",
        wall=BEGUN,
        name="here",
    )
    assert chain is not None
    return verify_chain(chain.tokens, believes, holder=VIEWER.public, wall=BEGUN)


async def test_a_grant_carries_all_its_limits_to_the_host(scene: Scene) -> None:
    account, kept = scene.program("ada")
    hours = hours_of(["daily 0-24"], "Europe/Berlin")
    terms = Terms(
        permissions=Permission.VIEW | Permission.TERMINAL,
        expires=BEGUN + 100,
        hours=hours,
        longest=60,
        uses=3,
        consent=Consent.FIRST,
    )
    place = place_of("desk", await account.devices(), kept)
    await owning.give(account, kept, scene.world, place, await somebody(account, "eve"), terms)
    rights = await opened(scene, "eve", "desk", trust("ada", "desk"))
    assert rights.permissions == Permission.VIEW | Permission.TERMINAL
    assert rights.hours == (hours,) and rights.longest == 60 and rights.consent is Consent.FIRST
    assert [count for _, count in rights.uses] == [3] and rights.expires == BEGUN + 100
    [permit] = await account.grants()
    told = owning.described(permit, {person("eve"): "Eve"}, {number("desk"): "desk"})
    assert (told["who"], told["where"], told["role"]) == ("Eve", "desk", "view, terminal")
    assert (
        told["limits"]
        == [
            "daily all day (Europe/Berlin)",
            "sessions of 1 min",
            "3 sessions",
            "somebody is asked the first time",
        ]
        or told["limits"][1] == "sessions of 1 min"
    )


async def test_a_grant_for_a_group_opens_the_devices_that_the_owner_put_there(scene: Scene) -> None:
    account, kept = scene.program("ada")
    with pytest.raises(NoSuchName, match="avl groups add garden DEVICE"):
        place_of("group:garden", await account.devices(), kept)
    assert await deciding.regroup(
        account, kept, scene.world, await device(account, "shed"), lambda now: (*now, "garden")
    )
    place = place_of("group:garden", await account.devices(), kept)
    await owning.give(account, kept, scene.world, place, await somebody(account, "eve"), TERMS)
    assert (await opened(scene, "eve", "shed", trust("ada", "shed", "garden"))).permissions == PRESETS["OPERATOR"]
    with pytest.raises(GrantRefused):
        await opened(scene, "eve", "shed", trust("ada", "shed"))
    eve, _ = scene.program("eve")
    assert [one.name for one in await eve.devices()] == ["shed"], "and sees those, no others"


async def test_a_group_of_people_is_everybody_in_it_who_has_a_key(scene: Scene) -> None:
    root, _ = scene.program("root")
    family = await root.add_group("family", "i" * 22)
    for name in ("ada", "eve", "ben"):
        await root.join(family.id, person(name))
    account, kept = scene.program("ada")
    found = [one for one in (await account.groups()) if one.kind == "people"]
    assert [(one.name, set(one.members)) for one in found] == [
        ("family", {person(name) for name in ("ada", "eve", "ben")})
    ]
    place = place_of("desk", await account.devices(), kept)
    for one in found[0].members:
        if one != person("ada"):
            await owning.give(account, kept, scene.world, place, await somebody(account, one.strip("-")), TERMS)
    for name in ("eve", "ben"):
        await opened(scene, name, "desk", trust("ada", "desk"))
    await root.leave(family.id, person("ben"))
    assert set((await root.groups())[0].members) == {person("ada"), person("eve")}
    await root.remove_group(family.id)
    with pytest.raises(ValueError, match="there are: none yet"):
        await people_called(account, "group:family")
    with pytest.raises(ApiError):
        await account.add_group("mine", "j" * 22)


async def test_nobody_hands_on_what_was_not_given_to_be_handed_on(scene: Scene) -> None:
    account, kept = scene.program("ada")
    place = place_of("desk", await account.devices(), kept)
    await owning.give(account, kept, scene.world, place, await somebody(account, "eve"), TERMS)
    eve, hers = scene.program("eve")
    with pytest.raises(NotOwner, match="another owner's key"):
        await owning.give(
            eve, hers, scene.world, place_of("desk", await eve.devices(), hers), await somebody(eve, "ben"), TERMS
        )


async def test_what_may_be_handed_on_is_handed_on_and_no_more(scene: Scene) -> None:
    account, kept = scene.program("ada")
    week = Hours("UTC", tuple((day, 0, 1440) for day in range(7)))
    may = replace(TERMS, permissions=PRESETS["ASSISTANT"] | Permission.DELEGATE, hours=week, uses=5, longest=600)
    place = place_of("desk", await account.devices(), kept)
    await owning.give(account, kept, scene.world, place, await somebody(account, "eve"), may)
    eve, hers = scene.program("eve")
    there, ben = place_of("desk", await eve.devices(), hers), await somebody(eve, "ben")
    with pytest.raises(ValueError, match="you may not hand that on: clipboard-out"):
        await owning.give(eve, hers, scene.world, there, ben, TERMS)
    with pytest.raises(ValueError, match="these hours only: daily all day"):
        other = Hours("Europe/Berlin", ((0, 0, 60),))
        await owning.give(eve, hers, scene.world, there, ben, replace(TERMS, permissions=Permission.VIEW, hours=other))
    less = replace(TERMS, permissions=PRESETS["VIEWER"], expires=BEGUN + 10**6, uses=9)
    await owning.give(eve, hers, scene.world, there, ben, less)
    rights = await opened(scene, "ben", "desk", trust("ada", "desk"))
    assert rights.permissions == PRESETS["VIEWER"] and rights.expires == BEGUN + 3600
    assert {count for _, count in rights.uses} == {5} and rights.longest == 600 and set(rights.hours) == {week}


async def test_who_has_handed_something_on_takes_it_back(scene: Scene, store: Store) -> None:
    account, kept = scene.program("ada")
    may = replace(TERMS, permissions=PRESETS["OPERATOR"] | Permission.DELEGATE)
    place = place_of("desk", await account.devices(), kept)
    await owning.give(account, kept, scene.world, place, await somebody(account, "eve"), may)
    eve, hers = scene.program("eve")
    there, ben = place_of("desk", await eve.devices(), hers), await somebody(eve, "ben")
    await owning.give(eve, hers, scene.world, there, ben, replace(TERMS, permissions=PRESETS["VIEWER"]))
    before = trust("ada", "desk")
    assert (await opened(scene, "ben", "desk", before)).permissions == PRESETS["VIEWER"]
    his, bens = scene.program("ben")
    tokens = next(iter(await his.chains()))
    [handed] = [one for one in await eve.grants() if one.person == person("ben")]
    with pytest.raises(ApiError, match="no such grant"):
        await owning.take_back(his, bens, scene.world, handed.id)
    await owning.take_back(eve, hers, scene.world, handed.id)
    assert not await his.chains()
    async with store.reading() as db:
        told = await Statements(db).about(thumbprint(key("ada").public), [device_audience(from_text(number("desk")))])
    lists = dict(revocations_of(one.token) for one in told if one.kind == REVOCATION)
    assert set(lists) == {key("ada").public, key("eve").public}
    signer, listed = key("eve").public, lists[key("eve").public]
    assert listed.grants == {handed.id}
    after = replace(before, delegates={thumbprint(signer): listed})
    assert verify_chain(tokens[:1], after, holder=key("eve").public, wall=BEGUN)
    with pytest.raises(GrantRefused) as refused:
        verify_chain(tokens, after, holder=key("ben").public, wall=BEGUN)
    assert refused.value.why is GrantRefusal.REVOKED
    [other] = [one for one in await account.grants() if one.person == person("eve")]
    with pytest.raises(ApiError):
        await owning.take_back(eve, hers, scene.world, other.id)  # what was given to her is not hers to take back


async def test_a_policy_changes_what_is_said_and_keeps_the_rest(scene: Scene) -> None:
    account, kept = scene.program("ada")
    shed = await device(account, "shed")
    await deciding.regroup(account, kept, scene.world, shed, lambda now: ("garden",))
    place = place_of("shed", await account.devices(), kept)
    await deciding.decide(account, kept, scene.world, place, lambda last: replace(last, longest=60, browser=False))
    second = await deciding.decide(
        account, kept, scene.world, place, lambda last: replace(last, consent=Consent.ALWAYS)
    )
    assert second == Policy(
        audience=place.audience,
        sequence=3,
        permissions=OWNER,
        groups=("garden",),
        consent=Consent.ALWAYS,
        longest=60,
        browser=False,
    )
    group = place_of("group:garden", await account.devices(), kept)
    await deciding.decide(account, kept, scene.world, group, lambda last: replace(last, permissions=PRESETS["VIEWER"]))
    found = await account.policies(key("ada").public)
    assert set(found) == {place.audience, "group:garden"} and found[place.audience] == second
    assert words.decided(found["group:garden"]) == ["at most Viewer"]
    assert not await deciding.regroup(account, kept, scene.world, shed, lambda now: now)
    ben, his = scene.program("ben")
    with pytest.raises((NotOwner, NoSuchName)):
        await deciding.decide(ben, his, scene.world, place, lambda last: last)


async def test_what_the_relay_says_of_groups_is_not_signed(scene: Scene) -> None:
    account, kept = scene.program("ada")
    root, _ = scene.program("root")
    made = await scene.desk.ask("root", "POST", "/groups", {"kind": "devices", "name": "open"})
    await root.join(made.json()["id"], number("desk"))
    desk = await device(account, "desk")
    assert desk.groups == ("open",)
    assert await deciding.groups_of(account, key("ada"), desk) == ()
    await deciding.regroup(account, kept, scene.world, desk, lambda now: (*now, "mine"))
    [token] = [one["token"] for one in (await scene.desk.ask("ada", "GET", "/statements?kind=policy")).json()["items"]]
    assert read(Policy, token, key("ada").public).groups == ("mine",)


async def test_the_last_policy_is_ones_own_whatever_the_relay_brings() -> None:
    rows = [{"token": policy("eve", 99, "group:x")}, {"token": policy("ada", 2, "group:x")}, {"token": "rubbish"}, {}]
    account = Account(Api(Answers((200, {"items": rows, "next": None}))))
    assert (await account.policies(key("ada").public))["group:x"].sequence == 2


async def test_without_the_key_nothing_is_signed(scene: Scene) -> None:
    account, kept = scene.program("ada", with_key=False)
    place = place_of("desk", await account.devices(), kept)
    with pytest.raises(NotOwner, match="avl login --key"):
        await owning.give(account, kept, scene.world, place, await somebody(account, "eve"), TERMS)
    with pytest.raises(NotOwner, match="avl login --key"):
        place_of("group:garden", await account.devices(), kept)


async def test_an_owner_is_led_to_no_host_that_their_key_has_not_enrolled(scene: Scene, store: Store) -> None:
    account, kept = scene.program("ada")
    async with store.writing() as db:
        await enrol(db, "attic", "ada")
        await enrol(db, "cellar", "ada")
    attic, cellar = await device(account, "attic"), await device(account, "cellar")
    assert not await account.enrolled(attic, attic.owner), "the relay says it is hers, and has nothing to show for it"
    await keep(store, "attic", "cellar", "ada", "ada")
    assert not await account.enrolled(attic, attic.owner), "it is about another"
    await keep(store, "cellar", "cellar", "ben", "ada")
    assert not await account.enrolled(cellar, cellar.owner), "somebody else signed it"
    with pytest.raises(NoWay, match=r"is yours, but your key has not enrolled .*nothing was sent"):
        await reach.sought(account, kept, "attic", BEGUN, "here")
    await keep(store, "attic", "attic", "ada", "ada")
    assert await account.enrolled(attic, attic.owner) and not await account.enrolled(attic, "somebody else's")
    _, chain = await reach.sought(account, kept, "attic", BEGUN, "here")
    assert verify_chain(chain.tokens, trust("ada", "attic"), holder=kept.identity.public, wall=BEGUN).owner


class Relay:
    """Satisfies Http: a relay that lies about devices. `lies`: by name, what is other than it keeps; None: no such."""

    def __init__(self, asking: Asking, lies: Mapping[str, Mapping[str, Any] | None]) -> None:
        self._asking, self._lies = asking, lies

    async def ask(
        self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes | None = None
    ) -> HttpAnswer:
        answer = await self._asking.ask(method, path, headers, body)
        if not path.startswith("/api/v1/devices"):
            return answer
        said = json.loads(answer.body)
        if "items" in said:
            rows = [self._told(row) for row in said["items"]]
            said["items"] = [row for row in rows if row is not None]
        else:
            said = self._told(said)
        return HttpAnswer(answer.status, answer.headers, json.dumps(said).encode())

    def _told(self, row: dict[str, Any]) -> dict[str, Any] | None:
        lie = self._lies.get(row["name"], {})
        return None if lie is None else {**row, **lie}


async def test_who_holds_a_groups_grant_is_led_to_no_host_that_its_owner_has_not_put_there(
    scene: Scene, store: Store
) -> None:
    account, kept = scene.program("ada")
    shed = await device(account, "shed")
    await deciding.regroup(account, kept, scene.world, shed, lambda now: ("garden",))
    place = place_of("group:garden", await account.devices(), kept)
    await owning.give(account, kept, scene.world, place, await somebody(account, "eve"), TERMS)
    eve, hers = scene.program("eve")
    found, chain = await reach.sought(eve, hers, "shed", BEGUN, "here")
    assert found.number == number("shed")
    believes = trust("ada", "shed", "garden")
    assert verify_chain(chain.tokens, believes, holder=hers.identity.public, wall=BEGUN).permissions

    async def told(name: str, **lies: Mapping[str, Any] | None) -> str:
        """What Eve's program says to this name, at a relay that tells her these lies; she sees all devices there."""
        asking = Asking(scene.desk, "root")  # who sees everything

        class Hers(Relay):
            async def ask(self, method: str, path: str, *more: Any) -> HttpAnswer:
                if path.startswith("/api/v1/grants"):
                    return await Asking(scene.desk, "eve").ask(method, path, *more)
                return await super().ask(method, path, *more)

        with pytest.raises(NoWay) as refused:
            await reach.sought(Account(Api(Hers(asking, lies))), hers, name, BEGUN, "here")
        return str(refused.value)

    ada, garden = thumbprint(key("ada").public), ["garden"]
    false = {"name": "pump", "owner_thumbprint": ada, "groups": garden}
    assert "has not enrolled" in await told("pump", lab=false), "a host of the relay's"
    signed = [sign(key("ben"), Enrolment(audience=device_audience(from_text(number("lab"))), issued=BEGUN))]
    assert "has not enrolled" in await told("pump", lab={**false, "signed": signed}), "enrolled by somebody else"
    of_shed = [sign(key("ada"), Enrolment(audience=shed_audience(), issued=BEGUN, groups=("garden",)))]
    assert "has not enrolled" in await told("pump", lab={**false, "signed": of_shed}), "another's enrolment"
    desk = {"name": "pump", "groups": garden}
    assert "nothing that this program has opens pump" in await told("pump", desk=desk), "hers, but of no such group"
    grouped = [policy("ben", 9, device_audience(from_text(number("desk"))), ("garden",))]
    enrolment = [sign(key("ada"), Enrolment(audience=device_audience(from_text(number("desk"))), issued=BEGUN))]
    lie = {**desk, "signed": [*enrolment, *grouped]}
    assert "nothing that this program has opens pump" in await told("pump", desk=lie), "a group by somebody else"
    for rubbish in (None, 5, [5], ["a.b.c"]):
        assert "has not enrolled" in await told("pump", lab={**false, "signed": rubbish})


def shed_audience() -> str:
    return device_audience(from_text(number("shed")))


async def test_a_name_leads_to_no_other_owners_device_than_before(scene: Scene, store: Store) -> None:
    """A relay makes up an owner, a device of hers by a known name, and a grant: all of it is well signed."""
    account, kept = scene.program("ada")
    place = place_of("desk", await account.devices(), kept)
    await owning.give(account, kept, scene.world, place, await somebody(account, "eve"), TERMS)
    eve, hers = scene.program("eve")
    found, _ = await reach.sought(eve, hers, "desk", BEGUN, "here")
    hers.owners.remember("desk", found)
    ben, his = scene.program("ben")
    there = place_of("lab", await ben.devices(), his)
    await owning.give(ben, his, scene.world, there, await somebody(ben, "eve"), TERMS)
    lying = Account(Api(Relay(Asking(scene.desk, "eve"), {"desk": None, "lab": {"name": "Desk"}})))
    for name in ("desk", "Desk", "des"):
        with pytest.raises(NoWay, match=r"is another owner's now than the last time: nothing was sent there"):
            await reach.sought(lying, hers, name, BEGUN, "here")
    lab, _ = await reach.sought(lying, hers, number("lab"), BEGUN, "here")
    hers.owners.remember(number("lab"), lab)
    assert lab.number == number("lab"), "who has the device ID from its owner says so"
    assert (await reach.sought(lying, hers, "desk", BEGUN, "here"))[0].number == number("lab")
    hers.owners.forget()
    assert not hers.owners.differs("desk", found)


async def test_a_grant_of_a_group_is_handed_on_for_no_device_that_only_the_relay_puts_there(
    scene: Scene, store: Store
) -> None:
    account, kept = scene.program("ada")
    await deciding.regroup(account, kept, scene.world, await device(account, "shed"), lambda now: ("garden",))
    place = place_of("group:garden", await account.devices(), kept)
    may = replace(TERMS, permissions=TERMS.permissions | Permission.DELEGATE)
    await owning.give(account, kept, scene.world, place, await somebody(account, "eve"), may)
    await owning.give(
        account,
        kept,
        scene.world,
        place_of("desk", await account.devices(), kept),
        await somebody(account, "eve"),
        TERMS,
    )
    _, hers = scene.program("eve")
    lying = Account(Api(Relay(Asking(scene.desk, "eve"), {"desk": {"groups": ["garden"]}})))
    ben = await somebody(lying, "ben")
    with pytest.raises(NotOwner):
        await owning.give(lying, hers, scene.world, place_of("desk", await lying.devices(), hers), ben, TERMS)
    await owning.give(lying, hers, scene.world, place_of("shed", await lying.devices(), hers), ben, TERMS)


async def test_what_has_ended_leaves_the_list_with_the_next_one(scene: Scene) -> None:
    account, kept = scene.program("ada")
    place = place_of("desk", await account.devices(), kept)
    await owning.give(account, kept, scene.world, place, await somebody(account, "eve"), TERMS)
    [permit] = await account.grants()
    await owning.take_back(account, kept, scene.world, permit.id)
    listed = await account.revocations(key("ada").public)
    assert listed is not None and listed.grants == {permit.id} and listed.ends == {permit.id: TERMS.expires}
    scene.clock.now = BEGUN + 30 * 86_400
    await freshen(account, key("ada"), scene.clock.now)
    following = await account.revocations(key("ada").public)
    assert following is not None and following.sequence == listed.sequence + 1 and not following.grants


async def test_when_a_grant_ends_is_its_owners_word_alone() -> None:
    taken = replace(grant("g", "eve", aud="group:x"), expires=BEGUN + 5)
    false = [sign(key("ben"), taken), sign(key("ada"), replace(taken, id=jti("other"))), "rubbish", ""]
    for token in false:
        permit = Permit(id=taken.id, audience="group:x", owner="", permissions=1, token=token, expires=BEGUN + 5)
        assert owning.end_of(permit, key("ada")) == 0
    true = Permit(id=taken.id, audience="", owner="", permissions=1, token=sign(key("ada"), taken), expires=1)
    assert owning.end_of(true, key("ada")) == BEGUN + 5


def test_one_revocation_too_many_says_what_shuts_people_out_all_the_same() -> None:
    names = [encode(index.to_bytes(16, "big")) for index in range(700)]
    full = RevocationList(sequence=1, issued=BEGUN).next(BEGUN, grants=names, ends=dict.fromkeys(names, BEGUN + 86_400))
    with pytest.raises(ValueError, match=r"^700 permissions .* until 2027-01-16, .*avl policy set DEVICE"):
        owning.revoking(key("ada"), full, BEGUN, jti("one more"), BEGUN + 5)
    assert owning.revoking(key("ada"), full, BEGUN + 86_400, jti("one more"), BEGUN + 90_000)
