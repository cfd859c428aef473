"""Pictures: the last picture of each device, which its host has sealed to somebody's browser, and nobody else is given
(spec 11, 11.9)."""

from __future__ import annotations

from collections.abc import Sequence

from avl_protocol.rights import jws
from avl_protocol.rights.statements import PictureKey
from avl_protocol.wire.registry import MAX_CHAIN, MAX_CLOCK_SKEW, MAX_LAST_PICTURE
from avl_relay.api.operations import DONE, Answer, Call, Operation
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import NUMBER, SECONDS, Flag, Many, Record, Text, answer, page_of
from avl_relay.api.sight import seen_device
from avl_relay.api.signed import own, signer_of, unverified, verified
from avl_relay.live import Live
from avl_relay.store.pictures import LastPictures

KEY = Text(43, 43, "[A-Za-z0-9_-]{43}", "a picture key is expected, 32 bytes as base64url")
TOKEN = Text(
    1, MAX_CHAIN, r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", "a signed picture key (JWS compact) is expected"
)
#: Characters of a sealed picture.
LONGEST = (MAX_LAST_PICTURE + 2) // 3 * 4
SEALED = Text(1, LONGEST, about="what the host has sealed, as base64url")
#: Devices of which pictures are told.
MOST = 10_000


class Pictures:
    """The resource."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="PUT",
                path="/me/picture-key",
                handler=self.keep_key,
                summary="What this browser of mine opens last pictures with, signed with my key",
                body=Record({"token": TOKEN}),
                answers=answer({"key": KEY, "expires": SECONDS}),
                says=("unverified", "conflict"),
            ),
            Operation(
                method="GET",
                path="/me/picture-keys",
                handler=self.keys,
                summary="The browsers of mine for which hosts may leave last pictures",
                answers=page_of(answer({"key": KEY, "created": SECONDS, "expires": SECONDS})),
            ),
            Operation(
                method="DELETE",
                path="/me/picture-keys/{key}",
                handler=self.drop_key,
                summary="Hosts leave pictures for that browser no more, and those that they have left are deleted",
                parts={"key": KEY},
                status=204,
                says=("not-found",),
            ),
            Operation(
                method="GET",
                path="/me/pictures/{key}",
                handler=self.listed,
                summary="Of which devices there are pictures for a key of mine, and whether that key is known",
                parts={"key": KEY},
                answers=answer(
                    {"items": Many(answer({"device": NUMBER, "taken": SECONDS}), MOST), "known": Flag()},
                ),
            ),
            Operation(
                method="GET",
                path="/devices/{number}/pictures/{key}",
                handler=self.get,
                summary="The last picture of a device, sealed to a key of mine",
                parts={"number": NUMBER, "key": KEY},
                answers=answer({"device": NUMBER, "taken": SECONDS, "sealed": SEALED}),
                says=("not-found",),
            ),
        )

    async def keep_key(self, call: Call) -> Answer:
        """PUT /me/picture-key."""
        token = call.body["token"]
        signer = own(await signer_of(call.db, token), call.identity)
        said = verified(PictureKey, token, signer.key)
        if not said.issued - MAX_CLOCK_SKEW <= call.now < said.expires:
            raise unverified("it is not good now: set the clock that is wrong", "/token")
        key = jws.encode(said.key)
        await LastPictures(call.db).add_key(
            key=key,
            person=call.identity.person,
            signer=signer.thumbprint,
            token=token,
            expires=said.expires,
            now=call.now,
        )
        call.afterwards(self._live.read_anew)
        return Answer({"key": key, "expires": said.expires})

    async def keys(self, call: Call) -> Answer:
        """GET /me/picture-keys."""
        found = await LastPictures(call.db).keys(call.identity.person, call.now)
        items = [{"key": key, "created": created, "expires": expires} for key, created, expires in found]
        return Answer({"items": items, "next": None})

    async def drop_key(self, call: Call) -> Answer:
        """DELETE /me/picture-keys/{key}."""
        if not await LastPictures(call.db).drop_key(call.identity.person, call.path["key"]):
            raise Problem("not-found", "that is no picture key of yours")
        call.afterwards(self._live.read_anew)
        return DONE

    async def listed(self, call: Call) -> Answer:
        """GET /me/pictures/{key}."""
        person, key = call.identity.person, call.path["key"]
        found = await LastPictures(call.db).of(person, key)
        items = [{"device": device, "taken": taken} for device, taken in found[:MOST]]
        return Answer({"items": items, "known": await LastPictures(call.db).known(person, key, call.now)})

    async def get(self, call: Call) -> Answer:
        """GET /devices/{number}/pictures/{key}."""
        device = await seen_device(call.db, call.identity, call.path["number"], call.now)
        pictures, key = LastPictures(call.db), call.path["key"]
        left = await pictures.one(device.number, call.identity.person, key)
        if left is None or key not in {reader.key for reader in await pictures.readers(device, call.now)}:
            raise Problem("not-found", "there is no picture for this key")
        return Answer({"device": left.device, "taken": left.taken, "sealed": jws.encode(left.sealed)})
