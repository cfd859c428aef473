"""Devices: the list that people choose from, with what is known of each now."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from avl_relay.api.lists import PAGING, beyond, page, position
from avl_relay.api.operations import DONE, Answer, Call, Operation
from avl_relay.api.shapes import (
    NUMBER,
    SECONDS,
    TOKEN,
    Anything,
    Choice,
    Flag,
    Many,
    Perhaps,
    Record,
    Shape,
    Text,
    answer,
    invalid,
    page_of,
)
from avl_relay.api.sight import DEVICE as DEVICE_AUDIENCE
from avl_relay.api.sight import own_device, seen_device, sight_of
from avl_relay.live import Happening, Live
from avl_relay.store.cleaning import clean
from avl_relay.store.devices import ACTIVE, MOST, REVOKED, Device, Devices, in_groups, labelled, matching
from avl_relay.store.hashes import hashed
from avl_relay.store.passes import GOOD, Passes
from avl_relay.store.pictures import LastPictures
from avl_relay.store.statements import Statements
from avl_relay.store.tables import devices

NAME = Text(1, 1024, about="a name; what cannot be shown is left out, and it is kept to 128 characters")
LABEL = Text(1, 64, about="a label of 1 to 64 characters is expected")
SHOWN: dict[str, Shape] = {
    "number": NUMBER,
    "id": Text(34, 34),
    "name": Text(1, 128),
    "reported": Text(0, 128),
    "owner": Text(22, 22),
    "mine": Flag(),
    "owner_key": Anything(),
    "owner_thumbprint": Text(43, 43),
    "groups": Many(Text(1, 128), 10_000),
    "labels": Many(LABEL, MOST),
    "software": Text(0, 128),
    "system": Text(0, 128),
    "state": Choice((ACTIVE, REVOKED)),
    "online": Flag(),
    "since": Perhaps(SECONDS),
    "seen": Perhaps(SECONDS),
    "enrolled": SECONDS,
}
#: A device of the list.
DEVICE = answer(SHOWN)
#: One that was asked for: with what its owner has signed about it.
ONE = answer({**SHOWN, "signed": Many(TOKEN, 2)})
PASS = answer({"pass": Text(43, 43), "relay": Text(1, 512), "pin": Text(1, 256), "expires": SECONDS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where this relay is: `HOST:PORT`, and the pin that shows that it is the one."""

    relay: str
    pin: str


class DeviceList:
    """The resource. `place()` is where a viewer finds the devices."""

    def __init__(self, live: Live, *, place: Callable[[], Place], entropy: Callable[[int], bytes]) -> None:
        self._live, self._place, self._entropy = live, place, entropy

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        number = {"number": NUMBER}
        return (
            Operation(
                method="GET",
                path="/devices",
                handler=self.listed,
                summary="The devices that I see, by name",
                query={
                    **PAGING,
                    "query": Text(1, 128),
                    "group": Text(1, 128),
                    "label": LABEL,
                    "online": Flag(),
                },
                answers=page_of(DEVICE),
            ),
            Operation(
                method="GET",
                path="/devices/{number}",
                handler=self.get,
                summary="One device",
                parts=number,
                answers=ONE,
                says=("not-found",),
            ),
            Operation(
                method="PATCH",
                path="/devices/{number}",
                handler=self.change,
                summary="Another name, other labels",
                parts=number,
                body=Record({}, {"name": NAME, "labels": Many(LABEL, MOST)}),
                answers=DEVICE,
                says=("not-found",),
            ),
            Operation(
                method="DELETE",
                path="/devices/{number}",
                handler=self.revoke,
                summary="Revoke a device: it may not register here, its sessions end; deleted again, it is forgotten",
                parts=number,
                fresh=True,
                status=204,
                says=("not-found",),
            ),
            Operation(
                method="POST",
                path="/devices/{number}/pass",
                handler=self.let_in,
                summary="A pass for attaching to a device, good once",
                parts=number,
                status=201,
                answers=PASS,
                says=("not-found", "conflict"),
            ),
        )

    def show(self, device: Device, who: str) -> dict[str, Any]:
        """A device as it is answered."""
        since = self._live.online(device.number)
        return {
            "number": device.number,
            "id": "-".join(device.number[at : at + 4] for at in range(0, 28, 4)),
            "name": device.name,
            "reported": device.reported,
            "owner": device.owner,
            "mine": device.owner == who,
            "owner_key": device.owner_key,
            "owner_thumbprint": device.owner_thumbprint,
            "groups": device.groups,
            "labels": device.labels,
            "software": device.software,
            "system": device.system,
            "state": device.state,
            "online": since is not None,
            "since": since,
            "seen": device.seen,
            "enrolled": device.enrolled,
        }

    async def listed(self, call: Call) -> Answer:
        """GET /devices."""
        asked, row = call.query, devices.c
        conditions = []
        if "query" in asked:
            conditions.append(matching(asked["query"]))
        if "group" in asked:
            conditions.append(row.number.in_(in_groups([asked["group"]])))
        if "label" in asked:
            conditions.append(labelled(asked["label"]))
        if "online" in asked:
            here = row.number.in_(list(self._live.devices))
            conditions.append(here if asked["online"] else ~here)
        if "after" in asked:
            conditions.append(beyond((row.name, row.number), position(asked["after"], str, str)))
        sight = await sight_of(call.db, call.identity, call.now)
        found = await Devices(call.db).some(sight.narrowed(*conditions), asked["limit"] + 1)
        who = call.identity.person
        return page(found, asked["limit"], lambda one: self.show(one, who), lambda one: (one.name, one.number))

    async def get(self, call: Call) -> Answer:
        """GET /devices/{number}."""
        device = await seen_device(call.db, call.identity, call.path["number"], call.now)
        about = DEVICE_AUDIENCE + device.number
        signed = await Statements(call.db).signed_about(device.owner_thumbprint, about)
        return Answer({**self.show(device, call.identity.person), "signed": signed})

    async def change(self, call: Call) -> Answer:
        """PATCH /devices/{number}."""
        number, known = call.path["number"], Devices(call.db)
        device = await own_device(call.db, call.identity, number, call.now)
        if "name" in call.body:
            await known.rename(device, cleaned(call.body["name"], "/name"))
        if "labels" in call.body:
            await known.set_labels(number, [cleaned(label, "/labels") for label in call.body["labels"]])
        changed = await known.one(number)
        assert changed is not None
        self._announce(call, changed.number, {"number": number, "name": changed.name})
        return Answer(self.show(changed, call.identity.person))

    async def revoke(self, call: Call) -> Answer:
        """DELETE /devices/{number}."""
        number = call.path["number"]
        device = await own_device(call.db, call.identity, number, call.now)
        if device.state == REVOKED:
            await Devices(call.db).remove(number)
            self._announce(call, number, {"number": number, "may": None})
            return DONE
        await Devices(call.db).set_state(number, REVOKED)
        await Passes(call.db).drop(device=number)
        await LastPictures(call.db).drop(number)
        self._announce(call, number, {"number": number, "state": REVOKED, "may": False})
        call.afterwards(lambda: self._live.send_away(number))
        return DONE

    async def let_in(self, call: Call) -> Answer:
        """POST /devices/{number}/pass."""
        device = await seen_device(call.db, call.identity, call.path["number"], call.now)
        if device.state != ACTIVE:
            raise invalid("number", "this device was revoked")
        secret, passes = self._entropy(32), Passes(call.db)
        await passes.forget_old(call.now)
        await passes.add(
            hash=hashed(secret),
            device=device.number,
            person=call.identity.person,
            now=call.now,
            expires=call.now + GOOD,
        )
        place = self._place()
        shown = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
        return Answer({"pass": shown, "relay": place.relay, "pin": place.pin, "expires": call.now + GOOD}, 201)

    def _announce(self, call: Call, number: str, about: dict[str, Any]) -> None:
        call.afterwards(lambda: self._live.announce(Happening(kind="device", device=number, about=about)))


def cleaned(text: str, at: str) -> str:
    """A name that a person gave. Raises Problem where nothing of it can be shown."""
    kept = clean(text)
    if not kept:
        raise invalid(at, "nothing of this name can be shown")
    return kept
