"""Last pictures at a relay: whose key counts, who is given which picture, and when none is kept any more."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from avl_protocol.crypto.identity import Identity as Key
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.rights import jws
from avl_protocol.rights.statements import PictureKey, sign
from avl_protocol.wire.messages import About, LastPicture, Readers
from avl_protocol.wire.registry import MAX_CLOCK_SKEW, MAX_LAST_PICTURE, CloseCode, Permission
from avl_relay.accounts.tidying import tidy
from avl_relay.api.devices import DeviceList, Place
from avl_relay.api.grants import GrantList
from avl_relay.api.identity import Role
from avl_relay.api.people import PeopleList
from avl_relay.api.pictures import Pictures
from avl_relay.api.statements import StatementList
from avl_relay.live import Live
from avl_relay.store.devices import Devices
from avl_relay.store.engine import Store
from avl_relay.store.personkeys import PersonKeys
from avl_relay.store.pictures import MOST_KEYS, LastPictures, Left
from avl_relay.store.tables import last_pictures
from interop.bench.attack.hops import CLOCK
from tests.relay.apis import BEGUN, Desk, Hands, who
from tests.relay.owners import ROLES, granted, jti, key, number, person, revoked, settle_in
from tests.relay.test_api_devices import Doing
from tests.relay.test_control import NUMBER, code_of, premises, until
from tests.relay.visiting import Relay

DAY = 86_400
ON_DESK = f"device:{number('desk')}"


def public(name: str) -> bytes:
    """What pictures for a browser are sealed to."""
    return hashlib.sha256(f"browser {name}".encode()).digest()


def shown(name: str) -> str:
    return jws.encode(public(name))


def token(browser: str, signer: Key, *, issued: int = BEGUN, expires: int = BEGUN + DAY) -> str:
    return sign(signer, PictureKey(key=public(browser), issued=issued, expires=expires))


class Scene:
    """A relay's API, with a device of Ada's that leaves pictures, and what is kept of it."""

    def __init__(self, store: Store) -> None:
        self.store, live = store, Live(wall=lambda: float(BEGUN))
        self.doing = Doing()
        live.join(self.doing, lambda news: None)
        statements = StatementList(live, entropy=entropy)
        self.desk = Desk(
            [
                Pictures(live),
                statements,
                GrantList(live, statements),
                PeopleList(live, page=lambda: "", entropy=entropy),
                DeviceList(live, place=lambda: Place(relay="", pin=""), entropy=entropy),
            ],
            store,
            {name: who(person(name), Role(role)) for name, role in ROLES.items()},
            Hands(),
        )

    async def key(self, browser: str, name: str, **times: int) -> int:
        body = {"token": token(browser, key(name), **times)}
        return (await self.desk.ask(name, "PUT", "/me/picture-key", body)).status_code

    async def give(self, name: str, holder: str, **more: object) -> None:
        body = {"chain": [granted("ada", name, holder, aud=ON_DESK, **more)]}
        assert (await self.desk.ask("ada", "POST", "/grants", body)).status_code == 201

    async def leave(self, browser: str, what: bytes = b"sealed", taken: int = BEGUN) -> None:
        async with self.store.writing() as db:
            left = Left(device=number("desk"), key=shown(browser), taken=taken, sealed=what)
            await LastPictures(db).keep(left, BEGUN)

    async def readers(self) -> dict[str, list[tuple[str, ...]]]:
        async with self.store.reading() as db:
            device = await Devices(db).one(number("desk"))
            assert device is not None
            found: dict[str, list[tuple[str, ...]]] = {}
            for reader in await LastPictures(db).readers(device, BEGUN):
                found.setdefault(reader.key, []).append(reader.tokens)
        return found

    async def picture(self, name: str, browser: str) -> bytes | None:
        """What somebody is given; None: nothing, and not that there is anything."""
        asked = f"/devices/{number('desk')}/pictures/{shown(browser)}"
        answer = await self.desk.ask(name, "GET", asked)
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200 and answer.json()["device"] == number("desk")
        return base64.urlsafe_b64decode(answer.json()["sealed"] + "==")

    async def listed(self, name: str, browser: str) -> tuple[list[str], bool]:
        told = (await self.desk.ask(name, "GET", f"/me/pictures/{shown(browser)}")).json()
        return [one["device"] for one in told["items"]], told["known"]

    async def kept(self) -> int:
        async with self.store.reading() as db:
            return int(await db.scalar(select(func.count()).select_from(last_pictures)) or 0)


@pytest.fixture
async def place(store: Store) -> AsyncIterator[Scene]:
    await settle_in(store, ("desk", "ada"), ("lab", "ben"))
    made = Scene(store)
    yield made
    await made.desk.close()


async def test_a_picture_key_counts_that_its_person_has_signed(place: Scene) -> None:
    ask = place.desk.ask
    wrong = (
        token("eve", key("ben")),  # another's signature
        token("eve", Key(b"s" * 32)),  # of nobody here
        token("eve", key("eve"), expires=BEGUN + 91 * DAY),
        token("eve", key("eve"), expires=BEGUN),
        token("eve", key("eve"), issued=BEGUN + MAX_CLOCK_SKEW + 1),
        token("eve", key("eve"))[:-4] + "AAAA",
        granted("eve", "g", "ben", aud=ON_DESK),
    )
    for one in wrong:
        answer = await ask("eve", "PUT", "/me/picture-key", {"token": one})
        assert answer.status_code in (403, 422) and answer.json()["code"] in ("forbidden", "unverified")
    assert await place.listed("eve", "eve") == ([], False)
    assert await place.key("eve", "eve") == await place.key("eve", "eve") == 200
    assert place.doing.read == 2
    assert await place.listed("eve", "eve") == ([], True)
    assert await place.key("eve", "ben") == 409  # a key of somebody else's is not taken over
    assert await place.listed("ben", "eve") == ([], False)
    for at in range(MOST_KEYS):
        assert await place.key(f"eve {at}", "eve") == 200
    known = [(await place.listed("eve", name))[1] for name in ("eve", *(f"eve {at}" for at in range(MOST_KEYS)))]
    assert known.count(True) == MOST_KEYS and known[-1]


async def test_a_person_sees_and_removes_picture_keys_of_hers_and_the_pictures_go_with_them(place: Scene) -> None:
    ask = place.desk.ask
    for browser in ("old", "new"):
        await place.key(browser, "ada")
        await place.leave(browser)
    await place.key("ben", "ben")
    items = (await ask("ada", "GET", "/me/picture-keys")).json()["items"]
    assert {one["key"] for one in items} == {shown("old"), shown("new")} and items[0]["created"] == BEGUN
    assert (await ask("ada", "DELETE", f"/me/picture-keys/{shown('ben')}")).json()["code"] == "not-found"
    read = place.doing.read
    assert (await ask("ada", "DELETE", f"/me/picture-keys/{shown('old')}")).status_code == 204
    assert await place.picture("ada", "old") is None and await place.picture("ada", "new") == b"sealed"
    assert (await place.kept(), place.doing.read) == (1, read + 1) and set(await place.readers()) == {shown("new")}
    assert [one["key"] for one in (await ask("ada", "GET", "/me/picture-keys")).json()["items"]] == [shown("new")]


async def test_a_host_is_told_of_its_owner_and_of_who_may_look(place: Scene) -> None:
    for name in ("ada", "ben", "eve"):
        await place.key(name, name)
    assert await place.readers() == {shown("ada"): [(token("ada", key("ada")),)]}
    await place.give("look", "ben")
    await place.give("type", "eve", permissions=Permission.KEYBOARD)
    found = await place.readers()
    assert set(found) == {shown("ada"), shown("ben")}
    assert found[shown("ben")] == [(granted("ada", "look", "ben", aud=ON_DESK), token("ben", key("ben")))]
    answer = await place.desk.ask("root", "PATCH", f"/people/{person('ben')}", {"state": "disabled"})
    assert answer.status_code == 200
    assert set(await place.readers()) == {shown("ada")}


async def test_a_picture_is_given_to_who_it_is_for_alone(place: Scene) -> None:
    for name in ("ada", "ben", "eve", "root"):
        await place.key(name, name)
    await place.give("look", "ben")
    await place.leave("ben", b"older")
    await place.leave("ben", b"for ben", taken=BEGUN + 5)
    await place.leave("ada", b"for ada")
    await place.leave("eve", b"a mistake")  # she holds nothing
    assert await place.picture("ben", "ben") == b"for ben"
    assert await place.listed("ben", "ben") == ([number("desk")], True)
    assert await place.picture("ada", "ada") == b"for ada"
    for name in ("ada", "eve", "root", "adm"):  # nor who administers the relay, and sees every device
        assert await place.picture(name, "ben") is None
        assert await place.listed(name, "ben") == ([], False)
    assert await place.picture("eve", "eve") is None
    assert await place.picture("root", "root") is None


async def test_what_was_left_goes_with_grant_device_and_key(place: Scene) -> None:
    for name in ("ada", "ben"):
        await place.key(name, name)
    await place.give("look", "ben")
    await place.leave("ada")
    await place.leave("ben")
    list_ = {"revocation": revoked("ada", 1, "look")}
    assert (await place.desk.ask("ada", "DELETE", f"/grants/{jti('look')}", list_)).status_code == 204
    assert await place.kept() == 1 and await place.picture("ben", "ben") is None
    assert await place.picture("ada", "ada") is not None
    assert (await place.desk.ask("ada", "DELETE", f"/devices/{number('desk')}")).status_code == 204
    assert await place.kept() == 0
    async with place.store.writing() as db:
        await Devices(db).set_state(number("desk"), "active")
    await place.leave("ada")
    async with place.store.writing() as db:
        await PersonKeys(db).drop(person("ada"))
    assert await place.kept() == 0 and not await place.readers()


async def test_what_expires_is_given_to_nobody_and_dropped(place: Scene) -> None:
    await place.key("ben", "ben")
    await place.give("look", "ben", expires=BEGUN + 60)
    await place.leave("ben")
    place.desk.clock.now += 61
    assert await place.picture("ben", "ben") is None and await place.kept() == 1
    await tidy(Relay(place.store).premises, BEGUN + 61)
    assert await place.kept() == 0


async def test_a_host_leaves_what_it_was_told_to_and_a_relay_keeps_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avl_relay.control.plane.GATHERED", 0.1)
    async with premises(tmp_path / "relay") as place:
        await place.enrol()
        now = int(CLOCK.wall())
        async with place.store.writing() as db:
            await LastPictures(db).add_key(
                key=shown("ada"),
                person=person("ada"),
                signer=jws.thumbprint(key("ada").public),
                token=token("ada", key("ada"), issued=now, expires=now + DAY),
                expires=now + DAY,
                now=now,
            )

        async def kept() -> bytes | None:
            async with place.store.reading() as db:
                found = await LastPictures(db).one(NUMBER, person("ada"), shown("ada"))
            return None if found is None else found.sealed

        async def until_kept(what: bytes | None) -> None:
            seen = [await kept()]
            while seen[0] != what:
                await until(lambda: True)
                seen[0] = await kept()

        hop = await place.host()
        hop.hop.send(LastPicture(public("ada"), now, b"unasked"))
        hop.hop.send(About(name="desk", pictures=1))
        await until(lambda: any(isinstance(message, Readers) for message in place.heard), 10.0)
        (told,) = (message for message in place.heard if isinstance(message, Readers))
        assert told.readers == (token("ada", key("ada"), issued=now, expires=now + DAY),)
        assert await kept() is None
        hop.hop.send(LastPicture(public("eve"), now, b"for a stranger"))
        hop.hop.send(LastPicture(public("ada"), now, b"first"))
        hop.hop.send(LastPicture(public("ada"), now + 1, b"second"))
        await until_kept(b"second")
        hop.hop.send(About(name="desk"))
        await until_kept(None)
        hop.hop.send(LastPicture(public("ada"), now, bytes(MAX_LAST_PICTURE + 1)))
        assert await code_of(hop) is CloseCode.PROTOCOL_ERROR
