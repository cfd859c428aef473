"""Last pictures: what a host leaves at its relay, for whom, and how often (spec 11, 11.9)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from avl_host.audit.journal import MemoryJournal
from avl_host.lastpictures.photograph import Unpictured
from avl_protocol.crypto.identity import Identity
from avl_protocol.rights.effective import Consent
from avl_protocol.rights.jws import thumbprint
from avl_protocol.rights.lastpicture import open_picture
from avl_protocol.rights.statements import PictureKey, sign
from avl_protocol.wire.messages import LastPicture
from avl_protocol.wire.registry import PRESETS, Permission
from tests.protocol.rights_of import DAY, FRIEND, GUEST, OWNER, chain, grant_id
from tests.simulator.run import Simulation, run
from tests.simulator.world import HOST, system
from tests.system.seen import until
from tests.system.test_rights import Owned, owned

PRIVATE = {name: X25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in ("friend", "owner", "guest")}
#: Seconds between two pictures.
MINUTES = 60.0


class Desktop:
    """What is photographed."""

    def __init__(self) -> None:
        self.shows, self.looks, self.gone = b"a desktop", 0, False

    def photograph(self) -> bytes:
        self.looks += 1
        if self.gone:
            raise Unpictured("nothing is there")
        return self.shows


class Leaving:
    """A system whose host leaves pictures of a desktop."""

    def __init__(self, place: Owned, desktop: Desktop, journal: MemoryJournal) -> None:
        self.place, self.desktop, self._journal = place, desktop, journal
        self.s, self.host = place.s, place.host

    def key(self, name: str, signer: Identity, **changes: Any) -> str:
        public = PRIVATE[name].public_key().public_bytes_raw()
        plain = PictureKey(key=public, issued=self.place.wall, expires=self.place.wall + DAY)
        return sign(signer, replace(plain, **changes))

    def friend(self, permissions: Permission = PRESETS["VIEWER"], **changes: Any) -> str:
        """A row of READERS about the friend, by a grant."""
        granted = self.place.grant(permissions, holder=FRIEND.public, **changes)
        return " ".join([*chain((OWNER, granted)), self.key("friend", FRIEND)])

    def tell(self, *rows: str) -> None:
        relay = self.s.relay_instance
        assert relay is not None
        relay.tell_readers(self.host.agent.identity.number, rows)

    def opened(self, name: str) -> list[bytes]:
        """The pictures that somebody was left, in order."""
        public = PRIVATE[name].public_key().public_bytes_raw()
        return [self._open(name, one) for one in self.s.left if one.key == public]

    def _open(self, name: str, left: LastPicture) -> bytes:
        return open_picture(PRIVATE[name], self.host.agent.identity.number, left.taken, left.sealed)

    def logged(self) -> list[str]:
        """To whom the host's own log says that pictures are left."""
        return [str(dict(one.event)["holder"]) for one in self._journal.entries if one.kind == "pictures_left"]

    async def interval(self) -> None:
        await asyncio.sleep(MINUTES + 1)


@asynccontextmanager
async def leaving(simulation: Simulation, **settings: Any) -> AsyncIterator[Leaving]:
    desktop = Desktop()
    chosen = {"last_picture": MINUTES, **settings}
    async with system(simulation) as s:
        s.journal = journal = MemoryJournal(s.world(HOST, "host"))
        async with s.host(photograph=desktop.photograph, **chosen) as host:
            yield Leaving(await owned(s, host), desktop, journal)


def test_a_picture_is_left_now_and_then_where_it_is_another_and_only_its_reader_opens_it() -> None:
    async def scenario(simulation: Simulation) -> None:
        async with leaving(simulation) as place:
            assert place.desktop.looks == 0  # nobody may have any: nothing is captured
            await until(lambda: any(about.pictures for _, about in place.s.told))
            place.tell(place.friend(), place.key("owner", OWNER))
            await until(lambda: len(place.s.left) == 2)
            assert place.opened("friend") == place.opened("owner") == [b"a desktop"]
            assert {one.taken for one in place.s.left} <= {place.place.wall - 1, place.place.wall}
            place.desktop.shows = b"another"
            assert sorted(place.logged()) == sorted(map(thumbprint, (FRIEND.public, OWNER.public)))
            await asyncio.sleep(MINUTES - 5)
            assert place.desktop.looks == 1
            await asyncio.sleep(10)
            assert place.opened("friend") == place.opened("owner") == [b"a desktop", b"another"]
            await place.interval()
            assert place.desktop.looks == 3 and len(place.s.left) == 4  # nothing has changed
            place.desktop.gone = True
            await place.interval()
            place.desktop.gone, place.desktop.shows = False, b"back"
            await place.interval()
            assert place.opened("friend")[-1] == b"back"
            assert [line for line in place.host.said if "last picture" in line] == [
                "no last picture of this desktop can be left: nothing is there"
            ]

    run(scenario)


def test_a_picture_is_for_nobody_who_would_not_get_in_or_would_be_asked_about() -> None:
    async def scenario(simulation: Simulation) -> None:
        async with leaving(simulation) as place:
            friend = place.friend()
            grant, key = friend.split(" ")
            forged = [
                "",
                "rubbish",
                f"{friend} {key}",
                " ".join([grant, place.key("guest", GUEST)]),  # the relay's own key behind somebody's grant
                place.key("guest", GUEST),
                " ".join([*chain((GUEST, place.place.grant(holder=GUEST.public))), place.key("guest", GUEST)]),
                " ".join([grant, place.key("friend", FRIEND, expires=place.place.wall - 1)]),
            ]
            no_point = " ".join([grant, place.key("friend", FRIEND, key=bytes(32))])
            unfit = [
                place.friend(consent=Consent.FIRST),
                place.friend(consent=Consent.ALWAYS),
                place.friend(share=True),
                place.friend(uses=3),
                place.friend(Permission.KEYBOARD),
                place.friend(expires=place.place.wall - 1),
                place.friend(audience="group:elsewhere"),
            ]
            for rows in (forged, unfit):
                place.tell(*rows)
                await place.interval()
            assert not place.s.left and not place.desktop.looks
            place.tell(*forged[:4], *unfit, no_point, friend)
            await place.interval()
            assert place.opened("friend") == [b"a desktop"] and len(place.s.left) == 1

    run(scenario)


def test_who_loses_the_grant_is_left_nothing_more_whatever_the_relay_says() -> None:
    async def scenario(simulation: Simulation) -> None:
        async with leaving(simulation) as place:
            place.tell(place.friend())
            await until(lambda: bool(place.s.left))
            place.desktop.shows = b"later"
            place.place.say(place.place.revoke(grant_id("granted")))
            await place.interval()
            assert place.opened("friend") == [b"a desktop"] and place.desktop.looks == 1
            place.place.say(place.place.policy(browser=False))
            place.tell(place.key("owner", OWNER))
            await place.interval()
            assert not place.opened("owner")
            place.place.say(place.place.policy())
            await place.interval()
            assert place.opened("owner") == [b"later"]
            place.place.say(place.place.policy(consent=Consent.ALWAYS))
            place.desktop.shows = b"not without asking"
            await place.interval()
            assert place.opened("owner") == [b"later"]

    run(scenario)


def test_without_being_set_a_host_leaves_no_pictures() -> None:
    async def scenario(simulation: Simulation) -> None:
        async with leaving(simulation, last_picture=None) as place:
            place.tell(place.friend())
            await place.interval()
            assert not place.s.left and not place.desktop.looks
            assert not any(about.pictures for _, about in place.s.told)

    run(scenario)


def test_a_relay_that_comes_back_is_left_the_picture_again() -> None:
    async def scenario(simulation: Simulation) -> None:
        async with leaving(simulation) as place:
            place.tell(place.friend())
            await until(lambda: bool(place.s.left))
            relay = place.s.relay_instance
            assert relay is not None
            await relay.close()
            told = len(place.s.told)
            relay = await place.s.start_relay()
            await until(lambda: len(place.s.told) > told)
            place.tell(place.friend())
            await place.interval()
            assert place.opened("friend") == [b"a desktop"] * 2
            person, key = thumbprint(FRIEND.public), PRIVATE["friend"].public_key().public_bytes_raw()
            assert place.host.agent.door.reader(tuple(place.friend().split(" "))) == (key, person)

    run(scenario)
