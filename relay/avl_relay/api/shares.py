"""Share links: whoever has the link uses a device, as far as its grant says. The secret is in the link alone; the relay
keeps what the link's holder asks for, and the hash of what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from avl_relay.api.devices import NAME, cleaned
from avl_relay.api.grants import CHAIN
from avl_relay.api.lists import PAGING, page, position
from avl_relay.api.operations import DONE, Answer, Call, Operation, Transaction, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import IDENTIFIER, NUMBER, SECONDS, TOKEN, Perhaps, Record, Text, Whole, answer, page_of
from avl_relay.api.sight import DEVICE, keys_of, seen_device
from avl_relay.api.signed import chained, own, signer_of, unverified
from avl_relay.api.statements import StatementList
from avl_relay.live import Happening, Live
from avl_relay.store.grants import Grants, Share
from avl_relay.store.passes import Passes
from avl_relay.store.tables import shares

LONGEST = 30 * 24 * 3600
HASH = Text(43, 43, "[A-Za-z0-9_-]{43}", "SHA-256 of the pass as base64url is expected")
SHARE = answer(
    {"id": IDENTIFIER, "device": NUMBER, "name": Text(1, 128), "expires": SECONDS, "created": SECONDS},
    {"jti": IDENTIFIER, "person": IDENTIFIER},
)
OPENED = answer({"id": IDENTIFIER, "device": NUMBER, "name": Text(1, 128), "chain": CHAIN, "expires": SECONDS})


class ShareList:
    """The resource."""

    def __init__(self, live: Live, statements: StatementList) -> None:
        self._live, self._statements = live, statements

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        one = {"id": IDENTIFIER}
        return (
            Operation(
                method="GET",
                path="/shares",
                handler=self.listed,
                summary="Share links that I have made",
                query={**PAGING, "device": NUMBER},
                answers=page_of(SHARE),
            ),
            Operation(
                method="POST",
                feature="share_links",
                path="/shares",
                handler=self.create,
                summary="A share link: its id and the hash of its pass come from its secret, which stays in the link",
                body=Record(
                    {"id": IDENTIFIER, "device": NUMBER, "chain": CHAIN, "pass_hash": HASH},
                    {"name": NAME, "uses": Perhaps(Whole(1, 1000))},
                ),
                creates=True,
                status=201,
                answers=SHARE,
                says=("turned-off", "unverified", "conflict", "not-found"),
            ),
            Operation(
                method="GET",
                path="/shares/{id}",
                handler=self.open,
                summary="What whoever has a link needs: the chain for its device",
                who=Who.ANYBODY,
                parts=one,
                answers=OPENED,
                says=("not-found",),
            ),
            Operation(
                method="DELETE",
                path="/shares/{id}",
                handler=self.remove,
                summary="No such link any more: with the revocation list that takes its grant back",
                parts=one,
                body=Record({}, {"revocation": TOKEN}),
                status=204,
                transaction=Transaction.WRITES,
                says=("not-found", "unverified", "conflict"),
            ),
        )

    async def listed(self, call: Call) -> Answer:
        """GET /shares."""
        asked, row = call.query, shares.c
        condition = row.id != "" if call.identity.administers else row.person == call.identity.person
        if "device" in asked:
            condition &= row.device == asked["device"]
        if "after" in asked:
            condition &= row.id > position(asked["after"], str)[0]
        found = await Grants(call.db).shares(condition, asked["limit"] + 1)
        return page(found, asked["limit"], _shown, lambda one: (one.id,))

    async def create(self, call: Call) -> Answer:
        """POST /shares."""
        body, who = call.body, call.identity
        chain = await chained(call.db, body["chain"])
        own(await signer_of(call.db, chain.tokens[-1]), who)
        device = await seen_device(call.db, who, body["device"], call.now)
        grant = chain.last
        if grant.audience != DEVICE + device.number or not grant.share:
            raise unverified("its grant is not for a share link of this device", "/chain")
        if device.owner_thumbprint != chain.owner.thumbprint:
            raise unverified("the device has not pinned the key of who signed it", "/chain/0")
        if not call.now < grant.expires <= call.now + LONGEST:
            raise unverified(f"a share link is good for {LONGEST // 86400} days at most", "/chain")
        share = Share(
            id=body["id"],
            device=device.number,
            person=who.person,
            owner=chain.owner.thumbprint,
            name=cleaned(body.get("name", device.name), "/name"),
            chain=list(chain.tokens),
            jti=grant.id,
            expires=grant.expires,
            created=call.now,
        )
        await Grants(call.db).add_share(share)
        await Passes(call.db).add(
            hash=body["pass_hash"],
            device=device.number,
            person=who.person,
            now=call.now,
            expires=grant.expires,
            uses=body.get("uses") or grant.uses,
            share=share.id,
        )
        return Answer(_shown(share), 201)

    async def open(self, call: Call) -> Answer:
        """GET /shares/{id}."""
        found = await Grants(call.db).shares(shares.c.id == call.path["id"], 1)
        if not found or found[0].expires <= call.now:
            raise Problem("not-found", "This link is not good any more: it has ended, was used up or was taken back.")
        share = found[0]
        shown = {"id": share.id, "device": share.device, "name": share.name}
        return Answer({**shown, "chain": share.chain, "expires": share.expires})

    async def remove(self, call: Call) -> Answer:
        """DELETE /shares/{id}."""
        found, who = await Grants(call.db).shares(shares.c.id == call.path["id"], 1), call.identity
        if not found or (found[0].person != who.person and not who.administers):
            raise Problem("not-found", "there is no such link of yours")
        share = found[0]
        if "revocation" in call.body:
            token = call.body["revocation"]
            await self._statements.keep_revocation(call, token, own(await signer_of(call.db, token), who))
            if await Grants(call.db).shares(shares.c.id == share.id, 1):
                raise unverified("the list does not name the grant of this link", "/revocation")
        elif share.owner in await keys_of(call.db, who.person):
            raise Problem("conflict", "the list that takes its grant back is missing: the host would go on taking it")
        await Grants(call.db).remove_share(share.id)
        about = {"share": share.id}
        call.afterwards(lambda: self._live.announce(Happening(kind="rights", device=share.device, about=about)))
        return DONE


def _shown(share: Share) -> dict[str, Any]:
    return {
        "id": share.id,
        "device": share.device,
        "name": share.name,
        "jti": share.jti,
        "person": share.person,
        "expires": share.expires,
        "created": share.created,
    }
